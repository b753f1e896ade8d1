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
    backup,
    broken,
    compliance,
    disputed,
    index,
    inventory,
    judged,
    run,
    schedule,
    whole,
)

ID = "index-has-recovery-point"


def made(age: timedelta, **facts: Any) -> list[Schedule]:
    """Build the schedules of an index whose only one was made so long ago."""
    return [schedule(created_at=ago(age), **facts)]


@pytest.mark.parametrize(
    "row,expected",
    [
        pytest.param(backup(0 * SECOND), Compliance.COMPLIANT, id="captured-now"),
        pytest.param(backup(-CLOCK_TOLERANCE), Compliance.COMPLIANT, id="ahead-at-limit"),
        pytest.param(backup(-CLOCK_TOLERANCE - SECOND), Compliance.NON_COMPLIANT, id="ahead-one-second-past"),
        pytest.param(run(-CLOCK_TOLERANCE, status="Initializing"), Compliance.NON_COMPLIANT, id="planned-ahead"),
        pytest.param(backup(status="READY"), Compliance.COMPLIANT, id="ready-in-capitals"),
        pytest.param(backup(status="Initializing"), Compliance.NON_COMPLIANT, id="under-way"),
        pytest.param(backup(status="Failed"), Compliance.NON_COMPLIANT, id="failed"),
        pytest.param(backup(status="Archived"), Compliance.NON_COMPLIANT, id="unknown-status"),
        pytest.param(backup(index_id="id-earlier"), Compliance.NON_COMPLIANT, id="of-an-earlier-index"),
        pytest.param(backup(None), Compliance.INSUFFICIENT_DATA, id="undated"),
    ],
)
def test_only_a_ready_backup_of_the_live_index_is_a_recovery_point(row: Backup, expected: Compliance) -> None:
    """It is captured, not in the future, and of the live index's own id."""
    assert compliance(ID, index(runs=[], backups=[row])) is expected


def test_the_backup_listing_alone_shows_recovery_points() -> None:
    """What it shows as under way is none yet, though a history that was read a moment later knows better."""
    row = run(DAY, status="Initializing")
    assert compliance(ID, index(runs=[run(DAY)], listed=[row])) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "project,own,expected",
    [
        pytest.param("Ready", "Initializing", Compliance.COMPLIANT, id="ready-in-the-project"),
        pytest.param("Initializing", "Ready", Compliance.COMPLIANT, id="ready-in-its-own"),
        pytest.param("Ready", "Archived", Compliance.NON_COMPLIANT, id="unknown-in-its-own"),
    ],
)
def test_the_listing_that_saw_a_backup_further_along_counts(project: str, own: str, expected: Compliance) -> None:
    """Either of the project's and the index's own may have been read later than the other."""
    case = index(schedules=(), backups=[backup(status=project)], own=whole([backup(status=own)]))
    assert compliance(ID, case) is expected


def test_a_ready_row_of_a_history_alone_is_no_recovery_point() -> None:
    """What the backup listing does not show is a run that was made once."""
    assert compliance(ID, index(runs=[run(DAY)], listed=())) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE - SECOND, Compliance.COMPLIANT, id="one-second-before-due"),
        pytest.param(DAY + GRACE, Compliance.NON_COMPLIANT, id="due"),
    ],
)
def test_the_first_run_of_a_young_schedule_is_not_yet_due(age: timedelta, expected: Compliance) -> None:
    """An interval and the grace after its creation there has to be a recovery point."""
    assert compliance(ID, index(schedules=made(age), runs=[])) is expected


def test_one_young_schedule_is_enough() -> None:
    """Beside an older enabled one, and one of unknown frequency, it still excuses."""
    schedules = [schedule("s-1"), schedule("s-2", frequency="hourly"), schedule("s-3", created_at=ago(HOUR))]
    assert compliance(ID, index(schedules=schedules, runs=[])) is Compliance.COMPLIANT


def test_a_paused_young_schedule_excuses_nothing() -> None:
    """Its first run will not come."""
    assert compliance(ID, index(schedules=made(HOUR, enabled=False), runs=[])) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"frequency": "hourly"}, id="unknown-frequency"),
        pytest.param({"created_at": None}, id="null-creation"),
        pytest.param({"enabled": None, "created_at": ago(HOUR)}, id="perhaps-enabled"),
    ],
)
def test_a_schedule_that_may_excuse_leaves_it_open(facts: dict[str, Any]) -> None:
    """Where it is not known whether the first run is due, nothing is said."""
    assert compliance(ID, index(schedules=[schedule(**facts)], runs=[])) is Compliance.INSUFFICIENT_DATA


def test_a_schedule_that_may_be_enabled_and_is_old_excuses_nothing() -> None:
    """Whether it is enabled does not decide."""
    assert compliance(ID, index(schedules=[schedule(enabled=None)], runs=[])) is Compliance.NON_COMPLIANT


def test_schedules_that_were_not_read_may_excuse() -> None:
    """Without them nothing is called missing; with a recovery point they do not matter."""
    assert compliance(ID, index(schedules=broken(), own=whole([]))) is Compliance.INSUFFICIENT_DATA
    own = whole([backup()])
    assert compliance(ID, index(schedules=broken(), backups=[backup()], own=own)) is Compliance.COMPLIANT


def test_one_walk_does_not_prove_absence() -> None:
    """The listing of backups is named as one to walk again."""
    judgement = judged(inventory(index(schedules=(), walks=1), walks=1))
    assert {it.control: it.compliance for it in judgement.findings}[ID] is Compliance.INSUFFICIENT_DATA
    assert BACKUP_LISTING in judgement.unconfirmed_listings


def test_walks_that_differ_under_its_name_prove_no_absence() -> None:
    """Rows shifted under the walk: a recovery point may have gone unseen; those of other names do not matter."""
    moving = backup(backup_id="moving", status="Failed")
    case = index(runs=[], listed=())
    assert compliance(ID, inventory(case, backups=disputed([moving], []))) is Compliance.INSUFFICIENT_DATA
    elsewhere = backup(index_name="other", index_id="id-other")
    assert compliance(ID, inventory(case, backups=disputed([elsewhere], []))) is Compliance.NON_COMPLIANT


def test_a_broken_walk_proves_presence_alone() -> None:
    """A recovery point that was seen is one; that none was seen means nothing."""
    case = index(runs=[])
    assert compliance(ID, inventory(case, backups=broken([backup()]))) is Compliance.COMPLIANT
    assert compliance(ID, inventory(case, backups=broken())) is Compliance.INSUFFICIENT_DATA


def test_whose_backups_they_are_matters_only_where_some_may_be_its_own() -> None:
    """Without a Ready backup under the name, whichever id is the live one has none."""
    failed = backup(status="Failed")
    assert compliance(ID, index(schedules=(), backups=[failed])) is Compliance.NON_COMPLIANT
    assert compliance(ID, index(schedules=(), backups=[failed, backup()])) is Compliance.INSUFFICIENT_DATA
    untold = [schedule(index_id=None, created_at=ago(HOUR))]
    assert compliance(ID, index(schedules=untold, runs=[], backups=[backup()])) is Compliance.COMPLIANT


def test_a_young_schedule_excuses_whatever_was_not_read() -> None:
    """Either there is a recovery point, or none is due."""
    case = index(schedules=made(HOUR), runs=[])
    assert compliance(ID, inventory(case, backups=broken())) is Compliance.COMPLIANT
