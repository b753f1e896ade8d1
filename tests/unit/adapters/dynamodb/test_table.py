"""The table holds records beside the state, and errors name a table that cannot be used."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.chunks import HEAD_VERSION
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.domain.audit_failure import FailedAudit
from backup_auditor.domain.audit_record import AuditRecord, LastAudits, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import StateError
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import DAY, HOUR, NOW, build_backup, build_index, build_inventory
from support.builders.notifications import build_notice
from support.fakes.stores import PROJECT, record_and_load, record_change
from support.faults.aws_clients import (
    NthCallFault,
    inject_fault,
    make_client_error,
    make_raiser,
    make_timeout_error,
    make_unreachable_error,
    repeat_calls,
)

FIRST_STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW, complete_at=NOW)
STORED_REPORT = StoredReport("s3://reports/default/report.json", "5f" * 32)
AUDIT = AuditRecord("first", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=STORED_REPORT)
MESSAGE = OutboxMessage("1", PROJECT, "first", NOW, "sns:topic", Trigger.CHANGE, STORED_REPORT, None)
LEASE = timedelta(minutes=15)


def build_night_state() -> ProjectState:
    """Return the state after an audit, in several chunks."""
    sequence = AuditSequence()
    sequence.audit(build_inventory(build_index(backups=[build_backup(DAY)])))
    return sequence.state


def find_expiries(table: Any) -> list[int]:
    """Return the expiry of each item that has one."""
    return [int(it["expires_at"]["N"]) for it in table.items if "expires_at" in it]


def test_audit_records_expire_after_their_retention(table: Any) -> None:
    """Audit records never expire without a retention, and the state never expires."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE, audit=AUDIT)
    assert find_expiries(table) == []
    short_lived_store = DynamoState(table.client, table.name, retention=timedelta(days=400))
    record_change(
        short_lived_store,
        FIRST_STATE,
        replace(FIRST_STATE, revision=2, audit_id="second"),
        audit=replace(AUDIT, audit_id="second"),
    )
    assert find_expiries(table) == [int((NOW + timedelta(days=400)).timestamp())]


def test_accepted_messages_are_recorded(table: Any) -> None:
    """The record of an accepted message has its audit, channel and time."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE, messages=(MESSAGE,))
    table.outbox.mark_sent(MESSAGE, NOW + HOUR)
    (sent_item,) = [it for it in table.items if it["SK"]["S"].startswith("sent#")]
    assert sent_item["SK"]["S"] == "sent#2026-11-22T12:00:00.000000Z#sns:topic"
    assert sent_item["sent_at"]["S"] == "2026-11-22T13:00:00.000000Z"
    assert find_expiries(table) == [int((NOW + HOUR + timedelta(days=90)).timestamp())]


def test_the_last_audits_are_read_without_the_state(table: Any) -> None:
    """An incomplete audit does not change the time of the last complete one."""
    assert table.store.find_last_audits(PROJECT) == LastAudits(None, None)
    record_change(table.store, EMPTY_STATE, replace(FIRST_STATE, complete_at=None))
    assert table.store.find_last_audits(PROJECT) == LastAudits(NOW, None)
    second_state = replace(FIRST_STATE, revision=2, audit_id="second")
    record_change(table.store, FIRST_STATE, second_state)
    record_change(table.store, second_state, replace(second_state, revision=3, audit_id="third", observed_at=NOW + DAY))
    with inject_fault(table.client, NthCallFault(lambda: None, 99)) as calls:
        assert table.store.find_last_audits(PROJECT) == LastAudits(NOW + DAY, NOW)
    assert calls.call_count == 1


def test_the_state_of_a_newer_version_is_refused(table: Any) -> None:
    """A state of a newer version is neither loaded nor overwritten."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE)
    key = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": "head"}}
    version = {":newer": {"N": str(HEAD_VERSION + 1)}}
    table.client.update_item(
        TableName=table.name, Key=key, UpdateExpression="SET version = :newer", ExpressionAttributeValues=version
    )
    items_before = table.items
    message = rf"default: a newer backup-auditor wrote this state \(version {HEAD_VERSION + 1}\); update backup-auditor"
    with pytest.raises(StateError, match=message):
        table.store.load(PROJECT)
    with pytest.raises(StateError, match=message):
        record_change(table.store, FIRST_STATE, replace(FIRST_STATE, revision=2, audit_id="second"))
    assert table.items == items_before


