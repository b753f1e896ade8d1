"""The live indexes as they were within the last second: one listing serves all that act at the same time."""

from threading import Lock

from backup_auditor.adapters.pinecone.deadline import Monotonic
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.domain.facts import Index
from backup_auditor.domain.listing import Walk
from backup_auditor.errors import NotFoundError, UnavailableError

_RECENT = 1.0
"""Seconds."""


class RecentIndexes:
    """Looks indexes up by name. Safe to use from many threads: who waits for a listing takes it, slow as it may be."""

    def __init__(self, reader: PineconeReader, monotonic: Monotonic) -> None:
        """List nothing yet."""
        self._reader = reader
        self._monotonic = monotonic
        self._listed: tuple[float, Walk[Index]] | None = None
        self._lock = Lock()

    def find(self, name: str) -> Index:
        """Return an index. Raises any `PineconeError`, `NotFoundError` where there is none of that name."""
        asked = self._monotonic()
        with self._lock:
            if self._listed is None or asked - self._listed[0] > _RECENT:
                self._listed = self._monotonic(), self._reader.indexes()
            walk = self._listed[1]
        found = next((it for it in walk.rows if it.name == name), None)
        if found is not None:
            return found
        if walk.broken is not None:
            raise UnavailableError(f"{walk.broken.what}: {walk.broken.error}")
        raise NotFoundError(f"no index is called {name}")
