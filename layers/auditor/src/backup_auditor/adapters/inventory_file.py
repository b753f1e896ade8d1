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
from backup_auditor.adapters.input_file import InputSource, read_bytes, strip_byte_order_mark
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, DenialReason, Listing, ReadFailure
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import InventoryFileError

_MICROSECOND = timedelta(microseconds=1)
type Encoder = Callable[[Any], object]
type Decoder = Callable[[object], object]


class ShapeError(ValueError):
    """A saved fact is not of the shape it should be; the text says which."""


def encode_fact(fact: object) -> dict[str, object]:
    """Return a fact as JSON values: moments as RFC 3339, lengths of time in microseconds."""
    return {name: encoder(getattr(fact, name)) for name, (encoder, _, _) in _FACT_CODECS[type(fact)].items()}


def decode_fact[Fact](kind: type[Fact], value: Mapping[str, object]) -> Fact:
    """Return the fact that JSON values hold. Raises `ShapeError` on anything that is not exactly one."""
    codecs = _FACT_CODECS[kind]
    if unknown_fields := value.keys() - codecs.keys():
        raise ShapeError(f"a {kind.__name__} has a field {quote_text(min(unknown_fields))} that is not known")
    values: dict[str, object] = {}
    for name, (_, decoder, is_optional) in codecs.items():
        if name in value:
            try:
                values[name] = decoder(value[name])
            except (TypeError, ValueError, OverflowError):
                raise ShapeError(f"the field {quote_text(name)} of a {kind.__name__} holds something else") from None
        elif not is_optional:
            raise ShapeError(f"a {kind.__name__} lacks the field {quote_text(name)}")
    return kind(**values)


def _build_codecs(kind: type) -> dict[str, tuple[Encoder, Decoder, bool]]:
    hints = get_type_hints(kind)
    return {
        field.name: (
            *_find_codec(hints[field.name]),
            field.default is not MISSING or field.default_factory is not MISSING,
        )
        for field in fields(kind)
    }


def _find_codec(hint: object) -> tuple[Encoder, Decoder]:
    if isinstance(hint, UnionType):
        encoder, decoder = _find_codec(next(it for it in get_args(hint) if it is not type(None)))
        return (
            lambda value: None if value is None else encoder(value),
            lambda value: None if value is None else decoder(value),
        )
    return _CODECS[hint]


def _keep_value(value: object) -> object:
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
def _parse_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def read_moment(value: object) -> datetime:
    """Read a moment with its offset. Raises `ValueError` or `TypeError`."""
    return _parse_moment(_read_text(value))


def _write_tags(value: Mapping[str, str]) -> list[list[str]]:
    return [[key, it] for key, it in value.items()]


def _read_tags(value: object) -> dict[str, str]:
    if not isinstance(value, list):
        raise TypeError
    return {_read_text(key): _read_text(it) for key, it in value}


