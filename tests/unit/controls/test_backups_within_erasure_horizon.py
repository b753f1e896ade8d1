"""Control `backups-within-erasure-horizon`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    SECOND,
    backup,
    broken,
    compliance,
    finding,
    index,
    inventory,
    run,
    schedule,
    unnamed_run,
)

ID = "backups-within-erasure-horizon"
ERASURE = 30 * DAY


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(ERASURE - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(ERASURE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(ERASURE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_no_backup_is_too_old(age: timedelta, expected: Compliance) -> None:
    """Its capture counts, not when it was planned."""
    assert compliance(ID, index(backups=[backup(age)]), max_backup_age=ERASURE) is expected
    assert compliance(ID, index(runs=[run(age)]), max_backup_age=ERASURE) is expected


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(backup(40 * DAY, index_id="id-earlier"), id="earlier-index"),
        pytest.param(backup(40 * DAY, status="Failed"), id="failed"),
        pytest.param(backup(40 * DAY, status="Odd"), id="unknown-status"),
        pytest.param(run(40 * DAY), id="its-schedule-is-gone"),
    ],
)
def test_any_backup_under_the_name_counts(row: Backup) -> None:
    """In whatever state, of earlier indexes too, by name."""
    assert compliance(ID, index(backups=[row]), max_backup_age=ERASURE) is Compliance.NON_COMPLIANT
    assert compliance(ID, index(schedules=[], listed=[row]), max_backup_age=ERASURE) is Compliance.NON_COMPLIANT


def test_a_planned_run_is_no_backup() -> None:
    """However long ago it was planned."""
    monthly = [schedule(frequency="monthly")]
    assert compliance(ID, index(schedules=monthly, runs=[unnamed_run(31 * DAY)]), max_backup_age=ERASURE) is (
        Compliance.NOT_APPLICABLE
    )
    late = index(runs=[run(40 * DAY, status="Scheduled")], listed=[run(40 * DAY, status="Scheduled")])
    assert compliance(ID, late, max_backup_age=ERASURE) is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize(
    "rows,expected",
    [
        pytest.param([unnamed_run(ERASURE)], Compliance.INSUFFICIENT_DATA, id="none-is-certain"),
        pytest.param([unnamed_run(ERASURE), run(DAY)], Compliance.COMPLIANT, id="young-either-way"),
        pytest.param([unnamed_run(ERASURE + SECOND), run(DAY)], Compliance.INSUFFICIENT_DATA, id="perhaps-too-old"),
        pytest.param([unnamed_run(ERASURE + SECOND), run(40 * DAY)], Compliance.NON_COMPLIANT, id="another-is-too-old"),
    ],
)
def test_a_run_that_may_be_planned_counts_where_it_decides(rows: list[Backup], expected: Compliance) -> None:
    """How often its schedule runs would tell, or the history that was not read."""
    unknown = index(schedules=[schedule(frequency=None)], runs=rows)
    assert compliance(ID, unknown, max_backup_age=ERASURE) is expected
    unread = inventory(index(runs=broken(), listed=rows))
    assert compliance(ID, unread, max_backup_age=ERASURE) is expected


def test_one_without_any_time_may_be_too_old() -> None:
    """And so may one that was not read."""
    assert compliance(ID, index(backups=[backup(None)]), max_backup_age=ERASURE) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, inventory(index(), backups=broken()), max_backup_age=ERASURE) is Compliance.INSUFFICIENT_DATA


def test_a_row_of_a_history_alone_is_gone_already() -> None:
    """It is listed no more."""
    assert compliance(ID, index(runs=[run(40 * DAY), run(DAY)], listed=[run(DAY)]), max_backup_age=ERASURE) is (
        Compliance.COMPLIANT
    )


def test_without_a_limit_or_a_backup_there_is_nothing_to_judge() -> None:
    """A limit that is null is none."""
    assert compliance(ID, index(backups=[backup(900 * DAY)])) is Compliance.NOT_APPLICABLE
    assert compliance(ID, index(runs=[]), max_backup_age=ERASURE) is Compliance.NOT_APPLICABLE


def test_the_evidence_names_each_and_the_oldest() -> None:
    """So that they can be deleted."""
    rows = [backup(50 * DAY, backup_id="b"), backup(40 * DAY, backup_id="a"), backup(DAY, backup_id="c")]
    found = finding(ID, index(runs=[], backups=rows), max_backup_age=ERASURE)
    assert (found.evidence["backup_ids"], found.evidence["oldest"]) == (["a", "b"], "2026-10-03T12:00:00Z")
