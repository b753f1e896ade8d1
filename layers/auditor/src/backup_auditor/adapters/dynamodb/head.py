"""The head of a project's state in DynamoDB, and how rows are packed into the chunks that it lists."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backup_auditor.adapters.dynamodb.items import HEAD, Item, key, moment_in, moment_text, number, project_key, text
from backup_auditor.adapters.records import BACKUPS, FINDINGS, INDEXES, SCHEDULES, Row, Table, history_of, history_text
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import PastAudit, ProjectState
from backup_auditor.errors import StateError

GOAL = 64 * 1024
"""A chunk that is larger is divided: what a night changes is written in chunks."""
LARGEST = 380 * 1024
"""DynamoDB takes 400 KB, names and keys included."""
MOST_SHARES = 4096
_CAPTURED_AT = BACKUPS.columns.index("captured_at")
_DAY = 86_400_000_000

type Listing = dict[str, dict[str, list[str | None]]]
"""The names of chunks by kind and place, one for each share of the place; `None` where a share is empty."""


@dataclass(frozen=True, slots=True)
class RowKind:
    """One kind of what is remembered, and where its rows lie."""

    table: Table[Any]
    place_of: Callable[[Row], str]


def _anywhere(_: Row) -> str:
    return ""


def _day(row: Row) -> str:
    return "" if row[_CAPTURED_AT] is None else str(row[_CAPTURED_AT] // _DAY)


ROW_KINDS = (
    RowKind(FINDINGS, _anywhere),
    RowKind(BACKUPS, _day),
    RowKind(SCHEDULES, _anywhere),
    RowKind(INDEXES, _anywhere),
)


def share_of(row: Row, shares: int) -> int:
    """Return which of so many shares a row belongs to, by its key."""
    return zlib.crc32(str(row[0]).encode(errors="surrogatepass")) % shares


def packed(rows: Iterable[Row]) -> bytes:
    """Pack rows, column by column: like stands beside like, and takes a third of the room."""
    return zlib.compress(json.dumps(list(zip(*rows, strict=True)), separators=(",", ":")).encode())


def unpacked(chunk: bytes) -> Iterator[Row]:
    """Return the rows of a chunk."""
    return zip(*json.loads(zlib.decompress(chunk)), strict=True)


def divided(rows: Sequence[Row], shares: int = 1) -> list[bytes | None]:
    """Pack rows by their keys into so many shares, or into more where that many would be too large.

    Raises `StateError` where a single one is, however many there are.
    """
    while True:
        parts: list[list[Row]] = [[] for _ in range(shares)]
        for row in rows:
            parts[share_of(row, shares)].append(row)
        chunks = [packed(it) if it else None for it in parts]
        largest = max(len(it) for it in chunks if it) if rows else 0
        if largest <= GOAL or shares >= MOST_SHARES:
            if largest > LARGEST:
                raise StateError("what one night says of one thing is too large to be remembered in DynamoDB")
            return chunks
        shares = min(shares * 2 ** (-(-largest // GOAL) - 1).bit_length(), MOST_SHARES)


def sliced(rows: Sequence[Row]) -> list[bytes | None]:
    """Pack rows that have no key, in their order."""
    if not rows:
        return []
    whole = packed(rows)
    if len(whole) <= GOAL or len(rows) == 1:
        return [whole]
    half = len(rows) // 2
    return [*sliced(rows[:half]), *sliced(rows[half:])]


VERSION = 2
"""Grows when the items change; what a newer version wrote is left alone."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last recording of a project. The chunks it names were written before it, and stay until the next."""

    revision: int
    writer: str
    """Made up for each recording: two that were made for the same revision are told apart by it."""
    audit_id: str | None
    observed_at: datetime | None
    complete_at: datetime | None
    policy_sha256: str | None
    listing: Listing
    history: tuple[PastAudit, ...] = ()
    pinecone_project_id: str | None = None
    """A head of version 1 has none."""

    @property
    def chunks(self) -> frozenset[str]:
        """The names of all chunks."""
        return frozenset(
            name for places in self.listing.values() for names in places.values() for name in names if name is not None
        )

    def memory(self, **known: Any) -> ProjectState:  # noqa: ANN401  the fields of a memory
        """Return what is remembered, given what the chunks hold."""
        return ProjectState(
            revision=self.revision,
            audit_id=self.audit_id,
            observed_at=self.observed_at,
            complete_at=self.complete_at,
            policy_sha256=self.policy_sha256,
            history=self.history,
            pinecone_project_id=self.pinecone_project_id,
            **known,
        )


EMPTY = Head(0, "", None, None, None, None, {})
"""What stands for the head of a project that nothing was recorded of."""


def head_of(recording: StateChange, writer: str, listing: Listing) -> Head:
    """Return the head that a recording makes."""
    return Head(
        revision=recording.revision,
        writer=writer,
        audit_id=recording.audit_id,
        observed_at=recording.observed_at,
        complete_at=recording.complete_at,
        policy_sha256=recording.policy_sha256,
        listing=listing,
        history=recording.history,
        pinecone_project_id=recording.pinecone_project_id,
    )


def head_item(project: str, head: Head) -> Item:
    """Write a head. Raises `StateError` where it names more chunks than an item takes, which is some 100 GB."""
    chunks = zlib.compress(json.dumps(head.listing, separators=(",", ":")).encode())
    if len(chunks) > LARGEST:
        raise StateError(f"{project}: more backups are remembered than DynamoDB takes; divide the project")
    item = {
        **key(project_key(project), HEAD),
        "version": number(VERSION),
        "revision": number(head.revision),
        "writer": text(head.writer),
        "chunks": {"B": chunks},
        "history": text(history_text(head.history)),
    }
    if head.audit_id is not None:
        item["audit_id"] = text(head.audit_id)
    if head.observed_at is not None:
        item["observed_at"] = text(moment_text(head.observed_at))
    if head.complete_at is not None:
        item["complete_at"] = text(moment_text(head.complete_at))
    if head.policy_sha256 is not None:
        item["policy_sha256"] = text(head.policy_sha256)
    if head.pinecone_project_id is not None:
        item["pinecone_project_id"] = text(head.pinecone_project_id)
    return item


def read_head(project: str, item: Mapping[str, Any]) -> Head:
    """Read a head. Raises `StateError` where a newer version wrote it."""
    version = int(item["version"]["N"])
    if version > VERSION:
        raise StateError(f"{project}: a newer backup-auditor wrote this state (version {version}); update this one")
    return Head(
        revision=int(item["revision"]["N"]),
        writer=item["writer"]["S"],
        audit_id=item["audit_id"]["S"] if "audit_id" in item else None,
        observed_at=moment_in(item, "observed_at"),
        complete_at=moment_in(item, "complete_at"),
        policy_sha256=item["policy_sha256"]["S"] if "policy_sha256" in item else None,
        listing=json.loads(zlib.decompress(item["chunks"]["B"])),
        history=history_of(item["history"]["S"]) if "history" in item else (),
        pinecone_project_id=item["pinecone_project_id"]["S"] if "pinecone_project_id" in item else None,
    )
