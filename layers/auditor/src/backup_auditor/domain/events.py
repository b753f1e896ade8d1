"""The events and requests of the functions: their types, and the parsers of their payloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from backup_auditor.domain.identifiers import is_key
from backup_auditor.errors import RequestError


class EventType(StrEnum):
    """The values of `detail-type`, in the order in which the events of an audit are sent."""

    AUDIT_COMPLETED = "Backup Audit Completed"
    FINDING_OPENED = "Backup Finding Opened"
    FINDING_REOPENED = "Backup Finding Reopened"
    FINDING_RESOLVED = "Backup Finding Resolved"


MAX_TEXT_LENGTH = 1000
_KEY_ERROR = "project is a Pinecone key; write the name of the project, and replace this key: it has been disclosed"


def refuse_unknown_fields(mapping: Mapping[object, object], place: str, known_fields: tuple[str, ...]) -> None:
    """Raise `RequestError` if a mapping has an unknown field."""
    unknown_fields = sorted(str(it)[:80] for it in mapping if it not in known_fields)
    if unknown_fields:
        raise RequestError(
            f"{place} has unknown fields {', '.join(map(repr, unknown_fields[:5]))}; known fields:"
            f" {', '.join(known_fields)}"
        )


def read_text_field(mapping: Mapping[object, object], key: str, max_length: int = MAX_TEXT_LENGTH) -> str | None:
    """Return the text of a field; `None` if it is missing or null. Raises `RequestError`."""
    value = mapping.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > max_length:
        raise RequestError(f"{key} must be a text of 1 to {max_length} characters; correct or remove it")
    return value


SOURCE = "backup-auditor"
AUDIT_REQUESTED = "Backup Audit Requested"


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """A request to audit one project."""

    project: str | None
    """`None` for the only registered project."""
    reason: str | None = None
    """The reason of the request, for the log."""
    request_id: str | None = None
    """The id of the request, the same in each delivery; `None` if each delivery is a new request."""


def read_audit_request(payload: object) -> AuditRequest:
    """Parse an event of the bus, or a payload. The envelope of an event may have any further field.

    Raises `RequestError`.
    """
    if not isinstance(payload, Mapping):
        raise RequestError('the payload is not a JSON object; example: {"project": "search"}')
    if "detail-type" in payload:
        return _read_audit_event(payload)
    refuse_unknown_fields(payload, "the payload", ("project", "reason"))
    return AuditRequest(_read_audit_project(payload), read_text_field(payload, "reason"))


def _read_audit_event(event: Mapping[object, object]) -> AuditRequest:
    source_and_type = event.get("source"), event["detail-type"]
    if source_and_type != (SOURCE, AUDIT_REQUESTED):
        raise RequestError(
            f"the event {str(source_and_type)[:200]} does not request an audit; expected: {(SOURCE, AUDIT_REQUESTED)}"
        )
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError('the event has no detail; example: {"project": "search"}')
    refuse_unknown_fields(detail, "the event's detail", ("project", "reason", "request_id"))
    project = _read_audit_project(detail)
    if project is None:
        raise RequestError(
            "the event names no project; add one, or send the event to dispatch, which requests an audit of each"
        )
    request_id = read_text_field(detail, "request_id") or read_text_field(event, "id")
    if request_id is None:
        raise RequestError(
            "the event has neither request_id nor id, so a repeated delivery would audit twice; add one of them"
        )
    return AuditRequest(project, read_text_field(detail, "reason"), request_id)


def _read_audit_project(mapping: Mapping[object, object]) -> str | None:
    """Return the project of a request. Its name is part of every log line, so it may not be a key."""
    project = read_text_field(mapping, "project")
    if project is not None and is_key(project):
        raise RequestError(_KEY_ERROR)
    return project


_DELIVERY_EXAMPLES = '{"project": "search"} or {"sweep": true}'
_DELIVERY_EVENT = (SOURCE, str(EventType.AUDIT_COMPLETED))


def read_delivery_request(payload: object) -> str | None:
    """Return the project whose messages are to be delivered; `None` for all projects. Raises `RequestError`.

    An event may have further fields. A payload may not, so that no mistake delivers the messages of all projects.
    """
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is not a JSON object; examples: {_DELIVERY_EXAMPLES}")
    if "detail-type" in payload:
        source_and_type = payload.get("source"), payload["detail-type"]
        if source_and_type != _DELIVERY_EVENT:
            raise RequestError(
                f"the event {str(source_and_type)[:200]} does not request a delivery; expected: {_DELIVERY_EVENT}"
            )
        return _read_delivery_project(payload.get("detail"), "the event's detail")
    if payload.keys() == {"sweep"} and payload["sweep"] is True:
        return None
    if payload.keys() != {"project"}:
        raise RequestError(f"the payload is not a known request; examples: {_DELIVERY_EXAMPLES}")
    return _read_delivery_project(payload, "the payload")


def _read_delivery_project(mapping: object, place: str) -> str:
    project = mapping.get("project") if isinstance(mapping, Mapping) else None
    if not isinstance(project, str) or not project.strip():
        raise RequestError(f'{place} names no project; example: {{"project": "search"}}')
    return project


_MAX_ID_LENGTH = 500
"""The most characters of a request id. It leaves space for the name of a project."""


@dataclass(frozen=True, slots=True)
class DispatchRequest:
    """A request to audit every project."""

    request_id: str
    """The id of the request. A request that is delivered twice audits each project once."""
    reason: str


def read_dispatch_request(payload: object, invocation_id: str) -> DispatchRequest:
    """Parse an event of the bus, or a payload. The envelope of an event may have any further field.

    `invocation_id` is the id of a payload without one. Raises `RequestError`.
    """
    if not isinstance(payload, Mapping):
        raise RequestError("the payload is not a JSON object; {} requests an audit of every project")
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
            f"the event {str(source_and_type)[:200]} does not request an audit; expected: {(SOURCE, AUDIT_REQUESTED)}"
        )
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise RequestError("the event has no detail; {} requests an audit of every project")
    refuse_unknown_fields(detail, "the event's detail", ("project", "reason", "request_id"))
    if detail.get("project") is not None:
        raise RequestError("the event names a project; send it to audit instead of dispatch")
    request_id = read_text_field(detail, "request_id", _MAX_ID_LENGTH) or read_text_field(event, "id", _MAX_ID_LENGTH)
    if request_id is None:
        raise RequestError(
            "the event has neither request_id nor id, so a repeated delivery would audit all twice; add one of them"
        )
    return DispatchRequest(request_id, read_text_field(detail, "reason") or "requested")


_REMEDIATION_EXAMPLES = '{"project": "search"} or {"project": "search", "plan": "5c0f…"}'
_REMEDIATION_EVENT = (SOURCE, str(EventType.AUDIT_COMPLETED))


@dataclass(frozen=True, slots=True)
class RemediationRequest:
    """A request to remediate one project."""

    project: str
    plan_id: str | None = None
    """The id of an earlier plan; `None` to make a plan now."""
    request_id: str | None = None
    """The id of the request, the same in each delivery; `None` if each delivery is a new request."""


def read_remediation_request(payload: object) -> RemediationRequest:
    """Parse an event of the bus, which may have further fields, or a payload. Raises `RequestError`."""
    if not isinstance(payload, Mapping):
        raise RequestError(f"the payload is not a JSON object; examples: {_REMEDIATION_EXAMPLES}")
    if "detail-type" in payload:
        source_and_type = payload.get("source"), payload["detail-type"]
        if source_and_type != _REMEDIATION_EVENT:
            raise RequestError(
                f"the event {str(source_and_type)[:200]} does not request a remediation; expected: {_REMEDIATION_EVENT}"
            )
        return _read_remediation_event(payload)
    refuse_unknown_fields(payload, "the payload", ("project", "plan"))
    return RemediationRequest(_read_remediation_project(payload, "the payload"), read_text_field(payload, "plan"))


def _read_remediation_event(event: Mapping[object, object]) -> RemediationRequest:
    """Parse an event. If the event of an audit was sent twice, its ids differ, but the audit id is the same."""
    detail = event.get("detail")
    project = _read_remediation_project(detail, "the event's detail")
    request_id = read_text_field(detail, "audit_id") if isinstance(detail, Mapping) else None
    request_id = request_id or read_text_field(event, "id")
    if request_id is None:
        raise RequestError(
            "the event has neither audit_id nor id, so a repeated delivery would act twice; add one of them"
        )
    return RemediationRequest(project, request_id=request_id)


def _read_remediation_project(mapping: object, place: str) -> str:
    project = read_text_field(mapping, "project", 4000) if isinstance(mapping, Mapping) else None
    if project is None:
        raise RequestError(f'{place} names no project; example: {{"project": "search"}}')
    if is_key(project):
        raise RequestError(_KEY_ERROR)
    return project
