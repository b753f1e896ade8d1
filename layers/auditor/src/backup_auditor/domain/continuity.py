"""Looks for missing runs of one schedule: the gaps between the moments at which its history says that it ran."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.phase import Phase
from backup_auditor.domain.schedule_facts import created_at_of, evidence_of, interval_of, label, retention_of
from backup_auditor.domain.standing import Standing
from backup_auditor.domain.wording import counted

INTERVALS = 14
"""How many intervals are looked back."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a run that is longer than allowed."""

    start: datetime
    end: datetime
    missing: int
    """How many runs are missing in it, at the least."""

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


class Continuity:
    """The runs of one schedule, and the gaps between them.

    The time that is looked at begins `INTERVALS` intervals ago, or one retention ago if that is later: what expired is
    not missed. Raises `InsufficientError` where the schedule's interval is not known.
    """

    def __init__(self, schedule: Schedule, runs: Iterable[Standing], observed_at: datetime, grace: timedelta) -> None:
        """Look at the runs that are known; a planned one is none, and a failed one is one."""
        interval = interval_of(schedule)
        begun = [it.captured_at for it in runs if it.phase is not Phase.PLANNED]
        self.allowed = interval + grace
        """How far apart two runs may be."""
        self.runs = sorted(it for it in begun if it is not None and it <= observed_at)
        """When it ran, oldest first."""
        self._undated = sum(it is None for it in begun)
        self._schedule = schedule
        self._now = observed_at
        window = INTERVALS * interval
        self._since = observed_at - (window if schedule.retention is None else min(window, schedule.retention))

    def gaps(self) -> list[Gap]:
        """Return the gaps that are certain, oldest first; raise `InsufficientError` where one is only possible."""
        found = self._between_runs() if self.runs else self._without_runs()
        if found and self._undated >= sum(map(self._fillers, found)):
            reason = f"{counted(self._undated, 'run')} of its schedule {label(self._schedule)} without any time."
            raise InsufficientError(reason, evidence_of(self._schedule))
        return found

    @property
    def is_covered(self) -> bool:
        """Whether the known runs leave no room for a gap, whatever other runs there may be."""
        return next((it for it in self.runs if it >= self._start), self._now) - self._start <= self.allowed

    @property
    def has_undated(self) -> bool:
        """Whether there are runs that tell no time."""
        return self._undated > 0

    @cached_property
    def _start(self) -> datetime:
        created_at = self._schedule.created_at
        return self._since if created_at is None else max(self._since, created_at)

    def _between_runs(self) -> list[Gap]:
        points = self.runs
        created_at = self._schedule.created_at
        if created_at is not None and created_at >= self._since:
            points = sorted([created_at, *self.runs])
        pairs = self._wide((a, b) for a, b in pairwise(points) if a >= self._start)
        last = self._wide([(points[-1], self._now)])
        if self._schedule.retention is not None:
            last, pairs = [*pairs, *last], []
        if last:
            return last
        if pairs:
            retention_of(self._schedule)  # not known, and it decides
        if created_at is None and self._wide([(self._since, self.runs[0])]):
            created_at_of(self._schedule)  # not known, and it decides
        return []

    def _without_runs(self) -> list[Gap]:
        created_at = created_at_of(self._schedule)
        if self._now - created_at <= self.allowed:
            return []  # none is due yet
        retention_of(self._schedule)
        if created_at >= self._since:
            return self._wide([(created_at, self._now)])
        if self._now - self._since <= self.allowed:
            reason = f"Its schedule {label(self._schedule)} keeps backups too briefly to tell whether a run is missing."
            raise InsufficientError(reason, evidence_of(self._schedule))
        return [Gap(self._since, self._now, missing=1)]

    def _fillers(self, gap: Gap) -> int:
        """Return how many runs it takes to close a gap; one, where the gap may straddle the beginning of the time."""
        is_in_time = self._schedule.retention is not None and gap.start >= self._start
        return gap.missing if is_in_time else 1

    def _wide(self, pairs: Iterable[tuple[datetime, datetime]]) -> list[Gap]:
        return [Gap(a, b, -((a - b) // self.allowed) - 1) for a, b in pairs if b - a > self.allowed]
