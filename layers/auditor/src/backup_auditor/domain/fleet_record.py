"""What is recorded about the nights of the fleet: its last page, and the last digest of each channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.timefmt import format_moment


@dataclass(frozen=True, slots=True)
class FleetPage:
    """One revision of the page of one night."""

    night: datetime
    """When the night began."""
    revision: int
    """1 for the first page of a night; each correction has the next number."""
    content_sha256: str
    """The hash of what the page says, without night, revision, and figures that move from audit to audit. Another hash
    is a correction."""
    document: StoredReport
    """The stored page, as JSON and as HTML."""


@dataclass(frozen=True, slots=True)
class RecordedDigest:
    """The last digest that was recorded for a channel."""

    night: datetime
    results_sha256: str
    """The hash of the results that it reported."""
    document: StoredFile
    """The page that it is about."""


@dataclass(frozen=True, slots=True)
class FleetRecords:
    """The last page, the last digests by the ids of their channels, and the last night."""

    page: FleetPage | None = None
    digests: Mapping[str, RecordedDigest] = field(default_factory=dict)
    night: datetime | None = None
    """When the last night began, which may have no page yet; `None` before the first night."""


@dataclass(frozen=True, slots=True)
class FleetComparison:
    """What a digest of the fleet is rendered from: a page, and the page of the digest before it."""

    page: FleetPage
    previous: StoredFile | None
    """`None` for the first digest of a channel."""

    @property
    def subject_id(self) -> str:
        """The id of the page."""
        return f"fleet/{format_moment(self.page.night)}/{self.page.revision}"
