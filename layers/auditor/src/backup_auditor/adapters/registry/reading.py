"""Reads a registry, the list of projects. What is wrong with one of its entries leaves the others as they are."""

from collections.abc import Iterator
from dataclasses import replace

from backup_auditor.adapters.input_file import Source, read_bytes
from backup_auditor.adapters.registry.entries import Usual, entry_of
from backup_auditor.adapters.registry.keys import unknown_keys, without_secrets
from backup_auditor.adapters.yaml_file.nodes import Listed, Mapped, Scalar
from backup_auditor.adapters.yaml_file.problems import Kind, Problem, RefusedError, quoted, visible
from backup_auditor.adapters.yaml_file.reading import decode
from backup_auditor.adapters.yaml_file.yaml12 import compose
from backup_auditor.domain.registry import Mistake, RegisteredProject, Registry
from backup_auditor.errors import RegistryError

_KIND = Kind("registry", 'one says "version: 1" and "projects: [{name: search, key_env: SEARCH_API_KEY}]"')
_KEYS = ("version", "projects")
NOTHING_USUAL = Usual()


def load_registry(given: Source) -> Registry:
    """Return the registry in a file, a pipe, or standard input (`-`). Raises `RegistryError` where it is none."""
    source = visible(str(given))
    try:
        content = read_bytes(given, _KIND)
    except RefusedError as error:
        raise _registry_error(source, [error.problem]) from None
    return parse_registry(content, source)


def parse_registry(content: bytes, source: str, usual: Usual = NOTHING_USUAL) -> Registry:
    """Return the registry in a document that was read from `source`. Raises `RegistryError` where it is none."""
    try:
        root = compose(decode(content), _KIND)
    except RefusedError as error:
        raise _registry_error(source, [error.problem]) from None
    if problems := list(_wrong_in(root)):
        raise _registry_error(source, problems)
    projects: dict[str, RegisteredProject] = {}
    mistakes: list[tuple[int, Mistake]] = []
    listed = root.items["projects"]
    for position, node in enumerate(listed.items if isinstance(listed, Listed) else (), start=1):
        project, wrong = entry_of(node, position, usual)
        if project is not None and project.name in projects:
            first = projects[project.name].line
            why = f"the project {quoted(project.name)} stands here again, first on line {first}; give each its own name"
            wrong = (Mistake(project.name, node.line, without_secrets(why)),)
        elif project is not None:
            projects[project.name] = project
        mistakes.extend((position, it) for it in wrong)
    told = (replace(it, name=f"entry {position}") if it.name in projects else it for position, it in mistakes)
    return Registry(tuple(projects.values()), tuple(told), source)


def _wrong_in(root: Mapped) -> Iterator[Problem]:
    """Tell what is wrong with the list itself."""
    yield from unknown_keys(root, _KEYS, "the registry")
    version = root.items.get("version")
    if not isinstance(version, Scalar) or version.plain != 1 or isinstance(version.plain, bool):
        yield Problem('has no "version: 1"; add it', version.line if version else root.line)
    listed = root.items.get("projects")
    if not isinstance(listed, Listed) or not listed.items:
        line = listed.line if listed else root.line
        yield Problem("lists no projects; add {name, secret} or {name, key_env} for each", line)


def _registry_error(source: str, problems: list[Problem]) -> RegistryError:
    return RegistryError(*(f"{source}:{it.line}: {it.text}" if it.line else f"{source}: {it.text}" for it in problems))
