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
    backup,
    broken,
    compliance,
    finding,
    index,
    inventory,
    judged,
    known,
    remembering,
    run,
    schedule,
    whole,
)

ID = "recovery-points-outlast-horizon"
PAUSED = schedule(enabled=False)
HORIZON = 7 * DAY
KEPT = 30 * DAY


@pytest.mark.parametrize(
    "left,expected",
    [
        pytest.param(HORIZON - SECOND, Compliance.NON_COMPLIANT, id="one-second-before"),
        pytest.param(HORIZON, Compliance.NON_COMPLIANT, id="at-limit"),
        pytest.param(HORIZON + SECOND, Compliance.COMPLIANT, id="one-second-past"),
        pytest.param(-DAY, Compliance.NON_COMPLIANT, id="past-its-expiry-and-still-listed"),
    ],
)
def test_the_last_one_outlasts_the_horizon(left: timedelta, expected: Compliance) -> None:
    """Its capture and the present retention of its schedule decide."""
    told = index(schedules=[schedule(enabled=False, retention=KEPT)], runs=[run(KEPT - left), run(KEPT + DAY)])
    assert compliance(ID, told) is expected


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(DAY + GRACE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_schedule_that_makes_new_ones_is_enough(age: timedelta, expected: Compliance) -> None:
    """The newest is no older than its interval and the grace."""
    assert compliance(ID, index(runs=[run(age)])) is expected


def test_one_of_two_enabled_schedules_is_enough() -> None:
    """Whichever makes new ones."""
    slow = schedule("schedule-2", frequency="weekly")
    assert compliance(ID, index(schedules=[schedule(), slow], runs=[run(3 * DAY)])) is Compliance.COMPLIANT


def test_a_manual_backup_never_expires() -> None:
    """Then there is no moment without any."""
    told = index(schedules=[PAUSED], runs=[run(DAY)], backups=[backup(300 * DAY)])
    found = finding(ID, told)
    assert found.compliance is Compliance.COMPLIANT
    assert (found.evidence["last_recovery_point_expires_at"], found.evidence["never_expire"]) == (None, 1)


def test_it_names_the_moment_and_the_way_out() -> None:
    """In the words in which people ask for it."""
    found = finding(ID, index(schedules=[PAUSED], runs=[run(4 * DAY)]))
    assert found.reason == (
        "The last recovery point of `main` expires on 2026-11-25 12:00 UTC, in 3 days; resume the schedule, or take a"
        " manual backup, which never expires."
    )
    assert found.evidence["last_recovery_point_expires_at"] == "2026-11-25T12:00:00Z"


def test_the_moment_is_told_whatever_the_verdict() -> None:
    """Whether anything makes new ones is another question."""
    told = index(schedules=[schedule(frequency="hourly")], runs=[run(3 * DAY)])
    found = finding(ID, told)
    assert found.compliance is Compliance.INSUFFICIENT_DATA
    assert found.evidence["last_recovery_point_expires_at"] == "2026-11-26T12:00:00Z"
    assert found.evidence["frequency"] == "hourly"


@pytest.mark.parametrize(
    "case,way_out",
    [
        pytest.param(index(schedules=[schedule()], runs=[run(4 * DAY)]), "find out why", id="enabled-and-idle"),
        pytest.param(
            index(schedules=[], listed=[run(4 * DAY)], own=whole([run(4 * DAY)])), "create a schedule", id="no-schedule"
        ),
    ],
)
def test_the_way_out_depends_on_what_there_is(case: Any, way_out: str) -> None:
    """A schedule that is gone leaves what was remembered of the expiry."""
    memory = remembering(known(run(4 * DAY), NOW + DAY))
    assert way_out in finding(ID, case, memory).reason


@pytest.mark.parametrize(
    "schedules,runs,remembered,expected",
    [
        pytest.param([], [run(DAY)], None, Compliance.INSUFFICIENT_DATA, id="schedule-gone"),
        pytest.param([], [run(DAY)], NOW + HORIZON, Compliance.NON_COMPLIANT, id="schedule-gone-expiry-remembered"),
        pytest.param([], [run(DAY)], NOW + KEPT, Compliance.COMPLIANT, id="schedule-gone-far-expiry-remembered"),
        pytest.param(
            [schedule(enabled=False, retention=None)], [run(DAY)], None, Compliance.INSUFFICIENT_DATA, id="retention"
        ),
        pytest.param(
            [schedule(retention=None)], [run(DAY)], None, Compliance.COMPLIANT, id="retention-does-not-decide"
        ),
        pytest.param(
            [schedule(frequency="hourly")], [run(3 * DAY)], None, Compliance.INSUFFICIENT_DATA, id="frequency"
        ),
        pytest.param([schedule(enabled=None)], [run(DAY)], None, Compliance.INSUFFICIENT_DATA, id="perhaps-enabled"),
        pytest.param(
            [schedule(enabled=None)], [run(3 * DAY)], None, Compliance.NON_COMPLIANT, id="enabled-or-not-idle"
        ),
    ],
)
def test_a_fact_that_is_not_known_matters_where_it_would_decide(
    schedules: list[Schedule], runs: list[Backup], remembered: datetime | None, expected: Compliance
) -> None:
    """An unknown expiry, an unknown frequency, a pause that nobody tells."""
    memory = remembering(*(known(it, remembered) for it in runs if remembered))
    told = index(schedules=schedules, runs=runs, listed=runs, own=whole(runs))
    assert compliance(ID, told, memory) is expected


def test_an_undated_recovery_point_may_be_the_newest_and_the_last() -> None:
    """Unless it was taken by hand."""
    undated = run(DAY, backup_id="undated", name=None, scheduled_for=None, created_at=None)
    assert compliance(ID, index(runs=[run(3 * DAY), undated])) is Compliance.INSUFFICIENT_DATA
    by_hand = index(runs=[run(3 * DAY)], backups=[backup(None)])
    assert compliance(ID, by_hand) is Compliance.COMPLIANT


@pytest.mark.parametrize("case", [index(runs=[]), index(schedules=[], runs=[])])
def test_without_a_recovery_point_there_is_nothing_to_judge(case: Any) -> None:
    """Another control says so."""
    assert compliance(ID, case) is Compliance.NOT_APPLICABLE
    assert compliance(ID, inventory(case, backups=broken())) is Compliance.INSUFFICIENT_DATA


def test_without_a_horizon_there_is_nothing_to_judge() -> None:
    """A limit that is null is none."""
    assert compliance(ID, index(schedules=[PAUSED]), horizon=None) is Compliance.NOT_APPLICABLE


def test_it_takes_two_walks() -> None:
    """A further recovery point, or a further schedule, could overturn it."""
    case = index(schedules=[PAUSED], runs=[run(DAY)], walks=1)
    assert compliance(ID, inventory(case, walks=1)) is Compliance.INSUFFICIENT_DATA
    judgement = judged(inventory(case, walks=1))
    assert {BACKUP_LISTING, ListingId(ListingKind.SCHEDULES, "main")} <= judgement.unconfirmed_listings


def test_a_plan_without_schedules_makes_nothing_new() -> None:
    """What is left then expires as is remembered."""
    rows = [run(DAY)]
    told = index(schedules=Denial(DenialReason.PLAN, "no such plan"), listed=rows, own=whole(rows))
    assert compliance(ID, told, remembering(known(rows[0], NOW + DAY))) is Compliance.NON_COMPLIANT
    assert compliance(ID, told, remembering(known(rows[0], ago(DAY)))) is Compliance.NON_COMPLIANT
