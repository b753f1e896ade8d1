"""The timeline of an index: its recovery points, missing and failed runs, and when the last recovery point expires."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.control import InsufficientDataError, non_compliant
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import try_each
from backup_auditor.domain.evaluation.project import ProjectContext, require_confirmed_absence
from backup_auditor.domain.evaluation.run_gaps import INTERVALS, RunGap, RunGaps
from backup_auditor.domain.finding import Compliance, Resource
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.model import Frequency, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.timefmt import Period, between, joined_periods, shifted


@dataclass(frozen=True, slots=True)
class Point:
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
    recovery_points: tuple[Point, ...]
    earlier_recovery_points: int
    """How many there are that lie before those told."""
    earlier_expiries: tuple[datetime, ...]
    """When those of them expire that do so within as long to come as is told of what was."""
    is_left_known: bool
    """Whether it is known how many recovery points are left at each time to come, if none is added."""
    zero_at: datetime | None
    """When none is left if none is added; `None` where there is none, one never expires, or that is not known."""
    past: tuple[datetime, ...]
    """When runs that succeeded captured whose backup is listed no more."""
    failed: tuple[datetime, ...]
    under_way: tuple[datetime, ...]
    planned: tuple[datetime, ...]
    gaps: tuple[RunGap, ...]
    """Where runs of an enabled schedule are missing, if two looks agree."""
    met: tuple[Period, ...]
    """When there was a recovery point as recent as the objective, up to the audit."""
    missed: tuple[Period, ...]
    """When there was none, after the first that is known, if two looks agree."""
    not_known: tuple[str, ...]
    """Why there may be more than is told."""


def latest(moments: Iterable[datetime | None], since: datetime, most: int) -> tuple[datetime, ...]:
    """Sort the moments that are known and do not lie before another, each once, and keep so many of the latest."""
    return tuple(sorted({it for it in moments if it is not None and it >= since})[-most:])


TIMELINE_DAYS = timedelta(days=30)
"""How far back is told; of a slow schedule, as far as missing runs are looked for."""
MAX_RECOVERY_POINTS = 60
"""How many of a kind are told, the latest."""


def build_timeline(subject: IndexContext) -> Timeline:
    """Tell the nights of one index."""
    return _TimelineBuilder(subject).timeline()


class _TimelineBuilder:
    def __init__(self, subject: IndexContext) -> None:
        self._subject = subject
        self._backups = subject.backups
        self._now = subject.observed_at
        self._not_known: dict[str, None] = {}
        """Each reason once, in order."""

    def timeline(self) -> Timeline:
        subject, certain = self._subject, self._backups.certain
        points, are_all = self._points()
        since = self._since()
        told = [it for it in points if it.captured_at >= since][-MAX_RECOVERY_POINTS:]
        earlier = points[: len(points) - len(told)]
        is_left_known = are_all and all(it.expires is False or it.expires_at is not None for it in points)
        lasting = joined_periods(self._lasting(points), Period(since, self._now))
        self._note_unread()
        return Timeline(
            resource=subject.resource,
            rule=subject.rule.name if subject.rule else None,
            since=since,
            max_age=subject.require.max_age,
            recovery_points=tuple(told),
            earlier_recovery_points=len(earlier),
            earlier_expiries=_expiries(earlier, shifted(self._now, self._now - since)),
            is_left_known=is_left_known,
            zero_at=_zero_at(points) if is_left_known else None,
            past=latest((it.captured_at for it in certain if _is_past(it)), since, MAX_RECOVERY_POINTS),
            failed=self._when(BackupPhase.FAILED, since),
            under_way=self._when(BackupPhase.UNDER_WAY, since),
            planned=latest(self._to_come(), since, MAX_RECOVERY_POINTS),
            gaps=self._gaps(),
            met=tuple(lasting),
            missed=tuple(self._missed(between(lasting, self._now))),
            not_known=tuple(self._not_known),
        )

    def _points(self) -> tuple[list[Point], bool]:
        """Return the recovery points, oldest first, and whether there can be no other."""
        try:
            found, undated = self._backups.recovery_points, self._backups.undated_recovery_points
        except InsufficientDataError as error:
            self._not_known[error.reason] = None
            return [], False
        if undated:
            self._not_known["Some of its Ready backups tell no time at which they were taken."] = None
        expiries = [(it.captured_at, self._backups.expiry(it)) for it in reversed(found)]
        points = [Point(at, it.expires, it.at) for at, it in expiries if at is not None]
        return points, not undated and self._backups.unread is None

    def _since(self) -> datetime:
        known = [Frequency.of(it.frequency) for it in self._subject.schedules.enabled]
        intervals = [it.interval for it in known if it is not None] or [
            self._subject.require.schedule.frequency.interval
        ]
        return shifted(self._now, -max(TIMELINE_DAYS, INTERVALS * min(intervals)))

    def _when(self, phase: BackupPhase, since: datetime) -> tuple[datetime, ...]:
        return latest((it.captured_at for it in self._backups.certain if it.phase is phase), since, MAX_RECOVERY_POINTS)

    def _to_come(self) -> list[datetime | None]:
        runs = [it.run_at for it in self._backups.certain if it.phase is BackupPhase.PLANNED]
        return [*runs, *(it.next_run for it in self._subject.schedules.enabled)]

    def _lasting(self, points: list[Point]) -> list[Period]:
        """Return for each capture how long it met the objective: while it was young enough, and not expired."""
        max_age = self._subject.require.max_age
        past = [(it.captured_at, self._backups.expiry(it).at) for it in self._backups.certain if _is_past(it)]
        captures = [*((it.captured_at, it.expires_at) for it in points), *past]
        ends = ((at, shifted(at, max_age), expires) for at, expires in captures if at is not None)
        return [Period(at, end if expires is None else min(end, expires)) for at, end, expires in ends]

    def _missed(self, found: list[Period]) -> list[Period]:
        """Keep what is certain: that the newest point is too old today rests on less than that nights were missed."""
        lasting = [it for it in found if it.end == self._now]
        past = [it for it in found if it.end != self._now]
        listed = self._backups.listings
        runs = (*listed, *self._subject.schedules.listings, *self._backups.history_listings())
        told = past if past and self._is_confirmed("The objective seems to have been missed", runs) else []
        return told + (lasting if lasting and self._is_confirmed("The objective is not met", listed) else [])

    def _gaps(self) -> tuple[RunGap, ...]:
        answers = try_each(self._subject.schedules.enabled, self._gaps_of)
        if answers.unknown is not None:
            self._not_known[answers.unknown.reason] = None
        found = (gap for _, gaps in answers.known for gap in gaps)
        return tuple(sorted(found, key=lambda it: (it.start, it.end))[-MAX_RECOVERY_POINTS:])

    def _gaps_of(self, schedule: Schedule) -> list[RunGap]:
        settings = self._subject.project.settings[schedule.schedule_id]
        found = RunGaps(schedule, self._backups.runs(schedule), self._now, self._subject.grace, settings).gaps()
        listings = self._backups.history_listings([schedule])
        return found if found and self._is_confirmed("Runs seem to be missing", listings) else []

    def _is_confirmed(self, what: str, listings: tuple[ListingId, ...]) -> bool:
        """Tell whether two looks agree that something is absent, and say why not; a picture alone asks for no other."""
        verdict = require_confirmed_absence(
            non_compliant(f"{what}.", rests_on=listings), self._subject.project, self._subject.name, set()
        )
        if verdict.compliance is Compliance.NON_COMPLIANT:
            return True
        self._not_known[verdict.reason] = None
        return False

    def _note_unread(self) -> None:
        for unread in (self._backups.unread, self._backups.histories_unread):
            if unread is not None:
                self._not_known[f"Not all was read: {unread.what}: {unread.error}"] = None


def _is_past(it: BackupRecord) -> bool:
    return it.phase is BackupPhase.READY and not it.is_listed


def _zero_at(points: list[Point]) -> datetime | None:
    ends = [it.expires_at for it in points if it.expires_at is not None]
    return max(ends) if ends and len(ends) == len(points) else None


def _expiries(points: list[Point], until: datetime) -> tuple[datetime, ...]:
    return tuple(sorted(it.expires_at for it in points if it.expires_at is not None and it.expires_at <= until))


@dataclass(frozen=True, slots=True)
class Timelines:
    """The nights of each index that can be backed up, sorted by name: told when they are asked for."""

    inventory: Inventory
    policy: Policy
    memory: ProjectState

    def __iter__(self) -> Iterator[Timeline]:
        """Tell them one by one: those of a large project never stand in memory together."""
        project = ProjectContext(self.inventory, self.policy, self.memory)
        subjects = (IndexContext(project, facts) for facts in project.inventory.indexes)
        return (build_timeline(it) for it in subjects if it.unsupported is None)
