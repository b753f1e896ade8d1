"""Packs rows into chunks small enough for an item, and says which chunk a row belongs to.

What one night changes should lie in few chunks. Backups come new and leave old: they lie together by the day they were
taken. The rest changes anywhere, and seldom. Where one place holds too much, its rows are shared out by their keys.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backup_auditor.adapters.known_rows import BACKUPS, FINDINGS, INDEXES, SCHEDULES, Row, Table
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
class Kind:
    """One kind of what is remembered, and where its rows lie."""

    table: Table[Any]
    place_of: Callable[[Row], str]


def _anywhere(_: Row) -> str:
    return ""


def _day(row: Row) -> str:
    return "" if row[_CAPTURED_AT] is None else str(row[_CAPTURED_AT] // _DAY)


KINDS = (Kind(FINDINGS, _anywhere), Kind(BACKUPS, _day), Kind(SCHEDULES, _anywhere), Kind(INDEXES, _anywhere))


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
