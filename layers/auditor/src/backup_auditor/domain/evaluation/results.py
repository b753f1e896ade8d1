"""The results of an evaluation: findings, coverage, and the timeline of each index."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.finding import Finding, Resource
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.timefmt import Period


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """A recovery point."""

    captured_at: datetime
    expires: bool | None
    """`False` for one that was taken by hand; `None` where nothing tells."""
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What became of one index night by night, and what is to come. Moments are sorted, the earliest first."""

    resource: Resource
    rule: str | None
    """The rule of the policy that applied; `None` where the defaults did."""
    since: datetime
    """What lies before it is not told, but for the number of recovery points."""
    max_age: timedelta
    """The objective: how old the newest recovery point may be."""
    recovery_points: tuple[RecoveryPoint, ...]
    earlier_recovery_point_count: int
    """How many there are that lie before those told."""
    earlier_expiries: tuple[datetime, ...]
    """When those of them expire that do so within as long to come as is told of what was."""
    is_remaining_known: bool
    """Whether it is known how many recovery points are left at each time to come, if none is added."""
    last_expires_at: datetime | None
    """When none is left if none is added; `None` where there is none, one never expires, or that is not known."""
    past_runs: tuple[datetime, ...]
    """When runs that succeeded captured whose backup is listed no more."""
    failed_runs: tuple[datetime, ...]
    runs_in_progress: tuple[datetime, ...]
    scheduled_runs: tuple[datetime, ...]
    gaps: tuple[RunGap, ...]
    """Where runs of an enabled schedule are missing, if two looks agree."""
    objective_met: tuple[Period, ...]
    """When there was a recovery point as recent as the objective, up to the audit."""
    objective_missed: tuple[Period, ...]
    """When there was none, after the first that is known, if two looks agree."""
    unknown_reasons: tuple[str, ...]
    """Why there may be more than is told."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many indexes can be backed up and are not being created, and how many of them are protected."""

    indexes: int
    protected_indexes: int
    recovery_points: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was judged, and what should be walked once more before it can stand."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    unconfirmed_listings: frozenset[ListingId]
    """The listings that a further walk should confirm: something seems missing in them."""
    timelines: Iterable[Timeline] = field(default=(), compare=False)
    """The nights of each index that can be backed up."""
