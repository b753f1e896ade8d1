"""Which channel a message is for, by what is registered now: what is certainly not wanted any more, and what may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import BackupAuditorError, RegistryError

_EVENT_CHANNEL = Channel(ChannelKind.EVENTS, "")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes."""

    channel: Channel | None
    """`None` where its project is known to have that channel no more."""
    alternatives: tuple[Channel, ...] = ()
    """Then the project's channels of the same kind: one of them may be the same by its right name."""


class RegistryReader(Protocol):
    """Reads the registry."""

    def __call__(self, *, fresh: bool) -> Registry:
        """Return it; `fresh` as it is now, whatever is remembered. Raises `RegistryError` and `DocumentError`."""


class ChannelRouter:
    """The channels of one delivery. What is read, or cannot be, is read once."""

    def __init__(self, read_registry: RegistryReader) -> None:
        """Take what reads the registry; it is not read where only events are due."""
        self._read_registry = read_registry
        self._registries: dict[bool, Registry | BackupAuditorError] = {}

    def find_route(self, message: OutboxMessage) -> Route:
        """Return where a message goes now.

        Raises `RegistryError` and `DocumentError` where that cannot be known: a mistake may not cost an alert.
        """
        if message.channel_id == _EVENT_CHANNEL.channel_id:  # every project has it
            return Route(_EVENT_CHANNEL)
        channel = _find_channel(self._load_registry(fresh=False), message)
        return Route(channel) if channel else _find_current_route(self._load_registry(fresh=True), message)

    def _load_registry(self, *, fresh: bool) -> Registry:
        if fresh not in self._registries:
            try:
                self._registries[fresh] = self._read_registry(fresh=fresh)
            except BackupAuditorError as error:
                self._registries[fresh] = error
        result = self._registries[fresh]
        if isinstance(result, BackupAuditorError):
            raise result
        return result


def _find_channel(registry: Registry, message: OutboxMessage) -> Channel | None:
    return next((it for it in _list_channels(registry, message) if it.channel_id == message.channel_id), None)


def _list_channels(registry: Registry, message: OutboxMessage) -> Iterator[Channel]:
    return (channel for it in registry.projects if it.name == message.project for channel in it.channels)


def _find_current_route(registry: Registry, message: OutboxMessage) -> Route:
    """Find a channel in the registry as it is now, of which no mistake may hide it."""
    if registry.errors and all(it.name != message.project for it in registry.projects):
        problems = "; ".join(registry.format_error(it) for it in registry.errors[:3])
        raise RegistryError(f"{message.project} may be one of the entries with a mistake: {problems}")
    alternatives = (it for it in _list_channels(registry, message) if message.channel_id.startswith(f"{it.kind}:"))
    return Route(_find_channel(registry, message), tuple(alternatives))
