"""The use case of the function `remediate`: one registered project is read, and put right as far as its policy says."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.domain.remediation.actions import Kind
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import NOT_WELL, WRITTEN, Result
from backup_auditor.domain.remedy_request import RemedyRequest
from backup_auditor.errors import BackupAuditorError, ChannelRefusedError, PlanError
from backup_auditor.ports.delivery import Bus, Event
from backup_auditor.ports.nightly import Emit, KeyedLog
from backup_auditor.ports.reading import ProjectReader
from backup_auditor.ports.writing import ProjectWriter, RemediationLog
from backup_auditor.rendering.remediation_events import creations_of, proposals_of, results_of
from backup_auditor.service.auditing import Audit, audit
from backup_auditor.service.carrying_out import Outcome, carry_out
from backup_auditor.service.remediating import check_project, found_plan, made_plan, recorded_of
from backup_auditor.service.taking_up import TakenUp, taken_up
from backup_auditor.service.unwatched import Unwatched

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class RemedialWorld:
    """What remediation on AWS needs. The functions raise what is said of them."""

    registry: Callable[[str], Registry]
    """Raises `RegistryError` and `DocumentError`."""
    policy: Callable[[RegisteredProject], Policy]
    """Raises `PolicyError` and `DocumentError`."""
    key: Callable[[RegisteredProject], str]
    """Returns the key that may write, which is another than the audit's. Raises `SecretError`."""
    open_reader: Callable[[str], AbstractContextManager[ProjectReader]]
    open_writer: Callable[[str], AbstractContextManager[ProjectWriter]]
    remembered: RemediationLog
    bus: Bus
    emit: Emit
    log: KeyedLog
    now: Callable[[], datetime]
    seconds_left: Callable[[], float]
    who: str
    """Who acts, for the records."""


def put_right(request: RemedyRequest, world: RemedialWorld) -> dict[str, object]:
    """Plan, propose and act, and return what was and was not done.

    A plan that may not be carried out is refused in the answer, and nothing is written. What else keeps a project from
    being put right is raised: whoever asked will ask again.
    """
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
        earlier = taken_up(found.inventory, world.remembered, world.who)
        outcome = _carried_out(plan, project, policy, found, world)
    except PlanError as error:
        world.log.warning(str(error), extra={"plan_id": request.plan_id})
        return {"project": project.name, "plan_id": request.plan_id, "refused": str(error)}
    except BackupAuditorError:
        if Mode.APPLY in modes:
            world.emit(project.name, {"SchedulesCreated": 0, "ScheduleCreationFailures": 1})
        raise
    if Mode.APPLY in modes:
        world.emit(project.name, _figures(outcome, earlier))
    proposals = list(proposals_of(plan)) if request.plan_id is None else []
    records = recorded_of(plan, world.remembered) if outcome.results else {}
    creations = (it for done in ((plan, outcome.results, records), *earlier) for it in creations_of(*done))
    _tell(project.name, [Event(kind, detail) for kind, detail in (*proposals, *creations)], world)
    return _answer(plan, outcome, len(proposals), world)


def _planned(
    request: RemedyRequest, project: RegisteredProject, policy: Policy, world: RemedialWorld
) -> tuple[Plan, Audit]:
    """Find the plan that is asked for, before the first call, or make one; with facts that were read just now."""
    plan = None
    if request.plan_id is not None:
        plan = found_plan(world.remembered, project.name, request.plan_id, policy, world.now())
    with world.open_reader(world.key(project)) as reader:
        found = audit(reader, policy, project=project.name, observed_at=world.now(), progress=Unwatched())
    if plan is None:
        return made_plan(found, policy, world.remembered), found
    check_project(found, plan)
    return plan, found


def _carried_out(plan: Plan, project: RegisteredProject, policy: Policy, found: Audit, world: RemedialWorld) -> Outcome:
    if not plan.applicable:
        return Outcome()
    log, who, now = world.remembered, world.who, world.now
    with world.open_writer(world.key(project)) as writer:
        return carry_out(plan, policy, found.inventory, writer=writer, log=log, who=who, now=now)


def _figures(outcome: Outcome, earlier: list[TakenUp]) -> dict[str, float | None]:
    results = (*outcome.results, *(it for _, found, _ in earlier for it in found))
    made = [it for it in results if it.state in WRITTEN and it.action.kind is Kind.CREATE_SCHEDULE]
    failed = sum(it.state in NOT_WELL for it in outcome.results)
    return {"SchedulesCreated": len(made), "ScheduleCreationFailures": failed or int(outcome.stopped_by is not None)}


def _tell(project: str, events: list[Event], world: RemedialWorld) -> None:
    """Put events on the bus. What it does not take stands in the log and in the records all the same."""
    left, error = events, None
    for _ in range(_ROUNDS):
        if not left:
            return
        put = world.bus.put(left, world.seconds_left)
        left, error = [left[it] for it in put.left], put.error
        if isinstance(error, ChannelRefusedError):
            break
    if left:
        for it in left:
            world.log.error("an event was not taken", extra={"error": str(error), "event": it.detail_type, **it.detail})
        world.emit(project, {"DeliveryFailures": len(left)})


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
