"""What is remembered of a project between audits: enough to tell new from old, and deletion from expiry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.finding import Resource, Severity
from backup_auditor.domain.history import PAST_AUDITS, Drift, PastAudit


class FindingState(StrEnum):
    """Where a known finding stands."""

    OPEN = "open"
    EXEMPTED = "exempted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding that was non-compliant at least once."""

    fingerprint: str
    control: str
    resource: Resource
    severity: Severity
    state: FindingState
    first_seen: datetime
    """When it was first found; reopening does not change it."""
    times: int
    """How often it was opened; 0 while it has only ever been exempted."""
    changed_at: datetime
    """When it was last opened or resolved, or first exempted."""
    changed_by: str
    """The id of the audit that did so, so that the same audit, delivered twice, says the same."""


@dataclass(frozen=True, slots=True)
class KnownBackup:
    """A backup that was listed as `Ready`, and that has not been given up since."""

    backup_id: str
    index_id: str
    index_name: str
    name: str | None
    schedule_id: str | None
    """The schedule whose history listed it last; `None` where none ever did."""
    captured_at: datetime | None
    expires: bool | None
    """Whether it expires at all: `False` for a manual one, `None` where nothing tells."""
    expires_at: datetime | None
    """When it should expire, by the least retention known since it was last listed; `None` where nothing tells."""
    known_since: datetime
    """The moment of the audit that listed it first."""

    def is_over(self, observed_at: datetime) -> bool:
        """Tell whether it need not be listed any more: it has expired, or nothing tells that it has not."""
        if self.expires is False:
            return False
        return self.expires_at is None or self.expires_at <= observed_at


@dataclass(frozen=True, slots=True)
class KnownSchedule:
    """A schedule's settings as the last complete audit saw them."""

    schedule_id: str
    index_name: str
    name: str | None
    frequency: str | None
    retention: timedelta | None
    enabled: bool | None


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """A live index as the last complete audit saw it."""

    name: str
    index_id: str | None
    first_seen: datetime
    deletion_protection: bool | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that is remembered of a project. Empty before its first audit."""

    revision: int = 0
    """Grows with each recording; a store refuses one that was not made from the latest."""
    audit_id: str | None = None
    """The last audit that was recorded; `None` before the first, and once all were discarded."""
    observed_at: datetime | None = None
    complete_at: datetime | None = None
    """When the last complete audit was; drift is told since then."""
    policy_sha256: str | None = None
    """The policy of the last complete audit."""
    findings: Mapping[str, KnownFinding] = field(default_factory=dict)
    """By fingerprint."""
    backups: Mapping[str, KnownBackup] = field(default_factory=dict)
    """By backup id."""
    schedules: Mapping[str, KnownSchedule] = field(default_factory=dict)
    """By schedule id."""
    indexes: Mapping[str, KnownIndex] = field(default_factory=dict)
    """By name."""
    drift: tuple[Drift, ...] = ()
    """What the last audit told of drift, so that the same audit, delivered twice, says the same."""
    history: tuple[PastAudit, ...] = ()
    """The last audits, the oldest first: the one recorded last, and those that its report tells of."""
    pinecone_project_id: str | None = None
    """Pinecone's id of the project, once an audit knew it; it never changes after that."""

    def history_before(self, observed_at: datetime) -> tuple[PastAudit, ...]:
        """Return the last audits before a moment, as many as a report tells of."""
        return tuple(it for it in self.history if it.observed_at < observed_at)[-PAST_AUDITS:]


NOTHING = Memory()
"""What is remembered before the first audit."""
