"""Rows lie in chunks that are small enough, and a night on which little changes writes few of them."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_auditor.adapters.dynamodb import chunks, head
from backup_auditor.adapters.dynamodb.head import choose_shard, pack_in_order, pack_in_shards, unpack_rows
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
from support.aws.dynamodb import a_table, chunk_names
from support.builders.facts import DAY, NOW
from support.fakes.stores import MEMORIES, PROJECT, in_a_row, recorded, stored

VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
ROWS = st.lists(st.tuples(st.text(max_size=9), VALUES, VALUES), max_size=30, unique_by=lambda it: it[0])
TINY = 120
RESOURCE = Resource(ResourceType.INDEX, PROJECT, "orders", "id")


def noise(seed: int, times: int) -> str:
    """Return a text that takes much room however it is packed."""
    return "".join(sha256(f"{seed} {number}".encode()).hexdigest() for number in range(times))


@given(ROWS, st.sampled_from([1, 2, 8]))
def test_rows_are_unpacked_as_they_were_packed(rows: list[Any], shares: int) -> None:
    """Each in the share that its key names."""
    chunks = pack_in_shards(rows, shares)
    assert len(chunks) >= shares
    found = []
    for number, chunk in enumerate(chunks):
        held = [*unpack_rows(chunk)] if chunk is not None else []
        assert all(choose_shard(row, len(chunks)) == number for row in held)
        assert (chunk is None) == (not held)
        found += held
    assert sorted(found, key=repr) == sorted(rows, key=repr)


@given(ROWS)
def test_rows_without_a_key_keep_their_order(rows: list[Any]) -> None:
    """However many chunks they take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "TARGET_CHUNK_BYTES", TINY)
        chunks = [it for it in pack_in_order(rows) if it is not None]
    assert [row for chunk in chunks for row in unpack_rows(chunk)] == rows


def test_what_grows_too_large_is_divided() -> None:
    """Into as many shares as it takes; a single row that is larger than an item is refused."""
    rows = [(f"{number}", noise(number, 4)) for number in range(3_000)]
    chunks = pack_in_shards(rows)
    assert len(chunks) in (8, 16, 32)
    assert all(it is not None and len(it) <= head.TARGET_CHUNK_BYTES for it in chunks)
    with pytest.raises(StateError, match="too large to be remembered"):
        pack_in_shards([("one", noise(0, 20_000))])


@settings(max_examples=max(settings().max_examples // 3, 1))
@given(st.lists(MEMORIES, min_size=1, max_size=4))
def test_what_is_remembered_survives_any_division(memories: list[ProjectState]) -> None:
    """As chunks grow, are divided, and empty again, nothing is lost, and nothing is left behind."""
    with pytest.MonkeyPatch.context() as patch, a_table() as (client, name):
        for module in (head, chunks):
            patch.setattr(module, "TARGET_CHUNK_BYTES", TINY)
        store = DynamoState(client, name)
        before = EMPTY_STATE
        for after in in_a_row(memories):
            assert stored(store, before, after) == after
            before = after
        assert chunk_names(client, name) == store._load_head(PROJECT).all_chunk_names


def finding(number: int) -> KnownFinding:
    """Build a finding that is open since the first night."""
    state, severity = FindingState.OPEN, Severity.HIGH
    fingerprint = f"{number * 7**20:032x}"[-32:]
    return KnownFinding(fingerprint, "index-has-schedule", RESOURCE, severity, state, NOW, 1, NOW, "first")


def backup(number: int, night: int) -> KnownBackup:
    """Build the backup that an index has of one night."""
    taken = NOW + night * DAY
    name, schedule, index = f"nightly-{taken:%Y%m%d}", f"schedule-{number}", f"index-{number}"
    return KnownBackup(f"{number}-{night}", f"id-{number}", index, name, schedule, taken, True, taken + 9 * DAY, taken)


def memory(revision: int, nights: range, findings: list[KnownFinding]) -> ProjectState:
    """Build what is remembered of 500 indexes, with a backup of each of some nights."""
    backups = {it.backup_id: it for it in (backup(number, night) for night in nights for number in range(500))}
    known = {it.fingerprint: it for it in findings}
    return ProjectState(revision, f"audit-{revision}", NOW, NOW, "policy", findings=known, backups=backups)


def test_a_night_with_few_changes_writes_few_chunks() -> None:
    """One new backup and one fewer of each index, one finding that is resolved: a new day, a share, and no old day."""
    findings = [finding(number) for number in range(5_000)]
    first = memory(1, range(30), findings)
    second = memory(2, range(1, 31), [replace(findings[0], state=FindingState.RESOLVED), *findings[1:]])
    with a_table() as (client, name):
        store = DynamoState(client, name)
        recorded(store, EMPTY_STATE, first)
        before = chunk_names(client, name)
        recorded(store, first, second)
        after = chunk_names(client, name)
        assert store.load(PROJECT) == second
    assert len(before) > 30
    assert len(after - before) == 2
    assert len(before - after) == 2


def test_drift_is_told_in_its_order() -> None:
    """However much of it there is."""
    drift = tuple(Drift(f"{number}", RESOURCE, {"was": noise(number, 1)}, None) for number in range(3_000))
    after = ProjectState(revision=1, audit_id="first", observed_at=NOW, drift=drift)
    with a_table() as (client, name):
        store = DynamoState(client, name)
        assert stored(store, EMPTY_STATE, after) == after
        assert len(chunk_names(client, name)) > 1
