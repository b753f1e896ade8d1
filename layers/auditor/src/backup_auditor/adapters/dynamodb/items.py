"""The items of the DynamoDB table: keys, messages, audit records and remediation actions."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor.adapters.records import EARLIER_KINDS, decode_action_key, decode_action_state
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.remediation.actions import ActionKind
from backup_auditor.domain.remediation.plan import ActionRecord

type Item = dict[str, Any]
"""Attributes by name, each as DynamoDB writes it: `{"S": "text"}`."""

HEAD_SORT_KEY = "head"
REGISTRATION_SORT_KEY = "registered"
OUTBOX_PARTITION = "outbox"
AUDIT_PREFIX = "audit#"
AUDIT_PREFIX_END = "audit$"
"""Sorts after every audit: the next character."""
CHUNK_PREFIX = "chunk#"
_SENT_RETENTION = timedelta(days=90)
"""How long it is kept that a message was accepted."""


def build_project_key(project: str) -> str:
    """Return under which key everything of a project lies, but for what it still has to tell."""
    return f"project#{project}"


def build_key(partition: str, sort_key: str) -> Item:
    """Return the key of an item."""
    return {"PK": encode_text(partition), "SK": encode_text(sort_key)}


def encode_text(value: str) -> Item:
    """Write a text."""
    return {"S": value}


def encode_number(value: int) -> Item:
    """Write a whole number."""
    return {"N": str(value)}


def format_sort_moment(moment: datetime) -> str:
    """Write a moment so that later ones sort after it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode_moment(item: Mapping[str, Any], name: str) -> datetime | None:
    """Read a moment of an item."""
    return datetime.fromisoformat(item[name]["S"]) if name in item else None


def encode_expiry(moment: datetime, length: timedelta) -> Item:
    """Write when DynamoDB may delete an item: seconds since 1970."""
    return encode_number(int((moment + length).timestamp()))


def build_chunk_name(revision: int, writer: str, position: int) -> str:
    """Return the sort key of a chunk: who wrote it for which revision."""
    return f"{CHUNK_PREFIX}{revision:012d}#{writer}#{position}"


def build_audit_sort_key(audit: AuditRecord) -> str:
    """Return the sort key of an audit's record: the oldest first."""
    return f"{AUDIT_PREFIX}{format_sort_moment(audit.observed_at)}#{audit.audit_id}"


def encode_audit(project: str, audit: AuditRecord, retention: timedelta | None) -> Item:
    """Write the record of an audit."""
    item = {
        **build_key(build_project_key(project), build_audit_sort_key(audit)),
        "audit_id": encode_text(audit.audit_id),
        "observed_at": encode_text(format_sort_moment(audit.observed_at)),
        "complete": {"BOOL": audit.is_complete},
        "compliance": encode_text(audit.compliance),
    }
    if audit.report is not None:
        item |= _encode_report(audit.report)
    return item if retention is None else {**item, "expires_at": encode_expiry(audit.observed_at, retention)}


def decode_audit(item: Mapping[str, Any]) -> AuditRecord:
    """Read the record of an audit."""
    return AuditRecord(
        audit_id=item["audit_id"]["S"],
        observed_at=datetime.fromisoformat(item["observed_at"]["S"]),
        is_complete=item["complete"]["BOOL"],
        compliance=Compliance(item["compliance"]["S"]),
        report=_decode_report(item) if "location" in item else None,
    )


def build_message_key(message: OutboxMessage) -> Item:
    """Return the key of a message that was not accepted yet."""
    return build_key(OUTBOX_PARTITION, f"{message.project}#{message.message_id}")


def build_sent_key(message: OutboxMessage) -> Item:
    """Return the key under which it is kept that a message was accepted."""
    return build_key(
        build_project_key(message.project), f"sent#{format_sort_moment(message.observed_at)}#{message.channel_id}"
    )


def encode_sent_message(message: OutboxMessage, now: datetime) -> Item:
    """Write that a message was accepted."""
    times: Item = {"sent_at": encode_text(format_sort_moment(now)), "expires_at": encode_expiry(now, _SENT_RETENTION)}
    return {**build_sent_key(message), **encode_message(message), **times}


