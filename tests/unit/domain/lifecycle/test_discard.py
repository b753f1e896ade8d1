"""Audits that were recorded in the future are discarded, and as little as can be of what is known besides."""

from dataclasses import replace
from datetime import datetime

import pytest

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.lifecycle.discard import Discard, discard_all, discard_future, is_in_future
from backup_auditor.domain.project_state import FindingState, ProjectState
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.audit_sequence import COMPLIANT, Nights, verdict
from support.builders.facts import DAY, NOW, SECOND, backup, index, inventory, known, remembering, schedule, whole

FUTURE = NOW + 200 * DAY
CLOCK = NOW + DAY
"""What the machine's clock says when the audits are discarded."""


def record(memory: ProjectState) -> AuditRecord:
    """Return the record of the audit that a memory was last changed by."""
    assert memory.audit_id is not None
    assert memory.observed_at is not None
    is_complete = memory.observed_at == memory.complete_at
    return AuditRecord(memory.audit_id, memory.observed_at, is_complete, Compliance.COMPLIANT, None)


def discarded(memory: ProjectState, *audits: AuditRecord, now: datetime = CLOCK) -> Discard:
    """Discard the audits of the future."""
    found = discard_future(memory, audits, now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "ahead,expected",
    [
        pytest.param(CLOCK_TOLERANCE, False, id="at-tolerance"),
        pytest.param(CLOCK_TOLERANCE + SECOND, True, id="one-second-past"),
        pytest.param(-DAY, False, id="past"),
    ],
)
def test_a_small_difference_between_clocks_is_no_future(ahead: object, *, expected: bool) -> None:
    """An audit counts as future once it is more than 15 minutes ahead."""
    recorded = NOW + ahead  # type: ignore[operator]  # a timedelta
    assert is_in_future(recorded, NOW) is expected
    memory = remembering(audit_id="one", observed_at=recorded)
    assert (discard_future(memory, [], NOW) is not None) is expected


def test_before_the_first_audit_there_is_nothing_to_discard() -> None:
    """Nor is there once all was discarded."""
    assert not is_in_future(None, NOW)
    assert discard_future(ProjectState(), [], NOW) is None
    assert discard_all(ProjectState(), []) is None
    assert discard_all(ProjectState(revision=3), []) is None


def test_the_next_audit_finds_what_it_would_have_found_without_the_future_one() -> None:
    """A finding of the past stays ongoing with its first day, whether the future audit saw it, resolved it or not."""
    late = verdict(control="late")
    ended = verdict(control="ended")
    nights = Nights()
    past = nights.judged(verdict(), ended, at=NOW, audit_id="past").state
    nights.judged(verdict(), replace(ended, compliance=COMPLIANT), late, at=FUTURE, audit_id="future")
    found = discarded(nights.memory, record(past), record(nights.memory))
    assert (found.dropped_count, found.reverted_count) == (1, 1)
    assert found.audits == (record(nights.memory),)
    nights.memory = found.after
    next_night = nights.judged(verdict(), ended, late, at=CLOCK, audit_id="next")
    assert [(it.control, it.lifecycle, it.first_seen) for it in next_night.findings] == [
        (verdict().control, "ongoing", NOW),
        ("ended", "ongoing", NOW),
        ("late", "new", CLOCK),
    ]
    assert next_night.resolved_findings == ()


def test_a_finding_that_the_future_reopened_is_resolved_again() -> None:
    """It can be reopened by the next audit."""
    nights = Nights()
    nights.judged(verdict(), at=NOW - DAY, audit_id="first")
    past = nights.judged(replace(verdict(), compliance=COMPLIANT), at=NOW, audit_id="past").state
    nights.judged(verdict(), at=FUTURE, audit_id="future")
    nights.memory = discarded(nights.memory, record(past), record(nights.memory)).after
    assert nights.known.state is FindingState.RESOLVED
    (again,) = nights.judged(verdict(), at=CLOCK, audit_id="next").findings
    assert (again.lifecycle, again.first_seen) == ("reopened", NOW - DAY)
    assert nights.known.times_opened == 2


def test_the_last_audit_is_the_last_one_of_the_past() -> None:
    """The same past audit, delivered once more, changes nothing; a later one is recorded."""
    nights = Nights()
    first = nights.audited(inventory(index("orders"))).state
    second = nights.audited(inventory(index("orders"), backups=replace(inventory().backups, failure=None))).state
    nights.audited(inventory(index("orders")), at=FUTURE)
    after = discarded(nights.memory, record(first), record(second), record(nights.memory), now=NOW + 2 * DAY).after
    assert (after.audit_id, after.observed_at) == (second.audit_id, second.observed_at)
    assert after.complete_at == second.complete_at
    assert [it.observed_at for it in after.history] == [first.observed_at, second.observed_at]
    assert after.revision == nights.memory.revision + 1


def test_without_records_the_history_tells_the_last_audit() -> None:
    """A state of older code has no records of its first audits; its last audit has no id then."""
    nights = Nights()
    nights.audited(inventory(index("orders")))
    nights.audited(inventory(index("orders")), at=FUTURE)
    after = discarded(nights.memory).after
    assert (after.audit_id, after.observed_at, after.complete_at) == (None, NOW, NOW)


