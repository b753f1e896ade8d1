"""The events of an audit and of remediation, as the bus takes them."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.notifications.digest import ChannelView
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.remediation.actions import Action, ApiCall
from backup_auditor.domain.remediation.plan import ActionRecord, ActionResult, Plan, result_of
from backup_auditor.domain.reporting.report import SCHEMA_VERSION, Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.digest_json import kept_json, resource_json
from backup_auditor.rendering.text import truncate

type Detail = Mapping[str, object]

_MAX_TEXT = 4000
"""How long a sentence may be, so that no event comes near the limit of the bus, 256 KB."""


def events_of(report: Report, kept: StoredReport) -> Iterator[tuple[EventType, Detail]]:
    """Yield type and detail of each event of an audit, always in the same order: what completed it comes first."""
    told = ChannelView(report, Severity.LOW)
    new = [it for it in told.opened if it.lifecycle == "new"]
    reopened = [it for it in told.opened if it.lifecycle == "reopened"]
    changes = {"opened": len(new), "reopened": len(reopened), "resolved": len(told.resolved)}
    common = _common(report, kept)
    yield EventType.AUDIT_COMPLETED, {**common, **_completed(report), "changes": changes}
    for finding in new:
        yield EventType.FINDING_OPENED, {**common, **_opened(finding)}
    for finding in reopened:
        yield EventType.FINDING_REOPENED, {**common, **_opened(finding)}
    for resolved in told.resolved:
        yield EventType.FINDING_RESOLVED, {**common, **_resolved(resolved)}


def _common(report: Report, kept: StoredReport) -> Detail:
    return {
        "schema_version": SCHEMA_VERSION,
        "project": truncate(report.project, _MAX_TEXT),
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "report": {**kept_json(kept), "page": kept_json(kept.page) if kept.page else None},
    }


def _completed(report: Report) -> Detail:
    summary = report.summary
    return {
        "complete": report.is_complete,
        "compliance": report.compliance,
        "summary": {
            "findings": dict(summary.findings),
            "open": dict(summary.open),
            "exempted": summary.exempted,
            "coverage_percent": summary.coverage_percent,
        },
        "unread": len(report.unread),
        "warnings": len(report.warnings),
        "proposals": len(report.proposals or ()),
    }


def _opened(finding: Finding) -> Detail:
    return {
        "control": finding.control,
        "resource": resource_json(finding.resource),
        "severity": finding.severity,
        "reason": truncate(finding.reason, _MAX_TEXT),
        "remediation": truncate(finding.remediation, _MAX_TEXT),
        "fingerprint": finding.fingerprint,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
    }


def _resolved(resolved: ResolvedFinding) -> Detail:
    return {
        "control": resolved.control,
        "resource": resource_json(resolved.resource),
        "severity": resolved.severity,
        "because": truncate(resolved.because, _MAX_TEXT),
        "fingerprint": resolved.fingerprint,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
    }


class RemediationEvent(StrEnum):
    """What stands in the `detail-type` of an event."""

    SCHEDULE_PROPOSED = "Backup Schedule Proposed"
    SCHEDULE_CREATED = "Backup Schedule Created"


def proposals_of(plan: Plan) -> Iterator[tuple[RemediationEvent, Detail]]:
    """Yield an event for each action that the policy has proposed, and not carried out."""
    for action in plan.actions:
        if plan.mode_of(action.kind) is Mode.PROPOSE:
            yield RemediationEvent.SCHEDULE_PROPOSED, action_detail(plan, action)


def creation_of(plan: Plan, action: Action, record: ActionRecord) -> tuple[RemediationEvent, Detail]:
    """Return the event of an action of a plan that was done, by its record."""
    outcome = _outcome(result_of(action, record))
    told = {"who": record.who, "before": dict(record.before), "after": dict(record.after)}
    return RemediationEvent.SCHEDULE_CREATED, {**action_detail(plan, action), **told, **outcome}


def results_of(results: Sequence[ActionResult]) -> list[Detail]:
    """Return what was and was not done, each with the call that undoes it."""
    return [{"index": it.action.index, "kind": it.action.kind, **_outcome(it)} for it in results]


def action_detail(plan: Plan, action: Action) -> Detail:
    """Return what an action is, and of which plan."""
    return {
        "schema_version": SCHEMA_VERSION,
        "project": truncate(plan.project, _MAX_TEXT),
        "plan_id": plan.plan_id,
        "made_at": format_moment(plan.made_at),
        "index": action.index,
        "kind": action.kind,
        "name": action.name,
        "because": truncate(action.because, _MAX_TEXT),
        "slots": action.slots,
        "call": _call(action.call),
    }


def _outcome(result: ActionResult) -> Detail:
    return {
        "state": result.state,
        "detail": truncate(result.detail, _MAX_TEXT),
        "id": result.made_id,
        "undo": None if result.undo is None else _call(result.undo),
    }


def _call(call: ApiCall) -> Detail:
    return {"method": call.method, "path": call.path, "body": dict(call.body)}
