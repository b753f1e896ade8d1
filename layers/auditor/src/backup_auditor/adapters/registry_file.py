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
_DOCUMENT_KIND = DocumentKind(
    "registry", 'one says "version: 1" and "projects: [{name: search, key_env: SEARCH_API_KEY}]"'
)
_MAX_ALERTS = 20

type JsonSchema = dict[str, object]


def _define_text(pattern: str, description: str) -> JsonSchema:
    return {"type": "string", "pattern": pattern, "description": description}


_ALERT_KEYS: dict[str, JsonSchema] = {
    "sns": _define_text(f"^{TOPIC_ARN_PATTERN}$", "ARN of an SNS topic"),
    "slack": _define_text(
        f"^{SECRET_NAME_PATTERN}$", "secret that holds a Slack webhook: its name or ARN, or ssm:NAME"
    ),
    "severity": {
        "enum": [str(it) for it in Severity],
        "description": "lowest severity that the channel receives",
    },
    "weekly_summary": {
        "type": "boolean",
        "description": "whether the channel gets a weekly summary when nothing is open",
    },
}
_ALERTS_SCHEMA: JsonSchema = {
    "type": "array",
    "maxItems": _MAX_ALERTS,
    "items": {
        "type": "object",
        "properties": _ALERT_KEYS,
        "oneOf": [{"required": ["sns"]}, {"required": ["slack"]}],
        "additionalProperties": False,
    },
    "description": "channels for its alerts; without it, the channels of the stack",
}
_ENTRY_KEYS: dict[str, JsonSchema] = {
    "name": _define_text(f"^{PROJECT_NAME_PATTERN}$", "name of the project in reports"),
    "secret": _define_text(
        f"^{SECRET_NAME_PATTERN}$", "secret that holds its API key: its name or ARN, or ssm:NAME; required on AWS"
    ),
    "key_env": _define_text(f"^{VARIABLE_PATTERN}$", "environment variable that holds its API key, for local audits"),
    "editor_secret": _define_text(
        f"^{SECRET_NAME_PATTERN}$",
        "secret that holds its API key with write access, for remediation on AWS: its name or ARN, or ssm:NAME",
    ),
    "drill_secret": _define_text(
        f"^{SECRET_NAME_PATTERN}$",
        "secret that holds its API key for restore drills on AWS: its name or ARN, or ssm:NAME",
    ),
    "ping_secret": _define_text(
        f"^{SECRET_NAME_PATTERN}$",
        "secret that holds a URL to call every hour on AWS while the project is audited: its name or ARN, or ssm:NAME",
    ),
    "policy": _define_text(
        r"\S", "its policy: ssm:NAME, s3://BUCKET/KEY, or for local audits a path relative to the registry"
    ),
    "alerts": _ALERTS_SCHEMA,
}
_ROOT_KEYS: dict[str, JsonSchema] = {
    "version": {"const": 1, "description": "version of this format"},
    "projects": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": _ENTRY_KEYS,
            "required": ["name"],
            "anyOf": [{"required": ["secret"]}, {"required": ["key_env"]}],
            "additionalProperties": False,
        },
        "description": "one entry each",
    },
}


