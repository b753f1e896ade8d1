"""Missing runs of one schedule: the gaps between the run times in its history."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.evaluation.index_schedules import require_created_at, require_interval, require_retention
from backup_auditor.domain.finding import InsufficientDataError
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.settings_history import SLOWEST_INTERVAL, SettingsHistory, find_interval
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import shift_moment

LOOKBACK_INTERVALS = 14
"""How many intervals before the audit are checked."""
MAX_FIRST_AUDIT_DELAY = timedelta(days=1)
"""How soon after its creation an audit must have seen a schedule, so that the time before its first run counts."""


@dataclass(frozen=True, slots=True)
class RunGap:
    """A time without a run that exceeds the limit."""

    start: datetime
    end: datetime
    missing_runs: int
    """The smallest possible number of missing runs."""
    frequency: str | None = None
    """The frequency in force during the gap."""
    max_length: timedelta = timedelta()
    """The limit that it exceeds."""

    @property
    def length(self) -> timedelta:
        """The length of the gap."""
        return self.end - self.start


class RunGaps:
    """The runs of one schedule, and the gaps between them, by the settings in force at the time.

    The checked time begins `LOOKBACK_INTERVALS` intervals ago, or later, where runs may have expired: an expired run
    is not missing. Raises `InsufficientDataError` if the interval is unknown.
    """

    def __init__(
        self,
        schedule: Schedule,
        runs: Iterable[BackupRecord],
        observed_at: datetime,
        grace: timedelta,
        history: SettingsHistory,
    ) -> None:
        """Read the known runs; a failed run counts, a planned one does not."""
        interval = require_interval(schedule)
        capture_times = [it.captured_at for it in runs if it.phase is not BackupPhase.SCHEDULED]
        self.max_interval = interval + grace
        """The longest allowed time between two runs, by the current frequency."""
        self.run_times = sorted(it for it in capture_times if it is not None and it <= observed_at)
        """The capture times of the runs, oldest first."""
        self.undated_count = sum(it is None for it in capture_times)
        """The number of runs without a capture time."""
        self._schedule = schedule
        self._history = history
        self._grace = grace
        self._shortest_max_interval = history.shortest_interval + grace
        self._observed_at = observed_at
        self.since = max(shift_moment(observed_at, -LOOKBACK_INTERVALS * interval), history.complete_since)
        """The beginning of the checked time."""

    def find_gaps(self) -> list[RunGap]:
        """Return the certain gaps, oldest first; raise `InsufficientDataError` if a gap is only possible."""
        gaps = self._find_gaps_between_runs() if self.run_times else self._find_gaps_without_runs()
        if gaps and self.undated_count >= sum(map(self._count_runs_to_close, gaps)):
            reason = (
                f"{pluralize(self.undated_count, 'run')} of schedule {self._schedule.label}"
                " without a capture time may fill the gap."
            )
            raise InsufficientDataError(reason, self._schedule.identity)
        return gaps

    @property
    def is_covered(self) -> bool:
        """Whether the known runs exclude a gap, whatever other runs there may be."""
        return not self._find_gaps_in_period(
            self._start, next((it for it in self.run_times if it >= self._start), self._observed_at)
        )

    @property
    def longest_interval(self) -> timedelta:
        """The longest time between two consecutive checked runs, or between the last one and now."""
        if not self.run_times:
            return timedelta()
        last_time = max(self.run_times[-1], self._schedule.created_at or self.run_times[-1])
        recent_runs = [it for it in self.run_times if it >= self._start]
        return max(self._observed_at - last_time, *(b - a for a, b in pairwise(recent_runs)), timedelta())

    @cached_property
    def _start(self) -> datetime:
        created_at = self._schedule.created_at
        return self.since if created_at is None else max(self.since, created_at)

    @cached_property
    def _is_known_since_creation(self) -> bool:
        """Whether an audit saw the schedule soon after its creation, so that its first settings are known."""
        created_at = self._schedule.created_at
        return created_at is not None and self._history.known_since - created_at <= MAX_FIRST_AUDIT_DELAY

    def _find_gaps_between_runs(self) -> list[RunGap]:
        times = self.run_times
        created_at = self._schedule.created_at
        if created_at is not None and created_at >= self.since and self._is_known_since_creation:
            times = sorted([created_at, *self.run_times])
        gaps = [gap for a, b in pairwise(times) if a >= self._start for gap in self._find_gaps_in_pair(a, b)]
        newest_time = times[-1] if created_at is None else max(times[-1], created_at)
        newest_gaps = self._find_gaps_in_pair(newest_time, self._observed_at)
        if self._schedule.retention is not None:
            newest_gaps, gaps = [*gaps, *newest_gaps], []
        if newest_gaps:
            return newest_gaps
        if gaps:
            require_retention(self._schedule)  # raises: it decides
        if created_at is None and self._may_be_late_after_creation(self.run_times[0]):
            require_created_at(self._schedule)  # raises: it decides
        return []

    def _may_be_late_after_creation(self, run: datetime) -> bool:
        """Return whether a run may be too late after the creation, if only the first audit after it is known."""
        known_since = self._history.known_since
        return known_since >= self.since and bool(
            self._find_gaps_in_period(max(self.since, known_since - MAX_FIRST_AUDIT_DELAY), run)
        )

    def _find_gaps_without_runs(self) -> list[RunGap]:
        created_at = require_created_at(self._schedule)
        gaps = self._find_gaps_in_period(created_at, self._observed_at)
        if not gaps:
            return []  # none is due yet
        require_retention(self._schedule)
        if created_at >= self.since:
            return gaps
        gaps_in_retention = self._find_gaps_in_period(self.since, self._observed_at)
        if not gaps_in_retention:
            reason = f"The retention of schedule {self._schedule.label} is too short to show whether a run is missing."
            raise InsufficientDataError(reason, self._schedule.identity)
        return [replace(it, missing_runs=1) for it in gaps_in_retention]

    def _count_runs_to_close(self, gap: RunGap) -> int:
        """Return how many runs fill a gap; one if the gap may cross the beginning of the checked time.

        If the settings after the creation are unknown, the time before the first run is not checked: then one run that
        is as late as possible fills a gap that begins there.
        """
        is_within_period = self._schedule.retention is not None and gap.start >= self._start
        is_start_checked = bool(self.run_times) or self._is_known_since_creation
        return gap.missing_runs if is_within_period and is_start_checked else 1

    @cached_property
    def _frequency_confirmed_at(self) -> datetime | None:
        """The first run that followed the previous one within the oldest known frequency."""
        max_interval = find_interval(self._history.oldest_frequency) + self._grace
        return next((b for a, b in pairwise(self.run_times) if b - a <= max_interval), None)

    def _find_gaps_in_pair(self, start: datetime, end: datetime) -> list[RunGap]:
        """Return the gaps between two consecutive runs, or between the last one and now.

        Before the first audit that saw the schedule, a slower frequency may have been in force. A gap that fits a
        slower frequency counts only if earlier runs show the known frequency.
        """
        if end - start <= self._shortest_max_interval:
            return []
        known_since, interval = self._history.known_since, find_interval(self._history.oldest_frequency)
        is_frequency_confirmed = self._is_known_since_creation or (
            self._frequency_confirmed_at is not None and self._frequency_confirmed_at <= start
        )
        is_within_slowest_interval = min(end, known_since) - start <= SLOWEST_INTERVAL + self._grace
        if interval < SLOWEST_INTERVAL and is_within_slowest_interval and not is_frequency_confirmed:
            start = max(start, min(end, known_since))
        return self._find_gaps_in_period(start, end)

    def _find_gaps_in_period(self, start: datetime, end: datetime) -> list[RunGap]:
        """Return the parts of a time without a run that exceed the limit of the frequency in force."""
        if end - start <= self._shortest_max_interval:
            return []  # the usual case: no part is longer than the whole
        periods = self._history.split_by_frequency(self._history.skip_pauses(start, end), end)
        limits = ((period, frequency, find_interval(frequency) + self._grace) for period, frequency in periods)
        return [
            RunGap(period.start, period.end, -(-period.length // max_length) - 1, frequency, max_length)
            for period, frequency, max_length in limits
            if period.length > max_length
        ]
