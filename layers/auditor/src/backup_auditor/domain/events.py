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


MAX_TEXT_LENGTH = 1000


def refuse_unknown_fields(mapping: Mapping[object, object], place: str, known_fields: tuple[str, ...]) -> None:
    """Raise `RequestError` where there is a field that nobody reads."""
    unknown_fields = sorted(str(it)[:80] for it in mapping if it not in known_fields)
    if unknown_fields:
        raise RequestError(
            f"{place} holds {', '.join(map(repr, unknown_fields[:5]))}; known there are {', '.join(known_fields)}"
        )


def read_text_field(mapping: Mapping[object, object], key: str, max_length: int = MAX_TEXT_LENGTH) -> str | None:
    """Return the text of a field, `None` where there is none. Raises `RequestError`."""
    value = mapping.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > max_length:
        raise RequestError(f"{key} is no text of 1 to {max_length} characters; write one, or leave it out")
    return value


SOURCE = "backup-auditor"
AUDIT_REQUESTED = "Backup Audit Requested"


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """One project that is to be audited."""

    project: str | None
    """`None` for the only one that is registered."""
    reason: str | None = None
    """Why, for the log."""
    request_id: str | None = None
    """By which it is the same request, however often it comes; `None` where it is a new one each time."""


def read_audit_request(payload: object) -> AuditRequest:
    """Read an event of the bus, whose envelope may hold anything else, or a payload. Raises `RequestError`."""
    if not isinstance(payload, Mapping):
        raise RequestError('the payload is no JSON object; one looks like {"project": "search"}')
    if "detail-type" in payload:
        return _read_audit_event(payload)
    refuse_unknown_fields(payload, "the payload", ("project", "reason"))
    return AuditRequest(_read_audit_project(payload), read_text_field(payload, "reason"))


def _read_audit_event(event: Mapping[object, object]) -> AuditRequest:
    source_and_type = event.get("source"), event["detail-type"]
    if source_and_type != (SOURCE, AUDIT_REQUESTED):
        raise RequestError(
            f"the event {str(source_and_type)[:200]} asks for no audit; one that does is {(SOURCE, AUDIT_REQUESTED)}"
        )
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError('the event has no detail; it looks like {"project": "search"}')
    refuse_unknown_fields(detail, "the event's detail", ("project", "reason", "request_id"))
    project = _read_audit_project(detail)
    if project is None:
        raise RequestError("the event names no project; without one it is for dispatch, which asks for each")
    request_id = read_text_field(detail, "request_id") or read_text_field(event, "id")
    if request_id is None:
        raise RequestError("the event has neither a request_id nor an id, so it could be audited twice; give it one")
    return AuditRequest(project, read_text_field(detail, "reason"), request_id)


def _read_audit_project(mapping: Mapping[object, object]) -> str | None:
    """Return the project that is named. What it is called stands in every line of the log: a key may not."""
    project = read_text_field(mapping, "project")
    if project is not None and is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project


_DELIVERY_EXAMPLES = '{"project": "search"} or {"sweep": true}'
_DELIVERY_EVENT = (SOURCE, str(EventType.AUDIT_COMPLETED))


def read_delivery_request(payload: object) -> str | None:
    """Return the project whose messages are wanted; `None` means those of all. Raises `RequestError`.

    An event may hold whatever else an audit tells; a payload holds nothing else, so that nobody sweeps by mistake.
    """
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is no JSON object; one looks like {_DELIVERY_EXAMPLES}")
    if "detail-type" in payload:
        source_and_type = payload.get("source"), payload["detail-type"]
        if source_and_type != _DELIVERY_EVENT:
            raise RequestError(
                f"the event {str(source_and_type)[:200]} asks for no delivery; one that does is {_DELIVERY_EVENT}"
            )
        return _read_delivery_project(payload.get("detail"), "the event's detail")
    if payload.keys() == {"sweep"} and payload["sweep"] is True:
        return None
    if payload.keys() != {"project"}:
        raise RequestError(f"the payload is neither of the two that are known: {_DELIVERY_EXAMPLES}")
    return _read_delivery_project(payload, "the payload")


