"""Registry entries that lead to one Pinecone project: by one key, or by what their audits read.

A key belongs to one project. Of two entries that lead to one project, the project that one of them was meant for is not
audited, and its entry looks as well as the other.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backup_auditor.domain.registry import RegisteredProject

_SECRET_ARN = re.compile(r"(arn:.+:secret:)(.+?)(-[A-Za-z0-9]{6})?")
_MAX_NAMES = 5


@dataclass(frozen=True, slots=True)
class SharedProject:
    """Entries that lead to one project, in the order of the registry, and why."""

    names: tuple[str, ...]
    reason: str

    @property
    def sentence(self) -> str:
        """Return what a report and a log say of it."""
        shown_names = [f'"{it}"' for it in self.names[:_MAX_NAMES]]
        if len(self.names) > _MAX_NAMES:
            shown_names.append(f"{len(self.names) - _MAX_NAMES:,} more")
        return (
            f"Registry entries {', '.join(shown_names[:-1])} and {shown_names[-1]} lead to one"
            f" Pinecone project ({self.reason}),"
            " so the project that one of them is meant for is not audited; give each entry a key of its own project."
        )


@dataclass(frozen=True, slots=True)
class EntryTarget:
    """Where one entry led when it was audited."""

    name: str
    key_place: str
    """Where its key was read from."""
    key: str | None
    """Stands for the key, or is it; `None` where none could be read."""
    project_id: str | None
    """Pinecone's id of the project; `None` where nothing told it."""


def find_shared_by_target(targets: Iterable[EntryTarget]) -> tuple[SharedProject, ...]:
    """Return which entries were led to one project, by their keys and by the ids that their audits read."""
    targets = list(targets)
    id_by_key = {it.key: it.project_id for it in targets if it.key is not None and it.project_id is not None}
    groups: dict[tuple[str, str], list[EntryTarget]] = defaultdict(list)
    for target in targets:
        project_id = target.project_id or (id_by_key.get(target.key) if target.key is not None else None)
        if project_id is not None:
            groups["id", project_id].append(target)
        elif target.key is not None:
            groups["key", target.key].append(target)
    return tuple(
        SharedProject(tuple(it.name for it in group), _explain_sharing(group, group_key if kind == "id" else None))
        for (kind, group_key), group in groups.items()
        if len(group) > 1
    )


def _explain_sharing(group: Sequence[EntryTarget], project_id: str | None) -> str:
    key_places = {it.key_place for it in group}
    reasons = [project_id] if project_id is not None else []
    if len(key_places) == 1:
        reasons.append(f"their key is in {key_places.pop()}")
    elif len({it.key for it in group}) == 1 and group[0].key is not None:
        reasons.append("their keys are the same")
    return "; ".join(reasons)


def find_shared_by_variable(projects: Iterable[RegisteredProject]) -> tuple[SharedProject, ...]:
    """Return which entries take their key from one variable."""
    names_and_variables = ((it.name, it.key_variable) for it in projects if it.key_variable is not None)
    return _group_by_place(names_and_variables, "their key is in the variable")


def find_shared_by_secret(projects: Iterable[RegisteredProject]) -> tuple[SharedProject, ...]:
    """Return which entries take a key from one secret, that of an editor too; its name and its ARN are one secret."""
    projects = list(projects)
    secret_names = {secret for it in projects for secret in (it.secret, it.editor_secret) if secret is not None}
    names_and_secrets = (
        (project.name, secret)
        for project in projects
        for secret in dict.fromkeys(
            _normalize_secret(name, secret_names)
            for name in (project.secret, project.editor_secret)
            if name is not None
        )
    )
    return _group_by_place(names_and_secrets, "their key is in the secret")


def _group_by_place(names_and_places: Iterable[tuple[str, str]], reason: str) -> tuple[SharedProject, ...]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, place in names_and_places:
        groups[place].append(name)
    return tuple(SharedProject(tuple(names), f"{reason} {place}") for place, names in groups.items() if len(names) > 1)


def _normalize_secret(name: str, secret_names: set[str]) -> str:
    """Return what one secret is called in every entry: AWS adds six characters to the name in an ARN."""
    match = _SECRET_ARN.fullmatch(name)
    if match is None:
        return name
    return next((it for it in (match[2] + (match[3] or ""), match[2]) if it in secret_names), f"{match[1]}{match[2]}")


def build_warnings(projects: Iterable[SharedProject]) -> Mapping[str, tuple[str, ...]]:
    """Return the sentences that the report of each entry holds, by its name."""
    warnings: dict[str, list[str]] = defaultdict(list)
    for name, sentence in _list_sentences(projects):
        warnings[name].append(sentence)
    return {name: tuple(it) for name, it in warnings.items()}


def _list_sentences(projects: Iterable[SharedProject]) -> Iterator[tuple[str, str]]:
    for project in projects:
        for name in project.names:
            yield name, project.sentence
