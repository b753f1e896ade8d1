"""The items of the DynamoDB table: keys, messages, audit records and remediation actions."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState

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


def message_key(message: OutboxMessage) -> Item:
    """Return the key of a message that was not accepted yet."""
    return key(OUTBOX, f"{message.project}#{message.message_id}")


def sent_key(message: OutboxMessage) -> Item:
    """Return the key under which it is kept that a message was accepted."""
    return key(project_key(message.project), f"sent#{moment_text(message.observed_at)}#{message.channel_id}")


def sent_item(message: OutboxMessage, now: datetime) -> Item:
    """Write that a message was accepted."""
    when: Item = {"sent_at": text(moment_text(now)), "expires_at": expiry(now, _SENT_KEPT)}
    return {**sent_key(message), **message_item(message), **when}


def message_item(message: OutboxMessage) -> Item:
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


def message_of(item: Mapping[str, Any]) -> OutboxMessage:
    """Read a message."""
    return OutboxMessage(
        message_id=item["message_id"]["S"],
        project=item["project"]["S"],
        audit_id=item["audit_id"]["S"],
        observed_at=datetime.fromisoformat(item["observed_at"]["S"]),
        channel_id=item["channel"]["S"],
        occasion=Trigger(item["occasion"]["S"]),
        report=_report(item),
        previous_at=moment_in(item, "previous_at"),
    )


def _report_attributes(report: StoredReport) -> Item:
    item = {"location": text(report.location), "sha256": text(report.sha256)}
    if report.page is not None:
        item |= {"page_location": text(report.page.location), "page_sha256": text(report.page.sha256)}
    return item


def _report(item: Mapping[str, Any]) -> StoredReport:
    page = StoredFile(item["page_location"]["S"], item["page_sha256"]["S"]) if "page_location" in item else None
    return StoredReport(item["location"]["S"], item["sha256"]["S"], page)


ACTIONS = "action#"


def plan_sort(plan_id: str) -> str:
    """Return the sort key of a plan."""
    return f"plan#{plan_id}"


def actions_sort(action_key: str) -> str:
    """Return how the sort keys of all attempts at an action begin."""
    return f"{ACTIONS}{action_key}#"


def action_sort(action_key: str, attempt: int) -> str:
    """Return the sort key of an attempt: the earlier ones first."""
    return f"{actions_sort(action_key)}{attempt:09d}"


def action_item(record: ActionRecord) -> Item:
    """Write an attempt. It is kept for ever: it says who changed what in somebody's project."""
    item = {
        **key(project_key(record.project), action_sort(record.key, record.attempt)),
        "action": text(record.key),
        "attempt": number(record.attempt),
        "plan_id": text(record.plan_id),
        "who": text(record.who),
        "began_at": text(moment_text(record.began_at)),
        "call": text(record.call),
        "before": text(json.dumps(record.before)),
        "state": text(record.state),
        "detail": text(record.detail),
        "after": text(json.dumps(record.after)),
    }
    if record.made_id is not None:
        item["made_id"] = text(record.made_id)
    if record.ended_at is not None:
        item["ended_at"] = text(moment_text(record.ended_at))
    return item


def action_of(project: str, item: Mapping[str, Any]) -> ActionRecord:
    """Read an attempt."""
    return ActionRecord(
        project=project,
        key=item["action"]["S"],
        attempt=int(item["attempt"]["N"]),
        plan_id=item["plan_id"]["S"],
        who=item["who"]["S"],
        began_at=datetime.fromisoformat(item["began_at"]["S"]),
        call=item["call"]["S"],
        before=json.loads(item["before"]["S"]),
        state=ActionState(item["state"]["S"]),
        detail=item["detail"]["S"],
        made_id=item["made_id"]["S"] if "made_id" in item else None,
        after=json.loads(item["after"]["S"]),
        ended_at=moment_in(item, "ended_at"),
    )
