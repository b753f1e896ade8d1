"""The state store in one DynamoDB table: head, audit record and messages are written in one transaction."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from backup_auditor.adapters.aws.session import answer_of, code_of
from backup_auditor.adapters.dynamodb.chunks import Chunks, MissingChunkError, Rewriting, sweep
from backup_auditor.adapters.dynamodb.head import EMPTY, Head, head_item, head_of, read_head
from backup_auditor.adapters.dynamodb.items import (
    ACTIONS,
    AFTER_AUDITS,
    AUDITS,
    HEAD,
    REGISTERED,
    Item,
    action_of,
    audit_item,
    audit_of,
    audit_sort,
    key,
    message_item,
    message_key,
    moment_in,
    moment_text,
    number,
    project_key,
    text,
)
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.http_status import is_transient
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.remediation.actions import first_backup_keys
from backup_auditor.domain.remediation.plan import APPLIED_STATES
from backup_auditor.errors import ConflictingRecordError, StateError
from backup_auditor.ports.stores import LastAudits

MOST_MESSAGES = 98
"""A transaction takes a hundred writes."""
_CONDITION = "ConditionalCheckFailed"
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def writes_of(
    table: str, project: str, recording: StateChange, heads: tuple[Head, Head], retention: timedelta | None
) -> list[Item]:
    """Return the writes of one transaction, the head first, on the condition that it is still the one before.

    Raises `StateError` where there are more messages than a transaction takes.
    """
    if len(recording.messages) > MOST_MESSAGES:
        raise StateError(f"{project}: {len(recording.messages)} channels are to be told; name {MOST_MESSAGES} at most")
    before, after = heads
    head: Item = {"TableName": table, "Item": head_item(project, after)}
    if before.revision == 0:
        head["ConditionExpression"] = "attribute_not_exists(PK)"
    else:
        head["ConditionExpression"] = "revision = :revision AND writer = :writer"
        head["ExpressionAttributeValues"] = {":revision": number(before.revision), ":writer": text(before.writer)}
    items = [{**message_key(it), **message_item(it)} for it in recording.messages]
    if recording.audit is not None:
        items.append(audit_item(project, recording.audit, retention))
    return [{"Put": head}, *({"Put": {"TableName": table, "Item": it}} for it in items)]


def commit(table: Table, writes: list[Item], writer: str, latest: Callable[[], Head]) -> None:
    """Do the writes, all or none. Raises `ConflictingRecordError` where another recording was quicker.

    What was heard of a transaction is not always what became of it: an answer is lost, and the same one, sent again,
    fails on its own head. The head that stands there in the end tells whose it is.
    """
    failure = failure_of(table, writes, writer)
    if failure is None or latest().writer == writer:
        return
    if is_refused(failure):
        raise ConflictingRecordError("another audit of the project was recorded meanwhile; audit again")
    raise failure


def failure_of(table: Table, writes: list[Item], token: str) -> Exception | None:
    """Do the writes, again while that may help, and return what was heard last; nothing where they are done."""
    failure: Exception | None = None
    for attempt in table.tries():
        try:
            table.transact(writes, token)
        except Exception as error:  # noqa: BLE001  what it was is found out here
            failure = error
        else:
            return None
        if is_refused(failure) or not (_PASSING.intersection(_reasons(failure)) or _may_pass(failure)):
            break
        table.wait(attempt)
    return failure


def is_refused(failure: Exception) -> bool:
    """Tell whether a transaction was not done because one of its conditions did not hold."""
    return _CONDITION in _reasons(failure)


def _reasons(error: Exception) -> tuple[str, ...]:
    """Return why a transaction was cancelled; nothing where it was not."""
    return tuple(str(it.get("Code", "")) for it in answer_of(error).get("CancellationReasons", ()))


def _may_pass(error: Exception) -> bool:
    """Tell whether the same transaction may be done when it is sent again: one under way, or whose answer was lost."""
    from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

    if isinstance(error, told.ClientError):
        status = answer_of(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) == "TransactionInProgressException" or is_transient(status)
    return isinstance(error, told.HTTPClientError)


if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = 5
"""How often reading begins anew because another audit was recorded meanwhile."""


class DynamoState:
    """A `StateStore`, `AuditLog` and `Watched` over one table. Safe to use from many threads.

    What is remembered lies in chunks, which a head names. A recording writes the chunks that it changes under new
    names, then head, record and messages in one transaction: nothing of it is seen before, and all of it after.
    """

    def __init__(self, client: "DynamoDBClient", table: str, *, retention: timedelta | None = None) -> None:
        """Take the client, the table's name, and how long the records of audits are kept; `None` is for ever."""
        self._table = Table(client, table)
        self._chunks = Chunks(self._table)
        self._retention = retention

    def load(self, project: str) -> ProjectState:
        """Return what is remembered of a project."""
        with self._table.telling():
            head = self._head(project)
            for _ in range(_READS):
                try:
                    return replace(self._chunks.memory(project, head), first_backups=self._first_backups(project))
                except MissingChunkError:
                    head = self._overtaken(project, head)
        raise StateError(f"{project}: it is audited so often that its state cannot be read; audit it less often")

    def record(self, project: str, recording: StateChange) -> None:
        """Write the chunks that change, then everything else in one transaction."""
        with self._table.telling():
            before = self._head(project)
            if before.revision != recording.expects:
                raise _conflict(project)
            writer = token_hex(8)
            try:
                made = Rewriting(before.listing, recording, writer, lambda names: self._chunks.read(project, names))
            except MissingChunkError:
                self._overtaken(project, before)
                raise _conflict(project) from None
            after = head_of(recording, writer, made.listing)
            writes = writes_of(self._table.name, project, recording, (before, after), self._retention)
            self._chunks.write(project, made.written)
            commit(self._table, writes, writer, lambda: self._head(project))
            self._table.write(
                {"DeleteRequest": {"Key": key(project_key(project), audit_sort(it))}} for it in recording.discarded
            )
        with suppress(StateError), self._table.telling():  # it is recorded; the next recording sweeps again
            sweep(self._table, project, after)

    def audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return what is kept of a project's audits since a moment, the oldest first."""
        values = {
            ":project": text(project_key(project)),
            ":since": text(AUDITS + moment_text(since)),
            ":end": text(AFTER_AUDITS),
        }
        with self._table.telling():
            return [*map(audit_of, self._table.found("PK = :project AND SK BETWEEN :since AND :end", values))]

    def last_audits(self, project: str) -> LastAudits:
        """Return when the last audits were."""
        with self._table.telling():
            wanted = ("observed_at", "complete_at", "pinecone_project_id")
            item = self._table.item(key(project_key(project), HEAD), wanted) or {}
            project_id = item["pinecone_project_id"]["S"] if "pinecone_project_id" in item else None
            return LastAudits(moment_in(item, "observed_at"), moment_in(item, "complete_at"), project_id)

    def registered_since(self, project: str, now: datetime) -> datetime:
        """Return when it was first asked for; the first time, the present moment, which is kept."""
        with self._table.telling():
            answer = self._table.call(
                "update_item",
                Key=key(project_key(project), REGISTERED),
                UpdateExpression="SET since = if_not_exists(since, :now)",
                ExpressionAttributeValues={":now": text(moment_text(now))},
                ReturnValues="ALL_NEW",
            )
            return moment_in(answer["Attributes"], "since") or now

    def _first_backups(self, project: str) -> frozenset[str]:
        """Return the ids of the backups that remediation took as first backups."""
        first, after = (f"{ACTIONS}{it}" for it in first_backup_keys())
        values = {":project": text(project_key(project)), ":first": text(first), ":after": text(after)}
        found = self._table.found("PK = :project AND SK BETWEEN :first AND :after", values)
        records = (action_of(project, it) for it in found)
        return frozenset(it.made_id for it in records if it.made_id is not None and it.state in APPLIED_STATES)

    def _head(self, project: str) -> Head:
        item = self._table.item(key(project_key(project), HEAD))
        return EMPTY if item is None else read_head(project, item)

    def _overtaken(self, project: str, head: Head) -> Head:
        """Return the head that took the place of one whose chunks are gone."""
        later = self._head(project)
        if later.writer == head.writer:
            raise KeyError("a chunk is missing")
        return later


def _conflict(project: str) -> ConflictingRecordError:
    return ConflictingRecordError(f"another audit of {project} was recorded meanwhile; audit again")
