"""Control `index-has-recovery-point`."""

from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    SECOND,
    ago,
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
    evaluate_compliance,
    evaluate_facts,
)

ID = "index-has-recovery-point"


def build_schedules(age: timedelta, **facts: Any) -> list[Schedule]:
    """Build the schedules of an index whose only one was made so long ago."""
    return [build_schedule(created_at=ago(age), **facts)]


@pytest.mark.parametrize(
    "row,expected",
    [
        pytest.param(build_backup(0 * SECOND), Compliance.COMPLIANT, id="captured-now"),
        pytest.param(build_backup(-CLOCK_TOLERANCE), Compliance.COMPLIANT, id="ahead-at-limit"),
        pytest.param(build_backup(-CLOCK_TOLERANCE - SECOND), Compliance.NON_COMPLIANT, id="ahead-one-second-past"),
        pytest.param(build_run(-CLOCK_TOLERANCE, status="Initializing"), Compliance.NON_COMPLIANT, id="planned-ahead"),
        pytest.param(build_backup(status="READY"), Compliance.COMPLIANT, id="ready-in-capitals"),
        pytest.param(build_backup(status="Initializing"), Compliance.NON_COMPLIANT, id="under-way"),
        pytest.param(build_backup(status="Failed"), Compliance.NON_COMPLIANT, id="failed"),
        pytest.param(build_backup(status="Archived"), Compliance.NON_COMPLIANT, id="unknown-status"),
        pytest.param(build_backup(index_id="id-earlier"), Compliance.NON_COMPLIANT, id="of-an-earlier-index"),
        pytest.param(build_backup(None), Compliance.INSUFFICIENT_DATA, id="undated"),
    ],
)
def test_only_a_ready_backup_of_the_live_index_is_a_recovery_point(row: Backup, expected: Compliance) -> None:
    """A recovery point is Ready, captured, not in the future, and of the live index's own id."""
    assert evaluate_compliance(ID, build_index(runs=[], backups=[row])) is expected


def test_the_backup_listing_alone_shows_recovery_points() -> None:
    """A backup that the listing shows in progress is no recovery point, even if a later history shows it as Ready."""
    row = build_run(DAY, status="Initializing")
    assert evaluate_compliance(ID, build_index(runs=[build_run(DAY)], listed_backups=[row])) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "project,own_status,expected",
    [
        pytest.param("Ready", "Initializing", Compliance.COMPLIANT, id="ready-in-the-project"),
        pytest.param("Initializing", "Ready", Compliance.COMPLIANT, id="ready-in-its-own"),
        pytest.param("Ready", "Archived", Compliance.NON_COMPLIANT, id="unknown-in-its-own"),
    ],
)
def test_the_listing_that_saw_a_backup_further_along_counts(
    project: str, own_status: str, expected: Compliance
) -> None:
    """Either of the project's and the index's own may have been read later than the other."""
    case = build_index(
        schedules=(),
        backups=[build_backup(status=project)],
        own_backups=build_complete_listing([build_backup(status=own_status)]),
    )
    assert evaluate_compliance(ID, case) is expected


