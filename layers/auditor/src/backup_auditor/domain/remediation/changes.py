"""How a schedule that falls short is put right: it runs more often, keeps longer, or is resumed; never the reverse."""

from collections.abc import Mapping

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.moments import format_length
from backup_auditor.domain.remediation.actions import ChangeSchedule, Kind
from backup_auditor.domain.remediation.calls import Settings
from backup_auditor.domain.remediation.plan import LeftOut
from backup_auditor.domain.remediation.reasons import left_out_by_exemption, why_not_ready, withheld
from backup_auditor.domain.remediation.wanted import (
    LONGEST_NAME,
    RETENTION_CONTROLS,
    retention_allowed,
    retentions_enough,
)
from backup_auditor.domain.schedule_facts import label

_ENABLED = "schedule-is-enabled"
_FREQUENCY = "schedule-frequency-meets-policy"
_JUDGED = (_ENABLED, _FREQUENCY, *RETENTION_CONTROLS, "schedule-retention-within-maximum")


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
        return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, unknown[0].reason)
    why = withheld("fix_schedules", subject.project.policy.remediation.fix_schedules) or why_not_ready(subject.index)
    is_paused = not subject.schedules.enabled
    chosen = subject.schedules.known if is_paused else subject.schedules.enabled
    if why is None and len(chosen) > 1:
        state = "paused" if is_paused else "enabled"
        why = f"It has {len(chosen)} {state} schedules, and nothing tells which is to be changed."
    if why is not None:
        return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, why)
    policy, because = subject.project.policy, " ".join(it.reason for it in short if it.exemption is None)
    accepted = (it for it in _JUDGED if policy.exemption_for(it, subject.name, subject.observed_at) is not None)
    found = _changed(subject, chosen[0], frozenset(accepted), because)
    return LeftOut(subject.name, Kind.CHANGE_SCHEDULE, found) if isinstance(found, str) else found


def _changed(subject: IndexSubject, schedule: Schedule, exempted: frozenset[str], because: str) -> ChangeSchedule | str:
    """Return the change, or why there is none."""
    require = subject.require
    frequency, retention = Frequency.of(schedule.frequency), schedule.retention
    if frequency is None or retention is None:
        return f"Its schedule {label(schedule)} does not tell its frequency and its retention."
    if len(schedule.name or "") > LONGEST_NAME:
        return f"The name of its schedule {label(schedule)} is too long for any run, and cannot be changed."
    required = require.schedule.frequency
    other = required if frequency.is_slower_than(required) and _FREQUENCY not in exempted else None
    needed = (it for control, it in retentions_enough(require, other or frequency) if control not in exempted)
    longest = max(needed, default=retention)
    longer = longest if longest > retention else None
    if longer is not None and longer > (allowed := retention_allowed(require)):
        return f"It needs a retention of {format_length(longer)}, and {format_length(allowed)} is allowed."
    changes = Settings(None if schedule.enabled else True, other, longer)
    if not changes.body:
        return f"Its schedule {label(schedule)} keeps backups longer than is allowed; a retention is never lowered."
    quota, schedule_id = subject.project.quota, schedule.schedule_id
    held = len(quota.runs.get(schedule_id, ()))
    before = quota.comes_to_hold(schedule_id, retention, frequency.interval) if schedule.enabled else held
    after = quota.comes_to_hold(schedule_id, longer or retention, (other or frequency).interval)
    return ChangeSchedule(
        index=subject.name,
        schedule_id=schedule_id,
        name=label(schedule),
        changes=changes,
        before=Settings(schedule.enabled, frequency, retention),
        slots=after - before,
        because=because,
    )
