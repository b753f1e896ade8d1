"""When a backup expires."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.evaluation.expiry import NEVER_EXPIRES, UNKNOWN_EXPIRY, BackupExpiry
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason, ReadFailure
from backup_auditor.domain.model import Backup, Index
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from support.builders.facts import (
    DAY,
    NOW,
    IndexCase,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_run,
    build_schedule,
    build_state,
    rename_index,
)

SCHEDULED_RUN, MANUAL_BACKUP = build_run(5 * DAY), build_backup(5 * DAY)
UNDATED_EXPIRY = BackupExpiry(expires=True)


def find_expiry(row: Backup, facts: IndexCase | Inventory, state: ProjectState = EMPTY_STATE) -> BackupExpiry:
    """Return when a backup expires."""
    facts = facts if isinstance(facts, Inventory) else build_inventory(facts)
    expiries = ProjectContext(facts, build_policy(), state).expiries
    expiry = expiries.find_expiry(row, row.scheduled_for or row.created_at)
    assert expiries.expires(row) is expiry.expires
    return expiry


def expire_at(moment: datetime) -> BackupExpiry:
    """Expire at a moment."""
    return BackupExpiry(expires=True, expires_at=moment)


@pytest.mark.parametrize(
    "facts,expected",
    [
        pytest.param({}, expire_at(NOW + 2 * DAY), id="enabled"),
        pytest.param({"enabled": False}, expire_at(NOW + 2 * DAY), id="paused"),
        pytest.param({"retention": 90 * DAY}, expire_at(NOW + 85 * DAY), id="raised"),
        pytest.param({"retention": None}, UNDATED_EXPIRY, id="retention-unknown"),
        pytest.param({"retention": timedelta.max}, UNDATED_EXPIRY, id="beyond-the-last-year"),
    ],
)
def test_the_present_retention_of_its_schedule_counts(facts: dict[str, Any], expected: BackupExpiry) -> None:
    """The current retention counts, whatever it was when the backup was made."""
    state = build_state(build_known_backup(SCHEDULED_RUN, NOW + 9 * DAY))
    assert (
        find_expiry(SCHEDULED_RUN, build_index(schedules=[build_schedule(**facts)], runs=[SCHEDULED_RUN]), state)
        == expected
    )


def test_its_schedule_may_be_recorded() -> None:
    """The state knows the schedule of a backup that the history no longer lists."""
    state = build_state(build_known_backup(MANUAL_BACKUP, NOW + 9 * DAY, schedule_id="schedule-1"))
    assert find_expiry(MANUAL_BACKUP, build_index(runs=[]), state) == expire_at(NOW + 2 * DAY)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(build_index(runs=[]), id="no-history-lists-it"),
        pytest.param(build_index(schedules=[]), id="no-schedule"),
        pytest.param(build_index(schedules=Denial(DenialReason.PLAN, "no such plan")), id="no-schedules-in-the-plan"),
        pytest.param(build_inventory(), id="index-deleted"),
    ],
)
def test_a_backup_without_a_schedule_is_manual_unless_its_name_is_a_runs(case: IndexCase | Inventory) -> None:
    """The recorded expiry counts if the schedule is deleted."""
    assert find_expiry(MANUAL_BACKUP, case) == NEVER_EXPIRES
    assert find_expiry(SCHEDULED_RUN, case) == UNDATED_EXPIRY
    assert find_expiry(SCHEDULED_RUN, case, build_state(build_known_backup(SCHEDULED_RUN, ago(DAY)))) == expire_at(
        ago(DAY)
    )
    unnamed_run = build_run(5 * DAY, name=None)
    assert find_expiry(unnamed_run, case, build_state(build_known_backup(unnamed_run, ago(DAY)))) == expire_at(ago(DAY))


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param(build_inventory(build_index(runs=build_failed_listing())), id="history-broken"),
        pytest.param(build_inventory(build_index(), histories={}), id="history-unread"),
        pytest.param(
            build_inventory(build_index(schedules=build_failed_listing(), listed_backups=[MANUAL_BACKUP])),
            id="schedules-broken",
        ),
        pytest.param(
            build_inventory(build_index(schedules=None, listed_backups=[MANUAL_BACKUP])), id="schedules-not-asked-for"
        ),
        pytest.param(build_inventory(indexes_failure=ReadFailure("GET /indexes", "503")), id="indexes-unread"),
    ],
)
def test_what_was_not_read_may_list_it(inventory: Inventory) -> None:
    """Manual and scheduled backups cannot be distinguished, and the retention is unknown."""
    assert find_expiry(MANUAL_BACKUP, inventory) == UNKNOWN_EXPIRY
    assert find_expiry(SCHEDULED_RUN, inventory, build_state(build_known_backup(SCHEDULED_RUN, NOW))) == UNDATED_EXPIRY


def test_backups_of_an_earlier_index_have_no_schedule() -> None:
    """Backups of an earlier index have no schedule, whatever could not be read."""
    earlier_backup = build_backup(5 * DAY, index_id="id-earlier")
    assert find_expiry(earlier_backup, build_inventory(build_index(runs=build_failed_listing()))) == NEVER_EXPIRES
    unknown_index = build_index(schedules=build_failed_listing(), listed_backups=[earlier_backup])
    assert find_expiry(earlier_backup, unknown_index) == UNKNOWN_EXPIRY
    assert (
        find_expiry(
            earlier_backup,
            build_index(
                schedules=build_failed_listing(),
                listed_backups=[earlier_backup],
                own_backups=build_complete_listing([MANUAL_BACKUP]),
            ),
        )
        == NEVER_EXPIRES
    )


def test_a_backup_of_an_index_that_is_being_deleted_has_an_unknown_expiry() -> None:
    """The histories of an index that is being deleted are not read, so its backups may be scheduled."""
    inventory = build_inventory(terminating=(Index("main", state="Terminating"),))
    assert find_expiry(MANUAL_BACKUP, inventory) == UNKNOWN_EXPIRY
    assert find_expiry(MANUAL_BACKUP, build_inventory(terminating=(Index("other"),))) == NEVER_EXPIRES


def test_each_index_has_its_own_histories() -> None:
    """A history of another index that was not read does not concern a backup."""
    read_index = build_index(runs=[], backups=[MANUAL_BACKUP])
    unread_index = rename_index(build_index(schedules=build_failed_listing(), listed_backups=[MANUAL_BACKUP]), "other")
    inventory = build_inventory(read_index, unread_index)
    expiries = ProjectContext(inventory, build_policy()).expiries
    expires_by_name = {it.index_name: expiries.expires(it) for it in inventory.backups.rows}
    assert expires_by_name == {"main": False, "other": None}


def test_a_plan_without_schedules_has_only_manual_backups() -> None:
    """If the plan has no schedules, a backup is manual although the schedules of its index were not read."""
    refused_index = rename_index(build_index(schedules=Denial(DenialReason.PLAN, "no such plan")), "other")
    unread_index = build_index(schedules=build_failed_listing(), listed_backups=[MANUAL_BACKUP])
    assert find_expiry(MANUAL_BACKUP, build_inventory(unread_index, refused_index)) == NEVER_EXPIRES
    assert find_expiry(MANUAL_BACKUP, unread_index) == UNKNOWN_EXPIRY
