"""Check an action before its call, and the result after the call."""

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.backup_status import BackupPhase, is_scheduled_run, parse_phase
from backup_auditor.domain.evaluation.live_index import find_missing_support
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.model import Backup, Index, Schedule, ScheduleSettings
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.remediation.plan import (
    FIRST_BACKUP_PREFIX,
    Action,
    ActionResult,
    ActionState,
    CreateBackup,
    CreateSchedule,
    UpdateSchedule,
    build_settings_body,
    extract_settings,
)
from backup_auditor.domain.remediation.planner import explain_not_ready
from backup_auditor.domain.target_schedule import (
    UNIQUE_CONTROL,
    build_target_schedule,
    find_accepted_controls,
    find_shortcomings,
)


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """What was read about one index at one time."""

    read_at: datetime
    index: Index
    schedules: tuple[Schedule, ...]
    backups: tuple[Backup, ...] = ()
    """Read only for a first backup."""


@dataclass(frozen=True, slots=True)
class ScheduleDemand:
    """What the policy requires of the schedules of one index at one time."""

    requirements: Requirements
    accepted_ids: frozenset[str]
    """The controls whose deviations an exemption of the index accepts."""

    def explain_violation(self, schedules: Sequence[Schedule]) -> str | None:
        """Return a sentence that says why schedules violate the policy; `None` if they satisfy it."""
        active_schedules = [it for it in schedules if it.enabled is not False] or schedules
        for schedule in active_schedules:
            for it in find_shortcomings(schedule, self.requirements, self.accepted_ids):
                return f"Its schedule {schedule.label} {it.text}."
        if len(active_schedules) > 1 and UNIQUE_CONTROL not in self.accepted_ids:
            return f"It has {len(active_schedules):,} enabled schedules."
        return None if active_schedules else "It has no schedule."


def build_schedule_demand(index: Index, policy: Policy, moment: datetime) -> ScheduleDemand:
    """Return what a policy requires of the schedules of an index at one time."""
    rule = policy.find_rule(index.name, index.tags)
    return ScheduleDemand(rule.requirements if rule else policy.defaults, find_accepted_controls(policy, index, moment))


def check_precondition(action: Action, snapshot: IndexSnapshot, policy: Policy) -> ActionResult | None:
    """Return why the call of an action is not needed or not allowed any more; `None` if it is."""
    demand = build_schedule_demand(snapshot.index, policy, snapshot.read_at)
    if not demand.requirements.schedule.required:
        detail = "The policy no longer requires a schedule, because the tags of the index changed."
        return ActionResult(action, ActionState.SKIPPED, detail, is_satisfied=True)
    violation = demand.explain_violation(snapshot.schedules)
    if not isinstance(action, CreateBackup) and violation is None:
        schedule = next((it for it in snapshot.schedules if it.enabled), snapshot.schedules[0])
        return ActionResult(
            action, ActionState.ALREADY_SATISFIED, f"Its schedule {schedule.label} satisfies the policy."
        )
    missing_support = find_missing_support(IndexFacts(snapshot.index))
    reason = (
        explain_not_ready(snapshot.index)
        or policy.explain_exclusion(snapshot.index)
        or (missing_support.reason if missing_support else None)
    )
    if reason is not None:
        return ActionResult(action, ActionState.SKIPPED, reason, is_satisfied=snapshot.index.is_terminating)
    match action:
        case CreateSchedule():
            reason = _explain_needless_creation(action, snapshot, demand)
        case UpdateSchedule():
            reason = _explain_needless_change(action, snapshot, demand)
        case CreateBackup():
            return _check_backup(action, snapshot)
    return None if reason is None else ActionResult(action, ActionState.SKIPPED, reason)


def explain_project_mismatch(schedules: Sequence[Schedule], project_id: str | None) -> str | None:
    """Return that schedules belong to another Pinecone project than expected; `None` if nothing shows that."""
    other_ids = sorted({it.project_id for it in schedules if it.project_id is not None} - {project_id})
    if project_id is None or not other_ids:
        return None
    return f"The API key belongs to Pinecone project {other_ids[0]}, not to {project_id}; use a key of that project."


def _explain_needless_creation(action: CreateSchedule, snapshot: IndexSnapshot, demand: ScheduleDemand) -> str | None:
    """Return why a creation is not needed any more. Any schedule that exists now violates the policy."""
    if snapshot.schedules:
        return f"The index has a schedule now. {demand.explain_violation(snapshot.schedules)}"
    target = build_target_schedule(demand.requirements)
    if (target.frequency, target.retention) != (action.frequency, action.retention):
        return "The policy requires another schedule now, because the tags of the index changed."
    return None


def _explain_needless_change(action: UpdateSchedule, snapshot: IndexSnapshot, demand: ScheduleDemand) -> str | None:
    """Return why a change is not needed any more. The schedules that exist now violate the policy."""
    schedule = next((it for it in snapshot.schedules if it.schedule_id == action.schedule_id), None)
    violation = demand.explain_violation(snapshot.schedules)
    if schedule is None:
        return f"Its schedule {action.name} no longer exists. {violation}"
    settings = extract_settings(schedule)
    if settings != action.before:
        settings_text = json.dumps(build_settings_body(settings))
        return f"Its schedule {action.name} has other settings now: {settings_text}. {violation}"
    other_schedules = [it for it in snapshot.schedules if it is not schedule and it.enabled is not False]
    if other_schedules:
        return f"The index has another schedule now: {other_schedules[0].label}. {violation}"
    violation = demand.explain_violation([action.changes.apply_to(schedule)])
    return violation and f"The policy requires other settings now. After this change: {violation}"


