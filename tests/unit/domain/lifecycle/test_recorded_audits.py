"""An audit that is repeated, or older than the last, changes nothing."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE
from support.builders.audit_sequence import (
    COMPLIANT,
    INCOMPLETE_INVENTORY,
    AuditSequence,
    build_verdict,
    get_audit_time,
    list_lifecycles,
)
from support.builders.facts import (
    DAY,
    NOW,
    READ_FAILURE,
    SECOND,
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_schedule,
)
from support.builders.reports import BUILT_IN_POLICY, build_exempting_policy, build_report
from support.fakes.stores import FakeStore, record_and_load

ORDERS_INVENTORY = build_inventory(build_index("orders"))
UNSCHEDULED_INVENTORY = build_inventory(build_index("orders", schedules=build_complete_listing(())))


def test_the_same_audit_twice_reports_the_same_and_changes_nothing() -> None:
    """Opened and resolved findings and drift are reported again, and nothing is recorded."""
    sequence = AuditSequence()
    sequence.audit(UNSCHEDULED_INVENTORY)
    first_result = sequence.audit(ORDERS_INVENTORY)
    second_result = sequence.audit(ORDERS_INVENTORY, observed_at=get_audit_time(1))
    assert first_result.resolved_findings
    assert first_result.drift
    assert second_result == first_result
    assert second_result.state is first_result.state
    assert diff_states(first_result.state, second_result.state) is None


SCHEDULE = build_schedule()
INVENTORIES_BY_NAME = {
    "well": build_inventory(build_index()),
    "paused": build_inventory(build_index(schedules=[replace(SCHEDULE, enabled=False)])),
    "kept shorter": build_inventory(
        build_index(schedules=[replace(SCHEDULE, retention=3 * DAY)], runs=build_daily_runs(3))
    ),
    "kept longer": build_inventory(build_index(schedules=[replace(SCHEDULE, retention=30 * DAY)])),
    "without schedule": build_inventory(
        build_index(schedules=build_complete_listing(()), listed_backups=build_daily_runs())
    ),
    "without backups": build_inventory(build_index(runs=[build_planned_run()])),
    "manual": build_inventory(build_index(backups=[build_backup(3 * DAY)])),
    "created again": build_inventory(
        build_index(schedules=[build_schedule("other", index_id="id-2")], listed_backups=build_daily_runs(), runs=[])
    ),
    "whose is in doubt": build_inventory(
        build_index(schedules=[SCHEDULE, build_schedule("other", index_id="id-2")], runs=[])
    ),
    "its schedule moved": build_inventory(
        build_index(schedules=[replace(SCHEDULE, index_id="id-2")], runs=[]), backups=build_failed_listing()
    ),
    "deleted": build_inventory(extra_backups=[*build_daily_runs(index_deleted_at=NOW), build_backup(DAY)]),
    "empty": build_inventory(),
    "history unread": build_inventory(build_index(runs=build_failed_listing(build_daily_runs(2)))),
    "schedules unread": build_inventory(
        build_index(schedules=build_failed_listing(), listed_backups=build_daily_runs())
    ),
    "backups unread": build_inventory(build_index(), backups=build_failed_listing()),
    "indexes unread": replace(build_inventory(extra_backups=build_daily_runs()), indexes_failure=READ_FAILURE),
    "one read": build_inventory(build_index(runs=build_daily_runs(3), reads=1), reads=1),
    "shifting": build_inventory(
        build_index(), backups=build_conflicting_listing(build_daily_runs(), build_daily_runs(3))
    ),
}


@given(st.lists(st.sampled_from(sorted(INVENTORIES_BY_NAME)), min_size=1, max_size=6))
@example(["kept longer", "backups unread"])
@example(["kept shorter", "indexes unread", "indexes unread", "whose is in doubt"])
@example(["kept longer", *["indexes unread"] * 4, "its schedule moved"])
def test_any_audit_twice_reports_the_same(inventory_names: list[str]) -> None:
    """A repeated audit reports the same after any nights, and if it is incomplete."""
    sequence = AuditSequence()
    for number, name in enumerate(inventory_names):
        first_result = sequence.audit(INVENTORIES_BY_NAME[name])
        second_result = sequence.audit(INVENTORIES_BY_NAME[name], observed_at=get_audit_time(number))
        assert second_result == first_result
        assert second_result.state is first_result.state


@given(st.lists(st.sampled_from(sorted(INVENTORIES_BY_NAME)), min_size=1, max_size=6))
def test_the_recorded_changes_make_the_state(inventory_names: list[str]) -> None:
    """The recorded changes of all audits, applied in order, are the state."""
    sequence, store = AuditSequence(), FakeStore()
    for name in inventory_names:
        state_before = sequence.state
        sequence.audit(INVENTORIES_BY_NAME[name])
        assert record_and_load(store, state_before, sequence.state) == sequence.state


def test_the_first_audit_twice_reports_the_same() -> None:
    """The findings of a repeated first audit are still new."""
    sequence = AuditSequence()
    first_result = sequence.audit(UNSCHEDULED_INVENTORY)
    assert "new" in list_lifecycles(first_result)
    assert sequence.audit(UNSCHEDULED_INVENTORY, observed_at=get_audit_time(0)).findings == first_result.findings


def test_an_audit_twice_can_read_less_the_second_time() -> None:
    """A deleted schedule that is no longer recorded is still reported as deleted."""
    sequence, remaining_schedule, gone_schedule = (
        AuditSequence(),
        build_schedule(),
        build_schedule("gone", enabled=False),
    )
    sequence.audit(build_inventory(build_index(schedules=[remaining_schedule, gone_schedule])))
    first_result = sequence.audit(build_inventory(build_index(schedules=[remaining_schedule])))
    second_result = sequence.audit(
        build_inventory(build_index(schedules=build_complete_listing([remaining_schedule], reads=1))),
        observed_at=get_audit_time(1),
    )
    assert [it.change for it in first_result.drift] == ["schedule deleted"]
    assert second_result == first_result


def test_an_older_audit_changes_nothing_and_says_so() -> None:
    """The findings of an older audit have no lifecycle."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict())
    state_before = sequence.state
    outcome = sequence.audit_with_findings(
        build_verdict(COMPLIANT), observed_at=get_audit_time(0, -SECOND), audit_id="late"
    )
    assert outcome.state is state_before
    assert (list_lifecycles(outcome), outcome.resolved_findings, outcome.drift) == ([None], (), ())
    assert outcome.note == (
        "an audit of 2026-11-22T12:00:00Z is already recorded; the older audit of 2026-11-22T11:59:59Z changes nothing"
    )