def test_where_every_audit_lies_in_the_future_the_next_one_is_the_first() -> None:
    """What was read in Pinecone stays: a backup that vanishes now is still known."""
    nights = Nights()
    nights.audited(inventory(index("orders")), at=FUTURE)
    found = discarded(nights.memory, record(nights.memory))
    after = found.after
    assert (after.audit_id, after.observed_at, after.complete_at, after.history) == (None, None, None, ())
    assert after.backups.keys() == nights.memory.backups.keys()
    assert after.pinecone_project_id == "project-1"
    nights.memory = after
    gone = nights.audited(inventory(index("orders", runs=whole(()), listed=())), at=CLOCK + DAY)
    assert "backup-did-not-vanish" in {it.control for it in gone.findings if it.lifecycle == "new"}
    assert gone.state.observed_at == CLOCK + DAY


def test_moments_that_the_future_wrote_become_the_moment_of_the_discard() -> None:
    """Those of the past stay, and so does every fact that Pinecone told."""
    old, new = backup(3 * DAY, backup_id="old"), backup(DAY, backup_id="new")
    nights = Nights()
    past = nights.audited(inventory(index("orders", backups=[old]))).state
    nights.audited(inventory(index("orders", backups=[old, new]), index("carts")), at=FUTURE)
    before = nights.memory
    after = discarded(before, record(past), record(before)).after
    assert after.backups["old"] == before.backups["old"]
    assert after.backups["new"] == replace(before.backups["new"], known_since=CLOCK)
    assert (after.indexes["orders"].first_seen, after.indexes["carts"].first_seen) == (NOW, CLOCK)
    assert after.drift == ()


def test_several_audits_of_the_future_are_discarded_together() -> None:
    """Those within the tolerance stay."""
    near = CLOCK + CLOCK_TOLERANCE
    nights = Nights()
    records = [
        record(nights.audited(inventory(index("orders")), at=at).state) for at in (NOW, near, FUTURE, FUTURE + DAY)
    ]
    found = discarded(nights.memory, *records)
    assert [it.observed_at for it in found.audits] == [FUTURE, FUTURE + DAY]
    assert found.after.observed_at == near


def test_records_of_the_future_are_deleted_although_the_last_audit_is_past() -> None:
    """As after a discard that was interrupted: only the records are left to delete."""
    nights = Nights()
    memory = nights.audited(inventory(index("orders"))).state
    left = replace(record(memory), audit_id="left", observed_at=FUTURE)
    found = discarded(memory, record(memory), left)
    assert found.after == replace(memory, revision=2)
    assert found.audits == (left,)


def test_a_discard_of_everything_keeps_the_revision_alone() -> None:
    """An audit that began before it is not recorded after it."""
    memory = remembering(known(backup(DAY)), audit_id="one")
    found = discard_all(memory, [])
    assert found is not None
    assert found.after == ProjectState(revision=2)
    assert found.state_change.expected_revision == 1


def test_settings_that_the_future_saw_were_seen_now() -> None:
    """The settings before them were seen when they were; the gap between both is judged by the slower one."""
    nights = Nights()
    past = nights.audited(inventory(index("orders", schedules=[schedule(frequency="weekly")]))).state
    nights.audited(inventory(index("orders")), at=FUTURE)
    before = nights.memory.schedules["schedule-1"]
    assert (before.since, [it.until for it in before.earlier_settings]) == (FUTURE, [NOW])
    nights.memory = discarded(nights.memory, record(past), record(nights.memory)).after
    after = nights.memory.schedules["schedule-1"]
    assert (after.since, after.seen_at, after.frequency) == (CLOCK, CLOCK, "daily")
    assert after.earlier_settings == before.earlier_settings
    nights.audited(inventory(index("orders", schedules=[schedule(frequency="monthly")])), at=CLOCK + DAY)
    assert [(it.since, it.until, it.frequency) for it in nights.memory.schedules["schedule-1"].earlier_settings] == [
        (NOW, NOW, "weekly"),
        (CLOCK, CLOCK, "daily"),
    ]


def test_settings_that_only_the_past_changed_stay_as_they_are_known() -> None:
    """The audit of the future only saw them again."""
    nights = Nights()
    past = nights.audited(inventory(index("orders"))).state
    nights.audited(inventory(index("orders")), at=FUTURE)
    after = discarded(nights.memory, record(past), record(nights.memory)).after.schedules["schedule-1"]
    assert (after.since, after.seen_at, after.earlier_settings) == (NOW, CLOCK, ())


def test_settings_that_the_future_changed_twice_were_all_seen_now() -> None:
    """None of their moments is left in the future."""
    nights = Nights()
    past = nights.audited(inventory(index("orders"))).state
    nights.audited(inventory(index("orders", schedules=[schedule(frequency="weekly")])), at=FUTURE)
    nights.audited(inventory(index("orders")), at=FUTURE + DAY)
    after = discarded(nights.memory, record(past), record(nights.memory)).after.schedules["schedule-1"]
    assert (after.since, after.seen_at) == (CLOCK, CLOCK)
    assert [(it.since, it.until) for it in after.earlier_settings] == [(NOW, NOW), (CLOCK, CLOCK)]


def test_a_backup_that_the_future_missed_first_was_first_missed_now() -> None:
    """Its 30 days begin with the discard."""
    row = known(backup(DAY), missed_at=FUTURE)
    memory = remembering(row, audit_id="one", observed_at=FUTURE)
    after = discarded(memory).after
    assert after.backups == {row.backup_id: replace(row, missed_at=CLOCK)}