def _check_backup(action: CreateBackup, snapshot: IndexSnapshot) -> ActionResult | None:
    failed_backups = [it for it in snapshot.backups if parse_phase(it.status) is BackupPhase.FAILED]
    for it in snapshot.backups:
        if it not in failed_backups and (_is_first_backup(it) or not is_scheduled_run(it, snapshot.read_at)):
            detail = f"The index has a backup now: {it.label} ({it.status})."
            return ActionResult(action, ActionState.ALREADY_SATISFIED, detail)
    for it in filter(_is_first_backup, failed_backups):
        detail = f"Its first backup {it.name} exists already ({it.status})."
        return ActionResult(action, ActionState.SKIPPED, detail)
    return None


def _is_first_backup(backup: Backup) -> bool:
    return (backup.name or "").startswith(FIRST_BACKUP_PREFIX)


def find_mismatch(
    action: Action, target_id: str, before: IndexSnapshot, after: IndexSnapshot, policy: Policy
) -> str | None:
    """Return why the verification of an action fails; `None` if the policy is satisfied after it."""
    if isinstance(action, CreateBackup):
        return next(_find_backup_mismatches(target_id, before, after), None)
    demand = build_schedule_demand(after.index, policy, after.read_at)
    return next(_find_schedule_mismatches(target_id, before, after, demand), None)


def find_later_change(action: Action, target_id: str, after: IndexSnapshot) -> Schedule | None:
    """Return the schedule of an action if it was changed again after the action; `None` if it was not."""
    if isinstance(action, CreateBackup):
        return None
    settings = (
        action.changes
        if isinstance(action, UpdateSchedule)
        else ScheduleSettings(enabled=True, frequency=action.frequency, retention=action.retention)
    )
    schedule = next((it for it in after.schedules if it.schedule_id == target_id), None)
    if schedule is None or extract_settings(schedule).restrict_to(settings) == settings:
        return None
    return schedule


def _find_schedule_mismatches(
    target_id: str, before: IndexSnapshot, after: IndexSnapshot, demand: ScheduleDemand
) -> Iterator[str]:
    result = next((it for it in after.schedules if it.schedule_id == target_id), None)
    if result is None:
        yield f"Schedule {target_id} is not listed. {demand.explain_violation(after.schedules) or ''}".rstrip()
        return
    violation = demand.explain_violation([result])
    if violation is not None:
        yield violation
    if result.enabled and result.next_run is None:
        yield f"Its schedule {result.label} has no planned run."
    known_ids = {it.schedule_id for it in before.schedules}
    for schedule in after.schedules:
        if schedule.schedule_id not in known_ids and schedule is not result:
            state = {True: "enabled", False: "paused", None: "unknown state"}[schedule.enabled]
            label = f"{schedule.label} ({schedule.schedule_id}, {state})"
            yield f"Another schedule appeared at the same time: {label}."
    violation = demand.explain_violation(after.schedules)
    if violation is not None:
        yield violation


def _find_backup_mismatches(target_id: str, before: IndexSnapshot, after: IndexSnapshot) -> Iterator[str]:
    if all(it.backup_id != target_id for it in after.backups):
        yield f"Backup {target_id} is not listed."
    known_ids = {it.backup_id for it in before.backups}
    for backup in after.backups:
        if backup.backup_id not in {*known_ids, target_id} and not is_scheduled_run(backup, after.read_at):
            yield f"Another backup appeared at the same time: {backup.label}."


def find_results(
    action: Action, existing_ids: Container[str], schedules: Iterable[Schedule], backups: Iterable[Backup]
) -> Sequence[Schedule | Backup]:
    """Return the schedules or backups of an index that an action can have created or changed.

    `existing_ids` are the ids that existed before the action.
    """
    match action:
        case CreateBackup():
            return [it for it in backups if it.name == action.name and it.backup_id not in existing_ids]
        case CreateSchedule():
            settings = ScheduleSettings(frequency=action.frequency, retention=action.retention)
            created = (it for it in schedules if it.name == action.name and it.schedule_id not in existing_ids)
            return [it for it in created if extract_settings(it).restrict_to(settings) == settings]
        case UpdateSchedule():
            changed = (it for it in schedules if it.schedule_id == action.schedule_id)
            return [it for it in changed if extract_settings(it).restrict_to(action.changes) == action.changes]


def get_resource_id(resource: Schedule | Backup) -> str:
    """Return the id of a schedule or a backup."""
    return resource.backup_id if isinstance(resource, Backup) else resource.schedule_id


def describe_result(result: Schedule | Backup) -> dict[str, object]:
    """Return what is recorded about a schedule or a backup that was created or changed."""
    if isinstance(result, Backup):
        return {"name": result.name, "status": result.status}
    return {"name": result.name, **build_settings_body(extract_settings(result))}
