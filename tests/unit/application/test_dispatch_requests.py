"""The requests that `dispatch` accepts and refuses."""

import json
from pathlib import Path

import pytest

from backup_auditor.domain.events import DispatchRequest, read_dispatch_request
from backup_auditor.errors import RequestError

EVENTS = Path(__file__).parents[3] / "events"
EVENT = {"source": "backup-auditor", "detail-type": "Backup Audit Requested", "id": "e1", "detail": {}}


@pytest.mark.parametrize(
    "case,request_id,reason",
    [
        pytest.param("scheduled", "2026-11-22T02:00:00Z", "scheduled", id="schedule"),
        pytest.param("requested", "b7a1d6a2-51f0-4f43-8f0a-2d5e1c9a7f10", "after an incident", id="event"),
        pytest.param("direct", "invocation", "after an incident", id="invoked"),
    ],
)
def test_the_samples_are_requests(case: str, request_id: str, reason: str) -> None:
    """The request id is the schedule's time, the event's id, or else the id of the invocation."""
    payload = json.loads((EVENTS / f"dispatch.{case}.json").read_text())
    assert read_dispatch_request(payload, "invocation") == DispatchRequest(request_id, reason)


def test_nothing_asks_for_everything() -> None:
    """An empty payload is a request of its own each time."""
    assert read_dispatch_request({}, "invocation") == DispatchRequest("invocation", "invoked")


def test_a_request_id_of_the_event_comes_before_its_own() -> None:
    """An event can have its own request id, and a project of null counts as absent."""
    event = EVENT | {"detail": {"project": None, "request_id": "r1"}, "whatever": "else"}
    assert read_dispatch_request(event, "invocation") == DispatchRequest("r1", "requested")


@pytest.mark.parametrize(
    "payload,reason",
    [
        pytest.param(None, "the payload is not a JSON object", id="null"),
        pytest.param([], "the payload is not a JSON object", id="list"),
        pytest.param(
            {"project": "a"}, "the payload has unknown fields 'project'; known fields: request_id, reason", id="project"
        ),
        pytest.param({"request_id": 7}, "request_id must be a text of 1 to 500 characters", id="number"),
        pytest.param({"request_id": "x" * 501}, "request_id must be a text of 1 to 500 characters", id="too-long"),
        pytest.param({"reason": " "}, "reason must be a text", id="blank-reason"),
        pytest.param(EVENT | {"source": "aws.s3"}, "does not request an audit", id="other-source"),
        pytest.param(EVENT | {"detail-type": "Object Created"}, "does not request an audit", id="other-event"),
        pytest.param(EVENT | {"detail": None}, "the event has no detail", id="no-detail"),
        pytest.param(EVENT | {"detail": {"project": "a"}}, "the event names a project; send it to audit", id="one"),
        pytest.param(EVENT | {"detail": {"x": 1}}, "the event's detail has unknown fields 'x'", id="unknown-field"),
        pytest.param(EVENT | {"id": None}, "has neither request_id nor id", id="no-id"),
    ],
)
def test_anything_else_is_refused(payload: object, reason: str) -> None:
    """A payload of another shape is refused in one line that says what was expected."""
    with pytest.raises(RequestError) as error_info:
        read_dispatch_request(payload, "invocation")
    assert reason in str(error_info.value)
    assert "\n" not in str(error_info.value)


def test_the_longest_request_leaves_room_for_the_longest_name() -> None:
    """An id of 500 characters is taken."""
    assert read_dispatch_request({"request_id": "x" * 500}, "invocation").request_id == "x" * 500
