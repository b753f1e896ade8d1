"""What people are told of the time since the last audits: what is new, since when the rest is, what ended."""

from dataclasses import replace

import pytest

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.table import render_table
from support.builders.facts import DAY, NOW, index, inventory, renamed, schedule, whole
from support.builders.reports import BUILT_IN, bare, document_of
from support.fakes.stores import FakeStore

PAUSED = renamed(index(schedules=[schedule(enabled=False)]), "orders")
WELL = renamed(index(), "orders")


def reported(*nights: Inventory, policies: tuple[Policy, ...] = ()) -> Report:
    """Audit night after night, and return the last report."""
    store = FakeStore()
    reports = [
        evaluate_inventory(
            replace(it, observed_at=NOW + number * DAY), policies[number] if policies else BUILT_IN, store
        ).report
        for number, it in enumerate(nights)
    ]
    document_of(reports[-1])
    return reports[-1]


def table(report: Report) -> str:
    """Write a report for a terminal, on lines as long as they want to be."""
    return "\n".join(render_table(report, width=1000))


def test_in_a_first_report_nothing_is_told_from_anything() -> None:
    """All of it is new, and none of it is marked so; neither is anything without a memory."""
    first = reported(inventory(PAUSED))
    assert "(new)" not in table(first)
    assert "RESOLVED" not in table(first)
    assert "changes" not in table(first)


def test_findings_tell_since_when_they_are() -> None:
    """New, reopened, or since a day."""
    night_after = table(reported(inventory(PAUSED), inventory(PAUSED, bare("carts"))))
    assert "no new recovery point will be made. (since 2026-11-22)" in night_after
    assert "It has no backup schedule at all. (new)" in night_after
    reopened = table(reported(inventory(PAUSED), inventory(WELL), inventory(PAUSED)))
    assert "no new recovery point will be made. (reopened, first seen 2026-11-22)" in reopened


def test_what_was_resolved_is_shown_with_its_reason() -> None:
    """By resource and control."""
    shown = table(reported(inventory(PAUSED), inventory(WELL)))
    assert "RESOLVED (" in shown
    assert "orders  schedule-is-enabled: found compliant: " in shown
    gone = table(reported(inventory(PAUSED), inventory()))
    assert "orders  schedule-is-enabled: the index is gone" in gone


@pytest.mark.parametrize(
    "before,after,said",
    [
        pytest.param(
            inventory(WELL),
            inventory(PAUSED),
            "orders  schedule paused (nightly), enabled true to enabled false",
            id="a-setting",
        ),
        pytest.param(
            inventory(WELL),
            inventory(renamed(index(schedules=whole(())), "orders")),
            "orders  schedule deleted (nightly), enabled true, frequency daily, retention_days 7",
            id="a-schedule",
        ),
        pytest.param(
            inventory(WELL),
            inventory(),
            "orders  index disappeared, id id-orders, deletion_protection null",
            id="an-index",
        ),
        pytest.param(
            inventory(renamed(index(deletion_protection=True), "orders")),
            inventory(renamed(index(deletion_protection=False), "orders")),
            "orders  deletion protection turned off, true to false",
            id="a-fact",
        ),
    ],
)
def test_drift_is_shown_with_what_was_before(before: Inventory, after: Inventory, said: str) -> None:
    """Words for what it is, and both values."""
    shown = table(reported(before, after))
    assert "DRIFT (1)" in shown
    assert said in shown


def test_a_changed_policy_is_drift_of_the_project() -> None:
    """By its hash."""
    told = inventory(WELL)
    shown = table(reported(told, told, policies=(BUILT_IN, replace(BUILT_IN, sha256="1" * 64))))
    assert f"the project  policy changed, {'0' * 64} to {'1' * 64}" in shown


def test_the_changes_are_counted() -> None:
    """What was opened, what stayed, what ended."""
    report = reported(inventory(PAUSED), inventory(WELL, bare("carts")))
    opened = sum(it.lifecycle == "new" for it in report.findings)
    lines = table(report).splitlines()
    told = (
        f"{opened} new, 0 reopened, 0 ongoing; {len(report.resolved_findings)} resolved;"
        f" {len(report.drift)} settings drifted"
    )
    assert lines[2] == f"  changes  {told}"


def test_an_audit_after_a_good_one_has_a_past() -> None:
    """Though nothing of the good one is left but that it was: what is found now is new."""
    assert "  changes  0 new, 0 reopened, 0 ongoing; 0 resolved" in table(reported(inventory(WELL), inventory(WELL)))
    broken_since = table(reported(inventory(WELL), inventory(PAUSED)))
    assert "no new recovery point will be made. (new)" in " ".join(broken_since.split())


def test_markdown_tells_the_same() -> None:
    """In its own sections."""
    shown = "\n".join(render_markdown(reported(inventory(PAUSED), inventory(WELL, bare("carts")))))
    assert "## Resolved (" in shown
    assert "- `orders`: schedule\\-is\\-enabled: found compliant: " in shown
    assert "## Drift (2)" in shown
    assert "- `carts`: index appeared" in shown
    assert "It has no backup schedule at all. \\(new\\)" in shown
    assert "\n\nChanges: " in shown
    first = "\n".join(render_markdown(reported(inventory(PAUSED))))
    assert "(new" not in first
    assert "Changes: " not in first
