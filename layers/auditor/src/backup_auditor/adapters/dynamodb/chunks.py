"""The chunks of a project's state in DynamoDB: read, rewritten where a change touches them, and swept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backup_auditor.adapters.dynamodb.head import (
    GOAL,
    MOST_SHARES,
    ROW_KINDS,
    Head,
    Listing,
    RowKind,
    divided,
    packed,
    share_of,
    sliced,
    unpacked,
)
from backup_auditor.adapters.dynamodb.items import CHUNKS, Item, chunk_name, key, project_key, text
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.records import BACKUPS, DRIFT, FINDINGS, INDEXES, SCHEDULES, Row
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, ProjectState


class MissingChunkError(Exception):
    """A chunk that a head names is not there."""


class Chunks:
    """The chunks of one table."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table

    def read(self, project: str, names: Iterable[str]) -> dict[str, bytes]:
        """Return chunks by their names. Raises `MissingChunkError` where one is not there."""
        return dict(self._each(project, names))

    def write(self, project: str, chunks: Mapping[str, bytes]) -> None:
        """Write chunks, under names that nobody else uses."""
        partition = project_key(project)
        items = ({**key(partition, name), "rows": {"B": chunk}} for name, chunk in chunks.items())
        self._table.write({"PutRequest": {"Item": it}} for it in items)

    def memory(self, project: str, head: Head) -> ProjectState:
        """Load what a head names, one chunk after the other. Raises `MissingChunkError` where one is not there."""
        if head.revision == 0:
            return EMPTY_STATE
        kinds = {name: kind for kind, places in head.listing.items() for names in places.values() for name in names}
        tables = {it.table.name: it.table for it in ROW_KINDS}
        known: dict[str, dict[str, Any]] = {it: {} for it in tables}
        drift: dict[str | None, list[Drift]] = {}
        for name, chunk in self._each(project, head.chunks):
            kind = kinds[name]
            if kind == DRIFT.name:
                drift[name] = [DRIFT.known_of(project, row) for row in unpacked(chunk)]
            else:
                table = tables[kind]
                rows = (table.padded(row) for row in unpacked(chunk))
                known[kind].update((row[0], table.known_of(project, row)) for row in rows)
        in_order = head.listing.get(DRIFT.name, {}).get("", [])
        return head.memory(
            findings=known[FINDINGS.name],
            backups=known[BACKUPS.name],
            schedules=known[SCHEDULES.name],
            indexes=known[INDEXES.name],
            drift=tuple(it for name in in_order for it in drift[name]),
        )

    def _each(self, project: str, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        missing = set(names)
        for item in self._table.items([key(project_key(project), it) for it in sorted(missing)]):
            name = item["SK"]["S"]
            missing.discard(name)
            yield name, item["rows"]["B"]
        if missing:
            raise MissingChunkError


type Fetch = Callable[[Iterable[str]], Mapping[str, bytes]]
"""Reads chunks by their names."""


@dataclass(slots=True)
class Place:
    """What changes in one place: the keys of what was there, and the rows that are there now."""

    gone: set[str] = field(default_factory=set)
    rows: dict[str, Row] = field(default_factory=dict)

    def shares(self, count: int) -> set[int]:
        """Return which of so many shares are touched."""
        return {share_of((it,), count) for it in (*self.gone, *self.rows)}


class Rewriting:
    """The chunks of one recording, in the making."""

    def __init__(self, before: Listing, recording: StateChange, writer: str, fetch: Fetch) -> None:
        """Take what the head lists that the recording was made from."""
        self._recording = recording
        self._writer = writer
        self._fetch = fetch
        self.written: dict[str, bytes] = {}
        """The new chunks by their names."""
        self.listing: Listing = {}
        """What the new head lists."""
        changes = (recording.findings, recording.backups, recording.schedules, recording.indexes)
        for kind, changed in zip(ROW_KINDS, changes, strict=True):
            self.listing[kind.table.name] = self._rewritten(kind, before.get(kind.table.name, {}), changed)
        drift = [self._write(it) for it in sliced([DRIFT.row_of(it) for it in recording.drift])]
        self.listing[DRIFT.name] = {"": drift} if drift else {}

    def _rewritten[Known](
        self, kind: RowKind, before: Mapping[str, list[str | None]], changes: Changes[Known]
    ) -> dict[str, list[str | None]]:
        after = dict(before)
        changed = _changed(kind, changes)
        touched = {place: it.shares(len(before[place])) for place, it in changed.items() if place in before}
        names = [before[place][share] for place, shares in touched.items() for share in shares]
        chunks = self._fetch(it for it in names if it is not None)
        for place, change in changed.items():
            listed = before.get(place)
            written = (
                self._first(change) if listed is None else self._place(kind, change, listed, touched[place], chunks)
            )
            if any(written):
                after[place] = written
            else:
                after.pop(place, None)
        return after

    def _first(self, change: Place) -> list[str | None]:
        """Write a place that was not there."""
        return [self._write(it) for it in divided([*change.rows.values()])]

    def _place(
        self, kind: RowKind, change: Place, listed: list[str | None], touched: set[int], chunks: Mapping[str, bytes]
    ) -> list[str | None]:
        """Write the touched shares of a place; all of it, in more shares, where one of them has grown too large."""
        count = len(listed)
        rows = {share: change_of(change, share, count, _rows(kind, chunks, listed[share])) for share in touched}
        made = {share: packed(it) if it else None for share, it in rows.items()}
        if count < MOST_SHARES and any(it is not None and len(it) > GOAL for it in made.values()):
            rest = [it for share, it in enumerate(listed) if share not in touched and it is not None]
            others = [kind.table.padded(row) for chunk in self._fetch(rest).values() for row in unpacked(chunk)]
            everything = [*others, *(row for some in rows.values() for row in some)]
            return [self._write(it) for it in divided(everything, count * 2)]
        return [self._write(made[share]) if share in made else name for share, name in enumerate(listed)]

    def _write(self, chunk: bytes | None) -> str | None:
        if chunk is None:
            return None
        name = chunk_name(self._recording.revision, self._writer, len(self.written))
        self.written[name] = chunk
        return name


def _changed[Known](kind: RowKind, changes: Changes[Known]) -> dict[str, Place]:
    found: dict[str, Place] = defaultdict(Place)
    for it in changes.formerly:
        row = kind.table.row_of(it)
        found[kind.place_of(row)].gone.add(row[0])
    for it in changes.upserts:
        row = kind.table.row_of(it)
        found[kind.place_of(row)].rows[row[0]] = row
    return found


def change_of(change: Place, share: int, count: int, before: Iterable[Row]) -> list[Row]:
    """Return the rows of a share after a change."""
    kept = [row for row in before if row[0] not in change.gone and row[0] not in change.rows]
    return kept + [row for row in change.rows.values() if share_of(row, count) == share]


def _rows(kind: RowKind, chunks: Mapping[str, bytes], name: str | None) -> Iterable[Row]:
    """Return the rows of a chunk, those of an older version as this one has them: rows of a chunk are of one length."""
    return () if name is None else map(kind.table.padded, unpacked(chunks[name]))


def sweep(table: Table, project: str, head: Head) -> None:
    """Delete the chunks of a project that a head does not name, and that no later one can.

    `head` was the latest when it was recorded; it may have been overtaken since. Whoever recorded after it began with
    what it names: a later head names chunks of these, and others that were written for a later revision, which are
    left alone here. A chunk of this revision or before that it does not name is therefore named by none: it was written
    over, or its writer was overtaken, and can no longer be recorded. Whoever still reads an earlier head finds a chunk
    missing, and reads the latest.
    """
    table.write({"DeleteRequest": {"Key": it}} for it in _unnamed(table, project, head))


def _unnamed(table: Table, project: str, head: Head) -> Iterator[Item]:
    named = head.chunks
    values = {
        ":project": text(project_key(project)),
        ":first": text(CHUNKS),
        ":last": text(f"{CHUNKS}{head.revision + 1:012d}"),
    }
    for item in table.found("PK = :project AND SK BETWEEN :first AND :last", values, ("SK",)):
        if (name := item["SK"]["S"]) not in named:
            yield key(project_key(project), name)
