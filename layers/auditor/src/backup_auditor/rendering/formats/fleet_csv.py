"""The fleet as CSV (RFC 4180) for spreadsheets, a project a row."""

from collections.abc import Iterator, Mapping

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.timefmt import format_moment, to_hours
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.formats.csv import BYTE_ORDER_MARK, format_cell, make_row_formatter, shorten_command
from backup_auditor.rendering.text import format_value

_COLUMNS = (
    "project",
    "project_id",
    "audited",
    "not_audited_reason",
    "audit_id",
    "observed_at",
    "complete",
    "compliance",
    "indexes",
    "coverage_percent",
    *(f"open_{it}" for it in reversed(Severity)),
    "unknown",
    "exempted",
    "worst_recovery_point_age_hours",
    "worst_recovery_point_max_age_hours",
    "worst_recovery_point_index",
    "first_zero_recovery_points_at",
    "first_zero_recovery_points_index",
    "backup_quota",
    "backup_quota_used",
    "backup_quota_used_when_schedules_are_full",
    "last_restore_proof_at",
    "last_restore_proof_index",
    "read_errors",
    "new",
    "resolved",
)

type _Values = Mapping[str, object]


def render_fleet(options: RenderOptions) -> Iterator[str]:
    """Write a row for each project, the worst first, with the conventions of the findings' file.

    A cell is empty where there is no value, and `unknown` where it is not known.
    """
    if options.is_file:
        yield BYTE_ORDER_MARK
    format_row, command = make_row_formatter(), shorten_command(options)
    yield format_row(_COLUMNS)
    for values in _build_rows(options.fleet) if options.fleet is not None else ():
        cells = (format_value("" if (value := values.get(name)) is None else value) for name in _COLUMNS)
        yield f"\r\n{format_row([format_cell(it, command) for it in cells])}"
    yield "\r"


def _build_rows(fleet: Fleet) -> Iterator[_Values]:
    for unaudited in fleet.unaudited:
        yield {"project": unaudited.name, "audited": False, "not_audited_reason": unaudited.reason}
    yield from map(_build_values, fleet.projects)


def _build_values(project: FleetProject) -> _Values:
    values: dict[str, object] = {
        "project": project.name,
        "project_id": project.project_id,
        "audited": True,
        "audit_id": project.audit_id,
        "observed_at": format_moment(project.observed_at),
        "complete": project.is_complete,
        "compliance": project.compliance,
        "indexes": project.index_count,
        "coverage_percent": project.coverage_percent if project.is_coverage_known else "unknown",
        **{f"open_{severity}": count for severity, count in project.open_counts.items()},
        "unknown": project.unknown_count,
        "exempted": project.exempted_count,
        "worst_recovery_point_age_hours": None if project.is_age_known else "unknown",
        "first_zero_recovery_points_at": None if project.is_end_known else "unknown",
        "last_restore_proof_at": None if project.is_proof_known else "unknown",
        "read_errors": project.read_error_count,
    }
    if project.worst_age is not None:
        values["worst_recovery_point_age_hours"] = to_hours(project.worst_age.age)
        values["worst_recovery_point_max_age_hours"] = to_hours(project.worst_age.max_age)
        values["worst_recovery_point_index"] = project.worst_age.index
    if project.first_end is not None:
        values["first_zero_recovery_points_at"] = format_moment(project.first_end.at)
        values["first_zero_recovery_points_index"] = project.first_end.index
    if project.last_proof is not None:
        values["last_restore_proof_at"] = format_moment(project.last_proof.ended_at)
        values["last_restore_proof_index"] = project.last_proof.index
    if (quota := project.quota) is not None:
        values["backup_quota"] = quota.quota
        values["backup_quota_used"] = "unknown" if quota.used is None else quota.used
        values["backup_quota_used_when_schedules_are_full"] = (
            "unknown" if quota.used_when_full is None else quota.used_when_full
        )
    if project.changes is not None:
        values |= {"new": project.changes.new, "resolved": project.changes.resolved}
    return values
