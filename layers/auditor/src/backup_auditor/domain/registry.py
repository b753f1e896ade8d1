"""The registry: which projects are to be audited, and where it is wrong about one of them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backup_auditor.domain.identifiers import is_on_aws
from backup_auditor.domain.outbox import Channel
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import RegistryError


@dataclass(frozen=True, slots=True)
class RegisteredProject:
    """One project that is to be audited."""

    name: str
    secret: str | None = None
    """The secret that holds its key; on AWS it must have one."""
    key_variable: str | None = None
    """The variable of the environment that holds its key, on a laptop."""
    policy: str | None = None
    """Its own policy: `ssm:NAME`, `s3://BUCKET/KEY`, or a file; `None` for the one that holds where none is named."""
    channels: tuple[Channel, ...] = ()
    """Where its alerts go. On AWS the channel of the events is the first of them."""
    line: int | None = None
    """Where it stands in the registry."""
    editor_secret: str | None = None
    """The secret that holds a key of it that may write; without one it is not put right on AWS."""


@dataclass(frozen=True, slots=True)
class EntryError:
    """Something wrong with one entry, which keeps that project from being audited, and no other."""

    name: str
    """The project's, or `entry N` where the entry has no name of its own."""
    line: int | None
    text: str
    """What is wrong and what to do, on one line."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The projects in their order, and the mistakes in theirs."""

    projects: tuple[RegisteredProject, ...]
    errors: tuple[EntryError, ...] = ()
    source: str = "the registry"
    """What messages call it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every project that somebody expects to be audited, each once; those with a mistake too."""
        return tuple(dict.fromkeys((*(it.name for it in self.projects), *(it.name for it in self.errors))))

    def find(self, name: str | None) -> RegisteredProject:
        """Return a project by its name, or the only one where none is named.

        Raises `RegistryError` where there is none of that name, or where its entry has a mistake.
        """
        for project in self.projects:
            if name == project.name or (name is None and len(self.names) == 1):
                return project
        if name is None and len(self.names) > 1:
            raise RegistryError(f"{len(self.names)} projects are registered; name one of them")
        error_texts = tuple(self.format_error(it) for it in self.errors if name in {None, it.name})
        if error_texts:
            raise RegistryError(*error_texts)
        raise RegistryError(
            f"{self.source}: registers no project {quote_text(str(name), 100)}; add it there, or correct the name"
        )

    def format_error(self, error: EntryError) -> str:
        """Return a mistake with the place where it stands."""
        place = f"{self.source}:{error.line}" if error.line else self.source
        return f"{place}: {error.text}"

    def filter_for_aws(self) -> "Registry":
        """Return what of it can be audited on AWS; what an entry lacks for that is a mistake there."""
        missing_settings = tuple(it for project in self.projects for it in _find_missing_settings(project))
        incomplete_names = {it.name for it in missing_settings}
        complete_projects = tuple(it for it in self.projects if it.name not in incomplete_names)
        return Registry(complete_projects, (*self.errors, *missing_settings), self.source)


def _find_missing_settings(project: RegisteredProject) -> Iterator[EntryError]:
    if project.secret is None:
        problem = "has no secret, and on AWS its key is read from one; add secret: NAME"
        yield EntryError(project.name, project.line, f'the project "{project.name}" {problem}')
    if project.policy is not None and not is_on_aws(project.policy):
        problem = "has a file for a policy, and on AWS there is none; write ssm:NAME or s3://BUCKET/KEY"
        yield EntryError(project.name, project.line, f'the project "{project.name}" {problem}')


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
