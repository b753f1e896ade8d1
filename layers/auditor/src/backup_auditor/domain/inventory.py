"""The inventory: every fact read about a project at one time, the merge of repeated reads, and its hash."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from backup_auditor.domain.backup_status import BackupPhase, parse_phase
from backup_auditor.domain.listing import (
    BACKUP_LISTING,
    Denial,
    Listing,
    ListingId,
    ListingKind,
    ListingRead,
    ReadFailure,
    list_rows,
)
from backup_auditor.domain.model import Backup, Index, Schedule


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The facts about one live index. `own_backups` is read only if the id of the index is unclear."""

    index: Index
    schedules: Listing[Schedule] | Denial | None = None
    """`None` if the index can have no schedule (pods), so the listing was not read."""
    own_backups: Listing[Backup] | Denial | None = None


@dataclass(frozen=True)
class Inventory:
    """Every fact read about a project at one time."""

    observed_at: datetime
    project: str
    indexes: tuple[IndexFacts, ...]
    """The live indexes, sorted by name."""
    backups: Listing[Backup]
    histories: Mapping[str, Listing[Backup]] = field(default_factory=dict)
    """By schedule id."""
    indexes_failure: ReadFailure | None = None
    """Why the live indexes could not be read, or `None`."""
    requests: int = 0
    terminating: tuple[Index, ...] = ()
    """The indexes that are being deleted, sorted by name. They are not audited, but still exist."""
    drill_indexes: tuple[IndexFacts, ...] = ()
    """The temporary indexes of running restore drills, sorted by name. They are not audited, but exist."""

    @cached_property
    def unaudited_names(self) -> frozenset[str]:
        """The names of the indexes that exist and are not audited."""
        return frozenset((*(it.name for it in self.terminating), *(it.index.name for it in self.drill_indexes)))

    def collect_listings(self) -> dict[ListingId, Listing[Backup] | Listing[Schedule]]:
        """Return every listing that was read, by its id."""
        listings: dict[ListingId, Listing[Backup] | Listing[Schedule]] = {BACKUP_LISTING: self.backups}
        for schedule_id, history in self.histories.items():
            listings[ListingId(ListingKind.HISTORY, schedule_id)] = history
        for facts in self.indexes:
            if isinstance(facts.schedules, Listing):
                listings[ListingId(ListingKind.SCHEDULES, facts.index.name)] = facts.schedules
            if isinstance(facts.own_backups, Listing):
                listings[ListingId(ListingKind.OWN_BACKUPS, facts.index.name)] = facts.own_backups
        return listings

    def iter_listed_backups(self) -> Iterator[Backup]:
        """Return the rows of the backup listings of the project and of indexes. A row may occur twice."""
        yield from self.backups.rows
        for facts in self.indexes:
            yield from list_rows(facts.own_backups)

    @property
    def project_ids(self) -> frozenset[str]:
        """The ids of Pinecone projects in the schedules. No other response contains one."""
        ids = (schedule.project_id for facts in self.indexes for schedule in list_rows(facts.schedules))
        return frozenset(it for it in ids if it is not None)

    @property
    def project_id(self) -> str | None:
        """The id of the project; `None` if the schedules contain none, or several."""
        ids = self.project_ids
        return next(iter(ids)) if len(ids) == 1 else None

    @cached_property
    def read_failures(self) -> tuple[ReadFailure, ...]:
        """The distinct failures of all reads, sorted."""
        failures = {self.indexes_failure}
        for listing in self.collect_listings().values():
            failures |= {listing.failure, listing.confirmation_failure}
        return tuple(sorted(it for it in failures if it is not None))


