"""The same request is answered once, however often and from however many sides it comes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from backup_auditor.adapters.aws.idempotency import answer_once
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.errors import RequestError, StateError
from support.aws.moto import moto_served
from support.aws.single_project import Context, deploy, names_for
from support.fakes.project_audit import Lines

NAMES = names_for("idempotency")
TABLE = NAMES["STATE_TABLE"]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Make a table like the application's on loopback."""
    with moto_served() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        deploy(NAMES)
        yield AwsSession().dynamodb


class Work:
    """Something that is to be done once."""

    def __init__(self, client: Any, request_id: str, verb: str = "audit") -> None:
        """Count how often it is done."""
        self.client = client
        self.request_id = request_id
        self.verb = verb
        self.table = TABLE
        self.log = Lines()
        self.times = 0
        self.error: BaseException | None = None
        self.begun = Event()
        self.may_end = Event()
        self.may_end.set()

    def asked(self, context: Context | None = None) -> dict[str, object]:
        """Ask for it."""
        how: dict[str, Any] = {"verb": self.verb, "client": self.client, "table": self.table, "log": self.log}
        return answer_once(self.request_id, self._done, context=context or Context(), **how)

    def _done(self) -> dict[str, object]:
        self.times += 1
        self.begun.set()
        assert self.may_end.wait(10)
        if self.error is not None:
            raise self.error
        return {"times": self.times, "report": None}


def test_the_same_request_gets_the_same_answer(client: Any) -> None:
    """It is worked out the first time, for a day."""
    work = Work(client, "2026-11-22T02:00:00Z/search")
    assert work.asked() == work.asked() == {"times": 1, "report": None}
    items = client.query(
        TableName=TABLE,
        KeyConditionExpression="PK = :it",
        ExpressionAttributeValues={":it": {"S": "idempotency#audit"}},
    )["Items"]
    assert all(it["SK"]["S"].startswith("audit#") and "expires_at" in it for it in items)


def test_another_request_is_another_answer(client: Any) -> None:
    """Another night, another project."""
    assert [Work(client, f"another-{number}").asked()["times"] for number in range(3)] == [1, 1, 1]


def test_what_failed_is_worked_out_again(client: Any) -> None:
    """The error is the caller's own, and the second attempt may go well."""
    work = Work(client, "failed")
    work.error = StateError("the table is gone")
    with pytest.raises(StateError, match="the table is gone"):
        work.asked()
    work.error = None
    assert work.asked()["times"] == 2


def test_of_two_at_once_one_works_it_out(client: Any) -> None:
    """The other is told to ask again: the first may yet fail."""
    work = Work(client, "at-once")
    work.may_end.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work.asked)
        assert work.begun.wait(10)
        with pytest.raises(RequestError, match="the request at-once is being answered by another invocation"):
            work.asked(Context(aws_request_id="another"))
        work.may_end.set()
        assert first.result(10) == {"times": 1, "report": None}
    assert work.asked() == {"times": 1, "report": None}


def test_in_a_race_one_works_it_out(client: Any) -> None:
    """Whoever comes first, whatever the others hear."""
    work = Work(client, "race")
    line = Barrier(5)

    def ask(number: int) -> object:
        line.wait(10)
        try:
            return work.asked(Context(aws_request_id=f"request-{number}"))["times"]
        except RequestError:
            return None

    with ThreadPoolExecutor(5) as pool:
        told = set(pool.map(ask, range(5)))
    assert told <= {1, None}
    assert work.times == 1


def test_who_was_killed_counts_as_failed_once_its_time_is_over(client: Any) -> None:
    """Nobody hears of its end; when its function would have been stopped, another may begin."""
    work = Work(client, "killed")
    work.error = _KilledError()
    with pytest.raises(_KilledError):
        work.asked(Context(seconds=0))
    work.error = None
    assert work.asked(Context(aws_request_id="another"))["times"] == 2


def test_who_was_killed_is_followed_at_once_by_its_own_retry(client: Any) -> None:
    """Lambda tries again under the same id, minutes before the time of the first attempt is over, and only twice."""
    work = Work(client, "killed-early")
    work.error = _KilledError()
    with pytest.raises(_KilledError):
        work.asked()
    work.error = None
    with pytest.raises(RequestError, match="ask again once that has ended"):
        work.asked(Context(aws_request_id="another"))
    assert work.asked()["times"] == 2
    assert work.asked(Context(aws_request_id="another"))["times"] == 2


def test_a_table_that_cannot_be_asked_is_told_in_one_line(client: Any) -> None:
    """Nothing is worked out: it may have been before."""
    work = Work(client, "no-table")
    work.table = "gone"
    with pytest.raises(
        RequestError, match=r"^the request no-table: .* cannot be told: ResourceNotFoundException"
    ) as told:
        work.asked()
    assert told.value.__cause__ is None
    assert work.times == 0


def test_each_function_has_requests_of_its_own(client: Any) -> None:
    """The same id, asked of another, is another request."""
    works = [Work(client, "shared", verb) for verb in ("audit", "remediate")]
    assert [it.asked()["times"] for it in works] == [1, 1]
    items = client.query(
        TableName=TABLE,
        KeyConditionExpression="PK = :it",
        ExpressionAttributeValues={":it": {"S": "idempotency#remediate"}},
    )["Items"]
    assert [it["SK"]["S"].partition("#")[0] for it in items] == ["remediate"]


def test_what_is_answered_and_cannot_be_noted_is_the_answer(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To fail by then would have it worked out again at once; the log says that it may be, should it come again."""
    work = Work(client, "unnoted")

    def refused(**_: object) -> None:
        raise client.exceptions.ProvisionedThroughputExceededException({"Error": {"Code": "Throttled"}}, "UpdateItem")

    monkeypatch.setattr(client, "update_item", refused)
    assert work.asked() == {"times": 1, "report": None}
    ((level, line, extra),) = work.log.lines
    assert (level, extra["request"]) == ("error", "unnoted")
    assert "should it come again" in line


class _KilledError(BaseException):
    """Ends a process without another word."""
