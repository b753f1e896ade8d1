"""Control `recovery-points-meet-minimum-copies`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Schedule
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    SECOND,
    ago,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
)

ID = "recovery-points-meet-minimum-copies"
YOUNG_MOMENT, OLD_MOMENT = ago(HOUR), ago(60 * DAY)


@pytest.mark.parametrize(
    "copies,expected",
    [
        pytest.param(0, Compliance.NON_COMPLIANT, id="none"),
        pytest.param(2, Compliance.NON_COMPLIANT, id="one-short"),
        pytest.param(3, Compliance.COMPLIANT, id="at-limit"),
    ],
)
def test_so_many_recovery_points_are_required(copies: int, expected: Compliance) -> None:
    """An index without recovery points has too few as well."""
    assert evaluate_compliance(ID, build_index(runs=build_daily_runs(copies)), min_copies=3) is expected


def test_manual_backups_count() -> None:
    """Scheduled and manual recovery points count alike."""
    case = build_index(runs=build_daily_runs(1), backups=[build_backup()])
    assert evaluate_compliance(ID, case, min_copies=2) is Compliance.COMPLIANT


def test_without_a_minimum_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_compliance(ID, build_index(runs=[]), min_copies=None) is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(3 * DAY + GRACE - SECOND, Compliance.COMPLIANT, id="one-second-younger"),
        pytest.param(3 * DAY + GRACE, Compliance.NON_COMPLIANT, id="old-enough"),
    ],
)
def test_a_young_schedule_is_excused(age: timedelta, expected: Compliance) -> None:
    """A schedule passes until as many intervals and the grace period have passed since its creation."""
    case = build_index(schedules=[build_schedule(created_at=ago(age))], runs=build_daily_runs(1))
    assert evaluate_compliance(ID, case, min_copies=3) is expected


@pytest.mark.parametrize(
    "schedules,expected",
    [
        pytest.param([], Compliance.NON_COMPLIANT, id="none"),
        pytest.param(
            [build_schedule(created_at=YOUNG_MOMENT, enabled=False)], Compliance.NON_COMPLIANT, id="young-but-paused"
        ),
        pytest.param(
            [build_schedule(created_at=YOUNG_MOMENT), build_schedule("s-2", created_at=OLD_MOMENT)],
            Compliance.NON_COMPLIANT,
            id="one-is-old",
        ),
        pytest.param(
            [build_schedule(created_at=YOUNG_MOMENT), build_schedule("s-2", created_at=OLD_MOMENT, enabled=False)],
            Compliance.COMPLIANT,
            id="the-old-one-is-paused",
        ),
        pytest.param([build_schedule(created_at=None)], Compliance.INSUFFICIENT_DATA, id="null-creation"),
        pytest.param([build_schedule(frequency="hourly")], Compliance.INSUFFICIENT_DATA, id="unknown-frequency"),
        pytest.param(
            [build_schedule(created_at=None), build_schedule("s-2", created_at=OLD_MOMENT)],
            Compliance.NON_COMPLIANT,
            id="old-decides",
        ),
        pytest.param(
            [build_schedule(created_at=YOUNG_MOMENT, enabled=None)], Compliance.INSUFFICIENT_DATA, id="perhaps-enabled"
        ),
        pytest.param(
            [build_schedule(created_at=OLD_MOMENT, enabled=None)], Compliance.NON_COMPLIANT, id="old-if-enabled"
        ),
        pytest.param(
            [build_schedule(created_at=YOUNG_MOMENT), build_schedule("s-2", created_at=OLD_MOMENT, enabled=None)],
            Compliance.INSUFFICIENT_DATA,
            id="old-one-perhaps-enabled",
        ),
        pytest.param(
            [build_schedule(created_at=YOUNG_MOMENT), build_schedule("s-2", created_at=YOUNG_MOMENT, enabled=None)],
            Compliance.COMPLIANT,
            id="young-either-way",
        ),
    ],
)
def test_every_enabled_schedule_has_to_be_young(schedules: list[Schedule], expected: Compliance) -> None:
    """An enabled schedule must exist; an unknown one matters only if it decides."""
    assert evaluate_compliance(ID, build_index(schedules=schedules, runs=[])) is expected


def test_schedules_that_were_not_read_may_excuse_or_not() -> None:
    """An old one that was seen is certain to excuse nothing."""
    young_schedule, old_schedule = build_schedule(created_at=YOUNG_MOMENT), build_schedule(created_at=OLD_MOMENT)
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([young_schedule]), runs=[]))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([old_schedule]), runs=[]))
        is Compliance.NON_COMPLIANT
    )


def test_ready_backups_without_any_time_matter_where_they_would_decide() -> None:
    """Ready backups without a capture time make the result unknown if they would be enough."""
    case = build_index(runs=build_daily_runs(1), backups=[build_backup(None)])
    assert evaluate_compliance(ID, case, min_copies=2) is Compliance.INSUFFICIENT_DATA
    assert evaluate_compliance(ID, case, min_copies=3) is Compliance.NON_COMPLIANT


def test_whose_backups_they_are_matters_only_where_they_could_be_enough() -> None:
    """Too few, whichever id is the live one, are too few."""
    case = build_index(schedules=(), backups=[build_backup()])
    assert evaluate_compliance(ID, case, min_copies=2) is Compliance.NON_COMPLIANT
    assert evaluate_compliance(ID, case, min_copies=1) is Compliance.INSUFFICIENT_DATA


def test_too_few_takes_two_reads_to_say() -> None:
    """Too few copies need two reads; enough copies need one, even an incomplete one."""
    case = build_index(runs=build_daily_runs(2))
    assert evaluate_compliance(ID, build_inventory(case, reads=1), min_copies=3) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing(case.listed_backups)), min_copies=2)
        is Compliance.COMPLIANT
    )
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing(case.listed_backups)), min_copies=3)
        is Compliance.INSUFFICIENT_DATA
    )


def test_the_reason_has_the_figures() -> None:
    """The reason names the number of recovery points, or its range."""
    small_index = build_index(runs=[build_run(DAY)])
    assert evaluate_control(ID, small_index).reason == "The index has 1 recovery point (minimum: 2)."
    undated_index = build_index(runs=[build_run(DAY)], backups=[build_backup(None)])
    assert evaluate_control(ID, undated_index).reason.startswith("The index has 1 to 2 recovery points (minimum: 2); ")
