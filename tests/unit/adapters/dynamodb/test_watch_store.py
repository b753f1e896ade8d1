"""A notice is recorded once together with its messages, whatever fails, and projects are read in few requests."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from backup_auditor.domain.audit_failure import FailedAudit, FailureNotice, WatchedProject
from backup_auditor.domain.audit_record import LastAudits
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.failures import create_notice_messages
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import StateError
from support.builders.facts import DAY, HOUR, NOW
from support.builders.notifications import EVENT_CHANNEL, SLACK_CHANNEL, SNS_CHANNEL, build_notice
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

OPENED = build_notice(hours=-24)
REMINDER = build_notice(NoticeKind.REMINDER)
CHANNELS = (EVENT_CHANNEL, SNS_CHANNEL, SLACK_CHANNEL)
STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW, complete_at=NOW - DAY, pinecone_project_id="id")


def record(table: Any, notice: FailureNotice, last_notice: FailureNotice | None) -> None:
    """Record a notice with its messages."""
    messages = create_notice_messages(PROJECT, notice, CHANNELS)
    table.watch_store.record_notice(PROJECT, notice, messages, last_notice)


def list_messages(table: Any) -> set[tuple[str, NoticeKind]]:
    """Return the channel and the kind of notice of each pending message."""
    return {(it.channel_id, it.content.kind) for it in table.outbox.list_pending(None, NOW + DAY)}


def list_expected(notice: FailureNotice) -> set[tuple[str, NoticeKind]]:
    """Return the channel and the kind of notice of each message of a notice."""
    return {(it.channel_id, notice.kind) for it in create_notice_messages(PROJECT, notice, CHANNELS)}


def load(table: Any) -> WatchedProject:
    """Return what is stored about the project."""
    project: WatchedProject = table.watch_store.load_projects([PROJECT])[PROJECT]
    return project


def test_a_project_is_registered_at_the_first_call(table: Any) -> None:
    """Later calls return the time of the first call; each project has its own."""
    assert table.watch_store.ensure_registered(PROJECT, NOW) == NOW
    with repeat_calls(table.client):
        assert table.watch_store.ensure_registered(PROJECT, NOW + DAY) == NOW
    assert table.watch_store.ensure_registered("other", NOW + DAY) == NOW + DAY


def test_everything_about_a_project_is_read(table: Any) -> None:
    """A project has the times of its audits and its registration, its last failure and its last notice, or none."""
    assert load(table) == WatchedProject(LastAudits(None, None))
    record_change(table.store, EMPTY_STATE, STATE)
    table.watch_store.ensure_registered(PROJECT, NOW - DAY)
    table.watch_store.record_failed_audit(PROJECT, FailedAudit(NOW - HOUR, "429"))
    table.watch_store.record_failed_audit(PROJECT, FailedAudit(NOW, "401: Invalid API key"))
    record(table, OPENED, None)
    assert load(table) == WatchedProject(
        LastAudits(NOW, NOW - DAY, "id"), NOW - DAY, FailedAudit(NOW, "401: Invalid API key"), OPENED
    )


def test_many_projects_are_read_in_few_requests(table: Any) -> None:
    """A hundred projects need ten requests, and each gets its own values."""
    names = [f"team-{number:02d}" for number in range(100)]
    moments: dict[str, datetime] = {name: NOW - number * HOUR for number, name in enumerate(names)}
    for name, moment in moments.items():
        table.watch_store.record_failed_audit(name, FailedAudit(moment, name))
    with inject_fault(table.client, NthCallFault(lambda: None, -1)) as calls:
        projects = table.watch_store.load_projects(names)
    assert calls.call_count == 10
    assert {name: it.failed_audit for name, it in projects.items()} == {
        name: FailedAudit(moment, name) for name, moment in moments.items()
    }
    assert table.watch_store.load_projects([]) == {}


def test_a_notice_replaces_the_one_before_it(table: Any) -> None:
    """The last notice is stored, and the messages of all notices are pending."""
    record(table, OPENED, None)
    record(table, REMINDER, OPENED)
    assert load(table).last_notice == REMINDER
    assert list_messages(table) == list_expected(OPENED) | list_expected(REMINDER)


@pytest.mark.parametrize(
    "stored_notice, last_notice",
    [pytest.param(OPENED, None, id="first-notice"), pytest.param(REMINDER, OPENED, id="later-notice")],
)
def test_two_looks_at_once_record_one_notice(
    table: Any, stored_notice: FailureNotice, last_notice: FailureNotice | None
) -> None:
    """A notice after one that is no longer the last changes nothing."""
    record(table, OPENED, None)
    if stored_notice != OPENED:
        record(table, stored_notice, OPENED)
    items_before = table.items
    record(table, build_notice(NoticeKind.REMINDER, hours=1), last_notice)
    assert table.items == items_before


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
def test_a_notice_is_recorded_once_whatever_fails(
    table: Any, error: Callable[[], BaseException], *, after_effect: bool, is_permanent: bool
) -> None:
    """The notice is stored with all its messages or not at all, and the next look does not repeat them."""
    fault = NthCallFault(make_raiser(error), 0, is_permanent=is_permanent)
    with inject_fault(table.client, fault, after=after_effect), suppress(StateError, KilledError):
        record(table, OPENED, None)
    assert load(table).last_notice in {None, OPENED}
    assert list_messages(table) == (set() if load(table).last_notice is None else list_expected(OPENED))
    next_notice = build_notice()
    record(table, next_notice, load(table).last_notice)
    expected_notices = {OPENED, next_notice} if after_effect else {next_notice}
    assert list_messages(table) == {it for notice in expected_notices for it in list_expected(notice)}


def test_a_repeated_request_records_one_notice(table: Any) -> None:
    """A request whose answer is lost is sent again by the client."""
    with repeat_calls(table.client):
        record(table, OPENED, None)
    assert load(table).last_notice == OPENED
    assert list_messages(table) == list_expected(OPENED)


def test_the_names_of_projects_are_kept_apart(table: Any) -> None:
    """A name that begins with another name has its own notices."""
    record(table, OPENED, None)
    assert table.watch_store.load_projects(["default#1", "defaul"]) == {
        it: WatchedProject(LastAudits(None, None)) for it in ("default#1", "defaul")
    }
