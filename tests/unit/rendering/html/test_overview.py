"""The project at a glance: the problems, and the order of the bars."""

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.rendering.html.overview import Bar, build_age_bars
from support.builders.facts import (
    HOUR,
    ago,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_schedule,
    rename_index,
)
from support.builders.reports import BUILT_IN_POLICY, EXEMPTION, build_bare_index, build_exempting_policy, build_report

OLD_INDEX = rename_index(build_index(runs=build_daily_runs(3, 54 * HOUR)), "old")
HEALTHY_INDEX = rename_index(build_index(), "well")


def build_report_bars(facts: Inventory, policy: Policy = BUILT_IN_POLICY) -> list[Bar]:
    """Return the rows of the ages."""
    report = build_report(facts, policy)
    return list(build_age_bars(report.timelines, report).rows)


def test_the_worst_age_comes_first() -> None:
    """None at all, then one that is too old, then one that is not."""
    bar_values = [
        (it.name, it.text, it.problem)
        for it in build_report_bars(build_inventory(HEALTHY_INDEX, OLD_INDEX, build_bare_index("carts")))
    ]
    assert bar_values == [
        ("carts", "none", "missing"),
        ("old", "2d 6h of 1d 6h", "too old"),
        ("well", "6h of 1d 6h", ""),
    ]


def test_an_index_before_its_first_run_comes_after_those_with_problems() -> None:
    """An index whose first run is not due has no recovery point and no problem."""
    young_index = rename_index(build_index(schedules=[build_schedule(created_at=ago(HOUR))], runs=[]), "young")
    assert [(it.name, it.text, it.problem) for it in build_report_bars(build_inventory(young_index, OLD_INDEX))] == [
        ("old", "2d 6h of 1d 6h", "too old"),
        ("young", "none", ""),
    ]


def test_only_an_open_finding_is_a_problem() -> None:
    """An unknown and an exempted finding are no problem."""
    unknown_inventory = build_inventory(
        OLD_INDEX,
        HEALTHY_INDEX,
        backups=build_failed_listing([*OLD_INDEX.listed_backups, *HEALTHY_INDEX.listed_backups]),
    )
    assert [(it.name, it.problem) for it in build_report_bars(unknown_inventory)] == [("old", ""), ("well", "")]
    exempting_policy = build_exempting_policy(EXEMPTION)
    (bar,) = build_report_bars(build_inventory(build_bare_index("scratch-1")), exempting_policy)
    assert (bar.text, bar.problem, bar.length) == ("none", "", 0.0)


def test_what_is_not_known_stands_before_what_is_well() -> None:
    """It is not taken for better than that, and has no bar."""
    strange_index = rename_index(build_index(runs=[], backups=[build_backup(None)]), "strange")
    bars = build_report_bars(build_inventory(HEALTHY_INDEX, strange_index, OLD_INDEX))
    assert [it.name for it in bars] == ["old", "strange", "well"]
    assert (bars[1].text, bars[1].length, bars[1].problem) == ("unknown", 0.0, "")
