"""The state store in one DynamoDB table. Head, audit record and messages are written in one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from backup_auditor.adapters.dynamodb.chunks import (
    EMPTY_HEAD,
    ChunkRewriter,
    Head,
    MissingChunkError,
    build_head,
    decode_head,
    delete_unused_chunks,
    encode_head,
    load_state,
    read_chunks,
    write_chunks,
)
from backup_auditor.adapters.dynamodb.items import (
    AUDIT_PREFIX,
    AUDIT_PREFIX_END,
    FIRST_BACKUP_KEY_PREFIX,
    HEAD_SORT_KEY,
    Item,
    Partition,
    build_audit_sort_key,
    build_key,
    build_message_key,
    build_partition_key,
    decode_attempt,
    decode_audit,
    decode_last_audits,
    decode_values,
    encode_audit,
    encode_message,
    encode_row,
    encode_values,
    format_sort_moment,
    is_expired,
)
from backup_auditor.adapters.dynamodb.table import Table, is_condition_failure
from backup_auditor.adapters.records import DRILLS
from backup_auditor.domain.audit_record import AuditRecord, LastAudits
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import KnownDrill, ProjectState
from backup_auditor.domain.remediation.plan import APPLIED_STATES
from backup_auditor.errors import ConflictingRecordError, StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_MESSAGES = 97
"""A transaction has at most 100 writes: head, audit record and row are three of them."""
_MAX_READS = 5
"""How often a read restarts because another audit was recorded at the same time."""


class DynamoStateReader:
    """The states in one table, for reading. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)

    def load(self, project: str) -> ProjectState:
        """Return the state of a project."""
        with self._table.translate_errors():
            head = self._load_head(project)
            for _ in range(_MAX_READS):
                try:
                    state = load_state(self._table, project, head)
                    first_backup_ids, drills = self._load_first_backups(project), self._load_drills(project)
                    return replace(state, first_backup_ids=first_backup_ids, drills=drills)
                except MissingChunkError:
                    head = self._load_newer_head(project, head)
        raise StateError(f"{project}: the state changed on every attempt to read it; audit the project less often")

    def _load_first_backups(self, project: str) -> frozenset[str]:
        """Return the ids of the backups that remediation created as first backups."""
        partition_key = build_partition_key(project, Partition.REMEDIATION)
        values = encode_values({":project": partition_key, ":first": FIRST_BACKUP_KEY_PREFIX})
        items = self._table.query_items("PK = :project AND begins_with(SK, :first)", values)
        records = (decode_attempt(project, it) for it in items)
        return frozenset(it.target_id for it in records if it.target_id is not None and it.state in APPLIED_STATES)

    def _load_drills(self, project: str) -> dict[str, KnownDrill]:
        """Return what audits read of each restore drill, by its id."""
        values = encode_values({":project": build_partition_key(project, Partition.DRILLS)})
        items = self._table.query_items("PK = :project", values, DRILLS.columns)
        rows = (tuple(map(decode_values(it).get, DRILLS.columns)) for it in items)
        return {it.drill_id: it for it in (DRILLS.decode(project, row) for row in rows)}

    def _load_head(self, project: str) -> Head:
        item = self._table.get_item(build_key(project, HEAD_SORT_KEY))
        return EMPTY_HEAD if item is None else decode_head(project, item)

    def _load_newer_head(self, project: str, head: Head) -> Head:
        """Return the head that replaced a head whose chunks are missing."""
        newer_head = self._load_head(project)
        if newer_head.writer == head.writer:
            raise KeyError("a chunk is missing")
        return newer_head


