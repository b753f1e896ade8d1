"""Known backups have the time until which they should exist, by the retentions known since."""

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
from support.builders.facts import (
    DAY,
    NOW,
    READ_FAILURE,
    SECOND,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
)
from support.builders.reports import BUILT_IN_POLICY

SCHEDULED_RUN = build_run(DAY)
MANUAL_BACKUP = build_backup(DAY)
CAPTURED_AT = ago(DAY)


def build_project(
    *runs: Backup, listed_backups: Any = None, manual_backups: tuple[Backup, ...] = (), **settings: Any
) -> Inventory:
    """Build a project of one index with a schedule, its runs and its manual backups."""
    return build_inventory(
        build_index(
            schedules=[build_schedule(**settings)],
            runs=list(runs),
            listed_backups=listed_backups,
            backups=manual_backups,
        )
    )


def audit_inventories(*inventories: Inventory) -> dict[str, KnownBackup]:
    """Audit one inventory after the other."""
    state: ProjectState = EMPTY_STATE
    for inventory in inventories:
        state = replace(state, backups=snapshot_backups(ProjectContext(inventory, BUILT_IN_POLICY, state)))
    return dict(state.backups)


def move_later(inventory: Inventory, duration: Any) -> Inventory:
    """Read the same facts later."""
    return replace(inventory, observed_at=NOW + duration)


def test_a_run_should_exist_until_its_retention_has_passed() -> None:
    """The retention counts from the capture, not from the planned time."""
    (known_backup,) = audit_inventories(build_project(SCHEDULED_RUN)).values()
    assert (known_backup.schedule_id, known_backup.captured_at, known_backup.known_since) == (
        "schedule-1",
        CAPTURED_AT,
        NOW,
    )
    assert (known_backup.expires, known_backup.expires_at) == (True, CAPTURED_AT + 7 * DAY)


@pytest.mark.parametrize(
    "future_offset, captured_at",
    [
        pytest.param(CLOCK_TOLERANCE, NOW, id="at-limit"),
        pytest.param(CLOCK_TOLERANCE + SECOND, NOW + CLOCK_TOLERANCE + SECOND, id="one-second-past"),
    ],
)
def test_a_backup_captured_slightly_ahead_is_recorded_as_now(future_offset: timedelta, captured_at: datetime) -> None:
    """A later audit keeps the capture time that was recorded first."""
    facts = build_project(build_run(-future_offset))
    for inventories in ((facts,), (facts, move_later(facts, DAY))):
        (known_backup,) = audit_inventories(*inventories).values()
        assert known_backup.captured_at == captured_at


def test_a_manual_backup_should_exist_for_good() -> None:
    """A backup that no history lists and that has no run's name never expires."""
    (known_backup,) = audit_inventories(build_project(manual_backups=(MANUAL_BACKUP,))).values()
    assert (known_backup.schedule_id, known_backup.expires, known_backup.expires_at) == (None, False, None)


def test_a_run_without_a_schedule_may_expire_at_any_time() -> None:
    """A run whose schedule was deleted before the first audit has an unknown expiry."""
    (known_backup,) = audit_inventories(
        build_inventory(build_index(schedules=(), listed_backups=[SCHEDULED_RUN]))
    ).values()
    assert known_backup.expires is not False
    assert known_backup.expires_at is None


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param(
            build_inventory(build_index(listed_backups=[MANUAL_BACKUP], runs=build_failed_listing())),
            id="history-unread",
        ),
        pytest.param(
            build_inventory(build_index(listed_backups=[MANUAL_BACKUP], schedules=build_failed_listing())),
            id="schedules-unread",
        ),
        pytest.param(
            replace(
                build_inventory(build_index(listed_backups=[MANUAL_BACKUP], runs=[])),
                indexes_failure=READ_FAILURE,
                indexes=(),
            ),
            id="indexes-unread",
        ),
    ],
)
def test_a_possible_run_is_not_manual(inventory: Inventory) -> None:
    """A backup can be a run while its history was not read completely."""
    (known_backup,) = audit_inventories(inventory).values()
    assert (known_backup.expires, known_backup.expires_at) == (None, None)
    (known_backup,) = audit_inventories(inventory, build_project(manual_backups=(MANUAL_BACKUP,))).values()
    assert known_backup.expires is False


@pytest.mark.parametrize("status", ["Initializing", "Scheduled", "Failed", "Odd"])
def test_only_ready_backups_are_recorded(status: str) -> None:
    """A backup that was never ready cannot vanish."""
    assert (
        audit_inventories(
            build_project(replace(SCHEDULED_RUN, status=status), listed_backups=[replace(SCHEDULED_RUN, status=status)])
        )
        == {}
    )


