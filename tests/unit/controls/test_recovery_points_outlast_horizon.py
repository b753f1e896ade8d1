"""Control `recovery-points-outlast-horizon`."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind
from backup_auditor.domain.model import Backup, Schedule
from support.builders.facts import (
    DAY,
    GRACE,
    NOW,
    SECOND,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_run,
    build_schedule,
    build_state,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
)

ID = "recovery-points-outlast-horizon"
PAUSED_SCHEDULE = build_schedule(enabled=False)
HORIZON = 7 * DAY
RETENTION = 30 * DAY


@pytest.mark.parametrize(
    "remaining_time,expected",
    [
        pytest.param(HORIZON - SECOND, Compliance.NON_COMPLIANT, id="one-second-before"),
        pytest.param(HORIZON, Compliance.NON_COMPLIANT, id="at-limit"),
        pytest.param(HORIZON + SECOND, Compliance.COMPLIANT, id="one-second-past"),
        pytest.param(-DAY, Compliance.NON_COMPLIANT, id="past-its-expiry-and-still-listed"),
    ],
)
def test_the_last_one_outlasts_the_horizon(remaining_time: timedelta, expected: Compliance) -> None:
    """Its capture and the present retention of its schedule decide."""
    index = build_index(
        schedules=[build_schedule(enabled=False, retention=RETENTION)],
        runs=[build_run(RETENTION - remaining_time), build_run(RETENTION + DAY)],
    )
    assert evaluate_compliance(ID, index) is expected


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(DAY + GRACE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_schedule_that_makes_new_ones_is_enough(age: timedelta, expected: Compliance) -> None:
    """The newest is no older than its interval and the grace."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(age)])) is expected


def test_one_of_two_enabled_schedules_is_enough() -> None:
    """Whichever makes new ones."""
    slow_schedule = build_schedule("schedule-2", frequency="weekly")
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(), slow_schedule], runs=[build_run(3 * DAY)]))
        is Compliance.COMPLIANT
    )


def test_a_manual_backup_never_expires() -> None:
    """A manual backup never expires, so there is no last expiry."""
    index = build_index(schedules=[PAUSED_SCHEDULE], runs=[build_run(DAY)], backups=[build_backup(300 * DAY)])
    finding = evaluate_control(ID, index)
    assert finding.compliance is Compliance.COMPLIANT
    assert (finding.evidence["last_recovery_point_expires_at"], finding.evidence["never_expire"]) == (None, 1)


def test_the_reason_names_the_time_and_the_cause() -> None:
    """The reason names when the last recovery point expires, and why no new one is made."""
    finding = evaluate_control(ID, build_index(schedules=[PAUSED_SCHEDULE], runs=[build_run(4 * DAY)]))
    assert finding.reason == (
        "The last recovery point expires on 2026-11-25 12:00 UTC, in 3d (horizon: 7d), and the schedule is paused."
    )
    assert finding.evidence["last_recovery_point_expires_at"] == "2026-11-25T12:00:00Z"


def test_the_last_expiry_is_reported_whatever_the_verdict() -> None:
    """The evidence has the last expiry even if it is unknown whether new recovery points are made."""
    index = build_index(schedules=[build_schedule(frequency="hourly")], runs=[build_run(3 * DAY)])
    finding = evaluate_control(ID, index)
    assert finding.compliance is Compliance.INSUFFICIENT_DATA
    assert finding.evidence["last_recovery_point_expires_at"] == "2026-11-26T12:00:00Z"
    assert finding.evidence["frequency"] == "hourly"


@pytest.mark.parametrize(
    "case,cause",
    [
        pytest.param(
            build_index(schedules=[build_schedule()], runs=[build_run(4 * DAY)]),
            "the schedule makes no new ones",
            id="enabled-and-idle",
        ),
        pytest.param(
            build_index(
                schedules=[],
                listed_backups=[build_run(4 * DAY)],
                own_backups=build_complete_listing([build_run(4 * DAY)]),
            ),
            "there is no schedule",
            id="no-schedule",
        ),
    ],
)
def test_the_cause_depends_on_the_schedules(case: Any, cause: str) -> None:
    """The reason names the cause; of a deleted schedule, the state still knows the expiry."""
    state = build_state(build_known_backup(build_run(4 * DAY), NOW + DAY))
    assert cause in evaluate_control(ID, case, state).reason