def encode_message(message: OutboxMessage) -> Item:
    """Write a message, without its key."""
    item = {
        "message_id": encode_text(message.message_id),
        "project": encode_text(message.project),
        "audit_id": encode_text(message.audit_id),
        "observed_at": encode_text(format_sort_moment(message.observed_at)),
        "channel": encode_text(message.channel_id),
        "occasion": encode_text(message.trigger),
        **_encode_report(message.report),
    }
    if message.previous_at is not None:
        item["previous_at"] = encode_text(format_sort_moment(message.previous_at))
    return item


def decode_message(item: Mapping[str, Any]) -> OutboxMessage:
    """Read a message."""
    return OutboxMessage(
        message_id=item["message_id"]["S"],
        project=item["project"]["S"],
        audit_id=item["audit_id"]["S"],
        observed_at=datetime.fromisoformat(item["observed_at"]["S"]),
        channel_id=item["channel"]["S"],
        trigger=Trigger(item["occasion"]["S"]),
        report=_decode_report(item),
        previous_at=decode_moment(item, "previous_at"),
    )


def _encode_report(report: StoredReport) -> Item:
    item = {"location": encode_text(report.location), "sha256": encode_text(report.sha256)}
    if report.page is not None:
        item |= {"page_location": encode_text(report.page.location), "page_sha256": encode_text(report.page.sha256)}
    return item


def _decode_report(item: Mapping[str, Any]) -> StoredReport:
    page = StoredFile(item["page_location"]["S"], item["page_sha256"]["S"]) if "page_location" in item else None
    return StoredReport(item["location"]["S"], item["sha256"]["S"], page)


ACTION_PREFIX = "action#"
FIRST_BACKUP_PREFIX = f"{ACTION_PREFIX}{EARLIER_KINDS[ActionKind.FIRST_BACKUP]}/"
"""How the sort keys of all attempts at first backups begin."""


def build_plan_sort_key(plan_id: str) -> str:
    """Return the sort key of a plan."""
    return f"plan#{plan_id}"


def build_attempt_prefix(action_key: str) -> str:
    """Return how the sort keys of all attempts at an action begin.

    Sort keys name the kind as earlier versions did, so that the attempts of those versions are found.
    """
    kind, slash, target = action_key.partition("/")
    return f"{ACTION_PREFIX}{EARLIER_KINDS.get(kind, kind)}{slash}{target}#"


def build_attempt_sort_key(action_key: str, attempt: int) -> str:
    """Return the sort key of an attempt: the earlier ones first."""
    return f"{build_attempt_prefix(action_key)}{attempt:09d}"


def encode_attempt(record: ActionRecord) -> Item:
    """Write an attempt. It is kept for ever: it says who changed what in somebody's project."""
    item = {
        **build_key(build_project_key(record.project), build_attempt_sort_key(record.key, record.attempt)),
        "action": encode_text(record.key),
        "attempt": encode_number(record.attempt),
        "plan_id": encode_text(record.plan_id),
        "who": encode_text(record.actor),
        "began_at": encode_text(format_sort_moment(record.started_at)),
        "call": encode_text(record.call),
        "before": encode_text(json.dumps(record.before)),
        "state": encode_text(record.state),
        "detail": encode_text(record.detail),
        "after": encode_text(json.dumps(record.after)),
    }
    if record.target_id is not None:
        item["made_id"] = encode_text(record.target_id)
    if record.ended_at is not None:
        item["ended_at"] = encode_text(format_sort_moment(record.ended_at))
    return item


def decode_attempt(project: str, item: Mapping[str, Any]) -> ActionRecord:
    """Read an attempt."""
    return ActionRecord(
        project=project,
        key=decode_action_key(item["action"]["S"]),
        attempt=int(item["attempt"]["N"]),
        plan_id=item["plan_id"]["S"],
        actor=item["who"]["S"],
        started_at=datetime.fromisoformat(item["began_at"]["S"]),
        call=item["call"]["S"],
        before=json.loads(item["before"]["S"]),
        state=decode_action_state(item["state"]["S"]),
        detail=item["detail"]["S"],
        target_id=item["made_id"]["S"] if "made_id" in item else None,
        after=json.loads(item["after"]["S"]),
        ended_at=decode_moment(item, "ended_at"),
    )
