"""How much was open over the past audits, as a picture for each severity."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.project_state import MAX_PAST_AUDITS, PastAudit
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.html.overview import Trend, TrendLine, build_trend
from backup_auditor.rendering.html.page import render_html
from support.builders.facts import BROKEN, NOW
from support.builders.reports import report

EMPTY = dict.fromkeys(reversed(Severity), 0)


def audited(*counts: int, unread: bool = False, incomplete: tuple[int, ...] = ()) -> Report:
    """Build a report of so many critical findings, by those of the audits before it and its own, the last."""
    past = [
        PastAudit(NOW - timedelta(days=len(counts) - 1 - at), at not in incomplete, EMPTY | {Severity.CRITICAL: count})
        for at, count in enumerate(counts[:-1])
    ]
    shown = report()
    summary = replace(shown.summary, open=EMPTY | {Severity.CRITICAL: counts[-1]})
    return replace(shown, summary=summary, history=tuple(past), read_failures=(BROKEN,) if unread else ())


def drawn(shown: Report) -> Trend:
    """Draw what is remembered."""
    found = build_trend(shown)
    assert found is not None
    return found


def critical(shown: Report) -> TrendLine:
    """Draw the critical findings."""
    return drawn(shown).lines[0]


def test_without_an_audit_before_there_is_nothing_but_a_sentence() -> None:
    """No picture, no table."""
    assert build_trend(report()) is None
    page = "".join(render_html([report()]))
    assert "<p>No audit before this one is remembered.</p>" in page
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
    found = critical(audited(*counts))
    assert found.columns == path
    assert (found.current_count, found.max_count) == (counts[-1], max(counts))


def test_this_audit_stands_at_the_right_and_the_first_of_many_at_the_left() -> None:
    """There is a place for each that is remembered."""
    found = drawn(audited(*[1] * (MAX_PAST_AUDITS + 1)))
    assert found.start == 0
    assert found.lines[0].columns.startswith("M0 34")
    assert found.lines[0].columns.endswith("M300 34V10h8V34z")


def test_an_audit_that_could_not_read_everything_has_a_line_on_its_column() -> None:
    """In each picture, down to what it found."""
    found = drawn(audited(1, 2, incomplete=(0,)))
    assert [it.incomplete_marks for it in found.lines] == ["M294 0V22", "M294 0V34", "M294 0V34", "M294 0V34"]
    assert found.has_incomplete_audits
    assert critical(audited(1, 2, unread=True)).incomplete_marks == "M304 0V10"
    assert not drawn(audited(1, 2)).has_incomplete_audits


def test_each_audit_is_told_in_figures_the_latest_first() -> None:
    """What the picture shows stands as a table, too."""
    rows = drawn(audited(1, 2, 3, incomplete=(1,))).rows
    assert [(it.observed_at, it.is_complete, it.counts) for it in rows] == [
        ("2026-11-22T12:00:00Z", True, (3, 0, 0, 0)),
        ("2026-11-21T12:00:00Z", False, (2, 0, 0, 0)),
        ("2026-11-20T12:00:00Z", True, (1, 0, 0, 0)),
    ]
