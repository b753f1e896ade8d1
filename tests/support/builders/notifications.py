"""Builders of reports, findings and digests for tests of notifications."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from backup_auditor.domain.audit_failure import AuditFailure, FailureKind, FailureNotice
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity, compute_fingerprint
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.digest import Digest, compute_message_id, create_digest, find_trigger
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import InventoryCounts, Report, Summary
from backup_auditor.rendering.digest import build_report_link
from support.builders.facts import NOW

_FOLDER = "s3://evidence/search/2026-11-22/0123456789abcdef0123456789abcdef"
STORED_PAGE = StoredFile(f"{_FOLDER}/report.html", hashlib.sha256(b"<!doctype html>").hexdigest())
STORED_REPORT = StoredReport(f"{_FOLDER}/report.json", hashlib.sha256(b"{}").hexdigest(), STORED_PAGE)
SNS_CHANNEL = Channel(ChannelKind.SNS, "arn:aws:sns:eu-central-1:111122223333:alerts")
SLACK_CHANNEL = Channel(ChannelKind.SLACK, "backup-auditor/webhooks/slack")
EVENT_CHANNEL = Channel(ChannelKind.EVENTS, "")
YESTERDAY = NOW - timedelta(days=1)


def build_open_finding(
    name: str = "orders",
    severity: Severity = Severity.HIGH,
    lifecycle: str | None = "new",
    *,
    days: int = 0,
    **facts: Any,
) -> Finding:
    """Build a finding on an index, by default a new one: the index has no schedule."""
    control = facts.pop("control", "index-has-schedule")
    resource = facts.pop("resource", Resource(ResourceType.INDEX, "search", name, f"id-{name}"))
    defaults: dict[str, Any] = {
        "compliance": Compliance.NON_COMPLIANT,
        "reason": "The index has no backup schedule.",
        "evidence": {"schedules": 0},
        "remediation": "Create a schedule.",
        "first_seen": NOW - timedelta(days=days) if lifecycle else None,
    }
    return Finding(
        control=control,
        resource=resource,
        severity=severity,
        lifecycle=lifecycle,
        fingerprint=compute_fingerprint(control, resource),
        **(defaults | facts),
    )


def build_resolved_finding(
    name: str = "orders", severity: Severity = Severity.HIGH, *, days: int = 3, **facts: Any
) -> ResolvedFinding:
    """Build a finding that this audit resolved."""
    control = facts.pop("control", "index-has-schedule")
    resource = facts.pop("resource", Resource(ResourceType.INDEX, "search", name, f"id-{name}"))
    reason = facts.pop("reason", "found compliant: The index has 1 backup schedule.")
    identity = compute_fingerprint(control, resource)
    return ResolvedFinding(identity, control, resource, severity, NOW - timedelta(days=days), NOW, reason)


def build_alert_report(
    *findings: Finding,
    resolved: tuple[ResolvedFinding, ...] = (),
    failure_count: int = 0,
    project: str = "search",
    **facts: Any,
) -> Report:
    """Build a report with only these findings, and their counts."""
    verdicts = {it.compliance for it in findings if it.exemption is None}
    worst = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)
    open_findings = [it for it in findings if it.is_open]
    report = Report(
        audit_id="0123456789abcdef0123456789abcdef",
        observed_at=NOW,
        compliance=next((it for it in worst if it in verdicts), Compliance.COMPLIANT),
        project=project,
        project_id="project-1",
        policy_source="built-in",
        policy_sha256="0" * 64,
        inventory=InventoryCounts(12, 84, 84, 12, 168, 27),
        summary=Summary(
            findings={it: sum(finding.compliance is it for finding in findings) for it in Compliance},
            open={it: sum(finding.severity is it for finding in open_findings) for it in reversed(Severity)},
            exempted=sum(it.exemption is not None for it in findings),
            coverage_percent=75.0,
        ),
        findings=findings,
        resolved_findings=resolved,
        drift=(),
        read_failures=tuple(
            ReadFailure(f"GET /backup-schedules/{number}/history", "503") for number in range(failure_count)
        ),
    )
    return replace(report, **facts)


def add_days(days: float) -> datetime:
    """Return the time this many days after `NOW`."""
    return NOW + timedelta(days=days)


def make_report_link(location: str) -> str | None:
    """Return the link to a stored report."""
    return build_report_link(location, "eu-central-1")


def build_digest(  # noqa: PLR0913  each is an independent fact of a digest
    report: Report,
    channel: Channel = SNS_CHANNEL,
    *,
    previous_at: datetime | None = YESTERDAY,
    stored_report: StoredReport = STORED_REPORT,
    build_link: Callable[[str], str | None] = make_report_link,
    is_possible_duplicate: bool = False,
) -> Digest:
    """Build the digest of a report for a channel."""
    trigger = find_trigger(channel, report, previous_at) or Trigger.CHANGE
    message = OutboxMessage(
        message_id=compute_message_id(report.project, report.audit_id, channel),
        project=report.project,
        audit_id=report.audit_id,
        observed_at=report.observed_at,
        channel_id=channel.channel_id,
        trigger=trigger,
        content=stored_report,
        previous_at=previous_at,
    )
    return create_digest(report, message, channel, build_link=build_link, is_possible_duplicate=is_possible_duplicate)


def build_notice(
    kind: NoticeKind = NoticeKind.OPENED,
    *,
    hours: float = 0,
    failure_kind: FailureKind = FailureKind.FAILED,
    reason: str = "401: Invalid API key; store a key of the project in secret backup-auditor/keys/search",
    next_step: str = "fix the cause",
) -> FailureNotice:
    """Build a notice some hours after `NOW` about a failure that began an hour before `NOW`."""
    failure = AuditFailure(failure_kind, NOW - timedelta(hours=1), reason, next_step)
    return FailureNotice(kind, failure, NOW + timedelta(hours=hours), YESTERDAY)


_HOSTILE_TEXTS = (
    "<!channel>",
    "<!here>",
    "<@U1>",
    "<http://x|y>",
    "&lt;",
    "`*_~",
    "@here",
    "\n\n# ",
    "\u202e",
    "\u200b",
    "\x00",
)
_TEXT_STRATEGY = (
    st.text(max_size=40)
    | st.sampled_from(_HOSTILE_TEXTS)
    | st.sampled_from(["&", '"', "\U0001f600", "é"]).map(lambda it: it * 4000)
)
_FINDING_STRATEGY = st.builds(
    build_open_finding,
    _TEXT_STRATEGY,
    st.sampled_from(Severity),
    st.sampled_from(["new", "reopened", "ongoing"]),
    days=st.integers(0, 30),
    reason=_TEXT_STRATEGY,
    remediation=_TEXT_STRATEGY,
    compliance=st.sampled_from([Compliance.NON_COMPLIANT] * 4 + [Compliance.INSUFFICIENT_DATA, Compliance.COMPLIANT]),
)


@st.composite
def hostile_reports(draw: st.DrawFn) -> Report:
    """Generate reports with arbitrary names and texts, and few or many findings."""
    findings = draw(st.lists(_FINDING_STRATEGY, max_size=5)) * draw(st.sampled_from([1, 1, 1, 40, 400]))
    resolved = draw(
        st.lists(
            st.builds(build_resolved_finding, _TEXT_STRATEGY, st.sampled_from(Severity), reason=_TEXT_STRATEGY),
            max_size=3,
        )
    )
    failure_count = draw(st.sampled_from([0, 0, 1, 300]))
    return build_alert_report(
        *_make_distinct(findings),
        resolved=tuple(resolved),
        failure_count=failure_count,
        project=draw(_TEXT_STRATEGY) or "search",
    )


def _make_distinct(findings: Sequence[Finding]) -> list[Finding]:
    return [replace(it, fingerprint=f"{number:032x}") for number, it in enumerate(findings)]
