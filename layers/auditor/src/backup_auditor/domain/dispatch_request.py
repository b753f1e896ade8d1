"""What `dispatch` is asked for: audits of all projects, by the schedule, an event on the bus, or whoever invokes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from backup_auditor.domain.audit_request import REQUESTED, SOURCE
from backup_auditor.domain.payload import refuse_unknown, text_in
from backup_auditor.errors import RequestError

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
        return _of_event(payload)
    refuse_unknown(payload, "the payload", ("request_id", "reason"))
    scheduled = text_in(payload, "request_id", _LONGEST_ID)
    reason = text_in(payload, "reason") or ("invoked" if scheduled is None else "scheduled")
    return DispatchRequest(scheduled or invocation, reason)


def _of_event(event: Mapping[object, object]) -> DispatchRequest:
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
