"""Test the requests that `drill` accepts and refuses, and those that it sends for each project."""

import json
from pathlib import Path

import pytest

from backup_auditor.application.requests import list_drilled_projects, request_drills
from backup_auditor.domain.events import QUEUE_ATTEMPTS, DrillRunRequest, QueueRecord, read_drill_request
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import DeliveryError, RequestError
from support.fakes.log import FakeLog
from support.fakes.project_drill import FakeDrillBus

EVENTS = Path(__file__).parents[4] / "events"
EVENT = {"source": "backup-auditor", "detail-type": "Backup Restore Drill Requested", "id": "e1"}
SCHEDULED = DrillRunRequest(None, "2026-11-02T09:15:00Z", is_direct=True)


@pytest.mark.parametrize(
    "case, request_",
    [
        ("scheduled", SCHEDULED),
        ("sweep", DrillRunRequest(None, "invocation", is_sweep=True, is_direct=True)),
        ("project", DrillRunRequest("search", "invocation", is_direct=True)),
        ("index", DrillRunRequest("search", "invocation", index="orders", is_direct=True)),
        ("requested", DrillRunRequest("search", "2026-11-02T09:15:00Z/search")),
    ],
)
def test_the_samples_are_requests(case: str, request_: DrillRunRequest) -> None:
    """The request id is that of the schedule or of the event, or else the id of the invocation."""
    assert read_drill_request(json.loads((EVENTS / f"drill.{case}.json").read_text()), "invocation") == request_


@pytest.mark.parametrize("attempt, is_final", [(1, False), (QUEUE_ATTEMPTS, True)])
def test_a_queued_request_is_repeated(attempt: int, *, is_final: bool) -> None:
    """A request of a queue has the same id in each attempt, and its last attempt is final."""
    record = QueueRecord("message", "{}", attempt)
    assert read_drill_request({}, "invocation", record) == DrillRunRequest(None, "message", is_final=is_final)
    event = {**EVENT, "detail": {"project": "search", "sweep": True}}
    request = read_drill_request(event, "invocation", record)
    assert request == DrillRunRequest("search", "e1", is_sweep=True, is_final=is_final)


@pytest.mark.parametrize(
    "payload, reason",
    [
        pytest.param([], "the payload is not a JSON object", id="list"),
        pytest.param({"project": ""}, "project must be a text", id="empty-name"),
        pytest.param({"project": "a", "plan": "x"}, "unknown fields 'plan'", id="unknown-field"),
        pytest.param({"index": "orders"}, "index and backup need a project", id="index-of-no-project"),
        pytest.param({"project": "a", "index": "b", "backup": "c"}, "exclude each other", id="two-targets"),
        pytest.param({"project": "a", "index": "b", "sweep": True}, "exclude each other and sweep", id="swept-index"),
        pytest.param({"sweep": "yes"}, "sweep must be true or false", id="sweep-as-text"),
        pytest.param({**EVENT, "detail": None}, "the event has no detail", id="no-detail"),
        pytest.param({**EVENT, "detail": {}}, "names no project", id="event-without-project"),
        pytest.param(
            {**EVENT, "detail": {"project": "a", "index": "b"}}, "unknown fields 'index'", id="index-in-event"
        ),
        pytest.param({**EVENT, "detail-type": "Object Created"}, "does not request a restore drill", id="other-event"),
        pytest.param({**EVENT, "id": None, "detail": {"project": "a"}}, "neither request_id nor id", id="no-id"),
    ],
)
def test_anything_else_is_refused(payload: object, reason: str) -> None:
    """A request of another shape is refused in one line that says what was expected."""
    with pytest.raises(RequestError, match=reason):
        read_drill_request(payload, "invocation")


def test_only_projects_with_a_key_are_drilled() -> None:
    """A project without a key for restore drills has none, and an invalid entry is logged."""
    projects = (RegisteredProject("a", "s/a", drill_secret="d/a"), RegisteredProject("b", "s/b"))  # noqa: S106  the name of a secret
    log = FakeLog()
    registry = Registry(projects, (EntryError("c", 5, "the project c has no secret; add it"),), "s3://x/registry.yaml")
    assert list_drilled_projects(registry, log) == ["a"]
    assert log.get_messages("error") == ["s3://x/registry.yaml:5: the project c has no secret; add it"]


def test_a_run_of_all_is_one_request_for_each() -> None:
    """Each project gets a request whose id is the same when the schedule fires twice."""
    bus = FakeDrillBus()
    assert request_drills(SCHEDULED, ["a", "b"], bus, FakeLog(), lambda: 60) == {"requested": 2}
    assert [it.detail for it in bus.events] == [
        {"project": "a", "request_id": "2026-11-02T09:15:00Z/a"},
        {"project": "b", "request_id": "2026-11-02T09:15:00Z/b"},
    ]
    for event in bus.events:
        envelope = {**EVENT, "detail-type": event.detail_type, "detail": event.detail}
        assert read_drill_request(envelope, "invocation").request_id == event.detail["request_id"]


def test_a_sweep_is_one_request_for_each_project_in_progress() -> None:
    """A sweep requests sweeps, and nothing if no drill is in progress."""
    bus, sweep = FakeDrillBus(), DrillRunRequest(None, "r", is_sweep=True)
    assert request_drills(sweep, [], bus, FakeLog(), lambda: 60) == {"requested": 0}
    assert bus.events == []
    request_drills(sweep, ["a"], bus, FakeLog(), lambda: 60)
    assert [it.detail for it in bus.events] == [{"project": "a", "sweep": True}]


def test_a_bus_that_accepts_nothing_is_an_error() -> None:
    """The error is raised, so that the request is repeated."""
    with pytest.raises(DeliveryError):
        request_drills(SCHEDULED, ["a"], FakeDrillBus(error=DeliveryError("out")), FakeLog(), lambda: 60)
