"""Generate the table of the policy's keys from the model of the policy file."""

import json
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo

from backup_auditor.adapters.policy_file.loader import find_shape, list_keys
from backup_auditor.adapters.policy_file.schema import build_policy_schema
from docs.markdown import table

_IN_LISTS = ("rules", "exemptions")

type Schema = dict[str, Any]


def build_key_table() -> str:
    """Return the table of every key of a policy file."""
    schema = build_policy_schema()
    rows = (
        (f"`{_dotted(path)}`", _kind(path, schema), _default(field), field.description or "")
        for path, field in list_keys()
        if path[:2] != ("rules", "require") and find_shape(field.annotation) is None
    )
    return table(("key", "value", "default", "meaning"), rows)


def _dotted(path: tuple[str | int, ...]) -> str:
    first, *rest = map(str, path)
    return ".".join([f"{first}[]" if first in _IN_LISTS and rest else first, *rest])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, Enum):
        value = value.value
    if value in ([], {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _kind(path: tuple[str | int, ...], schema: Schema) -> str:
    node = schema
    for step in path:
        node = _resolve(node, schema)["properties"][step]
    choices = [it for it in node.get("anyOf", [node]) if it.get("type") != "null"]
    return f"{_value(_resolve(choices[0], schema))}{' or `null`' if 'anyOf' in node else ''}"


def _resolve(node: Schema, schema: Schema) -> Schema:
    """Return the target of a reference; for a list of mappings, the mapping."""
    if "$ref" in node:
        return _resolve(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    if "$ref" in node.get("items", {}):
        return _resolve(node["items"], schema)
    return node


_BOUNDS = (("above", "exclusiveMinimum"), ("from", "minimum"), ("to", "maximum"))


def _value(node: Schema) -> str:  # noqa: PLR0911  one line for each kind of value
    match node:
        case {"const": value}:
            return f"`{json.dumps(value)}`"
        case {"enum": words}:
            return ", ".join(f"`{it}`" for it in words)
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"type": "integer" | "number" as kind}:
            bounds = [f"{word} {node[key]:,}" for word, key in _BOUNDS if key in node]
            return " ".join(["whole number" if kind == "integer" else "number", *bounds])
        case {"type": "array", "items": items}:
            return f"list of {_value(items)}s"
        case {"type": "object"}:
            return "mapping of tags to lists of values"
        case {"format": "date"}:
            return "day"
        case {"pattern": str() as pattern} if pattern.endswith("[mhd]$"):
            return "duration"
        case _:
            return "text"
