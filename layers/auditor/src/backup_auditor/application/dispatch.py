"""The use case of the function `dispatch`: one event for each registered project, which asks for its audit."""

from collections.abc import Callable, Sequence

from backup_auditor.domain.events import REQUESTED, DispatchRequest
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.shared_projects import shared_by_secret
from backup_auditor.errors import ChannelRefusedError
from backup_auditor.ports.messaging import Bus, Event, Log

_ROUNDS = 3


def request_audits(
    request: DispatchRequest, registry: Registry, bus: Bus, log: Log, seconds_left: Callable[[], float]
) -> dict[str, object]:
    """Ask for an audit of each project, and return how many, and every mistake of the registry.

    Entries that share a secret are a mistake too. A project whose entry has a mistake is asked for as well: its audit
    fails, where somebody sees it. An event whose answer was lost is put again: by its request id, its project is
    audited once. Raises `DeliveryError` where the bus did not take them all: whoever asked will ask again.
    """
    mistakes = [registry.told(it) for it in registry.mistakes]
    mistakes += [it.sentence for it in shared_by_secret(registry.projects)]
    for mistake in mistakes:
        log.error(mistake, extra={"request_id": request.request_id})
    events = [
        Event(REQUESTED, {"project": name, "reason": request.reason, "request_id": f"{request.request_id}/{name}"})
        for name in registry.names
    ]
    _put(events, bus, seconds_left)
    facts = {"requested": len(events), "request_id": request.request_id, "reason": request.reason}
    log.info("audits were asked for", extra=facts)
    return {"requested": len(events), "mistakes": mistakes}


def _put(events: Sequence[Event], bus: Bus, seconds_left: Callable[[], float]) -> None:
    left = events
    for attempt in range(1, _ROUNDS + 1):
        put = bus.put(left, seconds_left)
        if put.error is None:
            return
        left = [left[it] for it in put.left]
        if attempt == _ROUNDS or isinstance(put.error, ChannelRefusedError):
            raise put.error
