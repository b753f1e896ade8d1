"""How much was open over the past audits, as a picture for each severity."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.project_state import MAX_PAST_AUDITS, PastAudit
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.html.overview import Trend, TrendLine, build_trend
from backup_auditor.rendering.html.page import render_html
from support.builders.facts import NOW, READ_FAILURE
from support.builders.reports import build_report

EMPTY_COUNTS = dict.fromkeys(reversed(Severity), 0)


def build_trend_report(
    *counts: int, has_read_failure: bool = False, incomplete_positions: tuple[int, ...] = ()
) -> Report:
    """Build a report of so many critical findings, by those of the audits before it and its own, the last."""
    past_audits = [
        PastAudit(
            NOW - timedelta(days=len(counts) - 1 - position),
            position not in incomplete_positions,
            EMPTY_COUNTS | {Severity.CRITICAL: count},
        )
        for position, count in enumerate(counts[:-1])
    ]
    report = build_report()
    summary = replace(report.summary, open=EMPTY_COUNTS | {Severity.CRITICAL: counts[-1]})
    return replace(
        report, summary=summary, history=tuple(past_audits), read_failures=(READ_FAILURE,) if has_read_failure else ()
    )


def draw_trend(report: Report) -> Trend:
    """Draw the recorded audits."""
    drawn_trend = build_trend(report)
    assert drawn_trend is not None
    return drawn_trend


def draw_critical_line(report: Report) -> TrendLine:
    """Draw the critical findings."""
    return draw_trend(report).lines[0]


def test_without_an_audit_before_there_is_nothing_but_a_sentence() -> None:
    """No picture, no table."""
    assert build_trend(build_report()) is None
    page = "".join(render_html([build_report()]))
    assert "<p>No previous audit to compare with.</p>" in page
    assert 'class="trend"' not in page


@pytest.mark.parametrize(
    "counts,path",
    [
        pytest.param((0, 0), "", id="none"),
        pytest.param((0, 1), "M300 34V10h8V34z", id="one-now"),
        pytest.param((1, 0), "M290 34V10h8V34z", id="one-before"),
        pytest.param((2, 1), "M290 34V10h8V34zM300 34V22h8V34z", id="half"),
        pytest.param((10_000, 1), "M290 34V10h8V34zM300 34V32h8V34z", id="few-beside-many"),
    ],
)
def test_a_column_is_as_high_as_its_share_of_the_most(counts: tuple[int, ...], path: str) -> None:
    """None for none, and whatever there is can be seen."""
    trend_line = draw_critical_line(build_trend_report(*counts))
    assert trend_line.columns == path
    assert (trend_line.current_count, trend_line.max_count) == (counts[-1], max(counts))


def test_this_audit_is_at_the_right_and_the_first_of_many_at_the_left() -> None:
    """Every recorded audit has a column."""
    drawn_trend = draw_trend(build_trend_report(*[1] * (MAX_PAST_AUDITS + 1)))
    assert drawn_trend.start == 0
    assert drawn_trend.lines[0].columns.startswith("M0 34")
    assert drawn_trend.lines[0].columns.endswith("M300 34V10h8V34z")


def test_an_audit_that_could_not_read_everything_has_a_line_on_its_column() -> None:
    """In each picture, down to what it found."""
    trend_line = draw_trend(build_trend_report(1, 2, incomplete_positions=(0,)))
    assert [it.incomplete_marks for it in trend_line.lines] == ["M294 0V22", "M294 0V34", "M294 0V34", "M294 0V34"]
    assert trend_line.has_incomplete_audits
    assert draw_critical_line(build_trend_report(1, 2, has_read_failure=True)).incomplete_marks == "M304 0V10"
    assert not draw_trend(build_trend_report(1, 2)).has_incomplete_audits


def test_each_audit_is_reported_in_figures_the_latest_first() -> None:
    """A table shows the same audits as the picture."""
    rows = draw_trend(build_trend_report(1, 2, 3, incomplete_positions=(1,))).rows
    assert rows == (
        ("2026-11-22T12:00:00Z", True, [3, 0, 0, 0]),
        ("2026-11-21T12:00:00Z", False, [2, 0, 0, 0]),
        ("2026-11-20T12:00:00Z", True, [1, 0, 0, 0]),
    )
