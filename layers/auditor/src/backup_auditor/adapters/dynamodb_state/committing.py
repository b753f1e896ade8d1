"""Makes a recording lasting: head, record and messages in one transaction, whose outcome is found out if it is lost."""

from collections.abc import Callable
from datetime import timedelta

from backup_auditor.adapters.aws_answers import answer_of, code_of
from backup_auditor.adapters.dynamodb_state.head import Head, head_item
from backup_auditor.adapters.dynamodb_state.items import Item, audit_item, message_item, message_key, number, text
from backup_auditor.adapters.dynamodb_state.table import Table
from backup_auditor.adapters.http_status import is_transient
from backup_auditor.domain.recording import Recording
from backup_auditor.errors import ConflictingRecordError, StateError

MOST_MESSAGES = 98
"""A transaction takes a hundred writes."""
_CONDITION = "ConditionalCheckFailed"
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def writes_of(
    table: str, project: str, recording: Recording, heads: tuple[Head, Head], retention: timedelta | None
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
