"""Test the records of a queue, and which attempt at a request each is."""

from typing import Any

import pytest

from backup_auditor.domain.events import QUEUE_ATTEMPTS, QueueRecord, read_audit_request, read_records
from backup_auditor.errors import RequestError


def build_record(body: str = "{}", attempt: object = "1") -> dict[str, Any]:
    """Build a record as Lambda passes it to a function."""
    return {
        "messageId": "message-1",
        "body": body,
        "attributes": {"ApproximateReceiveCount": attempt, "SentTimestamp": "1795399204000"},
        "eventSource": "aws:sqs",
    }


@pytest.mark.parametrize("payload", [None, [], {}, {"project": "search"}, {"detail-type": "Any"}], ids=repr)
def test_a_payload_has_no_records(payload: Any) -> None:
    """Any other payload is a request itself."""
    assert read_records(payload) is None


def test_each_record_has_its_id_body_and_attempt() -> None:
    """The receive count of a message is the number of the attempt."""
    assert read_records({"Records": [build_record('{"project": "search"}', "3")]}) == (
        QueueRecord("message-1", '{"project": "search"}', 3),
    )


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([], id="none"),
        pytest.param(None, id="null"),
        pytest.param([{"messageId": "message-1"}], id="no-body"),
        pytest.param([{"Sns": {"Message": "{}"}}], id="of-a-topic"),
        pytest.param([build_record(attempt="many")], id="no-number"),
    ],
)
def test_other_records_are_refused(records: Any) -> None:
    """The error names a sample."""
    with pytest.raises(RequestError, match=r"no records of an SQS queue; see events/audit\.queued\.json"):
        read_records({"Records": records})


def test_a_body_is_a_payload() -> None:
    """The body of a message is parsed as JSON."""
    assert QueueRecord("message-1", '{"project": "search"}', 1).parse() == {"project": "search"}


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000], ids=["empty", "cut", "deep"])
def test_a_body_that_is_not_json_is_refused(body: str) -> None:
    """The error names the message."""
    with pytest.raises(RequestError, match="the message message-1 is not JSON"):
        QueueRecord("message-1", body, 1).parse()


@pytest.mark.parametrize(
    "attempt, is_final", [(1, False), (QUEUE_ATTEMPTS - 1, False), (QUEUE_ATTEMPTS, True), (QUEUE_ATTEMPTS + 1, True)]
)
def test_the_last_attempt_is_final(attempt: int, is_final: bool) -> None:
    """Nothing repeats the last attempt of a queue, and a request knows whether it is the last."""
    record = QueueRecord("message-1", "{}", attempt)
    assert record.is_final is is_final
    assert read_audit_request(record.parse(), is_final=record.is_final).is_final is is_final
