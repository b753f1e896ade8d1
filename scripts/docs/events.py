"""Makes the samples in docs/reference/events.md; the rest of that document is written by hand."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity, fingerprint
from backup_auditor.domain.notifications.digest import create_digest
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import InventoryCounts, Report, Summary
from backup_auditor.rendering.digest import report_link
from backup_auditor.rendering.events import events_of
from backup_auditor.rendering.sns import publication_of

_DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
_SAMPLES = re.compile(r"(<!-- (events|message): [^\n]* -->\n).*?(<!-- /\2 -->\n)", re.DOTALL)
_NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
_AUDIT_ID = "4c1f0a52e6d9478b93a6f1b7d2c85e30"
_FOLDER = f"s3://evidence-of-backups/search/2026-11-02/{_AUDIT_ID}"
_PAGE = StoredFile(f"{_FOLDER}/report.html", "7c" * 32)
_KEPT = StoredReport(f"{_FOLDER}/report.json", "9f" * 32, _PAGE)
_TOPIC = Channel(ChannelKind.SNS, "arn:aws:sns:eu-central-1:111122223333:backup-auditor-search")
_EXPIRES = (
    "The last recovery point of `orders` expires on 2026-11-05 06:00 UTC, in 3 days; resume the schedule, or take a"
    " manual backup, which never expires."
)
_FAILED = "Its last two finished backups failed: nightly-20261102T030000Z, 2026-11-02T03:00:00Z."
_UNPROTECTED = "It is not protected from deletion, and the policy requires that."


def render() -> str:
    """Return the whole document with its samples as the code makes them now."""
    samples = {"events": "\n".join(_events()), "message": _message()}
    return _SAMPLES.sub(lambda it: f"{it[1]}\n{samples[it[2]]}\n{it[3]}", _DOCUMENT.read_text(encoding="utf-8"))


def sample_events() -> list[dict[str, object]]:
    """Return one event of each type, as a rule sees it, but for what AWS adds."""
    found = dict(events_of(_report(), _KEPT))
    return [{"source": "backup-auditor", "detail-type": kind, "detail": detail} for kind, detail in found.items()]


def _events() -> Iterator[str]:
    yield from map(_block, sample_events())


def _message() -> str:
    [message] = create_messages(_report(), _KEPT, (_TOPIC,), _NOW - timedelta(days=1))
    link_to = partial(report_link, region="eu-central-1")
    publication = publication_of(create_digest(_report(), message, _TOPIC, link_to=link_to))
    parts = json.loads(publication.message)
    email = f"```text\nSubject: {publication.subject}\n\n{parts['email']}```\n"
    return f"{email}\n{_block(json.loads(parts['sqs']))}"


def _block(document: Mapping[str, object]) -> str:
    return f"```json\n{json.dumps(document, indent=2, ensure_ascii=False)}\n```\n"


def _report() -> Report:
    findings = (
        _finding("recovery-points-outlast-horizon", "orders", "new", 0, _EXPIRES),
        replace(_finding("latest-run-succeeded", "carts", "reopened", 12, _FAILED), severity=Severity.CRITICAL),
        _finding("deletion-protection-is-enabled", "carts", "ongoing", 7, _UNPROTECTED),
    )
    ended = Resource(ResourceType.INDEX, "search", "users", "id-users")
    resolved = ResolvedFinding(
        fingerprint=fingerprint("index-has-recovery-point", ended),
        control="index-has-recovery-point",
        resource=ended,
        severity=Severity.CRITICAL,
        first_seen=_NOW - timedelta(days=3),
        resolved_at=_NOW,
        because="found compliant: It has 1 recovery point.",
    )
    return Report(
        audit_id=_AUDIT_ID,
        observed_at=_NOW,
        compliance=Compliance.NON_COMPLIANT,
        project="search",
        project_id="id-search",
        policy_source="ssm:/backup-auditor/policies/search",
        policy_sha256="0" * 64,
        inventory=InventoryCounts(indexes=3, backups=21, recovery_points=20, schedules=3, runs=42, requests=9),
        summary=Summary(
            findings=dict.fromkeys(Compliance, 0) | {Compliance.COMPLIANT: 108, Compliance.NON_COMPLIANT: 3},
            open={it: sum(found.severity is it for found in findings) for it in reversed(Severity)},
            exempted=0,
            coverage_percent=100.0,
        ),
        findings=findings,
        resolved=(resolved,),
        drift=(),
        unread=(),
    )


def _finding(control_id: str, name: str, lifecycle: str, days: int, reason: str) -> Finding:
    [control] = [it for it in CATALOG.all if it.id == control_id]
    resource = Resource(ResourceType.INDEX, "search", name, f"id-{name}")
    return Finding(
        control=control_id,
        resource=resource,
        compliance=Compliance.NON_COMPLIANT,
        severity=control.severity,
        reason=reason,
        evidence={},
        remediation=control.remediation.replace("{name}", name),
        fingerprint=fingerprint(control_id, resource),
        lifecycle=lifecycle,
        first_seen=_NOW - timedelta(days=days),
    )
