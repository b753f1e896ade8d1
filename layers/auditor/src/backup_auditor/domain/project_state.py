"""The state of a project: what is stored between audits to tell new from old and deletion from expiry."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.finding import Finding, Resource, Severity

MAX_PAST_AUDITS = 30
"""Of how many audits before it a report tells."""


@dataclass(frozen=True, slots=True)
class ResolvedFinding:
    """A finding of an earlier audit that is no longer one."""

    fingerprint: str
    control: str
    resource: Resource
    severity: Severity
    """What it had when it was last found."""
    first_seen: datetime
    resolved_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that changed since the last complete audit."""

    change: str
    """A short phrase, always the same for the same kind of change."""
    resource: Resource
    before: object
    """JSON: what was, and for a schedule, which one; `None` where there was nothing."""
    after: object


@dataclass(frozen=True, slots=True)
class PastAudit:
    """How much an audit found open, and whether that was all there was to find."""

    observed_at: datetime
    is_complete: bool
    open_counts: Mapping[Severity, int]
    """By every severity, the worst first."""


def count_open_by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Count open findings by every severity, the worst first."""
    counts = Counter(it.severity for it in findings if it.is_open)
    return {it: counts[it] for it in reversed(Severity)}


REPORTING_PERIOD = timedelta(days=30)
"""How long a backup that would never have expired is reported after it was first missed."""


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
    times_opened: int
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
    missed_at: datetime | None = None
    """The moment of the audit that first found it missing before its expiry; `None` while it is listed, or has expired.

    From then on its expiry stays as it was known at that moment.
    """

    def is_no_longer_expected(self, observed_at: datetime) -> bool:
        """Tell whether it need not be listed any more: it has expired, or nothing tells that it has not.

        One that never expires is reported for a limited time.
        """
        if self.expires is False:
            return self.missed_at is not None and observed_at - self.missed_at >= REPORTING_PERIOD
        return self.expires_at is None or self.expires_at <= observed_at


@dataclass(frozen=True, slots=True)
class EarlierSettings:
    """Settings that a schedule had before those it has now, as audits saw them."""

    since: datetime
    """The first audit that saw them."""
    until: datetime
    """The last audit that saw them."""
    frequency: str | None
    retention: timedelta | None
    enabled: bool | None


@dataclass(frozen=True, slots=True)
class KnownSchedule:
    """A schedule's settings as the last audit that read them saw them, and those that it had before."""

    schedule_id: str
    index_name: str
    name: str | None
    frequency: str | None
    retention: timedelta | None
    enabled: bool | None
    since: datetime | None = None
    """The first audit that saw these settings; `None` in a state that kept no history: the last complete audit did."""
    seen_at: datetime | None = None
    """The last audit that saw these settings; `None` where that is the last recorded one."""
    earlier_settings: tuple[EarlierSettings, ...] = ()
    """The settings before these, the oldest first."""


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """A live index as the last complete audit saw it."""

    name: str
    index_id: str | None
    first_seen: datetime
    deletion_protection: bool | None


@dataclass(frozen=True, slots=True)
class ProjectState:
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
    first_backup_ids: frozenset[str] = frozenset()
    """The ids of the backups that remediation took as first backups, by its own log; an audit does not change them."""

    def find_seen_at(self, schedule: KnownSchedule | None) -> datetime | None:
        """Return the last audit that saw a schedule's settings; in a state that kept no history, the complete one."""
        if schedule is None:
            return None
        return schedule.seen_at or (self.complete_at if schedule.since is None else self.observed_at)

    def find_history_before(self, observed_at: datetime) -> tuple[PastAudit, ...]:
        """Return the last audits before a moment, as many as a report tells of."""
        return tuple(it for it in self.history if it.observed_at < observed_at)[-MAX_PAST_AUDITS:]


EMPTY_STATE = ProjectState()
"""What is remembered before the first audit."""
