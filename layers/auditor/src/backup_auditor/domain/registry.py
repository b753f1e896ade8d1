"""The registry: the projects to audit and to ignore, invalid entries, and entries that open the same Pinecone project.

A key belongs to one project. If two entries open the same project, the project that one of them was meant for is not
audited, but its entry looks valid.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from backup_auditor.domain.identifiers import get_secret_path, is_on_aws
from backup_auditor.domain.outbox import Channel, ChannelKind, FleetChannel
from backup_auditor.domain.text import join_names, quote_text
from backup_auditor.errors import RegistryError


@dataclass(frozen=True, slots=True)
class RegisteredProject:
    """One registered project."""

    name: str
    secret: str | None = None
    """The secret that contains its key. On AWS it is required."""
    key_variable: str | None = None
    """The environment variable that contains its key, on a laptop."""
    policy: str | None = None
    """Its policy: `ssm:NAME`, `s3://BUCKET/KEY`, or a file; `None` for the default policy."""
    channels: tuple[Channel, ...] = ()
    """The destinations of its alerts. On AWS the first one is the channel of the events."""
    line: int | None = None
    """Its line in the registry."""
    editor_secret: str | None = None
    """The secret that contains a key with write permission. Without it, remediation on AWS is not possible."""
    ping_secret: str | None = None
    """The secret that contains a URL to call on AWS while the project is audited."""
    drill_secret: str | None = None
    """The secret that contains a key for restore drills. Without it, the project has none on AWS."""
    project_id: str | None = None
    """Pinecone's id of the project, if the entry names it."""
    inherited_keys: frozenset[str] = frozenset()
    """The keys whose values come from the defaults of the registry."""
    has_own_channels: bool = False
    """Whether the registry names its channels, or says that it has none; else they are those of the stack."""

    @property
    def key_secrets(self) -> tuple[str, ...]:
        """The secrets that contain its keys."""
        return tuple(it for it in (self.secret, self.editor_secret, self.drill_secret) if it is not None)


@dataclass(frozen=True, slots=True)
class NamePrefixes:
    """How the names in a registry must begin: the roles of a stack allow no others."""

    keys: str = ""
    webhooks: str = ""
    pings: str = ""
    editor_keys: str | None = None
    """`None` in a function that reads no key with write access."""
    drill_keys: str | None = None
    """`None` in a function that reads no key for restore drills."""
    topics: tuple[str, ...] = ()
    """The beginnings of ARNs; empty in a function that knows no channels."""


FLEET_KEY = "fleet_channels"
"""The key of a registry with the channels of the fleet."""
ANY_NAMES = NamePrefixes()
"""No limit, as on a laptop."""


@dataclass(frozen=True, slots=True)
class EntryError:
    """An error in one entry. Only its project is not audited."""

    name: str
    """The name of the project, or `entry N` if the entry has none."""
    line: int | None
    text: str
    """What is wrong and what to do, in one line."""
    project_id: str | None = None
    """Pinecone's id of the project, if the entry is valid but not allowed on AWS and names it."""


@dataclass(frozen=True, slots=True)
class IgnoredProject:
    """A project of the organization that is left out on purpose."""

    project: str
    """Its id or its name at Pinecone."""
    owner: str
    reason: str
    expires: date
    """The last day, in UTC."""
    line: int | None = None
    """Its line in the registry."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The projects and the errors, each in the order of the file."""

    projects: tuple[RegisteredProject, ...]
    errors: tuple[EntryError, ...] = ()
    source: str = "the registry"
    """The name of the registry in messages."""
    ignored_projects: tuple[IgnoredProject, ...] = ()
    ignore_errors: tuple[EntryError, ...] = ()
    """The errors of the projects to ignore. They affect no audit."""
    has_default_key: bool = False
    """Whether an entry that is only a name has a key."""
    fleet_channels: tuple[FleetChannel, ...] = ()
    """The destinations of messages about all projects together."""
    fleet_errors: tuple[EntryError, ...] = ()
    """The errors of these channels. They affect no audit."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all projects, those with an error too, without duplicates."""
        return tuple(dict.fromkeys((*(it.name for it in self.projects), *(it.name for it in self.errors))))

    def find(self, name: str | None) -> RegisteredProject:
        """Return a project by its name; with `None`, the only one. Raises `RegistryError` if it has none."""
        for project in self.projects:
            if name == project.name or (name is None and len(self.names) == 1):
                return project
        if name is None and len(self.names) > 1:
            raise RegistryError(f"{len(self.names)} projects are registered; name one of them")
        error_texts = tuple(self.format_error(it) for it in self.errors if name in {None, it.name})
        if error_texts:
            raise RegistryError(*error_texts)
        raise RegistryError(
            f"{self.source}: does not contain the project {quote_text(str(name), 100)}; add it, or correct the name"
        )

    def format_error(self, error: EntryError) -> str:
        """Return the text of an error with its file and line."""
        place = f"{self.source}:{error.line}" if error.line else self.source
        return f"{place}: {error.text}"

    def filter_for_aws(self, prefixes: NamePrefixes = ANY_NAMES) -> "Registry":
        """Return the registry for a stack on AWS. A setting that is missing or not allowed is an error of the entry.

        A channel of the fleet that is not allowed is left out, with an error of its own.
        """
        errors = tuple(
            EntryError(it.name, it.line, f'the project "{it.name}" {problem}', it.project_id)
            for it in self.projects
            for problem in _find_problems_on_aws(it, prefixes)
        )
        invalid_names = {it.name for it in errors}
        valid_projects = tuple(it for it in self.projects if it.name not in invalid_names)
        problems = {it.channel: tuple(_find_channel_problems(it.channel, prefixes)) for it in self.fleet_channels}
        return replace(
            self,
            projects=valid_projects,
            errors=(*self.errors, *errors),
            fleet_channels=tuple(it for it in self.fleet_channels if not problems[it.channel]),
            fleet_errors=(
                *self.fleet_errors,
                *(EntryError(FLEET_KEY, None, f"{FLEET_KEY} {it}") for texts in problems.values() for it in texts),
            ),
        )


