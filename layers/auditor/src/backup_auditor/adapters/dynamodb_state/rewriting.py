"""Works out which chunks a recording changes: those are written anew, and all others stay as they are."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from backup_auditor.adapters.dynamodb_state.items import chunk_name
from backup_auditor.adapters.dynamodb_state.packing import (
    GOAL,
    KINDS,
    MOST_SHARES,
    Kind,
    Listing,
    divided,
    packed,
    share_of,
    sliced,
    unpacked,
)
from backup_auditor.adapters.known_rows import DRIFT, Row
from backup_auditor.domain.recording import Changes, Recording

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

    def __init__(self, before: Listing, recording: Recording, writer: str, fetch: Fetch) -> None:
        """Take what the head lists that the recording was made from."""
        self._recording = recording
        self._writer = writer
        self._fetch = fetch
        self.written: dict[str, bytes] = {}
        """The new chunks by their names."""
        self.listing: Listing = {}
        """What the new head lists."""
        changes = (recording.findings, recording.backups, recording.schedules, recording.indexes)
        for kind, changed in zip(KINDS, changes, strict=True):
            self.listing[kind.table.name] = self._rewritten(kind, before.get(kind.table.name, {}), changed)
        drift = [self._write(it) for it in sliced([DRIFT.row_of(it) for it in recording.drift])]
        self.listing[DRIFT.name] = {"": drift} if drift else {}

    def _rewritten[Known](
        self, kind: Kind, before: Mapping[str, list[str | None]], changes: Changes[Known]
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
        self, kind: Kind, change: Place, listed: list[str | None], touched: set[int], chunks: Mapping[str, bytes]
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


def _changed[Known](kind: Kind, changes: Changes[Known]) -> dict[str, Place]:
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


def _rows(kind: Kind, chunks: Mapping[str, bytes], name: str | None) -> Iterable[Row]:
    """Return the rows of a chunk, those of an older version as this one has them: rows of a chunk are of one length."""
    return () if name is None else map(kind.table.padded, unpacked(chunks[name]))
