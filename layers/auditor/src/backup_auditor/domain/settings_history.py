"""The settings of a schedule over time, as audits saw them.

Of a change, only the audit before it and the audit after it are known. Before the first audit that saw a schedule, its
oldest known settings apply.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from backup_auditor.domain.model import Frequency, Schedule
from backup_auditor.domain.project_state import EarlierSettings, KnownSchedule
from backup_auditor.domain.timefmt import EARLIEST_MOMENT, Period, shift_moment

SLOWEST_INTERVAL = max(it.interval for it in Frequency)
"""The longest interval that a schedule can have."""
SETTINGS_RETENTION = 15 * SLOWEST_INTERVAL
"""How long replaced settings are stored. No control looks further back."""
MAX_EARLIER_SETTINGS = 60
"""The most earlier settings stored for one schedule, the latest ones."""


def observe_schedule(
    schedule: Schedule,
    index_name: str,
    known_schedule: KnownSchedule | None,
    last_seen_at: datetime | None,
    observed_at: datetime,
) -> KnownSchedule:
    """Return what is known of a schedule after an audit read it.

    `last_seen_at` is the last audit that saw the settings of `known_schedule`. A setting that is missing in the
    response stays as it was, and then the audit does not count as one that saw the settings.
    """
    if known_schedule is None:
        settings = schedule.frequency, schedule.retention, schedule.enabled
        return KnownSchedule(schedule.schedule_id, index_name, schedule.name, *settings, since=observed_at)
    updated_schedule = KnownSchedule(
        schedule_id=schedule.schedule_id,
        index_name=index_name,
        name=_prefer_new(schedule.name, known_schedule.name),
        frequency=_prefer_new(schedule.frequency, known_schedule.frequency),
        retention=_prefer_new(schedule.retention, known_schedule.retention),
        enabled=_prefer_new(schedule.enabled, known_schedule.enabled),
        since=known_schedule.since or last_seen_at or observed_at,
        seen_at=None if None not in (schedule.frequency, schedule.retention, schedule.enabled) else last_seen_at,
        earlier_settings=known_schedule.earlier_settings,
    )
    if (
        _extract_settings(updated_schedule) == _extract_settings(known_schedule)
        or updated_schedule.since is None
        or updated_schedule.since >= observed_at
    ):
        return known_schedule if updated_schedule == known_schedule else updated_schedule
    ended_settings = EarlierSettings(
        updated_schedule.since, last_seen_at or updated_schedule.since, *_extract_settings(known_schedule)
    )
    return replace(
        updated_schedule, since=observed_at, earlier_settings=(*known_schedule.earlier_settings, ended_settings)
    )


def prune_settings(schedule: KnownSchedule, observed_at: datetime) -> KnownSchedule:
    """Return a known schedule without the earlier settings that no control needs."""
    end_times = [*(it.since for it in schedule.earlier_settings[1:]), schedule.since or observed_at]
    horizon = shift_moment(observed_at, -SETTINGS_RETENTION)
    recent_settings = [it for it, until in zip(schedule.earlier_settings, end_times, strict=False) if until > horizon]
    earlier_settings = tuple(recent_settings[-MAX_EARLIER_SETTINGS:])
    is_unchanged = len(earlier_settings) == len(schedule.earlier_settings)
    return schedule if is_unchanged else replace(schedule, earlier_settings=earlier_settings)


def find_settings_at(schedule: KnownSchedule, moment: datetime) -> KnownSchedule | None:
    """Return a schedule with the settings of the last audit up to a time; `None` if no audit had seen it."""
    if schedule.since is None or schedule.since <= moment:
        return schedule
    older_settings = [it for it in schedule.earlier_settings if it.since <= moment]
    if not older_settings:
        return None
    settings = older_settings.pop()
    return replace(
        schedule,
        frequency=settings.frequency,
        retention=settings.retention,
        enabled=settings.enabled,
        since=settings.since,
        seen_at=min(settings.until, moment),
        earlier_settings=tuple(older_settings),
    )


def _extract_settings(schedule: KnownSchedule) -> tuple[str | None, timedelta | None, bool | None]:
    return schedule.frequency, schedule.retention, schedule.enabled


def _prefer_new[Fact](new_value: Fact | None, old_value: Fact | None) -> Fact | None:
    return old_value if new_value is None else new_value


class SettingsHistory:
    """The settings of one schedule up to an audit that read it."""

    def __init__(self, schedule: KnownSchedule, observed_at: datetime) -> None:
        """Take a schedule as `observe_schedule` returns it for the audit."""
        current_settings = EarlierSettings(schedule.since or observed_at, observed_at, *_extract_settings(schedule))
        self.settings: tuple[EarlierSettings, ...] = (*schedule.earlier_settings, current_settings)
        """All known settings, oldest first; the last ones are the present settings."""
        self.known_since = self.settings[0].since
        """The first audit that saw the schedule."""
        self.oldest_frequency = self.settings[0].frequency
        """The frequency that the first audit saw."""
        self._ends = [*(it.since for it in self.settings[1:]), observed_at]

    @property
    def shortest_interval(self) -> timedelta:
        """The interval of the most frequent known frequency."""
        return min(find_interval(it.frequency) for it in self.settings)

    def find_settings_since(self, moment: datetime) -> list[EarlierSettings]:
        """Return the settings that applied at a time or later, oldest first."""
        return [it for it, end in zip(self.settings, self._ends, strict=True) if end >= moment]

    @cached_property
    def complete_since(self) -> datetime:
        """The time since which no backup of the schedule can have expired, by the known retentions."""
        retention_ends = [
            (it.retention, end) for it, end in zip(self.settings, self._ends, strict=True) if it.retention is not None
        ]
        return max((shift_moment(end, -retention) for retention, end in retention_ends), default=EARLIEST_MOMENT)

    @cached_property
    def pauses(self) -> list[Period]:
        """The known pauses: each from the audit that saw it to the audit that saw the schedule enabled again."""
        starts = [EARLIEST_MOMENT, *(it.since for it in self.settings[1:])]
        pauses: list[Period] = []
        for settings, start, end in zip(self.settings, starts, self._ends, strict=True):
            if settings.enabled is not False:
                continue
            if pauses and pauses[-1].end == start:
                pauses[-1] = Period(pauses[-1].start, end)
            else:
                pauses.append(Period(start, end))
        return pauses

    def skip_pauses(self, start: datetime, end: datetime) -> datetime:
        """Return the start of a period without a run, moved to the end of the last pause that overlaps it."""
        return max([start, *(it.end for it in self.pauses if it.start < end and it.end > start)])

    @cached_property
    def _frequency_changes(self) -> list[tuple[datetime, str | None]]:
        """The start of each frequency. Between two audits the slower frequency applies."""
        changes: list[tuple[datetime, str | None]] = [(EARLIEST_MOMENT, self.settings[0].frequency)]
        for old, new in pairwise(self.settings):
            if new.frequency != old.frequency:
                is_slower = find_interval(new.frequency) > find_interval(old.frequency)
                changes.append((max(old.until if is_slower else new.since, changes[-1][0]), new.frequency))
        return changes

    def split_by_frequency(self, start: datetime, end: datetime) -> Iterator[tuple[Period, str | None]]:
        """Yield the parts of a period, each with the frequency that applied."""
        ends = [*(since for since, _ in self._frequency_changes[1:]), end]
        for (since, frequency), until in zip(self._frequency_changes, ends, strict=True):
            period = Period(max(since, start), min(until, end))
            if period.start < period.end:
                yield period, frequency

    def find_due_time(self, captured_at: datetime) -> datetime | None:
        """Return when a backup that is still listed should be deleted; `None` if unknown.

        A longer retention moves that time. A shorter one counts only from the audit that saw it.
        """
        if self._single_retention is not None:  # the usual case, which makes the loop over many backups faster
            try:
                return captured_at + self._single_retention
            except OverflowError:
                return None
        due_time: datetime | None = None
        retention: timedelta | None = None
        for since, new_retention in self._retention_changes:
            expires_at = _add_length(captured_at, new_retention)
            if retention is None or due_time is None or new_retention > retention or expires_at is None:
                due_time = expires_at
            else:
                due_time = min(due_time, max(expires_at, since))
            retention = new_retention
        return due_time

    @cached_property
    def _single_retention(self) -> timedelta | None:
        return self._retention_changes[0][1] if len(self._retention_changes) == 1 else None

    @cached_property
    def _retention_changes(self) -> list[tuple[datetime, timedelta]]:
        changes: list[tuple[datetime, timedelta]] = []
        for settings in self.settings:
            if settings.retention is not None and (not changes or changes[-1][1] != settings.retention):
                changes.append((settings.since, settings.retention))
        return changes


def find_interval(frequency: str | None) -> timedelta:
    """Return the interval of a frequency; the longest one if it is unknown."""
    known_frequency = Frequency.parse(frequency)
    return SLOWEST_INTERVAL if known_frequency is None else known_frequency.interval


def _add_length(moment: datetime, length: timedelta) -> datetime | None:
    try:
        return moment + length
    except OverflowError:
        return None
