"""How much the last audits found open is remembered, and told by the audits after them."""

from dataclasses import replace
from datetime import datetime

import pytest

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.project_state import MAX_PAST_AUDITS, PastAudit
from support.builders.audit_sequence import COMPLIANT, INCOMPLETE, INSUFFICIENT, NOT_APPLICABLE, Nights, night, verdict
from support.builders.facts import DAY, NOW, SECOND, index, inventory, whole
from support.builders.reports import BUILT_IN, EXEMPTION
from support.fakes.stores import PROJECT, FakeStore

NEGLECTED = inventory(index(schedules=whole(())))


def told(store: FakeStore, at: datetime, facts: Inventory = NEGLECTED) -> tuple[PastAudit, ...]:
    """Audit at a moment, and return what the report tells of the audits before."""
    return evaluate_inventory(replace(facts, observed_at=at), BUILT_IN, store).report.history


def after_nights(count: int) -> FakeStore:
    """Return what is remembered after so many nights."""
    store = FakeStore()
    for number in range(count):
        told(store, night(number))
    return store


@pytest.mark.parametrize(
    "findings,expected",
    [
        pytest.param([], (0, 0, 0, 0), id="nothing"),
        pytest.param([verdict(), verdict(name="carts"), verdict(severity=Severity.LOW)], (0, 2, 0, 1), id="open"),
        pytest.param([verdict(severity=Severity.CRITICAL, exemption=EXEMPTION)], (0, 0, 0, 0), id="exempted"),
        pytest.param([verdict(it) for it in (COMPLIANT, NOT_APPLICABLE, INSUFFICIENT)], (0, 0, 0, 0), id="not-open"),
    ],
)
def test_open_findings_are_counted_by_severity(findings: list[Finding], expected: tuple[int, ...]) -> None:
    """As the report's own summary counts them."""
    nights = Nights()
    nights.judged(*findings)
    (past,) = nights.memory.history
    assert (past.observed_at, past.is_complete) == (NOW, True)
    assert list(past.open_counts.items()) == list(zip(reversed(Severity), expected, strict=True))


def test_an_audit_that_could_not_read_everything_is_remembered_as_such() -> None:
    """There may be more than it found."""
    nights = Nights()
    nights.judged(told=INCOMPLETE)
    nights.judged()
    assert [it.is_complete for it in nights.memory.history] == [False, True]


def test_a_report_tells_of_the_audits_before_it() -> None:
    """The oldest first, each with the counts that its own report had; the first has none to tell of."""
    store = FakeStore()
    reports = [
        evaluate_inventory(replace(it, observed_at=night(at)), BUILT_IN, store).report for at, it in enumerate(PROJECTS)
    ]
    for number, report in enumerate(reports):
        assert [it.observed_at for it in report.history] == [it.observed_at for it in reports[:number]]
        assert [it.open_counts for it in report.history] == [it.summary.open for it in reports[:number]]


PROJECTS = (NEGLECTED, inventory(index()), inventory(), NEGLECTED)


@pytest.mark.parametrize(
    "nights,expected",
    [
        pytest.param(MAX_PAST_AUDITS, range(MAX_PAST_AUDITS), id="at-limit"),
        pytest.param(MAX_PAST_AUDITS + 1, range(1, MAX_PAST_AUDITS + 1), id="one-more"),
        pytest.param(MAX_PAST_AUDITS + 9, range(9, MAX_PAST_AUDITS + 9), id="many-more"),
    ],
)
def test_a_report_tells_of_the_last_thirty(nights: int, expected: range) -> None:
    """Those before are forgotten; of this audit itself it tells in its summary."""
    store = after_nights(nights)
    assert [it.observed_at for it in told(store, night(nights))] == [night(it) for it in expected]
    assert len(store.load(PROJECT).history) == MAX_PAST_AUDITS + 1


@pytest.mark.parametrize("nights", [1, MAX_PAST_AUDITS, MAX_PAST_AUDITS + 1, MAX_PAST_AUDITS + 2])
def test_the_same_audit_delivered_twice_tells_of_the_same_audits(nights: int) -> None:
    """It is the last that is remembered by then, and no audit before itself."""
    store = after_nights(nights)
    assert told(store, night(nights)) == told(store, night(nights))


def test_an_audit_older_than_the_last_tells_of_those_before_it() -> None:
    """And is not remembered."""
    store = after_nights(3)
    before = store.load(PROJECT)
    assert [it.observed_at for it in told(store, night(1, SECOND))] == [night(0), night(1)]
    assert told(store, night(0, -DAY)) == ()
    assert store.load(PROJECT) == before


def test_another_audit_of_the_same_moment_is_not_before_it() -> None:
    """Under another policy, say."""
    nights = Nights()
    nights.judged(verdict())
    outcome = nights.judged(at=night(0), audit_id="other")
    assert outcome.state.find_history_before(night(0)) == ()
    assert len(outcome.state.history) == 2


def test_without_a_store_no_audit_before_is_told_of() -> None:
    """Nothing is remembered."""
    assert evaluate_inventory(NEGLECTED, BUILT_IN).report.history == ()
