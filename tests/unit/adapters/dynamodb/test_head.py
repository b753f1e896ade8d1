"""A head holds little of earlier audits, and heads of older versions are loaded."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.chunks import HEAD_VERSION, pack_rows, unpack_rows
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.project_state import EMPTY_STATE, MAX_PAST_AUDITS, KnownSchedule, PastAudit, ProjectState
from backup_auditor.errors import StateError
from support.builders.facts import DAY, NOW, build_backup, build_known_backup
from support.fakes.stores import PROJECT, record_and_load, record_change

PAST_AUDIT = PastAudit(NOW, is_complete=True, open_counts=dict.fromkeys(reversed(Severity), 10**6))
FIRST_STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW, history=(PAST_AUDIT,))
KEY = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": "head"}}


def test_a_head_without_history_is_loaded(table: Any) -> None:
    """A head of a version without history has an empty history; the next recording stores one."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE)
    table.client.update_item(TableName=table.name, Key=KEY, UpdateExpression="REMOVE history")
    previous_state = replace(FIRST_STATE, history=())
    assert table.store.load(PROJECT) == previous_state
    new_state = replace(FIRST_STATE, revision=2, audit_id="second")
    assert record_and_load(table.store, previous_state, new_state) == new_state


def test_a_head_of_version_1_is_loaded_and_becomes_one_of_this_version(table: Any) -> None:
    """A head of version 1 has no id of the Pinecone project; the next recording stores it."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE)
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET version = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert table.store.load(PROJECT) == FIRST_STATE
    new_state = replace(FIRST_STATE, revision=2, audit_id="second", pinecone_project_id="project-1")
    assert record_and_load(table.store, FIRST_STATE, new_state) == new_state
    (head,) = [it for it in table.items if it["SK"] == KEY["SK"]]
    assert head["version"] == {"N": str(HEAD_VERSION)}


def test_the_history_of_a_head_stays_small(table: Any) -> None:
    """The history of past audits takes less than two kilobytes."""
    record_change(table.store, EMPTY_STATE, replace(FIRST_STATE, history=(PAST_AUDIT,) * (MAX_PAST_AUDITS + 1)))
    (head,) = [it for it in table.items if it["SK"] == KEY["SK"]]
    assert len(head["history"]["S"]) < 2_000


def test_a_head_whose_history_is_damaged_is_refused(table: Any) -> None:
    """A history with a missing count raises an error."""
    record_change(table.store, EMPTY_STATE, FIRST_STATE)
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET history = :cut",
        ExpressionAttributeValues={":cut": {"S": "[[1,1,0]]"}},
    )
    with pytest.raises(StateError, match=rf"the state in the table {table.name} is damaged"):
        table.store.load(PROJECT)


def test_rows_of_the_first_version_are_loaded_and_rewritten(table: Any) -> None:
    """The first version had neither earlier settings nor the time when a backup was first missed."""
    rows = {f"{number}": KnownSchedule(f"{number}", "orders", None, "daily", DAY, True) for number in range(3)}
    known_backups = {
        "one": build_known_backup(build_backup(backup_id="one")),
        "two": build_known_backup(build_backup(backup_id="two")),
    }
    previous_state = replace(FIRST_STATE, schedules=rows, backups=known_backups)
    record_change(table.store, EMPTY_STATE, previous_state)
    for item in table.items:
        if item["SK"]["S"].startswith("chunk#"):
            columns = {10: 9, 9: 6}
            short_rows = [row[: columns[len(row)]] for row in unpack_rows(item["rows"]["B"])]
            table.client.put_item(TableName=table.name, Item={**item, "rows": {"B": pack_rows(short_rows)}})
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET version = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert table.store.load(PROJECT) == previous_state
    schedules = {**rows, "0": replace(rows["0"], since=NOW, seen_at=NOW)}
    backups = {**known_backups, "one": replace(known_backups["one"], missed_at=NOW)}
    new_state = replace(previous_state, revision=2, audit_id="second", schedules=schedules, backups=backups)
    assert record_and_load(table.store, previous_state, new_state) == new_state
