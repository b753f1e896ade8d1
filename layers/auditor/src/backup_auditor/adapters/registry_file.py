"""A registry: the file that lists the projects to be audited, each with the variable that holds its key."""

import re
from dataclasses import dataclass
from pathlib import Path

from backup_auditor.adapters.yaml_file.nodes import Listed, Mapped, Node, Scalar
from backup_auditor.adapters.yaml_file.problems import Kind, RefusedError, quoted, shown, visible
from backup_auditor.adapters.yaml_file.reading import decode, read_bytes
from backup_auditor.adapters.yaml_file.yaml12 import compose
from backup_auditor.errors import RegistryError

_KIND = Kind("registry", 'one says "version: 1" and "projects: [{name: search, key_env: SEARCH_API_KEY}]"')
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Registered:
    """One project of a registry."""

    name: str
    key_variable: str
    """The variable of the environment that holds its key."""
    policy: Path | None
    """Its own policy, if it has one."""


def load_registry(path: Path) -> tuple[Registered, ...]:
    """Return the projects in a file, in its order. Raises `RegistryError` with the first problem and its line."""
    try:
        root = compose(decode(read_bytes(path, _KIND)), _KIND)
        return _projects(root, path.parent)
    except RefusedError as error:
        problem = error.problem
        where = f"{visible(str(path))}:{problem.line}" if problem.line else visible(str(path))
        raise RegistryError(f"{where}: {problem.text}") from None


def _projects(root: Mapped, folder: Path) -> tuple[Registered, ...]:
    _refuse_unknown(root, ("version", "projects"))
    version = root.items.get("version")
    if not isinstance(version, Scalar) or version.plain != 1 or isinstance(version.plain, bool):
        raise RefusedError('has no "version: 1"; add it', version.line if version else root.line)
    listed = root.items.get("projects")
    if not isinstance(listed, Listed) or not listed.items:
        raise RefusedError("lists no projects; add {name, key_env} for each", listed.line if listed else root.line)
    found: dict[str, Registered] = {}
    for entry in listed.items:
        project = _project(entry, folder)
        if project.name in found:
            raise RefusedError(
                f"the project {quoted(project.name)} stands here again; give each its own name", entry.line
            )
        found[project.name] = project
    return tuple(found.values())


def _project(entry: Node, folder: Path) -> Registered:
    if not isinstance(entry, Mapped):
        raise RefusedError("a project is not a mapping; write {name, key_env}", entry.line)
    _refuse_unknown(entry, ("name", "key_env", "policy"))
    variable = _text(entry, "key_env")
    if _VARIABLE.fullmatch(variable) is None:  # it may be a key itself: it is not repeated
        raise RefusedError("key_env is no name of a variable; name the variable that holds the key", entry.line)
    policy = folder / _text(entry, "policy") if "policy" in entry.items else None
    return Registered(_text(entry, "name"), variable, policy)


def _text(entry: Mapped, key: str) -> str:
    node = entry.items.get(key)
    if node is None:
        raise RefusedError(f"a project has no {key}; add it", entry.line)
    if not isinstance(node, Scalar) or not isinstance(node.plain, str) or not node.plain.strip():
        raise RefusedError(f"{key} is {shown(node.plain)}; write a text", node.line)
    return node.plain


def _refuse_unknown(mapped: Mapped, known: tuple[str, ...]) -> None:
    for key, line in mapped.key_lines.items():
        if key not in known:
            raise RefusedError(f"unknown key {quoted(key)}; known there: {', '.join(known)}", line)
