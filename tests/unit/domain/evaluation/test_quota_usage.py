"""Test what uses the backup quota: schedules by their settings and runs, and backups by their kind."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.evaluation.project import ProjectContext, QuotaUsage, ScheduleUsage
from backup_auditor.domain.evaluation.results import QuotaFigures
from backup_auditor.domain.inventory import Inventory
from support.builders.facts import (
    DAY,
    HOUR,
    READ_FAILURE,
    IndexCase,
    ago,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_policy,
    build_run,
    build_schedule,
    build_unnamed_run,
    evaluate_facts,
    rename_index,
)

WEEK = 7 * DAY


def find_usage(facts: IndexCase | Inventory) -> QuotaUsage:
    """Return the usage of the quota under the built-in policy."""
    inventory = facts if isinstance(facts, Inventory) else build_inventory(facts)
    return ProjectContext(inventory, build_policy()).quota_usage


@pytest.mark.parametrize(
    "ages, has_immediate_backup, expected",
    [
        pytest.param([], False, 8, id="no-run"),
        pytest.param([], True, 9, id="no-run-and-an-immediate-backup"),
        pytest.param([6 * HOUR + number * DAY for number in range(7)], False, 8, id="steady"),
        pytest.param([6 * HOUR + number * DAY for number in range(7)], True, 9, id="steady-and-an-immediate-backup"),
        pytest.param([HOUR] * 5, False, 12, id="five-new-runs"),
        pytest.param([WEEK] * 9, False, 10, id="expire-now"),
        pytest.param([30 * DAY] * 9, False, 10, id="expired-and-still-listed"),
    ],
)
def test_the_peak_is_just_before_a_backup_expires(
    ages: Sequence[timedelta], has_immediate_backup: bool, expected: int
) -> None:
    """Existing backups stay until they expire, and a daily schedule adds its runs until then."""
    runs = [build_run(it, backup_id=f"run-{number}") for number, it in enumerate(ages)]
    usage = find_usage(build_index(runs=runs))
    assert usage.compute_peak_usage("schedule-1", WEEK, DAY, has_immediate_backup=has_immediate_backup) == expected


def test_listed_backups_are_counted_by_their_kind() -> None:
    """A listed backup is manual, a run of a schedule, or unknown; a planned run does not count."""
    unread_index = rename_index(
        build_index(schedules=build_failed_listing(), listed_backups=[build_backup(DAY), build_unnamed_run(HOUR)]),
        "unread",
    )
    usage = find_usage(
        build_inventory(
            build_index(runs=[*build_daily_runs(2), build_planned_run()], backups=[build_backup(DAY)]),
            unread_index,
            extra_backups=[
                build_planned_run(backup_id="planned"),
                build_run(HOUR, backup_id="gone", index_name="gone", index_id="id-gone"),
            ],
        )
    )
    assert dict(usage.backup_counts) == {"main": 3, "unread": 2, "gone": 1}
    assert dict(usage.manual_counts) == {"main": 1}
    assert usage.possibly_manual_count == 2
    assert usage.possibly_scheduled_count == 1
    run_times = {key: sorted(it) for key, it in usage.run_times.items()}
    assert run_times == {"schedule-1": [ago(6 * HOUR + DAY), ago(6 * HOUR)], "": [ago(HOUR)]}


def test_the_usage_of_schedules_is_grouped_by_index() -> None:
    """An index has its enabled schedules; one with manual backups alone has none."""
    unknown_schedule = build_schedule("schedule-2", retention=None)
    paused_schedule = build_schedule("schedule-3", enabled=False)
    schedule = build_schedule()
    case = build_index(schedules=[schedule, unknown_schedule, paused_schedule], runs=())
    manual_backup = build_backup(DAY, index_name="gone", index_id="id-gone")
    usage = find_usage(build_inventory(case, extra_backups=[manual_backup]))
    expected = [ScheduleUsage("main", schedule, 8), ScheduleUsage("main", unknown_schedule, None)]
    assert usage.schedule_usages == expected
    assert [it.min_slots for it in expected] == [8, 1]
    assert usage.group_by_index() == {"main": expected, "gone": []}


def test_unknown_usage_is_described() -> None:
    """Failed reads and schedules of unknown state may use the quota, too."""
    unread_index = rename_index(build_index(schedules=build_failed_listing()), "unread")
    possibly_enabled_index = build_index(schedules=[build_schedule(enabled=None)])
    inventory = build_inventory(possibly_enabled_index, unread_index, indexes_failure=READ_FAILURE)
    failure_text = "what else uses the quota (GET /somewhere: 503 to the end)"
    assert list(find_usage(inventory).describe_unknown_usage()) == [
        failure_text,
        "whether schedule schedule-1 is enabled",
        failure_text,
    ]
    assert list(find_usage(build_index()).describe_unknown_usage()) == []


def test_an_evaluation_has_the_figures_of_the_quota() -> None:
    """The figures have the quota, the listed backups, the required slots and the manual backups."""
    case = build_index(backups=[build_backup(DAY)])
    assert evaluate_facts(case).figures.quota == QuotaFigures(500, backups=8, slots=8, manual=1)
    policy = build_policy()
    small_policy = replace(policy, project=replace(policy.project, backup_quota=0))
    assert evaluate_facts(case, small_policy).figures.quota is None


def test_an_evaluation_has_the_figures_of_each_index() -> None:
    """An index has the age of its newest recovery point, unless it is unknown which backups are its own."""
    unknown_index = rename_index(build_index(schedules=(), backups=[build_backup(DAY)]), "unknown")
    empty_index = rename_index(build_index(schedules=()), "empty")
    figures = evaluate_facts(build_inventory(build_index(), unknown_index, empty_index)).figures.indexes
    assert {name: it.newest_age for name, it in figures.items()} == {"main": 6 * HOUR, "empty": None}
    assert figures["main"].expiries.point_count == 7
