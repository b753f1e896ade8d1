"""A discard removes audits of the future, and changes as little else as possible."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from backup_auditor.domain.audit_record import AuditRecord, is_in_future
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.lifecycle.discard import Discard, discard_all, discard_future
from backup_auditor.domain.project_state import FindingState, KnownFinding, KnownSchedule, ProjectState
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.audit_sequence import COMPLIANT, AuditSequence, build_verdict
from support.builders.facts import (
    DAY,
    NOW,
    SECOND,
    build_backup,
    build_complete_listing,
    build_drill_state,
    build_index,
    build_inventory,
    build_known_backup,
    build_running_drill,
    build_schedule,
    build_state,
)

FUTURE_MOMENT = NOW + 200 * DAY
PRESENT_MOMENT = NOW + DAY
"""What the machine's clock says when the audits are discarded."""


def build_audit_record(state: ProjectState) -> AuditRecord:
    """Return the record of the audit that a memory was last changed by."""
    assert state.audit_id is not None
    assert state.observed_at is not None
    is_complete = state.observed_at == state.complete_at
    return AuditRecord(state.audit_id, state.observed_at, is_complete, Compliance.COMPLIANT, None)


def discard_future_audits(state: ProjectState, *audits: AuditRecord, now: datetime = PRESENT_MOMENT) -> Discard:
    """Discard the audits of the future."""
    discard = discard_future(state, audits, now)
    assert discard is not None
    return discard


@pytest.mark.parametrize(
    "clock_difference,expected",
    [
        pytest.param(CLOCK_TOLERANCE, False, id="at-tolerance"),
        pytest.param(CLOCK_TOLERANCE + SECOND, True, id="one-second-past"),
        pytest.param(-DAY, False, id="past"),
    ],
)
def test_a_small_difference_between_clocks_is_no_future(clock_difference: object, *, expected: bool) -> None:
    """An audit counts as future once it is more than 15 minutes ahead."""
    recorded_at = NOW + clock_difference  # type: ignore[operator]  # a timedelta
    assert is_in_future(recorded_at, NOW) is expected
    state = build_state(audit_id="one", observed_at=recorded_at)
    assert (discard_future(state, [], NOW) is not None) is expected


def test_before_the_first_audit_there_is_nothing_to_discard() -> None:
    """An empty state and a fully discarded one have nothing to discard."""
    assert not is_in_future(None, NOW)
    assert discard_future(ProjectState(), [], NOW) is None
    assert discard_all(ProjectState(), []) is None
    assert discard_all(ProjectState(revision=3), []) is None


def test_the_next_audit_finds_what_it_would_have_found_without_the_future_one() -> None:
    """A finding of the past stays ongoing with its first day, whether the future audit saw it, resolved it or not."""
    late_finding = build_verdict(control="late")
    ended_finding = build_verdict(control="ended")
    sequence = AuditSequence()
    past_state = sequence.audit_with_findings(build_verdict(), ended_finding, observed_at=NOW, audit_id="past").state
    sequence.audit_with_findings(
        build_verdict(),
        replace(ended_finding, compliance=COMPLIANT),
        late_finding,
        observed_at=FUTURE_MOMENT,
        audit_id="future",
    )
    discard = discard_future_audits(sequence.state, build_audit_record(past_state), build_audit_record(sequence.state))
    assert (discard.dropped_count, discard.reverted_count) == (1, 1)
    assert discard.audits == (build_audit_record(sequence.state),)
    sequence.state = discard.after
    next_result = sequence.audit_with_findings(
        build_verdict(), ended_finding, late_finding, observed_at=PRESENT_MOMENT, audit_id="next"
    )
    assert [(it.control, it.lifecycle, it.first_seen) for it in next_result.findings] == [
        (build_verdict().control, "ongoing", NOW),
        ("ended", "ongoing", NOW),
        ("late", "new", PRESENT_MOMENT),
    ]
    assert next_result.resolved_findings == ()


