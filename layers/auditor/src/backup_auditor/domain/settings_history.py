"""The settings that a schedule had, as audits saw them: which of them were in force at which time.

A change is known only as the two audits that it lies between. What lies before the first audit that saw a schedule is
taken to have had the oldest settings that are known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise

from backup_auditor.domain.model import Frequency, Schedule
from backup_auditor.domain.project_state import EarlierSettings, KnownSchedule
from backup_auditor.domain.timefmt import Period, shifted

SLOWEST = max(it.interval for it in Frequency)
"""The longest interval that a schedule can have."""
KEPT_FOR = 15 * SLOWEST
"""How long earlier settings are kept after others took their place: no rule looks further back."""
MOST_CHANGES = 60
"""How many earlier settings are kept of one schedule, the latest."""
ALWAYS = datetime.min.replace(tzinfo=UTC)


def observed(
    schedule: Schedule, index_name: str, before: KnownSchedule | None, last: datetime | None, at: datetime
) -> KnownSchedule:
    """Return what is known of a schedule once an audit read it.

    `last` is the last audit that saw the settings that `before` has. A setting that the answer leaves out stays as it
    was, and that audit does not count as one that saw the settings.
    """
    if before is None:
        settings = schedule.frequency, schedule.retention, schedule.enabled
        return KnownSchedule(schedule.schedule_id, index_name, schedule.name, *settings, since=at)
    told = KnownSchedule(
        schedule_id=schedule.schedule_id,
        index_name=index_name,
        name=_first(schedule.name, before.name),
        frequency=_first(schedule.frequency, before.frequency),
        retention=_first(schedule.retention, before.retention),
        enabled=_first(schedule.enabled, before.enabled),
        since=before.since or last or at,
        seen_at=None if None not in (schedule.frequency, schedule.retention, schedule.enabled) else last,
        earlier=before.earlier,
    )
    if _settings_of(told) == _settings_of(before) or told.since is None or told.since >= at:
        return before if told == before else told
    ended = EarlierSettings(told.since, last or told.since, *_settings_of(before))
    return replace(told, since=at, earlier=(*before.earlier, ended))


def pruned(known: KnownSchedule, at: datetime) -> KnownSchedule:
    """Return what is known of a schedule without the earlier settings that no rule asks for any more."""
    followed = [*(it.since for it in known.earlier[1:]), known.since or at]
    horizon = shifted(at, -KEPT_FOR)
    kept = [it for it, until in zip(known.earlier, followed, strict=False) if until > horizon][-MOST_CHANGES:]
    return known if len(kept) == len(known.earlier) else replace(known, earlier=tuple(kept))


def settings_at(known: KnownSchedule, at: datetime) -> KnownSchedule | None:
    """Return a schedule with the settings that the last audit up to a moment saw; `None` where none saw it by then."""
    if known.since is None or known.since <= at:
        return known
    older = [it for it in known.earlier if it.since <= at]
    if not older:
        return None
    then = older.pop()
    return replace(
        known,
        frequency=then.frequency,
        retention=then.retention,
        enabled=then.enabled,
        since=then.since,
        seen_at=min(then.until, at),
        earlier=tuple(older),
    )


def _settings_of(known: KnownSchedule) -> tuple[str | None, timedelta | None, bool | None]:
    return known.frequency, known.retention, known.enabled


def _first[Fact](told: Fact | None, before: Fact | None) -> Fact | None:
    return before if told is None else told


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of time in which one interval was in force."""

    start: datetime
    end: datetime
    interval: timedelta
    frequency: str | None

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


