"""Read a registry, the list of projects, and generate its JSON Schema. An invalid entry does not affect the others."""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from backup_auditor.adapters.documents import (
    DocumentKind,
    DocumentProblemError,
    InputSource,
    Problem,
    describe_value,
    format_problems,
    quote_excerpt,
    read_bytes,
    suggest_key,
)
from backup_auditor.adapters.yaml_loader import ListNode, MappingNode, Node, ScalarNode, compose_document, decode_text
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.identifiers import (
    PROJECT_NAME_PATTERN,
    SECRET_NAME_PATTERN,
    TOPIC_ARN_PATTERN,
    VARIABLE_PATTERN,
    is_key,
    is_on_aws,
    parse_document_address,
    parse_key_variable,
    parse_project_name,
    parse_secret_name,
    parse_topic_arn,
)
from backup_auditor.domain.outbox import Channel, ChannelKind, parse_min_severity
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.errors import RegistryError

_SECRET_PATTERN = re.compile(r"pcsk_\w*|https?://[^\s\"]*", re.ASCII)


def find_unknown_keys(mapping: MappingNode, known_keys: Collection[str], label: str) -> Iterator[Problem]:
    """Yield a problem for each unknown key, with the nearest known key."""
    for key, line in mapping.key_lines.items():
        if key not in known_keys:
            text = f"unknown key {quote_excerpt(key)} in {label}; {suggest_key(key, known_keys)}"
            yield Problem(redact_secrets(text), line)


def read_node_text(mapping: MappingNode, key: str, label: str) -> str:
    """Return the text under a key. Raises `DocumentProblemError`."""
    node = mapping.items.get(key)
    if node is None:
        raise DocumentProblemError(f"{label} has no {key}; add it", mapping.line)
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.value.strip():
        raise DocumentProblemError(f"{key} of {label} is {describe_value(node.value)}; write text", node.line)
    return node.value


def read_node_value[Value](mapping: MappingNode, key: str, parse: Callable[[str], Value], label: str) -> Value:
    """Return the parsed text under a key. Raises `DocumentProblemError`, which does not repeat the text."""
    text = read_node_text(mapping, key, label)
    try:
        return parse(text)
    except ValueError as error:
        raise DocumentProblemError(f"{key} of {label} {error}", mapping.items[key].line) from None


def read_node_flag(mapping: MappingNode, key: str, label: str) -> bool | None:
    """Return the boolean under a key, `None` where the key is absent. Raises `DocumentProblemError`."""
    node = mapping.items.get(key)
    if node is None or isinstance(node.value, bool):
        return None if node is None else bool(node.value)
    raise DocumentProblemError(f"{key} of {label} is {describe_value(node.value)}; write true or false", node.line)


def redact_secrets(text: str) -> str:
    """Return a text in which keys and webhook URLs are replaced by `[secret]`."""
    return _SECRET_PATTERN.sub("[secret]", text)


ENTRY_KEYS = ("name", "secret", "key_env", "editor_secret", "policy", "alerts")
ALERT_KEYS = ("sns", "slack", "severity", "weekly_summary")
MAX_ALERTS = 20


@dataclass(frozen=True, slots=True)
class RegistryDefaults:
    """The defaults of entries: settings that an entry may replace."""

    channels: tuple[Channel, ...] = ()
    policy: str | None = None
    has_weekly_summary: bool = False


def parse_entry(
    node: Node, position: int, defaults: RegistryDefaults
) -> tuple[RegisteredProject | None, tuple[EntryError, ...]]:
    """Return the project of an entry, or `None` and its errors. `position` counts from 1."""
    parser = _EntryParser(f"entry {position}")
    project = parser.parse_project(node, defaults)
    if parser.problems:
        problems = sorted(parser.problems, key=lambda it: it.line or 0)
        return None, tuple(EntryError(parser.name, it.line, redact_secrets(it.text)) for it in problems)
    return project, ()


