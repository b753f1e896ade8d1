"""How a schedule that falls short is put right: it runs more often, keeps longer, or is resumed; never the reverse."""

from collections.abc import Mapping
from functools import reduce

from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.remediation.actions import ChangeSchedule, Kind
from backup_auditor.domain.remediation.calls import Settings, settings_of
from backup_auditor.domain.remediation.plan import LeftOut
from backup_auditor.domain.remediation.reasons import left_out_by_exemption, why_not_ready, withheld
from backup_auditor.domain.remediation.wanted import (
    ENABLED,
    FREQUENCY,
    MAXIMUM,
    NAME,
    RETENTION_CONTROLS,
    accepted_controls,
    shortcomings,
)
from backup_auditor.domain.schedule_facts import label

_JUDGED = (ENABLED, NAME, FREQUENCY, *RETENTION_CONTROLS, MAXIMUM)


def change_of(subject: IndexSubject, findings: Mapping[str, Finding]) -> ChangeSchedule | LeftOut | None:
    """Return the change that an index's schedule needs, or why it is left as it is; `None` where it needs none."""
    judged = [it for name in _JUDGED if (it := findings.get(name)) is not None]
    short = [it for it in judged if it.compliance is Compliance.NON_COMPLIANT]
    unknown = [it for it in judged if it.compliance is Compliance.INSUFFICIENT_DATA]
    if subject.unsupported is not None or not (short or (unknown and subject.schedules.known)):
        return None
    exempted = [why for it in short if (why := left_out_by_exemption(it)) is not None]
    if short and len(exempted) == len(short):
        return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, exempted[0])
    if unknown:
        return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, unknown[0].reason, is_unknown=True)
    why = withheld("fix_schedules", subject.project.policy.remediation.fix_schedules) or why_not_ready(subject.index)
    is_paused = not subject.schedules.enabled
    chosen = subject.schedules.known if is_paused else subject.schedules.enabled
    if why is None and len(chosen) > 1:
        state = "paused" if is_paused else "enabled"
        why = f"It has {len(chosen)} {state} schedules, and nothing tells which is to be changed."
    if why is not None:
        return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, why)
    because = " ".join(it.reason for it in short if it.exemption is None)
    found = _changed(subject, chosen[0], because)
    return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, found) if isinstance(found, str) else found


def _changed(subject: IndexSubject, schedule: Schedule, because: str) -> ChangeSchedule | str | None:
    """Return the change, or why there is none; `None` where the schedule satisfies the policy."""
    accepted = accepted_controls(subject.project.policy, subject.index, subject.observed_at)
    corrections: list[Settings] = []
    for it in shortcomings(schedule, subject.require, accepted):
        if it.correction is None:
            return f"Its schedule {label(schedule)} {it.text}; {it.obstacle}."
        corrections.append(it.correction)
    if not corrections:
        return None
    changes = reduce(Settings.merged, corrections)
    return ChangeSchedule(
        index=subject.name,
        schedule_id=schedule.schedule_id,
        name=label(schedule),
        changes=changes,
        before=settings_of(schedule),
        slots=_slots(subject, schedule, changes),
        because=because,
    )


def _slots(subject: IndexSubject, schedule: Schedule, changes: Settings) -> int:
    """Return how many more backups it comes to hold; one that is resumed takes a backup at once."""
    quota, schedule_id, before = subject.project.quota, schedule.schedule_id, settings_of(schedule)
    held = len(quota.runs.get(schedule_id, ()))

    def most(settings: Settings, *, with_one_now: bool = False) -> int:
        if settings.frequency is None or settings.retention is None:
            return held
        interval = settings.frequency.interval
        return quota.comes_to_hold(schedule_id, settings.retention, interval, with_one_now=with_one_now)

    after = most(changes.merged(before), with_one_now=changes.enabled is True)
    return after - (most(before) if schedule.enabled else held)