def test_a_ready_backup_stays_known_whatever_its_status_becomes() -> None:
    """A known backup stays known while it is listed."""
    known_backups = audit_inventories(build_project(SCHEDULED_RUN))
    assert (
        audit_inventories(
            build_project(SCHEDULED_RUN), build_project(listed_backups=[replace(SCHEDULED_RUN, status="Terminating")])
        )
        == known_backups
    )


@pytest.mark.parametrize("days", [2, 35])
def test_a_listed_run_follows_the_retention_of_its_schedule(days: int) -> None:
    """A lower retention makes a run expire earlier, and a higher one later."""
    (known_backup,) = audit_inventories(
        build_project(SCHEDULED_RUN), build_project(SCHEDULED_RUN, retention=days * DAY)
    ).values()
    assert known_backup.expires_at == CAPTURED_AT + days * DAY


@pytest.mark.parametrize(
    "days,expected",
    [pytest.param(3, 3, id="a-shorter-one-explains-it"), pytest.param(35, 7, id="a-longer-one-does-not")],
)
def test_a_run_that_is_missed_expires_by_the_least_retention_known_since(days: int, expected: int) -> None:
    """A missing run expires by the shortest retention, even if its history no longer lists it."""
    (known_backup,) = audit_inventories(
        build_project(SCHEDULED_RUN), build_project(listed_backups=[], retention=days * DAY)
    ).values()
    assert known_backup.expires_at == CAPTURED_AT + expected * DAY


def test_a_retention_that_was_short_for_one_night_counts() -> None:
    """A backup that a short retention deleted did not vanish, even if an incomplete audit saw the retention."""
    short_inventory = replace(build_project(listed_backups=[], retention=3 * DAY), indexes_failure=READ_FAILURE)
    (known_backup,) = audit_inventories(
        build_project(SCHEDULED_RUN), short_inventory, build_project(listed_backups=[])
    ).values()
    assert known_backup.expires_at == CAPTURED_AT + 3 * DAY


@pytest.mark.parametrize(
    "second_inventory",
    [
        pytest.param(
            build_inventory(build_index(schedules=(), listed_backups=[SCHEDULED_RUN])), id="its-schedule-is-gone"
        ),
        pytest.param(
            build_inventory(build_index(schedules=build_failed_listing(), listed_backups=[SCHEDULED_RUN])),
            id="its-schedule-is-unread",
        ),
        pytest.param(build_project(SCHEDULED_RUN, retention=None), id="unknown-retention"),
        pytest.param(
            build_inventory(build_index(schedules=(), listed_backups=[replace(SCHEDULED_RUN, name="named")])),
            id="under-another-name",
        ),
    ],
)
def test_what_is_recorded_is_used_where_nothing_is_read(second_inventory: Inventory) -> None:
    """Without a read the recorded expiry stays."""
    assert audit_inventories(build_project(SCHEDULED_RUN), second_inventory) == audit_inventories(
        build_project(SCHEDULED_RUN)
    )


def test_the_history_need_not_list_an_old_run() -> None:
    """The recorded schedule of a run gives its retention."""
    (known_backup,) = audit_inventories(
        build_project(SCHEDULED_RUN), build_project(listed_backups=[SCHEDULED_RUN], retention=35 * DAY)
    ).values()
    assert known_backup.expires_at == CAPTURED_AT + 35 * DAY


@pytest.mark.parametrize(
    "duration,is_known",
    [
        pytest.param(6 * DAY - SECOND, True, id="one-second-before-it-expires"),
        pytest.param(6 * DAY, False, id="at-its-expiry"),
    ],
)
def test_a_missing_run_is_removed_when_it_should_have_expired(duration: Any, *, is_known: bool) -> None:
    """Until its expiry a missing run is a loss."""
    assert (
        bool(audit_inventories(build_project(SCHEDULED_RUN), move_later(build_project(listed_backups=[]), duration)))
        is is_known
    )


def test_an_expired_run_that_is_listed_stays_known() -> None:
    """A listed run stays known after its expiry."""
    assert audit_inventories(
        build_project(SCHEDULED_RUN), move_later(build_project(SCHEDULED_RUN), 30 * DAY)
    ) == audit_inventories(build_project(SCHEDULED_RUN))


@pytest.mark.parametrize(
    "duration,is_known",
    [
        pytest.param(30 * DAY - SECOND, True, id="one-second-before"),
        pytest.param(30 * DAY, False, id="at-limit"),
    ],
)
def test_a_missing_manual_backup_is_removed_after_thirty_days(duration: Any, *, is_known: bool) -> None:
    """A missing backup that never expires stays known for 30 days, however often it is missed."""
    inventory, missed_inventory = build_project(manual_backups=(MANUAL_BACKUP,)), build_project(listed_backups=[])
    assert (
        bool(
            audit_inventories(
                inventory,
                move_later(missed_inventory, DAY),
                move_later(missed_inventory, 2 * DAY),
                move_later(missed_inventory, DAY + duration),
            )
        )
        is is_known
    )


