"""Chunks have a limited size, and an audit with few changes rewrites few of them."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_auditor.adapters.dynamodb import chunks as chunks_module
from backup_auditor.adapters.dynamodb.chunks import choose_shard, pack_in_order, pack_in_shards, unpack_rows
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.domain.finding import Resource, ResourceType, Severity
from backup_auditor.domain.project_state import (
    EMPTY_STATE,
    Drift,
    FindingState,
    KnownBackup,
    KnownFinding,
    ProjectState,
)
from backup_auditor.errors import StateError
from support.aws.dynamodb import list_chunk_names, open_table
from support.builders.facts import DAY, NOW
from support.fakes.stores import PROJECT, STATES, number_revisions, record_and_load, record_change

VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
ROWS = st.lists(st.tuples(st.text(max_size=9), VALUES, VALUES), max_size=30, unique_by=lambda it: it[0])
TINY_CHUNK_BYTES = 120
RESOURCE = Resource(ResourceType.INDEX, PROJECT, "orders", "id")


def make_noise(seed: int, repetitions: int) -> str:
    """Return a text that does not compress well."""
    return "".join(sha256(f"{seed} {number}".encode()).hexdigest() for number in range(repetitions))


@given(ROWS, st.sampled_from([1, 2, 8]))
def test_rows_are_unpacked_as_they_were_packed(rows: list[Any], shard_count: int) -> None:
    """Each row is in the shard of its key."""
    chunks = pack_in_shards(rows, shard_count)
    assert len(chunks) >= shard_count
    unpacked_rows = []
    for number, chunk in enumerate(chunks):
        held_rows = [*unpack_rows(chunk)] if chunk is not None else []
        assert all(choose_shard(row, len(chunks)) == number for row in held_rows)
        assert (chunk is None) == (not held_rows)
        unpacked_rows += held_rows
    assert sorted(unpacked_rows, key=repr) == sorted(rows, key=repr)


@given(ROWS)
def test_rows_without_a_key_keep_their_order(rows: list[Any]) -> None:
    """Rows without a key keep their order across any number of chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks_module, "TARGET_CHUNK_BYTES", TINY_CHUNK_BYTES)
        chunks = [it for it in pack_in_order(rows) if it is not None]
    assert [row for chunk in chunks for row in unpack_rows(chunk)] == rows


def test_a_large_group_is_divided() -> None:
    """A group has as many shards as it needs; a single row that exceeds an item is refused."""
    rows = [(f"{number}", make_noise(number, 4)) for number in range(3_000)]
    chunks = pack_in_shards(rows)
    assert len(chunks) in (8, 16, 32)
    assert all(it is not None and len(it) <= chunks_module.TARGET_CHUNK_BYTES for it in chunks)
    with pytest.raises(StateError, match="too large for DynamoDB"):
        pack_in_shards([("one", make_noise(0, 20_000))])


@settings(max_examples=max(settings().max_examples // 3, 1))
@given(st.lists(STATES, min_size=1, max_size=4))
def test_a_state_survives_any_division(states: list[ProjectState]) -> None:
    """No fact is lost and no old fact remains when chunks grow, are divided and become empty."""
    with pytest.MonkeyPatch.context() as patch, open_table() as (client, name):
        patch.setattr(chunks_module, "TARGET_CHUNK_BYTES", TINY_CHUNK_BYTES)
        store = DynamoState(client, name)
        previous_state = EMPTY_STATE
        for new_state in number_revisions(states):
            assert record_and_load(store, previous_state, new_state) == new_state
            previous_state = new_state
        assert list_chunk_names(client, name) == store._load_head(PROJECT).all_chunk_names


def build_open_finding(number: int) -> KnownFinding:
    """Build a finding that is open since the first audit."""
    state, severity = FindingState.OPEN, Severity.HIGH
    fingerprint = f"{number * 7**20:032x}"[-32:]
    return KnownFinding(fingerprint, "index-has-schedule", RESOURCE, severity, state, NOW, 1, NOW, "first")


def build_night_backup(number: int, night: int) -> KnownBackup:
    """Build the backup of an index in one night."""
    captured_at = NOW + night * DAY
    name, schedule, index = f"nightly-{captured_at:%Y%m%d}", f"schedule-{number}", f"index-{number}"
    return KnownBackup(
        f"{number}-{night}",
        f"id-{number}",
        index,
        name,
        schedule,
        captured_at,
        True,
        captured_at + 9 * DAY,
        captured_at,
    )


def build_night_state(revision: int, nights: range, findings: list[KnownFinding]) -> ProjectState:
    """Build the state of 500 indexes with a backup in each of some nights."""
    backups = {
        it.backup_id: it for it in (build_night_backup(number, night) for night in nights for number in range(500))
    }
    known_findings = {it.fingerprint: it for it in findings}
    return ProjectState(revision, f"audit-{revision}", NOW, NOW, "policy", findings=known_findings, backups=backups)


def test_a_night_with_few_changes_writes_few_chunks() -> None:
    """One new and one expired backup per index and one resolved finding rewrite only their own chunks."""
    findings = [build_open_finding(number) for number in range(5_000)]
    first_state = build_night_state(1, range(30), findings)
    second_state = build_night_state(
        2, range(1, 31), [replace(findings[0], state=FindingState.RESOLVED), *findings[1:]]
    )
    with open_table() as (client, name):
        store = DynamoState(client, name)
        record_change(store, EMPTY_STATE, first_state)
        chunks_before = list_chunk_names(client, name)
        record_change(store, first_state, second_state)
        chunks_after = list_chunk_names(client, name)
        assert store.load(PROJECT) == second_state
    assert len(chunks_before) > 30
    assert len(chunks_after - chunks_before) == 2
    assert len(chunks_before - chunks_after) == 2


def test_drift_is_reported_in_its_order() -> None:
    """Any amount of drift keeps its order."""
    drift = tuple(Drift(f"{number}", RESOURCE, {"was": make_noise(number, 1)}, None) for number in range(3_000))
    new_state = ProjectState(revision=1, audit_id="first", observed_at=NOW, drift=drift)
    with open_table() as (client, name):
        store = DynamoState(client, name)
        assert record_and_load(store, EMPTY_STATE, new_state) == new_state
        assert len(list_chunk_names(client, name)) > 1
