"""The settings that a schedule had, as audits saw them: which of them were in force at which time.

A change is known only as the two audits that it lies between. What lies before the first audit that saw a schedule is
taken to have had the oldest settings that are known.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.memory import EarlierSettings, KnownSchedule
from backup_auditor.domain.periods import shifted

SLOWEST = max(it.interval for it in Frequency)
"""The longest interval that a schedule can have."""
KEPT_FOR = 15 * SLOWEST
"""How long earlier settings are kept after others took their place: no rule looks further back."""
MOST_CHANGES = 60
"""How many earlier settings are kept of one schedule, the latest."""


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
    older = next((it for it in reversed(known.earlier) if it.since <= at), None)
    if older is None:
        return None
    return replace(known, frequency=older.frequency, retention=older.retention, enabled=older.enabled)


def _settings_of(known: KnownSchedule) -> tuple[str | None, timedelta | None, bool | None]:
    return known.frequency, known.retention, known.enabled


def _first[Fact](told: Fact | None, before: Fact | None) -> Fact | None:
    return before if told is None else told
