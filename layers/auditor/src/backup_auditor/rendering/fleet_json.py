"""The fleet as JSON values, for the JSON document of a registry, written and read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import UnregisteredProject
from backup_auditor.domain.evaluation.results import Coverage
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.reporting.fleet import (
    FindingChanges,
    Fleet,
    FleetProject,
    FleetTotals,
    QuotaUse,
    RecoveryPointAge,
    RecoveryPointsEnd,
    RestoreProof,
    UnauditedProject,
    UnregisteredProjects,
)
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.timefmt import format_moment, parse_moment, to_hours
from backup_auditor.errors import EvidenceError
from backup_auditor.rendering.text import truncate

type _Json = Mapping[str, Any]


def build_unaudited_json(project: UnauditedProject) -> dict[str, object]:
    """Return a project that could not be audited, with the reason."""
    return {"name": project.name, "reason": project.reason}


_MAX_TEXT_LENGTH = 1000


def build_unregistered_json(unregistered: UnregisteredProjects) -> dict[str, object]:
    """Return the projects of the organization that are unregistered, and as of when."""
    return {
        "as_of": None if unregistered.as_of is None else format_moment(unregistered.as_of),
        "current": unregistered.is_current,
        "projects": [build_unregistered_project_json(it, _MAX_TEXT_LENGTH) for it in unregistered.projects],
    }


def build_unregistered_project_json(project: UnregisteredProject, max_length: int) -> dict[str, object]:
    """Return an unregistered project as a JSON object; its texts have at most a length."""
    detail = project.detail or "no entry of the registry leads to it, and it is not ignored"
    return {
        "project": truncate(project.name, max_length),
        "project_id": truncate(project.project_id, max_length),
        "organization_id": project.organization_id and truncate(project.organization_id, max_length),
        "created_at": None if project.created_at is None else format_moment(project.created_at),
        "first_seen": format_moment(project.first_seen),
        "reason": truncate(detail, max_length),
    }


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
        **({} if project.report is None else {"report": _build_stored_report(project.report)}),
    }


def _build_stored_report(report: StoredReport) -> dict[str, object]:
    page = None if report.page is None else {"location": report.page.location, "sha256": report.page.sha256}
    return {"location": report.location, "sha256": report.sha256, "page": page}


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


def render_project_row(project: FleetProject) -> str:
    """Return all of a row as one JSON object, from which `load_project_row` makes an equal row.

    Lengths of time have the precision of the JSON document.
    """
    coverage = project.coverage
    counts = None if coverage is None else [coverage.indexes, coverage.protected_indexes, coverage.recovery_points]
    return json.dumps({**build_project_json(project), "coverage": counts}, separators=(",", ":"))


def load_project_row(text: str) -> FleetProject:
    """Return the row that `render_project_row` wrote. Raises `ValueError`, `KeyError` and `TypeError`."""
    facts = json.loads(text)
    counts = facts["coverage"]
    return replace(load_project(facts), coverage=None if counts is None else Coverage(*counts))


def load_project(facts: _Json) -> FleetProject:
    """Return the row of a JSON object, without the counts of its coverage."""
    age, end, quota = facts["worst_recovery_point_age"], facts["first_zero_recovery_points"], facts["backup_quota"]
    proof, unknown_figures = facts["last_restore_proof"], facts["unknown_figures"]
    return FleetProject(
        name=facts["project"]["name"],
        project_id=facts["project"]["id"],
        audit_id=facts["audit_id"],
        observed_at=parse_moment(facts["observed_at"]),
        compliance=Compliance(facts["compliance"]),
        index_count=facts["indexes"],
        coverage=None,
        coverage_percent=facts["coverage_percent"],
        is_coverage_known="coverage_percent" not in unknown_figures,
        open_counts=_load_open_counts(facts["open"]),
        unknown_count=facts["unknown"],
        exempted_count=facts["exempted"],
        worst_age=None
        if age is None
        else RecoveryPointAge(age["index"], _load_hours(age["hours"]), _load_hours(age["max_age_hours"])),
        is_age_known="worst_recovery_point_age" not in unknown_figures,
        first_end=None if end is None else RecoveryPointsEnd(end["index"], parse_moment(end["at"])),
        is_end_known="first_zero_recovery_points" not in unknown_figures,
        quota=None if quota is None else QuotaUse(quota["quota"], quota["used"], quota["used_when_schedules_are_full"]),
        last_proof=None if proof is None else RestoreProof(proof["index"], parse_moment(proof["at"])),
        is_proof_known="last_restore_proof" not in unknown_figures,
        read_error_count=facts["read_errors"],
        changes=_load_changes(facts["changes"]),
        report=_load_stored_report(facts["report"]) if "report" in facts else None,
    )


def load_fleet(facts: _Json) -> Fleet:
    """Return the fleet of a JSON object. Its rows have no counts of their coverage, its totals have the percentage."""
    totals = facts["totals"]
    return Fleet(
        unaudited=tuple(UnauditedProject(it["name"], it["reason"]) for it in facts["not_audited"]),
        projects=tuple(map(load_project, facts["projects"])),
        totals=FleetTotals(
            compliance={Compliance(name): count for name, count in totals["compliance"].items()},
            incomplete_count=totals["incomplete"],
            index_count=totals["indexes"],
            coverage_percent=totals["coverage_percent"],
            open_counts=_load_open_counts(totals["open"]),
            unknown_count=totals["unknown"],
            exempted_count=totals["exempted"],
            read_error_count=totals["read_errors"],
            changes=_load_changes(totals["changes"]),
        ),
        warnings=tuple(facts["warnings"]),
        unregistered=_load_unregistered(facts["unregistered"]) if "unregistered" in facts else None,
    )


def _load_unregistered(facts: _Json) -> UnregisteredProjects:
    return UnregisteredProjects(
        tuple(map(_load_unregistered_project, facts["projects"])),
        _load_optional_moment(facts["as_of"]),
        facts["current"],
    )


def _load_unregistered_project(facts: _Json) -> UnregisteredProject:
    return UnregisteredProject(
        facts["project_id"],
        facts["project"],
        parse_moment(facts["first_seen"]),
        facts["organization_id"],
        _load_optional_moment(facts["created_at"]),
        facts["reason"],
    )


def _load_optional_moment(text: str | None) -> datetime | None:
    return None if text is None else parse_moment(text)


def _load_open_counts(counts: _Json) -> dict[Severity, int]:
    return {it: counts[it] for it in reversed(Severity)}


def _load_hours(hours: float) -> timedelta:
    return timedelta(hours=hours)


def _load_changes(changes: _Json | None) -> FindingChanges | None:
    return None if changes is None else FindingChanges(changes["new"], changes["resolved"])


def _load_stored_report(facts: _Json) -> StoredReport:
    page = facts["page"]
    stored_page = None if page is None else StoredFile(page["location"], page["sha256"])
    return StoredReport(facts["location"], facts["sha256"], stored_page)


@dataclass(frozen=True, slots=True)
class FleetDocument:
    """The page of one night, as it is stored."""

    night: datetime
    revision: int
    fleet: Fleet


def load_fleet_document(document: bytes, location: str) -> FleetDocument:
    """Return the page of a night. Raises `EvidenceError`, with the location, if it is none of this version."""
    try:
        facts = json.loads(document)
        if facts["schema_version"] != SCHEMA_VERSION:
            raise EvidenceError(f"{location} is of another version; read it with the version that wrote it")
        return FleetDocument(
            parse_moment(facts["night"]["started_at"]), facts["night"]["revision"], load_fleet(facts["fleet"])
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"{location} is no page of the fleet ({type(error).__name__}): restore the version of it that watch wrote"
        ) from error
