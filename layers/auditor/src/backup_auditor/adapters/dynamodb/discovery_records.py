"""Convert what is known about an organization to compressed JSON, and back: 500 projects are one small item."""

import zlib

from pydantic import TypeAdapter

from backup_auditor.domain.discovery_notice import DiscoveryNotice, DiscoveryState

_STATE = TypeAdapter(DiscoveryState)
_NOTICE = TypeAdapter(DiscoveryNotice)


def pack_state(state: DiscoveryState) -> bytes:
    """Return a state as compressed JSON."""
    return zlib.compress(_STATE.dump_json(state))


def unpack_state(content: bytes) -> DiscoveryState:
    """Return the state that `pack_state` wrote. Raises `ValueError` and `zlib.error` if it is damaged."""
    return _STATE.validate_json(zlib.decompress(content))


def pack_notice(notice: DiscoveryNotice) -> bytes:
    """Return a notice as compressed JSON."""
    return zlib.compress(_NOTICE.dump_json(notice))


def unpack_notice(content: bytes) -> DiscoveryNotice:
    """Return the notice that `pack_notice` wrote. Raises `ValueError` and `zlib.error` if it is damaged."""
    return _NOTICE.validate_json(zlib.decompress(content))
