"""A page of the fleet is recorded once together with its messages, whatever fails, and each audit with its row."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.fleet_store import DynamoFleetStore
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.domain.audit_failure import AuditRow, FailedAudit
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.fleet_record import FleetPage, RecordedDigest
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.notifications.fleet_night import create_digest_messages
from backup_auditor.domain.outbox import FleetChannel
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import StateError
from support.builders.facts import DAY, NOW
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL
from support.fakes.stores import PROJECT
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

PAGE = FleetPage(NOW, 1, "a" * 64, StoredReport("s3://x/1.json", "1" * 64))
MESSAGES = create_digest_messages(PAGE, [FleetChannel(SNS_CHANNEL), FleetChannel(SLACK_CHANNEL)], {}, NOW)
CHANNEL_IDS = [it.channel_id for it in MESSAGES]
DIGEST = RecordedDigest(NOW, "c" * 64, StoredFile("s3://x/1.json", "1" * 64))


def make_conflict_error() -> BaseException:
    """Return the error of a transaction that another one conflicts with."""
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    return make_client_error("TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize(
    "error, after_effect, is_permanent",
    [
        pytest.param(make_unreachable_error, False, False, id="unreachable-once"),
        pytest.param(make_unreachable_error, False, True, id="unreachable-always"),
        pytest.param(make_conflict_error, False, False, id="conflict-once"),
        pytest.param(make_conflict_error, False, True, id="conflict-always"),
        pytest.param(make_timeout_error, True, False, id="unanswered-once"),
        pytest.param(make_timeout_error, True, True, id="unanswered-always"),
        pytest.param(KilledError, False, False, id="killed-before"),
        pytest.param(KilledError, True, False, id="killed-after"),
    ],
)
def test_a_page_is_recorded_once_whatever_fails(
    table: Any, error: Callable[[], BaseException], *, after_effect: bool, is_permanent: bool
) -> None:
    """Page, messages and digests are stored together or not at all, and the next look records nothing twice."""
    store = DynamoFleetStore(table.client, table.name)
    fault = NthCallFault(make_raiser(error), 0, is_permanent=is_permanent)
    with inject_fault(table.client, fault, after=after_effect), suppress(StateError, KilledError):
        store.record_page(PAGE, None, MESSAGES, DIGEST)
    records = store.load_records(CHANNEL_IDS)
    pending = table.outbox.list_pending(None, NOW + DAY)
    assert (len(pending), len(records.digests)) == ((2, 2) if records.page == PAGE else (0, 0))
    assert store.record_page(PAGE, None, MESSAGES, DIGEST) == (records.page is None)
    assert [it.message_id for it in table.outbox.list_pending(None, NOW + DAY)] == sorted(
        it.message_id for it in MESSAGES
    )


def test_a_page_whose_answer_was_lost_is_recorded(table: Any) -> None:
    """A request whose answer is lost is sent again by the client, and counts as success."""
    store = DynamoFleetStore(table.client, table.name)
    with repeat_calls(table.client):
        assert store.record_page(PAGE, None, MESSAGES, DIGEST)


STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW, complete_at=NOW)
AUDIT = AuditRecord("first", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)


def record(table: Any, before: ProjectState, after: ProjectState, row: str | None, request_id: str | None) -> None:
    """Record an audit with its row; without a row as an import or a discard does."""
    change = diff_states(before, after)
    assert change is not None
    audit = None if row is None else replace(AUDIT, observed_at=after.observed_at or NOW)
    store = DynamoState(table.client, table.name, request_id=request_id)
    store.record(PROJECT, replace(change, audit=audit, fleet_row=row))


def load_row(table: Any) -> AuditRow | None:
    """Return the row of the project as `watch` reads it."""
    row: AuditRow | None = table.watch_store.load_projects([PROJECT])[PROJECT].row
    return row


def test_the_row_of_the_last_audit_is_recorded_with_it(table: Any) -> None:
    """A row has the time and the request of its audit, and the next audit replaces it."""
    assert load_row(table) is None
    record(table, EMPTY_STATE, STATE, '{"a": 1}', "2026-11-22T04:15:00Z/default")
    assert load_row(table) == AuditRow(NOW, '{"a": 1}', "2026-11-22T04:15:00Z/default")
    later = replace(STATE, revision=2, observed_at=NOW + DAY)
    record(table, STATE, later, '{"a": 2}', None)
    assert load_row(table) == AuditRow(NOW + DAY, '{"a": 2}', None)


def test_the_row_of_a_discarded_audit_is_not_of_the_last_one(table: Any) -> None:
    """A change without an audit leaves the row, whose time is not that of the last audit."""
    record(table, EMPTY_STATE, STATE, "{}", None)
    record(table, STATE, replace(STATE, revision=2, observed_at=NOW - DAY, complete_at=NOW - DAY), None, None)
    project = table.watch_store.load_projects([PROJECT])[PROJECT]
    assert (project.row.observed_at, project.last_audits.observed_at) == (NOW, NOW - DAY)


def test_a_failed_audit_has_its_request(table: Any) -> None:
    """The request of a failed audit shows its night."""
    failed_audit = FailedAudit(NOW, "401", "2026-11-22T04:15:00Z/default")
    table.watch_store.record_failed_audit(PROJECT, failed_audit)
    assert table.watch_store.load_projects([PROJECT])[PROJECT].failed_audit == failed_audit
