"""The keys of the table, and how a message and the record of an audit become items."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor.domain.alerting.message import Message, Occasion
from backup_auditor.domain.audit_record import AuditRecord, KeptFile, KeptReport
from backup_auditor.domain.finding import Compliance

type Item = dict[str, Any]
"""Attributes by name, each as DynamoDB writes it: `{"S": "text"}`."""

HEAD = "head"
REGISTERED = "registered"
OUTBOX = "outbox"
AUDITS = "audit#"
AFTER_AUDITS = "audit$"
"""Sorts after every audit: the next character."""
CHUNKS = "chunk#"
_SENT_KEPT = timedelta(days=90)
"""How long it is kept that a message was accepted."""


def project_key(project: str) -> str:
    """Return under which key everything of a project lies, but for what it still has to tell."""
    return f"project#{project}"


def key(partition: str, sort: str) -> Item:
    """Return the key of an item."""
    return {"PK": text(partition), "SK": text(sort)}


def text(value: str) -> Item:
    """Write a text."""
    return {"S": value}


def number(value: int) -> Item:
    """Write a whole number."""
    return {"N": str(value)}


def moment_text(moment: datetime) -> str:
    """Write a moment so that later ones sort after it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_in(item: Mapping[str, Any], name: str) -> datetime | None:
    """Read a moment of an item."""
    return datetime.fromisoformat(item[name]["S"]) if name in item else None


def expiry(moment: datetime, length: timedelta) -> Item:
    """Write when DynamoDB may delete an item: seconds since 1970."""
    return number(int((moment + length).timestamp()))


def chunk_name(revision: int, writer: str, place: int) -> str:
    """Return the sort key of a chunk: who wrote it for which revision."""
    return f"{CHUNKS}{revision:012d}#{writer}#{place}"


def audit_sort(audit: AuditRecord) -> str:
    """Return the sort key of an audit's record: the oldest first."""
    return f"{AUDITS}{moment_text(audit.observed_at)}#{audit.audit_id}"


def audit_item(project: str, audit: AuditRecord, retention: timedelta | None) -> Item:
    """Write the record of an audit."""
    item = {
        **key(project_key(project), audit_sort(audit)),
        "audit_id": text(audit.audit_id),
        "observed_at": text(moment_text(audit.observed_at)),
        "complete": {"BOOL": audit.is_complete},
        "compliance": text(audit.compliance),
    }
    if audit.report is not None:
        item |= _report_attributes(audit.report)
    return item if retention is None else {**item, "expires_at": expiry(audit.observed_at, retention)}


def audit_of(item: Mapping[str, Any]) -> AuditRecord:
    """Read the record of an audit."""
    return AuditRecord(
        audit_id=item["audit_id"]["S"],
        observed_at=datetime.fromisoformat(item["observed_at"]["S"]),
        is_complete=item["complete"]["BOOL"],
        compliance=Compliance(item["compliance"]["S"]),
        report=_report(item) if "location" in item else None,
    )


def message_key(message: Message) -> Item:
    """Return the key of a message that was not accepted yet."""
    return key(OUTBOX, f"{message.project}#{message.message_id}")


def sent_key(message: Message) -> Item:
    """Return the key under which it is kept that a message was accepted."""
    return key(project_key(message.project), f"sent#{moment_text(message.observed_at)}#{message.channel_id}")


def sent_item(message: Message, now: datetime) -> Item:
    """Write that a message was accepted."""
    when: Item = {"sent_at": text(moment_text(now)), "expires_at": expiry(now, _SENT_KEPT)}
    return {**sent_key(message), **message_item(message), **when}


def message_item(message: Message) -> Item:
    """Write a message, without its key."""
    item = {
        "message_id": text(message.message_id),
        "project": text(message.project),
        "audit_id": text(message.audit_id),
        "observed_at": text(moment_text(message.observed_at)),
        "channel": text(message.channel_id),
        "occasion": text(message.occasion),
        **_report_attributes(message.report),
    }
    if message.previous_at is not None:
        item["previous_at"] = text(moment_text(message.previous_at))
    return item


def message_of(item: Mapping[str, Any]) -> Message:
    """Read a message."""
    return Message(
        message_id=item["message_id"]["S"],
        project=item["project"]["S"],
        audit_id=item["audit_id"]["S"],
        observed_at=datetime.fromisoformat(item["observed_at"]["S"]),
        channel_id=item["channel"]["S"],
        occasion=Occasion(item["occasion"]["S"]),
        report=_report(item),
        previous_at=moment_in(item, "previous_at"),
    )


def _report_attributes(report: KeptReport) -> Item:
    item = {"location": text(report.location), "sha256": text(report.sha256)}
    if report.page is not None:
        item |= {"page_location": text(report.page.location), "page_sha256": text(report.page.sha256)}
    return item


def _report(item: Mapping[str, Any]) -> KeptReport:
    page = KeptFile(item["page_location"]["S"], item["page_sha256"]["S"]) if "page_location" in item else None
    return KeptReport(item["location"]["S"], item["sha256"]["S"], page)
