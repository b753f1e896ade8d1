"""The shape of a whole inventory in its file, written and read a fact at a time."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from backup_auditor.adapters.fact_shape import ShapeError, decode, encode, read_moment
from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Listing, Refusal, Unread
from backup_auditor.domain.text import quote_text

__all__ = ["ShapeError", "encoded", "inventory_of", "part_of"]

type Answer = Listing[Backup] | Listing[Schedule] | Refusal | None
_text = json.JSONEncoder(allow_nan=False).encode


def encoded(inventory: Inventory) -> Iterator[str]:
    """Write the members of an inventory's JSON object, without its braces."""
    yield f'\n"observed_at": {_text(inventory.observed_at.isoformat())}'
    yield f',\n"project": {_text(inventory.project)},\n"requests": {_text(inventory.requests)}'
    yield f',\n"indexes_unread": {_unread(inventory.indexes_unread)},\n"backups": '
    yield from _answer(inventory.backups)
    yield ',\n"indexes": ['
    for number, facts in enumerate(inventory.indexes):
        yield f'{"," if number else ""}\n{{"index": {_text(encode(facts.index))}, "schedules": '
        yield from _answer(facts.schedules)
        yield ', "own_backups": '
        yield from _answer(facts.own_backups)
        yield "}"
    yield '],\n"histories": ['
    for number, (schedule_id, history) in enumerate(sorted(inventory.histories.items())):
        yield f'{"," if number else ""}\n{{"history": {_text(schedule_id)}, "runs": '
        yield from _answer(history)
        yield "}"
    yield '],\n"terminating": ['
    yield ", ".join(_text(encode(index)) for index in inventory.terminating)
    yield "]"


def _answer(answer: Answer) -> Iterator[str]:
    if not isinstance(answer, Listing):
        yield _text(encode(answer) if answer else None)
        return
    yield f'{{"walks": {answer.walks}, "disputed": {_text(sorted(answer.disputed))}'
    yield f', "broken": {_unread(answer.broken)}, "doubt": {_unread(answer.doubt)}, "rows": ['
    separator = "\n"
    for row in answer.rows:
        yield separator + _text(encode(row))
        separator = ",\n"
    yield "]}"


def _unread(unread: Unread | None) -> str:
    return _text(encode(unread) if unread else None)


def part_of(value: dict[str, Any]) -> object:
    """Return the fact or listing that a JSON object holds, as soon as it is read. Raises `ShapeError`."""
    for mark, kind in _KINDS:
        if mark in value:
            return kind(value)
    raise ShapeError(f"an object with the fields {sorted(value)[:3]} is nothing that is known")


def inventory_of(document: object) -> Inventory:
    """Return the inventory that a whole document turned out to be. Raises `ShapeError`."""
    if not isinstance(document, Inventory):
        raise ShapeError("it holds something else")
    return document


def _fields(value: dict[str, Any], **kinds: type | tuple[type, ...]) -> dict[str, Any]:
    if value.keys() != kinds.keys():
        raise ShapeError(f"the fields {sorted(value.keys() ^ kinds.keys())} are missing or not known")
    for name, kind in kinds.items():
        if not isinstance(value[name], kind):
            raise ShapeError(f"the field {quote_text(name)} holds something else")
    return value


_NONE = type(None)


def _listing(value: dict[str, Any]) -> Listing[Any]:
    found = _fields(value, walks=int, disputed=list, broken=(Unread, _NONE), doubt=(Unread, _NONE), rows=list)
    return Listing(**(found | {"rows": tuple(found["rows"]), "disputed": frozenset(found["disputed"])}))


def _index_facts(value: dict[str, Any]) -> IndexFacts:
    answer = (Listing, Refusal, _NONE)
    found = IndexFacts(**_fields(value, index=Index, schedules=answer, own_backups=answer))
    _check_rows(found.schedules, Schedule)
    _check_rows(found.own_backups, Backup)
    return found


def _history(value: dict[str, Any]) -> tuple[str, Listing[Backup]]:
    found = _fields(value, history=str, runs=Listing)
    _check_rows(found["runs"], Backup)
    return found["history"], found["runs"]


def _check_rows(answer: Answer, kind: type) -> None:
    if isinstance(answer, Listing) and not all(isinstance(it, kind) for it in answer.rows):
        raise ShapeError(f"a listing holds what is no {kind.__name__}")


def _inventory(value: dict[str, Any]) -> Inventory:
    found = _fields(
        {"terminating": []} | value,  # files of version 1 lack it: their indexes that are being deleted stand among all
        observed_at=str,
        project=str,
        requests=int,
        indexes_unread=(Unread, _NONE),
        backups=Listing,
        indexes=list,
        histories=list,
        terminating=list,
    )
    _check_rows(found["backups"], Backup)
    if not all(isinstance(it, IndexFacts) for it in found["indexes"]):
        raise ShapeError("the indexes hold something else")
    if not all(isinstance(it, tuple) for it in found["histories"]):
        raise ShapeError("the histories hold something else")
    if not all(isinstance(it, Index) for it in found["terminating"]):
        raise ShapeError("the indexes that are being deleted hold something else")
    terminating = [*found["terminating"], *(it.index for it in found["indexes"] if it.index.is_terminating)]
    parts = {
        "observed_at": read_moment(found["observed_at"]),
        "indexes": tuple(it for it in found["indexes"] if not it.index.is_terminating),
        "terminating": tuple(sorted(terminating, key=lambda it: it.name)),
    }
    return Inventory(**(found | parts | {"histories": dict(found["histories"])}))


def _document(value: dict[str, Any]) -> object:
    return _fields(value, format=str, version=int, inventory=Inventory, sha256=str)["inventory"]


_KINDS: tuple[tuple[str, Callable[[dict[str, Any]], object]], ...] = (
    ("backup_id", lambda value: decode(Backup, value)),
    ("schedule_id", lambda value: decode(Schedule, value)),
    ("rows", _listing),
    ("what", lambda value: decode(Unread, value)),
    ("kind", lambda value: decode(Refusal, value)),
    ("own_backups", _index_facts),
    ("deployment", lambda value: decode(Index, value)),
    ("runs", _history),
    ("observed_at", _inventory),
    ("format", _document),
)
"""What an object is, by a field that only its kind has."""
