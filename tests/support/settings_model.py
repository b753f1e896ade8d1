"""What the contract says of a schedule whose settings change, worked out from what audits read, and from nothing else.

It keeps every sighting of every schedule and goes through all of them each time. Nothing here is the product's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
GRACE = 6 * HOUR
LENIENCY = 2 * DAY
MARGIN = timedelta(minutes=15)
REPORTED = 30 * DAY
LENGTHS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}
EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Sighting:
    """What one audit read of one schedule."""

    at: datetime
    frequency: str
    days: int
    is_enabled: bool


@dataclass(frozen=True)
class Row:
    """A backup as one audit read it."""

    copy_id: str
    at: datetime
    plan_id: str | None
    """The schedule whose history lists it."""
    is_run: bool
    """Whether its name is a run's."""


@dataclass(frozen=True)
class Reading:
    """What one audit read of one index."""

    at: datetime
    plans: dict[str, tuple[Sighting, datetime]] | None
    """By id, with the creation; `None` where the schedules could not be read."""
    rows: tuple[Row, ...] | None
    """`None` where the backups could not be read."""
    runs: tuple[Row, ...]
    """What the histories list."""

    @property
    def is_complete(self) -> bool:
        """Whether everything was read."""
        return self.plans is not None and self.rows is not None


@dataclass
class Note:
    """A backup that an audit saw."""

    row: Row
    plan_id: str | None
    read_at: datetime
    """The last audit that listed it."""
    until: datetime | None
    """When it is due, as far as that was known when it was last listed; `None` is never, or not known."""
    is_endless: bool
    least: datetime | None = None
    """The earliest due time known since."""
    missed_at: datetime | None = None


def has_gap(seen: list[Sighting], created_at: datetime, runs: list[datetime], now: datetime) -> bool | None:
    """Tell whether runs of a schedule are missing, given every sighting of it; `None` where that cannot be known."""
    since = max(now - 14 * LENGTHS[seen[-1].frequency], _listed_since(seen))
    if not runs:
        if not _is_wide(seen, created_at, now):
            return False
        if created_at >= since or _is_wide(seen, since, now):
            return True
        return None
    is_young = seen[0].at - created_at <= DAY
    points = [created_at, *runs] if is_young and created_at >= since else runs
    pairs = [(a, b) for a, b in pairwise(points) if a >= max(since, created_at)]
    for a, b in [*pairs, (runs[-1], now)]:
        start = a
        if not is_young and a < seen[0].at and not _is_shown(seen, runs, a):
            before = min(b, seen[0].at)
            if before - a <= 31 * DAY + GRACE and seen[0].frequency != "monthly":
                start = before
        if _is_wide(seen, start, b):
            return True
    return False


def _is_shown(seen: list[Sighting], runs: list[datetime], before: datetime) -> bool:
    return any(b - a <= LENGTHS[seen[0].frequency] + GRACE for a, b in pairwise(runs) if b <= before)


def _listed_since(seen: list[Sighting]) -> datetime:
    ends = [(b.at, a.days) for a, b in pairwise(seen)]
    ends.append((seen[-1].at, seen[-1].days))
    return max(at - days * DAY for at, days in ends)


def _is_wide(seen: list[Sighting], start: datetime, end: datetime) -> bool:
    for first, last in _pauses(seen):
        if first < end and last > start:
            start = max(start, last)
    if start >= end:
        return False
    stretch, frequency = timedelta(), ""
    for first, last, now in _frequencies(seen):
        length = min(last, end) - max(first, start)
        if length <= timedelta():
            continue
        stretch = stretch + length if now == frequency else length
        frequency = now
        if stretch > LENGTHS[frequency] + GRACE:
            return True
    return False


def _pauses(seen: list[Sighting]) -> Iterator[tuple[datetime, datetime]]:
    began: datetime | None = None if seen[0].is_enabled else EVER
    for it in seen[1:]:
        if not it.is_enabled and began is None:
            began = it.at
        elif it.is_enabled and began is not None:
            yield began, it.at
            began = None


def _frequencies(seen: list[Sighting]) -> Iterator[tuple[datetime, datetime, str]]:
    yield EVER, seen[0].at, seen[0].frequency
    for a, b in pairwise(seen):
        yield a.at, b.at, max(a.frequency, b.frequency, key=lambda it: LENGTHS[it])


