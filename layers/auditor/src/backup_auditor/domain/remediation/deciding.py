"""Whether an action is still right at the moment of acting, by what is read of its index then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.index_subject import why_unsupported
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.phase import Phase, is_planned_run, phase_of_status
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.actions import (
    FIRST_BACKUP_PREFIX,
    Action,
    ChangeSchedule,
    CreateSchedule,
    TakeBackup,
)
from backup_auditor.domain.remediation.calls import settings_of
from backup_auditor.domain.remediation.reasons import why_not_ready
from backup_auditor.domain.remediation.record import ActionState
from backup_auditor.domain.remediation.wanted import wanted_of, why_not_enough
from backup_auditor.domain.requirements import Requirements
from backup_auditor.domain.schedule_facts import label


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one index at the moment of acting."""

    at: datetime
    index: Index
    schedules: tuple[Schedule, ...]
    backups: tuple[Backup, ...] = ()
    """Read for a first backup alone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why nothing is to be written."""

    state: ActionState
    detail: str


def verdict_on(action: Action, seen: Seen, policy: Policy) -> Verdict | None:
    """Return why an action is not to be done any more; `None` where it is still right."""
    rule = policy.rule_for(seen.index.name, seen.index.tags)
    require = rule.require if rule else policy.defaults
    why = why_not_ready(seen.index) or why_unsupported(IndexFacts(seen.index), policy)
    if why is None and not require.schedule.required:
        why = "The policy requires no schedule of it any more: its tags have changed."
    if why is not None:
        return Verdict(ActionState.SKIPPED, why)
    match action:
        case CreateSchedule():
            return _on_creation(action, seen, require)
        case ChangeSchedule():
            return _on_change(action, seen)
        case TakeBackup():
            return _on_backup(seen)


def standing(schedules: tuple[Schedule, ...], require: Requirements) -> Verdict | None:
    """Return what is to be said of schedules that stand where none is expected; `None` where there are none."""
    for schedule in schedules:
        if why_not_enough(schedule, require) is None:
            return Verdict(ActionState.ALREADY_THERE, f"Its schedule {label(schedule)} satisfies the policy.")
    for schedule in schedules:
        why = why_not_enough(schedule, require)
        return Verdict(ActionState.SKIPPED, f"It has a schedule by now: {label(schedule)} {why}.")
    return None


def _on_creation(action: CreateSchedule, seen: Seen, require: Requirements) -> Verdict | None:
    wanted = wanted_of(require)
    if (wanted.frequency, wanted.retention) != (action.frequency, action.retention):
        return Verdict(ActionState.SKIPPED, "The policy requires another schedule of it by now: its tags have changed.")
    return standing(seen.schedules, require)


def _on_change(action: ChangeSchedule, seen: Seen) -> Verdict | None:
    found = next((it for it in seen.schedules if it.schedule_id == action.schedule_id), None)
    if found is None:
        return Verdict(ActionState.SKIPPED, f"Its schedule {action.name} is gone.")
    now = settings_of(found)
    if now.within(action.changes) == action.changes:
        return Verdict(ActionState.ALREADY_THERE, f"Its schedule {action.name} is set so.")
    if now != action.before:
        return Verdict(ActionState.SKIPPED, f"Its schedule {action.name} has other settings by now: {now.body}.")
    others = [it for it in seen.schedules if it is not found and it.enabled is not False]
    if others:
        return Verdict(ActionState.SKIPPED, f"It has another schedule by now: {label(others[0])}.")
    return None


def _on_backup(seen: Seen) -> Verdict | None:
    for why in (it for backup in seen.backups for it in _why_no_other(backup, seen.at)):
        return Verdict(ActionState.ALREADY_THERE, why)
    return None


def _why_no_other(backup: Backup, now: datetime) -> Iterator[str]:
    is_ours = (backup.name or "").startswith(FIRST_BACKUP_PREFIX)
    is_no_backup = phase_of_status(backup.status) is Phase.FAILED or is_planned_run(backup, now)
    if is_ours or not is_no_backup:
        yield f"It has a backup by now: {backup.name or backup.backup_id}, {backup.status}."
