"""The same audit delivered twice changes nothing, nor does one that is older than the last."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE
from support.builders.audit_sequence import COMPLIANT, INCOMPLETE, Nights, lifecycles, night, verdict
from support.builders.facts import (
    BROKEN,
    DAY,
    NOW,
    SECOND,
    backup,
    broken,
    daily_runs,
    disputed,
    index,
    inventory,
    planned_run,
    schedule,
    whole,
)
from support.builders.reports import BUILT_IN, exempting, report
from support.fakes.stores import FakeStore, stored

ORDERS = inventory(index("orders"))
UNSCHEDULED = inventory(index("orders", schedules=whole(())))


def test_the_same_audit_delivered_twice_says_the_same_and_changes_nothing() -> None:
    """Its openings, its resolutions and its drift are told alike; nothing is left to record."""
    nights = Nights()
    nights.audited(UNSCHEDULED)
    first = nights.audited(ORDERS)
    again = nights.audited(ORDERS, at=night(1))
    assert first.resolved_findings
    assert first.drift
    assert again == first
    assert again.state is first.state
    assert diff_states(first.state, again.state) is None


SCHEDULE = schedule()
PROJECTS = {
    "well": inventory(index()),
    "paused": inventory(index(schedules=[replace(SCHEDULE, enabled=False)])),
    "kept shorter": inventory(index(schedules=[replace(SCHEDULE, retention=3 * DAY)], runs=daily_runs(3))),
    "kept longer": inventory(index(schedules=[replace(SCHEDULE, retention=30 * DAY)])),
    "without schedule": inventory(index(schedules=whole(()), listed=daily_runs())),
    "without backups": inventory(index(runs=[planned_run()])),
    "manual": inventory(index(backups=[backup(3 * DAY)])),
    "made anew": inventory(index(schedules=[schedule("other", index_id="id-2")], listed=daily_runs(), runs=[])),
    "whose is in doubt": inventory(index(schedules=[SCHEDULE, schedule("other", index_id="id-2")], runs=[])),
    "its schedule moved": inventory(index(schedules=[replace(SCHEDULE, index_id="id-2")], runs=[]), backups=broken()),
    "deleted": inventory(more=[*daily_runs(index_deleted_at=NOW), backup(DAY)]),
    "empty": inventory(),
    "history unread": inventory(index(runs=broken(daily_runs(2)))),
    "schedules unread": inventory(index(schedules=broken(), listed=daily_runs())),
    "backups unread": inventory(index(), backups=broken()),
    "indexes unread": replace(inventory(more=daily_runs()), indexes_failure=BROKEN),
    "one walk": inventory(index(runs=daily_runs(3), walks=1), walks=1),
    "shifting": inventory(index(), backups=disputed(daily_runs(), daily_runs(3))),
}


@given(st.lists(st.sampled_from(sorted(PROJECTS)), min_size=1, max_size=6))
@example(["kept longer", "backups unread"])
@example(["kept shorter", "indexes unread", "indexes unread", "whose is in doubt"])
@example(["kept longer", *["indexes unread"] * 4, "its schedule moved"])
def test_any_audit_delivered_twice_says_the_same(nights_told: list[str]) -> None:
    """Whatever happened in the nights before, and however much could be read."""
    nights = Nights()
    for number, name in enumerate(nights_told):
        first = nights.audited(PROJECTS[name])
        again = nights.audited(PROJECTS[name], at=night(number))
        assert again == first
        assert again.state is first.state


@given(st.lists(st.sampled_from(sorted(PROJECTS)), min_size=1, max_size=6))
def test_what_is_remembered_is_what_the_differences_make(nights_told: list[str]) -> None:
    """Recorded one after the other, they are the memory."""
    nights, store = Nights(), FakeStore()
    for name in nights_told:
        before = nights.memory
        nights.audited(PROJECTS[name])
        assert stored(store, before, nights.memory) == nights.memory


def test_the_first_audit_delivered_twice_says_the_same() -> None:
    """What it opened is still new."""
    nights = Nights()
    first = nights.audited(UNSCHEDULED)
    assert "new" in lifecycles(first)
    assert nights.audited(UNSCHEDULED, at=night(0)).findings == first.findings


def test_an_audit_delivered_twice_may_walk_less_the_second_time() -> None:
    """A schedule that is gone was walked for twice, and is forgotten by then; its deletion is told all the same."""
    nights, left, gone = Nights(), schedule(), schedule("gone", enabled=False)
    nights.audited(inventory(index(schedules=[left, gone])))
    first = nights.audited(inventory(index(schedules=[left])))
    again = nights.audited(inventory(index(schedules=whole([left], walks=1))), at=night(1))
    assert [it.change for it in first.drift] == ["schedule deleted"]
    assert again == first


def test_an_older_audit_changes_nothing_and_says_so() -> None:
    """It has no lifecycle of its own: what it found is past."""
    nights = Nights()
    nights.judged(verdict())
    before = nights.memory
    outcome = nights.judged(verdict(COMPLIANT), at=night(0, -SECOND), audit_id="late")
    assert outcome.state is before
    assert (lifecycles(outcome), outcome.resolved_findings, outcome.drift) == ([None], (), ())
    assert outcome.note == (
        "an audit of 2026-11-22T12:00:00Z is already recorded; this one, of 2026-11-22T11:59:59Z, changes nothing"
    )


def test_another_audit_of_the_same_moment_counts() -> None:
    """Under another policy, say: it is not older."""
    nights = Nights()
    nights.judged(verdict())
    assert nights.judged(verdict(COMPLIANT), at=night(0), audit_id="other").resolved_findings


def test_what_is_remembered_does_not_make_another_audit() -> None:
    """The id is made of project, moment, facts and policy."""
    nights = Nights()
    nights.audited(ORDERS)
    assert nights.audited(ORDERS, at=night(0)).audit_id == report(ORDERS, BUILT_IN).audit_id


def test_an_incomplete_audit_keeps_the_settings_of_the_last_complete_one() -> None:
    """Drift is told since then, and so is the policy."""
    nights = Nights()
    nights.audited(ORDERS)
    complete = nights.memory
    nights.judged(told=INCOMPLETE, policy=exempting())
    after = nights.memory
    assert (after.observed_at, after.complete_at) == (night(1), night(0))
    assert (after.schedules, after.indexes, after.policy_sha256) == (
        complete.schedules,
        complete.indexes,
        complete.policy_sha256,
    )


def test_each_recording_is_made_from_the_one_before() -> None:
    """The revision grows by one, and the first is made from nothing."""
    nights = Nights()
    nights.judged(verdict())
    recording = diff_states(EMPTY_STATE, nights.memory)
    assert recording is not None
    assert (recording.expected_revision, recording.revision) == (0, 1)


def test_a_recording_has_everything_that_is_remembered_of_the_audit() -> None:
    """Which it was, when, whether it was complete, its policy, and its drift."""
    nights = Nights()
    nights.audited(ORDERS)
    before = nights.memory
    nights.audited(inventory())
    after, recording = nights.memory, diff_states(before, nights.memory)
    assert recording is not None
    assert after.drift
    for fact in ("revision", "audit_id", "observed_at", "complete_at", "policy_sha256", "drift", "history"):
        assert getattr(recording, fact) == getattr(after, fact) is not None
    assert recording.indexes.deletes == tuple(before.indexes)


def test_only_differences_are_recorded() -> None:
    """A night on which nothing changed writes no finding, no backup and no setting."""
    nights = Nights()
    nights.audited(ORDERS)
    before = nights.memory
    nights.audited(ORDERS)
    recording = diff_states(before, nights.memory)
    assert recording is not None
    kinds = (recording.findings, recording.backups, recording.schedules, recording.indexes)
    assert [(it.upserts, it.deletes) for it in kinds] == [((), ())] * 4


def test_the_id_of_the_pinecone_project_is_stored_once_an_audit_knows_it() -> None:
    """An audit without any schedule knows no id, and leaves the one that is stored."""
    nights = Nights()
    assert nights.audited(UNSCHEDULED).state.pinecone_project_id is None
    assert nights.audited(ORDERS).state.pinecone_project_id == "project-1"
    assert nights.audited(UNSCHEDULED).state.pinecone_project_id == "project-1"


def test_two_ids_in_one_inventory_are_no_id() -> None:
    """Which of them is the id of the project is unknown, so neither is stored."""
    both = inventory(index("orders", schedules=[schedule(), schedule("other", project_id="project-2")]))
    assert Nights().audited(both).state.pinecone_project_id is None