def test_a_backup_that_is_listed_again_is_not_missed_any_more() -> None:
    """If it is missed again, the 30 days start again."""
    inventory, missed_inventory = build_project(manual_backups=(MANUAL_BACKUP,)), build_project(listed_backups=[])
    assert audit_inventories(inventory, move_later(missed_inventory, DAY), inventory) == audit_inventories(inventory)


def test_one_read_is_no_miss() -> None:
    """A backup counts as missing only after two reads that agree."""
    inventory = build_inventory(build_index(schedules=[build_schedule()], runs=[], backups=[MANUAL_BACKUP]))
    once_read_inventory = build_inventory(build_index(schedules=[build_schedule()], runs=[]), reads=1)
    assert [it.missed_at for it in audit_inventories(inventory, once_read_inventory).values()] == [None]
    assert [it.missed_at for it in audit_inventories(inventory, build_project(listed_backups=[])).values()] == [NOW]


def test_a_retention_that_is_lowered_after_a_backup_was_missed_explains_nothing() -> None:
    """The retention known when it was first missed decides, and so does a longer one."""
    missed_inventory = move_later(build_project(listed_backups=[]), DAY)
    first_known = audit_inventories(build_project(SCHEDULED_RUN), missed_inventory)
    for days in (1, 90):
        assert (
            audit_inventories(
                build_project(SCHEDULED_RUN),
                missed_inventory,
                move_later(build_project(listed_backups=[], retention=days * DAY), DAY),
            )
            == first_known
        )


def test_a_missing_backup_of_unknown_expiry_is_removed() -> None:
    """A complete audit removes it, and an incomplete one does not."""
    inventory = build_inventory(build_index(schedules=(), listed_backups=[SCHEDULED_RUN]))
    incomplete_inventory = replace(
        build_inventory(build_index(schedules=(), listed_backups=[])), indexes_failure=READ_FAILURE
    )
    assert audit_inventories(inventory, incomplete_inventory) == audit_inventories(inventory)
    assert audit_inventories(inventory, build_inventory(build_index(schedules=(), listed_backups=[]))) == {}


def test_an_incomplete_audit_adds_what_it_read() -> None:
    """An incomplete audit removes no backup, however long it is expired."""
    second_inventory = move_later(
        build_inventory(build_index(listed_backups=[build_run(-29 * DAY)], runs=build_failed_listing())), 30 * DAY
    )
    assert len(audit_inventories(build_project(SCHEDULED_RUN), second_inventory)) == 2


def test_a_backup_of_a_deleted_index_is_recorded() -> None:
    """It outlives its index; its schedules went with that."""
    other_backup = build_backup(index_id="id-old", index_name="gone")
    known_backup = audit_inventories(build_inventory(build_index(listed_backups=[]), extra_backups=[other_backup]))[
        other_backup.backup_id
    ]
    assert (known_backup.index_id, known_backup.index_name, known_backup.expires) == ("id-old", "gone", False)


def test_a_backup_that_only_its_index_lists_is_recorded() -> None:
    """A backup that only the index's own listing has is recorded."""
    inventory = build_inventory(
        build_index(schedules=(), listed_backups=[], own_backups=build_complete_listing([MANUAL_BACKUP]))
    )
    assert list(audit_inventories(inventory)) == [MANUAL_BACKUP.backup_id]


@pytest.mark.parametrize(
    "history_fields",
    [
        pytest.param({"name": None}, id="by-its-own-field"),
        pytest.param({"scheduled_for": None}, id="by-its-name"),
    ],
)
def test_the_history_has_a_capture_time_that_the_listing_lacks(history_fields: dict[str, Any]) -> None:
    """The listed row has the planned time of the run, a day before."""
    listed_run = replace(SCHEDULED_RUN, name=None, scheduled_for=None)
    (known_backup,) = audit_inventories(
        build_project(replace(SCHEDULED_RUN, **history_fields), listed_backups=[listed_run])
    ).values()
    assert known_backup.captured_at == CAPTURED_AT
    (unlisted_backup,) = audit_inventories(
        build_inventory(build_index(schedules=(), listed_backups=[listed_run]))
    ).values()
    assert unlisted_backup.captured_at == CAPTURED_AT - DAY


def test_a_capture_time_that_is_known_stays() -> None:
    """A later listing without a capture time does not change it."""
    undated_run = replace(SCHEDULED_RUN, name=None, scheduled_for=None, created_at=None)
    assert audit_inventories(build_project(SCHEDULED_RUN), build_project(undated_run)) == audit_inventories(
        build_project(SCHEDULED_RUN)
    )


def test_a_retention_beyond_the_last_year_is_not_known() -> None:
    """There is no such moment."""
    (known_backup,) = audit_inventories(build_project(SCHEDULED_RUN, retention=10**7 * DAY)).values()
    assert (known_backup.expires, known_backup.expires_at) == (True, None)
