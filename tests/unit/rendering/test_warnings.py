"""Warnings are shown in every form of a report."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.digest import build_digest_json, render_digest_text
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.html.page import render_html
from backup_auditor.rendering.slack import build_slack_payload
from support.builders.notifications import build_alert_report as told_report
from support.builders.notifications import build_digest, build_open_finding
from support.builders.reports import build_report

WARNING = "Rule production fits no index: 本番 has another name."
WARNED_REPORT = build_report().with_warnings(WARNING, *(f"Warning number {it}." for it in range(20)))
TWO_REPORTS = (WARNED_REPORT, replace(WARNED_REPORT, project="other"))


def join_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Return pieces that are lines with their ends."""
    return (f"{it}\n" for it in pieces)


@pytest.mark.parametrize(
    "render",
    [
        pytest.param(lambda it: join_lines(render_table(it, width=400)), id="table"),
        pytest.param(render_json, id="json"),
        pytest.param(lambda it: join_lines(render_markdown(it)), id="markdown"),
        pytest.param(lambda it: render_html([it]), id="html"),
        pytest.param(lambda it: FORMATS["csv"].render([it], RenderOptions()), id="csv"),
        pytest.param(lambda it: FORMATS["junit"].render([it], RenderOptions()), id="junit"),
        pytest.param(
            lambda it: FORMATS["sarif"].render([it], RenderOptions(controls=CATALOG.all_controls)), id="sarif"
        ),
        pytest.param(lambda it: FORMATS["ocsf"].render([it], RenderOptions(controls=CATALOG.all_controls)), id="ocsf"),
    ],
)
def test_every_form_shows_the_sentence(render: Callable[[Report], Iterable[str]]) -> None:
    """Every format shows the whole warning, and no trace of warnings if there is none."""
    report = build_report().with_warnings("Rule production fits no index, for example.")
    assert "Rule production fits no index, for example" in "".join(render(report))
    assert "Rule production" not in "".join(render(build_report()))


def test_a_table_folds_what_is_too_much() -> None:
    """Of many warnings the first are shown, and how many more there are."""
    rendered_text = "\n".join(render_table(WARNED_REPORT))
    assert f"WARNINGS ({len(WARNED_REPORT.warnings)})" in rendered_text
    assert "and 16 more" in rendered_text
    assert "WARNINGS" not in "\n".join(render_table(build_report()))


def test_csv_tells_them_once_for_each_project_and_counts_them_in_every_row() -> None:
    """The column `warnings` of a project's first row is a JSON list."""
    rows = list(
        csv.DictReader(io.StringIO("".join(FORMATS["csv"].render(TWO_REPORTS, RenderOptions())) + "\n", newline=""))
    )
    warnings_by_project = [(it["project"], json.loads(it["warnings"])) for it in rows if it["warnings"]]
    assert warnings_by_project == [("default", list(WARNED_REPORT.warnings)), ("other", list(WARNED_REPORT.warnings))]
    assert {it["warning_count"] for it in rows} == {"21"}
    assert WARNING in "".join(FORMATS["csv"].render(TWO_REPORTS, RenderOptions()))


def test_junit_tells_them_in_the_first_suite_of_each_project() -> None:
    """They are its error output, a line each."""
    suites = list(ET.fromstring("".join(FORMATS["junit"].render(TWO_REPORTS, RenderOptions()))))  # noqa: S314  we wrote it
    warnings_by_project = [
        (it.get("name"), it.findtext("system-err")) for it in suites if it.find("system-err") is not None
    ]
    expected = "\n".join(f"Warning: {it}" for it in WARNED_REPORT.warnings)
    first_control = WARNED_REPORT.findings[0].control
    assert warnings_by_project == [(f"default.{first_control}", expected), (f"other.{first_control}", expected)]


def test_sarif_notifies_of_the_configuration() -> None:
    """Each is a notification of level warning."""
    log = json.loads("".join(FORMATS["sarif"].render(TWO_REPORTS, RenderOptions(controls=CATALOG.all_controls))))
    for run in log["runs"]:
        (invocation,) = run["invocations"]
        notifications = invocation["toolConfigurationNotifications"]
        assert [it["message"]["text"] for it in notifications] == list(WARNED_REPORT.warnings)
        assert {it["level"] for it in notifications} == {"warning"}


def test_ocsf_tells_them_in_the_first_event_of_each_project() -> None:
    """Every event counts them."""
    events = [
        json.loads(it)
        for it in "".join(
            FORMATS["ocsf"].render(TWO_REPORTS, RenderOptions(controls=CATALOG.all_controls))
        ).splitlines()
    ]
    warnings_by_project = [it["unmapped"]["project"] for it in events if "warnings" in it["unmapped"]]
    assert warnings_by_project == ["default", "other"]
    assert events[0]["unmapped"]["warnings"] == list(WARNED_REPORT.warnings)
    assert {it["unmapped"]["warning_count"] for it in events} == {21}


@pytest.mark.parametrize(
    "render",
    [
        pytest.param(partial(render_digest_text, row_limit=100), id="mail"),
        pytest.param(lambda it: json.dumps(dict(build_digest_json(it, 100)), ensure_ascii=False), id="machines"),
        pytest.param(lambda it: json.dumps(build_slack_payload(it), ensure_ascii=False), id="slack"),
    ],
)
def test_a_message_shows_them_below_its_findings(render: Callable[[Any], str]) -> None:
    """A warning is no reason to send a message, but a message that is sent shows it."""
    assert WARNING in render(build_digest(told_report(build_open_finding(), warnings=(WARNING,))))
    assert "arning" not in render(build_digest(told_report(build_open_finding())))
