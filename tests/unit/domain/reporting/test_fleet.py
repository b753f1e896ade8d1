"""The fleet: what it takes from each report, its order and its totals."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.evaluation.results import Coverage, EndedDrill, IndexDrills
from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.policy import PineconePlan, Policy, ProjectRequirement
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.reporting.fleet import (
    FindingChanges,
    QuotaUse,
    RecoveryPointAge,
    RecoveryPointsEnd,
    RestoreProof,
    UnauditedProject,
    build_fleet,
)
from backup_auditor.domain.reporting.fleet_rows import summarize_project
from support.builders.audit_sequence_report import build_last_report
from support.builders.facts import (
    DAY,
    NOW,
    READ_FAILURE,
    build_failed_listing,
    build_index,
    build_inventory,
    rename_index,
)
from support.builders.fleets import build_neglected_project, build_project
from support.builders.reports import EXEMPTION, build_bare_index, build_finding, build_report

INSUFFICIENT_DATA = Compliance.INSUFFICIENT_DATA


def test_a_row_has_the_figures_of_the_report() -> None:
    """Compliance, coverage, counts and identity are those of the report."""
    report = replace(build_last_report(), project_id="id-1")
    project = summarize_project(report)
    assert (project.name, project.project_id, project.audit_id) == (report.project, "id-1", report.audit_id)
    assert (project.compliance, project.coverage_percent) == (report.compliance, report.summary.coverage_percent)
    assert project.open_counts == report.summary.open
    assert project.read_error_count == len(report.read_failures) > 0
    assert not project.is_complete
    assert project.changes == FindingChanges(sum(it.is_opened for it in report.findings), len(report.resolved_findings))


def test_a_first_audit_has_no_changes() -> None:
    """Without an earlier audit there is nothing to compare with, although everything is new."""
    findings = (replace(build_finding(), lifecycle="new"),)
    assert summarize_project(replace(build_report(), findings=findings)).changes is None


def test_the_worst_age_is_relative_to_the_objective() -> None:
    """An age of twice its objective is worse than a larger age within its own."""
    report = build_report(build_inventory(build_index(), rename_index(build_index(), "weekly")))
    figures = dict(report.figures.indexes)
    (first, second) = figures
    figures[first] = replace(figures[first], newest_age=timedelta(hours=4), max_age=timedelta(hours=2))
    figures[second] = replace(figures[second], newest_age=timedelta(days=6), max_age=timedelta(days=8))
    project = summarize_project(replace(report, figures=replace(report.figures, indexes=figures)))
    assert project.worst_age == RecoveryPointAge(first, timedelta(hours=4), timedelta(hours=2))
    assert project.is_age_known


def test_an_age_without_an_objective_of_any_length_is_the_worst() -> None:
    """An objective of zero is missed by any age."""
    assert RecoveryPointAge("orders", timedelta(hours=1), timedelta()).ratio == float("inf")


def test_an_index_without_a_recovery_point_is_at_zero_now() -> None:
    """The first end of a project with such an index is the time of its audit."""
    report = build_report(build_inventory(build_index(), build_bare_index("bare")))
    assert summarize_project(report).first_end == RecoveryPointsEnd("bare", report.observed_at)


def test_the_first_end_is_the_earliest_expiry_of_a_last_recovery_point() -> None:
    """Of several indexes, the one whose last recovery point expires first counts."""
    report = build_report(build_inventory(build_index(), rename_index(build_index(), "other")))
    ends = [it.expiries.last_expires_at for it in report.figures.indexes.values()]
    project = summarize_project(report)
    assert project.first_end is not None
    assert project.first_end.at == min(it for it in ends if it is not None)
    assert project.is_end_known


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"backups": build_failed_listing()}, id="backups"),
        pytest.param({"indexes_failure": READ_FAILURE}, id="indexes"),
    ],
)
def test_extremes_are_unknown_after_a_read_error_of_a_listing(facts: dict[str, Any]) -> None:
    """What was not read may be worse than what was."""
    project = summarize_project(build_report(build_inventory(build_index(), **facts)))
    assert (project.worst_age, project.is_age_known) == (None, False)
    assert (project.first_end, project.is_end_known) == (None, False)


def test_a_project_without_indexes_has_no_extremes_and_they_are_known() -> None:
    """Nothing is unknown where there is nothing."""
    project = summarize_project(build_report(build_inventory()))
    assert (project.worst_age, project.is_age_known) == (None, True)
    assert (project.first_end, project.is_end_known) == (None, True)
    assert project.coverage_percent is None


def test_the_use_of_the_quota_is_that_of_the_figures() -> None:
    """Now are the listed backups; when full, the slots of the schedules and the manual backups."""
    report = build_report(build_inventory(build_index()))
    figures = report.figures.quota
    assert figures is not None
    assert summarize_project(report).quota == QuotaUse(figures.quota, figures.backups, figures.slots + figures.manual)


def test_the_use_of_the_quota_is_unknown_without_a_verdict() -> None:
    """Numbers that no finding confirms are not shown."""
    report = build_report(build_inventory(build_index(), backups=build_failed_listing()))
    quota = summarize_project(report).quota
    assert quota is not None
    assert (quota.used, quota.used_when_full) == (None, None)


def test_a_project_without_a_quota_has_no_use_of_it() -> None:
    """A plan without backups has no quota."""
    policy = Policy("built-in", "0" * 64, project=ProjectRequirement(plan=PineconePlan.STARTER))
    assert summarize_project(build_report(build_inventory(build_index()), policy)).quota is None


def build_ended_drill(ended_at: datetime) -> EndedDrill:
    """Build a drill that passed."""
    return EndedDrill("drill", "backup", DrillResult.PASSED, ended_at - timedelta(hours=1), ended_at, None)


def build_drills(name: str, days: int | None, **facts: Any) -> IndexDrills:
    """Build the drills of an index, of which the last passed so many days ago."""
    proof = None if days is None else build_ended_drill(NOW - days * DAY)
    return IndexDrills(Resource(ResourceType.INDEX, "default", name), last_proof=proof, **facts)


def test_the_last_restore_proof_is_the_latest_of_all_indexes() -> None:
    """A drill that passed two days ago counts, and not the older one of another index."""
    drills = (build_drills("carts", 9), build_drills("orders", 2), build_drills("users", None))
    project = summarize_project(replace(build_report(), restore_drills=drills))
    assert project.last_proof == RestoreProof("orders", NOW - 2 * DAY)
    assert project.is_proof_known


def test_the_last_restore_proof_is_unknown_if_drills_of_an_index_are() -> None:
    """A later proof may exist."""
    drills = (build_drills("carts", 9), build_drills("orders", None, unknown_reason="The live id is unknown."))
    project = summarize_project(replace(build_report(), restore_drills=drills))
    assert (project.last_proof, project.is_proof_known) == (None, False)


WORST_FIRST = (
    build_neglected_project("zz-two-critical", 2),
    build_neglected_project("one-critical-and-high", 1, 1),
    build_neglected_project("a-one-critical", 1),
    build_neglected_project("b-one-critical", 1),
    build_neglected_project("a-many-low", 0, 0, 0, 99),
    build_project("unknown-more", compliance=INSUFFICIENT_DATA, unknown_count=3),
    build_project("unknown-less", compliance=INSUFFICIENT_DATA, unknown_count=2),
    build_project("a-compliant"),
    build_project("b-compliant"),
)


def test_the_order_is_worst_first_whatever_finished_first() -> None:
    """Non-compliant projects come by their findings, then unknown and compliant ones, and equal ones by name."""
    unaudited = [UnauditedProject("b", "reason"), UnauditedProject("a", "reason")]
    for start in range(len(WORST_FIRST)):
        projects = WORST_FIRST[start:] + WORST_FIRST[:start]
        fleet = build_fleet(reversed(projects), unaudited, ["b", "a"])
        assert fleet.projects == WORST_FIRST
        assert [it.name for it in fleet.unaudited] == ["a", "b"]
        assert fleet.warnings == ("a", "b")


def test_totals_are_sums() -> None:
    """Every count is summed, and coverage is computed over all indexes that can be backed up."""
    fleet = build_fleet(
        [
            build_neglected_project("a", 1, 2, 3, 4, coverage=Coverage(3, 1, 9), changes=FindingChanges(1, 2)),
            build_neglected_project("b", 1, coverage=Coverage(1, 1, 9), changes=FindingChanges(3, 4), unknown_count=2),
            build_project("c", coverage=None, changes=None, read_error_count=2, exempted_count=5),
        ],
        [UnauditedProject("d", "reason")],
    )
    totals = fleet.totals
    assert fleet.project_count == 4
    assert totals.compliance == {Compliance.NON_COMPLIANT: 2, INSUFFICIENT_DATA: 0, Compliance.COMPLIANT: 1}
    assert totals.open_counts == dict(zip(reversed(Severity), (2, 2, 3, 4), strict=True))
    assert (totals.coverage_percent, totals.index_count) == (50.0, 60)
    assert (totals.unknown_count, totals.exempted_count) == (2, 5)
    assert (totals.read_error_count, totals.incomplete_count) == (2, 1)
    assert totals.changes == FindingChanges(4, 6)


def test_a_fleet_without_audited_projects_has_no_coverage_and_no_changes() -> None:
    """Nothing was read, so nothing is covered or compared."""
    totals = build_fleet((), [UnauditedProject("a", "reason")]).totals
    assert (totals.coverage_percent, totals.changes) == (None, None)


def test_an_exempted_index_does_not_make_the_worst_age() -> None:
    """An accepted deviation hides no other index."""
    report = build_report(build_inventory(build_index(), rename_index(build_index(), "scratch-1")))
    figures = dict(report.figures.indexes)
    figures["scratch-1"] = replace(figures["scratch-1"], newest_age=90 * DAY)
    exempted = tuple(
        replace(it, exemption=EXEMPTION) if it.resource.name == "scratch-1" else it for it in report.findings
    )
    project = summarize_project(replace(report, findings=exempted, figures=replace(report.figures, indexes=figures)))
    assert project.worst_age is not None
    assert project.worst_age.index != "scratch-1"
