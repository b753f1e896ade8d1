"""After any fault, a recording is stored completely with its messages, or not at all."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.chunks import decode_head
from backup_auditor.domain.audit_record import AuditRecord, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import ConflictingRecordError, StateError
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import DAY, NOW, build_backup, build_index, build_inventory, build_schedule
from support.fakes.stores import PROJECT, record_change
from support.faults.aws_clients import (
    KilledError,
    NthCallFault,
    inject_fault,
    make_client_error,
    make_raiser,
    make_timeout_error,
    make_unreachable_error,
    repeat_calls,
)

STORED_REPORT = StoredReport("s3://reports/default/report.json", "5f" * 32)
MAX_CALLS = 40
"""More calls than a recording makes."""


def build_three_states() -> tuple[ProjectState, ProjectState, ProjectState]:
    """Return the states after one, two and three audits; every kind of row changes each time."""
    sequence = AuditSequence()
    states = []
    for inventory in (
        build_inventory(build_index(backups=[build_backup(DAY)], deletion_protection=True)),
        build_inventory(build_index(schedules=[build_schedule(enabled=False)], deletion_protection=False)),
        build_inventory(),
    ):
        sequence.audit(inventory)
        states.append(sequence.state)
    first_state, second_state, third_state = states
    return first_state, second_state, third_state


FIRST_STATE, SECOND_STATE, THIRD_STATE = build_three_states()


def build_audit_record(state: ProjectState) -> AuditRecord:
    """Return the record of the audit that recorded a state."""
    assert state.audit_id is not None
    assert state.observed_at is not None
    return AuditRecord(
        state.audit_id, state.observed_at, is_complete=True, compliance=Compliance.COMPLIANT, report=STORED_REPORT
    )


def build_message(state: ProjectState) -> OutboxMessage:
    """Return the message of the audit that recorded a state."""
    audit = build_audit_record(state)
    return OutboxMessage(
        f"of-{audit.audit_id}", PROJECT, audit.audit_id, audit.observed_at, "events", Trigger.AUDIT, STORED_REPORT, None
    )


def record_audit(table: Any, previous: ProjectState, current: ProjectState) -> None:
    """Record an audit with its message."""
    record_change(table.store, previous, current, audit=build_audit_record(current), messages=(build_message(current),))


def record_both(table: Any) -> None:
    """Record the second and the third state."""
    record_audit(table, FIRST_STATE, SECOND_STATE)
    record_audit(table, SECOND_STATE, THIRD_STATE)


def load_checked_state(table: Any) -> ProjectState:
    """Load the state, and check that audit records and messages belong to it."""
    state: ProjectState = table.store.load(PROJECT)
    known_states = [it for it in (FIRST_STATE, SECOND_STATE, THIRD_STATE) if it.revision <= state.revision]
    assert state == (known_states[-1] if known_states else EMPTY_STATE)
    assert table.store.list_audits(PROJECT, NOW - DAY) == [build_audit_record(it) for it in known_states]
    assert {it.message_id for it in table.outbox.list_pending(None, NOW + DAY)} == {
        build_message(it).message_id for it in known_states
    }
    return state


def make_server_error() -> BaseException:
    """Return the error of a failure of AWS."""
    return make_client_error("InternalServerError", 500)


def make_denied_error() -> BaseException:
    """Return the error of a missing permission."""
    return make_client_error("AccessDeniedException")


@pytest.mark.parametrize(
    "error,after_effect,is_permanent",
    [
        pytest.param(make_unreachable_error, False, False, id="unreachable-once"),
        pytest.param(make_unreachable_error, False, True, id="unreachable-always"),
        pytest.param(make_server_error, False, False, id="failing-once"),
        pytest.param(make_server_error, True, True, id="done-and-failing-always"),
        pytest.param(make_denied_error, False, False, id="refused-once"),
        pytest.param(KilledError, False, False, id="killed-before"),
        pytest.param(KilledError, True, False, id="killed-after"),
        pytest.param(make_timeout_error, True, False, id="unanswered-once"),
        pytest.param(make_timeout_error, True, True, id="unanswered-always"),
    ],
)
def test_a_recording_is_stored_completely_or_not_at_all(
    table: Any, error: Callable[[], BaseException], *, after_effect: bool, is_permanent: bool
) -> None:
    """A fault before or after any call leaves a complete recording or none, and success is never reported falsely."""
    record_audit(table, EMPTY_STATE, FIRST_STATE)
    for call_number in range(MAX_CALLS):
        state_before = load_checked_state(table)
        assert state_before == FIRST_STATE
        fault = NthCallFault(make_raiser(error), call_number, is_permanent=is_permanent)
        is_reported_recorded = False
        with inject_fault(table.client, fault, after=after_effect), suppress(StateError, KilledError):
            record_audit(table, FIRST_STATE, SECOND_STATE)
            is_reported_recorded = True
        state = load_checked_state(table)
        if is_reported_recorded:
            assert state == SECOND_STATE
        if fault.call_count <= call_number:
            break
        if state == SECOND_STATE:
            record_audit(table, SECOND_STATE, THIRD_STATE)
            assert load_checked_state(table) == THIRD_STATE
            assert table.chunks == list_named_chunks(table)
            delete_everything(table)
            record_audit(table, EMPTY_STATE, FIRST_STATE)
    else:
        raise AssertionError("it makes more calls than were tried")


def delete_everything(table: Any) -> None:
    """Delete all items."""
    for item in table.items:
        table.client.delete_item(TableName=table.name, Key={it: item[it] for it in ("PK", "SK")})


def list_named_chunks(table: Any) -> frozenset[str]:
    """Return the chunks that the head lists."""
    (head,) = [it for it in table.items if it["SK"]["S"] == "head"]
    return decode_head(PROJECT, head).all_chunk_names


def test_a_repeated_transaction_changes_nothing_more(table: Any) -> None:
    """A retry after a lost answer fails on its own head and counts as success."""
    with repeat_calls(table.client):
        record_audit(table, EMPTY_STATE, FIRST_STATE)
        record_audit(table, FIRST_STATE, SECOND_STATE)
    assert load_checked_state(table) == SECOND_STATE
    assert table.chunks == list_named_chunks(table)


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_of_two_that_record_at_once_one_wins(table: Any, *, after_effect: bool) -> None:
    """If another recording interrupts at any call, one of the two wins, and the other leaves nothing that counts."""
    record_audit(table, EMPTY_STATE, FIRST_STATE)
    other_state = replace(SECOND_STATE, audit_id="other", findings={})
    for call_number in range(MAX_CALLS):
        outcomes: list[str] = []

        def record_other(outcomes: list[str] = outcomes) -> None:
            try:
                record_change(table.store, FIRST_STATE, other_state)
                outcomes.append("other")
            except ConflictingRecordError:
                outcomes.append("none")

        fault = NthCallFault(record_other, call_number)
        with inject_fault(table.client, fault, after=after_effect):
            try:
                record_audit(table, FIRST_STATE, SECOND_STATE)
                outcomes.append("this")
            except ConflictingRecordError:
                outcomes.append("none")
        if fault.call_count <= call_number:
            break
        assert sorted(outcomes) in (["none", "other"], ["none", "this"])
        winner = SECOND_STATE if "this" in outcomes else other_state
        assert table.store.load(PROJECT) == winner
        assert [it.audit_id for it in table.store.list_audits(PROJECT, NOW + DAY / 2)] == (
            [SECOND_STATE.audit_id] if winner is SECOND_STATE else []
        )
        record_change(table.store, winner, THIRD_STATE)
        assert table.store.load(PROJECT) == THIRD_STATE
        assert table.chunks == list_named_chunks(table)
        delete_everything(table)
        record_audit(table, EMPTY_STATE, FIRST_STATE)
    else:
        raise AssertionError("it makes more calls than were tried")


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_read_during_a_recording_is_consistent(table: Any, *, after_effect: bool) -> None:
    """A chunk that was deleted during a read is not damage: the read restarts."""
    for call_number in range(MAX_CALLS):
        record_audit(table, EMPTY_STATE, FIRST_STATE)
        fault = NthCallFault(partial(record_both, table), call_number)
        with inject_fault(table.client, fault, after=after_effect):
            assert table.store.load(PROJECT) in (FIRST_STATE, THIRD_STATE)
        delete_everything(table)
        if fault.call_count <= call_number:
            break
    else:
        raise AssertionError("it makes more calls than were tried")


def test_a_late_sweep_deletes_nothing_that_was_recorded_since(table: Any) -> None:
    """Two later recordings do not lose a chunk to the cleanup of an earlier one."""
    record_audit(table, EMPTY_STATE, FIRST_STATE)
    fault = NthCallFault(lambda: record_audit(table, SECOND_STATE, THIRD_STATE), 0, operation="Query")
    with inject_fault(table.client, fault):
        record_audit(table, FIRST_STATE, SECOND_STATE)
    assert fault.call_count == 1
    assert load_checked_state(table) == THIRD_STATE


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_conflict_is_retried(table: Any, code: str) -> None:
    """A transaction that conflicted with another one is retried, because no audit was recorded in between."""
    cancelled_error = make_client_error(
        "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": code}]
    )
    with inject_fault(
        table.client, NthCallFault(make_raiser(lambda: cancelled_error), 0, operation="TransactWriteItems")
    ):
        record_audit(table, EMPTY_STATE, FIRST_STATE)
    assert load_checked_state(table) == FIRST_STATE


def test_a_recording_that_was_overtaken_before_its_answer_is_a_conflict(table: Any) -> None:
    """The audit is evaluated again on the later state, and its messages stay in the outbox."""
    record_audit(table, EMPTY_STATE, FIRST_STATE)

    def record_meanwhile() -> None:
        record_audit(table, SECOND_STATE, THIRD_STATE)
        raise make_timeout_error()

    with (
        inject_fault(table.client, NthCallFault(record_meanwhile, 0, operation="TransactWriteItems"), after=True),
        pytest.raises(ConflictingRecordError),
    ):
        record_audit(table, FIRST_STATE, SECOND_STATE)
    assert load_checked_state(table) == THIRD_STATE
