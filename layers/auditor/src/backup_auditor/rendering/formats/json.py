"""The report as JSON, written and read."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.evaluation.results import EndedDrill, IndexDrills, RunningDrill, Timeline
from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.finding import Compliance, Exemption, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import ApiCall
from backup_auditor.domain.project_state import Drift, DrillResult, PastAudit, ResolvedFinding
from backup_auditor.domain.remediation.plan import ActionKind, Proposal
from backup_auditor.domain.reporting.fleet import Fleet
from backup_auditor.domain.reporting.report import SCHEMA_VERSION, AppliedRule, InventoryCounts, Report, Summary
from backup_auditor.domain.timefmt import Period, format_moment, parse_moment, to_days, to_hours, to_seconds
from backup_auditor.errors import EvidenceError
from backup_auditor.rendering.fleet_json import (
    build_project_json,
    build_totals_json,
    build_unaudited_json,
    build_unregistered_json,
)
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.text import truncate

type _Json = dict[str, Any]


def load_report(document: bytes, location: str) -> Report:
    """Return the report of a document; unknown keys are ignored.

    Raises `EvidenceError`, with the location, if it is not a report, or one of another version.
    """
    try:
        facts = json.loads(document)
    except ValueError as error:
        raise EvidenceError(f"{location} is not JSON: restore the version of it that the audit wrote") from error
    version = facts.get("schema_version") if isinstance(facts, dict) else None
    if version != SCHEMA_VERSION:
        raise EvidenceError(
            f"{location} is not a report of schema version {SCHEMA_VERSION}; "
            f"read it with the version of backup-auditor that wrote it"
        )
    if "unread" in facts:
        raise EvidenceError(
            f"{location} is a report of an older version of backup-auditor (it has `unread`, not `read_errors`):"
            " audit the project again, or read it with the version that wrote it"
        )
    try:
        return _load_report_fields(facts)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"{location} is incomplete ({type(error).__name__}): restore the version of it that the audit wrote"
        ) from error


def _load_report_fields(facts: _Json) -> Report:
    counts, summary = facts["inventory"], facts["summary"]
    return Report(
        audit_id=facts["audit_id"],
        observed_at=parse_moment(facts["observed_at"]),
        compliance=Compliance(facts["compliance"]),
        project=facts["project"]["name"],
        project_id=facts["project"]["id"],
        policy_source=facts["policy"]["source"],
        policy_sha256=facts["policy"]["sha256"],
        inventory=InventoryCounts(**{name: counts[name] for name in InventoryCounts.__slots__}),
        summary=Summary(
            findings={it: summary["findings"][it] for it in Compliance},
            open=_load_open_counts(summary["open"]),
            exempted=summary["exempted"],
            coverage_percent=summary["coverage_percent"],
        ),
        findings=tuple(map(_load_finding, facts["findings"])),
        resolved_findings=tuple(map(_load_resolved, facts["resolved"])),
        drift=tuple(
            Drift(entry["change"], _load_resource(entry["resource"]), entry["before"], entry["after"])
            for entry in facts["drift"]
        ),
        read_failures=tuple(ReadFailure(it["call"], it["error"]) for it in facts["read_errors"]),
        history=tuple(
            PastAudit(parse_moment(it["observed_at"]), it["complete"], _load_open_counts(it["open"]))
            for it in facts.get("history", ())
        ),
        proposals=tuple(map(_load_proposal, facts["proposals"])) if "proposals" in facts else None,
        restore_drills=tuple(map(_load_index_drills, facts.get("restore_drills", ()))),
        warnings=tuple(facts.get("warnings", ())),
    )


def _load_proposal(facts: _Json) -> Proposal:
    return Proposal(
        plan_id=facts["plan_id"],
        kind=ActionKind(facts["kind"]),
        index=facts["index"],
        mode=facts["mode"],
        reason=facts["reason"],
        method=facts["call"]["method"],
        path=facts["call"]["path"],
        body=facts["call"]["body"],
    )


def _load_index_drills(facts: _Json) -> IndexDrills:
    last_proof, last_drill, running_drill = facts["last_proof"], facts["last_drill"], facts["running_drill"]
    within_hours = facts["restore_drill_within_hours"]
    return IndexDrills(
        _load_resource(facts["resource"]),
        last_proof=None if last_proof is None else _load_ended_drill(last_proof),
        last_drill=None if last_drill is None else _load_ended_drill(last_drill),
        running_drill=None if running_drill is None else _load_running_drill(running_drill),
        restores=tuple(map(_load_ended_drill, facts["restores"])),
        restore_drill_within=None if within_hours is None else timedelta(hours=within_hours),
        max_restore_time=_load_seconds(facts["max_restore_seconds"]),
        due_at=None if facts["due_at"] is None else parse_moment(facts["due_at"]),
        leftover_indexes=tuple(facts["leftover_indexes"]),
        unknown_reason=facts["unknown_reason"],
    )


def _load_ended_drill(facts: _Json) -> EndedDrill:
    return EndedDrill(
        drill_id=facts["drill_id"],
        backup_id=facts["backup"]["id"],
        result=DrillResult(facts["result"]),
        started_at=parse_moment(facts["started_at"]),
        ended_at=parse_moment(facts["ended_at"]),
        restore_time=_load_seconds(facts["restore_seconds"]),
    )


def _load_running_drill(facts: _Json) -> RunningDrill:
    return RunningDrill(
        drill_id=facts["drill_id"],
        backup_id=facts["backup"]["id"],
        target_name=facts["temporary_index"]["name"],
        started_at=parse_moment(facts["started_at"]),
        ends_by=parse_moment(facts["ends_by"]),
    )


def _load_seconds(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _load_open_counts(counts: _Json) -> dict[Severity, int]:
    return {it: counts[it] for it in reversed(Severity)}


def _load_finding(facts: _Json) -> Finding:
    exemption, first_seen = facts["exemption"], facts["first_seen"]
    return Finding(
        control=facts["control"],
        resource=_load_resource(facts["resource"]),
        compliance=Compliance(facts["compliance"]),
        severity=Severity(facts["severity"]),
        reason=facts["reason"],
        evidence=facts["evidence"],
        remediation=facts["remediation"],
        fingerprint=facts["fingerprint"],
        exemption=None if exemption is None else _load_exemption(exemption),
        lifecycle=facts["lifecycle"],
        first_seen=None if first_seen is None else parse_moment(first_seen),
        remediation_values=facts.get("remediation_values", {}),
    )


def _load_resource(facts: _Json) -> Resource:
    return Resource(ResourceType(facts["type"]), facts["project"], facts["name"], facts["id"])


def _load_exemption(facts: _Json) -> Exemption:
    return Exemption(
        names=tuple(facts.get("names", ())),
        controls=tuple(facts["controls"]),
        owner=facts["owner"],
        reason=facts["reason"],
        expires=date.fromisoformat(facts["expires"]),
        tags=tuple((key, tuple(values)) for key, values in facts.get("tags", {}).items()),
        backups=tuple(facts.get("backups", ())),
        is_for_project=facts.get("project", False),
    )


def _load_resolved(facts: _Json) -> ResolvedFinding:
    return ResolvedFinding(
        fingerprint=facts["fingerprint"],
        control=facts["control"],
        resource=_load_resource(facts["resource"]),
        severity=Severity(facts["severity"]),
        first_seen=parse_moment(facts["first_seen"]),
        resolved_at=parse_moment(facts["resolved_at"]),
        reason=facts["reason"],
    )


def build_timeline_json(timeline: Timeline) -> dict[str, object]:
    """Return the timeline of one index."""
    return {
        "resource": build_resource_json(timeline.resource),
        "rule": timeline.rule,
        "max_age_hours": to_hours(timeline.max_age),
        "since": format_moment(timeline.since),
        "recovery_points": [
            {
                "captured_at": format_moment(it.captured_at),
                "expires": it.expires,
                "expires_at": _format_optional_moment(it.expires_at),
            }
            for it in timeline.recovery_points
        ],
        "earlier_recovery_points": timeline.earlier_recovery_point_count,
        "earlier_recovery_points_expire_at": _format_moments(timeline.earlier_expiries),
        "remaining_recovery_points_known": timeline.is_remaining_known,
        "last_recovery_point_expires_at": _format_optional_moment(timeline.last_expires_at),
        "past_recovery_points": _format_moments(timeline.past_runs),
        "failed_runs": _format_moments(timeline.failed_runs),
        "runs_in_progress": _format_moments(timeline.runs_in_progress),
        "scheduled_runs": _format_moments(timeline.scheduled_runs),
        "missing_runs": [{**_build_period(it), "missing": it.missing_runs} for it in timeline.gaps],
        "objective_met": list(map(_build_period, timeline.objective_met)),
        "objective_missed": list(map(_build_period, timeline.objective_missed)),
        "unknown_reasons": timeline.unknown_reasons,
    }


def build_index_drills_json(drills: IndexDrills, observed_at: datetime) -> dict[str, object]:
    """Return the restore drills of one index, with the age of its last proof."""
    running_drill = drills.running_drill
    return {
        "resource": build_resource_json(drills.resource),
        "last_proof": None if drills.last_proof is None else _build_ended_drill(drills.last_proof),
        "last_proof_age_hours": _convert_to_hours(drills.compute_proof_age(observed_at)),
        "last_drill": None if drills.last_drill is None else _build_ended_drill(drills.last_drill),
        "running_drill": None if running_drill is None else _build_running_drill(running_drill),
        "restores": list(map(_build_ended_drill, drills.restores)),
        "restore_drill_within_hours": _convert_to_hours(drills.restore_drill_within),
        "max_restore_seconds": to_seconds(drills.max_restore_time),
        "due_at": _format_optional_moment(drills.due_at),
        "leftover_indexes": drills.leftover_indexes,
        "unknown_reason": drills.unknown_reason,
    }


def _build_ended_drill(drill: EndedDrill) -> dict[str, object]:
    return {
        "drill_id": drill.drill_id,
        "backup": {"id": drill.backup_id},
        "result": drill.result,
        "started_at": format_moment(drill.started_at),
        "ended_at": format_moment(drill.ended_at),
        "restore_seconds": to_seconds(drill.restore_time),
    }


def _build_running_drill(drill: RunningDrill) -> dict[str, object]:
    return {
        "drill_id": drill.drill_id,
        "backup": {"id": drill.backup_id},
        "temporary_index": {"name": drill.target_name},
        "started_at": format_moment(drill.started_at),
        "ends_by": format_moment(drill.ends_by),
    }


def build_resource_json(resource: Resource) -> dict[str, object]:
    """Return a resource."""
    return {"type": resource.type, "project": resource.project, "name": resource.name, "id": resource.id}


def build_stored_file_json(stored_file: StoredFile) -> dict[str, str]:
    """Return the location and the hash of a file."""
    return {"location": stored_file.location, "sha256": stored_file.sha256}


def _format_optional_moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_moment(moment)


def _format_moments(moments: Iterable[datetime]) -> list[str]:
    return [format_moment(it) for it in moments]


def _build_period(period: Period | RunGap) -> dict[str, object]:
    return {"from": format_moment(period.start), "to": format_moment(period.end)}


_MAX_REASON_LENGTH = 4000


def build_proposal_json(proposal: Proposal) -> dict[str, object]:
    """Return a proposal with the exact call."""
    return {
        "plan_id": proposal.plan_id,
        "kind": proposal.kind,
        "index": proposal.index,
        "mode": proposal.mode,
        "reason": truncate(proposal.reason, _MAX_REASON_LENGTH),
        "call": {"method": proposal.method, "path": proposal.path, "body": dict(proposal.body)},
    }


def build_call_json(call: ApiCall) -> dict[str, object]:
    """Return an API call."""
    return {"method": call.method, "path": call.path, "body": dict(call.body)}


def build_rule_json(rule: AppliedRule) -> dict[str, object]:
    """Return one rule, or the defaults, with every limit; a limit that is null is not checked."""
    requirements = rule.requirements
    schedule, content, protection = requirements.schedule, requirements.content, requirements.protection
    retention = {"min": _convert_to_days(schedule.retention_min), "max": _convert_to_days(schedule.retention_max)}
    return {
        "name": rule.name,
        "indexes": rule.index_count,
        "schedule": {"required": schedule.required, "frequency": schedule.frequency, "retention_days": retention},
        "recovery": {
            "max_age_hours": to_hours(requirements.max_age),
            "min_copies": requirements.recovery.min_copies,
            "horizon_hours": _convert_to_hours(requirements.recovery.horizon),
            "restore_drill_within_hours": _convert_to_hours(requirements.recovery.restore_drill_within),
            "max_restore_hours": _convert_to_hours(requirements.recovery.max_restore_time),
        },
        "runs": {
            "grace_hours": to_hours(requirements.runs.grace),
            "stuck_after_hours": _convert_to_hours(requirements.runs.stuck_after),
        },
        "content": {
            "allow_empty": content.allow_empty,
            "max_record_drop_percent": content.max_record_drop_percent,
            "max_namespace_drop_percent": content.max_namespace_drop_percent,
            "max_size_factor": content.max_size_factor,
        },
        "protection": {
            "deletion_protection": protection.deletion_protection,
            "locations": protection.locations,
            "required_tags": protection.required_tags,
            "max_backup_age_days": _convert_to_days(protection.max_backup_age),
        },
        "orphaned_backups": {"max_age_days": _convert_to_days(requirements.orphaned_backups.max_age)},
    }


def _convert_to_days(length: timedelta | None) -> float | int | None:
    return None if length is None else to_days(length)


def _convert_to_hours(length: timedelta | None) -> float | None:
    return None if length is None else to_hours(length)


_encode = json.JSONEncoder(allow_nan=False).encode


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write a report as a JSON object, or the fleet and the reports of a registry as one."""
    if options.fleet is None:
        for report in reports:
            yield from render_json(report)
        return
    yield from render_fleet_document(options.fleet, reports)


