"""Controls as a table, as JSON and as Markdown."""

import json
from pathlib import Path

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.rendering.controls import render_controls_json, render_controls_markdown, render_controls_table
from docs import controls as controls_document

ONE_CONTROL = CATALOG.all_controls[:1]
DOCUMENT_PATH = Path(__file__).parents[3] / "docs" / "reference" / "controls.md"


def test_the_table_has_every_control_within_its_width() -> None:
    """The controls are in the order of the catalog."""
    lines = render_controls_table(CATALOG.all_controls, 90).splitlines()
    assert max(map(len, lines)) <= 90
    shown_controls = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert shown_controls == [it.id for it in CATALOG.all_controls]


def test_one_control_is_shown_in_full() -> None:
    """One control is shown with its rule, guidance and parameters."""
    text = " ".join(render_controls_table(ONE_CONTROL, 90).split())
    control = ONE_CONTROL[0]
    for part in (
        control.id,
        control.title,
        control.fails_when,
        control.rationale,
        control.remediation,
        control.severity,
    ):
        assert part in text
    assert "schedule.required" in text
    for part in (control.looks_at, *control.console, control.false_positives, *control.corresponds_to):
        assert part in text


def test_the_json_has_every_field_of_every_control() -> None:
    """One document, for one as for all."""
    shown_controls = json.loads(render_controls_json(CATALOG.all_controls))["controls"]
    assert [it["id"] for it in shown_controls] == [it.id for it in CATALOG.all_controls]
    assert json.loads(render_controls_json(ONE_CONTROL))["controls"] == shown_controls[:1]
    parameter_meaning = "whether a schedule is required"
    assert shown_controls[0]["parameters"] == {"schedule.required": {"meaning": parameter_meaning, "default": True}}
    assert shown_controls[0]["frameworks"][0] == "SOC 2 A1.2"
    assert set(shown_controls[0]["steps"]) == {"console", "api"}
    assert {key for it in shown_controls for key in it} == {
        "id",
        "title",
        "fails_when",
        "severity",
        "resource_types",
        "looks_at",
        "steps",
        "false_positives",
        "frameworks",
        "corresponds_to",
        "rationale",
        "remediation",
        "parameters",
    }


def test_the_markdown_has_a_section_for_every_control() -> None:
    """A table of contents links to each section if there are several controls."""
    text = render_controls_markdown(CATALOG.all_controls)
    for control in CATALOG.all_controls:
        assert f"\n## `{control.id}`\n" in text
        assert f"](#{control.id})" in text
    assert "](#" not in render_controls_markdown(ONE_CONTROL)


def test_the_document_is_current() -> None:
    """The document has the text of each control."""
    assert controls_document.describe_controls().strip() in DOCUMENT_PATH.read_text(encoding="utf-8")
