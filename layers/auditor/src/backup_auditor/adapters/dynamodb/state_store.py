"""The state store in one DynamoDB table: head, audit record and messages are written in one transaction."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from backup_auditor.adapters.aws.session import get_error_code, get_error_response
from backup_auditor.adapters.dynamodb.chunks import ChunkRewriter, ChunkStore, MissingChunkError, delete_unused_chunks
from backup_auditor.adapters.dynamodb.head import EMPTY_HEAD, Head, build_head, decode_head, encode_head
from backup_auditor.adapters.dynamodb.items import (
    AUDIT_PREFIX,
    AUDIT_PREFIX_END,
    FIRST_BACKUP_PREFIX,
    HEAD_SORT_KEY,
    REGISTRATION_SORT_KEY,
    Item,
    build_audit_sort_key,
    build_key,
    build_message_key,
    build_project_key,
    decode_attempt,
    decode_audit,
    decode_moment,
    decode_values,
    encode_audit,
    encode_message,
    encode_values,
    format_sort_moment,
)
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.http_status import is_transient
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.remediation.plan import APPLIED_STATES
from backup_auditor.errors import ConflictingRecordError, StateError
from backup_auditor.ports.stores import LastAudits

MAX_MESSAGES = 98
"""A transaction takes a hundred writes."""
_CONDITION_FAILED = "ConditionalCheckFailed"
_TRANSIENT_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def build_writes(
    table: str, project: str, change: StateChange, heads: tuple[Head, Head], retention: timedelta | None
) -> list[Item]:
    """Return the writes of one transaction, the head first, on the condition that it is still the one before.

    Raises `StateError` where there are more messages than a transaction takes.
    """
    if len(change.messages) > MAX_MESSAGES:
        raise StateError(f"{project}: {len(change.messages)} channels are to be told; name {MAX_MESSAGES} at most")
    previous_head, new_head = heads
    head_write: Item = {"TableName": table, "Item": encode_head(project, new_head)}
    if previous_head.revision == 0:
        head_write["ConditionExpression"] = "attribute_not_exists(PK)"
    else:
        head_write["ConditionExpression"] = "revision = :revision AND writer = :writer"
        values = {":revision": previous_head.revision, ":writer": previous_head.writer}
        head_write["ExpressionAttributeValues"] = encode_values(values)
    items = [{**build_message_key(it), **encode_message(it)} for it in change.messages]
    if change.audit is not None:
        items.append(encode_audit(project, change.audit, retention))
    return [{"Put": head_write}, *({"Put": {"TableName": table, "Item": it}} for it in items)]


def commit(table: Table, writes: list[Item], writer: str, load_head: Callable[[], Head]) -> None:
    """Do the writes, all or none. Raises `ConflictingRecordError` where another recording was quicker.

    What was heard of a transaction is not always what became of it: an answer is lost, and the same one, sent again,
    fails on its own head. The head that stands there in the end tells whose it is.
    """
    failure = attempt_writes(table, writes, writer)
    if failure is None or load_head().writer == writer:
        return
    if is_condition_failure(failure):
        raise ConflictingRecordError("another audit of the project was recorded at the same time; run the audit again")
    raise failure


def attempt_writes(table: Table, writes: list[Item], token: str) -> Exception | None:
    """Do the writes, again while that may help, and return what was heard last; nothing where they are done."""
    failure: Exception | None = None
    for attempt in table.list_attempts():
        try:
            table.transact(writes, token)
        except Exception as error:  # noqa: BLE001  what it was is found out here
            failure = error
        else:
            return None
        if is_condition_failure(failure) or not (
            _TRANSIENT_REASONS.intersection(_list_cancellation_reasons(failure)) or _may_succeed_later(failure)
        ):
            break
        table.wait(attempt)
    return failure


def is_condition_failure(failure: Exception) -> bool:
    """Tell whether a transaction was not done because one of its conditions did not hold."""
    return _CONDITION_FAILED in _list_cancellation_reasons(failure)


def _list_cancellation_reasons(error: Exception) -> tuple[str, ...]:
    """Return why a transaction was cancelled; nothing where it was not."""
    return tuple(str(it.get("Code", "")) for it in get_error_response(error).get("CancellationReasons", ()))


def _may_succeed_later(error: Exception) -> bool:
    """Tell whether the same transaction may be done when it is sent again: one under way, or whose answer was lost."""
    from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

    if isinstance(error, told.ClientError):
        status = get_error_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return get_error_code(error) == "TransactionInProgressException" or is_transient(status)
    return isinstance(error, told.HTTPClientError)


if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_READS = 5
"""How often reading begins anew because another audit was recorded meanwhile."""


class DynamoState:
    """A `StateStore`, `AuditLog` and `Watched` over one table. Safe to use from many threads.

    What is remembered lies in chunks, which a head names. A recording writes the chunks that it changes under new
    names, then head, record and messages in one transaction: nothing of it is seen before, and all of it after.
    """

    def __init__(self, client: "DynamoDBClient", table: str, *, retention: timedelta | None = None) -> None:
        """Take the client, the table's name, and how long the records of audits are kept; `None` is for ever."""
        self._table = Table(client, table)
        self._chunks = ChunkStore(self._table)
        self._retention = retention

    def load(self, project: str) -> ProjectState:
        """Return what is remembered of a project."""
        with self._table.translate_errors():
            head = self._load_head(project)
            for _ in range(_MAX_READS):
                try:
                    return replace(
                        self._chunks.load_state(project, head), first_backup_ids=self._load_first_backups(project)
                    )
                except MissingChunkError:
                    head = self._load_newer_head(project, head)
        raise StateError(f"{project}: it is audited so often that its state cannot be read; audit it less often")

    def record(self, project: str, change: StateChange) -> None:
        """Write the chunks that change, then everything else in one transaction."""
        with self._table.translate_errors():
            previous_head = self._load_head(project)
            if previous_head.revision != change.expected_revision:
                raise _build_conflict_error(project)
            writer = token_hex(8)
            try:
                rewriter = ChunkRewriter(
                    previous_head.chunk_names, change, writer, lambda names: self._chunks.read(project, names)
                )
            except MissingChunkError:
                self._load_newer_head(project, previous_head)
                raise _build_conflict_error(project) from None
            new_head = build_head(change, writer, rewriter.chunk_names)
            writes = build_writes(self._table.name, project, change, (previous_head, new_head), self._retention)
            self._chunks.write(project, rewriter.new_chunks)
            commit(self._table, writes, writer, lambda: self._load_head(project))
            self._table.write(
                {"DeleteRequest": {"Key": build_key(build_project_key(project), build_audit_sort_key(audit))}}
                for audit in change.discarded_audits
            )
        with suppress(StateError), self._table.translate_errors():  # it is recorded; the next recording sweeps again
            delete_unused_chunks(self._table, project, new_head)

    def list_audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return what is kept of a project's audits since a moment, the oldest first."""
        condition = "PK = :project AND SK BETWEEN :since AND :end"
        values = {
            ":project": build_project_key(project),
            ":since": AUDIT_PREFIX + format_sort_moment(since),
            ":end": AUDIT_PREFIX_END,
        }
        with self._table.translate_errors():
            return [*map(decode_audit, self._table.query(condition, encode_values(values)))]

    def find_last_audits(self, project: str) -> LastAudits:
        """Return when the last audits were."""
        with self._table.translate_errors():
            attribute_names = ("observed_at", "complete_at", "pinecone_project_id")
            item = self._table.get_item(build_key(build_project_key(project), HEAD_SORT_KEY), attribute_names) or {}
            observed_at, complete_at, project_id = map(decode_values(item).get, attribute_names)
            return LastAudits(decode_moment(observed_at), decode_moment(complete_at), project_id)

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when it was first asked for; the first time, the present moment, which is kept."""
        with self._table.translate_errors():
            response = self._table.call(
                "update_item",
                Key=build_key(build_project_key(project), REGISTRATION_SORT_KEY),
                UpdateExpression="SET since = if_not_exists(since, :now)",
                ExpressionAttributeValues=encode_values({":now": now}),
                ReturnValues="ALL_NEW",
            )
            return decode_moment(decode_values(response["Attributes"]).get("since")) or now

    def _load_first_backups(self, project: str) -> frozenset[str]:
        """Return the ids of the backups that remediation took as first backups."""
        values = encode_values({":project": build_project_key(project), ":first": FIRST_BACKUP_PREFIX})
        items = self._table.query("PK = :project AND begins_with(SK, :first)", values)
        records = (decode_attempt(project, it) for it in items)
        return frozenset(it.target_id for it in records if it.target_id is not None and it.state in APPLIED_STATES)

    def _load_head(self, project: str) -> Head:
        item = self._table.get_item(build_key(build_project_key(project), HEAD_SORT_KEY))
        return EMPTY_HEAD if item is None else decode_head(project, item)

    def _load_newer_head(self, project: str, head: Head) -> Head:
        """Return the head that took the place of one whose chunks are gone."""
        newer_head = self._load_head(project)
        if newer_head.writer == head.writer:
            raise KeyError("a chunk is missing")
        return newer_head


def _build_conflict_error(project: str) -> ConflictingRecordError:
    return ConflictingRecordError(f"another audit of {project} was recorded at the same time; run the audit again")
