"""A hash of every fact of an inventory, the same for the same facts in any order."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import fields
from operator import attrgetter

from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Listing, Refusal
from backup_auditor.domain.walks import row_id


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


def _listing(answer: Listing[Backup] | Listing[Schedule] | Refusal | None) -> Iterable[str]:
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
