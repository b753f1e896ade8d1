"""The results of an evaluation: findings, coverage, figures, and the timeline of each index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backup_auditor.domain.evaluation.expiry import ExpirySummary
from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.finding import Finding, Resource
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.timefmt import Period


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """A recovery point."""

    captured_at: datetime
    expires: bool | None
    """`False` for a manual backup; `None` if unknown."""
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The recovery points, runs and gaps of one index over time. Times are sorted, earliest first."""

    resource: Resource
    rule: str | None
    """The policy rule that applies; `None` for the defaults."""
    since: datetime
    """The beginning of the timeline. Earlier recovery points are only counted."""
    max_age: timedelta
    """The objective: the maximum age of the newest recovery point."""
    recovery_points: tuple[RecoveryPoint, ...]
    earlier_recovery_point_count: int
    """The number of recovery points that are not in `recovery_points`."""
    earlier_expiries: tuple[datetime, ...]
    """The expiry times of the earlier ones that expire within a time as long as the timeline."""
    is_remaining_known: bool
    """Whether the number of remaining recovery points at each later time is known, if none is added."""
    last_expires_at: datetime | None
    """When the last recovery point expires; `None` if there is none, one never expires, or that is unknown."""
    past_runs: tuple[datetime, ...]
    """The capture times of successful runs whose backup is no longer listed."""
    failed_runs: tuple[datetime, ...]
    runs_in_progress: tuple[datetime, ...]
    scheduled_runs: tuple[datetime, ...]
    gaps: tuple[RunGap, ...]
    """Gaps in the runs of an enabled schedule, confirmed by two reads."""
    objective_met: tuple[Period, ...]
    """The times, up to the audit, at which a recovery point was within the objective."""
    objective_missed: tuple[Period, ...]
    """The times after the first known recovery point at which none was, confirmed by two reads."""
    unknown_reasons: tuple[str, ...]
    """Why the timeline may be incomplete."""


@dataclass(frozen=True, slots=True)
class EndedDrill:
    """A restore drill with a result."""

    drill_id: str
    backup_id: str
    result: DrillResult
    started_at: datetime
    ended_at: datetime
    """When the result was known."""
    restore_time: timedelta | None
    """How long the restore took; `None` if it did not complete."""


@dataclass(frozen=True, slots=True)
class RunningDrill:
    """A restore drill that may still use its temporary index."""

    drill_id: str
    backup_id: str
    target_name: str
    started_at: datetime
    ends_by: datetime


@dataclass(frozen=True, slots=True)
class IndexDrills:
    """The recorded restore drills of one live index, and what the policy requires of them."""

    resource: Resource
    last_proof: EndedDrill | None = None
    """The last drill that passed."""
    last_drill: EndedDrill | None = None
    running_drill: RunningDrill | None = None
    restores: tuple[EndedDrill, ...] = ()
    """The last drills whose restore completed, at most `MAX_RESTORES`, oldest first."""
    restore_drill_within: timedelta | None = None
    """How long a proof counts; `None` if the policy requires none."""
    max_restore_time: timedelta | None = None
    """How long a restore may take; `None` without a limit."""
    due_at: datetime | None = None
    """When the next drill is due: the time of the audit if none has passed, `None` if none is required."""
    leftover_indexes: tuple[str, ...] = ()
    """The names of the audited indexes that its drills left behind."""
    unknown_reason: str | None = None
    """Why it is unknown which drills are those of the live index; then there are none above."""

    def compute_proof_age(self, observed_at: datetime) -> timedelta | None:
        """Return the age of the last proof; `None` without one."""
        return None if self.last_proof is None else max(observed_at - self.last_proof.ended_at, timedelta())


MAX_RESTORES = 12
"""The number of restores of an index in a report."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many indexes can be backed up and are not being created, and how many of them are protected."""

    indexes: int
    protected_indexes: int
    recovery_points: int


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """The figures of one live index. Its findings show whether they are confirmed and complete."""

    newest_age: timedelta | None
    """The age of the newest recovery point; `None` if there is none with a capture time."""
    max_age: timedelta
    """The objective: the maximum age of the newest recovery point."""
    expiries: ExpirySummary


@dataclass(frozen=True, slots=True)
class QuotaFigures:
    """The use of the project's backup quota, as far as it was read."""

    quota: int
    backups: int
    """The number of listed backups."""
    slots: int
    """How many backups the enabled schedules need at least."""
    manual: int
    """The number of manual backups."""


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """The figures of one audit, for metrics and the page."""

    indexes: Mapping[str, IndexFigures] = field(default_factory=dict)
    """By the name of the index; without indexes of which it is unknown which backups are their own."""
    quota: QuotaFigures | None = None
    """`None` if the project has no quota."""
    are_listings_complete: bool = False
    """Whether all indexes and all backups were listed."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The findings, and the listings that should be read again to confirm them."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    unconfirmed_listings: frozenset[ListingId]
    """The listings in which something is absent that a second read should confirm."""
    figures: AuditFigures = field(default_factory=AuditFigures, compare=False)
    timelines: Iterable[Timeline] = field(default=(), compare=False)
    """The timeline of each index that can be backed up."""
    restore_drills: tuple[IndexDrills, ...] = ()
    """Of each index that has drills or of which the policy requires one, sorted by name."""
