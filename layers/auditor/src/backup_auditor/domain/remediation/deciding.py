"""Whether an action is still right at the moment of acting, by what is read of its index then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.backup_support import refused_support
from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.index_subject import why_excluded
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
from backup_auditor.domain.remediation.reasons import is_being_deleted, why_not_ready
from backup_auditor.domain.remediation.record import ActionState
from backup_auditor.domain.remediation.wanted import accepted_controls, wanted_of, why_unsatisfied
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


def verdict_on(action: Action, seen: Seen, policy: Policy) -> Verdict | None:
    """Return why an action is not to be done any more; `None` where it is still right."""
    demand = demand_on(seen.index, policy, seen.at)
    if not demand.require.schedule.required:
        why = "The policy requires no schedule of it any more: its tags have changed."
        return Verdict(ActionState.SKIPPED, why, is_satisfied=True)
    if not isinstance(action, TakeBackup) and seen.schedules and demand.why_unsatisfied(seen.schedules) is None:
        enough = next((it for it in seen.schedules if it.enabled), seen.schedules[0])
        return Verdict(ActionState.ALREADY_THERE, f"Its schedule {label(enough)} satisfies the policy.")
    refused = refused_support(IndexFacts(seen.index))
    why_not = why_not_ready(seen.index) or why_excluded(seen.index, policy) or (refused.reason if refused else None)
    if why_not is not None:
        return Verdict(ActionState.SKIPPED, why_not, is_being_deleted(seen.index))
    match action:
        case CreateSchedule():
            return _on_creation(action, seen, demand)
        case ChangeSchedule():
            return _on_change(action, seen, demand)
        case TakeBackup():
            return _on_backup(seen)


def why_other_project(schedules: Sequence[Schedule], project_id: str | None) -> str | None:
    """Return that schedules belong to another Pinecone project than is meant; `None` where nothing says so."""
    others = sorted({it.project_id for it in schedules if it.project_id is not None} - {project_id})
    if project_id is None or not others:
        return None
    return f"The key opens Pinecone project {others[0]} instead of {project_id}; use a key of that project."


def _on_creation(action: CreateSchedule, seen: Seen, demand: Demand) -> Verdict | None:
    """Judge a creation; any schedule by now falls short of the policy."""
    if seen.schedules:
        return Verdict(ActionState.SKIPPED, f"It has a schedule by now. {demand.why_unsatisfied(seen.schedules)}")
    wanted = wanted_of(demand.require)
    if (wanted.frequency, wanted.retention) != (action.frequency, action.retention):
        return Verdict(ActionState.SKIPPED, "The policy requires another schedule of it by now: its tags have changed.")
    return None


def _on_change(action: ChangeSchedule, seen: Seen, demand: Demand) -> Verdict | None:
    """Judge a change; whatever schedules there are by now fall short of the policy."""
    found = next((it for it in seen.schedules if it.schedule_id == action.schedule_id), None)
    short = demand.why_unsatisfied(seen.schedules)
    if found is None:
        return Verdict(ActionState.SKIPPED, f"Its schedule {action.name} is gone. {short}")
    now = settings_of(found)
    if now != action.before:
        why = f"Its schedule {action.name} has other settings by now: {now.body}. {short}"
        return Verdict(ActionState.SKIPPED, why)
    others = [it for it in seen.schedules if it is not found and it.enabled is not False]
    if others:
        return Verdict(ActionState.SKIPPED, f"It has another schedule by now: {label(others[0])}. {short}")
    short = demand.why_unsatisfied([action.changes.applied_to(found)])
    if short is not None:
        return Verdict(ActionState.SKIPPED, f"The policy requires other settings by now. Once it is changed: {short}")
    return None


def _on_backup(seen: Seen) -> Verdict | None:
    failed = [it for it in seen.backups if phase_of_status(it.status) is Phase.FAILED]
    for it in seen.backups:
        if it not in failed and (_is_first(it) or not is_planned_run(it, seen.at)):
            return Verdict(
                ActionState.ALREADY_THERE, f"It has a backup by now: {it.name or it.backup_id}, {it.status}."
            )
    for it in filter(_is_first, failed):
        return Verdict(ActionState.SKIPPED, f"A first backup was taken of it, {it.name}, and it is {it.status}.")
    return None


def _is_first(backup: Backup) -> bool:
    return (backup.name or "").startswith(FIRST_BACKUP_PREFIX)