_CODECS: dict[object, tuple[Encoder, Decoder]] = {
    str: (_keep_value, _read_text),
    bool: (_keep_value, _read_flag),
    int: (_keep_value, _read_count),
    datetime: (datetime.isoformat, read_moment),
    timedelta: (lambda value: value // _MICROSECOND, _read_length),
    Deployment: (_keep_value, lambda value: Deployment(_read_text(value))),
    DenialReason: (_keep_value, lambda value: DenialReason(_read_text(value))),
    Mapping[str, str]: (_write_tags, _read_tags),
}

_FACT_CODECS: dict[type, dict[str, tuple[Encoder, Decoder, bool]]] = {
    kind: _build_codecs(kind) for kind in (Index, Schedule, Backup, ReadFailure, Denial)
}


__all__ = ["ShapeError", "decode_part", "encode_inventory", "require_inventory"]

type ListingOrDenial = Listing[Backup] | Listing[Schedule] | Denial | None
_encode_json = json.JSONEncoder(allow_nan=False).encode


def encode_inventory(inventory: Inventory) -> Iterator[str]:
    """Write the members of an inventory's JSON object, without its braces."""
    yield f'\n"observed_at": {_encode_json(inventory.observed_at.isoformat())}'
    yield f',\n"project": {_encode_json(inventory.project)},\n"requests": {_encode_json(inventory.requests)}'
    yield f',\n"indexes_failure": {_encode_failure(inventory.indexes_failure)},\n"backups": '
    yield from _encode_listing(inventory.backups)
    yield ',\n"indexes": ['
    for number, facts in enumerate(inventory.indexes):
        yield f'{"," if number else ""}\n{{"index": {_encode_json(encode_fact(facts.index))}, "schedules": '
        yield from _encode_listing(facts.schedules)
        yield ', "own_backups": '
        yield from _encode_listing(facts.own_backups)
        yield "}"
    yield '],\n"histories": ['
    for number, (schedule_id, history) in enumerate(sorted(inventory.histories.items())):
        yield f'{"," if number else ""}\n{{"history": {_encode_json(schedule_id)}, "runs": '
        yield from _encode_listing(history)
        yield "}"
    yield '],\n"terminating": ['
    yield ", ".join(_encode_json(encode_fact(index)) for index in inventory.terminating)
    yield "]"


def _encode_listing(listing: ListingOrDenial) -> Iterator[str]:
    if not isinstance(listing, Listing):
        yield _encode_json(encode_fact(listing) if listing else None)
        return
    yield f'{{"read_count": {listing.read_count}, "changed_ids": {_encode_json(sorted(listing.changed_ids))}'
    yield f', "failure": {_encode_failure(listing.failure)}'
    yield f', "confirmation_failure": {_encode_failure(listing.confirmation_failure)}, "rows": ['
    separator = "\n"
    for row in listing.rows:
        yield separator + _encode_json(encode_fact(row))
        separator = ",\n"
    yield "]}"


def _encode_failure(failure: ReadFailure | None) -> str:
    return _encode_json(encode_fact(failure) if failure else None)


def decode_part(value: dict[str, Any]) -> object:
    """Return the fact or listing that a JSON object holds, as soon as it is read. Raises `ShapeError`."""
    for key_field, decoder in _DECODERS:
        if key_field in value:
            return decoder(value)
    raise ShapeError(f"an object with the fields {sorted(value)[:3]} is nothing that is known")


def require_inventory(document: object) -> Inventory:
    """Return the inventory that a whole document turned out to be. Raises `ShapeError`."""
    if not isinstance(document, Inventory):
        raise ShapeError("it holds something else")
    return document


def _check_fields(value: dict[str, Any], **expected_types: type | tuple[type, ...]) -> dict[str, Any]:
    if value.keys() != expected_types.keys():
        raise ShapeError(f"the fields {sorted(value.keys() ^ expected_types.keys())} are missing or not known")
    for name, expected_type in expected_types.items():
        if not isinstance(value[name], expected_type):
            raise ShapeError(f"the field {quote_text(name)} holds something else")
    return value


_NONE = type(None)


def _decode_listing(value: dict[str, Any]) -> Listing[Any]:
    values = _check_fields(
        value,
        read_count=int,
        changed_ids=list,
        failure=(ReadFailure, _NONE),
        confirmation_failure=(ReadFailure, _NONE),
        rows=list,
    )
    return Listing(**(values | {"rows": tuple(values["rows"]), "changed_ids": frozenset(values["changed_ids"])}))


def _decode_index_facts(value: dict[str, Any]) -> IndexFacts:
    listing_types = (Listing, Denial, _NONE)
    facts = IndexFacts(**_check_fields(value, index=Index, schedules=listing_types, own_backups=listing_types))
    _check_rows(facts.schedules, Schedule)
    _check_rows(facts.own_backups, Backup)
    return facts


def _decode_history(value: dict[str, Any]) -> tuple[str, Listing[Backup]]:
    values = _check_fields(value, history=str, runs=Listing)
    _check_rows(values["runs"], Backup)
    return values["history"], values["runs"]


def _check_rows(listing: ListingOrDenial, row_type: type) -> None:
    if isinstance(listing, Listing) and not all(isinstance(it, row_type) for it in listing.rows):
        raise ShapeError(f"a listing holds what is no {row_type.__name__}")


def _decode_inventory(value: dict[str, Any]) -> Inventory:
    values = _check_fields(
        value,
        observed_at=str,
        project=str,
        requests=int,
        indexes_failure=(ReadFailure, _NONE),
        backups=Listing,
        indexes=list,
        histories=list,
        terminating=list,
    )
    _check_rows(values["backups"], Backup)
    if not all(isinstance(it, IndexFacts) for it in values["indexes"]):
        raise ShapeError("the indexes hold something else")
    if not all(isinstance(it, tuple) for it in values["histories"]):
        raise ShapeError("the histories hold something else")
    if not all(isinstance(it, Index) for it in values["terminating"]):
        raise ShapeError("the indexes that are being deleted hold something else")
    replacements = {
        "observed_at": read_moment(values["observed_at"]),
        "indexes": tuple(values["indexes"]),
        "terminating": tuple(values["terminating"]),
    }
    return Inventory(**(values | replacements | {"histories": dict(values["histories"])}))


def _decode_document(value: dict[str, Any]) -> object:
    return _check_fields(value, format=str, version=int, inventory=Inventory, sha256=str)["inventory"]


_DECODERS: tuple[tuple[str, Callable[[dict[str, Any]], object]], ...] = (
    ("backup_id", lambda value: decode_fact(Backup, value)),
    ("schedule_id", lambda value: decode_fact(Schedule, value)),
    ("rows", _decode_listing),
    ("call", lambda value: decode_fact(ReadFailure, value)),
    ("kind", lambda value: decode_fact(Denial, value)),
    ("own_backups", _decode_index_facts),
    ("deployment", lambda value: decode_fact(Index, value)),
    ("runs", _decode_history),
    ("observed_at", _decode_inventory),
    ("format", _decode_document),
)
"""What an object is, by a field that only its kind has."""


_FORMAT_VERSION = 3
_MAX_BYTES = 1 << 30
_DOCUMENT_KIND = DocumentKind("saved inventory", "`backup-auditor audit --save-inventory FILE` writes one")
_HEADER = re.compile(rb'\{"format": "backup-auditor-inventory", "version": (\d{1,9}), "inventory": \{')
_SEAL = re.compile(rb'\n\}, "sha256": "([0-9a-f]{64})"\}\n\Z')
_SEAL_LENGTH = 96


def save_inventory(inventory: Inventory, file: AtomicFile) -> None:
    """Write an inventory, losing nothing. Raises `UsageError` when the file cannot be written."""
    file.write_all(_seal_inventory(inventory))


def load_inventory(source: InputSource) -> Inventory:
    """Read an inventory that was saved, from a file, a pipe, or standard input (`-`).

    Raises `InventoryFileError` when it is not exactly that.
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
        return require_inventory(json.loads(content, object_hook=decode_part))
    except (ShapeError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ShapeError) else "it is no JSON"
        raise InventoryFileError(f"{source}: the saved inventory cannot be read: {reason}") from None


def _seal_inventory(inventory: Inventory) -> Iterator[bytes]:
    digest = sha256()
    piece = f'{{"format": "backup-auditor-inventory", "version": {_FORMAT_VERSION}, "inventory": {{'.encode()
    digest.update(piece)
    yield piece
    for text in encode_inventory(inventory):
        piece = text.encode()
        digest.update(piece)
        yield piece
    yield f'\n}}, "sha256": "{digest.hexdigest()}"}}\n'.encode()


def _read_content(source: InputSource) -> bytes:
    try:
        return strip_byte_order_mark(read_bytes(source, _DOCUMENT_KIND, _MAX_BYTES))
    except DocumentProblemError as error:
        text = error.problem.text.removeprefix("cannot be read: ")
        reason = f"it {text}" if text.startswith(("has ", "is ")) else text
        raise InventoryFileError(f"{source}: the inventory cannot be read: {reason}") from None
