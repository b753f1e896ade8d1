"""Reports as CSV (RFC 4180) for spreadsheets, a finding a row; and the fleet, a project a row."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import cut_text, find_cluster_end
from backup_auditor.domain.timefmt import format_moment, to_hours
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.summary import build_audit_facts, count_totals
from backup_auditor.rendering.text import count_units, escape_text, format_json, format_value

_COLUMNS = (
    "project",
    "audit_id",
    "observed_at",
    "complete",
    "control",
    "resource_type",
    "resource_name",
    "resource_id",
    "compliance",
    "severity",
    "reason",
    "remediation",
    "exemption_owner",
    "exemption_reason",
    "exemption_expires",
    "lifecycle",
    "first_seen",
    "fingerprint",
    "evidence",
    # the numbers of rows that only the JSON report lists
    "read_error_count",
    "resolved_count",
    "drift_count",
    "warning_count",
    "proposal_count",
    "warnings",
)
_FORMULA_STARTS = tuple("=+-@＝＋－＠")  # noqa: RUF001  spreadsheets take the wide ones for the narrow
_INVISIBLE_CHARACTERS = "\xad\u200b\u200c\u200d\u2060\ufeff"
_BYTE_ORDER_MARK = "\ufeff"
"""The start of a file: without it, spreadsheets decode UTF-8 with a local encoding."""
MAX_CELL_LENGTH = 32_767
"""The limit of a spreadsheet cell, in UTF-16 code units."""
_MAX_COMMAND_LENGTH = 1000


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write the findings of all reports below one row of column names; a file begins with a byte order mark.

    Lines end with CR LF; the last has no LF. A cell that a spreadsheet would take for a formula begins with an
    apostrophe. A cell that is too long is cut, and names the command that shows the rest. The warnings of a report are
    in its first row.
    """
    if options.is_file:
        yield _BYTE_ORDER_MARK
    command = _shorten_command(options)
    format_row = _make_row_formatter()
    yield format_row(_COLUMNS)
    for report in reports:
        facts, totals = (
            [_format_cell(format_value(value), command) for value in build(report).values()]
            for build in (build_audit_facts, count_totals)
        )
        warnings = _format_cell(json.dumps(report.warnings, ensure_ascii=False), command)
        for finding in report.findings:
            cells = [_format_cell(it, command) for it in _list_values(finding)]
            yield f"\r\n{format_row([*facts, *cells, *totals, warnings])}"
            warnings = ""
    yield "\r"


def _shorten_command(options: RenderOptions) -> str:
    """Return the command that shows what a cell has no room for."""
    return cut_text(escape_text(options.full_command), _MAX_COMMAND_LENGTH)


def _make_row_formatter() -> Callable[[Sequence[str]], str]:
    """Return what writes cells as one row, without the end of the line."""
    format_row: Callable[[Sequence[str]], str] = csv.writer(_RowFormatter(), lineterminator="").writerow
    return format_row


class _RowFormatter:
    """A file for `csv.writer` that returns each row instead of storing it."""

    def write(self, row: str) -> str:
        return row


def _list_values(finding: Finding) -> list[str]:
    resource, exemption = finding.resource, finding.exemption
    return [
        finding.control,
        resource.type,
        resource.name,
        resource.id or "",
        finding.compliance,
        finding.severity,
        finding.reason,
        finding.remediation,
        *((exemption.owner, exemption.reason, exemption.expires.isoformat()) if exemption else ("", "", "")),
        finding.lifecycle or "",
        format_moment(finding.first_seen) if finding.first_seen else "",
        finding.fingerprint,
        format_json(finding.evidence),
    ]


def _format_cell(text: str, full_command: str) -> str:
    """Return a text as one cell on one line, which no spreadsheet takes for a formula."""
    cell = escape_text(text)
    if cell.lstrip().lstrip(_INVISIBLE_CHARACTERS).startswith(_FORMULA_STARTS):
        cell = f"'{cell}"
    if 2 * len(cell) > MAX_CELL_LENGTH and count_units(cell) > MAX_CELL_LENGTH:
        cell = _shorten(cell, full_command)
    return cell


def _shorten(text: str, full_command: str) -> str:
    """Return as much of a text as a cell has room for, the number of cut characters, and the command for all."""
    max_length = MAX_CELL_LENGTH - count_units(_describe_missing(len(text), full_command))
    end, length = 0, 0
    while length + count_units(text[end]) <= max_length:
        length += count_units(text[end])
        end += 1
    end = find_cluster_end(text, end)
    return text[:end] + _describe_missing(len(text) - end, full_command)


def _describe_missing(count: int, full_command: str) -> str:
    return f"… and {count:,} more characters; all: {full_command}"


_FLEET_COLUMNS = (
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
        yield _BYTE_ORDER_MARK
    format_row, command = _make_row_formatter(), _shorten_command(options)
    yield format_row(_FLEET_COLUMNS)
    for values in _build_fleet_rows(options.fleet) if options.fleet is not None else ():
        cells = (format_value("" if (value := values.get(name)) is None else value) for name in _FLEET_COLUMNS)
        yield f"\r\n{format_row([_format_cell(it, command) for it in cells])}"
    yield "\r"


def _build_fleet_rows(fleet: Fleet) -> Iterator[_Values]:
    for unaudited in fleet.unaudited:
        yield {"project": unaudited.name, "audited": False, "not_audited_reason": unaudited.reason}
    yield from map(_build_project_values, fleet.projects)


def _build_project_values(project: FleetProject) -> _Values:
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