def render_fleet_document(
    fleet: Fleet, reports: Iterable[Report] = (), night: tuple[datetime, int] | None = None
) -> Iterator[str]:
    """Write a fleet and its reports as one JSON document, a project of the fleet a line.

    On AWS there are no reports, but a night: its beginning, and the revision of its page.
    """
    yield f'{{\n"schema_version": "{SCHEMA_VERSION}",'
    if night is not None:
        yield f'\n"night": {_encode({"started_at": format_moment(night[0]), "revision": night[1]})},'
    yield '\n"fleet": {'
    yield f'\n "totals": {_encode(build_totals_json(fleet))},'
    yield from _encode_rows("warnings", fleet.warnings, str)
    yield from _encode_rows("not_audited", fleet.unaudited, build_unaudited_json)
    if fleet.unregistered is not None:
        yield f'\n "unregistered": {_encode(build_unregistered_json(fleet.unregistered))},'
    yield from _encode_rows("projects", fleet.projects, build_project_json, end="")
    yield '\n},\n"reports": ['
    separator = "\n"
    for report in reports:
        yield separator
        yield from render_json(report)
        separator = ",\n"
    yield "]\n}"


def render_json(report: Report) -> Iterator[str]:
    """Write a report as one JSON document, a finding a line, ASCII only, without a final line end."""
    yield "{"
    for name, value in _build_head(report).items():
        yield f"\n {_encode(name)}: {_encode(value)},"
    yield from _encode_rows("findings", report.findings, _build_finding)
    yield from _encode_rows("resolved", report.resolved_findings, _build_resolved)
    yield from _encode_rows("drift", report.drift, _build_drift)
    yield from _encode_rows("read_errors", report.read_failures, lambda it: {"call": it.call, "error": it.error})
    yield from _encode_rows("warnings", report.warnings, str)
    yield from _encode_rows("history", report.history, _build_past_audit)
    yield from _encode_rows("rules", report.rules, build_rule_json)
    build_drills_row = partial(build_index_drills_json, observed_at=report.observed_at)
    yield from _encode_rows("restore_drills", report.restore_drills, build_drills_row)
    if report.proposals is not None:
        yield from _encode_rows("proposals", report.proposals, build_proposal_json)
    yield from _encode_rows("timelines", report.timelines, build_timeline_json, end="")
    yield "\n}"


