"""The inventory: every fact read about a project at one time, how repeated reads are merged, its hash."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from backup_auditor.domain.backup_status import BackupPhase, phase_of_status
from backup_auditor.domain.listing import (
    BACKUP_LISTING,
    Denial,
    Listing,
    ListingId,
    ListingKind,
    ListingRead,
    ReadFailure,
    known_rows,
)
from backup_auditor.domain.model import Backup, Index, Schedule


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What was read about one live index. `own_backups` is read only where the live id is in doubt."""

    index: Index
    schedules: Listing[Schedule] | Denial | None = None
    """`None` where no schedule can exist, so that none was asked for (pods)."""
    own_backups: Listing[Backup] | Denial | None = None


@dataclass(frozen=True)
class Inventory:
    """Every fact read about a project at one moment."""

    observed_at: datetime
    project: str
    indexes: tuple[IndexFacts, ...]
    """The live indexes, sorted by name."""
    backups: Listing[Backup]
    histories: Mapping[str, Listing[Backup]] = field(default_factory=dict)
    """By schedule id."""
    indexes_unread: ReadFailure | None = None
    """Why the live indexes are not known, if they are not."""
    requests: int = 0
    terminating: tuple[Index, ...] = ()
    """The indexes that are being deleted, sorted by name: they are not audited, and not gone."""

    @cached_property
    def terminating_names(self) -> frozenset[str]:
        """The names of the indexes that are being deleted."""
        return frozenset(it.name for it in self.terminating)

    def listings(self) -> dict[ListingId, Listing[Backup] | Listing[Schedule]]:
        """Return every listing that was walked, by its name."""
        found: dict[ListingId, Listing[Backup] | Listing[Schedule]] = {BACKUP_LISTING: self.backups}
        for schedule_id, history in self.histories.items():
            found[ListingId(ListingKind.HISTORY, schedule_id)] = history
        for facts in self.indexes:
            if isinstance(facts.schedules, Listing):
                found[ListingId(ListingKind.SCHEDULES, facts.index.name)] = facts.schedules
            if isinstance(facts.own_backups, Listing):
                found[ListingId(ListingKind.OWN_BACKUPS, facts.index.name)] = facts.own_backups
        return found

    def listed_backups(self) -> Iterator[Backup]:
        """Return every row of a backup listing: the project's, then those of indexes; one may come twice."""
        yield from self.backups.rows
        for facts in self.indexes:
            yield from known_rows(facts.own_backups)

    @property
    def project_ids(self) -> frozenset[str]:
        """Every id of a Pinecone project that the schedules name. Nothing else names one."""
        found = (schedule.project_id for facts in self.indexes for schedule in known_rows(facts.schedules))
        return frozenset(it for it in found if it is not None)

    @property
    def project_id(self) -> str | None:
        """The project's id; `None` when the schedules name none, or more than one."""
        ids = self.project_ids
        return next(iter(ids)) if len(ids) == 1 else None

    @property
    def unread(self) -> tuple[ReadFailure, ...]:
        """Everything that could not be read, sorted, each once."""
        found = {self.indexes_unread} if self.indexes_unread else set()
        for listing in self.listings().values():
            found.update(listing.unread)
        return tuple(sorted(found))


def merge_reads[Row: (Backup, Schedule)](walks: Sequence[ListingRead[Row]]) -> Listing[Row]:
    """Put one or more walks over the same listing together, in the order they were made.

    A row that any walk showed is there. Where walks, or repeated rows, contradict each other, the backup that has come
    further wins, then the later walk. A status that is not known stands beyond that order: there the later walk wins,
    and within one walk the status that is not known.
    """
    whole = [walk for walk in walks if walk.broken is None]
    broken = next((walk.broken for walk in walks if walk.broken is not None), None)
    rows: dict[str, Row] = {}
    for walk in walks:
        for key, row in rows_by_id(walk.rows).items():
            known = rows.get(key)
            if known is None or _progress(known) == _BEYOND or _progress(row) >= _progress(known):
                rows[key] = row
    disputed: frozenset[str] = frozenset()
    if len(whole) > 1:
        disputed = frozenset(rows_by_id(whole[-2].rows).keys() ^ rows_by_id(whole[-1].rows).keys())
    return Listing(
        rows=tuple(rows[key] for key in sorted(rows)),
        broken=None if whole else broken,
        walks=len(whole),
        disputed=disputed,
        doubt=walks[-1].broken if whole else None,
    )


def row_id(row: Backup | Schedule) -> str:
    """Return what makes a row the same row in two answers."""
    return row.backup_id if isinstance(row, Backup) else row.schedule_id


def rows_by_id[Row: (Backup, Schedule)](rows: Iterable[Row]) -> dict[str, Row]:
    """Return the rows without duplicates, by their id, whatever order they stand in."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row_id(row))
        if known is None or _rank(row) > _rank(known):
            found[row_id(row)] = row
    return found


_BEYOND = 99


def _progress(row: Backup | Schedule) -> int:
    if isinstance(row, Schedule):
        return 0
    phase = phase_of_status(row.status)
    return _BEYOND if phase is BackupPhase.UNKNOWN else phase


def _rank(row: Backup | Schedule) -> tuple[int, str]:
    return _progress(row), repr(row)


def inventory_digest(inventory: Inventory) -> str:
    """Return the SHA-256 of all facts.

    How many requests and walks it took to read them is none, nor which rows shifted under a walk: an audit delivered
    once more walks again what is in doubt by then.
    """
    digest = hashlib.sha256()
    for line in _lines(inventory):
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _lines(inventory: Inventory) -> Iterable[str]:
    yield repr((inventory.indexes_unread, inventory.project))
    for index in sorted(inventory.terminating, key=lambda it: it.name):
        yield repr((*_INDEX(index), sorted(index.tags.items())))
    yield from _listing(inventory.backups)
    for facts in sorted(inventory.indexes, key=lambda it: it.index.name):
        yield repr((*_INDEX(facts.index), sorted(facts.index.tags.items())))
        yield from _listing(facts.schedules)
        yield from _listing(facts.own_backups)
    for schedule_id in sorted(inventory.histories):
        yield schedule_id
        yield from _listing(inventory.histories[schedule_id])


def _listing(answer: Listing[Backup] | Listing[Schedule] | Denial | None) -> Iterable[str]:
    if not isinstance(answer, Listing):
        yield repr(answer)
        return
    yield repr((answer.broken, answer.doubt))
    for row in sorted(answer.rows, key=row_id):
        yield repr((_BACKUP if isinstance(row, Backup) else _SCHEDULE)(row))


def _all_fields(fact: type, *without: str) -> Callable[[object], tuple[object, ...]]:
    return attrgetter(*(it.name for it in fields(fact) if it.name not in without))


_INDEX = _all_fields(Index, "tags")
_SCHEDULE = _all_fields(Schedule)
_BACKUP = _all_fields(Backup)
