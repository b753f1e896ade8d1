"""Control `backups-within-erasure-horizon`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    SECOND,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
    build_unnamed_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "backups-within-erasure-horizon"
ERASURE_LIMIT = 30 * DAY


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(ERASURE_LIMIT - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(ERASURE_LIMIT, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(ERASURE_LIMIT + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_no_backup_is_too_old(age: timedelta, expected: Compliance) -> None:
    """Its capture counts, not when it was planned."""
    assert evaluate_compliance(ID, build_index(backups=[build_backup(age)]), max_backup_age=ERASURE_LIMIT) is expected
    assert evaluate_compliance(ID, build_index(runs=[build_run(age)]), max_backup_age=ERASURE_LIMIT) is expected


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(build_backup(40 * DAY, index_id="id-earlier"), id="earlier-index"),
        pytest.param(build_backup(40 * DAY, status="Failed"), id="failed"),
        pytest.param(build_backup(40 * DAY, status="Odd"), id="unknown-status"),
        pytest.param(build_run(40 * DAY), id="its-schedule-is-gone"),
    ],
)
def test_any_backup_under_the_name_counts(row: Backup) -> None:
    """Backups count in any state, and of earlier indexes of the name too."""
    assert evaluate_compliance(ID, build_index(backups=[row]), max_backup_age=ERASURE_LIMIT) is Compliance.NON_COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(schedules=[], listed_backups=[row]), max_backup_age=ERASURE_LIMIT)
        is Compliance.NON_COMPLIANT
    )


def test_a_planned_run_is_no_backup() -> None:
    """A planned run does not count, however long ago it was planned."""
    monthly_schedules = [build_schedule(frequency="monthly")]
    assert evaluate_compliance(
        ID, build_index(schedules=monthly_schedules, runs=[build_unnamed_run(31 * DAY)]), max_backup_age=ERASURE_LIMIT
    ) is (Compliance.NOT_APPLICABLE)
    late_index = build_index(
        runs=[build_run(40 * DAY, status="Scheduled")], listed_backups=[build_run(40 * DAY, status="Scheduled")]
    )
    assert evaluate_compliance(ID, late_index, max_backup_age=ERASURE_LIMIT) is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize(
    "rows,expected",
    [
        pytest.param([build_unnamed_run(ERASURE_LIMIT)], Compliance.INSUFFICIENT_DATA, id="none-is-certain"),
        pytest.param([build_unnamed_run(ERASURE_LIMIT), build_run(DAY)], Compliance.COMPLIANT, id="young-either-way"),
        pytest.param(
            [build_unnamed_run(ERASURE_LIMIT + SECOND), build_run(DAY)],
            Compliance.INSUFFICIENT_DATA,
            id="perhaps-too-old",
        ),
        pytest.param(
            [build_unnamed_run(ERASURE_LIMIT + SECOND), build_run(40 * DAY)],
            Compliance.NON_COMPLIANT,
            id="another-is-too-old",
        ),
    ],
)
def test_a_run_that_may_be_planned_counts_where_it_decides(rows: list[Backup], expected: Compliance) -> None:
    """The frequency of its schedule, or an unread history, decides whether the backup is planned."""
    unknown_index = build_index(schedules=[build_schedule(frequency=None)], runs=rows)
    assert evaluate_compliance(ID, unknown_index, max_backup_age=ERASURE_LIMIT) is expected
    failed_inventory = build_inventory(build_index(runs=build_failed_listing(), listed_backups=rows))
    assert evaluate_compliance(ID, failed_inventory, max_backup_age=ERASURE_LIMIT) is expected


def test_one_without_any_time_may_be_too_old() -> None:
    """A backup without a capture time, or an unread one, may be too old."""
    assert (
        evaluate_compliance(ID, build_index(backups=[build_backup(None)]), max_backup_age=ERASURE_LIMIT)
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(
            ID, build_inventory(build_index(), backups=build_failed_listing()), max_backup_age=ERASURE_LIMIT
        )
        is Compliance.INSUFFICIENT_DATA
    )


def test_a_row_of_a_history_alone_is_gone_already() -> None:
    """A backup that only a history lists is already deleted."""
    assert evaluate_compliance(
        ID,
        build_index(runs=[build_run(40 * DAY), build_run(DAY)], listed_backups=[build_run(DAY)]),
        max_backup_age=ERASURE_LIMIT,
    ) is (Compliance.COMPLIANT)


def test_without_a_limit_or_a_backup_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_compliance(ID, build_index(backups=[build_backup(900 * DAY)])) is Compliance.NOT_APPLICABLE
    assert evaluate_compliance(ID, build_index(runs=[]), max_backup_age=ERASURE_LIMIT) is Compliance.NOT_APPLICABLE


def test_the_evidence_names_each_and_the_oldest() -> None:
    """The evidence names each backup past the limit, and the oldest."""
    rows = [
        build_backup(50 * DAY, backup_id="b"),
        build_backup(40 * DAY, backup_id="a"),
        build_backup(DAY, backup_id="c"),
    ]
    finding = evaluate_control(ID, build_index(runs=[], backups=rows), max_backup_age=ERASURE_LIMIT)
    assert (finding.evidence["backup_ids"], finding.evidence["oldest"]) == (["a", "b"], "2026-10-03T12:00:00Z")
