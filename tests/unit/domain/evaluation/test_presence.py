"""Whether a recorded backup should still exist: its schedule may be unknown, or scheduled copies may replace it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.evaluation.index import is_expected, is_replaced
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Policy, Rule
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    READ_FAILURE,
    SECOND,
    ago,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_run,
    build_state,
    rename_index,
)

KNOWN_RUN = build_known_backup(build_run(DAY), NOW + DAY, schedule_id="gone", index_name="main")


@pytest.mark.parametrize(
    "inventory,expected",
    [
        pytest.param(build_inventory(build_index()), True, id="another-schedule-has-its-place"),
        pytest.param(
            build_inventory(build_index(schedules=build_failed_listing())),
            None,
            id="schedules-unread",
        ),
        pytest.param(build_inventory(), True, id="the-index-is-gone-too"),
        pytest.param(replace(build_inventory(), indexes_failure=READ_FAILURE), None, id="indexes-unread"),
        pytest.param(
            replace(build_inventory(build_index()), indexes_failure=READ_FAILURE),
            True,
            id="but-its-own",
        ),
        pytest.param(
            build_inventory(
                build_index(schedules=build_failed_listing()),
                rename_index(build_index(schedules=Denial(DenialReason.PLAN, "403: the plan")), "other"),
            ),
            True,
            id="the-plan-has-no-schedules",
        ),
    ],
)
def test_what_a_schedule_had_last_counts_where_it_is_gone(inventory: Inventory, expected: bool | None) -> None:
    """If the schedule may exist, an unread shorter retention may have deleted the backup."""
    assert is_expected(KNOWN_RUN, ProjectContext(inventory, build_policy())) is expected


@pytest.mark.parametrize(
    "missing_since, expected",
    [
        pytest.param(None, True, id="listed-until-now"),
        pytest.param(30 * DAY - SECOND, True, id="one-second-before-the-limit"),
        pytest.param(30 * DAY, False, id="at-limit"),
    ],
)
def test_a_missing_manual_backup_is_reported_for_30_days(missing_since: timedelta | None, expected: bool) -> None:
    """A manual backup never expires, but 30 days after it was first missed it is no longer expected."""
    backup = build_known_backup(
        build_backup(90 * DAY), expires=False, missed_at=None if missing_since is None else ago(missing_since)
    )
    project = ProjectContext(build_inventory(build_index()), build_policy())
    assert is_expected(backup, project) is expected


FIRST_BACKUP = build_known_backup(build_backup(9 * DAY, backup_id="first"))


def check_replacement(
    runs: Sequence[Backup],
    index_id: str = "id-main",
    *,
    policy: Policy | None = None,
    first_backup_ids: Sequence[str] = ("first",),
    **requirements: Any,
) -> bool:
    """Return whether these runs replace a first backup of an index with this id."""
    state = build_state(first_backup_ids=frozenset(first_backup_ids))
    inventory = build_inventory(build_index(runs=runs))
    project = ProjectContext(inventory, policy or build_policy(**requirements), state)
    return is_replaced(replace(FIRST_BACKUP, index_id=index_id), project)


@pytest.mark.parametrize(
    "run_count, min_copies, expected",
    [
        pytest.param(2, 2, True, id="at-limit"),
        pytest.param(1, 2, False, id="one-copy-too-few"),
        pytest.param(1, None, True, id="one-copy-without-a-limit"),
        pytest.param(0, None, False, id="no-copy"),
    ],
)
def test_scheduled_copies_replace_a_first_backup(run_count: int, min_copies: int | None, expected: bool) -> None:
    """A first backup is replaced by as many scheduled copies as the policy requires, at least by one."""
    assert check_replacement(build_daily_runs(run_count), min_copies=min_copies) is expected


def test_a_run_in_progress_replaces_no_backup() -> None:
    """Only finished runs count as scheduled copies."""
    running_row = build_run(HOUR, status="Initializing")
    assert not check_replacement([running_row, *build_daily_runs(1)], min_copies=2)
    assert check_replacement([running_row, *build_daily_runs(2)], min_copies=2)


def test_copies_of_another_index_replace_nothing() -> None:
    """The copies must belong to the index of the first backup, not to a later one of its name."""
    assert not check_replacement(build_daily_runs(7), "id-earlier")


def test_a_backup_of_a_person_is_not_replaced() -> None:
    """Only a backup that the auditor took is replaced by scheduled copies."""
    assert not check_replacement(build_daily_runs(7), first_backup_ids=())


def test_the_rule_of_the_index_decides_about_the_copies() -> None:
    """The rule of an index, not the defaults, says how many copies replace a first backup."""
    policy = replace(build_policy(), rules=(Rule("many", ("main",), {}, build_policy(min_copies=3).defaults),))
    assert not check_replacement(build_daily_runs(2), policy=policy)
    assert check_replacement(build_daily_runs(3), policy=policy)


def test_a_first_backup_of_a_deleted_index_is_not_replaced() -> None:
    """An index that no longer exists has no scheduled copies."""
    project = ProjectContext(
        build_inventory(), build_policy(), build_state(first_backup_ids=frozenset({FIRST_BACKUP.backup_id}))
    )
    assert not is_replaced(FIRST_BACKUP, project)