def build_registry_schema() -> JsonSchema:
    """Return the JSON Schema of a registry, in the 2020-12 dialect. It cannot find duplicate names."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry of backup-auditor, version 1",
        "description": "The projects to audit.",
        "type": "object",
        "properties": _ROOT_KEYS,
        "required": ["version", "projects"],
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class RegistryDefaults:
    """The defaults of entries: settings that an entry may replace."""

    channels: tuple[Channel, ...] = ()
    policy: str | None = None
    has_weekly_summary: bool = False


_NO_DEFAULTS = RegistryDefaults()


def load_registry(input_source: InputSource) -> Registry:
    """Return the registry in a file, a pipe, or standard input (`-`). Raises `RegistryError`."""
    source = escape_control_characters(str(input_source))
    with _translate_problems(source):
        content = read_bytes(input_source, _DOCUMENT_KIND)
    return parse_registry(content, source)


def parse_registry(content: bytes, source: str, defaults: RegistryDefaults = _NO_DEFAULTS) -> Registry:
    """Return the registry in a document that was read from `source`. Raises `RegistryError`."""
    with _translate_problems(source):
        root = compose_document(decode_text(content), _DOCUMENT_KIND)
    if problems := list(_find_root_problems(root)):
        raise RegistryError(*format_problems(source, problems))
    projects: dict[str, RegisteredProject] = {}
    errors: list[tuple[int, EntryError]] = []
    projects_node = root.items["projects"]
    for position, node in enumerate(projects_node.items if isinstance(projects_node, ListNode) else (), start=1):
        parser = _EntryParser(f"entry {position}", defaults)
        project = parser.parse_project(node)
        if project is not None and project.name in projects:
            first_line = projects[project.name].line
            reason = f"is a duplicate, first on line {first_line}; give each project its own name"
            parser.add_problem(f"the project {quote_excerpt(project.name)} {reason}", node)
        elif project is not None:
            projects[project.name] = project
        problems = sorted(parser.problems, key=lambda it: it.line or 0)
        errors.extend((position, EntryError(parser.name, it.line, _redact_secrets(it.text))) for it in problems)
    named_errors = (replace(it, name=f"entry {position}") if it.name in projects else it for position, it in errors)
    return Registry(tuple(projects.values()), tuple(named_errors), source)


@contextmanager
def _translate_problems(source: str) -> Iterator[None]:
    try:
        yield
    except DocumentProblemError as error:
        raise RegistryError(*format_problems(source, [error.problem])) from None


def _find_root_problems(root: MappingNode) -> Iterator[Problem]:
    """Yield the problems of the registry outside its entries."""
    yield from _find_unknown_keys(root, _ROOT_KEYS, "the registry")
    version = root.items.get("version")
    if not isinstance(version, ScalarNode) or version.value != 1 or isinstance(version.value, bool):
        yield Problem('has no "version: 1"; add it', version.line if version else root.line)
    projects_node = root.items.get("projects")
    if not isinstance(projects_node, ListNode) or not projects_node.items:
        line = projects_node.line if projects_node else root.line
        yield Problem("lists no projects; add {name, secret} or {name, key_env} for each", line)


class _EntryParser:
    """Parses one entry and collects its problems. `name` is that of the entry until the name of its project is read."""

    def __init__(self, name: str, defaults: RegistryDefaults) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._defaults = defaults

    def add_problem(self, text: str, node: Node) -> None:
        self.problems.append(Problem(text, node.line))

    def parse_project(self, node: Node) -> RegisteredProject | None:
        """Return the project of an entry, `None` if it has problems."""
        if not isinstance(node, MappingNode):
            self.add_problem(f"{self.name} is not a mapping; write {{name, secret}}", node)
            return None
        name = self._try_read(lambda: _read_value(node, "name", _parse_name, self.name))
        label = self.name if name is None else f"the project {quote_excerpt(name)}"
        self.name = name or self.name
        self.problems.extend(_find_unknown_keys(node, _ENTRY_KEYS, label))
        secret = self._parse_optional(node, "secret", parse_secret_name, label)
        variable = self._parse_optional(node, "key_env", parse_key_variable, label)
        editor = self._parse_optional(node, "editor_secret", parse_secret_name, label)
        drill_secret = self._parse_optional(node, "drill_secret", parse_secret_name, label)
        ping_secret = self._parse_optional(node, "ping_secret", parse_secret_name, label)
        policy = self._parse_optional(node, "policy", _parse_policy_address, label) or self._defaults.policy
        channels = self._parse_channels(node, label)
        if not {"secret", "key_env"} & node.items.keys():
            self.add_problem(f"{label} has neither secret nor key_env; add one of them for its API key", node)
        if self.problems:
            return None
        return RegisteredProject(
            self.name, secret, variable, policy, channels, node.line, editor, ping_secret, drill_secret
        )

    def _parse_channels(self, entry: MappingNode, label: str) -> tuple[Channel, ...]:
        node = entry.items.get("alerts")
        if node is None:
            return self._defaults.channels
        if not isinstance(node, ListNode) or len(node.items) > _MAX_ALERTS:
            remedy = "write [{sns: ARN, severity: high}]"
            self.add_problem(f"alerts of {label} is not a list of at most {_MAX_ALERTS}; {remedy}", node)
            return ()
        channels: dict[str, Channel] = {}
        for alert in node.items:
            channel = self._try_read(partial(self._parse_channel, alert, label))
            if channel is not None and channel.channel_id in channels:
                remedy = "keep the one with the lowest severity"
                self.add_problem(f"{label} has the same {channel.kind} channel twice; {remedy}", alert)
            elif channel is not None:
                channels[channel.channel_id] = channel
        return tuple(channels.values())

    def _parse_channel(self, node: Node, label: str) -> Channel:
        if not isinstance(node, MappingNode) or len(node.items.keys() & {"sns", "slack"}) != 1:
            raise DocumentProblemError(
                f"an alert of {label} is neither {{sns: ARN}} nor {{slack: SECRET}}; write one", node.line
            )
        label = f"an alert of {label}"
        self.problems.extend(_find_unknown_keys(node, _ALERT_KEYS, label))
        is_topic = "sns" in node.items
        kind, parse = (ChannelKind.SNS, parse_topic_arn) if is_topic else (ChannelKind.SLACK, parse_secret_name)
        severity = self._parse_optional(node, "severity", parse_min_severity, label)
        weekly_summary = self._try_read(lambda: _read_flag(node, "weekly_summary", label))
        return Channel(
            kind,
            _read_value(node, str(kind), parse, label),
            severity or Severity.LOW,
            self._defaults.has_weekly_summary if weekly_summary is None else weekly_summary,
        )

    def _parse_optional[Value](
        self, node: MappingNode, key: str, parse: Callable[[str], Value], label: str
    ) -> Value | None:
        return self._try_read(lambda: _read_value(node, key, parse, label)) if key in node.items else None

    def _try_read[Value](self, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except DocumentProblemError as error:
            self.problems.append(error.problem)
            return None


def _find_unknown_keys(mapping: MappingNode, known_keys: Collection[str], label: str) -> Iterator[Problem]:
    """Yield a problem for each unknown key, with the nearest known key."""
    for key, line in mapping.key_lines.items():
        if key not in known_keys:
            text = f"unknown key {quote_excerpt(key)} in {label}; {suggest_key(key, known_keys)}"
            yield Problem(_redact_secrets(text), line)


def _read_value[Value](mapping: MappingNode, key: str, parse: Callable[[str], Value], label: str) -> Value:
    """Return the parsed text under a key. Raises `DocumentProblemError`, which does not repeat a text."""
    node = mapping.items.get(key)
    if node is None:
        raise DocumentProblemError(f"{label} has no {key}; add it", mapping.line)
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.value.strip():
        raise DocumentProblemError(f"{key} of {label} is {describe_value(node.value)}; write text", node.line)
    try:
        return parse(node.value)
    except ValueError as error:
        raise DocumentProblemError(f"{key} of {label} {error}", node.line) from None


def _read_flag(mapping: MappingNode, key: str, label: str) -> bool | None:
    """Return the boolean under a key, `None` where the key is absent. Raises `DocumentProblemError`."""
    node = mapping.items.get(key)
    if node is None or isinstance(node.value, bool):
        return None if node is None else bool(node.value)
    raise DocumentProblemError(f"{key} of {label} is {describe_value(node.value)}; write true or false", node.line)


def _redact_secrets(text: str) -> str:
    """Return a text in which keys and webhook URLs are replaced by `[secret]`."""
    return _SECRET_PATTERN.sub("[secret]", text)


def _parse_name(text: str) -> str:
    if is_key(text):
        raise ValueError("looks like an API key; write the name of the project in reports")
    return parse_project_name(text)


def _parse_policy_address(text: str) -> str:
    return parse_document_address(text) if is_on_aws(text) else text