@dataclass
class Book:
    """What the audits of one index know."""

    sightings: dict[str, list[Sighting]] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def read(self, reading: Reading) -> dict[str, bool | None]:
        """Take in what an audit read, and return which controls fail; `None` where that cannot be known."""
        if reading.plans is not None:
            for plan_id, (seen, _) in reading.plans.items():
                self.sightings.setdefault(plan_id, []).append(seen)
        found = {
            "scheduled-runs-are-continuous": self._misses_runs(reading),
            "backups-expire-on-time": self._keeps_too_long(reading),
            "backup-did-not-vanish": self._lost(reading),
        }
        if reading.is_complete and reading.plans is not None:
            for gone in self.sightings.keys() - reading.plans.keys():
                del self.sightings[gone]
        return found

    # runs

    def _misses_runs(self, reading: Reading) -> bool | None:
        if reading.plans is None:
            return None
        answers = set()
        for plan_id, (seen, created_at) in reading.plans.items():
            if seen.is_enabled:
                runs = sorted(it.at for it in reading.runs if it.plan_id == plan_id)
                answers.add(has_gap(self.sightings[plan_id], created_at, runs, reading.at))
        return True if True in answers else None if None in answers else False

    # expiry

    def _due(self, plan_id: str, at: datetime) -> datetime | None:
        """Go through every sighting: raised moves it, lowered makes it due once that was seen."""
        seen = self.sightings.get(plan_id)
        if not seen:
            return None
        due = at + seen[0].days * DAY
        for a, b in pairwise(seen):
            if b.days > a.days:
                due = at + b.days * DAY
            elif b.days < a.days:
                due = min(due, max(at + b.days * DAY, b.at))
        return due

    def _expiry(self, row: Row, reading: Reading) -> tuple[bool, datetime | None]:
        """Return whether a listed backup never expires, and else when it is due, as far as that is known."""
        note = self.notes.get(row.copy_id)
        plan_id = row.plan_id or (note.plan_id if note else None)
        if plan_id is not None and reading.plans is not None and plan_id in reading.plans:
            return False, self._due(plan_id, row.at)
        if row.is_run:
            return False, note.until if note else None
        return reading.plans is not None, None

    def _keeps_too_long(self, reading: Reading) -> bool | None:
        if reading.plans is None or reading.rows is None:
            return None
        ends = [self._expiry(it, reading) for it in reading.rows]
        known = [at for _, at in ends if at is not None]
        if any(reading.at - it > LENIENCY for it in known):
            return True
        return None if any(not endless and at is None for endless, at in ends) else False

    # what vanished

    def _lost(self, reading: Reading) -> bool | None:
        if reading.rows is None:
            self._shorten(reading)
            return None
        listed = {it.copy_id: it for it in reading.rows}
        lost, doubt = False, False
        for copy_id, note in list(self.notes.items()):
            if copy_id in listed:
                continue
            answer = self._is_lost(note, reading)
            lost, doubt = lost or answer is True, doubt or answer is None
            if answer is False and reading.is_complete and self._is_over(note, reading.at):
                del self.notes[copy_id]
        for row in listed.values():
            self._note(row, reading)
        return True if lost else None if doubt else False

    def _shorten(self, reading: Reading) -> None:
        for note in self.notes.values():
            plans = reading.plans or {}
            if note.plan_id in plans and note.missed_at is None and note.least is not None:
                due = self._due(note.plan_id, note.row.at)
                note.least = min(note.least, due) if due else note.least

    def _is_over(self, note: Note, now: datetime) -> bool:
        if note.is_endless:
            return note.missed_at is not None and now - note.missed_at >= REPORTED
        return note.least is None or note.least <= now

    def _is_lost(self, note: Note, reading: Reading) -> bool | None:
        now = reading.at
        if note.missed_at is None and not note.is_endless:
            if note.least is None:
                return False
            if reading.plans is not None and note.plan_id in reading.plans:
                due = self._due(note.plan_id, note.row.at)
                note.least = min(note.least, due) if due else note.least
            if note.least - now <= MARGIN:
                return False
            if reading.plans is None:
                return None
        if self._is_over(note, now) or (note.least is not None and note.least - now <= MARGIN):
            return False
        note.missed_at = note.missed_at or now
        return True

    def _note(self, row: Row, reading: Reading) -> None:
        endless, until = self._expiry(row, reading)
        before = self.notes.get(row.copy_id)
        plan_id = row.plan_id or (before.plan_id if before else None)
        if before is not None and reading.plans is None:
            endless, until = before.is_endless, before.until
        self.notes[row.copy_id] = Note(row, plan_id, reading.at, until, endless, until)