def test_a_ready_row_of_a_history_alone_is_no_recovery_point() -> None:
    """A Ready row that only a history lists is a run, not a recovery point."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(DAY)], listed_backups=())) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE - SECOND, Compliance.COMPLIANT, id="one-second-before-due"),
        pytest.param(DAY + GRACE, Compliance.NON_COMPLIANT, id="due"),
    ],
)
def test_the_first_run_of_a_young_schedule_is_not_yet_due(age: timedelta, expected: Compliance) -> None:
    """An interval and the grace after its creation there has to be a recovery point."""
    assert evaluate_compliance(ID, build_index(schedules=build_schedules(age), runs=[])) is expected


def test_one_young_schedule_is_enough() -> None:
    """Beside an older enabled one, and one of unknown frequency, it still excuses."""
    schedules = [
        build_schedule("s-1"),
        build_schedule("s-2", frequency="hourly"),
        build_schedule("s-3", created_at=ago(HOUR)),
    ]
    assert evaluate_compliance(ID, build_index(schedules=schedules, runs=[])) is Compliance.COMPLIANT


def test_a_paused_young_schedule_excuses_nothing() -> None:
    """Its first run will not come."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_schedules(HOUR, enabled=False), runs=[]))
        is Compliance.NON_COMPLIANT
    )


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"frequency": "hourly"}, id="unknown-frequency"),
        pytest.param({"created_at": None}, id="null-creation"),
        pytest.param({"enabled": None, "created_at": ago(HOUR)}, id="perhaps-enabled"),
    ],
)
def test_a_schedule_that_may_excuse_leaves_it_open(facts: dict[str, Any]) -> None:
    """The result is unknown if it is unknown whether the first run is due."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(**facts)], runs=[]))
        is Compliance.INSUFFICIENT_DATA
    )


def test_a_schedule_that_may_be_enabled_and_is_old_excuses_nothing() -> None:
    """Whether it is enabled does not decide."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(enabled=None)], runs=[]))
        is Compliance.NON_COMPLIANT
    )


def test_schedules_that_were_not_read_may_excuse() -> None:
    """Without them nothing is called missing; with a recovery point they do not matter."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing(), own_backups=build_complete_listing([])))
        is Compliance.INSUFFICIENT_DATA
    )
    own_listing = build_complete_listing([build_backup()])
    assert (
        evaluate_compliance(
            ID, build_index(schedules=build_failed_listing(), backups=[build_backup()], own_backups=own_listing)
        )
        is Compliance.COMPLIANT
    )


def test_one_read_does_not_prove_absence() -> None:
    """The backup listing is reported as one to read again."""
    evaluation = evaluate_facts(build_inventory(build_index(schedules=(), reads=1), reads=1))
    assert {it.control: it.compliance for it in evaluation.findings}[ID] is Compliance.INSUFFICIENT_DATA
    assert BACKUP_LISTING in evaluation.unconfirmed_listings


def test_reads_that_differ_under_its_name_prove_no_absence() -> None:
    """Rows that changed between two reads may hide a recovery point; rows of other names do not matter."""
    changing_backup = build_backup(backup_id="moving", status="Failed")
    case = build_index(runs=[], listed_backups=())
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_conflicting_listing([changing_backup], [])))
        is Compliance.INSUFFICIENT_DATA
    )
    other_backup = build_backup(index_name="other", index_id="id-other")
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_conflicting_listing([other_backup], [])))
        is Compliance.NON_COMPLIANT
    )


def test_a_broken_read_proves_presence_alone() -> None:
    """A recovery point that was seen is one; that none was seen means nothing."""
    case = build_index(runs=[])
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing([build_backup()])))
        is Compliance.COMPLIANT
    )
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing())) is Compliance.INSUFFICIENT_DATA
    )


def test_whose_backups_they_are_matters_only_where_some_may_be_its_own() -> None:
    """Without a Ready backup under the name, whichever id is the live one has none."""
    failed_backup = build_backup(status="Failed")
    assert evaluate_compliance(ID, build_index(schedules=(), backups=[failed_backup])) is Compliance.NON_COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(schedules=(), backups=[failed_backup, build_backup()]))
        is Compliance.INSUFFICIENT_DATA
    )
    unknown_schedules = [build_schedule(index_id=None, created_at=ago(HOUR))]
    assert (
        evaluate_compliance(ID, build_index(schedules=unknown_schedules, runs=[], backups=[build_backup()]))
        is Compliance.COMPLIANT
    )


def test_a_young_schedule_excuses_whatever_was_not_read() -> None:
    """Either there is a recovery point, or none is due."""
    case = build_index(schedules=build_schedules(HOUR), runs=[])
    assert evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing())) is Compliance.COMPLIANT
