"""Registry entries that lead to one Pinecone project: by one key, or by what their audits read.

A key belongs to one project. Of two entries that lead to one project, the project that one of them was meant for is not
audited, and its entry looks as well as the other.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backup_auditor.domain.registry import RegisteredProject

_SUFFIX = re.compile(r"(arn:.+:secret:)(.+?)(-[A-Za-z0-9]{6})?")
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """Entries that lead to one project, in the order of the registry, and why."""

    names: tuple[str, ...]
    why: str

    @property
    def sentence(self) -> str:
        """Return what a report and a log say of it."""
        shown = [f'"{it}"' for it in self.names[:_MOST_NAMES]]
        if len(self.names) > _MOST_NAMES:
            shown.append(f"{len(self.names) - _MOST_NAMES:,} more")
        return (
            f"Registry entries {', '.join(shown[:-1])} and {shown[-1]} lead to one Pinecone project ({self.why}),"
            " so the project that one of them is meant for is not audited; give each entry a key of its own project."
        )


@dataclass(frozen=True, slots=True)
class Lead:
    """Where one entry led when it was audited."""

    name: str
    place: str
    """Where its key was read from."""
    key: str | None
    """Stands for the key, or is it; `None` where none could be read."""
    project_id: str | None
    """Pinecone's id of the project; `None` where nothing told it."""


def shared_by_leads(leads: Iterable[Lead]) -> tuple[Shared, ...]:
    """Return which entries were led to one project, by their keys and by the ids that their audits read."""
    leads = list(leads)
    id_of_key = {it.key: it.project_id for it in leads if it.key is not None and it.project_id is not None}
    groups: dict[tuple[str, str], list[Lead]] = defaultdict(list)
    for it in leads:
        project_id = it.project_id or (id_of_key.get(it.key) if it.key is not None else None)
        if project_id is not None:
            groups["id", project_id].append(it)
        elif it.key is not None:
            groups["key", it.key].append(it)
    return tuple(
        Shared(tuple(it.name for it in group), _why(group, label if kind == "id" else None))
        for (kind, label), group in groups.items()
        if len(group) > 1
    )


def _why(group: Sequence[Lead], project_id: str | None) -> str:
    places = {it.place for it in group}
    reasons = [project_id] if project_id is not None else []
    if len(places) == 1:
        reasons.append(f"their key is in {places.pop()}")
    elif len({it.key for it in group}) == 1 and group[0].key is not None:
        reasons.append("their keys are the same")
    return "; ".join(reasons)


def shared_by_variable(projects: Iterable[RegisteredProject]) -> tuple[Shared, ...]:
    """Return which entries take their key from one variable."""
    found = ((it.name, it.key_variable) for it in projects if it.key_variable is not None)
    return _grouped(found, "their key is in the variable")


def shared_by_secret(projects: Iterable[RegisteredProject]) -> tuple[Shared, ...]:
    """Return which entries take a key from one secret, that of an editor too; its name and its ARN are one secret."""
    projects = list(projects)
    names = {secret for it in projects for secret in (it.secret, it.editor_secret) if secret is not None}
    found = (
        (it.name, secret)
        for it in projects
        for secret in dict.fromkeys(_secret(name, names) for name in (it.secret, it.editor_secret) if name is not None)
    )
    return _grouped(found, "their key is in the secret")


def _grouped(found: Iterable[tuple[str, str]], why: str) -> tuple[Shared, ...]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, place in found:
        groups[place].append(name)
    return tuple(Shared(tuple(names), f"{why} {place}") for place, names in groups.items() if len(names) > 1)


def _secret(name: str, others: set[str]) -> str:
    """Return what one secret is called in every entry: AWS adds six characters to the name in an ARN."""
    match = _SUFFIX.fullmatch(name)
    if match is None:
        return name
    return next((it for it in (match[2] + (match[3] or ""), match[2]) if it in others), f"{match[1]}{match[2]}")


def warnings_of(shared: Iterable[Shared]) -> Mapping[str, tuple[str, ...]]:
    """Return the sentences that the report of each entry holds, by its name."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, sentence in _sentences(shared):
        found[name].append(sentence)
    return {name: tuple(it) for name, it in found.items()}


def _sentences(shared: Iterable[Shared]) -> Iterator[tuple[str, str]]:
    for it in shared:
        for name in it.names:
            yield name, it.sentence
