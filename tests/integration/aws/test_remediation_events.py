"""Test that the function `remediate` records and publishes every action, also after failures."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NoReturn

import pytest

from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.errors import DeliveryError, OutcomeUnknownError, StateError
from backup_auditor.ports.messaging import PutResult
from backup_auditor_simulator.web.faults import Fault
from support.aws.remediation import COMPLETED_EVENT, CREATED_DETAIL_TYPE, RemediationHarness, open_remediation_harness
from support.aws.single_project import make_resource_names

pytestmark = pytest.mark.writes


@pytest.fixture
def harness(
    aws_variables: Mapping[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[RemediationHarness]:
    """Build a project with two indexes without a schedule and a new application for each test."""
    with open_remediation_harness(
        {**aws_variables, **make_resource_names(request.node.name)}, monkeypatch, capsys
    ) as open_harness:
        yield open_harness


def raise_state_error(*_: object) -> NoReturn:
    """Raise the error of an unavailable table."""
    raise StateError("the table cannot be used: throttled; try again later")


def test_a_response_is_returned_if_events_cannot_be_published(
    harness: RemediationHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response has the error of publishing, and the next run publishes the actions."""
    with monkeypatch.context() as patch:
        patch.setattr(DynamoRemediationLog, "list_unpublished", raise_state_error)
        response = harness.run({"project": "search"})
    assert [(it["state"], it["undo"]["method"]) for it in response["results"]] == [("done", "DELETE")] * 2
    assert (response["unpublished"], harness.take_events()) == (
        "the table cannot be used: throttled; try again later",
        [],
    )
    assert "unpublished" not in harness.run({"project": "search"})
    assert sorted(it["detail"]["index"] for it in harness.take_events()) == ["carts", "orders"]


def test_unaccepted_events_are_published_by_the_retry(
    harness: RemediationHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retries publish the events until the bus accepts them, and repeat no action."""
    harness.put_policy("apply", max_creations=1)
    error = DeliveryError("the bus did not accept the events")
    with monkeypatch.context() as patch:
        patch.setattr(EventBus, "put", lambda _bus, events, _left, **_: PutResult(tuple(range(len(events))), error))
        for _ in range(2):
            with pytest.raises(DeliveryError):
                harness.run(COMPLETED_EVENT)
            assert harness.take_metrics()["DeliveryFailures"] == 1  # nothing repeats a direct invocation
    assert (len(harness.write_calls), harness.take_events()) == (1, [])
    harness.run(COMPLETED_EVENT)
    assert (len(harness.write_calls), [it["detail-type"] for it in harness.take_events()]) == (1, [CREATED_DETAIL_TYPE])
    harness.run(COMPLETED_EVENT)
    assert harness.take_events() == []


@pytest.mark.parametrize("call", ["record_result", "record_start"])
def test_a_run_that_cannot_record_is_retried(
    harness: RemediationHarness, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The retry reads the result, records it with the first actor, and publishes it."""
    with monkeypatch.context() as patch:
        patch.setattr(DynamoRemediationLog, call, raise_state_error)
        with pytest.raises(StateError):
            harness.run(COMPLETED_EVENT)
    assert (len(harness.write_calls) > 0, harness.take_events()) == (call == "record_result", [])
    harness.pinecone.project.advance(timedelta(minutes=1))
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert len(harness.write_calls) == 2
    details_by_index = {it["detail"]["index"]: it["detail"] for it in harness.take_events()}
    assert {it["id"] for it in details_by_index.values()} == set(harness.pinecone.project.schedules)


def test_a_run_with_an_unknown_outcome_is_retried(harness: RemediationHarness) -> None:
    """The retry reads the schedules, and repeats a creation only if it had no effect."""
    path = "/indexes/orders/backup-schedules"
    harness.pinecone.faults.append(Fault(kind="reset", method="POST", path=path, times=1))
    with pytest.raises(OutcomeUnknownError, match="create_schedule/orders"):
        harness.run(COMPLETED_EVENT)
    assert [it["detail"]["index"] for it in harness.take_events()] == ["carts"]
    harness.pinecone.project.advance(timedelta(minutes=1))
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert [it["detail"]["index"] for it in harness.take_events()] == ["orders"]


def test_a_read_error_is_reported(harness: RemediationHarness, caplog: pytest.LogCaptureFixture) -> None:
    """A read error counts as a failure, because actions may be missing, and is logged."""
    harness.pinecone.faults.append(Fault(method="GET", path="/indexes/orders/backup-schedules", status=403))
    assert harness.run({"project": "search"})["results"] == []
    assert "the plan leaves out what could not be read" in caplog.messages
    assert harness.take_metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}
