"""Test that the response to a repeated request is computed once."""

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
    """Create a table like that of the application on loopback."""
    with serve_moto() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        create_resources(RESOURCE_NAMES)
        yield AwsSession().dynamodb


class GuardedWork:
    """Work that must be done once, with a counter."""

    def __init__(self, client: Any, request_id: str, verb: str = "audit") -> None:
        """Start with a count of zero."""
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
        """Request the work, and return the response."""
        options: dict[str, Any] = {"verb": self.verb, "client": self.client, "table": self.table, "log": self.log}
        return answer_once(self.request_id, self._work, context=context or FakeLambdaContext(), **options)

    def _work(self) -> dict[str, object]:
        self.times += 1
        self.has_started.set()
        assert self.may_finish.wait(10)
        if self.error is not None:
            raise self.error
        return {"times": self.times, "report": None}


def test_a_repeated_request_gets_the_same_response(client: Any) -> None:
    """The response is computed once and stored with an expiry."""
    work = GuardedWork(client, "2026-11-22T02:00:00Z/search")
    assert work.run() == work.run() == {"times": 1, "report": None}
    items = client.query(
        TableName=TABLE,
        KeyConditionExpression="PK = :it",
        ExpressionAttributeValues={":it": {"S": "idempotency#audit"}},
    )["Items"]
    assert all(it["SK"]["S"].startswith("audit#") and "expires_at" in it for it in items)


def test_another_request_gets_another_response(client: Any) -> None:
    """The response to each request id is computed."""
    assert [GuardedWork(client, f"another-{number}").run()["times"] for number in range(3)] == [1, 1, 1]


def test_a_failed_request_is_computed_again(client: Any) -> None:
    """The error is raised unchanged, and a second attempt can succeed."""
    work = GuardedWork(client, "failed")
    work.error = StateError("the table is gone")
    with pytest.raises(StateError, match="the table is gone"):
        work.run()
    work.error = None
    assert work.run()["times"] == 2


def test_a_concurrent_request_is_refused(client: Any) -> None:
    """The second request fails while the first is running, and gets the first response afterwards."""
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


def test_only_one_of_many_concurrent_requests_computes_the_response(client: Any) -> None:
    """Five concurrent requests compute the response once."""
    work = GuardedWork(client, "race")
    barrier = Barrier(5)

    def run_work(number: int) -> object:
        barrier.wait(10)
        try:
            return work.run(FakeLambdaContext(aws_request_id=f"request-{number}"))["times"]
        except RequestError:
            return None

    with ThreadPoolExecutor(5) as pool:
        answers = set(pool.map(run_work, range(5)))
    assert answers <= {1, None}
    assert work.times == 1


def test_a_stopped_invocation_counts_as_failed_after_its_timeout(client: Any) -> None:
    """Another invocation can start after the timeout of the stopped one."""
    work = GuardedWork(client, "killed")
    work.error = KilledError()
    with pytest.raises(KilledError):
        work.run(FakeLambdaContext(remaining_seconds=0))
    work.error = None
    assert work.run(FakeLambdaContext(aws_request_id="another"))["times"] == 2


def test_a_stopped_invocation_can_be_retried_immediately(client: Any) -> None:
    """A retry with the same request id starts before the timeout of the stopped attempt, as Lambda's retries do."""
    work = GuardedWork(client, "killed-early")
    work.error = KilledError()
    with pytest.raises(KilledError):
        work.run()
    work.error = None
    with pytest.raises(RequestError, match="retry when that has ended"):
        work.run(FakeLambdaContext(aws_request_id="another"))
    assert work.run()["times"] == 2
    assert work.run(FakeLambdaContext(aws_request_id="another"))["times"] == 2


def test_an_unavailable_table_is_reported_in_one_line(client: Any) -> None:
    """Without the table nothing is computed, because a response may exist."""
    work = GuardedWork(client, "no-table")
    work.table = "missing"
    with pytest.raises(
        RequestError, match=r"^the request no-table: unknown whether it was answered: ResourceNotFoundException"
    ) as error_info:
        work.run()
    assert error_info.value.__cause__ is None
    assert work.times == 0


def test_each_function_has_its_own_requests(client: Any) -> None:
    """The same request id for another function is another request."""
    guarded_works = [GuardedWork(client, "shared", verb) for verb in ("audit", "remediate")]
    assert [it.run()["times"] for it in guarded_works] == [1, 1]
    items = client.query(
        TableName=TABLE,
        KeyConditionExpression="PK = :it",
        ExpressionAttributeValues={":it": {"S": "idempotency#remediate"}},
    )["Items"]
    assert [it["SK"]["S"].partition("#")[0] for it in items] == ["remediate"]


def test_a_response_that_cannot_be_stored_is_returned(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log states that a repeated request is computed again."""
    work = GuardedWork(client, "unstored")

    def refuse_update(**_: object) -> None:
        raise client.exceptions.ProvisionedThroughputExceededException({"Error": {"Code": "Throttled"}}, "UpdateItem")

    monkeypatch.setattr(client, "update_item", refuse_update)
    assert work.run() == {"times": 1, "report": None}
    ((level, line, extra),) = work.log.lines
    assert (level, extra["request"]) == ("error", "unstored")
    assert "a repeated request is computed again" in line
