"""The events and requests of the functions: their types, and how their payloads are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from backup_auditor.domain.identifiers import is_key
from backup_auditor.errors import RequestError


class EventType(StrEnum):
    """What stands in the `detail-type` of an event, in the order in which an audit's are put."""

    AUDIT_COMPLETED = "Backup Audit Completed"
    FINDING_OPENED = "Backup Finding Opened"
    FINDING_REOPENED = "Backup Finding Reopened"
    FINDING_RESOLVED = "Backup Finding Resolved"


LONGEST = 1000


def refuse_unknown(mapping: Mapping[object, object], what: str, known: tuple[str, ...]) -> None:
    """Raise `RequestError` where there is a field that nobody reads."""
    unknown = sorted(str(it)[:80] for it in mapping if it not in known)
    if unknown:
        raise RequestError(f"{what} holds {', '.join(map(repr, unknown[:5]))}; known there are {', '.join(known)}")


def text_in(mapping: Mapping[object, object], key: str, longest: int = LONGEST) -> str | None:
    """Return the text of a field, `None` where there is none. Raises `RequestError`."""
    value = mapping.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise RequestError(f"{key} is no text of 1 to {longest} characters; write one, or leave it out")
    return value


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
        return _audit_of_event(payload)
    refuse_unknown(payload, "the payload", ("project", "reason"))
    return AuditRequest(_audit_project(payload), text_in(payload, "reason"))


def _audit_of_event(event: Mapping[object, object]) -> AuditRequest:
    told = event.get("source"), event["detail-type"]
    if told != (SOURCE, REQUESTED):
        raise RequestError(f"the event {str(told)[:200]} asks for no audit; one that does is {(SOURCE, REQUESTED)}")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError('the event has no detail; it looks like {"project": "search"}')
    refuse_unknown(detail, "the event's detail", ("project", "reason", "request_id"))
    project = _audit_project(detail)
    if project is None:
        raise RequestError("the event names no project; without one it is for dispatch, which asks for each")
    request_id = text_in(detail, "request_id") or text_in(event, "id")
    if request_id is None:
        raise RequestError("the event has neither a request_id nor an id, so it could be audited twice; give it one")
    return AuditRequest(project, text_in(detail, "reason"), request_id)


def _audit_project(mapping: Mapping[object, object]) -> str | None:
    """Return the project that is named. What it is called stands in every line of the log: a key may not."""
    project = text_in(mapping, "project")
    if project is not None and is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project


_DELIVERY_SHAPES = '{"project": "search"} or {"sweep": true}'
_DELIVERED_EVENT = (SOURCE, str(EventType.AUDIT_COMPLETED))


def read_delivery_request(payload: object) -> str | None:
    """Return the project whose messages are wanted; `None` means those of all. Raises `RequestError`.

    An event may hold whatever else an audit tells; a payload holds nothing else, so that nobody sweeps by mistake.
    """
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is no JSON object; one looks like {_DELIVERY_SHAPES}")
    if "detail-type" in payload:
        told = payload.get("source"), payload["detail-type"]
        if told != _DELIVERED_EVENT:
            raise RequestError(f"the event {str(told)[:200]} asks for no delivery; one that does is {_DELIVERED_EVENT}")
        return _delivery_project(payload.get("detail"), "the event's detail")
    if payload.keys() == {"sweep"} and payload["sweep"] is True:
        return None
    if payload.keys() != {"project"}:
        raise RequestError(f"the payload is neither of the two that are known: {_DELIVERY_SHAPES}")
    return _delivery_project(payload, "the payload")


def _delivery_project(mapping: object, what: str) -> str:
    project = mapping.get("project") if isinstance(mapping, Mapping) else None
    if not isinstance(project, str) or not project.strip():
        raise RequestError(f'{what} names no project; it looks like {{"project": "search"}}')
    return project


_LONGEST_ID = 500
"""A project's name has to find room beside it."""


