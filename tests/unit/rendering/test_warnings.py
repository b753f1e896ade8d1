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
from backup_auditor.rendering.digest import render_digest_text
from backup_auditor.rendering.digest_json import build_digest_json
from backup_auditor.rendering.formats.csv import render_csv
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.formats.junit import render_junit
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.ocsf import render_ocsf
from backup_auditor.rendering.formats.sarif import render_sarif
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.html.page import render_html
from backup_auditor.rendering.slack import build_slack_payload
from support.builders.notifications import digest, found
from support.builders.notifications import told as told_report
from support.builders.reports import report

WARNING = "Rule production fits no index: 本番 has another name."
WARNED = report().with_warnings(WARNING, *(f"Warning number {it}." for it in range(20)))
TWO = (WARNED, replace(WARNED, project="other"))


def lines(pieces: Iterable[str]) -> Iterator[str]:
    """Return pieces that are lines with their ends."""
    return (f"{it}\n" for it in pieces)


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda it: lines(render_table(it, width=400)), id="table"),
        pytest.param(render_json, id="json"),
        pytest.param(lambda it: lines(render_markdown(it)), id="markdown"),
        pytest.param(lambda it: render_html([it]), id="html"),
        pytest.param(lambda it: render_csv([it]), id="csv"),
        pytest.param(lambda it: render_junit([it]), id="junit"),
        pytest.param(lambda it: render_sarif([it], CATALOG.all_controls), id="sarif"),
        pytest.param(lambda it: render_ocsf([it], CATALOG.all_controls), id="ocsf"),
    ],
)
def test_every_form_shows_the_sentence(draw: Callable[[Report], Iterable[str]]) -> None:
    """It stands there whole, and where there is none nothing speaks of it."""
    shown = report().with_warnings("Rule production fits no index, for example.")
    assert "Rule production fits no index, for example" in "".join(draw(shown))
    assert "Rule production" not in "".join(draw(report()))


def test_a_table_folds_what_is_too_much() -> None:
    """Of many warnings the first are shown, and how many more there are."""
    shown = "\n".join(render_table(WARNED))
    assert f"WARNINGS ({len(WARNED.warnings)})" in shown
    assert "and 16 more" in shown
    assert "WARNINGS" not in "\n".join(render_table(report()))


def test_csv_tells_them_once_for_each_project_and_counts_them_in_every_row() -> None:
    """The column `warnings` of a project's first row is a JSON list."""
    rows = list(csv.DictReader(io.StringIO("".join(render_csv(TWO)) + "\n", newline="")))
    told = [(it["project"], json.loads(it["warnings"])) for it in rows if it["warnings"]]
    assert told == [("default", list(WARNED.warnings)), ("other", list(WARNED.warnings))]
    assert {it["warning_count"] for it in rows} == {"21"}
    assert WARNING in "".join(render_csv(TWO))


def test_junit_tells_them_in_the_first_suite_of_each_project() -> None:
    """They are its error output, a line each."""
    suites = list(ET.fromstring("".join(render_junit(TWO))))  # noqa: S314  we wrote it
    told = [(it.get("name"), it.findtext("system-err")) for it in suites if it.find("system-err") is not None]
    expected = "\n".join(f"Warning: {it}" for it in WARNED.warnings)
    first = WARNED.findings[0].control
    assert told == [(f"default.{first}", expected), (f"other.{first}", expected)]


def test_sarif_notifies_of_the_configuration() -> None:
    """Each is a notification of level warning."""
    log = json.loads("".join(render_sarif(TWO, CATALOG.all_controls)))
    for run in log["runs"]:
        (invocation,) = run["invocations"]
        notified = invocation["toolConfigurationNotifications"]
        assert [it["message"]["text"] for it in notified] == list(WARNED.warnings)
        assert {it["level"] for it in notified} == {"warning"}


def test_ocsf_tells_them_in_the_first_event_of_each_project() -> None:
    """Every event counts them."""
    events = [json.loads(it) for it in "".join(render_ocsf(TWO, CATALOG.all_controls)).splitlines()]
    told = [it["unmapped"]["project"] for it in events if "warnings" in it["unmapped"]]
    assert told == ["default", "other"]
    assert events[0]["unmapped"]["warnings"] == list(WARNED.warnings)
    assert {it["unmapped"]["warning_count"] for it in events} == {21}


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(partial(render_digest_text, row_limit=100), id="mail"),
        pytest.param(lambda it: json.dumps(dict(build_digest_json(it, 100)), ensure_ascii=False), id="machines"),
        pytest.param(lambda it: json.dumps(build_slack_payload(it), ensure_ascii=False), id="slack"),
    ],
)
def test_a_message_shows_them_below_its_findings(draw: Callable[[Any], str]) -> None:
    """It is no reason to send one, but it stands in one that is sent."""
    assert WARNING in draw(digest(told_report(found(), warnings=(WARNING,))))
    assert "arning" not in draw(digest(told_report(found())))
