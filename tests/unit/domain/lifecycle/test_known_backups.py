"""Backups are remembered with the moment until which they should exist, by the retention known since."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.snapshots import snapshot_backups
from backup_auditor.domain.model import Backup
from backup_auditor.domain.project_state import EMPTY_STATE, KnownBackup, ProjectState
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import BROKEN, DAY, NOW, SECOND, ago, backup, broken, index, inventory, run, schedule, whole
from support.builders.reports import BUILT_IN

RUN = run(DAY)
MANUAL = backup(DAY)
CAPTURED = ago(DAY)


def project(*runs: Backup, listed: Any = None, manual: tuple[Backup, ...] = (), **settings: Any) -> Inventory:
    """Build a project of one index with a schedule, its runs and its manual backups."""
    return inventory(index(schedules=[schedule(**settings)], runs=list(runs), listed=listed, backups=manual))


def remembered(*told: Inventory) -> dict[str, KnownBackup]:
    """Audit one inventory after the other."""
    memory: ProjectState = EMPTY_STATE
    for it in told:
        memory = replace(memory, backups=snapshot_backups(ProjectContext(it, BUILT_IN, memory)))
    return dict(memory.backups)


def later(told: Inventory, length: Any) -> Inventory:
    """Read the same facts later."""
    return replace(told, observed_at=NOW + length)


def test_a_run_should_exist_until_its_retention_has_passed() -> None:
    """Since its capture, not since it was planned."""
    (known,) = remembered(project(RUN)).values()
    assert (known.schedule_id, known.captured_at, known.known_since) == ("schedule-1", CAPTURED, NOW)
    assert (known.expires, known.expires_at) == (True, CAPTURED + 7 * DAY)


@pytest.mark.parametrize(
    "ahead, captured_at",
    [
        pytest.param(CLOCK_TOLERANCE, NOW, id="at-limit"),
        pytest.param(CLOCK_TOLERANCE + SECOND, NOW + CLOCK_TOLERANCE + SECOND, id="one-second-past"),
    ],
)
def test_a_backup_captured_slightly_ahead_is_remembered_as_now(ahead: timedelta, captured_at: datetime) -> None:
    """A later audit keeps the capture time that was recorded first."""
    facts = project(run(-ahead))
    for told in ((facts,), (facts, later(facts, DAY))):
        (known,) = remembered(*told).values()
        assert known.captured_at == captured_at


def test_a_manual_backup_should_exist_for_good() -> None:
    """No history lists it, and its name is no run's."""
    (known,) = remembered(project(manual=(MANUAL,))).values()
    assert (known.schedule_id, known.expires, known.expires_at) == (None, False, None)


def test_a_run_without_a_schedule_may_expire_at_any_time() -> None:
    """Its schedule went before anything was remembered of it."""
    (known,) = remembered(inventory(index(schedules=(), listed=[RUN]))).values()
    assert known.expires is not False
    assert known.expires_at is None


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(inventory(index(listed=[MANUAL], runs=broken())), id="history-unread"),
        pytest.param(inventory(index(listed=[MANUAL], schedules=broken())), id="schedules-unread"),
        pytest.param(
            replace(inventory(index(listed=[MANUAL], runs=[])), indexes_failure=BROKEN, indexes=()), id="indexes-unread"
        ),
    ],
)
def test_what_may_be_a_run_is_not_called_manual(told: Inventory) -> None:
    """A history that was not read to its end may list it."""
    (known,) = remembered(told).values()
    assert (known.expires, known.expires_at) == (None, None)
    (known,) = remembered(told, project(manual=(MANUAL,))).values()
    assert known.expires is False


@pytest.mark.parametrize("status", ["Initializing", "Scheduled", "Failed", "Odd"])
def test_only_what_was_ready_is_remembered(status: str) -> None:
    """Nothing else is a loss."""
    assert remembered(project(replace(RUN, status=status), listed=[replace(RUN, status=status)])) == {}


def test_a_ready_backup_stays_known_whatever_its_status_becomes() -> None:
    """It is listed still."""
    known = remembered(project(RUN))
    assert remembered(project(RUN), project(listed=[replace(RUN, status="Terminating")])) == known


@pytest.mark.parametrize("days", [2, 35])
def test_a_listed_run_follows_the_retention_of_its_schedule(days: int) -> None:
    """Lowering it deletes early, raising it rescues."""
    (known,) = remembered(project(RUN), project(RUN, retention=days * DAY)).values()
    assert known.expires_at == CAPTURED + days * DAY


@pytest.mark.parametrize(
    "days,expected",
    [pytest.param(3, 3, id="a-shorter-one-explains-it"), pytest.param(35, 7, id="a-longer-one-does-not")],
)
def test_a_run_that_is_missed_expires_by_the_least_retention_known_since(days: int, expected: int) -> None:
    """Even where the history no longer lists it."""
    (known,) = remembered(project(RUN), project(listed=[], retention=days * DAY)).values()
    assert known.expires_at == CAPTURED + expected * DAY


def test_a_retention_that_was_short_for_one_night_counts() -> None:
    """What it deleted did not vanish, however long the retention is again; an incomplete audit saw it, too."""
    short = replace(project(listed=[], retention=3 * DAY), indexes_failure=BROKEN)
    (known,) = remembered(project(RUN), short, project(listed=[])).values()
    assert known.expires_at == CAPTURED + 3 * DAY


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(inventory(index(schedules=(), listed=[RUN])), id="its-schedule-is-gone"),
        pytest.param(inventory(index(schedules=broken(), listed=[RUN])), id="its-schedule-is-unread"),
        pytest.param(project(RUN, retention=None), id="its-retention-is-not-told"),
        pytest.param(inventory(index(schedules=(), listed=[replace(RUN, name="named")])), id="under-another-name"),
    ],
)
def test_what_is_remembered_serves_where_nothing_is_told(second: Inventory) -> None:
    """The expiry stays as it was."""
    assert remembered(project(RUN), second) == remembered(project(RUN))


