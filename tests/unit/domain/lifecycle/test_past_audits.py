"""The state stores the open findings of the last audits, and reports show them."""

from dataclasses import replace
from datetime import datetime

import pytest

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.project_state import MAX_PAST_AUDITS, PastAudit
from support.builders.audit_sequence import (
    COMPLIANT,
    INCOMPLETE_INVENTORY,
    INSUFFICIENT_DATA,
    NOT_APPLICABLE,
    AuditSequence,
    build_verdict,
    get_audit_time,
)
from support.builders.facts import DAY, NOW, SECOND, build_complete_listing, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY, EXEMPTION
from support.fakes.stores import PROJECT, FakeStore

NEGLECTED_INVENTORY = build_inventory(build_index(schedules=build_complete_listing(())))


def audit_at(store: FakeStore, moment: datetime, inventory: Inventory = NEGLECTED_INVENTORY) -> tuple[PastAudit, ...]:
    """Audit at a moment, and return what the report tells of the audits before."""
    return evaluate_inventory(replace(inventory, observed_at=moment), BUILT_IN_POLICY, store).report.history


def build_store_after(count: int) -> FakeStore:
    """Return what is stored after a number of nightly audits."""
    store = FakeStore()
    for number in range(count):
        audit_at(store, get_audit_time(number))
    return store


@pytest.mark.parametrize(
    "findings,expected",
    [
        pytest.param([], (0, 0, 0, 0), id="nothing"),
        pytest.param(
            [build_verdict(), build_verdict(name="carts"), build_verdict(severity=Severity.LOW)],
            (0, 2, 0, 1),
            id="open",
        ),
        pytest.param([build_verdict(severity=Severity.CRITICAL, exemption=EXEMPTION)], (0, 0, 0, 0), id="exempted"),
        pytest.param(
            [build_verdict(it) for it in (COMPLIANT, NOT_APPLICABLE, INSUFFICIENT_DATA)], (0, 0, 0, 0), id="not-open"
        ),
    ],
)
def test_open_findings_are_counted_by_severity(findings: list[Finding], expected: tuple[int, ...]) -> None:
    """The counts are those of the report's summary."""
    sequence = AuditSequence()
    sequence.audit_with_findings(*findings)
    (past_audit,) = sequence.state.history
    assert (past_audit.observed_at, past_audit.is_complete) == (NOW, True)
    assert list(past_audit.open_counts.items()) == list(zip(reversed(Severity), expected, strict=True))


def test_an_audit_that_could_not_read_everything_is_recorded_as_such() -> None:
    """An incomplete audit is recorded as incomplete."""
    sequence = AuditSequence()
    sequence.audit_with_findings(inventory=INCOMPLETE_INVENTORY)
    sequence.audit_with_findings()
    assert [it.is_complete for it in sequence.state.history] == [False, True]


def test_a_report_has_the_audits_before_it() -> None:
    """Audits are listed the oldest first with the counts of their reports; the first report has none."""
    store = FakeStore()
    reports = [
        evaluate_inventory(replace(it, observed_at=get_audit_time(audit_number)), BUILT_IN_POLICY, store).report
        for audit_number, it in enumerate(PROJECT_INVENTORIES)
    ]
    for number, report in enumerate(reports):
        assert [it.observed_at for it in report.history] == [it.observed_at for it in reports[:number]]
        assert [it.open_counts for it in report.history] == [it.summary.open for it in reports[:number]]


PROJECT_INVENTORIES = (NEGLECTED_INVENTORY, build_inventory(build_index()), build_inventory(), NEGLECTED_INVENTORY)


@pytest.mark.parametrize(
    "night_count,expected",
    [
        pytest.param(MAX_PAST_AUDITS, range(MAX_PAST_AUDITS), id="at-limit"),
        pytest.param(MAX_PAST_AUDITS + 1, range(1, MAX_PAST_AUDITS + 1), id="one-more"),
        pytest.param(MAX_PAST_AUDITS + 9, range(9, MAX_PAST_AUDITS + 9), id="many-more"),
    ],
)
def test_a_report_has_the_last_thirty_audits(night_count: int, expected: range) -> None:
    """Older audits are removed, and the audit itself is only in its summary."""
    store = build_store_after(night_count)
    assert [it.observed_at for it in audit_at(store, get_audit_time(night_count))] == [
        get_audit_time(it) for it in expected
    ]
    assert len(store.load(PROJECT).history) == MAX_PAST_AUDITS + 1


@pytest.mark.parametrize("night_count", [1, MAX_PAST_AUDITS, MAX_PAST_AUDITS + 1, MAX_PAST_AUDITS + 2])
def test_the_same_audit_twice_has_the_same_audits_before_it(night_count: int) -> None:
    """A repeated audit is not listed as an audit before itself."""
    store = build_store_after(night_count)
    assert audit_at(store, get_audit_time(night_count)) == audit_at(store, get_audit_time(night_count))


def test_an_older_audit_has_the_audits_before_it() -> None:
    """An older audit is not recorded."""
    store = build_store_after(3)
    state_before = store.load(PROJECT)
    assert [it.observed_at for it in audit_at(store, get_audit_time(1, SECOND))] == [
        get_audit_time(0),
        get_audit_time(1),
    ]
    assert audit_at(store, get_audit_time(0, -DAY)) == ()
    assert store.load(PROJECT) == state_before


def test_another_audit_of_the_same_moment_is_not_before_it() -> None:
    """Under another policy, say."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict())
    outcome = sequence.audit_with_findings(observed_at=get_audit_time(0), audit_id="other")
    assert outcome.state.find_history_before(get_audit_time(0)) == ()
    assert len(outcome.state.history) == 2


def test_without_a_store_no_audit_before_is_reported() -> None:
    """Without a state there are no earlier audits."""
    assert evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY).report.history == ()
