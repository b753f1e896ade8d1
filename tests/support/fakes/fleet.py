"""A store and an archive of the pages of the fleet in memory."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.fleet_record import FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.errors import EvidenceError
from backup_auditor.rendering.text import encode_pieces


@dataclass
class FakeFleetStore:
    """A `FleetStore` in memory."""

    pages: list[FleetPage] = field(default_factory=list)
    digests: dict[str, RecordedDigest] = field(default_factory=dict)
    messages: list[OutboxMessage] = field(default_factory=list)
    night: datetime | None = None

    def load_records(self, channel_ids: Iterable[str]) -> FleetRecords:
        """Return the last page, the digests of some channels, and the last night."""
        known_digests = {it: self.digests[it] for it in channel_ids if it in self.digests}
        return FleetRecords(self.pages[-1] if self.pages else None, known_digests, self.night)

    def record_night(self, night: datetime) -> None:
        """Record when the last night began."""
        self.night = night

    def record_page(
        self,
        page: FleetPage,
        last_page: FleetPage | None,
        messages: Sequence[OutboxMessage],
        digest: RecordedDigest,
    ) -> bool:
        """Record a page and its messages if the page before it is still the last one."""
        if (self.pages[-1] if self.pages else None) != last_page:
            return False
        self.pages.append(page)
        self.messages += messages
        self.digests |= {it.channel_id: digest for it in messages}
        return True


@dataclass
class FakeFleetArchive:
    """A `FleetArchive` and a reader of its files, in memory."""

    files: dict[str, bytes] = field(default_factory=dict)
    page_error: EvidenceError | None = None
    """The error of storing an HTML page."""

    def store_fleet(self, night: datetime, revision: int, document: Iterable[str]) -> StoredFile | None:
        """Store a document unless another one has its name."""
        return self._store(f"s3://evidence/.fleet/{night:%Y-%m-%dT%H%M%SZ}/fleet.{revision}.json", document)

    def store_fleet_page(self, document: StoredFile, page: Iterable[str]) -> StoredFile:
        """Store a page next to its document."""
        if self.page_error is not None:
            raise self.page_error
        stored_file = self._store(document.location.replace(".json", ".html"), page)
        assert stored_file is not None
        return stored_file

    def _store(self, location: str, pieces: Iterable[str]) -> StoredFile | None:
        content = b"".join(encode_pieces(pieces))
        if self.files.setdefault(location, content) != content:
            return None
        return StoredFile(location, hashlib.sha256(content).hexdigest())
