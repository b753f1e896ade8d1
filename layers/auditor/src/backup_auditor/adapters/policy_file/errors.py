"""Explain on which line and how a policy file differs from its schema or contradicts itself."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from backup_auditor.adapters.document_problems import Problem, quoted, shown, visible
from backup_auditor.adapters.policy_file.schema import PolicyShape, Shape
from backup_auditor.adapters.yaml_loader import KeyPath, Node, find
from backup_auditor.domain.policy_validation import Contradiction


def shape_in(annotation: object) -> type[Shape] | None:
    """Return the shape that a key's type is, or is a list of."""
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation
    return next((it for it in map(shape_in, get_args(annotation)) if it is not None), None)


def fields_at(path: KeyPath) -> dict[str, FieldInfo]:
    """Return the keys that are known at a place of the file, none where any key may stand."""
    shape: type[Shape] | None = PolicyShape
    for step in path:
        if isinstance(step, str) and shape is not None:
            field = shape.model_fields.get(step)
            shape = shape_in(field.annotation) if field else None
    return dict(shape.model_fields) if shape else {}


def every_key(shape: type[Shape] = PolicyShape, path: KeyPath = ()) -> Iterator[tuple[KeyPath, FieldInfo]]:
    """Return every key with its path, in order; what stands in a list is said once."""
    for name, field in shape.model_fields.items():
        here = (*path, name)
        yield here, field
        inner = shape_in(field.annotation)
        if inner is not None:
            yield from every_key(inner, here)


MOST_PROBLEMS = 100


def shape_problems(error: ValidationError, root: Node) -> list[Problem]:
    """Return the differences from the shape, in the order of the file; past `MOST_PROBLEMS` only how many there are."""
    found = [(find(root, it["loc"])[1], it) for it in error.errors(include_url=False)]
    found.sort(key=lambda it: it[0])
    problems = [_difference(it, root) for _, it in found[:MOST_PROBLEMS]]
    if len(found) > MOST_PROBLEMS:
        line, _ = found[MOST_PROBLEMS]
        problems.append(Problem(f"from here on {len(found) - MOST_PROBLEMS} more; correct the others first", line))
    return problems


def contradiction_problems(found: Iterable[Contradiction], root: Node) -> list[Problem]:
    """Return every contradiction, in the order of the file."""
    return sorted((_contradiction(it, root) for it in found), key=lambda it: it.line or 0)


def _contradiction(it: Contradiction, root: Node) -> Problem:
    found = [find(root, (*it.place, *key)) for key in it.keys]
    line = next((line for node, line in found if node is not None), find(root, it.place)[1])
    return Problem(f"{_place(it.place, root)}: {visible(it.text)}", line)


def _difference(error: ErrorDetails, root: Node) -> Problem:
    path: KeyPath = error["loc"]
    node, line = find(root, path)
    if error["type"] == "extra_forbidden":
        return Problem(_unknown_key(path, root), line)
    if error["type"] == "missing":
        meaning = fields_at(path[:-1])[str(path[-1])].description
        return Problem(f"{_place(path[:-1], root)} has no {path[-1]}; add it: {meaning}", line)
    if error["type"] == "no_subject":
        others = "or tags, backups, or project: true"
        return Problem(
            f"{_place(path, root)} has no names; add it: {fields_at(path)['names'].description}; {others}", line
        )
    if error["type"] == "several_subjects":
        first, second = error["ctx"]["first"], error["ctx"]["second"]
        line = find(root, (*path, second))[1]
        return Problem(f"{_place(path, root)} has {first} and {second}; write an exemption for each", line)
    value = node.plain if node else None
    return Problem(f"{_place(path, root)} is {shown(value)}; write {_wanted(error, path, value)}", line)


def _unknown_key(path: KeyPath, root: Node) -> str:
    key, known = str(path[-1]), list(fields_at(path[:-1]))
    where = f" in {_place(path[:-1], root)}" if len(path) > 1 else ""
    if key == "<<":
        hint = "merge keys are not part of YAML 1.2; write the keys out"
    elif near := get_close_matches(key, known, n=1):
        hint = f"did you mean {quoted(near[0])}?"
    elif home := _home(key, path):
        hint = f"it belongs in {home}"
    else:
        hint = f"known there: {', '.join(known)}"
    return f"unknown key {quoted(key)}{where}; {hint}"


def _home(key: str, path: KeyPath) -> str | None:
    """Return the place where a key is known that is nearest to where it was written."""
    homes = [home[:-1] for home, _ in every_key() if home[-1] == key and len(home) > 1]
    near = [home for home in homes if home[0] == path[0]] or homes
    return _dotted(near[0]) if near else None


def _wanted(error: ErrorDetails, path: KeyPath, value: object) -> str:  # noqa: PLR0911  one line for each kind
    bounds = error.get("ctx", {})
    match error["type"]:
        case "wanted":
            return error["msg"]
        case "greater_than_equal" | "less_than_equal" if path == ("version",):
            return "1, the only version there is"
        case "greater_than_equal":
            return f"a number of at least {bounds['ge']:g}"
        case "less_than_equal":
            return f"a number of at most {bounds['le']:g}"
        case "string_too_long":
            return f"at most {bounds['max_length']} characters"
        case "too_short":
            return "at least one entry"
        case "enum":
            return _one_of(str(bounds["expected"]), value)
        case "string_type" if isinstance(value, (bool, int, float)):
            return "it in quotes, as it must be text"
        case kind:
            return _KINDS.get(kind, error["msg"])


def _one_of(expected: str, value: object) -> str:
    words = expected.replace("'", "")
    near = get_close_matches(str(value), words.replace(" or ", ", ").split(", "), n=1)
    return f"{words}{f' (did you mean {near[0]}?)' if near else ''}"


_KINDS = {
    "bool_type": "true or false",
    "dict_type": "a mapping, {key: value}, or leave it out",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list, [one, another]",
    "model_type": "a mapping, {key: value}, or leave it out",
    "string_type": "a text",
}


def _place(path: KeyPath, root: Node) -> str:
    """Name a place: `defaults.recovery.max_age`, `require.recovery of rules[0] "production"`."""
    if path[:1] in (("rules",), ("exemptions",)) and len(path) > 1:
        name = find(root, (*path[:2], "name"))[0]
        title = f" {quoted(name.plain)}" if name and isinstance(name.plain, str) else ""
        entry, rest = f"{path[0]}[{path[1]}]{title}", _dotted(path[2:])
        return f"{rest} of {entry}" if rest else entry
    return _dotted(path) or "the policy"


def _dotted(path: KeyPath) -> str:
    steps = (f"[{it}]" if isinstance(it, int) else f".{visible(it)}" for it in path)
    return "".join(steps).removeprefix(".")
