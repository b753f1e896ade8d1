"""Check an action before its call, and the result after the call."""

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.backup_status import BackupPhase, is_scheduled_run, parse_phase
from backup_auditor.domain.evaluation.index import explain_exclusion
from backup_auditor.domain.evaluation.live_index import find_missing_support
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.model import Backup, Index, Schedule, ScheduleSettings
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.remediation.actions import (
    FIRST_BACKUP_PREFIX,
    Action,
    CreateBackup,
    CreateSchedule,
    UpdateSchedule,
    build_settings_body,
    extract_settings,
)
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor.domain.remediation.planner import explain_not_ready
from backup_auditor.domain.target_schedule import build_target_schedule, explain_violation, find_accepted_controls


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """What was read about one index at one time."""

    read_at: datetime
    index: Index
    schedules: tuple[Schedule, ...]
    backups: tuple[Backup, ...] = ()
    """Read only for a first backup."""


@dataclass(frozen=True, slots=True)
class SkipReason:
    """The reason to send no call, and the state of the action."""

    state: ActionState
    detail: str
    is_satisfied: bool = False
    """Whether the policy is satisfied although the action is skipped, because it no longer requires anything."""


@dataclass(frozen=True, slots=True)
class ScheduleDemand:
    """What the policy requires of the schedules of one index at one time."""

    requirements: Requirements
    accepted_ids: frozenset[str]
    """The controls that an exemption covers."""

    def explain_violation(self, schedules: Sequence[Schedule]) -> str | None:
        """Return why schedules violate the policy, as a sentence; `None` if they satisfy it."""
        return explain_violation(schedules, self.requirements, self.accepted_ids)


def build_schedule_demand(index: Index, policy: Policy, moment: datetime) -> ScheduleDemand:
    """Return what a policy requires of the schedules of an index at one time."""
    rule = policy.find_rule(index.name, index.tags)
    return ScheduleDemand(rule.requirements if rule else policy.defaults, find_accepted_controls(policy, index, moment))


def check_precondition(action: Action, snapshot: IndexSnapshot, policy: Policy) -> SkipReason | None:
    """Return why the call of an action is not needed or not allowed any more; `None` if it is."""
    demand = build_schedule_demand(snapshot.index, policy, snapshot.read_at)
    if not demand.requirements.schedule.required:
        detail = "The policy no longer requires a schedule, because the tags of the index changed."
        return SkipReason(ActionState.SKIPPED, detail, is_satisfied=True)
    if (
        not isinstance(action, CreateBackup)
        and snapshot.schedules
        and demand.explain_violation(snapshot.schedules) is None
    ):
        schedule = next((it for it in snapshot.schedules if it.enabled), snapshot.schedules[0])
        return SkipReason(ActionState.ALREADY_SATISFIED, f"Its schedule {schedule.label} satisfies the policy.")
    missing_support = find_missing_support(IndexFacts(snapshot.index))
    reason = (
        explain_not_ready(snapshot.index)
        or explain_exclusion(snapshot.index, policy)
        or (missing_support.reason if missing_support else None)
    )
    if reason is not None:
        return SkipReason(ActionState.SKIPPED, reason, snapshot.index.is_terminating)
    match action:
        case CreateSchedule():
            return _check_creation(action, snapshot, demand)
        case UpdateSchedule():
            return _check_change(action, snapshot, demand)
        case CreateBackup():
            return _check_backup(snapshot)


def explain_project_mismatch(schedules: Sequence[Schedule], project_id: str | None) -> str | None:
    """Return that schedules belong to another Pinecone project than expected; `None` if nothing shows that."""
    other_ids = sorted({it.project_id for it in schedules if it.project_id is not None} - {project_id})
    if project_id is None or not other_ids:
        return None
    return f"The API key belongs to Pinecone project {other_ids[0]}, not to {project_id}; use a key of that project."


def _check_creation(action: CreateSchedule, snapshot: IndexSnapshot, demand: ScheduleDemand) -> SkipReason | None:
    """Check a creation. Any schedule that exists now violates the policy."""
    if snapshot.schedules:
        return SkipReason(
            ActionState.SKIPPED, f"The index has a schedule now. {demand.explain_violation(snapshot.schedules)}"
        )
    target = build_target_schedule(demand.requirements)
    if (target.frequency, target.retention) != (action.frequency, action.retention):
        return SkipReason(
            ActionState.SKIPPED, "The policy requires another schedule now, because the tags of the index changed."
        )
    return None


