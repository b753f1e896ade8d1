"""The timeline of an index: its recovery points, missing and failed runs, and when the last recovery point expires."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.evaluation.absence import require_confirmed_absence
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import UNDATED_POINTS_REASON
from backup_auditor.domain.evaluation.index_schedules import try_each
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.evaluation.results import RecoveryPoint, Timeline
from backup_auditor.domain.evaluation.run_gaps import LOOKBACK_INTERVALS, RunGap, RunGaps
from backup_auditor.domain.finding import Compliance, InsufficientDataError, non_compliant
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.model import Frequency, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.timefmt import LATEST_MOMENT, Period, find_breaks, merge_periods, shift_moment

MIN_TIMELINE_LENGTH = timedelta(days=30)
"""The length of a timeline; a slow schedule makes it longer, up to the time checked for gaps."""
MAX_TIMELINE_ENTRIES = 60
"""The largest number of entries of one kind; the latest are kept."""


def build_timeline(subject: IndexContext) -> Timeline:
    """Return the timeline of one index."""
    return _TimelineBuilder(subject).build()


class _TimelineBuilder:
    def __init__(self, subject: IndexContext) -> None:
        self._subject = subject
        self._backups = subject.backups
        self._observed_at = subject.observed_at
        self._unknown_reasons: dict[str, None] = {}
        """Each reason once, in order."""

    def build(self) -> Timeline:
        subject, confirmed_backups = self._subject, self._backups.confirmed_backups
        points, is_complete = self._build_points()
        since = self._find_start()
        recent_points = [it for it in points if it.captured_at >= since][-MAX_TIMELINE_ENTRIES:]
        earlier_points = points[: len(points) - len(recent_points)]
        earlier_expiries = (it.expires_at for it in earlier_points)
        latest_end = shift_moment(self._observed_at, self._observed_at - since)
        expiries = [it.expires_at for it in points if it.expires_at is not None]
        is_remaining_known = is_complete and all(it.expires is False or it.expires_at is not None for it in points)
        met_periods = merge_periods(self._find_objective_periods(points), Period(since, self._observed_at))
        planned_times = [it.run_at for it in confirmed_backups if it.phase is BackupPhase.SCHEDULED]
        for failure in (self._backups.failure, self._backups.histories_failure):
            if failure is not None:
                self._unknown_reasons[f"Could not read everything: {failure}"] = None

        def select(moments: Iterable[datetime | None]) -> tuple[datetime, ...]:
            return tuple(sorted({it for it in moments if it is not None and it >= since})[-MAX_TIMELINE_ENTRIES:])

        def select_captures(phase: BackupPhase) -> tuple[datetime, ...]:
            return select(it.captured_at for it in confirmed_backups if it.phase is phase)

        return Timeline(
            resource=subject.resource,
            rule=subject.rule.name if subject.rule else None,
            since=since,
            max_age=subject.requirements.max_age,
            recovery_points=tuple(recent_points),
            earlier_recovery_point_count=len(earlier_points),
            earlier_expiries=tuple(sorted(it for it in earlier_expiries if it is not None and it <= latest_end)),
            is_remaining_known=is_remaining_known,
            last_expires_at=max(expiries) if is_remaining_known and 0 < len(expiries) == len(points) else None,
            past_runs=select(it.captured_at for it in confirmed_backups if _is_past(it)),
            failed_runs=select_captures(BackupPhase.FAILED),
            runs_in_progress=select_captures(BackupPhase.IN_PROGRESS),
            scheduled_runs=select([*planned_times, *(it.next_run for it in subject.schedules.enabled_schedules)]),
            gaps=self._find_gaps(),
            objective_met=tuple(met_periods),
            objective_missed=tuple(self._confirm_missed_periods(find_breaks(met_periods, self._observed_at))),
            unknown_reasons=tuple(self._unknown_reasons),
        )

    def _build_points(self) -> tuple[list[RecoveryPoint], bool]:
        try:
            records = self._backups.require_recovery_points()
            undated_records = self._backups.require_undated_recovery_points()
        except InsufficientDataError as error:
            self._unknown_reasons[error.reason] = None
            return [], False
        if undated_records:
            self._unknown_reasons[UNDATED_POINTS_REASON] = None
        expiries = [(it.captured_at, self._backups.find_expiry(it)) for it in reversed(records)]
        points = [
            RecoveryPoint(captured_at, it.expires, it.expires_at)
            for captured_at, it in expiries
            if captured_at is not None
        ]
        return points, not undated_records and self._backups.failure is None

    def _find_start(self) -> datetime:
        frequencies = [Frequency.parse(it.frequency) for it in self._subject.schedules.enabled_schedules]
        intervals = [it.interval for it in frequencies if it is not None] or [
            self._subject.requirements.schedule.frequency.interval
        ]
        return shift_moment(self._observed_at, -max(MIN_TIMELINE_LENGTH, LOOKBACK_INTERVALS * min(intervals)))

    def _find_objective_periods(self, points: list[RecoveryPoint]) -> list[Period]:
        """Return the period in which each capture met the objective: until it was too old or expired."""
        max_age = self._subject.requirements.max_age
        past_captures = (
            (it.captured_at, self._backups.find_expiry(it).expires_at)
            for it in self._backups.confirmed_backups
            if _is_past(it)
        )
        captures = (*((it.captured_at, it.expires_at) for it in points), *past_captures)
        return [
            Period(captured_at, min(shift_moment(captured_at, max_age), expires_at or LATEST_MOMENT))
            for captured_at, expires_at in captures
            if captured_at is not None
        ]

    def _confirm_missed_periods(self, missed_periods: list[Period]) -> list[Period]:
        """Return the confirmed periods: a past period needs more listings than the current one."""
        current_periods = [it for it in missed_periods if it.end == self._observed_at]
        past_periods = [it for it in missed_periods if it.end != self._observed_at]
        listings = self._backups.listings
        run_listings = (*listings, *self._subject.schedules.listings, *self._backups.find_history_listings())
        if past_periods and not self._is_confirmed("The objective may have been missed", run_listings):
            past_periods = []
        if current_periods and not self._is_confirmed("The objective may be missed now", listings):
            current_periods = []
        return past_periods + current_periods

    def _find_gaps(self) -> tuple[RunGap, ...]:
        results = try_each(self._subject.schedules.enabled_schedules, self._find_schedule_gaps)
        if results.unknown_error is not None:
            self._unknown_reasons[results.unknown_error.reason] = None
        all_gaps = (gap for _, gaps in results.results for gap in gaps)
        return tuple(sorted(all_gaps, key=lambda it: (it.start, it.end))[-MAX_TIMELINE_ENTRIES:])

    def _find_schedule_gaps(self, schedule: Schedule) -> list[RunGap]:
        history = self._subject.project.settings_histories[schedule.schedule_id]
        gaps = RunGaps(
            schedule, self._backups.find_runs(schedule), self._observed_at, self._subject.grace, history
        ).find_gaps()
        listings = self._backups.find_history_listings([schedule])
        return gaps if gaps and self._is_confirmed("Runs may be missing", listings) else []

    def _is_confirmed(self, statement: str, listings: tuple[ListingId, ...]) -> bool:
        """Return whether two reads agree on an absence, else note the reason. A timeline causes no second read."""
        verdict = require_confirmed_absence(
            non_compliant(f"{statement}.", depends_on_absence_in=listings),
            self._subject.project,
            self._subject.name,
            set(),
        )
        if verdict.compliance is Compliance.NON_COMPLIANT:
            return True
        self._unknown_reasons[verdict.reason] = None
        return False


def _is_past(record: BackupRecord) -> bool:
    return record.phase is BackupPhase.READY and not record.is_listed


@dataclass(frozen=True, slots=True)
class Timelines:
    """The timeline of each index that can be backed up, sorted by name; computed on iteration."""

    inventory: Inventory
    policy: Policy
    state: ProjectState

    def __iter__(self) -> Iterator[Timeline]:
        """Yield one timeline at a time, to limit memory in large projects."""
        project = ProjectContext(self.inventory, self.policy, self.state)
        subjects = (IndexContext(project, facts) for facts in project.inventory.indexes)
        return (build_timeline(it) for it in subjects if it.unsupported_reason is None)
