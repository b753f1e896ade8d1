"""Builds reports for tests of what somebody is told of them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity, compute_fingerprint
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.notifications.digest import Digest, create_digest
from backup_auditor.domain.notifications.triggers import compute_message_id, find_trigger
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import InventoryCounts, Report, Summary
from backup_auditor.rendering.digest import build_report_link
from support.builders.facts import NOW

_FOLDER = "s3://evidence/search/2026-11-22/0123456789abcdef0123456789abcdef"
PAGE = StoredFile(f"{_FOLDER}/report.html", hashlib.sha256(b"<!doctype html>").hexdigest())
KEPT = StoredReport(f"{_FOLDER}/report.json", hashlib.sha256(b"{}").hexdigest(), PAGE)
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
        fingerprint=compute_fingerprint(control, resource),
        **(usual | facts),
    )


def ended(name: str = "orders", severity: Severity = Severity.HIGH, *, days: int = 3, **facts: Any) -> ResolvedFinding:
    """Build a finding that this audit resolved."""
    control = facts.pop("control", "index-has-schedule")
    resource = facts.pop("resource", Resource(ResourceType.INDEX, "search", name, f"id-{name}"))
    because = facts.pop("because", "found compliant: It has 1 schedule.")
    identity = compute_fingerprint(control, resource)
    return ResolvedFinding(identity, control, resource, severity, NOW - timedelta(days=days), NOW, because)


def told(
    *findings: Finding,
    resolved: tuple[ResolvedFinding, ...] = (),
    unread: int = 0,
    project: str = "search",
    **facts: Any,
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
        resolved_findings=resolved,
        drift=(),
        read_failures=tuple(ReadFailure(f"GET /backup-schedules/{number}/history", "503") for number in range(unread)),
    )
    return replace(shown, **facts)


def at(days: float) -> datetime:
    """Return the moment so many days after the one that audits are observed at."""
    return NOW + timedelta(days=days)


def linked(location: str) -> str | None:
    """Return the address of what is kept."""
    return build_report_link(location, "eu-central-1")


def digest(  # noqa: PLR0913  each is one thing a digest may be about
    report: Report,
    channel: Channel = TOPIC,
    *,
    previous_at: datetime | None = YESTERDAY,
    kept: StoredReport = KEPT,
    link_to: Callable[[str], str | None] = linked,
    may_be_repeat: bool = False,
) -> Digest:
    """Choose what a channel is told of a report."""
    occasion = find_trigger(channel, report, previous_at) or Trigger.CHANGE
    message = OutboxMessage(
        message_id=compute_message_id(report.project, report.audit_id, channel),
        project=report.project,
        audit_id=report.audit_id,
        observed_at=report.observed_at,
        channel_id=channel.channel_id,
        trigger=occasion,
        report=kept,
        previous_at=previous_at,
    )
    return create_digest(report, message, channel, build_link=link_to, is_possible_duplicate=may_be_repeat)


_EVIL = (
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
_TEXTS = (
    st.text(max_size=40)
    | st.sampled_from(_EVIL)
    | st.sampled_from(["&", "<", "\U0001f600", "é"]).map(lambda it: it * 4000)
)
_FOUND = st.builds(
    found,
    _TEXTS,
    st.sampled_from(Severity),
    st.sampled_from(["new", "reopened", "ongoing"]),
    days=st.integers(0, 30),
    reason=_TEXTS,
    remediation=_TEXTS,
    compliance=st.sampled_from([Compliance.NON_COMPLIANT] * 4 + [Compliance.INSUFFICIENT_DATA, Compliance.COMPLIANT]),
)


@st.composite
def hostile_reports(draw: st.DrawFn) -> Report:
    """Generate reports in which any name and any sentence may hold anything, few findings or many."""
    findings = draw(st.lists(_FOUND, max_size=5)) * draw(st.sampled_from([1, 1, 1, 40, 400]))
    resolved = draw(st.lists(st.builds(ended, _TEXTS, st.sampled_from(Severity), because=_TEXTS), max_size=3))
    unread = draw(st.sampled_from([0, 0, 1, 300]))
    return told(*_told_apart(findings), resolved=tuple(resolved), unread=unread, project=draw(_TEXTS) or "search")


def _told_apart(findings: Sequence[Finding]) -> list[Finding]:
    return [replace(it, fingerprint=f"{number:032x}") for number, it in enumerate(findings)]