class SettingsHistory:
    """The settings of one schedule up to an audit that read it."""

    def __init__(self, known: KnownSchedule, observed_at: datetime) -> None:
        """Take what is known of a schedule once that audit read it, as `observed` returns it."""
        self._now = observed_at
        present = EarlierSettings(known.since or observed_at, observed_at, *_settings_of(known))
        self.settings: tuple[EarlierSettings, ...] = (*known.earlier, present)
        """Every settings that are known, the oldest first; the last are those of now."""

    @property
    def known_since(self) -> datetime:
        """The first audit that saw the schedule."""
        return self.settings[0].since

    @property
    def oldest_frequency(self) -> str | None:
        """The frequency that the first audit saw."""
        return self.settings[0].frequency

    @property
    def shortest_interval(self) -> timedelta:
        """The interval of the fastest frequency that is known."""
        return min(interval_named(it.frequency) for it in self.settings)

    def since(self, moment: datetime) -> list[EarlierSettings]:
        """Return the settings that were in force at a moment or later, the oldest first."""
        ends = [*(it.since for it in self.settings[1:]), self._now]
        return [it for it, end in zip(self.settings, ends, strict=True) if end >= moment]

    @cached_property
    def listed_since(self) -> datetime:
        """The moment since which nothing that the schedule made can have expired, by the retentions known."""
        ends = [*(it.since for it in self.settings[1:]), self._now]
        kept = [(it.retention, end) for it, end in zip(self.settings, ends, strict=True) if it.retention is not None]
        return max((shifted(end, -retention) for retention, end in kept), default=ALWAYS)

    @cached_property
    def pauses(self) -> list[Period]:
        """The known pauses: each from the audit that saw it to the one that saw the schedule enabled again."""
        starts = [ALWAYS, *(it.since for it in self.settings[1:])]
        ends = [*(it.since for it in self.settings[1:]), self._now]
        found: list[Period] = []
        for it, start, end in zip(self.settings, starts, ends, strict=True):
            if it.enabled is not False:
                continue
            if found and found[-1].end == start:
                found[-1] = Period(found[-1].start, end)
            else:
                found.append(Period(start, end))
        return found

    def after_pauses(self, start: datetime, end: datetime) -> datetime:
        """Return from when a time without a run counts: from the end of the last pause that overlaps it."""
        return max([start, *(it.end for it in self.pauses if it.start < end and it.end > start)])

    @cached_property
    def _intervals(self) -> list[tuple[datetime, str | None]]:
        """Since when each frequency counted: between two audits the slower one."""
        found: list[tuple[datetime, str | None]] = [(ALWAYS, self.settings[0].frequency)]
        for old, new in pairwise(self.settings):
            if new.frequency != old.frequency:
                is_slower = interval_named(new.frequency) > interval_named(old.frequency)
                found.append((max(old.until if is_slower else new.since, found[-1][0]), new.frequency))
        return found

    def parts(self, start: datetime, end: datetime) -> Iterator[Part]:
        """Divide a time by the frequency in force."""
        ends = [*(since for since, _ in self._intervals[1:]), end]
        for (since, frequency), until in zip(self._intervals, ends, strict=True):
            first, last = max(since, start), min(until, end)
            if first < last:
                yield Part(first, last, interval_named(frequency), frequency)

    def due(self, captured_at: datetime) -> datetime | None:
        """Return when a backup that is still listed is to be gone; `None` where that is not known.

        A retention that was raised moves it; one that was lowered makes it due once an audit saw that.
        """
        if self._only_retention is not None:  # as nearly always: there are many backups
            try:
                return captured_at + self._only_retention
            except OverflowError:
                return None
        due: datetime | None = None
        retention: timedelta | None = None
        for since, kept in self._retentions:
            ends = _later(captured_at, kept)
            if retention is None or due is None or kept > retention or ends is None:
                due = ends
            else:
                due = min(due, max(ends, since))
            retention = kept
        return due

    @cached_property
    def _only_retention(self) -> timedelta | None:
        return self._retentions[0][1] if len(self._retentions) == 1 else None

    @cached_property
    def _retentions(self) -> list[tuple[datetime, timedelta]]:
        found: list[tuple[datetime, timedelta]] = []
        for it in self.settings:
            if it.retention is not None and (not found or found[-1][1] != it.retention):
                found.append((it.since, it.retention))
        return found


def interval_named(frequency: str | None) -> timedelta:
    """Return the interval of a frequency, the longest of all where it is not known."""
    known = Frequency.of(frequency)
    return SLOWEST if known is None else known.interval


def _later(moment: datetime, length: timedelta) -> datetime | None:
    try:
        return moment + length
    except OverflowError:
        return None
