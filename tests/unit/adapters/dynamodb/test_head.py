"""What the head of a project holds of the audits before: little, and nothing where an older version wrote it."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.head import HEAD_VERSION, pack_rows, unpack_rows
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.project_state import EMPTY_STATE, MAX_PAST_AUDITS, KnownSchedule, PastAudit, ProjectState
from backup_auditor.errors import StateError
from support.builders.facts import DAY, NOW, backup, known
from support.fakes.stores import PROJECT, recorded, stored

PAST = PastAudit(NOW, is_complete=True, open_counts=dict.fromkeys(reversed(Severity), 10**6))
FIRST = ProjectState(revision=1, audit_id="first", observed_at=NOW, history=(PAST,))
KEY = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": "head"}}


def test_a_head_of_before_history_was_kept_is_loaded_without_any(table: Any) -> None:
    """The next recording writes it."""
    recorded(table.store, EMPTY_STATE, FIRST)
    table.client.update_item(TableName=table.name, Key=KEY, UpdateExpression="REMOVE history")
    before = replace(FIRST, history=())
    assert table.store.load(PROJECT) == before
    after = replace(FIRST, revision=2, audit_id="second")
    assert stored(table.store, before, after) == after


def test_a_head_of_version_1_is_loaded_and_becomes_one_of_this_version(table: Any) -> None:
    """A head of version 1 has no id of the Pinecone project; the next recording stores it."""
    recorded(table.store, EMPTY_STATE, FIRST)
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET version = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert table.store.load(PROJECT) == FIRST
    after = replace(FIRST, revision=2, audit_id="second", pinecone_project_id="project-1")
    assert stored(table.store, FIRST, after) == after
    (head,) = [it for it in table.items if it["SK"] == KEY["SK"]]
    assert head["version"] == {"N": str(HEAD_VERSION)}


def test_a_head_stays_small_however_much_was_found(table: Any) -> None:
    """All that it says of past audits takes less than two kilobytes."""
    recorded(table.store, EMPTY_STATE, replace(FIRST, history=(PAST,) * (MAX_PAST_AUDITS + 1)))
    (head,) = [it for it in table.items if it["SK"] == KEY["SK"]]
    assert len(head["history"]["S"]) < 2_000


def test_a_head_whose_history_is_damaged_is_refused(table: Any) -> None:
    """A count is missing."""
    recorded(table.store, EMPTY_STATE, FIRST)
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET history = :cut",
        ExpressionAttributeValues={":cut": {"S": "[[1,1,0]]"}},
    )
    with pytest.raises(StateError, match=rf"the state in the table {table.name} is damaged"):
        table.store.load(PROJECT)


def test_rows_of_before_settings_were_kept_are_loaded_and_written_anew(table: Any) -> None:
    """The first version had neither the settings of the past nor the moment at which a backup was missed."""
    rows = {f"{number}": KnownSchedule(f"{number}", "orders", None, "daily", DAY, True) for number in range(3)}
    taken = {"one": known(backup(backup_id="one")), "two": known(backup(backup_id="two"))}
    before = replace(FIRST, schedules=rows, backups=taken)
    recorded(table.store, EMPTY_STATE, before)
    for item in table.items:
        if item["SK"]["S"].startswith("chunk#"):
            columns = {10: 9, 9: 6}
            cut = [row[: columns[len(row)]] for row in unpack_rows(item["rows"]["B"])]
            table.client.put_item(TableName=table.name, Item={**item, "rows": {"B": pack_rows(cut)}})
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET version = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert table.store.load(PROJECT) == before
    schedules = {**rows, "0": replace(rows["0"], since=NOW, seen_at=NOW)}
    backups = {**taken, "one": replace(taken["one"], missed_at=NOW)}
    after = replace(before, revision=2, audit_id="second", schedules=schedules, backups=backups)
    assert stored(table.store, before, after) == after
