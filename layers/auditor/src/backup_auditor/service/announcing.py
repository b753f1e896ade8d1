"""Tells the bus of whatever was done and was not told yet, whichever run did it."""

from collections.abc import Iterator, Sequence
from functools import cache

from backup_auditor.domain.remediation.record import ActionRecord
from backup_auditor.errors import BackupAuditorError, ChannelRefusedError, DeliveryError, StateError
from backup_auditor.ports.delivery import Event
from backup_auditor.ports.remedial import RemedialWorld
from backup_auditor.rendering.remediation_events import creation_of

_ROUNDS = 3


def announce(project: str, world: RemedialWorld) -> BackupAuditorError | None:
    """Put an event on the bus for each action that was done and not told; return why, where one is still to be told.

    What the bus took is marked. What it may have taken is told again, and so is what could not be marked.
    """
    try:
        owed = list(_owed(project, world))
        left, error = put_events(project, [event for _, event in owed], world)
        for place, (record, _) in enumerate(owed):
            if place not in left:
                world.remembered.mark_told(record, world.now())
    except StateError as unread:
        world.log.error("what was done may be told again, or later", extra={"error": str(unread)})  # noqa: TRY400  one line
        return unread
    return error


def heard(answer: dict[str, object], project: str, world: RemedialWorld) -> dict[str, object]:
    """Return the answer to an event once the bus has heard of all that was done; raise why it has not.

    The event comes again then, and its answer stands: it is told, and nothing is done once more.
    """
    error = announce(project, world) if "untold" in answer else None
    if error is not None:
        raise error
    return answer


def _owed(project: str, world: RemedialWorld) -> Iterator[tuple[ActionRecord, Event]]:
    """Yield what is to be told; what a plan asked for that is not kept any more can be told by nobody."""
    plan_of = cache(world.remembered.plan)
    for record in world.remembered.untold(project):
        plan = plan_of(project, record.plan_id)
        action = plan.action(record.key) if plan else None
        if plan is not None and action is not None:
            yield record, Event(*creation_of(plan, action, record))


def put_events(
    project: str, events: Sequence[Event], world: RemedialWorld
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
