"""The state of a project: what is stored between audits, to recognise new findings and missing backups."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.finding import Finding, Resource, Severity

MAX_PAST_AUDITS = 30
"""The number of earlier audits in a report."""


@dataclass(frozen=True, slots=True)
class ResolvedFinding:
    """A finding of an earlier audit that is resolved."""

    fingerprint: str
    control: str
    resource: Resource
    severity: Severity
    """The severity when it was last found."""
    first_seen: datetime
    resolved_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that changed since the last complete audit."""

    change: str
    """A short phrase, the same for each change of this kind."""
    resource: Resource
    before: object
    """A JSON value: the earlier setting, for a schedule with its name; `None` if there was none."""
    after: object


@dataclass(frozen=True, slots=True)
class PastAudit:
    """The number of open findings of an earlier audit, and whether that audit was complete."""

    observed_at: datetime
    is_complete: bool
    open_counts: Mapping[Severity, int]
    """The count of each severity, highest first."""


def count_open_by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Return the number of open findings of each severity, highest first."""
    counts = Counter(it.severity for it in findings if it.is_open)
    return {it: counts[it] for it in reversed(Severity)}


REPORTING_PERIOD = timedelta(days=30)
"""How long a missing backup without an expiry is reported."""


class FindingState(StrEnum):
    """The state of a known finding."""

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
    """When it was first found. It does not change when the finding is reopened."""
    times_opened: int
    """How often it was opened; 0 while it was always exempted."""
    changed_at: datetime
    """When it was last opened or resolved, or first exempted."""
    changed_by: str
    """The id of the audit that changed it, so that a repeated audit gives the same report."""


@dataclass(frozen=True, slots=True)
class KnownBackup:
    """A backup that was listed as `Ready` and is still expected or listed."""

    backup_id: str
    index_id: str
    index_name: str
    name: str | None
    schedule_id: str | None
    """The schedule whose history last contained it; `None` if no history did."""
    captured_at: datetime | None
    expires: bool | None
    """Whether it expires: `False` for a manual backup, `None` if unknown."""
    expires_at: datetime | None
    """When it should expire, by the shortest retention known since it was last listed; `None` if unknown."""
    known_since: datetime
    """The time of the first audit that saw it."""
    missed_at: datetime | None = None
    """The time of the first audit that found it missing before its expiry; `None` while it is listed, or has expired.

    Its expiry no longer changes after that.
    """

    def is_no_longer_expected(self, observed_at: datetime) -> bool:
        """Return whether it may be missing: it expired, has no known expiry, or was reported for `REPORTING_PERIOD`."""
        if self.expires is False:
            return self.missed_at is not None and observed_at - self.missed_at >= REPORTING_PERIOD
        return self.expires_at is None or self.expires_at <= observed_at


@dataclass(frozen=True, slots=True)
class EarlierSettings:
    """Earlier settings of a schedule, as audits saw them."""

    since: datetime
    """The first audit that saw them."""
    until: datetime
    """The last audit that saw them."""
    frequency: str | None
    retention: timedelta | None
    enabled: bool | None


@dataclass(frozen=True, slots=True)
class KnownSchedule:
    """The settings of a schedule at the last audit that read them, and its earlier settings."""

    schedule_id: str
    index_name: str
    name: str | None
    frequency: str | None
    retention: timedelta | None
    enabled: bool | None
    since: datetime | None = None
    """The first audit that saw these settings; `None` in an old state without a history of settings."""
    seen_at: datetime | None = None
    """The last audit that saw these settings; `None` if that is the last recorded audit."""
    earlier_settings: tuple[EarlierSettings, ...] = ()
    """The earlier settings, oldest first."""


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """A live index at the last complete audit."""

    name: str
    index_id: str | None
    first_seen: datetime
    deletion_protection: bool | None


class DrillResult(StrEnum):
    """The result of a restore drill."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_VERIFIED = "not_verified"
    """The backup was restored, and something about the restored index could not be checked."""
    UNKNOWN = "unknown"
    """Whether the backup was restored is unknown."""

    @property
    def label(self) -> str:
        """The result as people read it."""
        return self.replace("_", " ")


@dataclass(frozen=True, slots=True)
class KnownDrill:
    """What audits need to know about one restore drill."""

    drill_id: str
    index_id: str
    index_name: str
    backup_id: str
    target_name: str
    """The name of its temporary index."""
    started_at: datetime
    ends_by: datetime
    """Until when the temporary index belongs to a running drill."""
    result: DrillResult | None = None
    """`None` until it is known."""
    ended_at: datetime | None = None
    """When the result was known."""
    restore_time: timedelta | None = None
    """How long the restore took; `None` if it did not complete."""
    is_target_deleted: bool = False
    """Whether the temporary index certainly does not exist, because it was deleted or never created."""
    least_restore_time: timedelta | None = None
    """How long the restore took at least, if it was certainly not completed when the drill ended."""
    is_deletion_failed: bool = False
    """Whether the last attempt to delete the temporary index failed."""

    def is_running(self, moment: datetime) -> bool:
        """Return whether the drill may still use its temporary index."""
        return not self.is_target_deleted and not self.is_deletion_failed and moment <= self.ends_by


@dataclass(frozen=True, slots=True)
class ProjectState:
    """Everything that is stored about a project. It is empty before the first audit."""

    revision: int = 0
    """A number that grows with each change. A store refuses a change that was not made from the latest one."""
    audit_id: str | None = None
    """The id of the last recorded audit; `None` before the first one, or after all were discarded."""
    observed_at: datetime | None = None
    complete_at: datetime | None = None
    """The time of the last complete audit. Drift is relative to it."""
    policy_sha256: str | None = None
    """The hash of the policy of the last complete audit."""
    findings: Mapping[str, KnownFinding] = field(default_factory=dict)
    """By fingerprint."""
    backups: Mapping[str, KnownBackup] = field(default_factory=dict)
    """By backup id."""
    schedules: Mapping[str, KnownSchedule] = field(default_factory=dict)
    """By schedule id."""
    indexes: Mapping[str, KnownIndex] = field(default_factory=dict)
    """By name."""
    drills: Mapping[str, KnownDrill] = field(default_factory=dict)
    """By drill id: every restore drill, from the ledger. Audits do not change them."""
    drift: tuple[Drift, ...] = ()
    """The drift of the last audit, so that a repeated audit gives the same report."""
    history: tuple[PastAudit, ...] = ()
    """The last audits, oldest first: the last recorded one, and those in its report."""
    pinecone_project_id: str | None = None
    """Pinecone's id of the project, `None` while it is unknown. It never changes after that."""
    first_backup_ids: frozenset[str] = frozenset()
    """The ids of the first backups that remediation created, from its log. Audits do not change them."""

    def without_derived(self) -> "ProjectState":
        """Return what audits record: the state without first backups and drills, which stores load from their logs."""
        return replace(self, first_backup_ids=frozenset(), drills={})

    def find_seen_at(self, schedule: KnownSchedule | None) -> datetime | None:
        """Return the last audit that saw a schedule's settings; in an old state, the last complete audit."""
        if schedule is None:
            return None
        return schedule.seen_at or (self.complete_at if schedule.since is None else self.observed_at)

    def find_history_before(self, observed_at: datetime) -> tuple[PastAudit, ...]:
        """Return the last audits before a time, at most `MAX_PAST_AUDITS`."""
        return tuple(it for it in self.history if it.observed_at < observed_at)[-MAX_PAST_AUDITS:]


EMPTY_STATE = ProjectState()
"""The state before the first audit."""