def test_another_audit_of_the_same_moment_counts() -> None:
    """Under another policy, say: it is not older."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict())
    assert sequence.audit_with_findings(
        build_verdict(COMPLIANT), observed_at=get_audit_time(0), audit_id="other"
    ).resolved_findings


def test_what_is_recorded_does_not_make_another_audit() -> None:
    """The id is made of project, moment, facts and policy."""
    sequence = AuditSequence()
    sequence.audit(ORDERS_INVENTORY)
    assert (
        sequence.audit(ORDERS_INVENTORY, observed_at=get_audit_time(0)).audit_id
        == build_report(ORDERS_INVENTORY, BUILT_IN_POLICY).audit_id
    )


def test_an_incomplete_audit_keeps_the_settings_of_the_last_complete_one() -> None:
    """Drift, of the policy too, is reported since the last complete audit."""
    sequence = AuditSequence()
    sequence.audit(ORDERS_INVENTORY)
    complete_state = sequence.state
    sequence.audit_with_findings(inventory=INCOMPLETE_INVENTORY, policy=build_exempting_policy())
    state_after = sequence.state
    assert (state_after.observed_at, state_after.complete_at) == (get_audit_time(1), get_audit_time(0))
    assert (state_after.schedules, state_after.indexes, state_after.policy_sha256) == (
        complete_state.schedules,
        complete_state.indexes,
        complete_state.policy_sha256,
    )


def test_each_recording_is_made_from_the_one_before() -> None:
    """The revision grows by one, and the first is made from nothing."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict())
    change = diff_states(EMPTY_STATE, sequence.state)
    assert change is not None
    assert (change.expected_revision, change.revision) == (0, 1)


def test_a_recording_has_everything_that_is_recorded_of_the_audit() -> None:
    """A record has the id, the time, the completeness, the policy and the drift of the audit."""
    sequence = AuditSequence()
    sequence.audit(ORDERS_INVENTORY)
    state_before = sequence.state
    sequence.audit(build_inventory())
    state_after, change = sequence.state, diff_states(state_before, sequence.state)
    assert change is not None
    assert state_after.drift
    for field_name in ("revision", "audit_id", "observed_at", "complete_at", "policy_sha256", "drift", "history"):
        assert getattr(change, field_name) == getattr(state_after, field_name) is not None
    assert change.indexes.deletes == tuple(state_before.indexes)


def test_only_differences_are_recorded() -> None:
    """A night on which nothing changed writes no finding, no backup and no setting."""
    sequence = AuditSequence()
    sequence.audit(ORDERS_INVENTORY)
    state_before = sequence.state
    sequence.audit(ORDERS_INVENTORY)
    change = diff_states(state_before, sequence.state)
    assert change is not None
    kinds = (change.findings, change.backups, change.schedules, change.indexes)
    assert [(it.upserts, it.deletes) for it in kinds] == [((), ())] * 4


def test_the_id_of_the_pinecone_project_is_stored_once_an_audit_knows_it() -> None:
    """An audit without any schedule knows no id, and leaves the one that is stored."""
    sequence = AuditSequence()
    assert sequence.audit(UNSCHEDULED_INVENTORY).state.pinecone_project_id is None
    assert sequence.audit(ORDERS_INVENTORY).state.pinecone_project_id == "project-1"
    assert sequence.audit(UNSCHEDULED_INVENTORY).state.pinecone_project_id == "project-1"


def test_two_ids_in_one_inventory_are_no_id() -> None:
    """Which of them is the id of the project is unknown, so neither is stored."""
    two_ids_inventory = build_inventory(
        build_index("orders", schedules=[build_schedule(), build_schedule("other", project_id="project-2")])
    )
    assert AuditSequence().audit(two_ids_inventory).state.pinecone_project_id is None
