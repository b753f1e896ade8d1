"""The violations that the model expects on a night, by the documented rules of each control."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from simulation_year.model import DAY, HOUR, INTERVALS, Backup, Index, RunResult, Schedule
from support.settings_model import has_gap

GRACE = 6 * HOUR
STUCK_AFTER = 12 * HOUR
HORIZON = 7 * DAY
MIN_COPIES = 2
MAX_ORPHAN_AGE = 30 * DAY
"""The maximum age of backups of deleted indexes."""
MAX_BACKUP_AGE_DAYS = 75
"""The maximum age of backups of guarded indexes in days."""

type FindingKey = tuple[str, str, str]
"""Control, type of resource, and the name of the resource or the id of a deleted index."""


@dataclass(frozen=True)
class Requirement:
    """The requirements of the policy for one index."""

    frequency: str = "daily"
    min_retention_days: int = 7
    max_retention_days: int = 400
    is_guarded: bool = False
    """Whether the index must be protected, tagged, and without old backups."""

    @property
    def interval(self) -> timedelta:
        """The maximum time between two runs."""
        return INTERVALS[self.frequency]


REQUIREMENTS = {
    "weekly": Requirement("weekly", 28),
    "monthly": Requirement("monthly", 90),
    "guarded": Requirement(is_guarded=True),
}
"""The requirements by the prefix of index names."""


def find_requirement(name: str) -> Requirement:
    """Return the requirements of the policy for an index with this name."""
    return REQUIREMENTS.get(name.partition("-")[0], Requirement())


def find_index_violations(
    index: Index, earlier_indexes: Iterable[Index], now: datetime, *, marks_scheduled_runs: bool
) -> Iterator[str]:
    """Return the controls that a live index fails.

    `marks_scheduled_runs` is whether the status of a planned run differs from that of a started run.
    """
    requirement = find_requirement(index.name)
    yield from _find_schedule_violations(index, requirement, now)
    yield from _find_run_violations(index, now, marks_scheduled_runs=marks_scheduled_runs)
    yield from _find_recovery_violations(index, requirement, now)
    yield from _find_content_violations(index)
    listed_backups = [it for any_index in (index, *earlier_indexes) for it in any_index.backups if it.is_listed]
    if any(it.is_recovery_point for it in listed_backups) and not index.recovery_points:
        yield "recovery-points-belong-to-index"
    if has_missing_backup(index, now):
        yield "backup-did-not-vanish"
    if any(it.has_unknown_status and it.is_listed for it in index.backups):
        yield "backup-status-is-known"
    if requirement.is_guarded:
        if not index.is_protected:
            yield "deletion-protection-is-enabled"
        if not index.is_tagged:
            yield "index-has-required-tags"
        if any(now - it.captured_at > MAX_BACKUP_AGE_DAYS * DAY for it in listed_backups):
            yield "backups-within-erasure-horizon"


def _find_schedule_violations(index: Index, requirement: Requirement, now: datetime) -> Iterator[str]:
    if not index.schedules:
        yield "index-has-schedule"
    elif not index.enabled_schedules:
        yield "schedule-is-enabled"
    if len(index.enabled_schedules) > 1:
        yield "schedule-is-unique"
    rules: dict[str, Callable[[Schedule], bool]] = {
        "schedule-frequency-meets-policy": lambda it: it.interval > requirement.interval,
        "schedule-retention-meets-minimum": lambda it: it.retention < requirement.min_retention_days * DAY,
        "schedule-retention-within-maximum": lambda it: it.retention > requirement.max_retention_days * DAY,
        "schedule-retention-outlives-interval": lambda it: it.retention <= it.interval,
        "schedule-guarantees-minimum-copies": lambda it: it.retention // it.interval < MIN_COPIES,
        "schedule-next-run-is-planned": lambda it: it.next_run is None or it.next_run < now - GRACE,
        "schedule-name-is-runnable": lambda it: len(it.name) > 28,
    }
    yield from (
        control for control, is_violated in rules.items() if any(is_violated(it) for it in index.enabled_schedules)
    )


def find_unknown_controls(index: Index, now: datetime, *, marks_scheduled_runs: bool) -> Iterator[str]:
    """Return the controls whose verdict on a live index is unknown."""
    blocked_runs = {} if marks_scheduled_runs else {it: it.next_run for it in index.enabled_schedules if it.is_blocked}
    gaps = {_has_gap(index, it, now, blocked_runs.get(it)) for it in index.enabled_schedules}
    if None in gaps and True not in gaps:
        yield "scheduled-runs-are-continuous"


def _find_run_violations(index: Index, now: datetime, *, marks_scheduled_runs: bool) -> Iterator[str]:
    blocked_runs = {it: it.next_run for it in index.enabled_schedules if it.is_blocked and it.next_run}
    if marks_scheduled_runs:
        if any(now - it > GRACE for it in blocked_runs.values()):
            yield "planned-run-started-on-time"
        blocked_runs = {}
    if any(_has_gap(index, it, now, blocked_runs.get(it)) for it in index.enabled_schedules):
        yield "scheduled-runs-are-continuous"
    finished_backups = [
        it for it in index.backups if it.is_listed and it.result is not RunResult.STUCK and not it.has_unknown_status
    ]
    if finished_backups and max(finished_backups, key=lambda it: it.captured_at).result is RunResult.FAILED:
        yield "latest-run-succeeded"
    stuck_run_times = [
        it.captured_at
        for it in index.backups
        if it.is_listed and it.result is RunResult.STUCK and not it.has_unknown_status
    ]
    # A planned run whose time has passed has the status of a started run.
    if any(now - it > STUCK_AFTER for it in (*stuck_run_times, *blocked_runs.values())):
        yield "no-run-is-stuck"


def _has_gap(index: Index, schedule: Schedule, now: datetime, blocked_run_at: datetime | None) -> bool | None:
    run_times = sorted(it.captured_at for it in index.backups if it.schedule is schedule and it.is_listed)
    return has_gap(
        schedule.sightings, schedule.created_at, run_times + ([blocked_run_at] if blocked_run_at else []), now
    )


def _find_recovery_violations(index: Index, requirement: Requirement, now: datetime) -> Iterator[str]:
    recovery_points = index.recovery_points
    young_flags = [now - it.created_at < MIN_COPIES * it.interval + GRACE for it in index.enabled_schedules]
    if len(recovery_points) < MIN_COPIES and not (young_flags and all(young_flags)):
        yield "recovery-points-meet-minimum-copies"
    if not recovery_points:
        if not any(now - it.created_at < it.interval + GRACE for it in index.enabled_schedules):
            yield "index-has-recovery-point"
        return
    age = now - recovery_points[0].captured_at
    if age > requirement.interval + GRACE:
        yield "recovery-point-is-recent"
    if not any(age <= it.interval + GRACE for it in index.enabled_schedules):
        expiries = [_find_expiry(it) for it in recovery_points]
        if all(it is not None and it - now <= HORIZON for it in expiries):
            yield "recovery-points-outlast-horizon"


def _find_expiry(backup: Backup) -> datetime | None:
    return backup.captured_at + backup.schedule.retention if backup.schedule else None


def _find_content_violations(index: Index) -> Iterator[str]:
    if not index.recovery_points:
        return
    newest_point, *earlier_points = index.recovery_points[:8]
    if newest_point.records == 0:
        yield "recovery-point-is-not-empty"
    if not earlier_points:
        return
    median_records = _compute_median([it.records for it in earlier_points])
    if newest_point.records < median_records * Fraction(80, 100):
        yield "record-count-is-stable"
    if newest_point.namespaces < _compute_median([it.namespaces for it in earlier_points]) * Fraction(95, 100):
        yield "namespace-count-is-stable"
    if (
        newest_point.records * 3 < median_records or newest_point.records > median_records * 3
    ):  # every record of an index has one size
        yield "backup-size-is-stable"


def _compute_median(values: list[int]) -> Fraction:
    ranked = sorted(values)
    return Fraction(ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2], 2)


def has_missing_backup(index: Index, now: datetime) -> bool:
    """Return whether a backup that an audit read disappeared before its expiry."""
    return any(it.is_missed(now) for it in index.backups)


def find_deleted_index_violations(index: Index, now: datetime) -> Iterator[str]:
    """Return the controls that a deleted index fails."""
    capture_times = [it.captured_at for it in index.backups if it.is_listed]
    if capture_times and now - max(capture_times) > MAX_ORPHAN_AGE:
        yield "backups-have-live-source"
    if has_missing_backup(index, now):
        yield "backup-did-not-vanish"


def is_evaluated(index: Index, now: datetime) -> bool:
    """Return whether a deleted index has backups to evaluate."""
    return any(it.is_listed or it.is_missed(now) for it in index.backups)


def find_project_violations(live_indexes: list[Index], all_indexes: list[Index], quota: int) -> Iterator[str]:
    """Return the controls that a project fails because of its quota."""
    listed_backups = [it for index in all_indexes for it in index.backups if it.is_listed]
    if len(listed_backups) * 100 >= quota * 80:
        yield "backup-quota-has-headroom"
    if is_quota_exceeded(live_indexes, all_indexes, quota):
        yield "schedules-fit-quota"
    requirements = [find_requirement(it.name) for it in live_indexes]
    if sum(it.min_retention_days * DAY // it.interval + 1 for it in requirements) > quota:
        yield "policy-fits-quota"


def is_quota_exceeded(live_indexes: list[Index], all_indexes: list[Index], quota: int) -> bool:
    """Return whether schedules and manual backups need more backups than the quota allows."""
    manual_count = sum(it.is_listed and it.schedule is None for index in all_indexes for it in index.backups)
    return (
        manual_count + sum(it.retention // it.interval + 1 for index in live_indexes for it in index.enabled_schedules)
        > quota
    )


@dataclass(frozen=True)
class Exemption:
    """An exemption of one index from all controls, until the end of a day."""

    name: str
    expires: date

    def covers(self, finding_key: FindingKey, now: datetime) -> bool:
        """Return whether the exemption covers a finding on a night."""
        return finding_key[1] == "index" and finding_key[2] == self.name and now.date() <= self.expires


def write_policy(quota: int, exemption: Exemption) -> str:
    """Return the text of the policy file."""
    rules = "\n".join(
        f'  - {{name: {kind}, match: {{names: ["{kind}-*"]}}, require: {{schedule: {_format_schedule(requirement)}'
        f"{_GUARDED_REQUIREMENTS if requirement.is_guarded else ''}}}}}"
        for kind, requirement in REQUIREMENTS.items()
    )
    return f"""\
version: 1
project: {{backup_quota: {quota}}}
rules:
{rules}
exemptions:
  - {{names: [{exemption.name}], controls: ["*"], owner: search, reason: rebuilt, expires: {exemption.expires}}}
"""


_GUARDED_REQUIREMENTS = (
    f", protection: {{deletion_protection: true, required_tags: [owner], max_backup_age_days: {MAX_BACKUP_AGE_DAYS}}}"
)


def _format_schedule(requirement: Requirement) -> str:
    return f"{{frequency: {requirement.frequency}, retention_days: {{min: {requirement.min_retention_days}}}}}"
