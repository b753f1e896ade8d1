"""Evidence as figures: a name and a value each, and a table where one is a list of rows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that a verdict was computed from."""

    name: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Where there are rows, there is no text."""


def figures_of(evidence: Mapping[str, object], before: str = "") -> Iterator[Figure]:
    """Return the figures of some evidence, in its order; those of an object within are named after both."""
    for key, value in evidence.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, Mapping) and value:
            yield from figures_of(value, f"{name}: ")
        elif isinstance(value, list) and value and all(isinstance(it, Mapping) for it in value):
            yield _table(name, value)
        else:
            yield Figure(name, shown(value))


def shown(value: object) -> str:
    """Write a value of JSON for people: text as it is, `none` for null, several with commas between."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(it, str) for it in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)


def _table(name: str, rows: list[Mapping[str, object]]) -> Figure:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    cells = tuple(tuple(shown(row[key]) if key in row else "" for key in columns) for row in rows)
    return Figure(name, "", tuple(it.replace("_", " ") for it in columns), cells)
