"""The events and requests of the functions: their types, and the parsers of their payloads and queue records."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.identifiers import is_key
from backup_auditor.domain.timefmt import parse_moment
from backup_auditor.errors import RequestError


class EventType(StrEnum):
    """The values of `detail-type`, in the order in which the events of an audit are sent."""

    AUDIT_COMPLETED = "Backup Audit Completed"
    FINDING_OPENED = "Backup Finding Opened"
    FINDING_REOPENED = "Backup Finding Reopened"
    FINDING_RESOLVED = "Backup Finding Resolved"
    AUDIT_FAILED = "Backup Audit Failed"
    """Sent without an audit."""
    PROJECT_UNREGISTERED = "Backup Project Unregistered"
    """Sent without an audit."""


SOURCE = "backup-auditor"
AUDIT_REQUESTED = "Backup Audit Requested"
DRILL_REQUESTED = "Backup Restore Drill Requested"
_MAX_TEXT_LENGTH = 1000
_KEY_ERROR = "project is a Pinecone key; write the name of the project, and replace this key: it has been disclosed"


def _refuse_unknown_fields(mapping: Mapping[object, object], place: str, known_fields: tuple[str, ...]) -> None:
    unknown_fields = sorted(str(it)[:80] for it in mapping if it not in known_fields)
    if unknown_fields:
        raise RequestError(
            f"{place} has unknown fields {', '.join(map(repr, unknown_fields[:5]))}; known fields:"
            f" {', '.join(known_fields)}"
        )


def _read_text(mapping: Mapping[object, object], key: str, max_length: int = _MAX_TEXT_LENGTH) -> str | None:
    value = mapping.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > max_length:
        raise RequestError(f"{key} must be a text of 1 to {max_length} characters; correct or remove it")
    return value


def _require_object(value: object, message: str) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise RequestError(message)
    return value


def _check_event(event: Mapping[object, object], event_type: str, purpose: str) -> None:
    source_and_type = event.get("source"), event["detail-type"]
    if source_and_type != (SOURCE, event_type):
        raise RequestError(
            f"the event {str(source_and_type)[:200]} does not request {purpose}; expected: {(SOURCE, event_type)}"
        )


def _read_audit_detail(event: Mapping[object, object], hint: str) -> Mapping[object, object]:
    _check_event(event, AUDIT_REQUESTED, "an audit")
    detail = _require_object(event.get("detail"), f"the event has no detail; {hint}")
    _refuse_unknown_fields(detail, "the event's detail", ("project", "reason", "request_id"))
    return detail


def _read_request_id(
    event: Mapping[object, object], detail: Mapping[object, object], key: str, effect: str, max_length: int
) -> str:
    """Return the id of a request; `effect` is what a repeated delivery without an id would do."""
    request_id = _read_text(detail, key, max_length) or _read_text(event, "id", max_length)
    if request_id is None:
        raise RequestError(
            f"the event has neither {key} nor id, so a repeated delivery would {effect}; add one of them"
        )
    return request_id


def _read_project(mapping: Mapping[object, object], max_length: int = _MAX_TEXT_LENGTH) -> str | None:
    """Return the project of a request. Its name is part of every log line, so it may not be a key."""
    project = _read_text(mapping, "project", max_length)
    if project is not None and is_key(project):
        raise RequestError(_KEY_ERROR)
    return project


QUEUE_ATTEMPTS = 14
"""How often a queue sends a request before the request becomes a dead letter; `maxReceiveCount` in the template."""


REQUEST_RETENTION = timedelta(days=1)
"""How long the answer to a request is known: within it, a repeated request is not answered a second time."""


_SCHEDULED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
"""A time as EventBridge Scheduler writes it."""


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """One record of a queue: a request, and which attempt at it this is."""

    record_id: str
    """The id of the message, the same in each attempt."""
    body: str
    """The payload as JSON."""
    attempt: int
    """1 for the first attempt."""

    @property
    def is_final(self) -> bool:
        """Whether the queue does not send the request again if this attempt fails."""
        return self.attempt >= QUEUE_ATTEMPTS

    def parse(self) -> object:
        """Return the payload. Raises `RequestError`."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RequestError(
                f"the message {self.record_id} is not JSON; send the payload of a request as its body"
            ) from None


def read_records(event: object) -> tuple[QueueRecord, ...] | None:
    """Return the records of an event of a queue; `None` for a payload. Raises `RequestError`."""
    if not isinstance(event, Mapping) or "Records" not in event:
        return None
    try:
        records = tuple(
            QueueRecord(it["messageId"], it["body"], int(it["attributes"]["ApproximateReceiveCount"]))
            for it in event["Records"]
        )
    except (KeyError, TypeError, ValueError):
        records = ()
    if not records:
        raise RequestError("the event has no records of an SQS queue; see events/audit.queued.json for an example")
    return records