def test_a_finding_that_the_future_reopened_is_resolved_again() -> None:
    """It can be reopened by the next audit."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict(), observed_at=NOW - DAY, audit_id="first")
    past_state = sequence.audit_with_findings(
        replace(build_verdict(), compliance=COMPLIANT), observed_at=NOW, audit_id="past"
    ).state
    sequence.audit_with_findings(build_verdict(), observed_at=FUTURE_MOMENT, audit_id="future")
    sequence.state = discard_future_audits(
        sequence.state, build_audit_record(past_state), build_audit_record(sequence.state)
    ).after
    assert sequence.only_finding.state is FindingState.RESOLVED
    (reopened_finding,) = sequence.audit_with_findings(
        build_verdict(), observed_at=PRESENT_MOMENT, audit_id="next"
    ).findings
    assert (reopened_finding.lifecycle, reopened_finding.first_seen) == ("reopened", NOW - DAY)
    assert sequence.only_finding.times_opened == 2


def test_the_last_audit_is_the_last_one_of_the_past() -> None:
    """The same past audit, delivered once more, changes nothing; a later one is recorded."""
    sequence = AuditSequence()
    first_state = sequence.audit(build_inventory(build_index("orders"))).state
    second_state = sequence.audit(
        build_inventory(build_index("orders"), backups=replace(build_inventory().backups, failure=None))
    ).state
    sequence.audit(build_inventory(build_index("orders")), observed_at=FUTURE_MOMENT)
    state_after = discard_future_audits(
        sequence.state,
        build_audit_record(first_state),
        build_audit_record(second_state),
        build_audit_record(sequence.state),
        now=NOW + 2 * DAY,
    ).after
    assert (state_after.audit_id, state_after.observed_at) == (second_state.audit_id, second_state.observed_at)
    assert state_after.complete_at == second_state.complete_at
    assert [it.observed_at for it in state_after.history] == [first_state.observed_at, second_state.observed_at]
    assert state_after.revision == sequence.state.revision + 1


def test_without_records_the_history_has_the_last_audit() -> None:
    """In a state of older code without records, the last audit has no id."""
    sequence = AuditSequence()
    sequence.audit(build_inventory(build_index("orders")))
    sequence.audit(build_inventory(build_index("orders")), observed_at=FUTURE_MOMENT)
    state_after = discard_future_audits(sequence.state).after
    assert (state_after.audit_id, state_after.observed_at, state_after.complete_at) == (None, NOW, NOW)


def test_where_every_audit_lies_in_the_future_the_next_one_is_the_first() -> None:
    """What was read in Pinecone stays: a backup that vanishes now is still known."""
    sequence = AuditSequence()
    sequence.audit(build_inventory(build_index("orders")), observed_at=FUTURE_MOMENT)
    discard = discard_future_audits(sequence.state, build_audit_record(sequence.state))
    state_after = discard.after
    assert (state_after.audit_id, state_after.observed_at, state_after.complete_at, state_after.history) == (
        None,
        None,
        None,
        (),
    )
    assert state_after.backups.keys() == sequence.state.backups.keys()
    assert state_after.pinecone_project_id == "project-1"
    sequence.state = state_after
    gone_result = sequence.audit(
        build_inventory(build_index("orders", runs=build_complete_listing(()), listed_backups=())),
        observed_at=PRESENT_MOMENT + DAY,
    )
    assert "backup-did-not-vanish" in {it.control for it in gone_result.findings if it.lifecycle == "new"}
    assert gone_result.state.observed_at == PRESENT_MOMENT + DAY


def test_times_written_in_the_future_become_the_time_of_the_discard() -> None:
    """Earlier times and facts read from Pinecone stay."""
    old_backup, new_backup = build_backup(3 * DAY, backup_id="old"), build_backup(DAY, backup_id="new")
    sequence = AuditSequence()
    past_state = sequence.audit(build_inventory(build_index("orders", backups=[old_backup]))).state
    sequence.audit(
        build_inventory(build_index("orders", backups=[old_backup, new_backup]), build_index("carts")),
        observed_at=FUTURE_MOMENT,
    )
    state_before = sequence.state
    state_after = discard_future_audits(
        state_before, build_audit_record(past_state), build_audit_record(state_before)
    ).after
    assert state_after.backups["old"] == state_before.backups["old"]
    assert state_after.backups["new"] == replace(state_before.backups["new"], known_since=PRESENT_MOMENT)
    assert (state_after.indexes["orders"].first_seen, state_after.indexes["carts"].first_seen) == (NOW, PRESENT_MOMENT)
    assert state_after.drift == ()


def test_several_audits_of_the_future_are_discarded_together() -> None:
    """Those within the tolerance stay."""
    near_moment = PRESENT_MOMENT + CLOCK_TOLERANCE
    sequence = AuditSequence()
    records = [
        build_audit_record(sequence.audit(build_inventory(build_index("orders")), observed_at=moment).state)
        for moment in (NOW, near_moment, FUTURE_MOMENT, FUTURE_MOMENT + DAY)
    ]
    discard = discard_future_audits(sequence.state, *records)
    assert [it.observed_at for it in discard.audits] == [FUTURE_MOMENT, FUTURE_MOMENT + DAY]
    assert discard.after.observed_at == near_moment


def test_records_of_the_future_are_deleted_although_the_last_audit_is_past() -> None:
    """After an interrupted discard, the remaining records are deleted."""
    sequence = AuditSequence()
    state = sequence.audit(build_inventory(build_index("orders"))).state
    left_audit = replace(build_audit_record(state), audit_id="left", observed_at=FUTURE_MOMENT)
    discard = discard_future_audits(state, build_audit_record(state), left_audit)
    assert discard.after == replace(state, revision=2)
    assert discard.audits == (left_audit,)


def test_a_discard_of_everything_keeps_the_revision_alone() -> None:
    """An audit that began before it is not recorded after it."""
    state = build_state(build_known_backup(build_backup(DAY)), audit_id="one")
    discard = discard_all(state, [])
    assert discard is not None
    assert discard.after == ProjectState(revision=2)
    assert discard.state_change.expected_revision == 1


def test_a_discard_keeps_restore_drills() -> None:
    """No audit recorded them, and a temporary index is recognised by them."""
    state = build_drill_state(build_running_drill(), audit_id="one", observed_at=FUTURE_MOMENT)
    for discard in (discard_all(state, []), discard_future(state, [], NOW)):
        assert discard is not None
        assert discard.after.drills == state.drills
    assert discard_all(ProjectState(drills=state.drills), []) is None


def test_settings_that_the_future_saw_were_seen_now() -> None:
    """Settings that an audit of the future saw count as seen at the discard, and earlier ones keep their times."""
    sequence = AuditSequence()
    past_state = sequence.audit(
        build_inventory(build_index("orders", schedules=[build_schedule(frequency="weekly")]))
    ).state
    sequence.audit(build_inventory(build_index("orders")), observed_at=FUTURE_MOMENT)
    schedule_before = sequence.state.schedules["schedule-1"]
    assert (schedule_before.since, [it.until for it in schedule_before.earlier_settings]) == (FUTURE_MOMENT, [NOW])
    sequence.state = discard_future_audits(
        sequence.state, build_audit_record(past_state), build_audit_record(sequence.state)
    ).after
    schedule_after = sequence.state.schedules["schedule-1"]
    assert (schedule_after.since, schedule_after.seen_at, schedule_after.frequency) == (
        PRESENT_MOMENT,
        PRESENT_MOMENT,
        "daily",
    )
    assert schedule_after.earlier_settings == schedule_before.earlier_settings
    sequence.audit(
        build_inventory(build_index("orders", schedules=[build_schedule(frequency="monthly")])),
        observed_at=PRESENT_MOMENT + DAY,
    )
    assert [(it.since, it.until, it.frequency) for it in sequence.state.schedules["schedule-1"].earlier_settings] == [
        (NOW, NOW, "weekly"),
        (PRESENT_MOMENT, PRESENT_MOMENT, "daily"),
    ]


def test_settings_that_only_the_past_changed_stay_as_they_are_known() -> None:
    """The audit of the future only saw them again."""
    sequence = AuditSequence()
    past_state = sequence.audit(build_inventory(build_index("orders"))).state
    sequence.audit(build_inventory(build_index("orders")), observed_at=FUTURE_MOMENT)
    schedule_after = discard_future_audits(
        sequence.state, build_audit_record(past_state), build_audit_record(sequence.state)
    ).after.schedules["schedule-1"]
    assert (schedule_after.since, schedule_after.seen_at, schedule_after.earlier_settings) == (NOW, PRESENT_MOMENT, ())


def test_settings_that_the_future_changed_twice_were_all_seen_now() -> None:
    """None of their moments is left in the future."""
    sequence = AuditSequence()
    past_state = sequence.audit(build_inventory(build_index("orders"))).state
    sequence.audit(
        build_inventory(build_index("orders", schedules=[build_schedule(frequency="weekly")])),
        observed_at=FUTURE_MOMENT,
    )
    sequence.audit(build_inventory(build_index("orders")), observed_at=FUTURE_MOMENT + DAY)
    schedule_after = discard_future_audits(
        sequence.state, build_audit_record(past_state), build_audit_record(sequence.state)
    ).after.schedules["schedule-1"]
    assert (schedule_after.since, schedule_after.seen_at) == (PRESENT_MOMENT, PRESENT_MOMENT)
    assert [(it.since, it.until) for it in schedule_after.earlier_settings] == [
        (NOW, NOW),
        (PRESENT_MOMENT, PRESENT_MOMENT),
    ]


def test_a_backup_that_the_future_missed_first_was_first_missed_now() -> None:
    """Its 30 days begin with the discard."""
    row = build_known_backup(build_backup(DAY), missed_at=FUTURE_MOMENT)
    state = build_state(row, audit_id="one", observed_at=FUTURE_MOMENT)
    state_after = discard_future_audits(state).after
    assert state_after.backups == {row.backup_id: replace(row, missed_at=PRESENT_MOMENT)}


def build_known_finding(state: FindingState, **facts: Any) -> KnownFinding:
    """Build a finding that was first seen at `NOW` and changed by an audit of the future."""
    finding = build_verdict()
    defaults: dict[str, Any] = {
        "first_seen": NOW,
        "times_opened": 1,
        "changed_at": FUTURE_MOMENT,
        "changed_by": "future",
    }
    return KnownFinding(
        finding.fingerprint, finding.control, finding.resource, finding.severity, state, **(defaults | facts)
    )


def build_future_state(**facts: Any) -> ProjectState:
    """Build the state of an audit of the future."""
    return build_state(audit_id="future", observed_at=FUTURE_MOMENT, complete_at=FUTURE_MOMENT, **facts)


@pytest.mark.parametrize(
    "state, times_opened, expected_state, expected_times",
    [
        pytest.param(FindingState.OPEN, 1, FindingState.RESOLVED, 0, id="opened-first"),
        pytest.param(FindingState.OPEN, 2, FindingState.RESOLVED, 1, id="reopened"),
        pytest.param(FindingState.OPEN, 0, FindingState.RESOLVED, 0, id="never-counted"),
        pytest.param(FindingState.RESOLVED, 1, FindingState.OPEN, 1, id="resolved"),
        pytest.param(FindingState.EXEMPTED, 1, FindingState.EXEMPTED, 1, id="exempted"),
    ],
)
def test_the_last_change_of_a_finding_is_reverted(
    state: FindingState, times_opened: int, expected_state: FindingState, expected_times: int
) -> None:
    """A finding returns to the state before the audit of the future, which no audit seems to have changed since."""
    known_finding = build_known_finding(state, times_opened=times_opened)
    discard = discard_future_audits(build_future_state(findings={"one": known_finding}))
    assert discard.after.findings == {
        "one": replace(known_finding, state=expected_state, times_opened=expected_times, changed_at=NOW, changed_by="")
    }


def test_reverted_findings_are_counted() -> None:
    """Findings that no audit of the future changed are not counted as reverted."""
    findings = {
        "a": build_known_finding(FindingState.RESOLVED),
        "b": build_known_finding(FindingState.OPEN, changed_at=NOW),
        "c": build_known_finding(FindingState.OPEN, changed_at=NOW),
        "d": build_known_finding(FindingState.OPEN, first_seen=FUTURE_MOMENT),
    }
    discard = discard_future_audits(build_future_state(findings=findings))
    assert (discard.reverted_count, discard.dropped_count) == (1, 1)


def test_a_schedule_of_an_old_state_stays_as_it_is() -> None:
    """A schedule without a history of settings has no times that a discard replaces."""
    schedule = KnownSchedule("schedule-1", "orders", "nightly", "daily", 7 * DAY, enabled=True)
    discard = discard_future_audits(build_future_state(schedules={"schedule-1": schedule}))
    assert discard.after.schedules == {"schedule-1": schedule}


def test_a_store_deletes_the_records_of_discarded_audits() -> None:
    """The change for a store contains the records of the discarded audits."""
    audits = [AuditRecord(it, NOW, True, Compliance.COMPLIANT, None) for it in ("one", "two")]
    discard = discard_all(build_state(audit_id="two"), audits)
    assert discard is not None
    assert discard.audits == tuple(audits)
    assert discard.state_change.discarded_audits == tuple(audits)
    assert discard.state_change.audit_id is None
