"""The nights of an index, drawn in text."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.evaluation.timeline import build_timeline
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.text import escape_control_characters, measure_width
from backup_auditor.rendering.explanation import render_explanation
from backup_auditor.rendering.text import Style
from backup_auditor.rendering.timeline_text import render_timeline
from support.approval import Approve
from support.builders.audit_sequence_report import DRILLS, POLICY, build_inventories
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_run,
    build_schedule,
    evaluate_facts,
)
from support.builders.reports import BUILT_IN_POLICY
from support.builders.strategies import inventories


def draw_lines(facts: Any, width: int = 80, *, is_colored: bool = False) -> list[str]:
    """Draw the nights of the only index."""
    inventory = facts if isinstance(facts, Inventory) else build_inventory(facts)
    subject = IndexContext(ProjectContext(inventory, BUILT_IN_POLICY), inventory.indexes[0])
    return list(render_timeline(build_timeline(subject), NOW, width, Style(is_colored)))


def find_row(label: str, facts: Any, width: int = 80) -> tuple[str, str]:
    """Return what a row shows before the audit, and after it."""
    line = next(it for it in draw_lines(facts, width) if it.startswith(f"  {label} "))
    past_part, _, future_part = line[15:].partition("|")
    return past_part.strip(), future_part.rstrip()


def test_a_healthy_index_has_a_point_a_night() -> None:
    """A column for each, what is planned behind the audit, and how many are left as they expire."""
    assert find_row("runs", build_index()) == ("#######", "o")
    assert find_row("objective", build_index()) == ("=======", "")
    assert find_row("remaining", build_index()) == ("", "6543210000")


def test_the_audit_stands_where_it_was() -> None:
    """Thirty days lie before it and ten behind it, under their dates."""
    lines = draw_lines(build_index())
    assert lines[0] == "Timeline, 1d a column, UTC"
    assert lines[1].split() == ["2026-10-23", "now"]
    bars = {it.index("|") for it in lines[2:5]}
    assert bars == {15 + 30}
    assert lines[1].index("now") + 1 == 15 + 30
    assert "to 2026-12-02; " in " ".join(lines)


def test_a_fault_is_drawn_and_described() -> None:
    """A run that failed, nights without one, and since when the newest point is too old."""
    runs = [build_run(54 * HOUR, status="Failed"), *build_daily_runs(2, 126 * HOUR), build_planned_run()]
    facts = build_index(runs=runs)
    assert find_row("runs", facts) == ("##!!x!!", "o")
    assert find_row("objective", facts) == ("===XXXX", "")
    drawn_text = " ".join(" ".join(draw_lines(facts, 200)).split())
    assert "failed 2026-11-20 06:00 UTC" in drawn_text
    assert "too old 2026-11-18 12:00 UTC to 2026-11-22 12:00 UTC" in drawn_text
    assert "missing 2 runs, 2026-11-17 06:00 UTC to 2026-11-20 06:00 UTC" in drawn_text
    assert "x failed; ! missing; = recent enough; X too old" in drawn_text


def test_no_missing_run_is_lost_among_others() -> None:
    """Where a column is longer than the time without a run, it shows that rather than the runs beside it."""
    runs = [*build_daily_runs(10), *build_daily_runs(10, 12 * DAY + 6 * HOUR)]
    facts = build_index(schedules=[build_schedule(retention=30 * DAY)], runs=runs)
    assert find_row("runs", facts, 40) == ("#####!#####", "o")
    assert find_row("runs", facts, 80) == ("##########!!##########", "o")


def test_runs_between_gaps_are_shown() -> None:
    """A run between two gaps is shown alone; the first two runs show that the schedule was daily before them."""
    facts = build_index(
        schedules=[build_schedule(retention=30 * DAY)], runs=[build_run(it * DAY) for it in (1, 4, 7, 8)]
    )
    assert find_row("runs", facts) == ("##!!#!!#", "o")


def test_faults_have_the_color_of_faults() -> None:
    """Where colors are wanted; the characters are the same."""
    facts = build_index(runs=[build_run(6 * HOUR, status="Failed"), build_planned_run()])
    colored_text = "\n".join(draw_lines(facts, is_colored=True))
    assert "\x1b[1;31mx\x1b[0m|" in colored_text
    assert "\x1b[1;31m0000000000\x1b[0m" in colored_text
    assert "\x1b" not in "\n".join(draw_lines(facts))


def test_the_moment_of_zero_points_is_reported() -> None:
    """And shown, as the first nought."""
    (zero_line,) = [it for it in draw_lines(build_index()) if it.startswith("  last expiry")]
    assert zero_line.split(maxsplit=2)[2] == "2026-11-29 06:00 UTC, if none is added"


def test_points_that_never_expire_stay() -> None:
    """A backup taken by hand is left at every time to come."""
    facts = build_index(backups=[build_backup(2 * DAY)])
    assert find_row("remaining", facts)[1] == "7654321111"
    assert not any(it.startswith("  last expiry") for it in draw_lines(facts))


def test_many_points_are_a_plus() -> None:
    """More than a digit can tell."""
    runs = [*build_daily_runs(20), build_planned_run()]
    facts = build_index(schedules=[build_schedule(retention=20 * DAY)], runs=runs)
    assert find_row("remaining", facts)[1] == "++++++++++"[:10]


def test_what_may_expire_unknown_is_not_counted() -> None:
    """The number of remaining points is unknown if the expiry of one is unknown."""
    facts = build_index(schedules=[build_schedule(retention=None)])
    assert set(find_row("remaining", facts)[1]) == {"?"}


def test_older_points_are_counted_apart() -> None:
    """The points before the first column are counted."""
    facts = build_index(
        schedules=[build_schedule(retention=60 * DAY)], runs=[*build_daily_runs(40), build_planned_run()]
    )
    assert find_row("runs", facts)[0] == "#" * 30
    assert "  earlier      10 recovery points before 2026-10-23 12:00 UTC" in draw_lines(facts)


def test_older_points_are_left_until_they_expire() -> None:
    """Three of before the first column go first, then the two that are shown."""
    facts = build_index(schedules=[build_schedule(retention=33 * DAY)], runs=build_daily_runs(5, 28 * DAY + 6 * HOUR))
    assert find_row("runs", facts)[0].startswith("##")
    assert find_row("remaining", facts)[1] == "4321000000"


def test_what_may_be_left_beside_is_not_counted() -> None:
    """A listing that broke off may lack points: how many are left is not known, and nor is when none is."""
    facts = build_inventory(build_index(), backups=build_failed_listing(build_index().listed_backups))
    assert set(find_row("remaining", facts)[1]) == {"?"}
    assert not any(it.startswith("  last expiry") for it in draw_lines(facts))


def test_what_is_not_known_is_reported() -> None:
    """A listing that broke off leaves a picture that says so."""
    assert any(
        it.startswith("  unknown") for it in draw_lines(build_inventory(build_index(), backups=build_failed_listing()))
    )


@pytest.mark.parametrize(
    "frequency,width,column",
    [
        ("daily", 80, "1d"),
        ("daily", 160, "1d"),
        ("daily", 40, "2d"),
        ("weekly", 80, "3d"),
        ("monthly", 80, "10d"),
    ],
)
def test_a_column_is_a_length_that_people_count_in(frequency: str, width: int, column: str) -> None:
    """As short as the width allows."""
    lines = draw_lines(
        build_index(schedules=[build_schedule(frequency=frequency, retention=400 * DAY)], runs=[build_run(HOUR)]), width
    )
    assert lines[0] == f"Timeline, {column} a column, UTC"
    assert max(map(len, lines)) <= width


def test_explanations_stay_as_they_were_approved(approve: Approve) -> None:
    """The whole page of an index whose schedule is paused again."""
    night = build_inventories()[-1]
    facts = next(it for it in night.indexes if it.index.name == "wiki")
    subject = IndexContext(ProjectContext(night, POLICY), facts)
    evaluation = evaluate_facts(night, POLICY, ProjectState(drills=DRILLS))
    findings = [it for it in evaluation.findings if it.resource.name == "wiki"]
    drills = next(it for it in evaluation.restore_drills if it.resource.name == "wiki")
    approve("explanation.txt", ["\n".join(render_explanation(subject, findings[:3], drills, width=80))])


@given(inventories(), st.integers(40, 200), st.integers(0, 40))
def test_any_index_can_be_drawn(inventory: Inventory, width: int, days: int) -> None:
    """On lines that print and keep to the width, with the bar in one column."""
    for facts in inventory.indexes:
        subject = IndexContext(ProjectContext(inventory, BUILT_IN_POLICY), facts)
        lines = list(
            render_timeline(build_timeline(subject), NOW + timedelta(days=days), width, Style(is_colored=False))
        )
        assert all(escape_control_characters(it) == it for it in lines)
        assert all(measure_width(it) <= width for it in lines)
        assert len({it.index("|") for it in lines[2:5]}) == 1
