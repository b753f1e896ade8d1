"""Check an action before its call, and its result after it."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.backup_status import BackupPhase, is_planned_run, phase_of_status
from backup_auditor.domain.backup_support import refused_support
from backup_auditor.domain.evaluation.index import why_excluded
from backup_auditor.domain.evaluation.index_schedules import label
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.remediation.actions import (
    FIRST_BACKUP_PREFIX,
    Action,
    CreateBackup,
    CreateSchedule,
    ScheduleSettings,
    UpdateSchedule,
    settings_of,
)
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor.domain.remediation.planner import is_being_deleted, why_not_ready
from backup_auditor.domain.target_schedule import accepted_controls, target_schedule, why_unsatisfied


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """What was read of one index at the moment of acting."""

    at: datetime
    index: Index
    schedules: tuple[Schedule, ...]
    backups: tuple[Backup, ...] = ()
    """Read for a first backup alone."""


@dataclass(frozen=True, slots=True)
class SkipReason:
    """Why nothing is to be written."""

    state: ActionState
    detail: str
    is_satisfied: bool = False
    """Whether the policy is satisfied although the action is skipped: it requires nothing of the index any more."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the policy demands of the schedules of one index at a moment."""

    require: Requirements
    accepted: frozenset[str]
    """The controls whose deviations an exemption accepts."""

    def why_unsatisfied(self, schedules: Sequence[Schedule]) -> str | None:
        """Return why the schedules of the index do not satisfy it, as a sentence; `None` where they do."""
        return why_unsatisfied(schedules, self.require, self.accepted)


def demand_on(index: Index, policy: Policy, at: datetime) -> Demand:
    """Return what a policy demands of the schedules of an index at a moment."""
    rule = policy.rule_for(index.name, index.tags)
    return Demand(rule.require if rule else policy.defaults, accepted_controls(policy, index, at))


def check_precondition(action: Action, seen: IndexSnapshot, policy: Policy) -> SkipReason | None:
    """Return why an action is not to be done any more; `None` where it is still right."""
    demand = demand_on(seen.index, policy, seen.at)
    if not demand.require.schedule.required:
        why = "The policy requires no schedule of it any more: its tags have changed."
        return SkipReason(ActionState.SKIPPED, why, is_satisfied=True)
    if not isinstance(action, CreateBackup) and seen.schedules and demand.why_unsatisfied(seen.schedules) is None:
        enough = next((it for it in seen.schedules if it.enabled), seen.schedules[0])
        return SkipReason(ActionState.ALREADY_THERE, f"Its schedule {label(enough)} satisfies the policy.")
    refused = refused_support(IndexFacts(seen.index))
    why_not = why_not_ready(seen.index) or why_excluded(seen.index, policy) or (refused.reason if refused else None)
    if why_not is not None:
        return SkipReason(ActionState.SKIPPED, why_not, is_being_deleted(seen.index))
    match action:
        case CreateSchedule():
            return _on_creation(action, seen, demand)
        case UpdateSchedule():
            return _on_change(action, seen, demand)
        case CreateBackup():
            return _on_backup(seen)


def why_other_project(schedules: Sequence[Schedule], project_id: str | None) -> str | None:
    """Return that schedules belong to another Pinecone project than is meant; `None` where nothing says so."""
    others = sorted({it.project_id for it in schedules if it.project_id is not None} - {project_id})
    if project_id is None or not others:
        return None
    return f"The key opens Pinecone project {others[0]} instead of {project_id}; use a key of that project."


def _on_creation(action: CreateSchedule, seen: IndexSnapshot, demand: Demand) -> SkipReason | None:
    """Judge a creation; any schedule by now falls short of the policy."""
    if seen.schedules:
        return SkipReason(ActionState.SKIPPED, f"It has a schedule by now. {demand.why_unsatisfied(seen.schedules)}")
    wanted = target_schedule(demand.require)
    if (wanted.frequency, wanted.retention) != (action.frequency, action.retention):
        return SkipReason(
            ActionState.SKIPPED, "The policy requires another schedule of it by now: its tags have changed."
        )
    return None


def _on_change(action: UpdateSchedule, seen: IndexSnapshot, demand: Demand) -> SkipReason | None:
    """Judge a change; whatever schedules there are by now fall short of the policy."""
    found = next((it for it in seen.schedules if it.schedule_id == action.schedule_id), None)
    short = demand.why_unsatisfied(seen.schedules)
    if found is None:
        return SkipReason(ActionState.SKIPPED, f"Its schedule {action.name} is gone. {short}")
    now = settings_of(found)
    if now != action.before:
        why = f"Its schedule {action.name} has other settings by now: {now.body}. {short}"
        return SkipReason(ActionState.SKIPPED, why)
    others = [it for it in seen.schedules if it is not found and it.enabled is not False]
    if others:
        return SkipReason(ActionState.SKIPPED, f"It has another schedule by now: {label(others[0])}. {short}")
    short = demand.why_unsatisfied([action.changes.applied_to(found)])
    if short is not None:
        return SkipReason(
            ActionState.SKIPPED, f"The policy requires other settings by now. Once it is changed: {short}"
        )
    return None