def _delete_chunk(table: Any) -> None:
    key = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": min(table.chunks)}}
    table.client.delete_item(TableName=table.name, Key=key)


def _set_attribute(table: Any, sort_key: str, attribute: str, value: dict[str, Any]) -> None:
    key = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": sort_key}}
    values = {":value": value}
    names = {"#name": attribute}
    table.client.update_item(
        TableName=table.name,
        Key=key,
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_delete_chunk, id="a-chunk-is-missing"),
        pytest.param(
            lambda it: _set_attribute(it, min(it.chunks), "rows", {"B": b"nonsense"}), id="a-chunk-is-nonsense"
        ),
        pytest.param(lambda it: _set_attribute(it, min(it.chunks), "rows", {"S": "text"}), id="a-chunk-is-text"),
        pytest.param(lambda it: _set_attribute(it, "head", "chunks", {"B": b""}), id="the-head-lists-nothing"),
        pytest.param(lambda it: _set_attribute(it, "head", "observed_at", {"S": "yesterday"}), id="no-moment"),
    ],
)
def test_a_damaged_state_is_refused_and_not_changed(table: Any, damage: Any) -> None:
    """The error is one line that says what to do."""
    record_change(table.store, EMPTY_STATE, build_night_state())
    damage(table)
    items_before = table.items
    with pytest.raises(StateError, match=rf"the state in the table {table.name} is damaged") as error_info:
        table.store.load(PROJECT)
    assert str(error_info.value).endswith("restore the table to a point in time, or start with an empty table")
    assert "\n" not in str(error_info.value)
    assert table.items == items_before


def test_too_many_channels_are_refused(table: Any) -> None:
    """An audit with more than 97 messages records nothing."""
    messages = [replace(MESSAGE, message_id=f"{number}") for number in range(99)]
    with pytest.raises(StateError, match="default: 99 channels \\(limit: 97\\)"):
        record_change(table.store, EMPTY_STATE, FIRST_STATE, audit=AUDIT, messages=tuple(messages))
    assert table.store.load(PROJECT) == EMPTY_STATE
    record_change(table.store, EMPTY_STATE, FIRST_STATE, audit=AUDIT, messages=tuple(messages[:97]))
    assert len(table.outbox.list_pending(PROJECT, NOW)) == 97