def find_scheduled_time(request_id: str | None) -> datetime | None:
    """Return the scheduled time of the night that a request belongs to; `None` for any other request.

    The schedule gives its time as the id of the request, and `dispatch` appends the name of the project.
    """
    text = (request_id or "").partition("/")[0]
    if _SCHEDULED_TIME.fullmatch(text) is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:  # a day that does not exist
        return None


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """A request to audit one project."""

    project: str | None
    """`None` for the only registered project."""
    reason: str | None = None
    """The reason of the request, for the log."""
    request_id: str | None = None
    """The id of the request, the same in each delivery; `None` if each delivery is a new request."""
    is_final: bool = True
    """Whether nothing repeats the request if this attempt fails."""


def read_audit_request(payload: object, *, is_final: bool = True) -> AuditRequest:
    """Parse an event of the bus, which may have further fields, or a payload. Raises `RequestError`."""
    hint = 'example: {"project": "search"}'
    fields = _require_object(payload, f"the payload is not a JSON object; {hint}")
    if "detail-type" not in fields:
        _refuse_unknown_fields(fields, "the payload", ("project", "reason"))
        return AuditRequest(_read_project(fields), _read_text(fields, "reason"), is_final=is_final)
    detail = _read_audit_detail(fields, hint)
    project = _read_project(detail)
    if project is None:
        raise RequestError(
            "the event names no project; add one, or send the event to dispatch, which requests an audit of each"
        )
    request_id = _read_request_id(fields, detail, "request_id", "audit twice", _MAX_TEXT_LENGTH)
    return AuditRequest(project, _read_text(detail, "reason"), request_id, is_final)


def is_check_request(payload: object) -> bool:
    """Return whether a payload requests the checks of a function: it is exactly `{"check": true}`."""
    return isinstance(payload, Mapping) and payload.keys() == {"check"} and payload["check"] is True


def is_test_request(payload: object) -> bool:
    """Return whether a payload requests the checks, and a test message to each channel."""
    return (
        isinstance(payload, Mapping)
        and payload.keys() == {"check", "send_test"}
        and payload["check"] is True
        and payload["send_test"] is True
    )


_DELIVERY_EXAMPLES = 'examples: {"project": "search"} or {"sweep": true}'


def read_delivery_request(payload: object) -> str | None:
    """Return the project whose messages are to be delivered; `None` for all projects. Raises `RequestError`.

    An event may have further fields. A payload may not, so that no mistake delivers the messages of all projects.
    """
    fields = _require_object(payload, f"the payload is not a JSON object; {_DELIVERY_EXAMPLES}")
    if "detail-type" in fields:
        _check_event(fields, str(EventType.AUDIT_COMPLETED), "a delivery")
        return _read_delivery_project(fields.get("detail"), "the event's detail")
    if fields.keys() == {"sweep"} and fields["sweep"] is True:
        return None
    if fields.keys() != {"project"}:
        raise RequestError(f"the payload is not a known request; {_DELIVERY_EXAMPLES}")
    return _read_delivery_project(fields, "the payload")


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
    hint = "{} requests an audit of every project"
    fields = _require_object(payload, f"the payload is not a JSON object; {hint}")
    if "detail-type" not in fields:
        _refuse_unknown_fields(fields, "the payload", ("request_id", "reason"))
        payload_id = _read_text(fields, "request_id", _MAX_ID_LENGTH)
        reason = _read_text(fields, "reason") or ("invoked" if payload_id is None else "scheduled")
        return DispatchRequest(payload_id or invocation_id, reason)
    detail = _read_audit_detail(fields, hint)
    if detail.get("project") is not None:
        raise RequestError("the event names a project; send it to audit instead of dispatch")
    request_id = _read_request_id(fields, detail, "request_id", "audit all twice", _MAX_ID_LENGTH)
    return DispatchRequest(request_id, _read_text(detail, "reason") or "requested")


@dataclass(frozen=True, slots=True)
class RemediationRequest:
    """A request to remediate one project."""

    project: str
    plan_id: str | None = None
    """The id of an earlier plan; `None` to make a plan now."""
    request_id: str | None = None
    """The id of the request, the same in each delivery; `None` if each delivery is a new request."""
    is_final: bool = True
    """Whether nothing repeats the request if this attempt fails."""
    is_audit_complete: bool = False
    """Whether the audit that requests it read everything."""

    @property
    def retries_incomplete(self) -> bool:
        """Whether a read error is probably an outage, so that another attempt can read more."""
        return self.is_audit_complete and not self.is_final


