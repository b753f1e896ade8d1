"""A reference model of schedules whose settings change, which uses only what audits read.

The model keeps every sighting of every schedule, and evaluates all of them each time. It shares no code with the
product.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
GRACE = 6 * HOUR
EXPIRY_TOLERANCE = 2 * DAY
EXPIRY_MARGIN = timedelta(minutes=15)
REPORTING_PERIOD = 30 * DAY
INTERVALS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}
EARLIEST_MOMENT = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ScheduleSighting:
    """The settings of one schedule in one audit."""

    observed_at: datetime
    frequency: str
    days: int
    is_enabled: bool


@dataclass(frozen=True)
class BackupRow:
    """A backup in one audit."""

    backup_id: str
    captured_at: datetime
    schedule_id: str | None
    """The schedule whose history lists the backup."""
    is_run: bool
    """Whether the backup has the name of a run."""


@dataclass(frozen=True)
class IndexReading:
    """The facts of one index that one audit read."""

    observed_at: datetime
    schedules: dict[str, tuple[ScheduleSighting, datetime]] | None
    """The schedules by id, each with its creation time; `None` if the read failed."""
    rows: tuple[BackupRow, ...] | None
    """The backups; `None` if the read failed."""
    runs: tuple[BackupRow, ...]
    """The rows of the histories."""

    @property
    def is_complete(self) -> bool:
        """Whether all reads succeeded."""
        return self.schedules is not None and self.rows is not None


@dataclass
class BackupNote:
    """The facts that the model keeps about a backup."""

    row: BackupRow
    schedule_id: str | None
    listed_at: datetime
    """The last audit that listed the backup."""
    expires_at: datetime | None
    """The expiry known when the backup was last listed; `None` means never or unknown."""
    never_expires: bool
    earliest_expiry: datetime | None = None
    """The earliest expiry known since then."""
    missed_at: datetime | None = None


def has_gap(
    sightings: list[ScheduleSighting], created_at: datetime, runs: list[datetime], now: datetime
) -> bool | None:
    """Return whether runs of a schedule are missing, given all its sightings; `None` if that is unknown."""
    start_limit = max(now - 14 * INTERVALS[sightings[-1].frequency], _find_listing_start(sightings))
    if not runs:
        if not _is_gap_too_wide(sightings, created_at, now):
            return False
        if created_at >= start_limit or _is_gap_too_wide(sightings, start_limit, now):
            return True
        return None
    is_young = sightings[0].observed_at - created_at <= DAY
    run_moments = [created_at, *runs] if is_young and created_at >= start_limit else runs
    gaps = [
        (gap_start, gap_end)
        for gap_start, gap_end in pairwise(run_moments)
        if gap_start >= max(start_limit, created_at)
    ]
    for gap_start, gap_end in [*gaps, (runs[-1], now)]:
        start = gap_start
        if (
            not is_young
            and gap_start < sightings[0].observed_at
            and not _has_shown_frequency(sightings, runs, gap_start)
        ):
            unseen_until = min(gap_end, sightings[0].observed_at)
            if unseen_until - gap_start <= 31 * DAY + GRACE and sightings[0].frequency != "monthly":
                start = unseen_until
        if _is_gap_too_wide(sightings, start, gap_end):
            return True
    return False


def _has_shown_frequency(sightings: list[ScheduleSighting], runs: list[datetime], end: datetime) -> bool:
    return any(b - a <= INTERVALS[sightings[0].frequency] + GRACE for a, b in pairwise(runs) if b <= end)


def _find_listing_start(sightings: list[ScheduleSighting]) -> datetime:
    retention_ends = [(b.observed_at, a.days) for a, b in pairwise(sightings)]
    retention_ends.append((sightings[-1].observed_at, sightings[-1].days))
    return max(moment - days * DAY for moment, days in retention_ends)


def _is_gap_too_wide(sightings: list[ScheduleSighting], start: datetime, end: datetime) -> bool:
    for period_start, period_end in _find_pauses(sightings):
        if period_start < end and period_end > start:
            start = max(start, period_end)
    if start >= end:
        return False
    covered_length, frequency = timedelta(), ""
    for period_start, period_end, period_frequency in _find_frequencies(sightings):
        length = min(period_end, end) - max(period_start, start)
        if length < timedelta():
            continue
        covered_length = covered_length + length if period_frequency == frequency else length
        frequency = period_frequency
        if covered_length > INTERVALS[frequency] + GRACE:
            return True
    return False


def _find_pauses(sightings: list[ScheduleSighting]) -> Iterator[tuple[datetime, datetime]]:
    pause_start: datetime | None = None if sightings[0].is_enabled else EARLIEST_MOMENT
    for sighting in sightings[1:]:
        if not sighting.is_enabled and pause_start is None:
            pause_start = sighting.observed_at
        elif sighting.is_enabled and pause_start is not None:
            yield pause_start, sighting.observed_at
            pause_start = None


def _find_frequencies(sightings: list[ScheduleSighting]) -> Iterator[tuple[datetime, datetime, str]]:
    """Yield the periods of each frequency: each sighting is a period of no length, which ends that of another one."""
    yield EARLIEST_MOMENT, sightings[0].observed_at, sightings[0].frequency
    for a, b in pairwise(sightings):
        yield a.observed_at, b.observed_at, max(a.frequency, b.frequency, key=lambda it: INTERVALS[it])
        yield b.observed_at, b.observed_at, b.frequency


@dataclass
class ReferenceModel:
    """The knowledge that the audits of one index accumulate."""

    sightings: dict[str, list[ScheduleSighting]] = field(default_factory=dict)
    notes: dict[str, BackupNote] = field(default_factory=dict)

    def evaluate(self, reading: IndexReading) -> dict[str, bool | None]:
        """Record the facts that an audit read, and return which controls fail; `None` means unknown."""
        if reading.schedules is not None:
            for schedule_id, (sighting, _) in reading.schedules.items():
                self.sightings.setdefault(schedule_id, []).append(sighting)
        failures_by_control = {
            "scheduled-runs-are-continuous": self._has_missing_runs(reading),
            "backups-expire-on-time": self._has_expired_backups(reading),
            "backup-did-not-vanish": self._has_lost_backups(reading),
        }
        if reading.is_complete and reading.schedules is not None:
            for removed_id in self.sightings.keys() - reading.schedules.keys():
                del self.sightings[removed_id]
        return failures_by_control

    # runs

    def _has_missing_runs(self, reading: IndexReading) -> bool | None:
        if reading.schedules is None:
            return None
        results = set()
        for schedule_id, (sighting, created_at) in reading.schedules.items():
            if sighting.is_enabled:
                runs = sorted(it.captured_at for it in reading.runs if it.schedule_id == schedule_id)
                results.add(has_gap(self.sightings[schedule_id], created_at, runs, reading.observed_at))
        return True if True in results else None if None in results else False

    # expiry

    def _find_expiry(self, schedule_id: str, captured_at: datetime) -> datetime | None:
        """Return the expiry: a longer retention extends it, a shorter one applies once an audit reads it."""
        sightings = self.sightings.get(schedule_id)
        if not sightings:
            return None
        expires_at = captured_at + sightings[0].days * DAY
        for a, b in pairwise(sightings):
            if b.days > a.days:
                expires_at = captured_at + b.days * DAY
            elif b.days < a.days:
                expires_at = min(expires_at, max(captured_at + b.days * DAY, b.observed_at))
        return expires_at

    def _find_row_expiry(self, row: BackupRow, reading: IndexReading) -> tuple[bool, datetime | None]:
        """Return whether a listed backup never expires, and otherwise its expiry if that is known."""
        note = self.notes.get(row.backup_id)
        schedule_id = row.schedule_id or (note.schedule_id if note else None)
        if schedule_id is not None and reading.schedules is not None and schedule_id in reading.schedules:
            return False, self._find_expiry(schedule_id, row.captured_at)
        if row.is_run:
            return False, note.expires_at if note else None
        return reading.schedules is not None, None

    def _has_expired_backups(self, reading: IndexReading) -> bool | None:
        if reading.schedules is None or reading.rows is None:
            return None
        expiries = [self._find_row_expiry(it, reading) for it in reading.rows]
        expiry_moments = [expires_at for _, expires_at in expiries if expires_at is not None]
        if any(reading.observed_at - it > EXPIRY_TOLERANCE for it in expiry_moments):
            return True
        return (
            None if any(not never_expires and expires_at is None for never_expires, expires_at in expiries) else False
        )

    # lost backups

    def _has_lost_backups(self, reading: IndexReading) -> bool | None:
        if reading.rows is None:
            self._shorten_expiries(reading)
            return None
        rows_by_id = {it.backup_id: it for it in reading.rows}
        has_lost, is_unknown = False, False
        for backup_id, note in list(self.notes.items()):
            if backup_id in rows_by_id:
                continue
            is_lost = self._is_lost(note, reading)
            has_lost, is_unknown = has_lost or is_lost is True, is_unknown or is_lost is None
            if is_lost is False and reading.is_complete and self._is_over(note, reading.observed_at):
                del self.notes[backup_id]
        for row in rows_by_id.values():
            self._record_row(row, reading)
        return True if has_lost else None if is_unknown else False

    def _shorten_expiries(self, reading: IndexReading) -> None:
        for note in self.notes.values():
            schedules = reading.schedules or {}
            if note.schedule_id in schedules and note.missed_at is None and note.earliest_expiry is not None:
                expires_at = self._find_expiry(note.schedule_id, note.row.captured_at)
                note.earliest_expiry = min(note.earliest_expiry, expires_at) if expires_at else note.earliest_expiry

    def _is_over(self, note: BackupNote, now: datetime) -> bool:
        if note.never_expires:
            return note.missed_at is not None and now - note.missed_at >= REPORTING_PERIOD
        return note.earliest_expiry is None or note.earliest_expiry <= now

    def _is_lost(self, note: BackupNote, reading: IndexReading) -> bool | None:
        now = reading.observed_at
        if note.missed_at is None and not note.never_expires:
            if note.earliest_expiry is None:
                return False
            if reading.schedules is not None and note.schedule_id in reading.schedules:
                expires_at = self._find_expiry(note.schedule_id, note.row.captured_at)
                note.earliest_expiry = min(note.earliest_expiry, expires_at) if expires_at else note.earliest_expiry
            if note.earliest_expiry - now <= EXPIRY_MARGIN:
                return False
            if reading.schedules is None:
                return None
        if self._is_over(note, now) or (
            note.earliest_expiry is not None and note.earliest_expiry - now <= EXPIRY_MARGIN
        ):
            return False
        note.missed_at = note.missed_at or now
        return True

    def _record_row(self, row: BackupRow, reading: IndexReading) -> None:
        never_expires, expires_at = self._find_row_expiry(row, reading)
        previous_note = self.notes.get(row.backup_id)
        schedule_id = row.schedule_id or (previous_note.schedule_id if previous_note else None)
        if previous_note is not None and reading.schedules is None:
            never_expires, expires_at = previous_note.never_expires, previous_note.expires_at
        self.notes[row.backup_id] = BackupNote(
            row, schedule_id, reading.observed_at, expires_at, never_expires, expires_at
        )
