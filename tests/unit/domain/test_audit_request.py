"""Test the requests of the function audit: an event of the bus, or a payload."""

from typing import Any

import pytest

from backup_auditor.domain.events import AuditRequest, read_audit_request
from backup_auditor.errors import RequestError


def build_event(detail: Any, **envelope: Any) -> dict[str, Any]:
    """Build an event as the bus delivers it."""
    defaults = {"version": "0", "id": "event-1", "source": "backup-auditor", "detail-type": "Backup Audit Requested"}
    return {**defaults, "account": "111122223333", "resources": [], "detail": detail, **envelope}


@pytest.mark.parametrize(
    "payload, expected_request",
    [
        pytest.param({}, AuditRequest(None), id="the-only-project"),
        pytest.param({"project": "search"}, AuditRequest("search"), id="project"),
        pytest.param({"project": None, "reason": None}, AuditRequest(None), id="nulls"),
        pytest.param({"project": "search", "reason": "after an incident"}, AuditRequest("search", "after an incident")),
        pytest.param(build_event({"project": "search"}), AuditRequest("search", None, "event-1"), id="event"),
        pytest.param(
            build_event({"project": "search", "reason": "nightly", "request_id": "2026-11-22T02:00:00Z/search"}),
            AuditRequest("search", "nightly", "2026-11-22T02:00:00Z/search"),
            id="event-of-dispatch",
        ),
    ],
)
def test_events_and_payloads_are_requests(payload: Any, expected_request: AuditRequest) -> None:
    """A repeated event is the same request by its request_id or id; each payload is a new request."""
    assert read_audit_request(payload) == expected_request


@pytest.mark.parametrize(
    "payload, message",
    [
        pytest.param(None, "not a JSON object", id="null"),
        pytest.param([{"project": "search"}], "not a JSON object", id="list"),
        pytest.param({"Records": []}, "unknown fields 'Records'; known fields: project, reason", id="another-service"),
        pytest.param({"request_id": "1"}, "unknown fields 'request_id'", id="payloads-are-always-new"),
        pytest.param({"project": 7}, "project must be a text", id="number"),
        pytest.param({"project": " "}, "project must be a text", id="blank"),
        pytest.param({"project": "x" * 1001}, "project must be a text", id="endless"),
        pytest.param({"project": "pcsk" + "_" + "x" * 20}, "project is a Pinecone key; write", id="key"),
        pytest.param({"reason": ["x"]}, "reason must be a text", id="reason"),
        pytest.param(build_event({}), "names no project; add one, or send the event to dispatch", id="no-project"),
        pytest.param(build_event({"project": True}), "project must be a text", id="true"),
        pytest.param(build_event(None), "no detail", id="no-detail"),
        pytest.param(
            build_event({"project": "search", "prio": 1}), "detail has unknown fields 'prio'", id="unknown-key"
        ),
        pytest.param(build_event({"project": "search"}, id=None), "neither request_id nor id", id="no-id"),
        pytest.param(build_event({"project": "search"}, source="aws.s3"), "does not request an audit", id="source"),
        pytest.param({"detail-type": "Backup Audit Completed"}, "does not request an audit", id="another-event"),
    ],
)
def test_any_other_payload_is_refused(payload: Any, message: str) -> None:
    """The error says what is wrong, and what is expected."""
    with pytest.raises(RequestError, match=message) as error_info:
        read_audit_request(payload)
    assert "x" * 20 not in str(error_info.value)
