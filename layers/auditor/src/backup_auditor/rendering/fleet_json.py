"""The fleet as JSON values, for the JSON document of a registry."""

from collections.abc import Iterator

from backup_auditor.domain.reporting.fleet import FindingChanges, Fleet, FleetProject, UnauditedProject
from backup_auditor.domain.timefmt import format_moment, to_hours


def build_unaudited_json(project: UnauditedProject) -> dict[str, object]:
    """Return a project that could not be audited, with the reason."""
    return {"name": project.name, "reason": project.reason}


def build_project_json(project: FleetProject) -> dict[str, object]:
    """Return what one audit found in its project."""
    age, end, quota = project.worst_age, project.first_end, project.quota
    return {
        "project": {"name": project.name, "id": project.project_id},
        "audit_id": project.audit_id,
        "observed_at": format_moment(project.observed_at),
        "complete": project.is_complete,
        "compliance": project.compliance,
        "indexes": project.index_count,
        "coverage_percent": project.coverage_percent,
        "open": dict(project.open_counts),
        "unknown": project.unknown_count,
        "exempted": project.exempted_count,
        "worst_recovery_point_age": None
        if age is None
        else {"index": age.index, "hours": to_hours(age.age), "max_age_hours": to_hours(age.max_age)},
        "first_zero_recovery_points": None if end is None else {"index": end.index, "at": format_moment(end.at)},
        "backup_quota": None
        if quota is None
        else {"quota": quota.quota, "used": quota.used, "used_when_schedules_are_full": quota.used_when_full},
        "last_restore_proof": None
        if project.last_proof is None
        else {"index": project.last_proof.index, "at": format_moment(project.last_proof.ended_at)},
        "unknown_figures": list(_list_unknown_figures(project)),
        "read_errors": project.read_error_count,
        "changes": _build_changes(project.changes),
    }


def _list_unknown_figures(project: FleetProject) -> Iterator[str]:
    """Return the keys whose value is null because it is unknown, and not because there is none."""
    if not project.is_coverage_known:
        yield "coverage_percent"
    if not project.is_age_known:
        yield "worst_recovery_point_age"
    if not project.is_end_known:
        yield "first_zero_recovery_points"
    if not project.is_proof_known:
        yield "last_restore_proof"


def build_totals_json(fleet: Fleet) -> dict[str, object]:
    """Return the numbers of projects, and the sums over the audited ones."""
    totals = fleet.totals
    return {
        "projects": fleet.project_count,
        "audited": len(fleet.projects),
        "not_audited": len(fleet.unaudited),
        "compliance": dict(totals.compliance),
        "incomplete": totals.incomplete_count,
        "indexes": totals.index_count,
        "coverage_percent": totals.coverage_percent,
        "coverage_unknown": fleet.unknown_coverage_count,
        "open": dict(totals.open_counts),
        "unknown": totals.unknown_count,
        "exempted": totals.exempted_count,
        "read_errors": totals.read_error_count,
        "changes": _build_changes(totals.changes),
    }


def _build_changes(changes: FindingChanges | None) -> dict[str, int] | None:
    return None if changes is None else {"new": changes.new, "resolved": changes.resolved}
