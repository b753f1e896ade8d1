"""Puts the walks over one listing together: what they showed, and whether they agree."""

from collections.abc import Iterable, Sequence

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.listing import Listing, Walk
from backup_auditor.domain.phase import phase_of_status


def listing_of[Row: (Backup, Schedule)](walks: Sequence[Walk[Row]]) -> Listing[Row]:
    """Put one or more walks over the same listing together, in the order they were made.

    A row that any walk showed is there. Where walks, or repeated rows, contradict each other, the backup that has come
    further wins, then the later walk.
    """
    whole = [walk for walk in walks if walk.broken is None]
    broken = next((walk.broken for walk in walks if walk.broken is not None), None)
    rows: dict[str, Row] = {}
    for walk in walks:
        for row_id, row in _by_id(walk.rows).items():
            known = rows.get(row_id)
            rows[row_id] = row if known is None or _progress(row) >= _progress(known) else known
    disputed: frozenset[str] = frozenset()
    if len(whole) > 1:
        disputed = frozenset(_by_id(whole[-2].rows).keys() ^ _by_id(whole[-1].rows).keys())
    return Listing(
        rows=tuple(rows[row_id] for row_id in sorted(rows)),
        broken=None if whole else broken,
        walks=len(whole),
        disputed=disputed,
        doubt=broken if whole else None,
    )


def row_id(row: Backup | Schedule) -> str:
    """Return what makes a row the same row in two answers."""
    return row.backup_id if isinstance(row, Backup) else row.schedule_id


def _by_id[Row: (Backup, Schedule)](rows: Iterable[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row_id(row))
        if known is None or _rank(row) > _rank(known):
            found[row_id(row)] = row
    return found


def _progress(row: Backup | Schedule) -> int:
    return phase_of_status(row.status) if isinstance(row, Backup) else 0


def _rank(row: Backup | Schedule) -> tuple[int, str]:
    return _progress(row), repr(row)
