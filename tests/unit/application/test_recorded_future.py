"""An audit older than one that is recorded in the future says that no audit is recorded any more."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.application.audit import AuditResult, evaluate_inventory, run_audit
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import FutureAuditError
from backup_auditor.ports.pinecone import NoProgress
from support.builders.facts import DAY, NOW, SECOND, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY
from support.fakes.project_audit import FakeReader
from support.fakes.stores import PROJECT, FakeStore


def evaluate_at(store: FakeStore, observed_at: datetime, now: datetime | None) -> AuditResult:
    """Evaluate a saved inventory at a time that differs from the machine's clock."""
    return evaluate_inventory(
        replace(build_inventory(build_index()), observed_at=observed_at),
        BUILT_IN_POLICY,
        store,
        clock=None if now is None else lambda: now,
    )


def test_the_error_names_both_moments_and_the_way_out() -> None:
    """The report is valid, and the state is unchanged."""
    store = FakeStore()
    evaluate_at(store, NOW + 200 * DAY, NOW + 200 * DAY)
    state_before = store.load(PROJECT)
    result = evaluate_at(store, NOW, NOW)
    assert isinstance(result.record_error, FutureAuditError)
    assert str(result.record_error) == (
        "the last recorded audit of default, of 2027-06-10T12:00:00Z, is in the future of this machine's clock"
        " (2026-11-22T12:00:00Z); correct the clock if it is wrong, else discard that audit:"
        " backup-auditor state discard --project default"
    )
    assert str(result.record_error.with_state_flag("--state", "a b")).endswith("--project default --state 'a b'")
    assert any("changes nothing" in it for it in result.notes)
    assert (result.record, store.load(PROJECT)) == (None, state_before)
    assert result.report.findings


@pytest.mark.parametrize(
    "recorded_at,observed_at,now,expected",
    [
        pytest.param(NOW + DAY, NOW, NOW, True, id="future"),
        pytest.param(NOW + CLOCK_TOLERANCE + SECOND, NOW, NOW, True, id="one-second-past-tolerance"),
        pytest.param(NOW + CLOCK_TOLERANCE, NOW, NOW, False, id="at-tolerance"),
        pytest.param(NOW, NOW - DAY, NOW + DAY, False, id="older-by-its-own-now"),
        pytest.param(NOW + 2 * DAY, NOW + DAY, NOW, True, id="older-and-both-in-the-future"),
        pytest.param(NOW + DAY, NOW + 2 * DAY, NOW, False, id="later-than-the-future"),
        pytest.param(NOW + DAY, NOW + DAY, NOW, False, id="the-same-once-more"),
        pytest.param(NOW + DAY, NOW, None, False, id="only-read"),
    ],
)
def test_the_clock_of_the_machine_decides_and_not_the_moment_of_the_audit(
    recorded_at: datetime, observed_at: datetime, now: datetime | None, *, expected: bool
) -> None:
    """An older audit is an error only where the recorded one is ahead of the clock itself."""
    store = FakeStore()
    evaluate_at(store, recorded_at, None)
    assert isinstance(evaluate_at(store, observed_at, now).record_error, FutureAuditError) is expected


def test_an_audit_of_the_future_that_is_recorded_meanwhile_is_found_too() -> None:
    """An audit of the future that was recorded after this audit began is found."""

    class Overtaken(FakeStore):
        is_overtaken = False

        def record(self, project: str, change: object) -> None:
            if not self.is_overtaken:
                self.is_overtaken = True
                evaluate_at(self, NOW + timedelta(days=200), None)
            super().record(project, change)  # type: ignore[arg-type]  # passed on

    assert isinstance(evaluate_at(Overtaken(), NOW, NOW).record_error, FutureAuditError)


def test_a_live_audit_finds_it_like_a_saved_one() -> None:
    """Both conclude in the same place."""
    store = FakeStore()
    evaluate_at(store, NOW + DAY, None)
    result = run_audit(
        FakeReader(build_index()),
        BUILT_IN_POLICY,
        project=PROJECT,
        observed_at=NOW,
        progress=NoProgress(),
        store=store,
        clock=lambda: NOW,
    )
    assert isinstance(result.record_error, FutureAuditError)
