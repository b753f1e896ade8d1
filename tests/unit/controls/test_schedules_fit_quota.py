"""Control `schedules-fit-quota`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Backup, Deployment, Schedule
from backup_auditor.domain.policy import PineconePlan
from support.builders.facts import (
    BROKEN,
    DAY,
    IndexCase,
    backup,
    broken,
    finding,
    index,
    inventory,
    renamed,
    run,
    schedule,
    whole,
)

ID = "schedules-fit-quota"


def judge(told: Inventory | IndexCase, quota: int | None = 10, **project: Any) -> Finding:
    """Judge it against a quota."""
    return finding(ID, told, project={"backup_quota": quota, **project})


def by_hand(count: int, **facts: Any) -> list[Backup]:
    """Build so many backups that no schedule made."""
    return [backup(DAY, backup_id=f"m-{number}", **facts) for number in range(count)]


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
    told = index(schedules=[schedule(frequency=frequency, retention=retention)])
    assert judge(told, slots).compliance is Compliance.COMPLIANT
    assert judge(told, slots - 1).compliance is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "rows,counted",
    [
        pytest.param(by_hand(2), 2, id="of-the-index"),
        pytest.param(by_hand(2, index_id="id-gone", index_name="gone"), 2, id="of-a-deleted-index"),
        pytest.param(by_hand(2, index_id="id-earlier"), 2, id="of-an-earlier-index"),
        pytest.param([run(90 * DAY, index_id="id-earlier")], 0, id="its-schedule-is-gone"),
        pytest.param([run(-DAY, status="Scheduled", name=None)], 0, id="planned"),
    ],
)
def test_manual_backups_take_room_too(rows: list[Backup], counted: int) -> None:
    """Those of deleted indexes as well, but not what schedules made, present or gone."""
    told = inventory(index(), more=rows)
    assert judge(told, 8 + counted).compliance is Compliance.COMPLIANT
    assert judge(told, 7 + counted).compliance is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "schedules,quota,expected",
    [
        pytest.param([schedule(enabled=False)], 1, Compliance.NOT_APPLICABLE, id="paused"),
        pytest.param([schedule(enabled=False)], 0, Compliance.NOT_APPLICABLE, id="none-enabled"),
        pytest.param([schedule(enabled=None)], 8, Compliance.INSUFFICIENT_DATA, id="perhaps-enabled"),
        pytest.param([schedule(retention=None)], 8, Compliance.INSUFFICIENT_DATA, id="retention"),
        pytest.param([schedule(frequency="hourly")], 1, Compliance.INSUFFICIENT_DATA, id="frequency"),
        pytest.param([schedule(frequency="hourly")], 0, Compliance.NON_COMPLIANT, id="one-at-the-least"),
        pytest.param([schedule(), schedule("schedule-2")], 15, Compliance.NON_COMPLIANT, id="two-enabled"),
    ],
)
def test_enabled_schedules_count(schedules: list[Schedule], quota: int, expected: Compliance) -> None:
    """One that is not known matters unless the quota is too small without it."""
    assert judge(index(schedules=schedules), quota).compliance is expected


def test_what_was_not_read_may_take_room() -> None:
    """Schedules, histories and backups alike."""
    assert judge(index(schedules=broken([schedule()]))).compliance is Compliance.INSUFFICIENT_DATA
    assert judge(index(schedules=broken([schedule()])), 7).compliance is Compliance.NON_COMPLIANT
    unread = index(runs=broken(), listed=by_hand(3))
    assert judge(unread, 10).compliance is Compliance.INSUFFICIENT_DATA
    assert judge(unread, 11).compliance is Compliance.COMPLIANT
    assert judge(inventory(index(), backups=broken()), 100).compliance is Compliance.INSUFFICIENT_DATA


def test_without_a_quota_there_is_nothing_to_judge() -> None:
    """Nor without an enabled schedule."""
    assert judge(index(), None, plan=PineconePlan.BUILDER).compliance is Compliance.NOT_APPLICABLE
    assert judge(index(schedules=[], listed=by_hand(2), own=whole(by_hand(2)))).compliance is Compliance.NOT_APPLICABLE


def test_the_arithmetic_is_shown_per_index() -> None:
    """Those that take most first, and what would fit."""
    other = renamed(index(schedules=[schedule(frequency="weekly", retention=8 * DAY)]), "other")
    found = judge(inventory(index(backups=by_hand(1)), other), 10)
    assert found.evidence["per_index"] == {
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
    assert found.reason == (
        "Enabled schedules hold up to 10 backups, and people took 1 by hand; the quota is 10; daily backups kept 3d"
        " would fit, for each of the 2 scheduled indexes."
    )


def test_of_many_indexes_the_rest_is_summed_up() -> None:
    """Twenty are shown one by one."""
    found = judge(inventory(*(renamed(index(), f"i-{number:02}") for number in range(23))))
    shown = found.evidence["per_index"]
    assert isinstance(shown, dict)
    assert (len(shown["most"]), shown["others"]) == (20, {"indexes": 3, "taken": 24})


def test_a_pod_leaves_nothing_unknown() -> None:
    """It can have no schedules, and is not asked for them; backups under its name are another index's."""
    pod = renamed(index(schedules=None, deployment=Deployment.POD, listed=by_hand(1, index_id="id-earlier")), "pod")
    told = inventory(index(), pod)
    assert judge(told, 9).compliance is Compliance.COMPLIANT
    assert judge(told, 8).compliance is Compliance.NON_COMPLIANT


def test_a_planned_run_hides_no_backup_that_stands_after_it() -> None:
    """In whatever order they are listed."""
    rows = [run(-DAY, backup_id=it, status="Scheduled", name=None) for it in ("a", "z")]
    told = inventory(index(), more=[*rows, *by_hand(2)])
    assert judge(told, 10).compliance is Compliance.COMPLIANT
    assert judge(told, 9).compliance is Compliance.NON_COMPLIANT


def test_where_not_all_indexes_are_known_there_may_be_more_schedules() -> None:
    """Unless those that are known are too many already."""
    told = inventory(index(), indexes_failure=BROKEN)
    assert judge(told, 8).compliance is Compliance.INSUFFICIENT_DATA
    assert judge(told, 7).compliance is Compliance.NON_COMPLIANT