@dataclass(frozen=True, slots=True)
class DispatchRequest:
    """Audits that are to be asked for."""

    request_id: str
    """By which it is the same request, however often it comes: nobody is audited twice by it."""
    reason: str


def read_dispatch(payload: object, invocation: str) -> DispatchRequest:
    """Read an event of the bus, whose envelope may hold anything else, or a payload. Raises `RequestError`.

    `invocation` is what makes a payload without an id a request of its own.
    """
    if not isinstance(payload, Mapping):
        raise RequestError("the payload is no JSON object; {} asks for an audit of every project")
    if "detail-type" in payload:
        return _dispatch_of_event(payload)
    refuse_unknown(payload, "the payload", ("request_id", "reason"))
    scheduled = text_in(payload, "request_id", _LONGEST_ID)
    reason = text_in(payload, "reason") or ("invoked" if scheduled is None else "scheduled")
    return DispatchRequest(scheduled or invocation, reason)


def _dispatch_of_event(event: Mapping[object, object]) -> DispatchRequest:
    told = event.get("source"), event["detail-type"]
    if told != (SOURCE, REQUESTED):
        raise RequestError(f"the event {str(told)[:200]} asks for no audit; one that does is {(SOURCE, REQUESTED)}")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError("the event has no detail; {} asks for an audit of every project")
    refuse_unknown(detail, "the event's detail", ("project", "reason", "request_id"))
    if detail.get("project") is not None:
        raise RequestError("the event names a project; it is for audit, and not for dispatch")
    request_id = text_in(detail, "request_id", _LONGEST_ID) or text_in(event, "id", _LONGEST_ID)
    if request_id is None:
        raise RequestError("the event has neither a request_id nor an id, so all could be audited twice; give it one")
    return DispatchRequest(request_id, text_in(detail, "reason") or "requested")


_REMEDIATION_SHAPES = '{"project": "search"} or {"project": "search", "plan": "5c0f…"}'
_AUDIT_COMPLETED = (SOURCE, str(EventType.AUDIT_COMPLETED))


@dataclass(frozen=True, slots=True)
class RemediationRequest:
    """One project that is to be put right."""

    project: str
    plan_id: str | None = None
    """A plan that was made before; `None` for one that is made now."""
    request_id: str | None = None
    """By which it is the same request, however often it comes; `None` where it is a new one each time."""


def read_remediation_request(payload: object) -> RemediationRequest:
    """Read an event of the bus, which may hold whatever else an audit tells, or a payload. Raises `RequestError`."""
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is no JSON object; one looks like {_REMEDIATION_SHAPES}")
    if "detail-type" in payload:
        told = payload.get("source"), payload["detail-type"]
        if told != _AUDIT_COMPLETED:
            raise RequestError(
                f"the event {str(told)[:200]} asks for no remediation; one that does is {_AUDIT_COMPLETED}"
            )
        return _remediation_of_event(payload)
    refuse_unknown(payload, "the payload", ("project", "plan"))
    return RemediationRequest(_remediation_project(payload, "the payload"), text_in(payload, "plan"))


def _remediation_of_event(event: Mapping[object, object]) -> RemediationRequest:
    """Read an event. An audit whose event was put twice is told by two ids: its own is the same."""
    detail = event.get("detail")
    project = _remediation_project(detail, "the event's detail")
    request_id = text_in(detail, "audit_id") if isinstance(detail, Mapping) else None
    request_id = request_id or text_in(event, "id")
    if request_id is None:
        raise RequestError("the event has neither an audit_id nor an id, so it could be acted on twice; give it one")
    return RemediationRequest(project, request_id=request_id)


def _remediation_project(mapping: object, what: str) -> str:
    project = text_in(mapping, "project", 4000) if isinstance(mapping, Mapping) else None
    if project is None:
        raise RequestError(f'{what} names no project; it looks like {{"project": "search"}}')
    if is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project
