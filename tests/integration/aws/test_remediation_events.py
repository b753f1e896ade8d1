"""Whatever keeps the function `remediate` from recording or telling what it did, it is recorded and told in the end."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NoReturn

import pytest

from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.errors import DeliveryError, OutcomeUnknownError, StateError
from backup_auditor.ports.messaging import PutResult
from backup_auditor_simulator.web.faults import Fault
from support.aws.remediation import COMPLETED, CREATED, Stage, staged
from support.aws.single_project import names_for

pytestmark = pytest.mark.writes


@pytest.fixture
def stage(
    served: Mapping[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Stage]:
    """Build one project with two indexes without a schedule, and an application of its own for each test."""
    with staged({**served, **names_for(request.node.name)}, monkeypatch, capsys) as found:
        yield found


def unusable(*_: object) -> NoReturn:
    """Stand for a table that cannot be used."""
    raise StateError("the table cannot be used: throttled; try again later")


def test_whoever_asks_is_answered_though_nobody_can_be_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says why the bus has not heard of it, and the next run tells of what that one has done."""
    with monkeypatch.context() as patch:
        patch.setattr(DynamoRemediationLog, "list_unpublished", unusable)
        answer = stage.run({"project": "search"})
    assert [(it["state"], it["undo"]["method"]) for it in answer["results"]] == [("done", "DELETE")] * 2
    assert (answer["untold"], stage.events()) == ("the table cannot be used: throttled; try again later", [])
    assert "untold" not in stage.run({"project": "search"})
    assert sorted(it["detail"]["index"] for it in stage.events()) == ["carts", "orders"]


def test_what_the_bus_does_not_take_is_told_when_the_event_comes_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as it takes, and nothing is done once more for that, though there is more to do."""
    stage.policy("apply", max_creations=1)
    error = DeliveryError("the bus did not take it")
    with monkeypatch.context() as patch:
        patch.setattr(EventBus, "put", lambda _bus, events, _left: PutResult(tuple(range(len(events))), error))
        for _ in range(2):
            with pytest.raises(DeliveryError):
                stage.run(COMPLETED)
            assert stage.metrics()["DeliveryFailures"] == 1
    assert (len(stage.writes), stage.events()) == (1, [])
    stage.run(COMPLETED)
    assert (len(stage.writes), [it["detail-type"] for it in stage.events()]) == (1, [CREATED])
    stage.run(COMPLETED)
    assert stage.events() == []


@pytest.mark.parametrize("call", ["record_result", "record_start"])
def test_a_run_that_could_not_record_what_it_did_comes_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """It is read then what came of it, recorded in the name of who did it, and told."""
    with monkeypatch.context() as patch:
        patch.setattr(DynamoRemediationLog, call, unusable)
        with pytest.raises(StateError):
            stage.run(COMPLETED)
    assert (len(stage.writes) > 0, stage.events()) == (call == "record_result", [])
    stage.pinecone.project.advance(timedelta(minutes=1))
    stage.run(COMPLETED)
    assert stage.schedules() == ["carts", "orders"]
    assert len(stage.writes) == 2
    told = {it["detail"]["index"]: it["detail"] for it in stage.events()}
    assert {it["id"] for it in told.values()} == set(stage.pinecone.project.schedules)


def test_a_run_that_does_not_know_what_it_did_comes_again(stage: Stage) -> None:
    """A creation of which nothing is known is looked for by the next try, which makes it where it is not there."""
    path = "/indexes/orders/backup-schedules"
    stage.pinecone.faults.append(Fault(kind="reset", method="POST", path=path, times=1))
    with pytest.raises(OutcomeUnknownError, match="create_schedule/orders"):
        stage.run(COMPLETED)
    assert [it["detail"]["index"] for it in stage.events()] == ["carts"]
    stage.pinecone.project.advance(timedelta(minutes=1))
    stage.run(COMPLETED)
    assert stage.schedules() == ["carts", "orders"]
    assert [it["detail"]["index"] for it in stage.events()] == ["orders"]


def test_what_cannot_be_read_is_told_of(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is planned by it, so something may stay undone: that counts as a failure, and the log says what it is."""
    stage.pinecone.faults.append(Fault(method="GET", path="/indexes/orders/backup-schedules", status=403))
    assert stage.run({"project": "search"})["results"] == []
    assert "nothing is planned by what could not be read" in caplog.messages
    assert stage.metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}
