"""What `remediate` is asked for: by the event that completes an audit, or by whoever invokes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from backup_auditor.domain.alerting.event import EventType
from backup_auditor.domain.audit_request import SOURCE
from backup_auditor.domain.naming import is_key
from backup_auditor.domain.payload import refuse_unknown, text_in
from backup_auditor.errors import RequestError

_SHAPES = '{"project": "search"} or {"project": "search", "plan": "5c0f…"}'
_COMPLETED = (SOURCE, str(EventType.AUDIT_COMPLETED))


@dataclass(frozen=True, slots=True)
class RemedyRequest:
    """One project that is to be put right."""

    project: str
    plan_id: str | None = None
    """A plan that was made before; `None` for one that is made now."""
    request_id: str | None = None
    """By which it is the same request, however often it comes; `None` where it is a new one each time."""


def read_remedy_request(payload: object) -> RemedyRequest:
    """Read an event of the bus, which may hold whatever else an audit tells, or a payload. Raises `RequestError`."""
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is no JSON object; one looks like {_SHAPES}")
    if "detail-type" in payload:
        told = payload.get("source"), payload["detail-type"]
        if told != _COMPLETED:
            raise RequestError(f"the event {str(told)[:200]} asks for no remediation; one that does is {_COMPLETED}")
        return _of_event(payload)
    refuse_unknown(payload, "the payload", ("project", "plan"))
    return RemedyRequest(_project(payload, "the payload"), text_in(payload, "plan"))


def _of_event(event: Mapping[object, object]) -> RemedyRequest:
    """Read an event. An audit whose event was put twice is told by two ids: its own is the same."""
    detail = event.get("detail")
    project = _project(detail, "the event's detail")
    request_id = text_in(detail, "audit_id") if isinstance(detail, Mapping) else None
    request_id = request_id or text_in(event, "id")
    if request_id is None:
        raise RequestError("the event has neither an audit_id nor an id, so it could be acted on twice; give it one")
    return RemedyRequest(project, request_id=request_id)


def _project(mapping: object, what: str) -> str:
    project = text_in(mapping, "project", 4000) if isinstance(mapping, Mapping) else None
    if project is None:
        raise RequestError(f'{what} names no project; it looks like {{"project": "search"}}')
    if is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project