@pytest.mark.parametrize(
    "error,expected_text",
    [
        pytest.param(make_unreachable_error, "Could not connect to the endpoint URL", id="unreachable"),
        pytest.param(make_timeout_error, "Read timeout on endpoint URL", id="unanswered"),
        pytest.param(
            lambda: make_client_error("ResourceNotFoundException"),
            "ResourceNotFoundException: no; check its name, the account and the region",
            id="no-such-table",
        ),
        pytest.param(
            lambda: make_client_error("AccessDeniedException"),
            "AccessDeniedException: no; allow the role to use it",
            id="forbidden",
        ),
    ],
)
def test_an_unusable_table_is_a_one_line_error(table: Any, error: Any, expected_text: str) -> None:
    """Every operation raises an error that names the table."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE, messages=(MESSAGE,))
    calls: list[Callable[[], object]] = [
        lambda: table.store.load(PROJECT),
        lambda: record_change(table.store, FIRST_STATE, replace(FIRST_STATE, revision=2)),
        lambda: table.store.list_audits(PROJECT, NOW),
        lambda: table.store.find_last_audits(PROJECT),
        lambda: table.watch_store.load_projects([PROJECT]),
        lambda: table.watch_store.ensure_registered(PROJECT, NOW),
        lambda: table.watch_store.record_failed_audit(PROJECT, FailedAudit(NOW, "403")),
        lambda: table.watch_store.record_notice(PROJECT, build_notice(), (), None),
        lambda: table.outbox.list_pending(None, NOW),
        lambda: table.outbox.claim(MESSAGE, NOW, NOW + LEASE),
        lambda: table.outbox.mark_sent(MESSAGE, NOW),
        lambda: table.outbox.mark_failed(MESSAGE, "why", NOW),
        lambda: table.outbox.load_progress(MESSAGE),
        lambda: table.outbox.record_progress(MESSAGE, "0-9"),
    ]
    with inject_fault(table.client, NthCallFault(make_raiser(error), 0, is_permanent=True)):
        for call in calls:
            with pytest.raises(StateError, match=rf"^the table {table.name} cannot be used: ") as error_info:
                call()
            assert expected_text in str(error_info.value)
            assert "\n" not in str(error_info.value)


def test_partial_batches_are_completed(table: Any) -> None:
    """The throttled rest of a batch is retried."""
    call_counts = Counter[str]()
    unprocessed_requests: list[Any] = []

    def shorten_request(params: dict[str, Any], model: Any, **_: object) -> None:
        table_requests = params["RequestItems"][table.name]
        is_read = model.name == "BatchGetItem"
        all_requests = [*(table_requests["Keys"] if is_read else table_requests)]
        first_half, second_half = all_requests[: -(-len(all_requests) // 2)], all_requests[-(-len(all_requests) // 2) :]
        call_counts[model.name] += len(second_half)
        unprocessed_requests.append(second_half)
        params["RequestItems"] = {table.name: {"Keys": first_half} if is_read else first_half}

    def return_unprocessed(parsed: dict[str, Any], model: Any, **_: object) -> None:
        if unprocessed_request := unprocessed_requests.pop():
            is_read = model.name == "BatchGetItem"
            name = "UnprocessedKeys" if is_read else "UnprocessedItems"
            parsed[name] = {table.name: {"Keys": unprocessed_request} if is_read else unprocessed_request}

    hooks: dict[str, Any] = {
        f"{event}.dynamodb.{operation}": hook
        for event, hook in (("provide-client-params", shorten_request), ("after-call", return_unprocessed))
        for operation in ("BatchGetItem", "BatchWriteItem")
    }
    for event, hook in hooks.items():
        table.client.meta.events.register(event, hook)
    try:
        assert record_and_load(table.store, EMPTY_STATE, build_night_state()) == build_night_state()
    finally:
        for event, hook in hooks.items():
            table.client.meta.events.unregister(event, hook)
    assert call_counts["BatchGetItem"] > 0
    assert call_counts["BatchWriteItem"] > 0


def test_throttling_on_every_attempt_is_an_error(table: Any) -> None:
    """Reads and writes raise an error after the last attempt."""
    record_change(table.store, EMPTY_STATE, build_night_state())

    def return_all_unprocessed(parsed: dict[str, Any], **_: object) -> None:
        parsed["Responses"] = {}
        parsed["UnprocessedKeys"] = {table.name: {"Keys": [{"PK": {"S": "a"}, "SK": {"S": "b"}}]}}

    table.client.meta.events.register("after-call.dynamodb.BatchGetItem", return_all_unprocessed)
    try:
        with pytest.raises(StateError, match="cannot be read: every attempt was throttled; try again later"):
            table.store.load(PROJECT)
    finally:
        table.client.meta.events.unregister("after-call.dynamodb.BatchGetItem", return_all_unprocessed)


def test_a_claim_after_a_lost_answer_is_recognized(table: Any) -> None:
    """The client's retry finds its own claim and accepts it."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE, messages=(MESSAGE,))
    with repeat_calls(table.client):
        claim = table.outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert claim is not None
        assert (claim.attempts, claim.is_possible_duplicate) == (1, False)


def test_release_and_removal_may_be_repeated(table: Any) -> None:
    """A repeated release or removal counts once."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE, messages=(MESSAGE,))
    outbox = table.outbox
    outbox.claim(MESSAGE, NOW, NOW + LEASE)
    with repeat_calls(table.client):
        assert outbox.mark_failed(MESSAGE, "throttled", NOW) == 1
    claim = outbox.claim(MESSAGE, NOW, NOW + LEASE)
    assert (claim.attempts, claim.is_possible_duplicate) == (2, False)
    with repeat_calls(table.client):
        outbox.mark_sent(MESSAGE, NOW)
    assert outbox.list_pending(None, NOW + DAY) == []


def test_a_message_that_another_claimed_is_not_released(table: Any) -> None:
    """A process cannot release the claim of another."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE, messages=(MESSAGE,))
    slow_outbox, quick_outbox = table.outbox, table.outbox
    slow_outbox.claim(MESSAGE, NOW, NOW + LEASE)
    quick_outbox.claim(MESSAGE, NOW + LEASE, NOW + 2 * LEASE)
    assert slow_outbox.mark_failed(MESSAGE, "no answer", NOW) == 2
    assert quick_outbox.list_pending(None, NOW + LEASE) == []