def _on_backup(seen: IndexSnapshot) -> SkipReason | None:
    failed = [it for it in seen.backups if phase_of_status(it.status) is BackupPhase.FAILED]
    for it in seen.backups:
        if it not in failed and (_is_first(it) or not is_planned_run(it, seen.at)):
            return SkipReason(
                ActionState.ALREADY_THERE, f"It has a backup by now: {it.name or it.backup_id}, {it.status}."
            )
    for it in filter(_is_first, failed):
        return SkipReason(ActionState.SKIPPED, f"A first backup was taken of it, {it.name}, and it is {it.status}.")
    return None


def _is_first(backup: Backup) -> bool:
    return (backup.name or "").startswith(FIRST_BACKUP_PREFIX)


def find_mismatch(
    action: Action, made_id: str, before: IndexSnapshot, after: IndexSnapshot, policy: Policy
) -> str | None:
    """Return why verification fails of what was done; `None` where the policy is satisfied by what stands there."""
    if isinstance(action, CreateBackup):
        return next(_backup_mismatch(made_id, before, after), None)
    return next(_schedule_mismatch(made_id, before, after, demand_on(after.index, policy, after.at)), None)


def changed_since(action: Action, made_id: str, after: IndexSnapshot) -> Schedule | None:
    """Return a schedule that satisfies the policy, and does not read back as it was asked for; `None` where it does."""
    asked = _asked_of(action)
    made = next((it for it in after.schedules if it.schedule_id == made_id), None)
    if asked is None or made is None or settings_of(made).within(asked) == asked:
        return None
    return made


def _asked_of(action: Action) -> ScheduleSettings | None:
    match action:
        case CreateSchedule():
            return ScheduleSettings(enabled=True, frequency=action.frequency, retention=action.retention)
        case UpdateSchedule():
            return action.changes
        case CreateBackup():
            return None


def _schedule_mismatch(made_id: str, before: IndexSnapshot, after: IndexSnapshot, demand: Demand) -> Iterator[str]:
    made = next((it for it in after.schedules if it.schedule_id == made_id), None)
    if made is None:
        yield f"The schedule {made_id} is not listed. {demand.why_unsatisfied(after.schedules) or ''}".rstrip()
        return
    why = demand.why_unsatisfied([made])
    if why is not None:
        yield why
    if made.enabled and made.next_run is None:
        yield f"No run of its schedule {label(made)} is planned."
    known = {it.schedule_id for it in before.schedules}
    for it in after.schedules:
        if it.schedule_id not in known and it is not made:
            yield f"Another schedule appeared beside it, {_state(it)}: {label(it)} ({it.schedule_id})."
    why = demand.why_unsatisfied(after.schedules)
    if why is not None:
        yield why


def _backup_mismatch(made_id: str, before: IndexSnapshot, after: IndexSnapshot) -> Iterator[str]:
    if all(it.backup_id != made_id for it in after.backups):
        yield f"The backup {made_id} is not listed."
    known = {it.backup_id for it in before.backups}
    for it in after.backups:
        if it.backup_id not in {*known, made_id} and not is_planned_run(it, after.at):
            yield f"Another backup appeared beside it: {it.name or it.backup_id}."


def find_result(
    action: Action, before: Container[str], schedules: Iterable[Schedule], backups: Iterable[Backup]
) -> Schedule | Backup | None:
    """Return what an action made or changed, as far as it shows in what is read of its index.

    `before` are the ids that were there already.
    """
    match action:
        case CreateSchedule():
            asked = ScheduleSettings(frequency=action.frequency, retention=action.retention)
            made = (it for it in schedules if it.name == action.name and it.schedule_id not in before)
            return next((it for it in made if settings_of(it).within(asked) == asked), None)
        case UpdateSchedule():
            its = (it for it in schedules if it.schedule_id == action.schedule_id)
            return next((it for it in its if settings_of(it).within(action.changes) == action.changes), None)
        case CreateBackup():
            taken = (it for it in backups if it.name == action.name and it.backup_id not in before)
            return next(taken, None)


def _state(schedule: Schedule) -> str:
    return {True: "enabled", False: "paused", None: "perhaps enabled"}[schedule.enabled]


def describe_result(made: Schedule | Backup) -> dict[str, object]:
    """Return what is recorded of what was made or changed."""
    if isinstance(made, Backup):
        return {"name": made.name, "status": made.status}
    return {"name": made.name, **settings_of(made).body}