def _encode_rows[Row](
    name: str, rows: Iterable[Row], build_row: Callable[[Row], object], end: str = ","
) -> Iterator[str]:
    yield f'\n "{name}": ['
    separator = "\n  "
    for row in rows:
        yield separator + _encode(build_row(row))
        separator = ",\n  "
    yield f"]{end}"


def _build_head(report: Report) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
        "compliance": report.compliance,
        "project": {"name": report.project, "id": report.project_id},
        "policy": {"source": report.policy_source, "sha256": report.policy_sha256},
        "inventory": {name: getattr(report.inventory, name) for name in InventoryCounts.__slots__},
        "summary": build_summary_json(report.summary),
    }


def build_summary_json(summary: Summary) -> dict[str, object]:
    """Return the counts of findings, and the coverage."""
    return {
        "findings": dict(summary.findings),
        "open": dict(summary.open),
        "exempted": summary.exempted,
        "coverage_percent": summary.coverage_percent,
    }


def _build_finding(finding: Finding) -> dict[str, object]:
    has_values = finding.is_open and bool(finding.remediation_values)
    return {
        "control": finding.control,
        "resource": build_resource_json(finding.resource),
        "compliance": finding.compliance,
        "severity": finding.severity,
        "reason": finding.reason,
        "evidence": finding.evidence,
        "remediation": finding.remediation,
        **({"remediation_values": finding.remediation_values} if has_values else {}),
        "exemption": finding.exemption.evidence if finding.exemption else None,
        "fingerprint": finding.fingerprint,
        "lifecycle": finding.lifecycle,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
    }


def _build_resolved(resolved: ResolvedFinding) -> dict[str, object]:
    return {
        "fingerprint": resolved.fingerprint,
        "control": resolved.control,
        "resource": build_resource_json(resolved.resource),
        "severity": resolved.severity,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
        "reason": resolved.reason,
    }


def _build_drift(drift: Drift) -> dict[str, object]:
    return {
        "change": drift.change,
        "resource": build_resource_json(drift.resource),
        "before": drift.before,
        "after": drift.after,
    }


def _build_past_audit(audit: PastAudit) -> dict[str, object]:
    return {
        "observed_at": format_moment(audit.observed_at),
        "complete": audit.is_complete,
        "open": dict(audit.open_counts),
    }
