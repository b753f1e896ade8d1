"""The registry of formats."""

import json
from dataclasses import replace

import pytest

from backup_auditor.domain.reporting.fleet import build_fleet
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from support.approval import GOLDEN_FOLDER, Approve
from support.builders.audit_sequence_report import SMALL_CATALOG, build_last_report
from support.builders.fleets import build_mixed_fleet, build_project
from support.builders.reports import check_fleet

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


def test_a_registry_in_json_is_one_document() -> None:
    """The fleet and the reports are one document of the published schema, with none, one or two projects."""
    for count in range(3):
        fleet = build_fleet(map(build_project, map(str, range(count))), ())
        options = RenderOptions(fleet=fleet, report_count=count)
        document = json.loads("".join(FORMATS["json"].render([build_last_report()] * count, options)))
        check_fleet(document)
        assert [it["audit_id"] for it in document["reports"]] == [build_last_report().audit_id] * count
        assert document["fleet"]["totals"]["projects"] == count


FLEET_GOLDEN_FILES = {
    "table": "fleet.txt",
    "json": "fleet.json",
    "markdown": "fleet.md",
    "html": "fleet.html",
}


@pytest.mark.parametrize("name", FLEET_GOLDEN_FILES)
def test_a_fleet_gives_the_approved_bytes(name: str, approve: Approve) -> None:
    """A fleet with a project of each kind gives the bytes of the golden file of the format."""
    options = RenderOptions(fleet=build_mixed_fleet(), width=80, report_count=0)
    approve(FLEET_GOLDEN_FILES[name], FORMATS[name].render([], options))


def test_a_fleet_in_csv_gives_the_approved_bytes(approve: Approve) -> None:
    """The file of the fleet beside the findings has a row for each project."""
    approve("fleet.csv", FORMATS["csv"].render_fleet(RenderOptions(fleet=build_mixed_fleet())))


def test_every_golden_file_of_a_fleet_belongs_to_a_format() -> None:
    """The golden files of fleets are those of the formats, and no others."""
    names = {it.name for it in GOLDEN_FOLDER.glob("fleet.*")}
    assert names == {*FLEET_GOLDEN_FILES.values(), "fleet.csv"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_holds_several_projects(name: str) -> None:
    """A document of two projects names both in every format."""
    fleet = build_fleet(map(build_project, ("first", "second")), ())
    options = RenderOptions(controls=SMALL_CATALOG.all_controls, fleet=fleet, report_count=2)
    text = "".join(
        FORMATS[name].render([replace(build_last_report(), project=it) for it in ("first", "second")], options)
    )
    assert "first" in text
    assert "second" in text
