"""Remediate a project: plan from an audit, then execute as far as the policy allows."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.remediation.executor import ExecutionResult, execute_plan
from backup_auditor.application.remediation.reconcile import (
    RemediationDependencies,
    publish_events,
    put_events,
    settle_open_actions,
)
from backup_auditor.domain.events import RemediationRequest
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.remediation.actions import ActionKind, UpdateSchedule
from backup_auditor.domain.remediation.plan import (
    APPLIED_STATES,
    FAILED_STATES,
    ActionRecord,
    ActionResult,
    ActionState,
    Plan,
)
from backup_auditor.domain.remediation.planner import make_plan
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.errors import BackupAuditorError, OutcomeUnknownError, PlanError, StateError, UnavailableError
from backup_auditor.ports.messaging import Event
from backup_auditor.ports.pinecone import NoProgress
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.rendering.events import proposals_of, results_of


def create_plan(audit: AuditResult, policy: Policy, log: RemediationLog) -> Plan:
    """Make the plan for what an audit found, and remember it.

    Raises `UnavailableError` where it is not known which indexes there are, `PlanError` where this is not the project
    that the policy is for, and `StateError`.
    """
    check_project(audit, log)
    attempts = log.attempts(audit.inventory.project)
    plan = make_plan(audit.inventory, policy, audit.report.findings, attempts)
    log.keep(plan)
    return plan


def check_project(audit: AuditResult, log: RemediationLog, plan: Plan | None = None) -> None:
    """Raise what `create_plan` does, and `PlanError` where a plan was made of another project than was audited.

    Projects bear the names that their owners type: a key of another one is told by Pinecone's id, where it is known.
    """
    unread, found = audit.inventory.indexes_unread, audit.inventory.project_id
    if unread is not None:
        raise UnavailableError(f"which indexes there are could not be read: {unread.what}: {unread.error}; try again")
    for it in audit.report.findings:
        if it.control == "project-is-expected" and it.compliance is Compliance.NON_COMPLIANT:
            raise PlanError(f"this is not the project that the policy is for: {it.reason}")
    known = log.pinecone_project_id(audit.inventory.project)
    if None not in {found, known} and found != known:
        told = f"the state of {audit.inventory.project} is of Pinecone project {known}, and the key opens {found}"
        raise PlanError(f"{told}; use a key of that project, or another --project or --state")
    if plan is not None and None not in {found, plan.project_id} and found != plan.project_id:
        told = f"plan {plan.plan_id} is of the project {plan.project_id} of Pinecone, and the key is of {found}"
        raise PlanError(f"{told}; use the key that it was made with")


def check_may_write(plan: Plan, policy: Policy, inventory: Inventory, log: RemediationLog) -> None:
    """Raise `PlanError` before the first write where it must be known which project the key opens, and nothing tells.

    Only schedules tell it, and what an audit recorded of them. Raises `StateError`.
    """
    creates = any(not isinstance(it, UpdateSchedule) for it in plan.applicable)  # a schedule has an id of its own
    if inventory.project_id is not None or not creates:
        return
    unknown, known = "no schedule tells which Pinecone project the key opens", log.pinecone_project_id(plan.project)
    if plan.project_id not in {None, known}:
        made = f"plan {plan.plan_id} was made for Pinecone project {plan.project_id}"
        raise PlanError(f"{made}, and {unknown} now; run remediate without --plan to make another")
    expected = policy.project.expected_id
    if expected in {None, known}:
        return
    if known is not None:
        raise PlanError(f"the policy expects project {expected}, and the state is of {known}; correct one of them")
    remedy = "create the first schedule by hand and run an audit, or leave out expected_id until there is one"
    raise PlanError(f"the policy expects project {expected}, and {unknown}; {remedy}")


def find_plan(log: RemediationLog, project: str, plan_id: str, policy: Policy, now: datetime) -> Plan:
    """Return a plan that was shown before. Raises `PlanError` unless it may still be carried out, and `StateError`."""
    plan = log.plan(project, plan_id)
    remedy = "run remediate without --plan to make another"
    if plan is None:
        raise PlanError(f"no plan {quote_text(plan_id, 80)} of project {quote_text(project)} is known; {remedy}")
    if plan.policy_sha256 != policy.sha256:
        raise PlanError(f"plan {plan_id} was made under another policy than {policy.source}; {remedy}")
    why = plan.why_not_now(now)
    if why is not None:
        raise PlanError(f"plan {plan_id} {why} (of {format_moment(plan.made_at)}); {remedy}")
    return plan


_MAX_LOGGED = 20
"""How many of the things that could not be read stand in the log."""


def remediate_project(request: RemediationRequest, world: RemediationDependencies) -> dict[str, object]:
    """Plan, propose, act and tell, and return what was and was not done; `untold` says why the bus has not heard of it.

    A plan that may not be carried out is refused in the answer, and nothing is written. What else keeps a project from
    being put right is raised, and so is what keeps it from being known what was done, where it was an event that asked:
    it comes again. Whatever was done is told before that, as far as the bus takes it.
    """
    try:
        answer = _remediate(request, world)
    except BackupAuditorError:
        publish_events(request.project, world)
        raise
    untold = publish_events(request.project, world)
    return answer if untold is None else {**answer, "untold": str(untold)}


def _remediate(request: RemediationRequest, world: RemediationDependencies) -> dict[str, object]:
    project = world.registry(request.project).find(request.project)
    policy = world.policy(project)
    modes = {policy.remediation.create_schedules, policy.remediation.fix_schedules}
    if modes == {Mode.NEVER}:
        return {
            "project": project.name,
            "plan_id": None,
            "refused": f"{policy.source}: the policy wants no remediation",
        }
    try:
        plan, found = _planned(request, project, policy, world)
        earlier = settle_open_actions(found.inventory, policy, world.remembered, world.who)
        outcome = _executed(plan, project, policy, found, world)
    except PlanError as error:
        world.log.warning(str(error), extra={"plan_id": request.plan_id})
        if Mode.APPLY in modes and request.plan_id is None:  # nobody reads the answer
            world.emit(project.name, {"SchedulesCreated": 0, "ScheduleCreationFailures": 1})
        return {"project": project.name, "plan_id": request.plan_id, "refused": str(error)}
    except BackupAuditorError:
        if Mode.APPLY in modes:
            world.emit(project.name, {"SchedulesCreated": 0, "ScheduleCreationFailures": 1})
        raise
    if Mode.APPLY in modes:
        world.emit(project.name, _figures(outcome, earlier, is_complete=found.report.is_complete))
    proposals = [Event(*it) for it in proposals_of(plan)] if request.plan_id is None else []
    put_events(project.name, proposals, world)
    answer = _answer(plan, outcome, len(proposals), world)
    why_open = _why_open(outcome)
    if why_open is not None and request.request_id is not None:
        raise why_open
    return answer


def _planned(
    request: RemediationRequest, project: RegisteredProject, policy: Policy, world: RemediationDependencies
) -> tuple[Plan, AuditResult]:
    """Find the plan that is asked for, before the first call, or make one; with facts that were read just now."""
    plan = None
    if request.plan_id is not None:
        plan = find_plan(world.remembered, project.name, request.plan_id, policy, world.now())
    with world.open_reader(world.key(project)) as reader:
        found = run_audit(reader, policy, project=project.name, observed_at=world.now(), progress=NoProgress())
    if not found.report.is_complete:
        unread = [f"{it.what}: {it.error}" for it in found.report.unread[:_MAX_LOGGED]]
        world.log.error("nothing is planned by what could not be read", extra={"unread": unread})
    if plan is None:
        return create_plan(found, policy, world.remembered), found
    check_project(found, world.remembered, plan)
    return plan, found


def _executed(
    plan: Plan, project: RegisteredProject, policy: Policy, found: AuditResult, world: RemediationDependencies
) -> ExecutionResult:
    if not plan.applicable:
        return ExecutionResult()
    log, who, now = world.remembered, world.who, world.now
    check_may_write(plan, policy, found.inventory, log)
    with world.open_writer(world.key(project)) as writer:
        return execute_plan(plan, policy, found.inventory, writer=writer, log=log, who=who, now=now)


def _figures(
    outcome: ExecutionResult, earlier: Sequence[ActionRecord], *, is_complete: bool
) -> dict[str, float | None]:
    written = [it.action.key for it in outcome.results if it.state in APPLIED_STATES] + [it.key for it in earlier]
    made = [it for it in written if it.startswith(ActionKind.CREATE_SCHEDULE)]
    failed = sum(it.state in FAILED_STATES for it in outcome.results)
    is_left = outcome.stopped_by is not None or not is_complete
    return {"SchedulesCreated": len(made), "ScheduleCreationFailures": failed or int(is_left)}


def _why_open(outcome: ExecutionResult) -> BackupAuditorError | None:
    """Return why it is not known, or not recorded, what came of an action; `None` where all is."""
    if isinstance(outcome.stopped_by, StateError):
        return outcome.stopped_by
    unknown = (it for it in outcome.results if it.state is ActionState.UNKNOWN)
    return next((OutcomeUnknownError(f"{it.action.key}: {it.detail}") for it in unknown), None)


def _answer(plan: Plan, outcome: ExecutionResult, proposed: int, world: RemediationDependencies) -> dict[str, object]:
    results: Iterable[ActionResult] = outcome.results
    for it in results:
        facts = {"index": it.action.index, "kind": it.action.kind, "state": it.state, "detail": it.detail}
        told = world.log.error if it.state in FAILED_STATES else world.log.info
        told("action", extra={**facts, "undo": str(it.undo) if it.undo else None, "plan_id": plan.plan_id})
    if outcome.stopped_by is not None:
        world.log.error(str(outcome.stopped_by), extra={"plan_id": plan.plan_id})
    answer: dict[str, object] = {
        "project": plan.project,
        "plan_id": plan.plan_id,
        "actions": len(plan.actions),
        "proposed": proposed,
        "left_out": len(plan.left_out),
        "results": results_of(outcome.results),
        "stopped_by": None if outcome.stopped_by is None else str(outcome.stopped_by),
    }
    world.log.info("remediated", extra={"remediation": {**answer, "results": len(outcome.results)}})
    return answer
