"""A saved inventory: one JSON document, one fact per line, sealed with a hash at its end."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from enum import EnumType
from functools import lru_cache, partial
from hashlib import sha256
from sys import intern
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from backup_auditor.adapters.documents import (
    DocumentKind,
    DocumentProblemError,
    InputSource,
    read_bytes,
    strip_byte_order_mark,
)
from backup_auditor.adapters.files import AtomicFile
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, Listing, ReadFailure
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import InventoryFileError

_FORMAT_VERSION = 5
_MAX_BYTES = 1 << 30
_DOCUMENT_KIND = DocumentKind("saved inventory", "`backup-auditor audit --save-inventory FILE` writes one")
_HEADER = re.compile(rb'\{"format": "backup-auditor-inventory", "version": (\d{1,9}), "inventory": \{')
_SEAL = re.compile(rb'\n\}, "sha256": "([0-9a-f]{64})"\}\n\Z')
_SEAL_LENGTH = 96
_MICROSECOND = timedelta(microseconds=1)


def save_inventory(inventory: Inventory, file: AtomicFile) -> None:
    """Write an inventory without losing a fact. Raises `UsageError` when the file cannot be written."""
    file.write_all(_seal(_encode_inventory(inventory)))


def load_inventory(source: InputSource) -> Inventory:
    """Read a saved inventory from a file, a pipe, or standard input (`-`).

    Raises `InventoryFileError` for anything that `save_inventory` of this version did not write.
    """
    content = _read_content(source)
    header = _HEADER.match(content)
    if header is None:
        raise InventoryFileError(f"{source}: this is not a saved inventory; `audit --save-inventory FILE` writes one")
    if int(header[1]) > _FORMAT_VERSION:
        raise InventoryFileError(
            f"{source}: a newer backup-auditor saved this inventory (version {int(header[1])}); update backup-auditor"
        )
    if int(header[1]) < _FORMAT_VERSION:
        raise InventoryFileError(
            f"{source}: an older backup-auditor saved this inventory (version {int(header[1])}); save it again"
        )
    seal = _SEAL.search(content, max(0, len(content) - _SEAL_LENGTH))
    if seal is None:
        raise InventoryFileError(f"{source}: the saved inventory is incomplete; save it again")
    if sha256(memoryview(content)[: seal.start()]).hexdigest() != seal[1].decode():
        raise InventoryFileError(f"{source}: the saved inventory was changed after it was saved; save it again")
    try:
        return _read_exactly(Inventory, json.loads(content, object_hook=_decode_object))
    except _ShapeError as error:
        reason = str(error)
    except TypeError:
        reason = "it holds no inventory"
    except (ValueError, RecursionError):
        reason = "it is not valid JSON"
    raise InventoryFileError(f"{source}: the saved inventory cannot be read: {reason}; save it again")


def _read_content(source: InputSource) -> bytes:
    try:
        return strip_byte_order_mark(read_bytes(source, _DOCUMENT_KIND, _MAX_BYTES))
    except DocumentProblemError as error:
        text = error.problem.text.removeprefix("cannot be read: ")
        reason = f"it {text}" if text.startswith(("has ", "is ")) else text
        raise InventoryFileError(f"{source}: the inventory cannot be read: {reason}") from None


def _seal(pieces: Iterable[str]) -> Iterator[bytes]:
    digest = sha256()
    for text in pieces:
        piece = text.encode()
        digest.update(piece)
        yield piece
    yield f'\n}}, "sha256": "{digest.hexdigest()}"}}\n'.encode()


def _encode_inventory(inventory: Inventory) -> Iterator[str]:
    """Yield the document up to its seal, a fact at a time: the whole text would take as much memory as the facts."""
    yield f'{{"format": "backup-auditor-inventory", "version": {_FORMAT_VERSION}, "inventory": {{'
    separator = "\n"
    for name in _DECODERS[Inventory]:
        value = getattr(inventory, name)
        yield f'{separator}"{name}": '
        separator = ",\n"
        match value:
            case Listing():
                members = {it: getattr(value, it) for it in _DECODERS[Listing] if it != "rows"}
                yield f'{_encode_json(members).removesuffix("}")}, "rows": '
                yield from _encode_lines(value.rows)
                yield "}"
            case tuple():
                yield from _encode_lines(value)
            case Mapping():
                yield from _encode_lines(sorted(value.items()))
            case _:
                yield _encode_json(value)


def _encode_lines(items: Iterable[object]) -> Iterator[str]:
    separator = "[\n"
    for item in items:
        yield separator + _encode_json(item)
        separator = ",\n"
    yield "[]" if separator == "[\n" else "]"


def _convert_value(value: Any) -> object:  # noqa: ANN401  whatever JSON has no type for
    """Return a value as JSON has it: a fact as an object, times as RFC 3339, durations in microseconds."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, frozenset):
        return sorted(value)
    members = {name: getattr(value, name) for name in _DECODERS[type(value)]}
    if isinstance(value, Index):  # tags as pairs: the keys of an object tell which fact it is, and a tag may have any
        members["tags"] = [*value.tags.items()]
    return members


