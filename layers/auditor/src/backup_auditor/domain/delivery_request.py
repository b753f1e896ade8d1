"""What `notify` is asked for: by the event that completes an audit, by its schedule, or by whoever invokes it."""

from collections.abc import Mapping

from backup_auditor.domain.alerting.event import EventType
from backup_auditor.domain.audit_request import SOURCE
from backup_auditor.errors import RequestError

_SHAPES = '{"project": "search"} or {"sweep": true}'
_COMPLETED = (SOURCE, str(EventType.AUDIT_COMPLETED))


def read_delivery_request(payload: object) -> str | None:
    """Return the project whose messages are wanted; `None` means those of all. Raises `RequestError`.

    An event may hold whatever else an audit tells; a payload holds nothing else, so that nobody sweeps by mistake.
    """
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is no JSON object; one looks like {_SHAPES}")
    if "detail-type" in payload:
        told = payload.get("source"), payload["detail-type"]
        if told != _COMPLETED:
            raise RequestError(f"the event {str(told)[:200]} asks for no delivery; one that does is {_COMPLETED}")
        return _project(payload.get("detail"), "the event's detail")
    if payload.keys() == {"sweep"} and payload["sweep"] is True:
        return None
    if payload.keys() != {"project"}:
        raise RequestError(f"the payload is neither of the two that are known: {_SHAPES}")
    return _project(payload, "the payload")


def _project(mapping: object, what: str) -> str:
    project = mapping.get("project") if isinstance(mapping, Mapping) else None
    if not isinstance(project, str) or not project.strip():
        raise RequestError(f'{what} names no project; it looks like {{"project": "search"}}')
    return project
