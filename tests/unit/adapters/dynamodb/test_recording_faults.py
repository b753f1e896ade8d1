"""Whatever goes wrong while an audit is recorded: it is there wholly, with its messages, or not at all."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.head import decode_head
from backup_auditor.domain.audit_record import AuditRecord, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import ConflictingRecordError, StateError
from support.builders.audit_sequence import Nights
from support.builders.facts import DAY, NOW, backup, index, inventory, schedule
from support.fakes.stores import PROJECT, recorded
from support.faults.aws_clients import KilledError, Strike, raising, refusal, struck, twice, unanswered, unreachable

KEPT = StoredReport("s3://reports/default/report.json", "5f" * 32)
MANY = 40
"""More calls than a recording makes."""


def two_nights() -> tuple[ProjectState, ProjectState, ProjectState]:
    """Return what is remembered after one night, two, and three: every kind changes each time."""
    nights = Nights()
    found = []
    for told in (
        inventory(index(backups=[backup(DAY)], deletion_protection=True)),
        inventory(index(schedules=[schedule(enabled=False)], deletion_protection=False)),
        inventory(),
    ):
        nights.audited(told)
        found.append(nights.memory)
    first, second, third = found
    return first, second, third


FIRST, SECOND, THIRD = two_nights()


def audit_of(memory: ProjectState) -> AuditRecord:
    """Return the record of the audit that a memory was last changed by."""
    assert memory.audit_id is not None
    assert memory.observed_at is not None
    return AuditRecord(
        memory.audit_id, memory.observed_at, is_complete=True, compliance=Compliance.COMPLIANT, report=KEPT
    )


def message_of(memory: ProjectState) -> OutboxMessage:
    """Return the message that such an audit causes."""
    audit = audit_of(memory)
    return OutboxMessage(
        f"of-{audit.audit_id}", PROJECT, audit.audit_id, audit.observed_at, "events", Trigger.AUDIT, KEPT, None
    )


def record(table: Any, before: ProjectState, after: ProjectState) -> None:
    """Record an audit with its message."""
    recorded(table.store, before, after, audit=audit_of(after), messages=(message_of(after),))


def both(table: Any) -> None:
    """Record the second night and the third."""
    record(table, FIRST, SECOND)
    record(table, SECOND, THIRD)


def remembered(table: Any) -> ProjectState:
    """Load what is remembered, and see that record and messages are those of it, and no others."""
    memory: ProjectState = table.store.load(PROJECT)
    known = [it for it in (FIRST, SECOND, THIRD) if it.revision <= memory.revision]
    assert memory == (known[-1] if known else EMPTY_STATE)
    assert table.store.list_audits(PROJECT, NOW - DAY) == [audit_of(it) for it in known]
    assert {it.message_id for it in table.outbox.list_pending(None, NOW + DAY)} == {
        message_of(it).message_id for it in known
    }
    return memory


def failing_server() -> BaseException:
    """Return what is raised where AWS fails itself."""
    return refusal("InternalServerError", 500)


def refused() -> BaseException:
    """Return what is raised where a role may not do it."""
    return refusal("AccessDeniedException")


@pytest.mark.parametrize(
    "error,after,until_end",
    [
        pytest.param(unreachable, False, False, id="unreachable-once"),
        pytest.param(unreachable, False, True, id="unreachable-always"),
        pytest.param(failing_server, False, False, id="failing-once"),
        pytest.param(failing_server, True, True, id="done-and-failing-always"),
        pytest.param(refused, False, False, id="refused-once"),
        pytest.param(KilledError, False, False, id="killed-before"),
        pytest.param(KilledError, True, False, id="killed-after"),
        pytest.param(unanswered, True, False, id="unanswered-once"),
        pytest.param(unanswered, True, True, id="unanswered-always"),
    ],
)
def test_a_recording_is_there_wholly_or_not_at_all(
    table: Any, error: Callable[[], BaseException], *, after: bool, until_end: bool
) -> None:
    """At whichever call, before or after its effect; what is said of it is never better than it is."""
    record(table, EMPTY_STATE, FIRST)
    for at in range(MANY):
        before = remembered(table)
        assert before == FIRST
        strike = Strike(raising(error), at, until_end=until_end)
        is_said_recorded = False
        with struck(table.client, strike, after=after), suppress(StateError, KilledError):
            record(table, FIRST, SECOND)
            is_said_recorded = True
        memory = remembered(table)
        if is_said_recorded:
            assert memory == SECOND
        if strike.calls <= at:
            break
        if memory == SECOND:
            record(table, SECOND, THIRD)
            assert remembered(table) == THIRD
            assert table.chunks == chunks_named(table)
            forget(table)
            record(table, EMPTY_STATE, FIRST)
    else:
        raise AssertionError("it makes more calls than were tried")


def forget(table: Any) -> None:
    """Take everything away."""
    for item in table.items:
        table.client.delete_item(TableName=table.name, Key={it: item[it] for it in ("PK", "SK")})


def chunks_named(table: Any) -> frozenset[str]:
    """Return the chunks that the head names."""
    (head,) = [it for it in table.items if it["SK"]["S"] == "head"]
    return decode_head(PROJECT, head).all_chunk_names


def test_a_call_that_had_its_effect_and_is_sent_again_changes_nothing_more(table: Any) -> None:
    """As the client does by itself where an answer was lost: the transaction fails on its own head, and is done."""
    with twice(table.client):
        record(table, EMPTY_STATE, FIRST)
        record(table, FIRST, SECOND)
    assert remembered(table) == SECOND
    assert table.chunks == chunks_named(table)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_of_two_that_record_at_once_one_wins(table: Any, *, after: bool) -> None:
    """At whichever call of the one the other comes in between; the loser leaves nothing that counts."""
    record(table, EMPTY_STATE, FIRST)
    other = replace(SECOND, audit_id="other", findings={})
    for at in range(MANY):
        outcomes: list[str] = []

        def quicker(outcomes: list[str] = outcomes) -> None:
            try:
                recorded(table.store, FIRST, other)
                outcomes.append("other")
            except ConflictingRecordError:
                outcomes.append("none")

        strike = Strike(quicker, at)
        with struck(table.client, strike, after=after):
            try:
                record(table, FIRST, SECOND)
                outcomes.append("this")
            except ConflictingRecordError:
                outcomes.append("none")
        if strike.calls <= at:
            break
        assert sorted(outcomes) in (["none", "other"], ["none", "this"])
        winner = SECOND if "this" in outcomes else other
        assert table.store.load(PROJECT) == winner
        assert [it.audit_id for it in table.store.list_audits(PROJECT, NOW + DAY / 2)] == (
            [SECOND.audit_id] if winner is SECOND else []
        )
        recorded(table.store, winner, THIRD)
        assert table.store.load(PROJECT) == THIRD
        assert table.chunks == chunks_named(table)
        forget(table)
        record(table, EMPTY_STATE, FIRST)
    else:
        raise AssertionError("it makes more calls than were tried")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_is_recorded_while_another_reads_is_read_wholly_or_not_at_all(table: Any, *, after: bool) -> None:
    """A chunk that was swept away meanwhile is no damage."""
    for at in range(MANY):
        record(table, EMPTY_STATE, FIRST)
        strike = Strike(partial(both, table), at)
        with struck(table.client, strike, after=after):
            assert table.store.load(PROJECT) in (FIRST, THIRD)
        forget(table)
        if strike.calls <= at:
            break
    else:
        raise AssertionError("it makes more calls than were tried")


def test_whoever_sweeps_late_takes_nothing_that_was_recorded_since(table: Any) -> None:
    """Two more audits are recorded before it looks for what is left of earlier ones."""
    record(table, EMPTY_STATE, FIRST)
    strike = Strike(lambda: record(table, SECOND, THIRD), 0, operation="Query")
    with struck(table.client, strike):
        record(table, FIRST, SECOND)
    assert strike.calls == 1
    assert remembered(table) == THIRD


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_that_was_in_the_way_of_another_is_tried_again(table: Any, code: str) -> None:
    """Nothing says that this audit was overtaken."""
    cancelled = refusal("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": code}])
    with struck(table.client, Strike(raising(lambda: cancelled), 0, operation="TransactWriteItems")):
        record(table, EMPTY_STATE, FIRST)
    assert remembered(table) == FIRST


def test_an_audit_that_was_recorded_and_overtaken_before_anybody_heard_is_a_conflict(table: Any) -> None:
    """It is judged anew, and finds what came after it; what it told is told all the same."""
    record(table, EMPTY_STATE, FIRST)

    def lost() -> None:
        record(table, SECOND, THIRD)
        raise unanswered()

    with (
        struck(table.client, Strike(lost, 0, operation="TransactWriteItems"), after=True),
        pytest.raises(ConflictingRecordError),
    ):
        record(table, FIRST, SECOND)
    assert remembered(table) == THIRD
