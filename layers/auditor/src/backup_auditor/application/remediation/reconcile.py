"""Settle the actions of interrupted runs, and publish the events of actions that were not published."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Protocol

from backup_auditor.application.project_audit import ProjectDependencies
from backup_auditor.domain.events import RemediationRequest
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import list_rows
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.remediation.checks import (
    IndexSnapshot,
    build_schedule_demand,
    describe_result,
    find_results,
    get_resource_id,
)
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState
from backup_auditor.errors import BackupAuditorError, ChannelRefusedError, StateError
from backup_auditor.ports.messaging import Bus, Event, PutResult
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.ports.stores import PublicationLog, RemediationLog
from backup_auditor.rendering.events import build_creation_event


class RemediationDependencies(ProjectDependencies, Protocol):
    """What one run of the function `remediate` needs from outside."""

    remediation_log: PublicationLog
    bus: Bus
    actor: str
    """The name of the function and the id of its invocation, for the records."""

    def load_key(self, project: RegisteredProject) -> str:
        """Return the key with write access, which is not the key of the audit. Raises `SecretError`."""

    def open_writer(self, key: str) -> AbstractContextManager[ProjectWriter]:
        """Open the project of a key for changes."""

    def seconds_left(self) -> float:
        """Return the seconds that the run has left."""


def publish_events(request: RemediationRequest, deps: RemediationDependencies) -> BackupAuditorError | None:
    """Publish an event for each applied action that has none yet; return the error if one is still unpublished.

    Accepted events are marked. Events that may have been accepted, or could not be marked, are published again.
    """
    try:
        unpublished = list(_list_unpublished(request.project, deps))
        unaccepted_positions, error = put_events(request, [event for _, event in unpublished], deps)
        for position, (record, _) in enumerate(unpublished):
            if position not in unaccepted_positions:
                deps.remediation_log.mark_published(record, deps.now())
    except StateError as read_error:
        deps.log.error("events of applied actions may be published later or twice", extra={"error": str(read_error)})  # noqa: TRY400  one line
        return read_error
    return error


def require_published(
    answer: dict[str, object], request: RemediationRequest, deps: RemediationDependencies
) -> dict[str, object]:
    """Return the answer to an event once all its actions are published; raise the error if they are not.

    Then the event is delivered again: its answer is known, only the publication is repeated.
    """
    error = publish_events(request, deps) if "unpublished" in answer else None
    if error is not None:
        raise error
    return answer


def _list_unpublished(project: str, deps: RemediationDependencies) -> Iterator[tuple[ActionRecord, Event]]:
    """Yield the applied actions without an event. Those whose plan is no longer stored have none."""
    load_plan = cache(deps.remediation_log.load_plan)
    for record in deps.remediation_log.list_unpublished(project):
        plan = load_plan(project, record.plan_id)
        action = plan.find_action(record.key) if plan else None
        if plan is not None and action is not None:
            yield record, Event(*build_creation_event(plan, action, record))


def put_events(request: RemediationRequest, events: Sequence[Event], deps: RemediationDependencies) -> PutResult:
    """Publish events, log those that were not accepted, and return their positions and the error.

    They count as failures only if the bus refuses them, or if nothing repeats the request.
    """
    if not events:
        return PutResult((), None)
    result = deps.bus.put(events, deps.seconds_left, may_duplicate=True)
    for position in result.unaccepted_positions:
        fields = {"error": str(result.error), "event": events[position].detail_type, "detail": events[position].detail}
        deps.log.error("an event was not accepted", extra=fields)
    is_final = request.is_final or isinstance(result.error, ChannelRefusedError)
    deps.emit(request.project, {"DeliveryFailures": len(result.unaccepted_positions) if is_final else 0})
    return result


_MAX_INVOCATION = timedelta(minutes=15)
"""No invocation lasts longer: an attempt that is older was interrupted."""


def settle_open_actions(inventory: Inventory, policy: Policy, log: RemediationLog, actor: str) -> list[ActionRecord]:
    """Settle the interrupted attempts whose effect the inventory shows, and return their records.

    Each attempt at a request has the same actor: an attempt of the same actor is one of an earlier invocation.
    Raises `StateError`.
    """
    now, backups = inventory.observed_at, tuple(inventory.iter_listed_backups())
    snapshots = {
        it.index.name: IndexSnapshot(now, it.index, list_rows(it.schedules), backups) for it in inventory.indexes
    }
    settled_records: list[ActionRecord] = []
    for record in log.list_unsettled(inventory.project):
        if record.started_at <= now - _MAX_INVOCATION or (record.actor == actor and record.started_at <= now):
            settled_record = find_settled_record(record, log, snapshots, policy)
            if settled_record is not None:
                log.settle_attempt(settled_record)
                settled_records.append(settled_record)
    return settled_records


def find_settled_record(
    record: ActionRecord, log: RemediationLog, snapshots: Mapping[str, IndexSnapshot], policy: Policy
) -> ActionRecord | None:
    """Return the settled record of an attempt; `None` if its effect was not read, or its plan is no longer stored.

    The state is `verification_failed` if the policy is not satisfied. `snapshots` are by index. Raises `StateError`.
    """
    plan = log.load_plan(record.project, record.plan_id)
    action = plan.find_action(record.key) if plan else None
    snapshot = None if action is None else snapshots.get(action.index)
    if action is None or snapshot is None:
        return None
    backups = (it for it in snapshot.backups if it.index_name == action.index)
    resources = find_results(action, record.before, snapshot.schedules, backups)
    if not resources:
        return None
    resource = resources[0]
    violation = None
    if not isinstance(resource, Backup):
        violation = build_schedule_demand(snapshot.index, policy, snapshot.read_at).explain_violation([resource])
    failure = f"Checked by a later read. Verification failed. {violation}"
    return replace(
        record,
        state=ActionState.DONE if violation is None else ActionState.VERIFICATION_FAILED,
        detail="Checked by a later read: the call took effect." if violation is None else failure,
        target_id=get_resource_id(resource),
        after=describe_result(resource),
        ended_at=snapshot.read_at,
    )
