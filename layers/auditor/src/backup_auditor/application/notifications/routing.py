"""Find the channel of a message in the current registry."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from backup_auditor.domain.outbox import EVENT_CHANNEL, Channel, OutboxMessage
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import BackupAuditorError, RegistryError


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes."""

    channel: Channel | None
    """`None` if the project certainly no longer has the channel."""
    alternatives: tuple[Channel, ...] = ()
    """The project's channels of the same kind: one of them can be the corrected name of the channel."""


class RegistryReader(Protocol):
    """Reads the registry."""

    def __call__(self, *, fresh: bool) -> Registry:
        """Return the registry; with `fresh` not from a cache. Raises `RegistryError` and `DocumentError`."""


class ChannelRouter:
    """Finds the routes of one delivery run. The registry, or the error of reading it, is cached."""

    def __init__(self, read_registry: RegistryReader) -> None:
        """Take the reader of the registry, which is not called while only events are pending."""
        self._read_registry = read_registry
        self._registries: dict[bool, Registry | BackupAuditorError] = {}

    def find_route(self, message: OutboxMessage) -> Route:
        """Return the route of a message.

        Raises `RegistryError` and `DocumentError` if it is unknown: an invalid registry must not lose an alert.
        """
        if message.channel_id == EVENT_CHANNEL.channel_id:
            return Route(EVENT_CHANNEL)
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
    """Find the route in the current registry. Raises `RegistryError` if an invalid entry can be the project."""
    if registry.errors and all(it.name != message.project for it in registry.projects):
        problems = "; ".join(registry.format_error(it) for it in registry.errors[:3])
        raise RegistryError(f"{message.project} may be one of the invalid registry entries; correct them: {problems}")
    alternatives = (it for it in _list_channels(registry, message) if message.channel_id.startswith(f"{it.kind}:"))
    return Route(_find_channel(registry, message), tuple(alternatives))
