"""What a plan of deeds comes to for one index, by the arithmetic of Pinecone's documents: runs, backups, expiries.

Nothing here is the product's or the simulator's: the book is what both are held against.
"""

from calendar import monthrange
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from support.settings_model import REPORTED, Sighting

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
INTERVALS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}
"""The longest time between two runs."""
LONGEST_NAME = 28


class End(Enum):
    """How a run ends."""

    WELL = auto()
    BADLY = auto()
    NEVER = auto()
    NOT_BEGUN = auto()
    """It leaves no trace."""
    NOT_BEGUN_NOR_ANY_AFTER = auto()


@dataclass(eq=False, slots=True)
class Schedule:
    """A schedule, as long as it is not deleted."""

    id: str
    name: str
    frequency: str
    retention: timedelta
    created_at: datetime
    anchor: datetime
    is_enabled: bool = True
    is_deleted: bool = False
    next_run: datetime | None = None
    is_waiting: bool = False
    """Whether its planned run did not begin when it was due, and never will."""
    ends: deque[End] = field(default_factory=deque)
    """How the coming runs end; those beyond end well."""
    sightings: list[Sighting] = field(default_factory=list)
    """What each audit read of it."""

    def see(self, now: datetime) -> None:
        """Let an audit read it."""
        self.sightings.append(Sighting(now, self.frequency, self.retention // DAY, self.is_enabled))

    @property
    def interval(self) -> timedelta:
        """The longest time between two of its runs."""
        return INTERVALS[self.frequency]

    def plan(self, moment: datetime) -> None:
        """Plan the first run after a moment."""
        self.is_waiting = False
        count = 1
        while (run := self._run(count)) <= moment:
            count += 1
        self.next_run = run

    def _run(self, count: int) -> datetime:
        if self.frequency != "monthly":
            return self.anchor + count * self.interval
        month = self.anchor.month - 1 + count
        year, month = self.anchor.year + month // 12, month % 12 + 1
        return self.anchor.replace(year=year, month=month, day=min(self.anchor.day, monthrange(year, month)[1]))


@dataclass(eq=False, slots=True)
class Backup:
    """A backup of an index, or a run of its schedules."""

    id: str
    at: datetime
    maker: Schedule | None
    end: End
    records: int
    namespaces: int
    is_strange: bool = False
    """Whether it shows a status that nobody knows."""
    is_listed: bool = True
    is_known: bool = False
    """Whether an audit saw it as good."""
    until: datetime | None = None
    """When a known one should expire, by the least retention known until it was missed; `None` is never."""
    missed_at: datetime | None = None
    """The audit that first missed it."""

    def is_missed(self, now: datetime) -> bool:
        """Tell whether an audit saw it, and finds that it is gone before its time."""
        if not self.is_known or self.is_listed:
            return False
        if self.missed_at is not None and self.until is None:
            return now - self.missed_at < REPORTED
        maker = self.maker
        present = [] if maker is None or maker.is_deleted or self.missed_at else [self.at + maker.retention]
        return all(end is None or end > now for end in (self.until, *present))

    @property
    def is_good(self) -> bool:
        """Whether one can restore from it."""
        return self.is_listed and self.end is End.WELL and not self.is_strange


@dataclass(eq=False)
class Index:
    """An index from its creation on; one that is made anew under the same name is another."""

    id: str
    name: str
    records: int
    namespaces: int
    is_protected: bool = False
    is_tagged: bool = True
    is_deleted: bool = False
    schedules: list[Schedule] = field(default_factory=list)
    backups: list[Backup] = field(default_factory=list)

    @property
    def enabled(self) -> list[Schedule]:
        """Its enabled schedules."""
        return [it for it in self.schedules if it.is_enabled]

    @property
    def good(self) -> list[Backup]:
        """What one can restore from, newest first."""
        return sorted((it for it in self.backups if it.is_good), key=lambda it: it.at, reverse=True)

    def pass_to(self, moment: datetime) -> None:
        """Let everything happen that happens by itself until a moment."""
        while True:
            due = [(it.next_run, it) for it in self.enabled if it.next_run and not it.is_waiting]
            run_at, schedule = min(due, key=lambda it: it[0], default=(None, None))
            if run_at is None or schedule is None or run_at > moment:
                break
            self._expire(run_at)
            self._run(schedule, run_at)
        self._expire(moment)

    def _run(self, schedule: Schedule, at: datetime) -> None:
        end = schedule.ends.popleft() if schedule.ends else End.WELL
        if end is End.NOT_BEGUN_NOR_ANY_AFTER:
            schedule.is_waiting = True
            return
        if end is not End.NOT_BEGUN:
            too_long = len(schedule.name) > LONGEST_NAME
            self.take(at, schedule, End.BADLY if too_long and end is End.WELL else end)
        schedule.plan(at)

    def take(self, at: datetime, maker: Schedule | None = None, end: End = End.WELL, backup_id: str = "") -> None:
        """Take a backup. An index grows by a thousandth with each that is good."""
        if end is End.WELL:
            self.records += self.records // 1000
        self.backups.append(Backup(backup_id, at, maker, end, self.records, self.namespaces))

    def _expire(self, moment: datetime) -> None:
        for backup in self.backups:
            if backup.maker is not None and backup.at + backup.maker.retention <= moment:
                backup.is_listed = False

    def remember(self, now: datetime) -> None:
        """Let an audit see the backups, and forget those of which nothing more can be said."""
        for backup in self.backups:
            maker = backup.maker
            kept = None if maker is None or maker.is_deleted else backup.at + maker.retention
            if backup.is_listed and (backup.is_known or backup.is_good):
                assert backup.is_known or maker is None or kept, "a plan lets no schedule go before its runs were seen"
                backup.is_known, backup.missed_at = True, None
                backup.until = kept or backup.until
            elif backup.is_known and backup.missed_at is None:
                is_missed = backup.is_missed(now)
                if backup.until is not None and kept is not None:
                    backup.until = min(backup.until, kept)
                backup.missed_at = now if is_missed else None
        self.backups = [it for it in self.backups if it.is_listed or it.is_missed(now)]