_encode_json = json.JSONEncoder(allow_nan=False, check_circular=False, default=_convert_value).encode


class _ShapeError(ValueError):
    """A value that its place does not allow; the text says which."""


def _decode_object(value: dict[str, Any]) -> object:
    """Return the fact that a JSON object holds, as soon as it is read. Raises `_ShapeError`."""
    keys = frozenset(value)
    if keys == _DOCUMENT_KEYS:
        return value["inventory"]
    kind = _KINDS.get(keys)
    if kind is None:
        raise _ShapeError(f"no fact has the fields {quote_text(', '.join(sorted(value)))}")
    values = {}
    for name, decode in _DECODERS[kind].items():
        try:
            values[name] = decode(value[name])
        except (TypeError, ValueError, OverflowError):
            raise _ShapeError(f"the field {name} of {kind.__name__} has a wrong value") from None
    return kind(**values)


def _find_decoder(hint: Any) -> Callable[[Any], Any]:  # noqa: ANN401  a type, a union or an alias
    """Return what reads the values of a type; it raises `TypeError`, `ValueError` or `OverflowError`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        decoders = [_find_decoder(it) for it in arguments if it is not NoneType]
        decode = decoders[0] if len(decoders) == 1 else partial(_read_any, decoders)
        return lambda value: None if value is None else decode(value)
    if origin is Listing:
        return partial(_read_listing, arguments[0])
    if origin is Mapping:
        decode_key, decode_value = map(_find_decoder, arguments)
        return lambda value: {decode_key(key): decode_value(it) for key, it in _read_exactly(list, value)}
    if origin is not None:
        decode = _find_decoder(arguments[0])
        return lambda value: origin(map(decode, _read_exactly(list, value)))
    return _SCALAR_DECODERS.get(hint) or (hint if isinstance(hint, EnumType) else partial(_read_exactly, hint))


def _read_exactly[Value](kind: type[Value], value: object) -> Value:
    if type(value) is not kind:
        raise TypeError
    return value


def _read_any(decoders: Iterable[Callable[[object], object]], value: object) -> object:
    for decode in decoders:
        with suppress(TypeError):
            return decode(value)
    raise TypeError


def _read_listing(row_type: type, value: object) -> object:
    if not all(type(it) is row_type for it in _read_exactly(Listing, value).rows):
        raise TypeError
    return value


@lru_cache(maxsize=1 << 16)
def _parse_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


_SCALAR_DECODERS: dict[object, Callable[[Any], Any]] = {
    str: lambda value: intern(_read_exactly(str, value)),  # many rows have the same ids and names
    datetime: lambda value: _parse_moment(_read_exactly(str, value)),
    timedelta: lambda value: _read_exactly(int, value) * _MICROSECOND,
    **dict.fromkeys(Listing.__type_params__, lambda value: value),  # `Listing[Backup]` checks its rows
}
_DECODERS: dict[type, dict[str, Callable[[Any], Any]]] = {
    kind: {name: _find_decoder(hint) for name, hint in get_type_hints(kind).items()}
    for kind in (Index, Schedule, Backup, ReadFailure, Denial, Listing, IndexFacts, Inventory)
}
_KINDS = {frozenset(it): kind for kind, it in _DECODERS.items()}
_DOCUMENT_KEYS = frozenset(("format", "version", "inventory", "sha256"))
