"""The use case of the function `remediate`: one registered project is read, and put right as far as its policy says."""

from collections.abc import Iterable, Sequence

from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.remediation.actions import Kind
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import NOT_WELL, WRITTEN, ActionRecord, ActionState, Result
from backup_auditor.domain.remedy_request import RemedyRequest
from backup_auditor.errors import BackupAuditorError, OutcomeUnknownError, PlanError, StateError
from backup_auditor.ports.delivery import Event
from backup_auditor.ports.remedial import RemedialWorld
from backup_auditor.rendering.remediation_events import proposals_of, results_of
from backup_auditor.service.announcing import announce, put_events
from backup_auditor.service.auditing import Audit, audit
from backup_auditor.service.carrying_out import Outcome, carry_out
from backup_auditor.service.remediating import check_may_write, check_project, found_plan, made_plan
from backup_auditor.service.taking_up import taken_up
from backup_auditor.service.unwatched import Unwatched

_MOST_TOLD = 20
"""How many of the things that could not be read stand in the log."""


def put_right(request: RemedyRequest, world: RemedialWorld) -> dict[str, object]:
    """Plan, propose, act and tell, and return what was and was not done; `untold` says why the bus has not heard of it.

    A plan that may not be carried out is refused in the answer, and nothing is written. What else keeps a project from
    being put right is raised, and so is what keeps it from being known what was done, where it was an event that asked:
    it comes again. Whatever was done is told before that, as far as the bus takes it.
    """
    try:
        answer = _put_right(request, world)
    except BackupAuditorError:
        announce(request.project, world)
        raise
    untold = announce(request.project, world)
    return answer if untold is None else {**answer, "untold": str(untold)}


def _put_right(request: RemedyRequest, world: RemedialWorld) -> dict[str, object]:
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
        earlier = taken_up(found.inventory, policy, world.remembered, world.who)
        outcome = _carried_out(plan, project, policy, found, world)
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
    request: RemedyRequest, project: RegisteredProject, policy: Policy, world: RemedialWorld
) -> tuple[Plan, Audit]:
    """Find the plan that is asked for, before the first call, or make one; with facts that were read just now."""
    plan = None
    if request.plan_id is not None:
        plan = found_plan(world.remembered, project.name, request.plan_id, policy, world.now())
    with world.open_reader(world.key(project)) as reader:
        found = audit(reader, policy, project=project.name, observed_at=world.now(), progress=Unwatched())
    if not found.report.is_complete:
        unread = [f"{it.what}: {it.error}" for it in found.report.unread[:_MOST_TOLD]]
        world.log.error("nothing is planned by what could not be read", extra={"unread": unread})
    if plan is None:
        return made_plan(found, policy, world.remembered), found
    check_project(found, world.remembered, plan)
    return plan, found


def _carried_out(plan: Plan, project: RegisteredProject, policy: Policy, found: Audit, world: RemedialWorld) -> Outcome:
    if not plan.applicable:
        return Outcome()
    log, who, now = world.remembered, world.who, world.now
    check_may_write(plan, policy, found.inventory, log)
    with world.open_writer(world.key(project)) as writer:
        return carry_out(plan, policy, found.inventory, writer=writer, log=log, who=who, now=now)


def _figures(outcome: Outcome, earlier: Sequence[ActionRecord], *, is_complete: bool) -> dict[str, float | None]:
    written = [it.action.key for it in outcome.results if it.state in WRITTEN] + [it.key for it in earlier]
    made = [it for it in written if it.startswith(Kind.CREATE_SCHEDULE)]
    failed = sum(it.state in NOT_WELL for it in outcome.results)
    is_left = outcome.stopped_by is not None or not is_complete
    return {"SchedulesCreated": len(made), "ScheduleCreationFailures": failed or int(is_left)}


def _why_open(outcome: Outcome) -> BackupAuditorError | None:
    """Return why it is not known, or not recorded, what came of an action; `None` where all is."""
    if isinstance(outcome.stopped_by, StateError):
        return outcome.stopped_by
    unknown = (it for it in outcome.results if it.state is ActionState.UNKNOWN)
    return next((OutcomeUnknownError(f"{it.action.key}: {it.detail}") for it in unknown), None)


def _answer(plan: Plan, outcome: Outcome, proposed: int, world: RemedialWorld) -> dict[str, object]:
    results: Iterable[Result] = outcome.results
    for it in results:
        facts = {"index": it.action.index, "kind": it.action.kind, "state": it.state, "detail": it.detail}
        told = world.log.error if it.state in NOT_WELL else world.log.info
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
