"""Builds reports for tests of what somebody is told of them."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.domain.alerting.channel import Channel, ChannelKind
from backup_auditor.domain.audit_record import KeptReport
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity, fingerprint
from backup_auditor.domain.history import Resolved
from backup_auditor.domain.listing import Unread
from backup_auditor.domain.report import InventoryCounts, Report, Summary
from builders import NOW

KEPT = KeptReport(
    "s3://evidence/search/2026-11-22/0123456789abcdef0123456789abcdef/report.json", hashlib.sha256(b"{}").hexdigest()
)
TOPIC = Channel(ChannelKind.SNS, "arn:aws:sns:eu-central-1:111122223333:alerts")
SLACK = Channel(ChannelKind.SLACK, "backup-auditor/slack")
EVENTS = Channel(ChannelKind.EVENTS, "")
YESTERDAY = NOW - timedelta(days=1)


def found(
    name: str = "orders",
    severity: Severity = Severity.HIGH,
    lifecycle: str | None = "new",
    *,
    days: int = 0,
    **facts: Any,
) -> Finding:
    """Build a finding on an index, by default a new one: it has no schedule."""
    control = facts.pop("control", "index-has-schedule")
    resource = facts.pop("resource", Resource(ResourceType.INDEX, "search", name, f"id-{name}"))
    usual: dict[str, Any] = {
        "compliance": Compliance.NON_COMPLIANT,
        "reason": "It has no backup schedule at all.",
        "evidence": {"schedules": 0},
        "remediation": "Create a schedule.",
        "first_seen": NOW - timedelta(days=days) if lifecycle else None,
    }
    return Finding(
        control=control,
        resource=resource,
        severity=severity,
        lifecycle=lifecycle,
        fingerprint=fingerprint(control, resource),
        **(usual | facts),
    )


def ended(name: str = "orders", severity: Severity = Severity.HIGH, *, days: int = 3, **facts: Any) -> Resolved:
    """Build a finding that this audit resolved."""
    control = facts.pop("control", "index-has-schedule")
    resource = facts.pop("resource", Resource(ResourceType.INDEX, "search", name, f"id-{name}"))
    because = facts.pop("because", "found compliant: It has 1 schedule.")
    identity = fingerprint(control, resource)
    return Resolved(identity, control, resource, severity, NOW - timedelta(days=days), NOW, because)


def told(
    *findings: Finding, resolved: tuple[Resolved, ...] = (), unread: int = 0, project: str = "search", **facts: Any
) -> Report:
    """Build a report that says no more than these findings, counted as `report_of` counts them."""
    verdicts = {it.compliance for it in findings if it.exemption is None}
    worst = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)
    is_open = [it for it in findings if it.is_open]
    shown = Report(
        audit_id="0123456789abcdef0123456789abcdef",
        observed_at=NOW,
        compliance=next((it for it in worst if it in verdicts), Compliance.COMPLIANT),
        project=project,
        project_id="project-1",
        policy_source="built-in",
        policy_sha256="0" * 64,
        inventory=InventoryCounts(12, 84, 84, 12, 168, 27),
        summary=Summary(
            findings={it: sum(found.compliance is it for found in findings) for it in Compliance},
            open={it: sum(found.severity is it for found in is_open) for it in reversed(Severity)},
            exempted=sum(it.exemption is not None for it in findings),
            coverage_percent=75.0,
        ),
        findings=findings,
        resolved=resolved,
        drift=(),
        unread=tuple(Unread(f"GET /backup-schedules/{number}/history", "503") for number in range(unread)),
    )
    return replace(shown, **facts)


def at(days: float) -> datetime:
    """Return the moment so many days after the one that audits are observed at."""
    return NOW + timedelta(days=days)
