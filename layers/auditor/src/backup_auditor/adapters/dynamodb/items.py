"""The items of the DynamoDB table: their keys, and audit records, messages and attempts as attributes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from backup_auditor.adapters.records import ATTEMPTS, EARLIER_KINDS, to_ticks
from backup_auditor.domain.audit_failure import AuditFailure, AuditRow, FailureKind, FailureNotice
from backup_auditor.domain.audit_record import AuditRecord, LastAudits, StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryNotice
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage, RecordedDigest
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.remediation.plan import ActionKind, ActionRecord

type Item = dict[str, Any]
"""Attributes by name, each as DynamoDB writes it: `{"S": "text"}`."""


class Partition(StrEnum):
    """The partitions of a project, by the function that writes. IAM limits a role by partition, not by sort key."""

    STATE = "project"
    """Written by `audit` and `notify`."""
    REMEDIATION = "remediation"
    WATCH = "watch"
    """Written by `watch`, and by `audit` when it fails."""
    DRILLS = "drills"
    """Restore drills. Audits only read them."""


HEAD_SORT_KEY = "head"
ROW_SORT_KEY = "row"
"""What the page of the fleet needs of the last audit. A row of another audit than the last one does not count."""
REGISTRATION_SORT_KEY = "registered"
FAILED_AUDIT_SORT_KEY = "failed"
NOTICE_SORT_KEY = "notice"
DISCOVERY_SORT_KEY = "discovery"
FLEET_PAGE_SORT_KEY = "page"
"""The last page of the fleet; the key of each page continues it."""
FLEET_NIGHT_SORT_KEY = "night"
FLEET_DIGEST_PREFIX = "digest#"
OUTBOX_PARTITION = "outbox"
DRILLS_IN_PROGRESS_PARTITION = "drills-in-progress"
"""A partition of all projects, so that one query finds every drill that a run has to continue."""
AUDIT_PREFIX = "audit#"
AUDIT_PREFIX_END = "audit$"
"""Sorts after every audit: the next character."""
CHUNK_PREFIX = "chunk#"
PLAN_PREFIX = "plan#"
DRILL_PREFIX = "drill#"
ACTION_PREFIX = "action#"
FIRST_BACKUP_KEY_PREFIX = f"{ACTION_PREFIX}{EARLIER_KINDS[ActionKind.FIRST_BACKUP]}/"
"""The beginning of the sort keys of all attempts at first backups."""
_SENT_RETENTION = timedelta(days=90)
"""How long the record of an accepted message is stored."""


def encode_values(values: Mapping[str, object]) -> Item:
    """Return values as attributes: text, whole numbers, booleans, bytes and times. `None` has no attribute."""
    return {name: _encode_value(value) for name, value in values.items() if value is not None}


def _encode_value(value: object) -> Item:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case datetime():
            return {"S": format_sort_moment(value)}
        case _:
            return {"S": value}


def decode_values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of attributes. Times are text: `decode_moment` reads them."""
    return {
        name: int(attribute["N"]) if "N" in attribute else next(iter(attribute.values()))
        for name, attribute in item.items()
    }


def decode_moment(text: str | None) -> datetime | None:
    """Return the time that an attribute holds, `None` where the attribute is absent."""
    return None if text is None else datetime.fromisoformat(text)


