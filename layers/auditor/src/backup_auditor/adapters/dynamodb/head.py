"""The head of a project's state in DynamoDB, and the packing of rows into the chunks that the head lists."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backup_auditor.adapters.dynamodb.items import (
    HEAD_SORT_KEY,
    Item,
    build_key,
    build_project_key,
    decode_moment,
    decode_values,
    encode_values,
)
from backup_auditor.adapters.records import (
    BACKUPS,
    FINDINGS,
    INDEXES,
    SCHEDULES,
    RecordTable,
    StoredRow,
    decode_history,
    encode_history,
)
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import PastAudit, ProjectState
from backup_auditor.errors import StateError

TARGET_CHUNK_BYTES = 64 * 1024
"""A larger chunk is divided: an audit rewrites every chunk that it changes."""
MAX_ITEM_BYTES = 380 * 1024
"""DynamoDB's limit is 400 KB, including names and keys."""
MAX_SHARDS = 4096
_CAPTURED_AT_COLUMN = BACKUPS.columns.index("captured_at")
_TICKS_PER_DAY = 86_400_000_000

type ChunkNames = dict[str, dict[str, list[str | None]]]
"""The names of chunks by kind and group, one for each shard of the group; `None` for an empty shard."""


@dataclass(frozen=True, slots=True)
class RowKind:
    """One kind of row, and the function that chooses the group of a row."""

    table: RecordTable[Any]
    choose_group: Callable[[StoredRow], str]


def _choose_single_group(_: StoredRow) -> str:
    return ""


def _choose_day_group(row: StoredRow) -> str:
    return "" if row[_CAPTURED_AT_COLUMN] is None else str(row[_CAPTURED_AT_COLUMN] // _TICKS_PER_DAY)


ROW_KINDS = (
    RowKind(FINDINGS, _choose_single_group),
    RowKind(BACKUPS, _choose_day_group),
    RowKind(SCHEDULES, _choose_single_group),
    RowKind(INDEXES, _choose_single_group),
)


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


HEAD_VERSION = 2
"""Incremented when the items change. The state of a newer version is refused."""


@dataclass(frozen=True, slots=True)
class Head:
    """The latest recorded state of a project. Its chunks were written before it, and exist until the next head."""

    revision: int
    writer: str
    """A random id for each recording. It distinguishes two recordings of the same revision."""
    audit_id: str | None
    observed_at: datetime | None
    complete_at: datetime | None
    policy_sha256: str | None
    chunk_names: ChunkNames
    history: tuple[PastAudit, ...] = ()
    pinecone_project_id: str | None = None
    """`None` also in a head of version 1."""

    @property
    def all_chunk_names(self) -> frozenset[str]:
        """The names of all chunks of the head."""
        return frozenset(
            name
            for groups in self.chunk_names.values()
            for names in groups.values()
            for name in names
            if name is not None
        )

    def build_state(self, **facts: Any) -> ProjectState:  # noqa: ANN401  the fields of a state
        """Return the state, given the facts that the chunks hold."""
        return ProjectState(
            revision=self.revision,
            audit_id=self.audit_id,
            observed_at=self.observed_at,
            complete_at=self.complete_at,
            policy_sha256=self.policy_sha256,
            history=self.history,
            pinecone_project_id=self.pinecone_project_id,
            **facts,
        )


EMPTY_HEAD = Head(0, "", None, None, None, None, {})
"""The head of a project without a recorded audit."""


def build_head(change: StateChange, writer: str, chunk_names: ChunkNames) -> Head:
    """Return the head of a change."""
    return Head(
        revision=change.revision,
        writer=writer,
        audit_id=change.audit_id,
        observed_at=change.observed_at,
        complete_at=change.complete_at,
        policy_sha256=change.policy_sha256,
        chunk_names=chunk_names,
        history=change.history,
        pinecone_project_id=change.pinecone_project_id,
    )


def encode_head(project: str, head: Head) -> Item:
    """Return the item of a head. Raises `StateError` if its chunk names exceed an item (about 100 GB of state)."""
    packed_names = zlib.compress(json.dumps(head.chunk_names, separators=(",", ":")).encode())
    if len(packed_names) > MAX_ITEM_BYTES:
        raise StateError(f"{project}: the state has more chunks than an item of DynamoDB can list; divide the project")
    values = {
        "version": HEAD_VERSION,
        "revision": head.revision,
        "writer": head.writer,
        "chunks": packed_names,
        "history": encode_history(head.history),
        "audit_id": head.audit_id,
        "observed_at": head.observed_at,
        "complete_at": head.complete_at,
        "policy_sha256": head.policy_sha256,
        "pinecone_project_id": head.pinecone_project_id,
    }
    return build_key(build_project_key(project), HEAD_SORT_KEY) | encode_values(values)


def decode_head(project: str, item: Mapping[str, Any]) -> Head:
    """Return the head of an item. Raises `StateError` if a newer version wrote it."""
    values = decode_values(item)
    if (version := values["version"]) > HEAD_VERSION:
        raise StateError(
            f"{project}: a newer backup-auditor wrote this state (version {version}); update backup-auditor"
        )
    return Head(
        revision=values["revision"],
        writer=values["writer"],
        audit_id=values.get("audit_id"),
        observed_at=decode_moment(values.get("observed_at")),
        complete_at=decode_moment(values.get("complete_at")),
        policy_sha256=values.get("policy_sha256"),
        chunk_names=json.loads(zlib.decompress(values["chunks"])),
        history=decode_history(values["history"]) if "history" in values else (),
        pinecone_project_id=values.get("pinecone_project_id"),
    )
