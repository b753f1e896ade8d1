"""Which channel a message is for, by what is registered now: what is certainly not wanted any more, and what may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import BackupAuditorError, RegistryError

_EVENTS = Channel(ChannelKind.EVENTS, "")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes."""

    channel: Channel | None
    """`None` where its project is known to have that channel no more."""
    instead: tuple[Channel, ...] = ()
    """Then the project's channels of the same kind: one of them may be the same by its right name."""


class ReadRegistry(Protocol):
    """Reads the registry."""

    def __call__(self, *, fresh: bool) -> Registry:
        """Return it; `fresh` as it is now, whatever is remembered. Raises `RegistryError` and `DocumentError`."""


class ChannelRouter:
    """The channels of one delivery. What is read, or cannot be, is read once."""

    def __init__(self, read: ReadRegistry) -> None:
        """Take what reads the registry; it is not read where only events are due."""
        self._read = read
        self._known: dict[bool, Registry | BackupAuditorError] = {}

    def address_of(self, message: OutboxMessage) -> Route:
        """Return where a message goes now.

        Raises `RegistryError` and `DocumentError` where that cannot be known: a mistake may not cost an alert.
        """
        if message.channel_id == _EVENTS.channel_id:  # every project has it
            return Route(_EVENTS)
        found = _found(self._registry(fresh=False), message)
        return Route(found) if found else _wanted(self._registry(fresh=True), message)

    def _registry(self, *, fresh: bool) -> Registry:
        if fresh not in self._known:
            try:
                self._known[fresh] = self._read(fresh=fresh)
            except BackupAuditorError as error:
                self._known[fresh] = error
        known = self._known[fresh]
        if isinstance(known, BackupAuditorError):
            raise known
        return known


def _found(registry: Registry, message: OutboxMessage) -> Channel | None:
    return next((it for it in _channels(registry, message) if it.channel_id == message.channel_id), None)


def _channels(registry: Registry, message: OutboxMessage) -> Iterator[Channel]:
    return (channel for it in registry.projects if it.name == message.project for channel in it.channels)


def _wanted(registry: Registry, message: OutboxMessage) -> Route:
    """Find a channel in the registry as it is now, of which no mistake may hide it."""
    if registry.mistakes and all(it.name != message.project for it in registry.projects):
        told = "; ".join(registry.told(it) for it in registry.mistakes[:3])
        raise RegistryError(f"{message.project} may be one of the entries with a mistake: {told}")
    of_its_kind = (it for it in _channels(registry, message) if message.channel_id.startswith(f"{it.kind}:"))
    return Route(_found(registry, message), tuple(of_its_kind))
