"""The events of an audit, of a failure, of discovery and of remediation, as the bus takes them."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from backup_auditor.domain.audit_failure import FailureNotice
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryNotice
from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.notifications.digest import ChannelView
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.remediation.plan import Action, ActionRecord, ActionResult, RemediationPlan, build_result
from backup_auditor.domain.reporting.report import SCHEMA_VERSION, Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.digest import build_short_resource_json
from backup_auditor.rendering.discovery_notice import NEXT_STEP
from backup_auditor.rendering.failure_notice import build_failure_json
from backup_auditor.rendering.fleet_json import build_unregistered_project_json
from backup_auditor.rendering.formats.json import build_call_json, build_stored_file_json, build_summary_json
from backup_auditor.rendering.text import truncate

type Detail = Mapping[str, object]

_MAX_TEXT_LENGTH = 4000
"""The limit of a text, so that no event comes near the limit of the bus, 256 KB."""


def build_audit_events(report: Report, stored_report: StoredReport) -> Iterator[tuple[EventType, Detail]]:
    """Yield type and detail of each event of an audit, always in the same order: completion comes first."""
    view = ChannelView(report, Severity.LOW)
    new_findings = [it for it in view.opened_findings if it.lifecycle == "new"]
    reopened_findings = [it for it in view.opened_findings if it.lifecycle == "reopened"]
    changes = {"opened": len(new_findings), "reopened": len(reopened_findings), "resolved": len(view.resolved_findings)}
    common_fields = _build_common(report, stored_report)
    yield (
        EventType.AUDIT_COMPLETED,
        {
            **common_fields,
            "complete": report.is_complete,
            "compliance": report.compliance,
            "summary": build_summary_json(report.summary),
            "read_error_count": len(report.read_failures),
            "warning_count": len(report.warnings),
            "proposal_count": len(report.proposals or ()),
            "changes": changes,
        },
    )
    for finding in new_findings:
        yield EventType.FINDING_OPENED, {**common_fields, **_build_opened(finding)}
    for finding in reopened_findings:
        yield EventType.FINDING_REOPENED, {**common_fields, **_build_opened(finding)}
    for resolved in view.resolved_findings:
        yield EventType.FINDING_RESOLVED, {**common_fields, **_build_resolved(resolved)}


def build_failure_event(project: str, notice: FailureNotice) -> tuple[EventType, Detail]:
    """Return the event of a failure of a project's audits."""
    fields = {"schema_version": SCHEMA_VERSION, "project": truncate(project, _MAX_TEXT_LENGTH)}
    return EventType.AUDIT_FAILED, {**fields, **build_failure_json(notice, _MAX_TEXT_LENGTH)}


def build_discovery_events(notice: DiscoveryNotice) -> Iterator[tuple[EventType, Detail]]:
    """Yield an event for each project that a look at the organization newly found unregistered."""
    for project in notice.new_projects:
        detail = build_unregistered_project_json(project, _MAX_TEXT_LENGTH)
        yield EventType.PROJECT_UNREGISTERED, {"schema_version": SCHEMA_VERSION, **detail, "remediation": NEXT_STEP}


def _build_common(report: Report, stored_report: StoredReport) -> Detail:
    return {
        "schema_version": SCHEMA_VERSION,
        "project": truncate(report.project, _MAX_TEXT_LENGTH),
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "report": {
            **build_stored_file_json(stored_report),
            "page": build_stored_file_json(stored_report.page) if stored_report.page else None,
        },
    }


def _build_opened(finding: Finding) -> Detail:
    return {
        "control": finding.control,
        "resource": build_short_resource_json(finding.resource),
        "severity": finding.severity,
        "reason": truncate(finding.reason, _MAX_TEXT_LENGTH),
        "remediation": truncate(finding.remediation, _MAX_TEXT_LENGTH),
        "fingerprint": finding.fingerprint,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
    }


def _build_resolved(resolved: ResolvedFinding) -> Detail:
    return {
        "control": resolved.control,
        "resource": build_short_resource_json(resolved.resource),
        "severity": resolved.severity,
        "reason": truncate(resolved.reason, _MAX_TEXT_LENGTH),
        "fingerprint": resolved.fingerprint,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
    }


class RemediationEventType(StrEnum):
    """The `detail-type` of an event."""

    SCHEDULE_PROPOSED = "Backup Schedule Proposed"
    SCHEDULE_CREATED = "Backup Schedule Created"


def build_proposal_events(plan: RemediationPlan) -> Iterator[tuple[RemediationEventType, Detail]]:
    """Yield an event for each action that the policy only proposes."""
    for action in plan.actions:
        if plan.find_mode(action.kind) is Mode.PROPOSE:
            yield RemediationEventType.SCHEDULE_PROPOSED, build_action_detail(plan, action)


def build_creation_event(
    plan: RemediationPlan, action: Action, record: ActionRecord
) -> tuple[RemediationEventType, Detail]:
    """Return the event of an applied action of a plan, by its record."""
    outcome = _build_outcome(build_result(action, record))
    change = {"actor": record.actor, "before": dict(record.before), "after": dict(record.after)}
    return RemediationEventType.SCHEDULE_CREATED, {**build_action_detail(plan, action), **change, **outcome}


def build_results_detail(results: Sequence[ActionResult]) -> list[Detail]:
    """Return the results of actions, each with the call that undoes it."""
    return [{"index": it.action.index, "kind": it.action.kind, **_build_outcome(it)} for it in results]


def build_action_detail(plan: RemediationPlan, action: Action) -> Detail:
    """Return an action and its plan."""
    return {
        "schema_version": SCHEMA_VERSION,
        "project": truncate(plan.project, _MAX_TEXT_LENGTH),
        "plan_id": plan.plan_id,
        "created_at": format_moment(plan.created_at),
        "index": action.index,
        "kind": action.kind,
        "name": action.name,
        "reason": truncate(action.reason, _MAX_TEXT_LENGTH),
        "slots": action.slots,
        "call": build_call_json(action.call),
    }


def _build_outcome(result: ActionResult) -> Detail:
    return {
        "state": result.state,
        "detail": truncate(result.detail, _MAX_TEXT_LENGTH),
        "id": result.target_id,
        "undo": None if result.undo_call is None else build_call_json(result.undo_call),
    }