class DynamoState(DynamoStateReader):
    """A `StateStore` and `AuditLog` in one table. Safe to use from many threads.

    The state is stored in chunks that a head lists. A recording writes the changed chunks under new names, then head,
    audit record and messages in one transaction. Readers see nothing of it before, and all of it after.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        retention: timedelta | None = None,
        request_id: str | None = None,
        now: datetime | None = None,
    ) -> None:
        """Take the client, the table's name, and the retention of audit records; `None` keeps them forever.

        `request_id` is the id of the request that the recorded audits answer; `None` if there is none. Audits whose
        retention is over at `now` are not listed; `None` lists all that the table has.
        """
        super().__init__(client, table)
        self._retention = retention
        self._request_id = request_id
        self._now = now

    def record(self, project: str, change: StateChange, imported_items: Iterable[Item] = ()) -> None:
        """Write the changed chunks and imported items, then everything else in one transaction."""
        with self._table.translate_errors():
            previous_head = self._load_head(project)
            if previous_head.state.revision != change.expected_revision:
                raise _build_conflict_error(project)
            writer = token_hex(8)
            try:
                rewriter = ChunkRewriter(
                    previous_head.chunk_names,
                    change,
                    writer,
                    lambda names: dict(read_chunks(self._table, project, names)),
                )
            except MissingChunkError:
                self._load_newer_head(project, previous_head)
                raise _build_conflict_error(project) from None
            new_head = build_head(change, writer, rewriter.chunk_names)
            writes = _build_writes(self._table.name, project, change, (previous_head, new_head))
            if change.audit is not None:
                audit_item = encode_audit(project, change.audit, self._retention, self._request_id)
                writes.append({"Put": {"TableName": self._table.name, "Item": audit_item}})
                if change.fleet_row is not None:
                    row_item = encode_row(project, change.audit, change.fleet_row, self._request_id)
                    writes.append({"Put": {"TableName": self._table.name, "Item": row_item}})
            write_chunks(self._table, project, rewriter.new_chunks)
            self._table.write_items({"PutRequest": {"Item": it}} for it in imported_items)
            failure = self._table.transact(writes, writer)
            # after a lost answer, the retry fails on its own head; the writer of the stored head shows the result
            if failure is not None and self._load_head(project).writer != writer:
                if is_condition_failure(failure):
                    reason = "another audit of the project was recorded at the same time; run the audit again"
                    raise ConflictingRecordError(reason)
                raise failure
            self._table.write_items(
                {"DeleteRequest": {"Key": build_key(project, build_audit_sort_key(audit))}}
                for audit in change.discarded_audits
            )
        # the audit is recorded; the next recording deletes what stays here
        with suppress(StateError), self._table.translate_errors():
            delete_unused_chunks(self._table, project, new_head)

    def list_audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return the audit records of a project since a time, the oldest first."""
        with self._table.translate_errors():
            items = self._query_audits(project, since)
            return [decode_audit(it) for it in items if self._now is None or not is_expired(it, self._now)]

    def find_requested_audit(self, project: str, since: datetime) -> AuditRecord | None:
        """Return the audit that was recorded for the request since a time; `None` if there is none."""
        with self._table.translate_errors():
            items = self._query_audits(project, since)
            return next((decode_audit(it) for it in items if it.get("request_id") == {"S": self._request_id}), None)

    def find_last_audits(self, project: str) -> LastAudits:
        """Return the times of the last audits."""
        with self._table.translate_errors():
            attribute_names = ("observed_at", "complete_at", "pinecone_project_id")
            item = self._table.get_item(build_key(project, HEAD_SORT_KEY), attribute_names) or {}
            return decode_last_audits(decode_values(item))

    def _query_audits(self, project: str, since: datetime) -> Iterator[Item]:
        values = {
            ":project": build_partition_key(project),
            ":since": AUDIT_PREFIX + format_sort_moment(since),
            ":end": AUDIT_PREFIX_END,
        }
        return self._table.query_items("PK = :project AND SK BETWEEN :since AND :end", encode_values(values))


def _build_conflict_error(project: str) -> ConflictingRecordError:
    return ConflictingRecordError(f"another audit of {project} was recorded at the same time; run the audit again")


def _build_writes(table: str, project: str, change: StateChange, heads: tuple[Head, Head]) -> list[Item]:
    """Return the writes of head and messages, the head first, on the condition that the previous head is unchanged.

    Raises `StateError` if there are more messages than a transaction allows.
    """
    if len(change.messages) > MAX_MESSAGES:
        raise StateError(
            f"{project}: {len(change.messages)} channels (limit: {MAX_MESSAGES}); remove channels from the registry"
        )
    previous_head, new_head = heads
    head_write: Item = {"TableName": table, "Item": encode_head(project, new_head)}
    if previous_head.state.revision == 0:
        head_write["ConditionExpression"] = "attribute_not_exists(PK)"
    else:
        head_write["ConditionExpression"] = "revision = :revision AND writer = :writer"
        values = {":revision": previous_head.state.revision, ":writer": previous_head.writer}
        head_write["ExpressionAttributeValues"] = encode_values(values)
    items = [{**build_message_key(it), **encode_message(it)} for it in change.messages]
    return [{"Put": head_write}, *({"Put": {"TableName": table, "Item": it}} for it in items)]
