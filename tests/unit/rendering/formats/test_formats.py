"""The registry of formats."""

import json
from dataclasses import replace

import pytest

from backup_auditor.rendering.formats import FORMATS, RenderOptions
from support.approval import GOLDEN_FOLDER, Approve
from support.builders.audit_sequence_report import SMALL_CATALOG, build_last_report

GOLDEN_FILES = {
    "table": "report.txt",
    "json": "report.json",
    "markdown": "report.md",
    "csv": "report.csv",
    "junit": "report.junit.xml",
    "sarif": "report.sarif",
    "ocsf": "report.ocsf.ndjson",
    "html": "report.html",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_the_approved_bytes(name: str, approve: Approve) -> None:
    """A report in which everything happens gives the bytes of the golden file of the format."""
    options = RenderOptions(controls=SMALL_CATALOG.all_controls, width=80)
    approve(GOLDEN_FILES[name], FORMATS[name].render([build_last_report()], options))


def test_every_golden_file_of_a_report_belongs_to_a_format() -> None:
    """The golden files of reports are those of the formats, and no others."""
    names = {it.name for it in GOLDEN_FOLDER.glob("report.*")}
    assert names == {GOLDEN_FILES[it] for it in FORMATS}


def test_a_registry_in_json_is_an_array() -> None:
    """The reports of a registry are a JSON array, whether it has none, one or two projects."""
    for count in range(3):
        options = RenderOptions(is_registry=True, report_count=count)
        document = json.loads("".join(FORMATS["json"].render([build_last_report()] * count, options)))
        assert [it["audit_id"] for it in document] == [build_last_report().audit_id] * count


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_holds_several_projects(name: str) -> None:
    """A document of two projects names both in every format."""
    options = RenderOptions(controls=SMALL_CATALOG.all_controls, is_registry=True, report_count=2)
    text = "".join(
        FORMATS[name].render([replace(build_last_report(), project=it) for it in ("first", "second")], options)
    )
    assert "first" in text
    assert "second" in text
