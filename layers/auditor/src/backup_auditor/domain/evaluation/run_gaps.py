"""Looks for missing runs of one schedule: the gaps between the moments at which its history says that it ran."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.index_schedules import (
    created_at_of,
    evidence_of,
    interval_of,
    label,
    retention_of,
)
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.settings_history import SLOWEST, SettingsHistory, interval_named
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import shifted

INTERVALS = 14
"""How many intervals are looked back."""
SEEN_AT_ONCE = timedelta(days=1)
"""How long after its creation an audit must have seen a schedule, so that what came before its first run is known."""


@dataclass(frozen=True, slots=True)
class RunGap:
    """A time without a run that is longer than allowed."""

    start: datetime
    end: datetime
    missing: int
    """How many runs are missing in it, at the least."""
    frequency: str | None = None
    """The frequency that was in force in it."""
    allowed: timedelta = timedelta()
    """How long it might have been."""

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


class RunGaps:
    """The runs of one schedule, and the gaps between them, by the settings in force at the time.

    The time that is looked at begins `INTERVALS` intervals ago, or where what the schedule made may have expired if
    that is later: what expired is not missed. Raises `InsufficientDataError` where the interval is not known.
    """

    def __init__(
        self,
        schedule: Schedule,
        runs: Iterable[BackupRecord],
        observed_at: datetime,
        grace: timedelta,
        settings: SettingsHistory,
    ) -> None:
        """Look at the runs that are known; a planned one is none, and a failed one is one."""
        interval = interval_of(schedule)
        begun = [it.captured_at for it in runs if it.phase is not BackupPhase.PLANNED]
        self.allowed = interval + grace
        """How far apart two runs may be by the present frequency."""
        self.runs = sorted(it for it in begun if it is not None and it <= observed_at)
        """When it ran, oldest first."""
        self._undated = sum(it is None for it in begun)
        self._schedule = schedule
        self._settings = settings
        self._grace = grace
        self._least_allowed = settings.shortest_interval + grace
        self._now = observed_at
        self.since = max(shifted(observed_at, -INTERVALS * interval), settings.listed_since)
        """Since when gaps are looked for."""

    def gaps(self) -> list[RunGap]:
        """Return the gaps that are certain, oldest first; raise `InsufficientDataError` where one is only possible."""
        found = self._between_runs() if self.runs else self._without_runs()
        if found and self._undated >= sum(map(self._fillers, found)):
            reason = f"{pluralize(self._undated, 'run')} of its schedule {label(self._schedule)} without any time."
            raise InsufficientDataError(reason, evidence_of(self._schedule))
        return found

    @property
    def is_covered(self) -> bool:
        """Whether the known runs leave no room for a gap, whatever other runs there may be."""
        return not self._wide(self._start, next((it for it in self.runs if it >= self._start), self._now))

    @property
    def widest(self) -> timedelta:
        """The longest time between two neighbouring runs that are looked at, or between the last one and now."""
        if not self.runs:
            return timedelta()
        last = max(self.runs[-1], self._schedule.created_at or self.runs[-1])
        looked_at = [it for it in self.runs if it >= self._start]
        return max(self._now - last, *(b - a for a, b in pairwise(looked_at)), timedelta())

    @property
    def has_undated(self) -> bool:
        """Whether there are runs that tell no time."""
        return self._undated > 0

    @cached_property
    def _start(self) -> datetime:
        created_at = self._schedule.created_at
        return self.since if created_at is None else max(self.since, created_at)

    @cached_property
    def _is_known_from_the_start(self) -> bool:
        """Whether an audit saw the schedule so early that it had no other settings before."""
        created_at = self._schedule.created_at
        return created_at is not None and self._settings.known_since - created_at <= SEEN_AT_ONCE

    def _between_runs(self) -> list[RunGap]:
        points = self.runs
        created_at = self._schedule.created_at
        if created_at is not None and created_at >= self.since and self._is_known_from_the_start:
            points = sorted([created_at, *self.runs])
        pairs = [gap for a, b in pairwise(points) if a >= self._start for gap in self._wide_pair(a, b)]
        newest = points[-1] if created_at is None else max(points[-1], created_at)
        last = self._wide_pair(newest, self._now)
        if self._schedule.retention is not None:
            last, pairs = [*pairs, *last], []
        if last:
            return last
        if pairs:
            retention_of(self._schedule)  # not known, and it decides
        if created_at is None and self._may_follow_creation(self.runs[0]):
            created_at_of(self._schedule)  # not known, and it decides
        return []

    def _may_follow_creation(self, run: datetime) -> bool:
        """Tell whether a run may be too late after a creation of which only the audit is known that saw it first."""
        known_since = self._settings.known_since
        return known_since >= self.since and bool(self._wide(max(self.since, known_since - SEEN_AT_ONCE), run))

    def _without_runs(self) -> list[RunGap]:
        created_at = created_at_of(self._schedule)
        found = self._wide(created_at, self._now)
        if not found:
            return []  # none is due yet
        retention_of(self._schedule)
        if created_at >= self.since:
            return found
        kept = self._wide(self.since, self._now)
        if not kept:
            reason = f"Its schedule {label(self._schedule)} keeps backups too briefly to tell whether a run is missing."
            raise InsufficientDataError(reason, evidence_of(self._schedule))
        return [replace(it, missing=1) for it in kept]

    def _fillers(self, gap: RunGap) -> int:
        """Return how many runs it takes to close a gap; one, where the gap may straddle the beginning of the time."""
        is_in_time = self._schedule.retention is not None and gap.start >= self._start
        return gap.missing if is_in_time else 1

    @cached_property
    def _shown_since(self) -> datetime | None:
        """The first run that followed the one before as the oldest frequency that is known demands."""
        allowed = interval_named(self._settings.oldest_frequency) + self._grace
        return next((b for a, b in pairwise(self.runs) if b - a <= allowed), None)

    def _wide_pair(self, start: datetime, end: datetime) -> list[RunGap]:
        """Return what is too wide between two neighbouring runs, or between the last one and now.

        Before the first audit that saw the schedule, a slower frequency may have been in force: what fits that counts
        only where earlier runs show the frequency that is known.
        """
        if end - start <= self._least_allowed:
            return []
        known_since, interval = self._settings.known_since, interval_named(self._settings.oldest_frequency)
        is_shown = self._is_known_from_the_start or (self._shown_since is not None and self._shown_since <= start)
        fits = min(end, known_since) - start <= SLOWEST + self._grace
        if interval < SLOWEST and fits and not is_shown:
            start = max(start, min(end, known_since))
        return self._wide(start, end)

    def _wide(self, start: datetime, end: datetime) -> list[RunGap]:
        """Return the parts of a time without a run that are longer than the frequency in force allows."""
        if end - start <= self._least_allowed:
            return []  # as nearly always: no part is longer than the whole
        parts = self._settings.parts(self._settings.after_pauses(start, end), end)
        allowed = ((it, it.interval + self._grace) for it in parts)
        return [
            RunGap(it.start, it.end, -(-it.length // most) - 1, it.frequency, most)
            for it, most in allowed
            if it.length > most
        ]
