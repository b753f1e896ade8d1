"""The registered projects together: request an audit of each."""

from collections.abc import Callable

from backup_auditor.domain.events import AUDIT_REQUESTED, DispatchRequest
from backup_auditor.domain.registry import Registry, find_shared_by_secret
from backup_auditor.ports.messaging import Bus, Event, Log


def request_audits(
    request: DispatchRequest, registry: Registry, bus: Bus, log: Log, seconds_left: Callable[[], float]
) -> dict[str, object]:
    """Publish one request for each project. Return their number and the errors of the registry.

    Entries that share a secret are an error. A project with an invalid entry is requested too, so that its audit fails
    visibly. An event whose answer was lost is published again: its request id prevents a second audit. Raises
    `DeliveryError` if the bus did not accept all events, so that the request is retried.
    """
    problems = [registry.format_error(it) for it in registry.errors]
    problems += [it.sentence for it in find_shared_by_secret(registry.projects)]
    for problem in problems:
        log.error(problem, extra={"request_id": request.request_id})
    events = [
        Event(
            AUDIT_REQUESTED, {"project": name, "reason": request.reason, "request_id": f"{request.request_id}/{name}"}
        )
        for name in registry.names
    ]
    result = bus.put(events, seconds_left, may_duplicate=True)
    if result.error is not None:
        raise result.error
    fields = {"requested": len(events), "request_id": request.request_id, "reason": request.reason}
    log.info("audits requested", extra=fields)
    return {"requested": len(events), "registry_errors": problems}
