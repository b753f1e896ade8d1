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


def read_remedy_request(payload: object) -> RemedyRequest:
    """Read an event of the bus, which may hold whatever else an audit tells, or a payload. Raises `RequestError`."""
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is no JSON object; one looks like {_SHAPES}")
    if "detail-type" in payload:
        told = payload.get("source"), payload["detail-type"]
        if told != _COMPLETED:
            raise RequestError(f"the event {str(told)[:200]} asks for no remediation; one that does is {_COMPLETED}")
        return RemedyRequest(_project(payload.get("detail"), "the event's detail"))
    refuse_unknown(payload, "the payload", ("project", "plan"))
    return RemedyRequest(_project(payload, "the payload"), text_in(payload, "plan"))


def _project(mapping: object, what: str) -> str:
    project = text_in(mapping, "project", 4000) if isinstance(mapping, Mapping) else None
    if project is None:
        raise RequestError(f'{what} names no project; it looks like {{"project": "search"}}')
    if is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project