def _find_problems_on_aws(project: RegisteredProject, prefixes: NamePrefixes) -> Iterator[str]:
    if project.secret is None:
        yield "has no secret, which is required on AWS; add secret: NAME"
    else:
        yield from _find_prefix_problem("secret", project.secret, prefixes.keys)
    if project.editor_secret is not None and prefixes.editor_keys is not None:
        yield from _find_prefix_problem("editor_secret", project.editor_secret, prefixes.editor_keys)
    if project.drill_secret is not None and prefixes.drill_keys is not None:
        yield from _find_prefix_problem("drill_secret", project.drill_secret, prefixes.drill_keys)
    if project.policy is not None and not is_on_aws(project.policy):
        yield "has a policy file, but AWS has no files; write ssm:NAME or s3://BUCKET/KEY"
    if project.ping_secret is not None:
        yield from _find_prefix_problem("ping_secret", project.ping_secret, prefixes.pings)
    for channel in project.channels:
        yield from _find_channel_problems(channel, prefixes)


def _find_channel_problems(channel: Channel, prefixes: NamePrefixes) -> Iterator[str]:
    if channel.kind is ChannelKind.SLACK:
        yield from _find_prefix_problem("slack", channel.target, prefixes.webhooks)
    elif channel.kind is ChannelKind.SNS and prefixes.topics and not channel.target.startswith(prefixes.topics):
        remedy = f"name a topic whose ARN starts with {prefixes.topics[-1]}"
        yield f"has the topic {channel.target}, to which the stack may not publish; {remedy}"


def _find_prefix_problem(key: str, secret: str, prefix: str) -> Iterator[str]:
    if not get_secret_path(secret).startswith(prefix):
        yield f"has the {key} {secret}, which the stack may not read; give it a name that starts with {prefix}"


_SECRET_ARN = re.compile(r"(arn:.+:secret:)(.+?)(-[A-Za-z0-9]{6})?")


@dataclass(frozen=True, slots=True)
class SharedProject:
    """Entries that open the same Pinecone project, in the order of the registry, with the reason."""

    names: tuple[str, ...]
    reason: str

    @property
    def sentence(self) -> str:
        """The warning in reports and logs."""
        names = join_names(f'"{it}"' for it in self.names)
        return (
            f"Registry entries {names} open the same Pinecone project ({self.reason}), so another project is not"
            " audited; give each entry a key of its own project."
        )


@dataclass(frozen=True, slots=True)
class EntryTarget:
    """The Pinecone project and the key of one entry when it was audited."""

    name: str
    key_place: str
    """The source of its key, for messages."""
    key: str | None
    """The key, or a value that represents it; `None` if no key could be read."""
    project_id: str | None
    """Pinecone's id of the project; `None` if unknown."""


def find_shared_by_target(targets: Iterable[EntryTarget]) -> tuple[SharedProject, ...]:
    """Return the groups of entries that led to one project, by their keys and by the ids that their audits read."""
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
    return ", ".join(reasons)


def find_shared_by_variable(projects: Iterable[RegisteredProject]) -> tuple[SharedProject, ...]:
    """Return the groups of entries that read their key from one variable."""
    names_and_variables = ((it.name, it.key_variable) for it in projects if it.key_variable is not None)
    return _group_by_place(names_and_variables, "their key is in the variable")


def find_shared_by_secret(projects: Iterable[RegisteredProject]) -> tuple[SharedProject, ...]:
    """Return the groups of entries that read a key from one secret. A name and its ARN are one secret."""
    projects = list(projects)
    secret_names = {secret for it in projects for secret in it.key_secrets}
    names_and_secrets = (
        (project.name, secret)
        for project in projects
        for secret in dict.fromkeys(_normalize_secret(name, secret_names) for name in project.key_secrets)
    )
    return _group_by_place(names_and_secrets, "their key is in the secret")


def _group_by_place(names_and_places: Iterable[tuple[str, str]], reason: str) -> tuple[SharedProject, ...]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, place in names_and_places:
        groups[place].append(name)
    return tuple(SharedProject(tuple(names), f"{reason} {place}") for place, names in groups.items() if len(names) > 1)


def _normalize_secret(name: str, secret_names: set[str]) -> str:
    """Return one name for a secret in all entries. In an ARN, AWS appends six characters to the name."""
    match = _SECRET_ARN.fullmatch(name)
    if match is None:
        return name
    return next((it for it in (match[2] + (match[3] or ""), match[2]) if it in secret_names), f"{match[1]}{match[2]}")


def build_warnings(projects: Iterable[SharedProject]) -> Mapping[str, tuple[str, ...]]:
    """Return the warnings for the report of each entry, by its name."""
    warnings: dict[str, list[str]] = defaultdict(list)
    for project in projects:
        for name in project.names:
            warnings[name].append(project.sentence)
    return {name: tuple(it) for name, it in warnings.items()}
