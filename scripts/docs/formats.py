"""Generate the table of the formats, the keys of the JSON report and the columns of the CSV report."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import backup_auditor.rendering
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from docs.markdown import table

_NULL = {"type": "null"}
_SCHEMA = Path(backup_auditor.rendering.__file__).with_name("report.schema.json")
_FLEET_SCHEMA = _SCHEMA.with_name("fleet.schema.json")

type Schema = dict[str, Any]

_DESCRIPTIONS = {
    "table": (
        "a terminal",
        (
            "result, first step, changes, open findings (worst first), unknown, warnings, exempted, restore drills,"
            " resolved, drift, counts, read errors"
        ),
        "proposals; long lists, with the command that shows them",
        "the fleet, then one report after the other",
    ),
    "json": ("programs", "everything", "nothing", "one document with the fleet and a list of reports"),
    "markdown": (
        "pull requests, tickets",
        "as `table`",
        "proposals; rows that do not fit one GitHub comment (65,536 characters), or more than 50 under a heading",
        "the fleet, then one report after the other, in one comment",
    ),
    "csv": (
        "spreadsheets",
        "every finding, warnings",
        "read errors, resolved, drift, proposals",
        "one table; beside a file, the fleet in a second one",
    ),
    "junit": (
        "CI servers",
        "every finding, warnings",
        "read errors, resolved, drift, proposals",
        "one document",
    ),
    "sarif": (
        "code scanning",
        "non-compliant, unknown and resolved findings, read errors, warnings",
        "compliant and not applicable findings, drift, proposals",
        "one run for each project, at most 20 in a file",
    ),
    "ocsf": (
        "security lakes",
        "every finding, resolved findings, warnings",
        "read errors, drift, proposals",
        "one list of events",
    ),
    "html": (
        "browsers and printers",
        "as `table`, and evidence, API calls, the policy, a timeline of each index, and past audits",
        "compliant and not applicable findings; evidence and single times of large projects",
        "one page: the fleet, and a section for each project",
    ),
}
"""The readers, the content, what is counted and left to the JSON report, and how a file holds a registry."""


def list_formats() -> str:
    """Return the table of the formats, from their registry. A format without a description is an error."""
    return table(
        ("format", "for", "content", "counted only", "several projects"),
        ((f"`{name}`", *_DESCRIPTIONS[name]) for name in FORMATS),
    )


def list_report_keys() -> str:
    """Return the table of the keys of the JSON report, from its schema."""
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return table(("key", "value", "meaning"), _rows(schema, schema, ""))


def list_fleet_keys() -> str:
    """Return the table of the keys of the fleet in the JSON document of a registry, from its schema."""
    schema = json.loads(_FLEET_SCHEMA.read_text(encoding="utf-8"))
    return table(("key", "value", "meaning"), _rows(schema["properties"]["fleet"], schema, ""))


def list_fleet_columns() -> str:
    """Return the columns of the fleet's CSV file, in their order."""
    return _list_columns(FORMATS["csv"].render_fleet(RenderOptions()))


def list_csv_columns() -> str:
    """Return the columns of a CSV report, in their order."""
    return _list_columns(FORMATS["csv"].render([], RenderOptions()))


def _list_columns(pieces: Iterable[str]) -> str:
    columns = next(iter(pieces)).split(",")
    return ", ".join(f"`{it}`" for it in columns) + "."


def _rows(node: Schema, schema: Schema, prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, value in node["properties"].items():
        resolved = _resolve(value, schema)
        items = _resolve(resolved.get("items", {}), schema)
        key = f"{prefix}{name}"
        described = {} if isinstance(value, bool) else value
        meaning = described.get("description") or resolved.get("description", "")
        is_nullable = _NULL in described.get("anyOf", ())
        yield f"`{key}`", f"{_kind(resolved, items)}{' or null' if is_nullable else ''}", meaning
        if _is_described(resolved):
            yield from _rows(resolved, schema, f"{key}.")
        elif _is_described(items):
            yield from _rows(items, schema, f"{key}[].")


def _is_described(node: Schema) -> bool:
    """Return whether an object has keys with descriptions, so that each key needs a row."""
    properties = node.get("properties", {}).values()
    return any(isinstance(it, dict) and "description" in it for it in properties)


def _resolve(node: Schema | bool, schema: Schema) -> Schema:
    """Return the target of a reference, or the alternative that is not null. `True` allows any value."""
    if isinstance(node, bool):
        return {}
    if "anyOf" in node and "type" not in node:
        return _resolve(next(it for it in node["anyOf"] if it != _NULL), schema)
    if "$ref" in node:
        return _resolve(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    return node


def _kind(node: Schema, items: Schema) -> str:
    if "enum" in node:
        return ", ".join(f"`{'null' if it is None else it}`" for it in node["enum"])
    match node:
        case {"const": value}:
            return f"`{json.dumps(value)}`"
        case {"type": "array"}:
            return f"list of: {_kind(items, {})}"
        case {"type": "object", "properties": properties} if not _is_described(node):
            return f"object: {', '.join(f'`{it}`' for it in properties)}"
        case {"type": list() as kinds}:
            return " or ".join(kinds)
        case _:
            return str(node.get("type", "any"))