def _read_delivery_project(mapping: object, place: str) -> str:
    project = mapping.get("project") if isinstance(mapping, Mapping) else None
    if not isinstance(project, str) or not project.strip():
        raise RequestError(f'{place} names no project; it looks like {{"project": "search"}}')
    return project


_MAX_ID_LENGTH = 500
"""A project's name has to find room beside it."""


@dataclass(frozen=True, slots=True)
class DispatchRequest:
    """Audits that are to be asked for."""

    request_id: str
    """By which it is the same request, however often it comes: nobody is audited twice by it."""
    reason: str


def read_dispatch_request(payload: object, invocation_id: str) -> DispatchRequest:
    """Read an event of the bus, whose envelope may hold anything else, or a payload. Raises `RequestError`.

    `invocation` is what makes a payload without an id a request of its own.
    """
    if not isinstance(payload, Mapping):
        raise RequestError("the payload is no JSON object; {} asks for an audit of every project")
    if "detail-type" in payload:
        return _read_dispatch_event(payload)
    refuse_unknown_fields(payload, "the payload", ("request_id", "reason"))
    request_id = read_text_field(payload, "request_id", _MAX_ID_LENGTH)
    reason = read_text_field(payload, "reason") or ("invoked" if request_id is None else "scheduled")
    return DispatchRequest(request_id or invocation_id, reason)


def _read_dispatch_event(event: Mapping[object, object]) -> DispatchRequest:
    source_and_type = event.get("source"), event["detail-type"]
    if source_and_type != (SOURCE, AUDIT_REQUESTED):
        raise RequestError(
            f"the event {str(source_and_type)[:200]} asks for no audit; one that does is {(SOURCE, AUDIT_REQUESTED)}"
        )
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError("the event has no detail; {} asks for an audit of every project")
    refuse_unknown_fields(detail, "the event's detail", ("project", "reason", "request_id"))
    if detail.get("project") is not None:
        raise RequestError("the event names a project; it is for audit, and not for dispatch")
    request_id = read_text_field(detail, "request_id", _MAX_ID_LENGTH) or read_text_field(event, "id", _MAX_ID_LENGTH)
    if request_id is None:
        raise RequestError("the event has neither a request_id nor an id, so all could be audited twice; give it one")
    return DispatchRequest(request_id, read_text_field(detail, "reason") or "requested")


_REMEDIATION_EXAMPLES = '{"project": "search"} or {"project": "search", "plan": "5c0f…"}'
_REMEDIATION_EVENT = (SOURCE, str(EventType.AUDIT_COMPLETED))


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
        raise RequestError(f"the payload is no JSON object; one looks like {_REMEDIATION_EXAMPLES}")
    if "detail-type" in payload:
        source_and_type = payload.get("source"), payload["detail-type"]
        if source_and_type != _REMEDIATION_EVENT:
            raise RequestError(
                f"the event {str(source_and_type)[:200]} asks for no remediation; one that does is {_REMEDIATION_EVENT}"
            )
        return _read_remediation_event(payload)
    refuse_unknown_fields(payload, "the payload", ("project", "plan"))
    return RemediationRequest(_read_remediation_project(payload, "the payload"), read_text_field(payload, "plan"))


def _read_remediation_event(event: Mapping[object, object]) -> RemediationRequest:
    """Read an event. An audit whose event was put twice is told by two ids: its own is the same."""
    detail = event.get("detail")
    project = _read_remediation_project(detail, "the event's detail")
    request_id = read_text_field(detail, "audit_id") if isinstance(detail, Mapping) else None
    request_id = request_id or read_text_field(event, "id")
    if request_id is None:
        raise RequestError("the event has neither an audit_id nor an id, so it could be acted on twice; give it one")
    return RemediationRequest(project, request_id=request_id)


def _read_remediation_project(mapping: object, place: str) -> str:
    project = read_text_field(mapping, "project", 4000) if isinstance(mapping, Mapping) else None
    if project is None:
        raise RequestError(f'{place} names no project; it looks like {{"project": "search"}}')
    if is_key(project):
        raise RequestError(
            "project is a key of Pinecone; write the project's name, and make a new key: this one is out"
        )
    return project
