"""Control `schedules-fit-quota`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Backup, Deployment, Schedule
from backup_auditor.domain.policy import PineconePlan
from support.builders.facts import (
    DAY,
    READ_FAILURE,
    IndexCase,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
    evaluate_control,
    rename_index,
)

ID = "schedules-fit-quota"


def evaluate_usage(facts: Inventory | IndexCase, quota: int | None = 10, **project: Any) -> Finding:
    """Evaluate the control with a quota."""
    return evaluate_control(ID, facts, project={"backup_quota": quota, **project})


def build_manual_backups(count: int, **facts: Any) -> list[Backup]:
    """Build so many backups that no schedule made."""
    return [build_backup(DAY, backup_id=f"m-{number}", **facts) for number in range(count)]


@pytest.mark.parametrize(
    "frequency,retention,slots",
    [
        pytest.param("daily", 7 * DAY, 8, id="daily"),
        pytest.param("weekly", 35 * DAY, 6, id="weekly"),
        pytest.param("weekly", 34 * DAY, 5, id="weekly-rounded-down"),
        pytest.param("monthly", 30 * DAY, 1, id="monthly-below-its-interval"),
        pytest.param("monthly", 62 * DAY, 3, id="monthly"),
    ],
)
def test_a_schedule_holds_what_its_retention_holds_and_one_more(frequency: str, retention: Any, slots: int) -> None:
    """The quota itself is allowed."""
    index = build_index(schedules=[build_schedule(frequency=frequency, retention=retention)])
    assert evaluate_usage(index, slots).compliance is Compliance.COMPLIANT
    assert evaluate_usage(index, slots - 1).compliance is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "rows,expected_count",
    [
        pytest.param(build_manual_backups(2), 2, id="of-the-index"),
        pytest.param(build_manual_backups(2, index_id="id-gone", index_name="gone"), 2, id="of-a-deleted-index"),
        pytest.param(build_manual_backups(2, index_id="id-earlier"), 2, id="of-an-earlier-index"),
        pytest.param([build_run(90 * DAY, index_id="id-earlier")], 0, id="its-schedule-is-gone"),
        pytest.param([build_run(-DAY, status="Scheduled", name=None)], 0, id="planned"),
    ],
)
def test_manual_backups_take_room_too(rows: list[Backup], expected_count: int) -> None:
    """Manual backups of deleted indexes count, backups of present or deleted schedules do not."""
    inventory = build_inventory(build_index(), extra_backups=rows)
    assert evaluate_usage(inventory, 8 + expected_count).compliance is Compliance.COMPLIANT
    assert evaluate_usage(inventory, 7 + expected_count).compliance is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "schedules,quota,expected",
    [
        pytest.param([build_schedule(enabled=False)], 1, Compliance.NOT_APPLICABLE, id="paused"),
        pytest.param([build_schedule(enabled=False)], 0, Compliance.NOT_APPLICABLE, id="none-enabled"),
        pytest.param([build_schedule(enabled=None)], 8, Compliance.INSUFFICIENT_DATA, id="perhaps-enabled"),
        pytest.param([build_schedule(retention=None)], 8, Compliance.INSUFFICIENT_DATA, id="retention"),
        pytest.param([build_schedule(frequency="hourly")], 1, Compliance.INSUFFICIENT_DATA, id="frequency"),
        pytest.param([build_schedule(frequency="hourly")], 0, Compliance.NON_COMPLIANT, id="one-at-the-least"),
        pytest.param([build_schedule(), build_schedule("schedule-2")], 15, Compliance.NON_COMPLIANT, id="two-enabled"),
    ],
)
def test_enabled_schedules_count(schedules: list[Schedule], quota: int, expected: Compliance) -> None:
    """An unknown schedule matters unless the quota is too small without it."""
    assert evaluate_usage(build_index(schedules=schedules), quota).compliance is expected


def test_what_was_not_read_may_take_room() -> None:
    """Schedules, histories and backups alike."""
    assert (
        evaluate_usage(build_index(schedules=build_failed_listing([build_schedule()]))).compliance
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_usage(build_index(schedules=build_failed_listing([build_schedule()])), 7).compliance
        is Compliance.NON_COMPLIANT
    )
    failed_index = build_index(runs=build_failed_listing(), listed_backups=build_manual_backups(3))
    assert evaluate_usage(failed_index, 10).compliance is Compliance.INSUFFICIENT_DATA
    assert evaluate_usage(failed_index, 11).compliance is Compliance.COMPLIANT
    assert (
        evaluate_usage(build_inventory(build_index(), backups=build_failed_listing()), 100).compliance
        is Compliance.INSUFFICIENT_DATA
    )


def test_without_a_quota_there_is_nothing_to_evaluate() -> None:
    """The control is not applicable without a quota or an enabled schedule."""
    assert evaluate_usage(build_index(), None, plan=PineconePlan.BUILDER).compliance is Compliance.NOT_APPLICABLE
    assert (
        evaluate_usage(
            build_index(
                schedules=[],
                listed_backups=build_manual_backups(2),
                own_backups=build_complete_listing(build_manual_backups(2)),
            )
        ).compliance
        is Compliance.NOT_APPLICABLE
    )


def test_the_arithmetic_is_shown_per_index() -> None:
    """The evidence lists the largest shares first, and what would fit."""
    other_index = rename_index(build_index(schedules=[build_schedule(frequency="weekly", retention=8 * DAY)]), "other")
    finding = evaluate_usage(build_inventory(build_index(backups=build_manual_backups(1)), other_index), 10)
    assert finding.evidence["per_index"] == {
        "most": [
            {
                "index": "main",
                "schedules": [{"frequency": "daily", "retention_days": 7, "slots": 8}],
                "slots": 8,
                "manual": 1,
            },
            {
                "index": "other",
                "schedules": [{"frequency": "weekly", "retention_days": 8, "slots": 2}],
                "slots": 2,
                "manual": 0,
            },
        ]
    }
    assert finding.reason == (
        "Enabled schedules need up to 10 backups, in addition to 1 manual backup (quota: 10); daily backups kept 3d"
        " would fit, for each of the 2 scheduled indexes."
    )


def test_of_many_indexes_the_rest_is_summed_up() -> None:
    """Twenty are shown one by one."""
    finding = evaluate_usage(build_inventory(*(rename_index(build_index(), f"i-{number:02}") for number in range(23))))
    shown_indexes = finding.evidence["per_index"]
    assert isinstance(shown_indexes, dict)
    assert (len(shown_indexes["most"]), shown_indexes["others"]) == (20, {"indexes": 3, "taken": 24})


def test_a_pod_leaves_nothing_unknown() -> None:
    """A pod index has no schedules; backups under its name belong to another index."""
    pod = rename_index(
        build_index(
            schedules=None, deployment=Deployment.POD, listed_backups=build_manual_backups(1, index_id="id-earlier")
        ),
        "pod",
    )
    inventory = build_inventory(build_index(), pod)
    assert evaluate_usage(inventory, 9).compliance is Compliance.COMPLIANT
    assert evaluate_usage(inventory, 8).compliance is Compliance.NON_COMPLIANT


def test_a_planned_run_hides_no_backup_that_stands_after_it() -> None:
    """Backups count in whatever order they are listed."""
    rows = [build_run(-DAY, backup_id=it, status="Scheduled", name=None) for it in ("a", "z")]
    inventory = build_inventory(build_index(), extra_backups=[*rows, *build_manual_backups(2)])
    assert evaluate_usage(inventory, 10).compliance is Compliance.COMPLIANT
    assert evaluate_usage(inventory, 9).compliance is Compliance.NON_COMPLIANT


def test_where_not_all_indexes_are_known_there_may_be_more_schedules() -> None:
    """The result is unknown if not all indexes are known, unless the known ones need too much."""
    inventory = build_inventory(build_index(), indexes_failure=READ_FAILURE)
    assert evaluate_usage(inventory, 8).compliance is Compliance.INSUFFICIENT_DATA
    assert evaluate_usage(inventory, 7).compliance is Compliance.NON_COMPLIANT


def test_the_largest_share_comes_first() -> None:
    """The share of an index has the slots of its schedules and its manual backups."""
    small_index = rename_index(build_index(), "a-small")
    large_index = rename_index(build_index(backups=build_manual_backups(3)), "b-large")
    finding = evaluate_usage(build_inventory(small_index, large_index), 500)
    shares = finding.evidence["per_index"]
    assert isinstance(shares, dict)
    assert [(it["index"], it["slots"], it["manual"]) for it in shares["most"]] == [
        ("b-large", 8, 3),
        ("a-small", 8, 0),
    ]
