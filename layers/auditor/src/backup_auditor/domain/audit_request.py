"""What `audit` is asked for: by an event on the bus, or by whoever invokes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from backup_auditor.domain.naming import is_key
from backup_auditor.domain.payload import refuse_unknown, text_in
from backup_auditor.errors import RequestError

SOURCE = "backup-auditor"
REQUESTED = "Backup Audit Requested"


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """One project that is to be audited."""

    project: str | None
    """`None` for the only one that is registered."""
    reason: str | None = None
    """Why, for the log."""
    request_id: str | None = None
    """By which it is the same request, however often it comes; `None` where it is a new one each time."""


def read_request(payload: object) -> AuditRequest:
    """Read an event of the bus, whose envelope may hold anything else, or a payload. Raises `RequestError`."""
    if not isinstance(payload, Mapping):
        raise RequestError('the payload is no JSON object; one looks like {"project": "search"}')
    if "detail-type" in payload:
        return _of_event(payload)
    refuse_unknown(payload, "the payload", ("project", "reason"))
    return AuditRequest(_project(payload), text_in(payload, "reason"))


def _of_event(event: Mapping[object, object]) -> AuditRequest:
    told = event.get("source"), event["detail-type"]
    if told != (SOURCE, REQUESTED):
        raise RequestError(f"the event {str(told)[:200]} asks for no audit; one that does is {(SOURCE, REQUESTED)}")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError('the event has no detail; it looks like {"project": "search"}')
    refuse_unknown(detail, "the event's detail", ("project", "reason", "request_id"))
    project = _project(detail)
    if project is None:
        raise RequestError("the event names no project; without one it is for dispatch, which asks for each")
    request_id = text_in(detail, "request_id") or text_in(event, "id")
    if request_id is None:
        raise RequestError("the event has neither a request_id nor an id, so it could be audited twice; give it one")
    return AuditRequest(project, text_in(detail, "reason"), request_id)


def _project(mapping: Mapping[object, object]) -> str | None:
    """Return the project that is named. What it is called stands in every line of the log: a key may not."""
    project = text_in(mapping, "project")
    if project is not None and is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project