def test_the_history_need_not_list_an_old_run() -> None:
    """Which schedule made it is remembered, and that one's retention decides."""
    (known,) = remembered(project(RUN), project(listed=[RUN], retention=35 * DAY)).values()
    assert known.expires_at == CAPTURED + 35 * DAY


@pytest.mark.parametrize(
    "length,is_known",
    [
        pytest.param(6 * DAY - SECOND, True, id="one-second-before-it-expires"),
        pytest.param(6 * DAY, False, id="at-its-expiry"),
    ],
)
def test_a_run_that_is_missed_is_forgotten_when_it_should_have_expired(length: Any, *, is_known: bool) -> None:
    """Until then its loss is a loss."""
    assert bool(remembered(project(RUN), later(project(listed=[]), length))) is is_known


def test_an_expired_run_that_is_listed_stays_known() -> None:
    """It is there, late or not."""
    assert remembered(project(RUN), later(project(RUN), 30 * DAY)) == remembered(project(RUN))


@pytest.mark.parametrize(
    "length,is_known",
    [
        pytest.param(30 * DAY - SECOND, True, id="one-second-before"),
        pytest.param(30 * DAY, False, id="at-limit"),
    ],
)
def test_a_manual_backup_is_forgotten_thirty_days_after_it_was_first_missed(length: Any, *, is_known: bool) -> None:
    """A backup that would never have expired is remembered until then, however often it is missed."""
    told, missed = project(manual=(MANUAL,)), project(listed=[])
    assert bool(remembered(told, later(missed, DAY), later(missed, 2 * DAY), later(missed, DAY + length))) is is_known


def test_a_backup_that_is_listed_again_is_not_missed_any_more() -> None:
    """The time since it was first missed begins anew."""
    told, missed = project(manual=(MANUAL,)), project(listed=[])
    assert remembered(told, later(missed, DAY), told) == remembered(told)


def test_one_walk_is_no_miss() -> None:
    """The moment at which a backup was first missed takes two walks that agree."""
    told = inventory(index(schedules=[schedule()], runs=[], backups=[MANUAL]))
    once = inventory(index(schedules=[schedule()], runs=[]), walks=1)
    assert [it.missed_at for it in remembered(told, once).values()] == [None]
    assert [it.missed_at for it in remembered(told, project(listed=[])).values()] == [NOW]


def test_a_retention_that_is_lowered_after_a_backup_was_missed_explains_nothing() -> None:
    """The retention known when it was first missed decides, and so does a longer one."""
    missed = later(project(listed=[]), DAY)
    first = remembered(project(RUN), missed)
    for days in (1, 90):
        assert remembered(project(RUN), missed, later(project(listed=[], retention=days * DAY), DAY)) == first


def test_a_backup_of_unknown_expiry_is_forgotten_once_it_is_missed() -> None:
    """Nothing tells that it should exist; but an incomplete audit tells nothing at all."""
    told = inventory(index(schedules=(), listed=[RUN]))
    incomplete = replace(inventory(index(schedules=(), listed=[])), indexes_failure=BROKEN)
    assert remembered(told, incomplete) == remembered(told)
    assert remembered(told, inventory(index(schedules=(), listed=[]))) == {}


def test_an_incomplete_audit_adds_what_it_saw() -> None:
    """And forgets nothing, however long expired."""
    second = later(inventory(index(listed=[run(-29 * DAY)], runs=broken())), 30 * DAY)
    assert len(remembered(project(RUN), second)) == 2


def test_a_backup_of_a_deleted_index_is_remembered() -> None:
    """It outlives its index; its schedules went with that."""
    other = backup(index_id="id-old", index_name="gone")
    known = remembered(inventory(index(listed=[]), more=[other]))[other.backup_id]
    assert (known.index_id, known.index_name, known.expires) == ("id-old", "gone", False)


def test_a_backup_that_only_its_index_lists_is_remembered() -> None:
    """The project's listing may have shifted under the walk."""
    told = inventory(index(schedules=(), listed=[], own=whole([MANUAL])))
    assert list(remembered(told)) == [MANUAL.backup_id]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"name": None}, id="by-its-own-field"),
        pytest.param({"scheduled_for": None}, id="by-its-name"),
    ],
)
def test_the_history_tells_a_capture_time_that_the_listing_does_not(told: dict[str, Any]) -> None:
    """The listed row says when the run was planned, a day before."""
    listed = replace(RUN, name=None, scheduled_for=None)
    (known,) = remembered(project(replace(RUN, **told), listed=[listed])).values()
    assert known.captured_at == CAPTURED
    (alone,) = remembered(inventory(index(schedules=(), listed=[listed]))).values()
    assert alone.captured_at == CAPTURED - DAY


def test_a_capture_time_that_is_known_stays() -> None:
    """A later listing may tell less."""
    bare = replace(RUN, name=None, scheduled_for=None, created_at=None)
    assert remembered(project(RUN), project(bare)) == remembered(project(RUN))


def test_a_retention_beyond_the_last_year_is_not_known() -> None:
    """There is no such moment."""
    (known,) = remembered(project(RUN, retention=10**7 * DAY)).values()
    assert (known.expires, known.expires_at) == (True, None)
