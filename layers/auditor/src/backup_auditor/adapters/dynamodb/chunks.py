"""The state of a project in DynamoDB: a head, and the chunks of rows that the head lists."""

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backup_auditor.adapters.dynamodb.items import (
    CHUNK_PREFIX,
    HEAD_SORT_KEY,
    Item,
    build_key,
    build_partition_key,
    decode_moment,
    decode_values,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.records import (
    BACKUPS,
    DRIFT,
    FINDINGS,
    INDEXES,
    SCHEDULES,
    RecordTable,
    StoredRow,
    decode_history,
    encode_history,
)
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, ProjectState
from backup_auditor.errors import StateError

TARGET_CHUNK_BYTES = 64 * 1024
"""A larger chunk is divided: an audit rewrites every chunk that it changes."""
MAX_ITEM_BYTES = 380 * 1024
"""DynamoDB's limit is 400 KB, including names and keys."""
MAX_SHARDS = 4096
HEAD_VERSION = 3
"""Incremented when the items change. The state of a newer version is refused."""
_TABLES: tuple[RecordTable[Any], ...] = (FINDINGS, BACKUPS, SCHEDULES, INDEXES)
_STATE_ATTRIBUTES = ("revision", "audit_id", "observed_at", "complete_at", "policy_sha256", "pinecone_project_id")
"""The attributes of a state that a head has as they are."""
_CAPTURED_AT_COLUMN = BACKUPS.columns.index("captured_at")
_TICKS_PER_DAY = 86_400_000_000

type ChunkNames = dict[str, dict[str, list[str | None]]]
"""The names of chunks by kind and group, one for each shard of the group; `None` for an empty shard."""


def _choose_group(table: RecordTable[Any], row: StoredRow) -> str:
    """Return the group of a row: the day of a backup, and one group for everything else."""
    if table is not BACKUPS or row[_CAPTURED_AT_COLUMN] is None:
        return ""
    return str(row[_CAPTURED_AT_COLUMN] // _TICKS_PER_DAY)


def choose_shard(row: StoredRow, shard_count: int) -> int:
    """Return the number of the shard that a row belongs to, by its key."""
    return zlib.crc32(str(row[0]).encode(errors="surrogatepass")) % shard_count


def pack_rows(rows: Iterable[StoredRow]) -> bytes:
    """Return rows as one compressed chunk. They are stored by column, which needs a third of the space."""
    return zlib.compress(json.dumps(list(zip(*rows, strict=True)), separators=(",", ":")).encode())


def unpack_rows(chunk: bytes) -> Iterator[StoredRow]:
    """Return the rows of a chunk."""
    return zip(*json.loads(zlib.decompress(chunk)), strict=True)


def pack_in_shards(rows: Sequence[StoredRow], shard_count: int = 1) -> list[bytes | None]:
    """Return the chunks of rows, divided by key into at least `shard_count` shards; `None` for an empty shard.

    Raises `StateError` if one shard is too large even with the maximum number of shards.
    """
    while True:
        shards: list[list[StoredRow]] = [[] for _ in range(shard_count)]
        for row in rows:
            shards[choose_shard(row, shard_count)].append(row)
        chunks = [pack_rows(it) if it else None for it in shards]
        largest_size = max(len(it) for it in chunks if it) if rows else 0
        if largest_size <= TARGET_CHUNK_BYTES or shard_count >= MAX_SHARDS:
            if largest_size > MAX_ITEM_BYTES:
                raise StateError("the state of one group of rows is too large for DynamoDB; divide the project")
            return chunks
        shard_count = min(shard_count * 2 ** (-(-largest_size // TARGET_CHUNK_BYTES) - 1).bit_length(), MAX_SHARDS)


def pack_in_order(rows: Sequence[StoredRow]) -> list[bytes | None]:
    """Return the chunks of rows without keys, in their order."""
    if not rows:
        return []
    chunk = pack_rows(rows)
    if len(chunk) <= TARGET_CHUNK_BYTES or len(rows) == 1:
        return [chunk]
    middle = len(rows) // 2
    return [*pack_in_order(rows[:middle]), *pack_in_order(rows[middle:])]


@dataclass(frozen=True, slots=True)
class Head:
    """The latest recorded state of a project. Its chunks were written before it, and exist until the next head."""

    state: ProjectState
    """The state without what the chunks hold. In a head of version 1, its project has no id."""
    writer: str
    """A random id for each recording. It distinguishes two recordings of the same revision."""
    chunk_names: ChunkNames

    @property
    def all_chunk_names(self) -> frozenset[str]:
        """The names of all chunks of the head."""
        groups = (it for groups in self.chunk_names.values() for it in groups.values())
        return frozenset(name for names in groups for name in names if name is not None)


EMPTY_HEAD = Head(EMPTY_STATE, "", {})
"""The head of a project without a recorded audit."""


def build_head(change: StateChange, writer: str, chunk_names: ChunkNames) -> Head:
    """Return the head of a change."""
    state = ProjectState(history=change.history, **{it: getattr(change, it) for it in _STATE_ATTRIBUTES})
    return Head(state, writer, chunk_names)


def encode_head(project: str, head: Head) -> Item:
    """Return the item of a head. Raises `StateError` if its chunk names exceed an item (about 100 GB of state)."""
    packed_names = zlib.compress(json.dumps(head.chunk_names, separators=(",", ":")).encode())
    if len(packed_names) > MAX_ITEM_BYTES:
        raise StateError(f"{project}: the state has more chunks than an item of DynamoDB can list; divide the project")
    values = {
        "version": HEAD_VERSION,
        **{it: getattr(head.state, it) for it in _STATE_ATTRIBUTES},
        "writer": head.writer,
        "chunks": packed_names,
        "history": encode_history(head.state.history),
    }
    return build_key(project, HEAD_SORT_KEY) | encode_values(values)


def decode_head(project: str, item: Mapping[str, Any]) -> Head:
    """Return the head of an item. Raises `StateError` if a newer version wrote it."""
    values = decode_values(item)
    if (version := values["version"]) > HEAD_VERSION:
        raise StateError(
            f"{project}: a newer backup-auditor wrote this state (version {version}); update backup-auditor"
        )
    state = ProjectState(
        revision=values["revision"],
        audit_id=values.get("audit_id"),
        observed_at=decode_moment(values.get("observed_at")),
        complete_at=decode_moment(values.get("complete_at")),
        policy_sha256=values.get("policy_sha256"),
        history=decode_history(values["history"]) if "history" in values else (),
        pinecone_project_id=values.get("pinecone_project_id"),
    )
    return Head(state, values["writer"], json.loads(zlib.decompress(values["chunks"])))


class MissingChunkError(Exception):
    """A chunk that a head lists is missing."""


def read_chunks(table: Table, project: str, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield chunks with their names, in any order. Raises `MissingChunkError` at the end if one is missing."""
    missing_names = set(names)
    for item in table.get_items([build_key(project, it) for it in sorted(missing_names)]):
        name = item["SK"]["S"]
        missing_names.discard(name)
        yield name, item["rows"]["B"]
    if missing_names:
        raise MissingChunkError


def write_chunks(table: Table, project: str, chunks: Mapping[str, bytes]) -> None:
    """Write chunks under new names."""
    items = ({**build_key(project, name), "rows": {"B": chunk}} for name, chunk in chunks.items())
    table.write_items({"PutRequest": {"Item": it}} for it in items)


def load_state(table: Table, project: str, head: Head) -> ProjectState:
    """Return the state of a head, read chunk by chunk. Raises `MissingChunkError`."""
    if head.state.revision == 0:
        return EMPTY_STATE
    kind_by_name = {
        name: kind for kind, groups in head.chunk_names.items() for names in groups.values() for name in names
    }
    table_by_kind = {it.name: it for it in _TABLES}
    facts: dict[str, dict[str, Any]] = {it: {} for it in table_by_kind}
    drift: dict[str | None, list[Drift]] = {}
    for name, chunk in read_chunks(table, project, head.all_chunk_names):
        kind = kind_by_name[name]
        if kind == DRIFT.name:
            drift[name] = [DRIFT.decode(project, row) for row in unpack_rows(chunk)]
        else:
            rows = table_by_kind[kind]
            facts[kind].update((row[0], rows.decode(project, row)) for row in _read_rows(rows, chunk))
    drift_names = head.chunk_names.get(DRIFT.name, {}).get("", [])
    return replace(
        head.state,
        findings=facts[FINDINGS.name],
        backups=facts[BACKUPS.name],
        schedules=facts[SCHEDULES.name],
        indexes=facts[INDEXES.name],
        drift=tuple(it for name in drift_names for it in drift[name]),
    )


@dataclass(slots=True)
class GroupChange:
    """The change of one group: the keys of its previous rows, and its new rows."""

    removed_keys: set[str] = field(default_factory=set)
    rows: dict[str, StoredRow] = field(default_factory=dict)

    def find_shards(self, shard_count: int) -> set[int]:
        """Return the numbers of the shards that change."""
        return {choose_shard((it,), shard_count) for it in (*self.removed_keys, *self.rows)}

    def apply(self, shard: int, shard_count: int, rows: Iterable[StoredRow]) -> list[StoredRow]:
        """Return the rows of a shard after the change."""
        unchanged_rows = [row for row in rows if row[0] not in self.removed_keys and row[0] not in self.rows]
        return unchanged_rows + [row for row in self.rows.values() if choose_shard(row, shard_count) == shard]


class ChunkRewriter:
    """Builds the new chunks of one recording."""

    def __init__(
        self,
        previous: ChunkNames,
        change: StateChange,
        writer: str,
        fetch: Callable[[Iterable[str]], Mapping[str, bytes]],
    ) -> None:
        """Build the chunks of a change, given the chunk names of the previous head and what reads chunks."""
        self._revision = change.revision
        self._writer = writer
        self._fetch = fetch
        self.new_chunks: dict[str, bytes] = {}
        """The new chunks by their names."""
        self.chunk_names: ChunkNames = {}
        """The chunk names of the new head."""
        all_changes: tuple[Changes[Any], ...] = (change.findings, change.backups, change.schedules, change.indexes)
        for table, changes in zip(_TABLES, all_changes, strict=True):
            self.chunk_names[table.name] = self._rewrite_table(table, previous.get(table.name, {}), changes)
        drift = [self._add_chunk(it) for it in pack_in_order([DRIFT.encode(it) for it in change.drift])]
        self.chunk_names[DRIFT.name] = {"": drift} if drift else {}

    def _rewrite_table[Known](
        self, table: RecordTable[Known], previous: Mapping[str, list[str | None]], changes: Changes[Known]
    ) -> dict[str, list[str | None]]:
        names_by_group = dict(previous)
        change_by_group = _group_changes(table, changes)
        shards_by_group = {
            group: it.find_shards(len(previous[group])) for group, it in change_by_group.items() if group in previous
        }
        names = [previous[group][shard] for group, shards in shards_by_group.items() for shard in shards]
        chunks = self._fetch(it for it in names if it is not None)
        for group, change in change_by_group.items():
            if group in previous:
                new_names = self._rewrite_group(table, change, previous[group], shards_by_group[group], chunks)
            else:
                new_names = [self._add_chunk(it) for it in pack_in_shards([*change.rows.values()])]
            if any(new_names):
                names_by_group[group] = new_names
            else:
                names_by_group.pop(group, None)
        return names_by_group

    def _rewrite_group(
        self,
        table: RecordTable[Any],
        change: GroupChange,
        previous_names: list[str | None],
        shards: set[int],
        chunks: Mapping[str, bytes],
    ) -> list[str | None]:
        """Return the chunk names of a group after a change. If a shard grows too large, the group gets more shards."""
        shard_count = len(previous_names)
        rows = {}
        for shard in shards:
            name = previous_names[shard]
            previous_rows = () if name is None else _read_rows(table, chunks[name])
            rows[shard] = change.apply(shard, shard_count, previous_rows)
        packed_shards = {shard: pack_rows(it) if it else None for shard, it in rows.items()}
        if shard_count < MAX_SHARDS and any(
            it is not None and len(it) > TARGET_CHUNK_BYTES for it in packed_shards.values()
        ):
            other_names = [it for shard, it in enumerate(previous_names) if shard not in shards and it is not None]
            other_rows = [row for chunk in self._fetch(other_names).values() for row in _read_rows(table, chunk)]
            all_rows = [*other_rows, *(row for shard_rows in rows.values() for row in shard_rows)]
            return [self._add_chunk(it) for it in pack_in_shards(all_rows, shard_count * 2)]
        return [
            self._add_chunk(packed_shards[shard]) if shard in packed_shards else name
            for shard, name in enumerate(previous_names)
        ]

    def _add_chunk(self, chunk: bytes | None) -> str | None:
        if chunk is None:
            return None
        name = f"{CHUNK_PREFIX}{self._revision:012d}#{self._writer}#{len(self.new_chunks)}"
        self.new_chunks[name] = chunk
        return name


def _group_changes[Known](table: RecordTable[Known], changes: Changes[Known]) -> dict[str, GroupChange]:
    change_by_group: dict[str, GroupChange] = defaultdict(GroupChange)
    for row in map(table.encode, changes.previous):
        change_by_group[_choose_group(table, row)].removed_keys.add(row[0])
    for row in map(table.encode, changes.upserts):
        change_by_group[_choose_group(table, row)].rows[row[0]] = row
    return change_by_group


def _read_rows(table: RecordTable[Any], chunk: bytes) -> Iterator[StoredRow]:
    """Return the rows of a chunk, padded to the columns of this version."""
    return map(table.pad, unpack_rows(chunk))


def delete_unused_chunks(table: Table, project: str, head: Head) -> None:
    """Delete the chunks of a project that neither a head nor any later head lists.

    `head` was the latest when it was recorded; a later head may exist. A later head lists chunks of `head` and chunks
    of later revisions, which are kept here. No head lists any other chunk of this revision or earlier: it was replaced,
    or its writer lost the race and can no longer record. A process that still reads an earlier head finds a chunk
    missing and then reads the latest head.
    """
    used_names = head.all_chunk_names
    last_name = f"{CHUNK_PREFIX}{head.state.revision + 1:012d}"
    values = encode_values({":project": build_partition_key(project), ":first": CHUNK_PREFIX, ":last": last_name})
    items = table.query_items("PK = :project AND SK BETWEEN :first AND :last", values, ("SK",))
    names = (it["SK"]["S"] for it in items)
    table.write_items({"DeleteRequest": {"Key": build_key(project, it)}} for it in names if it not in used_names)