def read_remediation_request(payload: object, *, is_final: bool = True) -> RemediationRequest:
    """Parse an event of the bus, which may have further fields, or a payload. Raises `RequestError`.

    If the event of an audit was sent twice, its ids differ, but the audit id is the same.
    """
    hint = 'examples: {"project": "search"} or {"project": "search", "plan": "5c0f…"}'
    fields = _require_object(payload, f"the payload is not a JSON object; {hint}")
    if "detail-type" not in fields:
        _refuse_unknown_fields(fields, "the payload", ("project", "plan"))
        project, plan_id = _require_project(fields, "the payload"), _read_text(fields, "plan")
        return RemediationRequest(project, plan_id, is_final=is_final)
    _check_event(fields, str(EventType.AUDIT_COMPLETED), "a remediation")
    detail = fields.get("detail")
    known_detail = detail if isinstance(detail, Mapping) else {}
    project = _require_project(known_detail, "the event's detail")
    request_id = _read_request_id(fields, known_detail, "audit_id", "act twice", _MAX_TEXT_LENGTH)
    is_audit_complete = known_detail.get("complete") is True
    return RemediationRequest(project, None, request_id, is_final, is_audit_complete)


@dataclass(frozen=True, slots=True)
class DrillRunRequest:
    """A request to run the restore drills of one project or of all, or to continue those in progress."""

    project: str | None
    """`None` for all projects."""
    request_id: str
    """The id of the request, the same in each delivery. A request that is delivered twice starts its drills once."""
    is_sweep: bool = False
    """Whether only drills in progress are continued."""
    index: str | None = None
    """The index to drill, whether it is due or not."""
    backup_id: str | None = None
    """The backup to drill, whether its index is due or not."""
    is_direct: bool = False
    """Whether the caller gets the answer, so that nothing repeats the request."""
    is_final: bool = True
    """Whether nothing repeats the request if this attempt fails."""


_DRILL_EXAMPLES = 'examples: {"project": "search"}, {"project": "search", "index": "orders"} or {"sweep": true}'


def read_drill_request(payload: object, invocation_id: str, record: QueueRecord | None = None) -> DrillRunRequest:
    """Parse an event of the bus, which may have further fields, or a payload. Raises `RequestError`.

    A payload from a queue has the id of its record, and one without a queue that of its invocation. Only a payload can
    name an index or a backup: an event can be delivered twice, and a drill of an index that is not due would be too.
    """
    fields = _require_object(payload, f"the payload is not a JSON object; {_DRILL_EXAMPLES}")
    is_final = record is None or record.is_final
    if "detail-type" in fields:
        _check_event(fields, DRILL_REQUESTED, "a restore drill")
        detail = _require_object(fields.get("detail"), f"the event has no detail; {_DRILL_EXAMPLES}")
        _refuse_unknown_fields(detail, "the event's detail", ("project", "sweep", "reason", "request_id"))
        project = _require_project(detail, "the event's detail")
        request_id = _read_request_id(fields, detail, "request_id", "drill twice", _MAX_TEXT_LENGTH)
        return DrillRunRequest(project, request_id, _read_sweep(detail), is_final=is_final)
    _refuse_unknown_fields(fields, "the payload", ("project", "index", "backup", "sweep", "request_id"))
    request = DrillRunRequest(
        project=_read_project(fields),
        request_id=_read_text(fields, "request_id") or (invocation_id if record is None else record.record_id),
        is_sweep=_read_sweep(fields),
        index=_read_text(fields, "index"),
        backup_id=_read_text(fields, "backup"),
        is_direct=record is None,
        is_final=is_final,
    )
    targets = [it for it in (request.index, request.backup_id) if it is not None]
    if targets and (request.project is None or request.is_sweep or len(targets) > 1):
        raise RequestError(f"index and backup need a project, and exclude each other and sweep; {_DRILL_EXAMPLES}")
    return request


def _read_sweep(mapping: Mapping[object, object]) -> bool:
    value = mapping.get("sweep", False)
    if not isinstance(value, bool):
        raise RequestError("sweep must be true or false; correct or remove it")
    return value


def _require_project(mapping: Mapping[object, object], place: str) -> str:
    project = _read_project(mapping, 4000)
    if project is None:
        raise RequestError(f'{place} names no project; example: {{"project": "search"}}')
    return project
