"""The changes since the last audit: new findings, the age of the others, and resolved ones."""

from dataclasses import replace

import pytest

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.table import render_table
from support.builders.facts import (
    DAY,
    NOW,
    build_complete_listing,
    build_index,
    build_inventory,
    build_schedule,
    rename_index,
)
from support.builders.reports import BUILT_IN_POLICY, build_bare_index, render_document
from support.fakes.stores import FakeStore

PAUSED_INDEX = rename_index(build_index(schedules=[build_schedule(enabled=False)]), "orders")
HEALTHY_INDEX = rename_index(build_index(), "orders")


def audit_inventories(*inventories: Inventory, policies: tuple[Policy, ...] = ()) -> Report:
    """Audit night after night, and return the last report."""
    store = FakeStore()
    reports = [
        evaluate_inventory(
            replace(it, observed_at=NOW + number * DAY), policies[number] if policies else BUILT_IN_POLICY, store
        ).report
        for number, it in enumerate(inventories)
    ]
    render_document(reports[-1])
    return reports[-1]


def render_text(report: Report) -> str:
    """Write a report for a terminal, on lines as long as they want to be."""
    return "\n".join(render_table(report, width=1000))


def test_a_first_report_compares_nothing() -> None:
    """All of it is new, and none of it is marked so; neither is anything without a memory."""
    first_report = audit_inventories(build_inventory(PAUSED_INDEX))
    assert "(new)" not in render_text(first_report)
    assert "RESOLVED" not in render_text(first_report)
    assert "changes" not in render_text(first_report)


def test_findings_tell_since_when_they_are() -> None:
    """New, reopened, or since a day."""
    second_text = render_text(
        audit_inventories(build_inventory(PAUSED_INDEX), build_inventory(PAUSED_INDEX, build_bare_index("carts")))
    )
    assert "so no new recovery points are made. (since 2026-11-22)" in second_text
    assert "The index has no backup schedule. (new)" in second_text
    reopened_text = render_text(
        audit_inventories(build_inventory(PAUSED_INDEX), build_inventory(HEALTHY_INDEX), build_inventory(PAUSED_INDEX))
    )
    assert "so no new recovery points are made. (reopened, first seen 2026-11-22)" in reopened_text


def test_what_was_resolved_is_shown_with_its_reason() -> None:
    """By resource and control."""
    rendered_text = render_text(audit_inventories(build_inventory(PAUSED_INDEX), build_inventory(HEALTHY_INDEX)))
    assert "RESOLVED (" in rendered_text
    assert "orders  schedule-is-enabled: found compliant: " in rendered_text
    deleted_text = render_text(audit_inventories(build_inventory(PAUSED_INDEX), build_inventory()))
    assert "orders  schedule-is-enabled: the index is gone" in deleted_text


@pytest.mark.parametrize(
    "inventory_before,inventory_after,expected_text",
    [
        pytest.param(
            build_inventory(HEALTHY_INDEX),
            build_inventory(PAUSED_INDEX),
            "orders  schedule paused (nightly), enabled true to enabled false",
            id="a-setting",
        ),
        pytest.param(
            build_inventory(HEALTHY_INDEX),
            build_inventory(rename_index(build_index(schedules=build_complete_listing(())), "orders")),
            "orders  schedule deleted (nightly), enabled true, frequency daily, retention_days 7",
            id="a-schedule",
        ),
        pytest.param(
            build_inventory(HEALTHY_INDEX),
            build_inventory(),
            "orders  index disappeared, id id-orders, deletion_protection null",
            id="an-index",
        ),
        pytest.param(
            build_inventory(rename_index(build_index(deletion_protection=True), "orders")),
            build_inventory(rename_index(build_index(deletion_protection=False), "orders")),
            "orders  deletion protection turned off, true to false",
            id="a-fact",
        ),
    ],
)
def test_drift_is_shown_with_what_was_before(
    inventory_before: Inventory, inventory_after: Inventory, expected_text: str
) -> None:
    """Words for what it is, and both values."""
    rendered_text = render_text(audit_inventories(inventory_before, inventory_after))
    assert "DRIFT (1)" in rendered_text
    assert expected_text in rendered_text


def test_a_changed_policy_is_drift_of_the_project() -> None:
    """By its hash."""
    inventory = build_inventory(HEALTHY_INDEX)
    rendered_text = render_text(
        audit_inventories(inventory, inventory, policies=(BUILT_IN_POLICY, replace(BUILT_IN_POLICY, sha256="1" * 64)))
    )
    assert f"the project  policy changed, {'0' * 64} to {'1' * 64}" in rendered_text


def test_the_changes_are_counted() -> None:
    """What was opened, what stayed, what ended."""
    report = audit_inventories(build_inventory(PAUSED_INDEX), build_inventory(HEALTHY_INDEX, build_bare_index("carts")))
    opened_count = sum(it.lifecycle == "new" for it in report.findings)
    lines = render_text(report).splitlines()
    counts_text = (
        f"{opened_count} new, 0 reopened, 0 ongoing; {len(report.resolved_findings)} resolved;"
        f" {len(report.drift)} settings drifted"
    )
    assert lines[2] == f"  changes  {counts_text}"


def test_an_audit_after_a_good_one_has_a_past() -> None:
    """Though nothing of the good one is left but that it was: what is found now is new."""
    assert "  changes  0 new, 0 reopened, 0 ongoing; 0 resolved" in render_text(
        audit_inventories(build_inventory(HEALTHY_INDEX), build_inventory(HEALTHY_INDEX))
    )
    changed_text = render_text(audit_inventories(build_inventory(HEALTHY_INDEX), build_inventory(PAUSED_INDEX)))
    assert "so no new recovery points are made. (new)" in " ".join(changed_text.split())


def test_markdown_tells_the_same() -> None:
    """In its own sections."""
    rendered_text = "\n".join(
        render_markdown(
            audit_inventories(build_inventory(PAUSED_INDEX), build_inventory(HEALTHY_INDEX, build_bare_index("carts")))
        )
    )
    assert "## Resolved (" in rendered_text
    assert "- `orders`: schedule\\-is\\-enabled: found compliant: " in rendered_text
    assert "## Drift (2)" in rendered_text
    assert "- `carts`: index appeared" in rendered_text
    assert "The index has no backup schedule. \\(new\\)" in rendered_text
    assert "\n\nChanges: " in rendered_text
    first_text = "\n".join(render_markdown(audit_inventories(build_inventory(PAUSED_INDEX))))
    assert "(new" not in first_text
    assert "Changes: " not in first_text
