"""Request the audits or the restore drills of the registered projects, by an event for each project."""

from collections.abc import Callable, Sequence

from backup_auditor.domain.events import AUDIT_REQUESTED, DRILL_REQUESTED, DispatchRequest, DrillRunRequest
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


def list_drilled_projects(registry: Registry, log: Log) -> list[str]:
    """Return the projects that have a key for restore drills. The errors of the registry are logged."""
    for error in registry.errors:
        log.error(registry.format_error(error), extra={})
    return [it.name for it in registry.projects if it.drill_secret is not None]


def request_drills(
    request: DrillRunRequest, names: Sequence[str], bus: Bus, log: Log, seconds_left: Callable[[], float]
) -> dict[str, object]:
    """Publish one request for each project, and return their number.

    An event whose answer was lost is published again: a repeated request starts no second drill. Raises
    `DeliveryError` if the bus did not accept all events.
    """
    events = [Event(DRILL_REQUESTED, _build_detail(request, it)) for it in names]
    if not events:
        return {"requested": 0}
    result = bus.put(events, seconds_left, may_duplicate=True)
    if result.error is not None:
        raise result.error
    log.info("restore drills requested", extra={"requested": len(events), "sweep": request.is_sweep})
    return {"requested": len(events)}


def _build_detail(request: DrillRunRequest, name: str) -> dict[str, object]:
    if request.is_sweep:
        return {"project": name, "sweep": True}
    return {"project": name, "request_id": f"{request.request_id}/{name}"}
