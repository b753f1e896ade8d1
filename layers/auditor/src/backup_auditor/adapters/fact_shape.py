"""One fact as JSON values and back: every field under its own name, nothing lost."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime, timedelta
from functools import lru_cache
from sys import intern
from types import UnionType
from typing import Any, get_args, get_type_hints

from backup_auditor.domain.facts import Backup, Deployment, Index, Schedule
from backup_auditor.domain.listing import Refusal, RefusalKind, Unread
from backup_auditor.domain.text import quote_text

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
    RefusalKind: (_same, lambda value: RefusalKind(_read_text(value))),
    Mapping[str, str]: (_write_tags, _read_tags),
}

_FACTS: dict[type, dict[str, tuple[Writer, Reader, bool]]] = {
    kind: _codecs(kind) for kind in (Index, Schedule, Backup, Unread, Refusal)
}