class _EntryParser:
    """Reads one entry and collects its problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def parse_project(self, node: Node, defaults: RegistryDefaults) -> RegisteredProject | None:
        if not isinstance(node, MappingNode):
            self.problems.append(Problem(f"{self.name} is not a mapping; write {{name, secret}}", node.line))
            return None
        name = self._try_read(lambda: read_node_value(node, "name", _parse_name, self.name))
        label = self.name if name is None else f"the project {quote_excerpt(name)}"
        self.name = name or self.name
        self.problems.extend(find_unknown_keys(node, ENTRY_KEYS, label))
        secret = self._parse_optional(node, "secret", parse_secret_name, label)
        variable = self._parse_optional(node, "key_env", parse_key_variable, label)
        editor = self._parse_optional(node, "editor_secret", parse_secret_name, label)
        policy = self._parse_optional(node, "policy", _parse_policy_address, label)
        channels = self._parse_channels(node, defaults, label)
        if not {"secret", "key_env"} & node.items.keys():
            problem_text = "has neither secret nor key_env; add one of them for its API key"
            self.problems.append(Problem(f"{label} {problem_text}", node.line))
        return RegisteredProject(self.name, secret, variable, policy or defaults.policy, channels, node.line, editor)

    def _parse_channels(self, entry: MappingNode, defaults: RegistryDefaults, label: str) -> tuple[Channel, ...]:
        node = entry.items.get("alerts")
        if node is None:
            return defaults.channels
        if not isinstance(node, ListNode) or len(node.items) > MAX_ALERTS:
            list_problem = (
                f"alerts of {label} is not a list of at most {MAX_ALERTS}; write [{{sns: ARN, severity: high}}]"
            )
            self.problems.append(Problem(list_problem, node.line))
            return ()
        channels: dict[str, Channel] = {}
        for alert in node.items:
            channel = self._try_read(partial(self._parse_channel, alert, defaults, label))
            if channel is not None and channel.channel_id in channels:
                duplicate_problem = (
                    f"{label} has the same {channel.kind} channel twice; keep the one with the lowest severity"
                )
                self.problems.append(Problem(duplicate_problem, alert.line))
            elif channel is not None:
                channels[channel.channel_id] = channel
        return tuple(channels.values())

    def _parse_channel(self, node: Node, defaults: RegistryDefaults, label: str) -> Channel:
        if not isinstance(node, MappingNode) or len(node.items.keys() & {"sns", "slack"}) != 1:
            raise DocumentProblemError(
                f"an alert of {label} is neither {{sns: ARN}} nor {{slack: SECRET}}; write one", node.line
            )
        label = f"an alert of {label}"
        self.problems.extend(find_unknown_keys(node, ALERT_KEYS, label))
        kind, parse = (
            (ChannelKind.SNS, parse_topic_arn) if "sns" in node.items else (ChannelKind.SLACK, parse_secret_name)
        )
        severity = self._parse_optional(node, "severity", parse_min_severity, label)
        weekly_summary = self._try_read(lambda: read_node_flag(node, "weekly_summary", label))
        return Channel(
            kind,
            read_node_value(node, str(kind), parse, label),
            severity or Severity.LOW,
            defaults.has_weekly_summary if weekly_summary is None else weekly_summary,
        )

    def _parse_optional[Value](
        self, node: MappingNode, key: str, parse: Callable[[str], Value], label: str
    ) -> Value | None:
        return self._try_read(lambda: read_node_value(node, key, parse, label)) if key in node.items else None

    def _try_read[Value](self, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except DocumentProblemError as error:
            self.problems.append(error.problem)
            return None


def _parse_name(text: str) -> str:
    if is_key(text):
        raise ValueError("looks like an API key; write the name of the project in reports")
    return parse_project_name(text)


def _parse_policy_address(text: str) -> str:
    return parse_document_address(text) if is_on_aws(text) else text


_DOCUMENT_KIND = DocumentKind(
    "registry", 'one says "version: 1" and "projects: [{name: search, key_env: SEARCH_API_KEY}]"'
)
_ROOT_KEYS = ("version", "projects")
NO_DEFAULTS = RegistryDefaults()


def load_registry(input_source: InputSource) -> Registry:
    """Return the registry in a file, a pipe, or standard input (`-`). Raises `RegistryError`."""
    source = escape_control_characters(str(input_source))
    with _translate_problems(source):
        content = read_bytes(input_source, _DOCUMENT_KIND)
    return parse_registry(content, source)


@contextmanager
def _translate_problems(source: str) -> Iterator[None]:
    try:
        yield
    except DocumentProblemError as error:
        raise RegistryError(*format_problems(source, [error.problem])) from None


def parse_registry(content: bytes, source: str, defaults: RegistryDefaults = NO_DEFAULTS) -> Registry:
    """Return the registry in a document that was read from `source`. Raises `RegistryError`."""
    with _translate_problems(source):
        root = compose_document(decode_text(content), _DOCUMENT_KIND)
    if problems := list(_find_root_problems(root)):
        raise RegistryError(*format_problems(source, problems))
    projects: dict[str, RegisteredProject] = {}
    errors: list[tuple[int, EntryError]] = []
    projects_node = root.items["projects"]
    for position, node in enumerate(projects_node.items if isinstance(projects_node, ListNode) else (), start=1):
        project, entry_errors = parse_entry(node, position, defaults)
        if project is not None and project.name in projects:
            first_line = projects[project.name].line
            problem_text = (
                f"the project {quote_excerpt(project.name)} is a duplicate, first on line"
                f" {first_line}; give each project its own name"
            )
            entry_errors = (EntryError(project.name, node.line, redact_secrets(problem_text)),)
        elif project is not None:
            projects[project.name] = project
        errors.extend((position, it) for it in entry_errors)
    named_errors = (replace(it, name=f"entry {position}") if it.name in projects else it for position, it in errors)
    return Registry(tuple(projects.values()), tuple(named_errors), source)


def _find_root_problems(root: MappingNode) -> Iterator[Problem]:
    """Yield the problems of the registry outside its entries."""
    yield from find_unknown_keys(root, _ROOT_KEYS, "the registry")
    version = root.items.get("version")
    if not isinstance(version, ScalarNode) or version.value != 1 or isinstance(version.value, bool):
        yield Problem('has no "version: 1"; add it', version.line if version else root.line)
    projects_node = root.items.get("projects")
    if not isinstance(projects_node, ListNode) or not projects_node.items:
        line = projects_node.line if projects_node else root.line
        yield Problem("lists no projects; add {name, secret} or {name, key_env} for each", line)


type JsonSchema = dict[str, object]

_TEXT_SCHEMA: JsonSchema = {"type": "string", "pattern": r"\S"}
_SECRET_SCHEMA: JsonSchema = {"type": "string", "pattern": f"^{SECRET_NAME_PATTERN}$"}


def build_registry_schema() -> JsonSchema:
    """Return the JSON Schema of a registry, in the 2020-12 dialect. It cannot find duplicate names."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry of backup-auditor, version 1",
        "description": "The projects to audit.",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "version of this format"},
            "projects": {
                "type": "array",
                "minItems": 1,
                "items": _build_project_schema(),
                "description": "one entry each",
            },
        },
        "required": ["version", "projects"],
        "additionalProperties": False,
    }


