"""Request the restore drills of each project by an event: a run of all that have a key, or a sweep of open drills."""

from collections.abc import Callable, Sequence

from backup_auditor.domain.events import DRILL_REQUESTED, DrillRunRequest
from backup_auditor.domain.registry import Registry
from backup_auditor.ports.messaging import Bus, Event, Log


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