def format_sort_moment(moment: datetime) -> str:
    """Return a time as text, so that later times sort after it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def is_expired(item: Item, now: datetime) -> bool:
    """Return whether DynamoDB may delete an item, which it does some time later. S3 may have deleted its files."""
    return "expires_at" in item and int(item["expires_at"]["N"]) <= now.timestamp()


def compute_expiry(moment: datetime, retention: timedelta) -> int:
    """Return when DynamoDB may delete an item, in seconds since 1970."""
    return int((moment + retention).timestamp())


def build_partition_key(project: str, partition: Partition = Partition.STATE) -> str:
    """Return the key of one partition of a project. The outbox is a partition of all projects."""
    return f"{partition}#{project}"


def build_key(project: str, sort_key: str, partition: Partition = Partition.STATE) -> Item:
    """Return the key of an item of a project."""
    return encode_values({"PK": build_partition_key(project, partition), "SK": sort_key})


def build_drill_key(project: str, number: int) -> Item:
    """Return the key of a restore drill. Earlier drills sort first."""
    return build_key(project, f"{DRILL_PREFIX}{number:09d}", Partition.DRILLS)


def build_progress_key(project: str, number: int) -> Item:
    """Return the key of the item that exists exactly while a drill is in progress."""
    return encode_values({"PK": DRILLS_IN_PROGRESS_PARTITION, "SK": f"{project}#{number:09d}"})


def build_audit_sort_key(audit: AuditRecord) -> str:
    """Return the sort key of an audit record. Earlier audits sort first."""
    return f"{AUDIT_PREFIX}{format_sort_moment(audit.observed_at)}#{audit.audit_id}"


def encode_audit(
    project: str, audit: AuditRecord, retention: timedelta | None = None, request_id: str | None = None
) -> Item:
    """Return the item of an audit record, with the id of the request that it answers."""
    values = {
        "audit_id": audit.audit_id,
        "observed_at": audit.observed_at,
        "complete": audit.is_complete,
        "compliance": audit.compliance,
        "request_id": request_id,
        "expires_at": None if retention is None else compute_expiry(audit.observed_at, retention),
        **({} if audit.report is None else _list_report_values(audit.report)),
    }
    return build_key(project, build_audit_sort_key(audit)) | encode_values(values)


def decode_audit(item: Mapping[str, Any]) -> AuditRecord:
    """Return the audit record of an item."""
    values = decode_values(item)
    return AuditRecord(
        audit_id=values["audit_id"],
        observed_at=datetime.fromisoformat(values["observed_at"]),
        is_complete=values["complete"],
        compliance=Compliance(values["compliance"]),
        report=_read_report(values) if "location" in values else None,
    )


def build_message_key(message: OutboxMessage) -> Item:
    """Return the key of a message that no channel has accepted yet."""
    return encode_values({"PK": OUTBOX_PARTITION, "SK": f"{message.project}#{message.message_id}"})


def build_sent_key(message: OutboxMessage) -> Item:
    """Return the key of the record that a message was accepted."""
    return build_key(message.project, f"sent#{format_sort_moment(message.observed_at)}#{message.channel_id}")


def encode_sent_message(message: OutboxMessage, now: datetime) -> Item:
    """Return the record that a message was accepted."""
    times = encode_values({"sent_at": now, "expires_at": compute_expiry(now, _SENT_RETENTION)})
    return {**build_sent_key(message), **encode_message(message), **times}


def encode_message(message: OutboxMessage) -> Item:
    """Return the attributes of a message, without its key."""
    values = {
        "message_id": message.message_id,
        "project": message.project,
        "audit_id": message.audit_id,
        "observed_at": message.observed_at,
        "channel": message.channel_id,
        "occasion": message.trigger,
        "previous_at": message.previous_at,
    }
    return encode_values(values | _list_content_values(message.content))


def _list_content_values(
    content: StoredReport | FailureNotice | DiscoveryNotice | FleetComparison,
) -> dict[str, object]:
    match content:
        case DiscoveryNotice():
            from backup_auditor.adapters.dynamodb.discovery_records import pack_notice  # noqa: PLC0415  pydantic

            return {"discovery": pack_notice(content)}
        case FailureNotice():
            return list_notice_values(content)
        case FleetComparison():
            previous = content.previous
            previous_values = (
                {} if previous is None else {"previous_location": previous.location, "previous_sha256": previous.sha256}
            )
            return list_page_values(content.page) | previous_values
        case StoredReport():
            return _list_report_values(content)


def decode_message(item: Mapping[str, Any]) -> OutboxMessage:
    """Return the message of an item."""
    values = decode_values(item)
    return OutboxMessage(
        message_id=values["message_id"],
        project=values["project"],
        audit_id=values.get("audit_id"),
        observed_at=datetime.fromisoformat(values["observed_at"]),
        channel_id=values["channel"],
        trigger=Trigger(values["occasion"]),
        content=_read_content(values),
        previous_at=decode_moment(values.get("previous_at")),
    )


def _read_content(values: Mapping[str, Any]) -> StoredReport | FailureNotice | DiscoveryNotice | FleetComparison:
    if "discovery" in values:
        from backup_auditor.adapters.dynamodb.discovery_records import unpack_notice  # noqa: PLC0415  pydantic

        return unpack_notice(values["discovery"])
    if "notice" in values:
        return decode_notice(values)
    if "night" not in values:
        return _read_report(values)
    has_previous = "previous_location" in values
    previous = StoredFile(values["previous_location"], values["previous_sha256"]) if has_previous else None
    return FleetComparison(decode_page(values), previous)


def list_page_values(page: FleetPage) -> dict[str, object]:
    """Return the values of a page of the fleet."""
    return {
        "night": page.night,
        "revision": page.revision,
        "content_sha256": page.content_sha256,
        **_list_report_values(page.document),
    }


def decode_page(values: Mapping[str, Any]) -> FleetPage:
    """Return the page of the fleet that values describe."""
    night = datetime.fromisoformat(values["night"])
    return FleetPage(night, values["revision"], values["content_sha256"], _read_report(values))


def list_digest_values(digest: RecordedDigest) -> dict[str, object]:
    """Return the values of the last digest of a channel."""
    return {
        "night": digest.night,
        "results_sha256": digest.results_sha256,
        "location": digest.document.location,
        "sha256": digest.document.sha256,
    }


def decode_digest(values: Mapping[str, Any]) -> RecordedDigest:
    """Return the last digest of a channel that values describe."""
    document = StoredFile(values["location"], values["sha256"])
    return RecordedDigest(datetime.fromisoformat(values["night"]), values["results_sha256"], document)


def encode_row(project: str, audit: AuditRecord, document: str, request_id: str | None) -> Item:
    """Return the item of what the page of the fleet needs of an audit."""
    values = {"observed_at": audit.observed_at, "row": document, "request_id": request_id}
    return build_key(project, ROW_SORT_KEY) | encode_values(values)


def decode_row(values: Mapping[str, Any]) -> AuditRow:
    """Return what the page of the fleet needs of an audit."""
    return AuditRow(datetime.fromisoformat(values["observed_at"]), values["row"], values.get("request_id"))


def decode_last_audits(values: Mapping[str, Any]) -> LastAudits:
    """Return the times of the last audits in the values of a head; an empty head has none."""
    observed_at, complete_at = (decode_moment(values.get(it)) for it in ("observed_at", "complete_at"))
    return LastAudits(observed_at, complete_at, values.get("pinecone_project_id"))


def list_notice_values(notice: FailureNotice) -> dict[str, object]:
    """Return the values of a notice about a failure."""
    failure = notice.failure
    return {
        "notice": notice.kind,
        "noticed_at": notice.noticed_at,
        "complete_at": notice.complete_at,
        "kind": failure.kind,
        "since": failure.since,
        "reason": failure.reason,
        "next_step": failure.next_step,
    }


def decode_notice(values: Mapping[str, Any]) -> FailureNotice:
    """Return the notice about a failure that values describe."""
    since, noticed_at = (datetime.fromisoformat(values[it]) for it in ("since", "noticed_at"))
    failure = AuditFailure(FailureKind(values["kind"]), since, values["reason"], values["next_step"])
    return FailureNotice(NoticeKind(values["notice"]), failure, noticed_at, decode_moment(values.get("complete_at")))


def _list_report_values(report: StoredReport) -> dict[str, object]:
    page = report.page
    page_values = {} if page is None else {"page_location": page.location, "page_sha256": page.sha256}
    return {"location": report.location, "sha256": report.sha256, **page_values}


def _read_report(values: Mapping[str, Any]) -> StoredReport:
    page = StoredFile(values["page_location"], values["page_sha256"]) if "page_location" in values else None
    return StoredReport(values["location"], values["sha256"], page)


def build_attempt_prefix(action_key: str) -> str:
    """Return the beginning of the sort keys of all attempts at an action.

    Sort keys name the kind as earlier versions did, so that the attempts of those versions are found.
    """
    kind, slash, target = action_key.partition("/")
    return f"{ACTION_PREFIX}{EARLIER_KINDS.get(kind, kind)}{slash}{target}#"


def build_attempt_key(record: ActionRecord) -> Item:
    """Return the key of an attempt."""
    return build_key(record.project, f"{build_attempt_prefix(record.key)}{record.attempt:09d}", Partition.REMEDIATION)


def encode_attempt(record: ActionRecord) -> Item:
    """Return the item of an attempt. It never expires: it proves who changed what in the project."""
    values = dict(zip(ATTEMPTS.columns, ATTEMPTS.encode(record), strict=True))
    del values["project"]
    times = {"began_at": record.started_at, "ended_at": record.ended_at}
    return {
        **build_attempt_key(record),
        **encode_values({"action": values.pop("key"), **values, **times}),
    }


def decode_attempt(project: str, item: Mapping[str, Any]) -> ActionRecord:
    """Return the attempt of an item."""
    values = decode_values(item)
    values |= {name: to_ticks(decode_moment(values.get(name))) for name in ("began_at", "ended_at")}
    values = {"made_id": None, **values, "project": project, "key": values["action"]}
    return ATTEMPTS.decode(project, tuple(values[it] for it in ATTEMPTS.columns))