def _build_project_schema() -> JsonSchema:
    properties: dict[str, JsonSchema] = {
        "name": {"type": "string", "pattern": f"^{PROJECT_NAME_PATTERN}$"},
        "secret": _SECRET_SCHEMA,
        "key_env": {"type": "string", "pattern": f"^{VARIABLE_PATTERN}$"},
        "editor_secret": _SECRET_SCHEMA,
        "policy": _TEXT_SCHEMA,
        "alerts": {"type": "array", "maxItems": MAX_ALERTS, "items": _build_alert_schema()},
    }
    descriptions = (
        "name of the project in reports",
        "name or ARN of the secret that holds its API key; required on AWS",
        "environment variable that holds its API key, for local audits",
        "name or ARN of the secret that holds its API key with write access, for remediation on AWS",
        "its policy: ssm:NAME, s3://BUCKET/KEY, or for local audits a path relative to the registry",
        "channels for its alerts; without it, the channels of the stack",
    )
    return {
        "type": "object",
        "properties": {
            key: {**properties[key], "description": it} for key, it in zip(ENTRY_KEYS, descriptions, strict=True)
        },
        "required": ["name"],
        "anyOf": [{"required": ["secret"]}, {"required": ["key_env"]}],
        "additionalProperties": False,
    }


def _build_alert_schema() -> JsonSchema:
    return {
        "type": "object",
        "properties": {
            "sns": {"type": "string", "pattern": f"^{TOPIC_ARN_PATTERN}$", "description": "ARN of an SNS topic"},
            "slack": {**_SECRET_SCHEMA, "description": "name or ARN of the secret that holds a Slack webhook"},
            "severity": {
                "enum": [str(it) for it in Severity],
                "description": "lowest severity that the channel receives",
            },
            "weekly_summary": {
                "type": "boolean",
                "description": "whether the channel gets a weekly summary when nothing is open",
            },
        },
        "oneOf": [{"required": ["sns"]}, {"required": ["slack"]}],
        "additionalProperties": False,
    }