def merge_reads[Row: (Backup, Schedule)](reads: Sequence[ListingRead[Row]]) -> Listing[Row]:
    """Merge reads of the same listing, in the order in which they were made.

    The result has every row of any read. If rows of one id differ, the more advanced phase wins, then the later read.
    An unknown status has no place in that order: the later read wins, and within one read the unknown status.
    """
    complete_reads = [read for read in reads if read.failure is None]
    failure = next((read.failure for read in reads if read.failure is not None), None)
    rows: dict[str, Row] = {}
    for read in reads:
        for key, row in map_rows_by_id(read.rows).items():
            current_row = rows.get(key)
            if (
                current_row is None
                or _measure_progress(current_row) == _UNKNOWN_PROGRESS
                or _measure_progress(row) >= _measure_progress(current_row)
            ):
                rows[key] = row
    changed_ids: frozenset[str] = frozenset()
    if len(complete_reads) > 1:
        changed_ids = frozenset(
            map_rows_by_id(complete_reads[-2].rows).keys() ^ map_rows_by_id(complete_reads[-1].rows).keys()
        )
    return Listing(
        rows=tuple(rows[key] for key in sorted(rows)),
        failure=None if complete_reads else failure,
        read_count=len(complete_reads),
        changed_ids=changed_ids,
        confirmation_failure=reads[-1].failure if complete_reads else None,
    )


def _identify_row(row: Backup | Schedule) -> str:
    return row.backup_id if isinstance(row, Backup) else row.schedule_id


def map_rows_by_id[Row: (Backup, Schedule)](rows: Iterable[Row]) -> dict[str, Row]:
    """Return the rows by id, without duplicates. The order of the rows does not matter."""
    unique_rows: dict[str, Row] = {}
    for row in rows:
        current_row = unique_rows.get(_identify_row(row))
        if current_row is None or _rank_row(row) > _rank_row(current_row):
            unique_rows[_identify_row(row)] = row
    return unique_rows


_UNKNOWN_PROGRESS = 99


def _measure_progress(row: Backup | Schedule) -> int:
    if isinstance(row, Schedule):
        return 0
    phase = parse_phase(row.status)
    return _UNKNOWN_PROGRESS if phase is BackupPhase.UNKNOWN else phase


def _rank_row(row: Backup | Schedule) -> tuple[int, str]:
    return _measure_progress(row), repr(row)


def hash_inventory(inventory: Inventory) -> str:
    """Return the SHA-256 of all facts.

    It ignores the number of requests and reads, and which rows moved between reads: a repeated audit may need others.
    """
    hasher = hashlib.sha256()
    for line in _build_lines(inventory):
        hasher.update(line.encode())
        hasher.update(b"\n")
    return hasher.hexdigest()


def _build_lines(inventory: Inventory) -> Iterable[str]:
    yield repr((inventory.indexes_failure, inventory.project))
    for index in sorted(inventory.terminating, key=lambda it: it.name):
        yield repr((*_INDEX_READER(index), sorted(index.tags.items())))
    yield from _build_listing_lines(inventory.backups)
    # the state decides which of them are audited, and the hash does not depend on the state
    for facts in sorted((*inventory.indexes, *inventory.drill_indexes), key=lambda it: it.index.name):
        yield repr((*_INDEX_READER(facts.index), sorted(facts.index.tags.items())))
        yield from _build_listing_lines(facts.schedules)
        yield from _build_listing_lines(facts.own_backups)
    for schedule_id in sorted(inventory.histories):
        yield schedule_id
        yield from _build_listing_lines(inventory.histories[schedule_id])


def _build_listing_lines(answer: Listing[Backup] | Listing[Schedule] | Denial | None) -> Iterable[str]:
    if not isinstance(answer, Listing):
        yield repr(answer)
        return
    yield repr((answer.failure, answer.confirmation_failure))
    for row in sorted(answer.rows, key=_identify_row):
        yield repr((_BACKUP_READER if isinstance(row, Backup) else _SCHEDULE_READER)(row))


def _create_field_reader(fact_type: type, *excluded_fields: str) -> Callable[[object], tuple[object, ...]]:
    return attrgetter(*(it.name for it in fields(fact_type) if it.name not in excluded_fields))


_INDEX_READER = _create_field_reader(Index, "tags")
_SCHEDULE_READER = _create_field_reader(Schedule)
_BACKUP_READER = _create_field_reader(Backup)
