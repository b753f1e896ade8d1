"""When a backup expires."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.evaluation.expiry import NEVER_EXPIRES, UNKNOWN_EXPIRY, BackupExpiry
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason, ReadFailure
from backup_auditor.domain.model import Backup
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from support.builders.facts import (
    DAY,
    NOW,
    IndexCase,
    ago,
    backup,
    broken,
    index,
    inventory,
    known,
    policy,
    remembering,
    run,
    schedule,
    whole,
)

RUN, MANUAL = run(5 * DAY), backup(5 * DAY)
SOME_DAY = BackupExpiry(expires=True)


def expiry(row: Backup, told: IndexCase | Inventory, memory: ProjectState = EMPTY_STATE) -> BackupExpiry:
    """Return when a backup expires."""
    told = told if isinstance(told, Inventory) else inventory(told)
    expiries = ProjectContext(told, policy(), memory).expiries
    found = expiries.find_expiry(row, row.scheduled_for or row.created_at)
    assert expiries.expires(row) is found.expires
    return found


def at(moment: datetime) -> BackupExpiry:
    """Expire at a moment."""
    return BackupExpiry(expires=True, expires_at=moment)


@pytest.mark.parametrize(
    "facts,expected",
    [
        pytest.param({}, at(NOW + 2 * DAY), id="enabled"),
        pytest.param({"enabled": False}, at(NOW + 2 * DAY), id="paused"),
        pytest.param({"retention": 90 * DAY}, at(NOW + 85 * DAY), id="raised"),
        pytest.param({"retention": None}, SOME_DAY, id="retention-not-told"),
        pytest.param({"retention": timedelta.max}, SOME_DAY, id="beyond-the-last-year"),
    ],
)
def test_the_present_retention_of_its_schedule_counts(facts: dict[str, Any], expected: BackupExpiry) -> None:
    """Whatever it was when the backup was made."""
    memory = remembering(known(RUN, NOW + 9 * DAY))
    assert expiry(RUN, index(schedules=[schedule(**facts)], runs=[RUN]), memory) == expected


def test_its_schedule_may_be_remembered() -> None:
    """Where the history shows old runs no more."""
    memory = remembering(known(MANUAL, NOW + 9 * DAY, schedule_id="schedule-1"))
    assert expiry(MANUAL, index(runs=[]), memory) == at(NOW + 2 * DAY)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(index(runs=[]), id="no-history-lists-it"),
        pytest.param(index(schedules=[]), id="no-schedule"),
        pytest.param(index(schedules=Denial(DenialReason.PLAN, "no such plan")), id="no-schedules-in-the-plan"),
        pytest.param(inventory(), id="index-deleted"),
    ],
)
def test_a_backup_without_a_schedule_is_manual_unless_its_name_is_a_runs(case: IndexCase | Inventory) -> None:
    """Then the schedule is gone, and what is remembered counts."""
    assert expiry(MANUAL, case) == NEVER_EXPIRES
    assert expiry(RUN, case) == SOME_DAY
    assert expiry(RUN, case, remembering(known(RUN, ago(DAY)))) == at(ago(DAY))
    unnamed = run(5 * DAY, name=None)
    assert expiry(unnamed, case, remembering(known(unnamed, ago(DAY)))) == at(ago(DAY))


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(inventory(index(runs=broken())), id="history-broken"),
        pytest.param(inventory(index(), histories={}), id="history-unread"),
        pytest.param(inventory(index(schedules=broken(), listed=[MANUAL])), id="schedules-broken"),
        pytest.param(inventory(index(schedules=None, listed=[MANUAL])), id="schedules-not-asked-for"),
        pytest.param(inventory(indexes_failure=ReadFailure("GET /indexes", "503")), id="indexes-unread"),
    ],
)
def test_what_was_not_read_may_list_it(told: Inventory) -> None:
    """Then manual cannot be told from scheduled, nor which retention holds."""
    assert expiry(MANUAL, told) == UNKNOWN_EXPIRY
    assert expiry(RUN, told, remembering(known(RUN, NOW))) == SOME_DAY


def test_backups_of_an_earlier_index_have_no_schedule() -> None:
    """Whatever was not read of those that the name has now."""
    earlier = backup(5 * DAY, index_id="id-earlier")
    assert expiry(earlier, inventory(index(runs=broken()))) == NEVER_EXPIRES
    in_doubt = index(schedules=broken(), listed=[earlier])
    assert expiry(earlier, in_doubt) == UNKNOWN_EXPIRY
    assert expiry(earlier, index(schedules=broken(), listed=[earlier], own=whole([MANUAL]))) == NEVER_EXPIRES
