"""The restore drills on the page."""

from dataclasses import replace
from datetime import timedelta

from backup_auditor.domain.evaluation.results import MAX_RESTORES, IndexDrills
from backup_auditor.domain.project_state import DrillResult, KnownDrill, KnownIndex
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.html.index_history import DrillHistory, RestoreTimePicture, build_drill_histories
from backup_auditor.rendering.html.page import render_html
from support.builders.facts import (
    DAY,
    HOUR,
    MINUTE,
    ago,
    build_drill_state,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
)
from support.builders.reports import build_report

POLICY = build_policy(restore_drill_within=80 * DAY, max_restore_time=HOUR)
OLD_INDEX = KnownIndex("main", "id-main", ago(100 * DAY), None)


def build_drill_report(*drills: KnownDrill) -> Report:
    """Build a report of the index `main`, of which a drill is required."""
    state = build_drill_state(*drills, indexes={"main": OLD_INDEX})
    return build_report(build_inventory(build_index()), POLICY, state)


def build_history(*drills: KnownDrill) -> DrillHistory:
    """Return the drills of the index `main`."""
    report = build_drill_report(*drills)
    (history,) = build_drill_histories(report, report.timelines)
    return history


def test_each_restore_time_is_a_column() -> None:
    """The newest is at the right, and the scale shows the longest time."""
    picture = RestoreTimePicture([10 * MINUTE, 20 * MINUTE], None)
    assert picture.columns == "M100 38V21h8V38zM110 38V4h8V38z"
    assert (picture.slow_columns, picture.limit) == ("", "")
    assert picture.label == "Restore times, oldest first: 10m, 20m"


def test_the_limit_is_a_line_and_longer_times_differ() -> None:
    """The scale shows the limit too, whatever the times are."""
    picture = RestoreTimePicture([HOUR, HOUR + MINUTE], HOUR)
    assert picture.columns == "M100 38V5h8V38z"
    assert picture.slow_columns == "M110 38V4h8V38z"
    assert picture.limit == "M0 5H120"
    assert picture.label == "Restore times, oldest first: 1h, 1h 1m (limit: 1h)"
    assert RestoreTimePicture([15 * MINUTE], HOUR).columns == "M110 38V30h8V38z"


def test_the_shortest_time_can_be_seen() -> None:
    """A restore of no time has a column, and all columns fit the picture."""
    assert RestoreTimePicture([timedelta()], None).columns == "M110 38V36h8V38z"
    assert RestoreTimePicture([MINUTE] * MAX_RESTORES, None).columns.startswith("M0 38")


def test_a_proven_index_has_no_problem() -> None:
    """Its proof, its restore time and its next drill are shown."""
    history = build_history(build_known_drill(2 * DAY))
    assert (history.proven_at, history.backup_id, history.age) == (
        "2026-11-20 12:00 UTC",
        "run-1",
        "2d ago (limit: 80d)",
    )
    assert (history.restore_time, history.state) == ("10m (limit: 1h)", "next drill: due 2027-01-19 12:00 UTC")
    assert (history.age_problem, history.time_problem) == ("", "")
    assert history.restores == [("2026-11-20 12:00 UTC", "passed", "10m", "run-1")]
    assert history.anchor.startswith("index-")


def test_only_an_open_finding_is_a_problem() -> None:
    """A missing or old proof, and a restore that took too long."""
    unproven_history = build_history()
    assert (unproven_history.age, unproven_history.age_problem) == ("no recorded proof (limit: 80d)", "missing")
    history = build_history(build_known_drill(81 * DAY, restore_time=2 * HOUR))
    assert (history.age_problem, history.time_problem) == ("too old", "too slow")
    report = build_drill_report()
    (history,) = build_drill_histories(replace(report, findings=()), ())
    assert (history.age_problem, history.anchor) == ("", "")


def test_an_index_without_a_restore_has_no_picture() -> None:
    """A drill that did not restore has no restore time."""
    history = build_history(build_known_drill(result=DrillResult.FAILED, restore_time=None))
    assert (history.picture, history.restore_time, history.proven_at) == (None, "none", "none recorded")


def test_the_page_says_what_an_empty_section_would_show() -> None:
    """The section is there, so that its link leads somewhere."""
    text = "".join(render_html([build_report()]))
    assert "No restore drills recorded, and none required." in text
    assert 'class="restores"' not in text


def test_the_page_shows_the_picture_with_its_times_as_text() -> None:
    """The times are the label of the picture, and rows of a table."""
    text = "".join(render_html([build_drill_report(build_known_drill(DAY), build_known_drill(2 * DAY))]))
    assert 'role="img" aria-label="Restore times, oldest first: 10m, 10m (limit: 1h)"' in text
    assert text.count("<td>2026-11-21 12:00 UTC</td>") == 1
    assert "<caption>Required first, then without a proof, then the oldest proof. A column" in text


def test_unknown_drills_are_neither_a_proof_nor_none() -> None:
    """The reason stands in the last column."""
    report = build_drill_report()
    drills = IndexDrills(report.restore_drills[0].resource, unknown_reason="The id of the live index main is unknown.")
    (history,) = build_drill_histories(replace(report, restore_drills=(drills,)), ())
    assert (history.proven_at, history.age) == ("unknown", "unknown")
    assert history.state == "unknown: The id of the live index main is unknown"