def _check_change(action: UpdateSchedule, snapshot: IndexSnapshot, demand: ScheduleDemand) -> SkipReason | None:
    """Check a change. The schedules that exist now violate the policy."""
    schedule = next((it for it in snapshot.schedules if it.schedule_id == action.schedule_id), None)
    violation = demand.explain_violation(snapshot.schedules)
    if schedule is None:
        return SkipReason(ActionState.SKIPPED, f"Its schedule {action.name} no longer exists. {violation}")
    settings = extract_settings(schedule)
    if settings != action.before:
        settings_text = json.dumps(build_settings_body(settings))
        detail = f"Its schedule {action.name} has other settings now: {settings_text}. {violation}"
        return SkipReason(ActionState.SKIPPED, detail)
    other_schedules = [it for it in snapshot.schedules if it is not schedule and it.enabled is not False]
    if other_schedules:
        return SkipReason(
            ActionState.SKIPPED,
            f"The index has another schedule now: {other_schedules[0].label}. {violation}",
        )
    violation = demand.explain_violation([action.changes.apply_to(schedule)])
    if violation is not None:
        return SkipReason(
            ActionState.SKIPPED, f"The policy requires other settings now. After this change: {violation}"
        )
    return None


def _check_backup(snapshot: IndexSnapshot) -> SkipReason | None:
    failed_backups = [it for it in snapshot.backups if parse_phase(it.status) is BackupPhase.FAILED]
    for backup in snapshot.backups:
        if backup not in failed_backups and (
            _is_first_backup(backup) or not is_scheduled_run(backup, snapshot.read_at)
        ):
            return SkipReason(
                ActionState.ALREADY_SATISFIED,
                f"The index has a backup now: {backup.name or backup.backup_id} ({backup.status}).",
            )
    for backup in filter(_is_first_backup, failed_backups):
        return SkipReason(ActionState.SKIPPED, f"Its first backup {backup.name} exists already ({backup.status}).")
    return None


def _is_first_backup(backup: Backup) -> bool:
    return (backup.name or "").startswith(FIRST_BACKUP_PREFIX)


def find_mismatch(
    action: Action, target_id: str, before: IndexSnapshot, after: IndexSnapshot, policy: Policy
) -> str | None:
    """Return why the verification of an action fails; `None` if the policy is satisfied after it."""
    if isinstance(action, CreateBackup):
        return next(_find_backup_mismatches(target_id, before, after), None)
    return next(
        _find_schedule_mismatches(target_id, before, after, build_schedule_demand(after.index, policy, after.read_at)),
        None,
    )


def find_later_change(action: Action, target_id: str, after: IndexSnapshot) -> Schedule | None:
    """Return the schedule of an action if somebody changed it after the action; `None` if nobody did."""
    settings = _build_action_settings(action)
    schedule = next((it for it in after.schedules if it.schedule_id == target_id), None)
    if settings is None or schedule is None or extract_settings(schedule).restrict_to(settings) == settings:
        return None
    return schedule


def _build_action_settings(action: Action) -> ScheduleSettings | None:
    match action:
        case CreateSchedule():
            return ScheduleSettings(enabled=True, frequency=action.frequency, retention=action.retention)
        case UpdateSchedule():
            return action.changes
        case CreateBackup():
            return None


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
            label = f"{schedule.label} ({schedule.schedule_id}, {_describe_state(schedule)})"
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
            yield f"Another backup appeared at the same time: {backup.name or backup.backup_id}."


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


def _describe_state(schedule: Schedule) -> str:
    return {True: "enabled", False: "paused", None: "unknown state"}[schedule.enabled]


def describe_result(result: Schedule | Backup) -> dict[str, object]:
    """Return what is recorded about a schedule or a backup that was created or changed."""
    if isinstance(result, Backup):
        return {"name": result.name, "status": result.status}
    return {"name": result.name, **build_settings_body(extract_settings(result))}
