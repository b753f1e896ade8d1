"""Puts the walks over one listing together: what they showed, and whether they agree."""

from collections.abc import Iterable, Sequence

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.listing import Listing, Walk
from backup_auditor.domain.phase import Phase, phase_of_status


def listing_of[Row: (Backup, Schedule)](walks: Sequence[Walk[Row]]) -> Listing[Row]:
    """Put one or more walks over the same listing together, in the order they were made.

    A row that any walk showed is there. Where walks, or repeated rows, contradict each other, the backup that has come
    further wins, then the later walk. A status that is not known stands beyond that order: there the later walk wins,
    and within one walk the status that is not known.
    """
    whole = [walk for walk in walks if walk.broken is None]
    broken = next((walk.broken for walk in walks if walk.broken is not None), None)
    rows: dict[str, Row] = {}
    for walk in walks:
        for key, row in by_id(walk.rows).items():
            known = rows.get(key)
            if known is None or _progress(known) == _BEYOND or _progress(row) >= _progress(known):
                rows[key] = row
    disputed: frozenset[str] = frozenset()
    if len(whole) > 1:
        disputed = frozenset(by_id(whole[-2].rows).keys() ^ by_id(whole[-1].rows).keys())
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


def by_id[Row: (Backup, Schedule)](rows: Iterable[Row]) -> dict[str, Row]:
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
    return _BEYOND if phase is Phase.UNKNOWN else phase


def _rank(row: Backup | Schedule) -> tuple[int, str]:
    return _progress(row), repr(row)
