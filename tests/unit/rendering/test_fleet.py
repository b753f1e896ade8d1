"""The words for the coverage of a fleet, where some of it or all of it is unknown."""

from typing import Any

import pytest

from backup_auditor.domain.evaluation.results import Coverage
from backup_auditor.domain.reporting.fleet import FleetProject, UnauditedProject, build_fleet
from backup_auditor.rendering.fleet import build_total_rows
from support.builders.fleets import build_project

UNKNOWN: dict[str, Any] = {"coverage": None, "coverage_percent": None, "is_coverage_known": False}


@pytest.mark.parametrize(
    "projects,text",
    [
        pytest.param([build_project()], "100 % of the indexes that can be backed up", id="known"),
        pytest.param(
            [build_project(), build_project("x", **UNKNOWN)],
            "100 % of the indexes that can be backed up; unknown in 1 project",
            id="partly-known",
        ),
        pytest.param([build_project(it, **UNKNOWN) for it in "xy"], "unknown in 2 projects", id="unknown"),
        pytest.param([build_project(coverage=Coverage(0, 0, 0))], "no index can be backed up", id="no-index"),
        pytest.param([], "unknown", id="nothing-audited"),
    ],
)
def test_unknown_coverage_is_told_from_no_index(projects: list[FleetProject], text: str) -> None:
    """The totals never count an unknown project, and an audit of nothing does not say that no index is covered."""
    fleet = build_fleet(projects, [UnauditedProject("billing", "reason")])
    assert dict(build_total_rows(fleet))["coverage"] == text
