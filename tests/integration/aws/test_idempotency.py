"""A request is answered once, however often and from wherever it comes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from backup_auditor.adapters.aws.idempotency import answer_once
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.errors import RequestError, StateError
from support.aws.moto import serve_moto
from support.aws.single_project import FakeLambdaContext, create_resources, make_resource_names
from support.fakes.log import FakeLog
from support.faults.aws_clients import KilledError

RESOURCE_NAMES = make_resource_names("idempotency")
TABLE = RESOURCE_NAMES["STATE_TABLE"]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Make a table like the application's on loopback."""
    with serve_moto() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        create_resources(RESOURCE_NAMES)
        yield AwsSession().dynamodb


class GuardedWork:
    """Something that is to be done once."""

    def __init__(self, client: Any, request_id: str, verb: str = "audit") -> None:
        """Count how often it is done."""
        self.client = client
        self.request_id = request_id
        self.verb = verb
        self.table = TABLE
        self.log = FakeLog()
        self.times = 0
        self.error: BaseException | None = None
        self.has_started = Event()
        self.may_finish = Event()
        self.may_finish.set()

    def run(self, context: FakeLambdaContext | None = None) -> dict[str, object]:
        """Ask for it."""
        options: dict[str, Any] = {"verb": self.verb, "client": self.client, "table": self.table, "log": self.log}
        return answer_once(self.request_id, self._work, context=context or FakeLambdaContext(), **options)

    def _work(self) -> dict[str, object]:
        self.times += 1
        self.has_started.set()
        assert self.may_finish.wait(10)
        if self.error is not None:
            raise self.error
        return {"times": self.times, "report": None}


def test_the_same_request_gets_the_same_answer(client: Any) -> None:
    """The answer is computed once and stored for a day."""
    work = GuardedWork(client, "2026-11-22T02:00:00Z/search")
    assert work.run() == work.run() == {"times": 1, "report": None}
    items = client.query(
        TableName=TABLE,
        KeyConditionExpression="PK = :it",
        ExpressionAttributeValues={":it": {"S": "idempotency#audit"}},
    )["Items"]
    assert all(it["SK"]["S"].startswith("audit#") and "expires_at" in it for it in items)


def test_another_request_is_another_answer(client: Any) -> None:
    """Another night or another project is another request."""
    assert [GuardedWork(client, f"another-{number}").run()["times"] for number in range(3)] == [1, 1, 1]


def test_a_failed_request_is_computed_again(client: Any) -> None:
    """The error is raised as it is, and a second attempt can succeed."""
    work = GuardedWork(client, "failed")
    work.error = StateError("the table is gone")
    with pytest.raises(StateError, match="the table is gone"):
        work.run()
    work.error = None
    assert work.run()["times"] == 2


def test_of_two_at_once_one_computes_the_answer(client: Any) -> None:
    """The other request fails with the advice to retry, because the first may fail."""
    work = GuardedWork(client, "at-once")
    work.may_finish.clear()
    with ThreadPoolExecutor(1) as pool:
        first_future = pool.submit(work.run)
        assert work.has_started.wait(10)
        with pytest.raises(RequestError, match="the request at-once is being answered by another invocation"):
            work.run(FakeLambdaContext(aws_request_id="another"))
        work.may_finish.set()
        assert first_future.result(10) == {"times": 1, "report": None}
    assert work.run() == {"times": 1, "report": None}


def test_in_a_race_one_computes_the_answer(client: Any) -> None:
    """Only the first of many concurrent requests computes the answer."""
    work = GuardedWork(client, "race")
    line = Barrier(5)

    def run_work(number: int) -> object:
        line.wait(10)
        try:
            return work.run(FakeLambdaContext(aws_request_id=f"request-{number}"))["times"]
        except RequestError:
            return None

    with ThreadPoolExecutor(5) as pool:
        answers = set(pool.map(run_work, range(5)))
    assert answers <= {1, None}
    assert work.times == 1


def test_a_stopped_invocation_counts_as_failed_after_its_timeout(client: Any) -> None:
    """After the timeout of the first function, another can start."""
    work = GuardedWork(client, "killed")
    work.error = KilledError()
    with pytest.raises(KilledError):
        work.run(FakeLambdaContext(remaining_seconds=0))
    work.error = None
    assert work.run(FakeLambdaContext(aws_request_id="another"))["times"] == 2


def test_a_stopped_invocation_can_retry_at_once(client: Any) -> None:
    """Lambda retries with the same id before the timeout of the first attempt, and only twice."""
    work = GuardedWork(client, "killed-early")
    work.error = KilledError()
    with pytest.raises(KilledError):
        work.run()
    work.error = None
    with pytest.raises(RequestError, match="retry when that has ended"):
        work.run(FakeLambdaContext(aws_request_id="another"))
    assert work.run()["times"] == 2
    assert work.run(FakeLambdaContext(aws_request_id="another"))["times"] == 2


def test_a_table_that_cannot_be_asked_is_reported_in_one_line(client: Any) -> None:
    """Without the table nothing is computed, because the request may be answered already."""
    work = GuardedWork(client, "no-table")
    work.table = "gone"
    with pytest.raises(
        RequestError, match=r"^the request no-table: unknown whether it was answered: ResourceNotFoundException"
    ) as error_info:
        work.run()
    assert error_info.value.__cause__ is None
    assert work.times == 0


def test_each_function_has_requests_of_its_own(client: Any) -> None:
    """The same id for another function is another request."""
    guarded_works = [GuardedWork(client, "shared", verb) for verb in ("audit", "remediate")]
    assert [it.run()["times"] for it in guarded_works] == [1, 1]
    items = client.query(
        TableName=TABLE,
        KeyConditionExpression="PK = :it",
        ExpressionAttributeValues={":it": {"S": "idempotency#remediate"}},
    )["Items"]
    assert [it["SK"]["S"].partition("#")[0] for it in items] == ["remediate"]


def test_an_answer_that_cannot_be_stored_is_returned(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log says that a repeated request would be answered again."""
    work = GuardedWork(client, "unnoted")

    def refuse_update(**_: object) -> None:
        raise client.exceptions.ProvisionedThroughputExceededException({"Error": {"Code": "Throttled"}}, "UpdateItem")

    monkeypatch.setattr(client, "update_item", refuse_update)
    assert work.run() == {"times": 1, "report": None}
    ((level, line, extra),) = work.log.lines
    assert (level, extra["request"]) == ("error", "unnoted")
    assert "a repeated request is computed again" in line