@pytest.mark.parametrize(
    "schedules,runs,known_expiry,expected",
    [
        pytest.param([], [build_run(DAY)], None, Compliance.INSUFFICIENT_DATA, id="schedule-gone"),
        pytest.param(
            [], [build_run(DAY)], NOW + HORIZON, Compliance.NON_COMPLIANT, id="schedule-deleted-expiry-recorded"
        ),
        pytest.param(
            [], [build_run(DAY)], NOW + RETENTION, Compliance.COMPLIANT, id="schedule-deleted-far-expiry-recorded"
        ),
        pytest.param(
            [build_schedule(enabled=False, retention=None)],
            [build_run(DAY)],
            None,
            Compliance.INSUFFICIENT_DATA,
            id="retention",
        ),
        pytest.param(
            [build_schedule(retention=None)],
            [build_run(DAY)],
            None,
            Compliance.COMPLIANT,
            id="retention-does-not-decide",
        ),
        pytest.param(
            [build_schedule(frequency="hourly")],
            [build_run(3 * DAY)],
            None,
            Compliance.INSUFFICIENT_DATA,
            id="frequency",
        ),
        pytest.param(
            [build_schedule(enabled=None)], [build_run(DAY)], None, Compliance.INSUFFICIENT_DATA, id="perhaps-enabled"
        ),
        pytest.param(
            [build_schedule(enabled=None)],
            [build_run(3 * DAY)],
            None,
            Compliance.NON_COMPLIANT,
            id="enabled-or-not-idle",
        ),
    ],
)
def test_a_fact_that_is_not_known_matters_where_it_would_decide(
    schedules: list[Schedule], runs: list[Backup], known_expiry: datetime | None, expected: Compliance
) -> None:
    """An unknown expiry, frequency or pause makes the result unknown."""
    state = build_state(*(build_known_backup(it, known_expiry) for it in runs if known_expiry))
    index = build_index(schedules=schedules, runs=runs, listed_backups=runs, own_backups=build_complete_listing(runs))
    assert evaluate_compliance(ID, index, state) is expected


def test_an_undated_recovery_point_may_be_the_newest_and_the_last() -> None:
    """A recovery point without a capture time makes the result unknown, unless it is manual."""
    undated_run = build_run(DAY, backup_id="undated", name=None, scheduled_for=None, created_at=None)
    assert evaluate_compliance(ID, build_index(runs=[build_run(3 * DAY), undated_run])) is Compliance.INSUFFICIENT_DATA
    manual_index = build_index(runs=[build_run(3 * DAY)], backups=[build_backup(None)])
    assert evaluate_compliance(ID, manual_index) is Compliance.COMPLIANT


@pytest.mark.parametrize("case", [build_index(runs=[]), build_index(schedules=[], runs=[])])
def test_without_a_recovery_point_there_is_nothing_to_evaluate(case: Any) -> None:
    """Another control says so."""
    assert evaluate_compliance(ID, case) is Compliance.NOT_APPLICABLE
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing())) is Compliance.INSUFFICIENT_DATA
    )


def test_without_a_horizon_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_compliance(ID, build_index(schedules=[PAUSED_SCHEDULE]), horizon=None) is Compliance.NOT_APPLICABLE


def test_it_takes_two_reads() -> None:
    """A further recovery point, or a further schedule, could overturn it."""
    case = build_index(schedules=[PAUSED_SCHEDULE], runs=[build_run(DAY)], reads=1)
    assert evaluate_compliance(ID, build_inventory(case, reads=1)) is Compliance.INSUFFICIENT_DATA
    evaluation = evaluate_facts(build_inventory(case, reads=1))
    assert {BACKUP_LISTING, ListingId(ListingKind.SCHEDULES, "main")} <= evaluation.unconfirmed_listings


def test_a_plan_without_schedules_makes_nothing_new() -> None:
    """Backups of a deleted schedule expire as recorded."""
    rows = [build_run(DAY)]
    index = build_index(
        schedules=Denial(DenialReason.PLAN, "no such plan"),
        listed_backups=rows,
        own_backups=build_complete_listing(rows),
    )
    assert (
        evaluate_compliance(ID, index, build_state(build_known_backup(rows[0], NOW + DAY))) is Compliance.NON_COMPLIANT
    )
    assert (
        evaluate_compliance(ID, index, build_state(build_known_backup(rows[0], ago(DAY)))) is Compliance.NON_COMPLIANT
    )


@pytest.mark.parametrize(
    "remaining_time, verb",
    [
        pytest.param(SECOND, "The last recovery point expires on ", id="one-second-left"),
        pytest.param(timedelta(), "The last recovery point was due to expire on ", id="now"),
        pytest.param(-SECOND, "The last recovery point was due to expire on ", id="one-second-past"),
    ],
)
def test_a_listed_recovery_point_was_due_to_expire(remaining_time: timedelta, verb: str) -> None:
    """The reason says whether the expiry of the last recovery point is in the future."""
    index = build_index(
        schedules=[build_schedule(enabled=False, retention=RETENTION)], runs=[build_run(RETENTION - remaining_time)]
    )
    assert evaluate_control(ID, index).reason.startswith(verb)


def test_a_recovery_point_without_a_capture_time_may_be_new() -> None:
    """It is unknown whether a schedule makes new recovery points if none of them has a capture time."""
    undated_run = build_backup(None, backup_id="undated")
    finding = evaluate_control(ID, build_index(runs=[undated_run]))
    assert finding.compliance is Compliance.INSUFFICIENT_DATA
    assert finding.reason == "Some Ready backups have no capture time."
