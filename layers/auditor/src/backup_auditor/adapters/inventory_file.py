"""A saved inventory: one JSON document, one fact per line, sealed with a hash at its end."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from sys import intern
from types import UnionType
from typing import Any, get_args, get_type_hints

from backup_auditor.adapters.document_problems import DocumentKind, DocumentProblemError
from backup_auditor.adapters.files import AtomicFile
from backup_auditor.adapters.input_file import Source, read_bytes, without_byte_order_mark
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, DenialReason, Listing, ReadFailure
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import InventoryFileError

_MICROSECOND = timedelta(microseconds=1)
type Writer = Callable[[Any], object]
type Reader = Callable[[object], object]


class ShapeError(ValueError):
    """A saved fact is not of the shape it should be; the text says which."""


def encode(fact: object) -> dict[str, object]:
    """Return a fact as JSON values: moments as RFC 3339, lengths of time in microseconds."""
    return {name: writer(getattr(fact, name)) for name, (writer, _, _) in _FACTS[type(fact)].items()}


def decode[Fact](kind: type[Fact], value: Mapping[str, object]) -> Fact:
    """Return the fact that JSON values hold. Raises `ShapeError` on anything that is not exactly one."""
    codecs = _FACTS[kind]
    if strange := value.keys() - codecs.keys():
        raise ShapeError(f"a {kind.__name__} has a field {quote_text(min(strange))} that is not known")
    found: dict[str, object] = {}
    for name, (_, reader, is_optional) in codecs.items():
        if name in value:
            try:
                found[name] = reader(value[name])
            except (TypeError, ValueError, OverflowError):
                raise ShapeError(f"the field {quote_text(name)} of a {kind.__name__} holds something else") from None
        elif not is_optional:
            raise ShapeError(f"a {kind.__name__} lacks the field {quote_text(name)}")
    return kind(**found)


def _codecs(kind: type) -> dict[str, tuple[Writer, Reader, bool]]:
    hints = get_type_hints(kind)
    return {
        it.name: (*_codec(hints[it.name]), it.default is not MISSING or it.default_factory is not MISSING)
        for it in fields(kind)
    }


def _codec(hint: object) -> tuple[Writer, Reader]:
    if isinstance(hint, UnionType):
        writer, reader = _codec(next(it for it in get_args(hint) if it is not type(None)))
        return (
            lambda value: None if value is None else writer(value),
            lambda value: None if value is None else reader(value),
        )
    return _CODECS[hint]


def _same(value: object) -> object:
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return intern(value)  # ids and names stand in many rows


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _read_length(value: object) -> timedelta:
    return _read_count(value) * _MICROSECOND


@lru_cache(maxsize=1 << 16)
def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def read_moment(value: object) -> datetime:
    """Read a moment with its offset. Raises `ValueError` or `TypeError`."""
    return _moment(_read_text(value))


def _write_tags(value: Mapping[str, str]) -> list[list[str]]:
    return [[key, it] for key, it in value.items()]


def _read_tags(value: object) -> dict[str, str]:
    if not isinstance(value, list):
        raise TypeError
    return {_read_text(key): _read_text(it) for key, it in value}


_CODECS: dict[object, tuple[Writer, Reader]] = {
    str: (_same, _read_text),
    bool: (_same, _read_flag),
    int: (_same, _read_count),
    datetime: (datetime.isoformat, read_moment),
    timedelta: (lambda value: value // _MICROSECOND, _read_length),
    Deployment: (_same, lambda value: Deployment(_read_text(value))),
    DenialReason: (_same, lambda value: DenialReason(_read_text(value))),
    Mapping[str, str]: (_write_tags, _read_tags),
}

_FACTS: dict[type, dict[str, tuple[Writer, Reader, bool]]] = {
    kind: _codecs(kind) for kind in (Index, Schedule, Backup, ReadFailure, Denial)
}


__all__ = ["ShapeError", "encoded", "inventory_of", "part_of"]

type Answer = Listing[Backup] | Listing[Schedule] | Denial | None
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


def _unread(unread: ReadFailure | None) -> str:
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
    found = _fields(value, walks=int, disputed=list, broken=(ReadFailure, _NONE), doubt=(ReadFailure, _NONE), rows=list)
    return Listing(**(found | {"rows": tuple(found["rows"]), "disputed": frozenset(found["disputed"])}))


def _index_facts(value: dict[str, Any]) -> IndexFacts:
    answer = (Listing, Denial, _NONE)
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
        indexes_unread=(ReadFailure, _NONE),
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
    ("what", lambda value: decode(ReadFailure, value)),
    ("kind", lambda value: decode(Denial, value)),
    ("own_backups", _index_facts),
    ("deployment", lambda value: decode(Index, value)),
    ("runs", _history),
    ("observed_at", _inventory),
    ("format", _document),
)
"""What an object is, by a field that only its kind has."""


_VERSION = 2
_LARGEST = 1 << 30
_KIND = DocumentKind("saved inventory", "`backup-auditor audit --save-inventory FILE` writes one")
_HEAD = re.compile(rb'\{"format": "backup-auditor-inventory", "version": (\d{1,9}), "inventory": \{')
_SEAL = re.compile(rb'\n\}, "sha256": "([0-9a-f]{64})"\}\n\Z')
_SEAL_LENGTH = 96


def save_inventory(inventory: Inventory, file: AtomicFile) -> None:
    """Write an inventory, losing nothing. Raises `UsageError` when the file cannot be written."""
    file.write(_sealed(inventory))


def load_inventory(path: Source) -> Inventory:
    """Read an inventory that was saved, from a file, a pipe, or standard input (`-`).

    Raises `InventoryFileError` when it is not exactly that.
    """
    content = _read(path)
    head = _HEAD.match(content)
    if head is None:
        raise InventoryFileError(f"{path}: this is no inventory as `audit --save-inventory` writes it")
    if int(head[1]) > _VERSION:
        raise InventoryFileError(f"{path}: a newer backup-auditor saved this (version {int(head[1])}); update this one")
    seal = _SEAL.search(content, max(0, len(content) - _SEAL_LENGTH))
    if seal is None:
        raise InventoryFileError(f"{path}: the file is cut short; save the inventory again")
    if sha256(memoryview(content)[: seal.start()]).hexdigest() != seal[1].decode():
        raise InventoryFileError(f"{path}: the file was changed after it was saved; save the inventory again")
    try:
        return inventory_of(json.loads(content, object_hook=part_of))
    except (ShapeError, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ShapeError) else "it is no JSON"
        raise InventoryFileError(f"{path}: the saved inventory cannot be read: {why}") from None


def _sealed(inventory: Inventory) -> Iterator[bytes]:
    digest = sha256()
    piece = f'{{"format": "backup-auditor-inventory", "version": {_VERSION}, "inventory": {{'.encode()
    digest.update(piece)
    yield piece
    for text in encoded(inventory):
        piece = text.encode()
        digest.update(piece)
        yield piece
    yield f'\n}}, "sha256": "{digest.hexdigest()}"}}\n'.encode()


def _read(given: Source) -> bytes:
    try:
        return without_byte_order_mark(read_bytes(given, _KIND, _LARGEST))
    except DocumentProblemError as error:
        text = error.problem.text.removeprefix("cannot be read: ")
        why = f"it {text}" if text.startswith(("has ", "is ")) else text
        raise InventoryFileError(f"{given}: the inventory cannot be read: {why}") from None
