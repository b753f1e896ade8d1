"""Read a registry, the list of projects, and generate its JSON Schema. An invalid entry does not affect the others."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial

from backup_auditor.adapters.document_problems import (
    DocumentKind,
    DocumentProblemError,
    Problem,
    quoted,
    shown,
    visible,
)
from backup_auditor.adapters.input_file import Source, read_bytes
from backup_auditor.adapters.yaml_loader import Listed, Mapped, Node, Scalar, compose, decode
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.identifiers import (
    document_address,
    is_key,
    is_on_aws,
    key_variable,
    project_name,
    secret_name,
    topic_arn,
)
from backup_auditor.domain.outbox import NEVER, WEEKLY, Channel, ChannelKind, least_severity, weekly_all_clear
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import RegistryError

_SECRET = re.compile(r"pcsk_\w*|https?://[^\s\"]*", re.ASCII)


def unknown_keys(mapped: Mapped, known: Collection[str], place: str) -> Iterator[Problem]:
    """Tell of each key that is not known, and of the known one that is nearest."""
    from difflib import get_close_matches  # noqa: PLC0415  a correct registry needs none of it

    for key, line in mapped.key_lines.items():
        if key in known:
            continue
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {quoted(near[0])}?" if near else f"known there: {', '.join(known)}"
        yield Problem(without_secrets(f"unknown key {quoted(key)} in {place}; {hint}"), line)


def text_at(mapped: Mapped, key: str, place: str) -> str:
    """Return the text under a key. Raises `DocumentProblemError`."""
    node = mapped.items.get(key)
    if node is None:
        raise DocumentProblemError(f"{place} has no {key}; add it", mapped.line)
    if not isinstance(node, Scalar) or not isinstance(node.plain, str) or not node.plain.strip():
        raise DocumentProblemError(f"{key} of {place} is {shown(node.plain)}; write a text", node.line)
    return node.plain


def read_at[Value](mapped: Mapped, key: str, parse: Callable[[str], Value], place: str) -> Value:
    """Return what the text under a key means. Raises `DocumentProblemError`, which does not repeat the text."""
    text = text_at(mapped, key, place)
    try:
        return parse(text)
    except ValueError as error:
        raise DocumentProblemError(f"{key} of {place} {error}", mapped.items[key].line) from None


def without_secrets(text: str) -> str:
    """Return a text without anything that has the shape of a key or a webhook."""
    return _SECRET.sub("[secret]", text)


ENTRY_KEYS = ("name", "secret", "key_env", "editor_secret", "policy", "alerts")
ALERT_KEYS = ("sns", "slack", "severity", "all_is_well")
MOST_ALERTS = 20


@dataclass(frozen=True, slots=True)
class RegistryDefaults:
    """What holds for entries that do not say otherwise."""

    channels: tuple[Channel, ...] = ()
    policy: str | None = None
    tells_all_is_well: bool = False


def entry_of(
    node: Node, position: int, usual: RegistryDefaults
) -> tuple[RegisteredProject | None, tuple[EntryError, ...]]:
    """Return the project of an entry, or its mistakes. `position` counts from 1."""
    entry = _Entry(f"entry {position}")
    project = entry.project(node, usual)
    if entry.problems:
        found = sorted(entry.problems, key=lambda it: it.line or 0)
        return None, tuple(EntryError(entry.name, it.line, without_secrets(it.text)) for it in found)
    return project, ()


class _Entry:
    """One entry while it is read. What is wrong is remembered, and the reading goes on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def project(self, node: Node, usual: RegistryDefaults) -> RegisteredProject | None:
        if not isinstance(node, Mapped):
            self.problems.append(Problem(f"{self.name} is not a mapping; write {{name, secret}}", node.line))
            return None
        name = self._try(lambda: read_at(node, "name", _name, self.name))
        place = self.name if name is None else f"the project {quoted(name)}"
        self.name = name or self.name
        self.problems.extend(unknown_keys(node, ENTRY_KEYS, place))
        secret = self._optional(node, "secret", secret_name, place)
        variable = self._optional(node, "key_env", key_variable, place)
        editor = self._optional(node, "editor_secret", secret_name, place)
        policy = self._optional(node, "policy", _policy, place)
        channels = self._channels(node, usual, place)
        if not {"secret", "key_env"} & node.items.keys():
            lacks = "has neither secret nor key_env; say where its key is"
            self.problems.append(Problem(f"{place} {lacks}", node.line))
        return RegisteredProject(self.name, secret, variable, policy or usual.policy, channels, node.line, editor)

    def _channels(self, entry: Mapped, usual: RegistryDefaults, place: str) -> tuple[Channel, ...]:
        node = entry.items.get("alerts")
        if node is None:
            return usual.channels
        if not isinstance(node, Listed) or len(node.items) > MOST_ALERTS:
            why = f"alerts of {place} is no list of at most {MOST_ALERTS}; write [{{sns: ARN, severity: high}}]"
            self.problems.append(Problem(why, node.line))
            return ()
        found: dict[str, Channel] = {}
        for alert in node.items:
            channel = self._try(partial(self._channel, alert, usual, place))
            if channel is not None and channel.channel_id in found:
                again = f"{place} tells the same {channel.kind} twice; say it once, with the least of the severities"
                self.problems.append(Problem(again, alert.line))
            elif channel is not None:
                found[channel.channel_id] = channel
        return tuple(found.values())

    def _channel(self, node: Node, usual: RegistryDefaults, place: str) -> Channel:
        if not isinstance(node, Mapped) or len(node.items.keys() & {"sns", "slack"}) != 1:
            raise DocumentProblemError(
                f"an alert of {place} is neither {{sns: ARN}} nor {{slack: SECRET}}; write one", node.line
            )
        place = f"an alert of {place}"
        self.problems.extend(unknown_keys(node, ALERT_KEYS, place))
        kind, parse = (ChannelKind.SNS, topic_arn) if "sns" in node.items else (ChannelKind.SLACK, secret_name)
        severity = self._optional(node, "severity", least_severity, place)
        is_weekly = self._optional(node, "all_is_well", weekly_all_clear, place)
        return Channel(
            kind,
            read_at(node, str(kind), parse, place),
            severity or Severity.LOW,
            usual.tells_all_is_well if is_weekly is None else is_weekly,
        )

    def _optional[Value](self, node: Mapped, key: str, parse: Callable[[str], Value], place: str) -> Value | None:
        return self._try(lambda: read_at(node, key, parse, place)) if key in node.items else None

    def _try[Value](self, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except DocumentProblemError as error:
            self.problems.append(error.problem)
            return None


def _name(text: str) -> str:
    if is_key(text):
        raise ValueError("looks like a key; write what reports are to call the project")
    return project_name(text)


def _policy(text: str) -> str:
    return document_address(text) if is_on_aws(text) else text


_KIND = DocumentKind("registry", 'one says "version: 1" and "projects: [{name: search, key_env: SEARCH_API_KEY}]"')
_KEYS = ("version", "projects")
NO_DEFAULTS = RegistryDefaults()


def load_registry(given: Source) -> Registry:
    """Return the registry in a file, a pipe, or standard input (`-`). Raises `RegistryError` where it is none."""
    source = visible(str(given))
    try:
        content = read_bytes(given, _KIND)
    except DocumentProblemError as error:
        raise _registry_error(source, [error.problem]) from None
    return parse_registry(content, source)


def parse_registry(content: bytes, source: str, usual: RegistryDefaults = NO_DEFAULTS) -> Registry:
    """Return the registry in a document that was read from `source`. Raises `RegistryError` where it is none."""
    try:
        root = compose(decode(content), _KIND)
    except DocumentProblemError as error:
        raise _registry_error(source, [error.problem]) from None
    if problems := list(_entry_problem(root)):
        raise _registry_error(source, problems)
    projects: dict[str, RegisteredProject] = {}
    mistakes: list[tuple[int, EntryError]] = []
    listed = root.items["projects"]
    for position, node in enumerate(listed.items if isinstance(listed, Listed) else (), start=1):
        project, wrong = entry_of(node, position, usual)
        if project is not None and project.name in projects:
            first = projects[project.name].line
            why = f"the project {quoted(project.name)} stands here again, first on line {first}; give each its own name"
            wrong = (EntryError(project.name, node.line, without_secrets(why)),)
        elif project is not None:
            projects[project.name] = project
        mistakes.extend((position, it) for it in wrong)
    told = (replace(it, name=f"entry {position}") if it.name in projects else it for position, it in mistakes)
    return Registry(tuple(projects.values()), tuple(told), source)


def _entry_problem(root: Mapped) -> Iterator[Problem]:
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


type Schema = dict[str, object]

_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_SECRETS_NAME = r"^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$"
_TOPIC = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"


def registry_schema() -> Schema:
    """Return the schema, in the 2020-12 dialect. That a name stands twice no schema can find."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry of backup-auditor, version 1",
        "description": "The projects that are to be audited.",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "version of this format"},
            "projects": {"type": "array", "minItems": 1, "items": _project(), "description": "one entry each"},
        },
        "required": ["version", "projects"],
        "additionalProperties": False,
    }


def _project() -> Schema:
    told: dict[str, Schema] = {
        "name": {**_TEXT, "maxLength": 100, "pattern": r"^[^\s/\\.]([^/\\]*[^\s/\\])?$"},
        "secret": {"type": "string", "pattern": _SECRETS_NAME},
        "key_env": {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"},
        "editor_secret": {"type": "string", "pattern": _SECRETS_NAME},
        "policy": _TEXT,
        "alerts": {"type": "array", "maxItems": MOST_ALERTS, "items": _alert()},
    }
    meanings = (
        "what reports call the project",
        "the secret that holds its key, by name or ARN; on AWS it must have one",
        "the variable that holds its key, on a laptop",
        "the secret that holds a key of it that may write, for remediation on AWS",
        "its policy: ssm:NAME, s3://BUCKET/KEY, or on a laptop a file beside the registry",
        "where its alerts go; without it, to the channels of the stack",
    )
    return {
        "type": "object",
        "properties": {key: {**told[key], "description": it} for key, it in zip(ENTRY_KEYS, meanings, strict=True)},
        "required": ["name"],
        "anyOf": [{"required": ["secret"]}, {"required": ["key_env"]}],
        "additionalProperties": False,
    }


def _alert() -> Schema:
    return {
        "type": "object",
        "properties": {
            "sns": {"type": "string", "pattern": _TOPIC, "description": "the ARN of a topic"},
            "slack": {"type": "string", "pattern": _SECRETS_NAME, "description": "the secret that holds a webhook"},
            "severity": {"enum": [str(it) for it in Severity], "description": "the least that it hears of"},
            "all_is_well": {"enum": [WEEKLY, NEVER], "description": "whether it hears that nothing is open"},
        },
        "oneOf": [{"required": ["sns"]}, {"required": ["slack"]}],
        "additionalProperties": False,
    }
