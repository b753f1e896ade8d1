"""Settle the actions of interrupted runs, and publish the events of actions that were not published."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from backup_auditor.application.project_audit import KeyedLog
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import known_rows
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.domain.remediation.checks import IndexSnapshot, demand_on, describe_result, find_result
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState
from backup_auditor.errors import BackupAuditorError, ChannelRefusedError, DeliveryError, StateError
from backup_auditor.ports.messaging import Bus, Emit, Event
from backup_auditor.ports.pinecone import ProjectReader, ProjectWriter
from backup_auditor.ports.stores import RemediationLog, ToldLog
from backup_auditor.rendering.events import creation_of


@dataclass(frozen=True, slots=True)
class RemediationDependencies:
    """What one run needs. The functions raise what is said of them."""

    registry: Callable[[str], Registry]
    """Raises `RegistryError` and `DocumentError`."""
    policy: Callable[[RegisteredProject], Policy]
    """Raises `PolicyError` and `DocumentError`."""
    key: Callable[[RegisteredProject], str]
    """Returns the key that may write, which is another than the audit's. Raises `SecretError`."""
    open_reader: Callable[[str], AbstractContextManager[ProjectReader]]
    open_writer: Callable[[str], AbstractContextManager[ProjectWriter]]
    remembered: ToldLog
    bus: Bus
    emit: Emit
    log: KeyedLog
    now: Callable[[], datetime]
    seconds_left: Callable[[], float]
    who: str
    """Who acts, for the records."""


_ROUNDS = 3


def publish_events(project: str, world: RemediationDependencies) -> BackupAuditorError | None:
    """Put an event on the bus for each action that was done and not told; return why, where one is still to be told.

    What the bus took is marked. What it may have taken is told again, and so is what could not be marked.
    """
    try:
        owed = list(_unpublished(project, world))
        left, error = put_events(project, [event for _, event in owed], world)
        for place, (record, _) in enumerate(owed):
            if place not in left:
                world.remembered.mark_told(record, world.now())
    except StateError as unread:
        world.log.error("what was done may be told again, or later", extra={"error": str(unread)})  # noqa: TRY400  one line
        return unread
    return error


def require_published(answer: dict[str, object], project: str, world: RemediationDependencies) -> dict[str, object]:
    """Return the answer to an event once the bus has heard of all that was done; raise why it has not.

    The event comes again then, and its answer stands: it is told, and nothing is done once more.
    """
    error = publish_events(project, world) if "untold" in answer else None
    if error is not None:
        raise error
    return answer


def _unpublished(project: str, world: RemediationDependencies) -> Iterator[tuple[ActionRecord, Event]]:
    """Yield what is to be told; what a plan asked for that is not kept any more can be told by nobody."""
    plan_of = cache(world.remembered.plan)
    for record in world.remembered.untold(project):
        plan = plan_of(project, record.plan_id)
        action = plan.action(record.key) if plan else None
        if plan is not None and action is not None:
            yield record, Event(*creation_of(plan, action, record))


def put_events(
    project: str, events: Sequence[Event], world: RemediationDependencies
) -> tuple[Sequence[int], DeliveryError | None]:
    """Put events on the bus, some times over; return the places of those that it does not take, and why.

    Those stand in the log.
    """
    left, error = list(range(len(events))), None
    for _ in range(_ROUNDS):
        if not left or isinstance(error, ChannelRefusedError):
            break
        put = world.bus.put([events[it] for it in left], world.seconds_left)
        left, error = [left[it] for it in put.left], put.error
    for it in left:
        facts = {"error": str(error), "event": events[it].detail_type, "detail": events[it].detail}
        world.log.error("an event was not taken", extra=facts)
    if left:
        world.emit(project, {"DeliveryFailures": len(left)})
    return left, error


_LONGEST = timedelta(minutes=15)
"""No invocation lasts longer: what another began before that, nobody is at any more."""


def settle_open_actions(inventory: Inventory, policy: Policy, log: RemediationLog, who: str) -> list[ActionRecord]:
    """Record as written what was begun before the inventory was read, and shows in it; the rest stays open.

    Lambda gives an invocation that it repeats the same id: what stands under `who` was left by an earlier try of it.
    Raises `StateError`.
    """
    return list(_settle(inventory, policy, log, who))


def _settle(inventory: Inventory, policy: Policy, log: RemediationLog, who: str) -> Iterator[ActionRecord]:
    now, backups = inventory.observed_at, tuple(inventory.listed_backups())
    seen = {it.index.name: IndexSnapshot(now, it.index, known_rows(it.schedules), backups) for it in inventory.indexes}
    for record in log.unsettled(inventory.project):
        if record.began_at <= now - _LONGEST or (record.who == who and record.began_at <= now):
            settled = as_observed(record, log, seen, policy)
            if settled is not None:
                log.settle(settled)
                yield settled


def as_observed(
    record: ActionRecord, log: RemediationLog, seen: Mapping[str, IndexSnapshot], policy: Policy
) -> ActionRecord | None:
    """Return the record of an attempt that shows in what was read; `None` where it does not, or its plan is forgotten.

    What shows was done; where the policy is not satisfied by it, verification failed. What was read is by index.
    Raises `StateError`.
    """
    plan = log.plan(record.project, record.plan_id)
    action = plan.action(record.key) if plan else None
    its = None if action is None else seen.get(action.index)
    if action is None or its is None:
        return None
    made = find_result(
        action, record.before, its.schedules, (it for it in its.backups if it.index_name == action.index)
    )
    if made is None:
        return None
    why = None if isinstance(made, Backup) else demand_on(its.index, policy, its.at).why_unsatisfied([made])
    return replace(
        record,
        state=ActionState.DONE if why is None else ActionState.AMISS,
        detail="Settled by reading: it shows." if why is None else f"Settled by reading. Verification failed. {why}",
        made_id=made.backup_id if isinstance(made, Backup) else made.schedule_id,
        after=describe_result(made),
        ended_at=its.at,
    )
