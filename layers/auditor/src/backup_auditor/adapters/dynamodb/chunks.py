"""The chunks of a project's state in DynamoDB: read, rewrite and delete them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backup_auditor.adapters.dynamodb.head import (
    MAX_SHARDS,
    ROW_KINDS,
    TARGET_CHUNK_BYTES,
    ChunkNames,
    Head,
    RowKind,
    choose_shard,
    pack_in_order,
    pack_in_shards,
    pack_rows,
    unpack_rows,
)
from backup_auditor.adapters.dynamodb.items import (
    CHUNK_PREFIX,
    Item,
    build_chunk_name,
    build_key,
    build_project_key,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.records import BACKUPS, DRIFT, FINDINGS, INDEXES, SCHEDULES, StoredRow
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, ProjectState


class MissingChunkError(Exception):
    """A chunk that a head lists is missing."""


class ChunkStore:
    """The chunks in one table."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table

    def read(self, project: str, names: Iterable[str]) -> dict[str, bytes]:
        """Return chunks by their names. Raises `MissingChunkError`."""
        return dict(self._read_each(project, names))

    def write(self, project: str, chunks: Mapping[str, bytes]) -> None:
        """Write chunks under new names."""
        partition = build_project_key(project)
        items = ({**build_key(partition, name), "rows": {"B": chunk}} for name, chunk in chunks.items())
        self._table.write({"PutRequest": {"Item": it}} for it in items)

    def load_state(self, project: str, head: Head) -> ProjectState:
        """Return the state of a head, read chunk by chunk. Raises `MissingChunkError`."""
        if head.revision == 0:
            return EMPTY_STATE
        kind_by_name = {
            name: kind for kind, groups in head.chunk_names.items() for names in groups.values() for name in names
        }
        table_by_kind = {it.table.name: it.table for it in ROW_KINDS}
        facts: dict[str, dict[str, Any]] = {it: {} for it in table_by_kind}
        drift: dict[str | None, list[Drift]] = {}
        for name, chunk in self._read_each(project, head.all_chunk_names):
            kind = kind_by_name[name]
            if kind == DRIFT.name:
                drift[name] = [DRIFT.decode(project, row) for row in unpack_rows(chunk)]
            else:
                table = table_by_kind[kind]
                rows = (table.pad(row) for row in unpack_rows(chunk))
                facts[kind].update((row[0], table.decode(project, row)) for row in rows)
        drift_names = head.chunk_names.get(DRIFT.name, {}).get("", [])
        return head.build_state(
            findings=facts[FINDINGS.name],
            backups=facts[BACKUPS.name],
            schedules=facts[SCHEDULES.name],
            indexes=facts[INDEXES.name],
            drift=tuple(it for name in drift_names for it in drift[name]),
        )

    def _read_each(self, project: str, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        missing_names = set(names)
        for item in self._table.get_items([build_key(build_project_key(project), it) for it in sorted(missing_names)]):
            name = item["SK"]["S"]
            missing_names.discard(name)
            yield name, item["rows"]["B"]
        if missing_names:
            raise MissingChunkError


type ChunkFetcher = Callable[[Iterable[str]], Mapping[str, bytes]]
"""Returns chunks by their names."""


@dataclass(slots=True)
class GroupChange:
    """The change of one group: the keys of its previous rows, and its new rows."""

    removed_keys: set[str] = field(default_factory=set)
    rows: dict[str, StoredRow] = field(default_factory=dict)

    def find_shards(self, shard_count: int) -> set[int]:
        """Return the numbers of the shards that change."""
        return {choose_shard((it,), shard_count) for it in (*self.removed_keys, *self.rows)}


class ChunkRewriter:
    """Builds the new chunks of one recording."""

    def __init__(self, previous: ChunkNames, change: StateChange, writer: str, fetch: ChunkFetcher) -> None:
        """Build the chunks of a change, given the chunk names of the previous head."""
        self._change = change
        self._writer = writer
        self._fetch = fetch
        self.new_chunks: dict[str, bytes] = {}
        """The new chunks by their names."""
        self.chunk_names: ChunkNames = {}
        """The chunk names of the new head."""
        changes = (change.findings, change.backups, change.schedules, change.indexes)
        for kind, kind_changes in zip(ROW_KINDS, changes, strict=True):
            self.chunk_names[kind.table.name] = self._rewrite_kind(
                kind, previous.get(kind.table.name, {}), kind_changes
            )
        drift = [self._add_chunk(it) for it in pack_in_order([DRIFT.encode(it) for it in change.drift])]
        self.chunk_names[DRIFT.name] = {"": drift} if drift else {}

    def _rewrite_kind[Known](
        self, kind: RowKind, previous: Mapping[str, list[str | None]], changes: Changes[Known]
    ) -> dict[str, list[str | None]]:
        names_by_group = dict(previous)
        change_by_group = _group_changes(kind, changes)
        shards_by_group = {
            group: it.find_shards(len(previous[group])) for group, it in change_by_group.items() if group in previous
        }
        names = [previous[group][shard] for group, shards in shards_by_group.items() for shard in shards]
        chunks = self._fetch(it for it in names if it is not None)
        for group, change in change_by_group.items():
            previous_names = previous.get(group)
            new_names = (
                self._write_group(change)
                if previous_names is None
                else self._rewrite_group(kind, change, previous_names, shards_by_group[group], chunks)
            )
            if any(new_names):
                names_by_group[group] = new_names
            else:
                names_by_group.pop(group, None)
        return names_by_group

    def _write_group(self, change: GroupChange) -> list[str | None]:
        """Return the chunk names of a new group."""
        return [self._add_chunk(it) for it in pack_in_shards([*change.rows.values()])]

    def _rewrite_group(
        self,
        kind: RowKind,
        change: GroupChange,
        previous_names: list[str | None],
        shards: set[int],
        chunks: Mapping[str, bytes],
    ) -> list[str | None]:
        """Return the chunk names of a group after a change. If a shard grows too large, the group gets more shards."""
        shard_count = len(previous_names)
        rows = {
            shard: apply_change(change, shard, shard_count, _read_rows(kind, chunks, previous_names[shard]))
            for shard in shards
        }
        packed_shards = {shard: pack_rows(it) if it else None for shard, it in rows.items()}
        if shard_count < MAX_SHARDS and any(
            it is not None and len(it) > TARGET_CHUNK_BYTES for it in packed_shards.values()
        ):
            other_names = [it for shard, it in enumerate(previous_names) if shard not in shards and it is not None]
            other_rows = [
                kind.table.pad(row) for chunk in self._fetch(other_names).values() for row in unpack_rows(chunk)
            ]
            all_rows = [*other_rows, *(row for shard_rows in rows.values() for row in shard_rows)]
            return [self._add_chunk(it) for it in pack_in_shards(all_rows, shard_count * 2)]
        return [
            self._add_chunk(packed_shards[shard]) if shard in packed_shards else name
            for shard, name in enumerate(previous_names)
        ]

    def _add_chunk(self, chunk: bytes | None) -> str | None:
        if chunk is None:
            return None
        name = build_chunk_name(self._change.revision, self._writer, len(self.new_chunks))
        self.new_chunks[name] = chunk
        return name


def _group_changes[Known](kind: RowKind, changes: Changes[Known]) -> dict[str, GroupChange]:
    change_by_group: dict[str, GroupChange] = defaultdict(GroupChange)
    for fact in changes.previous:
        row = kind.table.encode(fact)
        change_by_group[kind.choose_group(row)].removed_keys.add(row[0])
    for fact in changes.upserts:
        row = kind.table.encode(fact)
        change_by_group[kind.choose_group(row)].rows[row[0]] = row
    return change_by_group


def apply_change(change: GroupChange, shard: int, shard_count: int, rows: Iterable[StoredRow]) -> list[StoredRow]:
    """Return the rows of a shard after a change."""
    unchanged_rows = [row for row in rows if row[0] not in change.removed_keys and row[0] not in change.rows]
    return unchanged_rows + [row for row in change.rows.values() if choose_shard(row, shard_count) == shard]


def _read_rows(kind: RowKind, chunks: Mapping[str, bytes], name: str | None) -> Iterable[StoredRow]:
    """Return the rows of a chunk, padded to the columns of this version."""
    return () if name is None else map(kind.table.pad, unpack_rows(chunks[name]))


def delete_unused_chunks(table: Table, project: str, head: Head) -> None:
    """Delete the chunks of a project that neither a head nor any later head lists.

    `head` was the latest when it was recorded; a later head may exist. A later head lists chunks of `head` and chunks
    of later revisions, which are kept here. No head lists any other chunk of this revision or earlier: it was replaced,
    or its writer lost the race and can no longer record. A process that still reads an earlier head finds a chunk
    missing and then reads the latest head.
    """
    table.write({"DeleteRequest": {"Key": it}} for it in _find_unused_keys(table, project, head))


def _find_unused_keys(table: Table, project: str, head: Head) -> Iterator[Item]:
    used_names = head.all_chunk_names
    values = {
        ":project": build_project_key(project),
        ":first": CHUNK_PREFIX,
        ":last": f"{CHUNK_PREFIX}{head.revision + 1:012d}",
    }
    for item in table.query("PK = :project AND SK BETWEEN :first AND :last", encode_values(values), ("SK",)):
        if (name := item["SK"]["S"]) not in used_names:
            yield build_key(build_project_key(project), name)
