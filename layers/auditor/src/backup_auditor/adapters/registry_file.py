"""Read a registry, the list of projects, and generate its JSON Schema. An invalid entry does not affect the others."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
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
    CHANNEL_GROUP_PATTERN,
    PROJECT_ID_PATTERN,
    PROJECT_NAME_PATTERN,
    SECRET_NAME_PATTERN,
    TOPIC_ARN_PATTERN,
    VARIABLE_PATTERN,
    is_key,
    is_on_aws,
    parse_document_address,
    parse_key_variable,
    parse_project_id,
    parse_project_name,
    parse_secret_name,
    parse_topic_arn,
    to_variable_part,
)
from backup_auditor.domain.outbox import Channel, ChannelKind, DigestTiming, FleetChannel, parse_min_severity
from backup_auditor.domain.registry import FLEET_KEY, EntryError, IgnoredProject, RegisteredProject, Registry
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.domain.timefmt import DAY_PATTERN, parse_day
from backup_auditor.errors import RegistryError

_SECRET_PATTERN = re.compile(r"pcsk_\w*|https?://[^\s\"]*", re.ASCII)
_DOCUMENT_KIND = DocumentKind(
    "registry", 'one says "version: 1" and "projects: [{name: search, key_env: SEARCH_API_KEY}]"'
)
_MAX_ALERTS = 20
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_INCLUDE_KEYS = frozenset({"<<", "extends", "import", "imports", "include", "includes"})

type JsonSchema = dict[str, object]


def _define_text(pattern: str, description: str) -> JsonSchema:
    return {"type": "string", "pattern": pattern, "description": description}


def _define_optional_text(pattern: str, description: str) -> JsonSchema:
    return {"type": ["string", "null"], "pattern": pattern, "description": description}


def _define_pattern(description: str, placeholder: str = r"\{name\}") -> JsonSchema:
    return _define_text(placeholder, f"{description}, for entries without one; {{name}} is the name of the project")


_CHANNEL_KEYS: dict[str, JsonSchema] = {
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
_FLEET_CHANNEL_KEYS: dict[str, JsonSchema] = {
    "sns": _CHANNEL_KEYS["sns"],
    "slack": _CHANNEL_KEYS["slack"],
    "when": {
        "enum": [str(it) for it in DigestTiming],
        "description": f"when the channel gets the digest of the fleet; {DigestTiming.DAILY} without it",
    },
}


def _define_channel(keys: dict[str, JsonSchema]) -> JsonSchema:
    return {
        "type": "object",
        "properties": keys,
        "oneOf": [{"required": ["sns"]}, {"required": ["slack"]}],
        "additionalProperties": False,
    }


_CHANNEL_SCHEMA = _define_channel(_CHANNEL_KEYS)
_GROUP_NAME_SCHEMA: JsonSchema = {"type": "string", "pattern": f"^{CHANNEL_GROUP_PATTERN}$"}


def _define_channels(channel_schema: JsonSchema) -> list[JsonSchema]:
    items = {"anyOf": [_GROUP_NAME_SCHEMA, channel_schema]}
    return [_GROUP_NAME_SCHEMA, {"type": "array", "maxItems": _MAX_ALERTS, "items": items}]


_ALERTS_SCHEMA: JsonSchema = {
    "anyOf": [*_define_channels(_CHANNEL_SCHEMA), {"type": "null"}],
    "description": "channels for its alerts, or names of groups in channels; without it, the channels of the stack",
}
_ENTRY_KEYS: dict[str, JsonSchema] = {
    "name": _define_text(f"^{PROJECT_NAME_PATTERN}$", "name of the project in reports"),
    "project_id": _define_optional_text(
        f"^{PROJECT_ID_PATTERN}$", "Pinecone's id of the project, by which registry discover finds it"
    ),
    "secret": _define_optional_text(
        f"^{SECRET_NAME_PATTERN}$", "secret that holds its API key: its name or ARN, or ssm:NAME; required on AWS"
    ),
    "key_env": _define_optional_text(
        f"^{VARIABLE_PATTERN}$", "environment variable that holds its API key, for local audits"
    ),
    "editor_secret": _define_optional_text(
        f"^{SECRET_NAME_PATTERN}$",
        "secret that holds its API key with write access, for remediation on AWS: its name or ARN, or ssm:NAME",
    ),
    "drill_secret": _define_optional_text(
        f"^{SECRET_NAME_PATTERN}$",
        "secret that holds its API key for restore drills on AWS: its name or ARN, or ssm:NAME",
    ),
    "ping_secret": _define_optional_text(
        f"^{SECRET_NAME_PATTERN}$",
        "secret that holds a URL to call every hour on AWS while the project is audited: its name or ARN, or ssm:NAME",
    ),
    "policy": _define_optional_text(
        r"\S", "its policy: ssm:NAME, s3://BUCKET/KEY, or for local audits a path relative to the registry"
    ),
    "alerts": _ALERTS_SCHEMA,
}
_DEFAULT_KEYS: dict[str, JsonSchema] = {
    "secret": _define_pattern("secret that holds the API key"),
    "key_env": _define_pattern("environment variable that holds the API key", r"\{(?:name|NAME)\}"),
    "editor_secret": _define_pattern("secret that holds the API key with write access"),
    "drill_secret": _define_pattern("secret that holds the API key for restore drills"),
    "ping_secret": _define_pattern("secret that holds a URL to call"),
    "policy": _define_text(r"\S", "policy of entries without one; {name} is the name of the project"),
    "alerts": {**_ALERTS_SCHEMA, "description": "channels of entries without alerts, or names of groups in channels"},
}
_IGNORE_KEYS: dict[str, JsonSchema] = {
    "project": _define_text(r"\S", "id or name of the project at Pinecone"),
    "owner": _define_text(r"\S", "who decided that it is not audited"),
    "reason": _define_text(r"\S", "why it is not audited"),
    "expires": {
        **_define_text(f"^{DAY_PATTERN}$", "last day, in UTC, such as 2027-03-31"),
        "format": "date",
    },
}
_KEY_SOURCES: list[JsonSchema] = [{"required": ["secret"]}, {"required": ["key_env"]}]
_ROOT_KEYS: dict[str, JsonSchema] = {
    "version": {"const": 1, "description": "version of this format"},
    "defaults": {
        "type": "object",
        "properties": _DEFAULT_KEYS,
        "additionalProperties": False,
        "description": "settings of entries that have none of their own",
    },
    "channels": {
        "type": "object",
        "propertyNames": {"pattern": f"^{CHANNEL_GROUP_PATTERN}$"},
        "additionalProperties": {"type": "array", "minItems": 1, "maxItems": _MAX_ALERTS, "items": _CHANNEL_SCHEMA},
        "description": "groups of channels by name, for alerts",
    },
    FLEET_KEY: {
        "anyOf": _define_channels(_define_channel(_FLEET_CHANNEL_KEYS)),
        "description": "channels for the digest of all projects on AWS, or names of groups in channels",
    },
    "ignore": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": _IGNORE_KEYS,
            "required": list(_IGNORE_KEYS),
            "additionalProperties": False,
        },
        "description": "projects of the organization that are left out on purpose",
    },
    "projects": {
        "type": "array",
        "minItems": 1,
        "items": {
            "anyOf": [
                {"type": "string", "pattern": f"^{PROJECT_NAME_PATTERN}$"},
                {
                    "type": "object",
                    "properties": _ENTRY_KEYS,
                    "required": ["name"],
                    "additionalProperties": False,
                },
            ]
        },
        "description": "one entry each, or only its name",
    },
}


def build_registry_schema() -> JsonSchema:
    """Return the JSON Schema of a registry, in the 2020-12 dialect.

    It cannot find duplicates, unknown groups of channels, and names that do not fit a pattern.
    """
    has_default_key: JsonSchema = {"required": ["defaults"], "properties": {"defaults": {"anyOf": _KEY_SOURCES}}}
    entries_have_keys: JsonSchema = {"properties": {"projects": {"items": {"type": "object", "anyOf": _KEY_SOURCES}}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry of backup-auditor, version 1",
        "description": "The projects to audit.",
        "type": "object",
        "properties": _ROOT_KEYS,
        "required": ["version", "projects"],
        "additionalProperties": False,
        "anyOf": [has_default_key, entries_have_keys],
    }


@dataclass(frozen=True, slots=True)
class RegistryDefaults:
    """The settings of a stack, for entries without their own and registries without defaults."""

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


def parse_registry(content: bytes, source: str, stack_defaults: RegistryDefaults = _NO_DEFAULTS) -> Registry:
    """Return the registry in a document that was read from `source`. Raises `RegistryError`."""
    with _translate_problems(source):
        root = compose_document(decode_text(content), _DOCUMENT_KIND)
    sections = _SectionParser(stack_defaults)
    defaults = sections.parse_defaults(root)
    if problems := [*_find_root_problems(root), *sections.problems]:
        raise RegistryError(*format_problems(source, map(_redact_problem, problems)))
    projects, errors = _parse_projects(root.items["projects"], defaults)
    ignored_projects, ignore_errors = _parse_ignored_projects(root.items.get("ignore"), projects)
    fleet = _FleetChannelParser(FLEET_KEY, defaults)
    return Registry(
        projects,
        errors,
        source,
        ignored_projects,
        ignore_errors,
        has_default_key=any(it in defaults.patterns for it in _KEY_SETTINGS),
        fleet_channels=fleet.parse_fleet_channels(root.items.get(FLEET_KEY)),
        fleet_errors=tuple(fleet.build_errors()),
    )


def _parse_projects(
    projects_node: Node, defaults: "_Defaults"
) -> tuple[tuple[RegisteredProject, ...], tuple[EntryError, ...]]:
    projects: dict[str, RegisteredProject] = {}
    lines_by_id: dict[str, int] = {}
    errors: list[tuple[int, EntryError]] = []
    for position, node in enumerate(_list_items(projects_node), start=1):
        parser = _EntryParser(f"entry {position}", defaults)
        project = parser.parse_project(node)
        if project is not None and project.name in projects:
            first_line = projects[project.name].line
            reason = f"is a duplicate, first on line {first_line}; give each project its own name"
            parser.add_problem(f"the project {quote_excerpt(project.name)} {reason}", node)
        elif project is not None and project.project_id in lines_by_id:
            first_line = lines_by_id[project.project_id]
            reason = f"has the project_id of the entry on line {first_line}; write its own, or remove one of the two"
            parser.add_problem(f"the project {quote_excerpt(project.name)} {reason}", node)
        elif project is not None:
            projects[project.name] = project
            if project.project_id is not None:
                lines_by_id[project.project_id] = node.line
        errors.extend((position, it) for it in parser.build_errors())
    named_errors = (replace(it, name=f"entry {position}") if it.name in projects else it for position, it in errors)
    return tuple(projects.values()), tuple(named_errors)


def _parse_ignored_projects(
    node: Node | None, projects: Collection[RegisteredProject]
) -> tuple[tuple[IgnoredProject, ...], tuple[EntryError, ...]]:
    """Return the projects to ignore, and the errors, none of which affects an audit."""
    if node is not None and not isinstance(node, ListNode):
        text = "ignore is not a list; write [{project, owner, reason, expires}]"
        return (), (EntryError("ignore", node.line, text),)
    registered_names = {it.name for it in projects} | {it.project_id for it in projects if it.project_id is not None}
    ignored_projects: dict[str, IgnoredProject] = {}
    errors: list[EntryError] = []
    for position, item in enumerate(_list_items(node), start=1):
        parser = _IgnoreParser(f"entry {position} of ignore")
        ignored_project = parser.parse_ignored_project(item)
        if ignored_project is not None and ignored_project.project in ignored_projects:
            first_line = ignored_projects[ignored_project.project].line
            parser.add_problem(f"{parser.name} is a duplicate, first on line {first_line}; remove one of the two", item)
        elif ignored_project is not None and ignored_project.project in registered_names:
            reason = f"names {quote_excerpt(ignored_project.project)}, which is registered; remove one of the two"
            parser.add_problem(f"{parser.name} {reason}", item)
        elif ignored_project is not None:
            ignored_projects[ignored_project.project] = ignored_project
        errors.extend(parser.build_errors())
    return tuple(ignored_projects.values()), tuple(errors)


def _list_items(node: Node | None) -> Collection[Node]:
    return node.items if isinstance(node, ListNode) else ()


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


@dataclass(frozen=True, slots=True)
class _Defaults:
    """The settings of entries that have none of their own."""

    stack: RegistryDefaults
    channel_groups: Mapping[str, tuple[Channel, ...]] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    """Texts by key, in which `{name}` stands for the name of the project."""
    channels: tuple[Channel, ...] | None = None
    """`None` if the registry sets no default for alerts."""


def _fill_pattern(pattern: str, project: str) -> str:
    """Return a pattern with the name of a project; `{NAME}` is the name as a part of a variable."""
    return pattern.replace("{NAME}", to_variable_part(project)).replace("{name}", project)


class _Parser:
    """Parses a part of a registry and collects its problems."""

    def __init__(self, name: str) -> None:
        """Take the name of the part in its errors."""
        self.name = name
        self.problems: list[Problem] = []

    def add_problem(self, text: str, node: Node) -> None:
        self.problems.append(Problem(text, node.line))

    def build_errors(self) -> Iterator[EntryError]:
        """Yield an error for each problem, in the order of the file."""
        problems = sorted(self.problems, key=lambda it: it.line or 0)
        return (EntryError(self.name, it.line, _redact_secrets(it.text)) for it in problems)

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


class _ChannelParser(_Parser):
    """Parses channels and the names of their groups."""

    _channel_keys = _CHANNEL_KEYS
    """The keys that a channel can have."""

    def __init__(self, name: str, defaults: _Defaults) -> None:
        """Take the defaults and the groups of channels."""
        super().__init__(name)
        self._defaults = defaults

    def _parse_channels(self, node: Node, label: str) -> tuple[Channel, ...]:
        """Return the channels of a list, in which a name of a group stands for its channels."""
        nodes = [node] if isinstance(node, ScalarNode) and isinstance(node.value, str) else _list_items(node)
        if not nodes and not isinstance(node, ListNode):
            remedy = "write [{sns: ARN, severity: high}], or the name of a group in channels"
            self.add_problem(f"{self._name_list(label)} is not a list of channels; {remedy}", node)
        channels: dict[str, Channel] = {}
        for alert in nodes:
            for channel in self._try_read(partial(self._parse_alert, alert, label)) or ():
                if channel.channel_id in channels:
                    remedy = "keep the one with the lowest severity"
                    self.add_problem(f"{label} has the same {channel.kind} channel twice; {remedy}", alert)
                channels[channel.channel_id] = channel
        if len(channels) > _MAX_ALERTS:
            self.add_problem(f"{label} has {len(channels)} channels (limit: {_MAX_ALERTS}); remove some", node)
        return tuple(channels.values())[:_MAX_ALERTS]  # those of the fleet are used in spite of the problem

    def _name_list(self, label: str) -> str:
        return f"alerts of {label}"

    def _parse_alert(self, node: Node, label: str) -> tuple[Channel, ...]:
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            return (self._parse_channel(node, f"an alert of {label}"),)
        channels = self._defaults.channel_groups.get(node.value)
        if channels is None:
            names = self._defaults.channel_groups.keys()
            remedy = suggest_key(node.value, names) if names else "add it to channels"
            group = f"the unknown group of channels {quote_excerpt(node.value)}"
            raise DocumentProblemError(f"{self._name_list(label)} names {group}; {remedy}", node.line)
        return channels

    def _parse_channel(self, node: Node, label: str) -> Channel:
        if not isinstance(node, MappingNode) or len(node.items.keys() & {"sns", "slack"}) != 1:
            raise DocumentProblemError(f"{label} is neither {{sns: ARN}} nor {{slack: SECRET}}; write one", node.line)
        self.problems.extend(_find_unknown_keys(node, self._channel_keys, label))
        is_topic = "sns" in node.items
        kind, parse = (ChannelKind.SNS, parse_topic_arn) if is_topic else (ChannelKind.SLACK, parse_secret_name)
        severity = self._parse_optional(node, "severity", parse_min_severity, label)
        weekly_summary = self._try_read(lambda: _read_flag(node, "weekly_summary", label))
        return Channel(
            kind,
            _read_value(node, str(kind), parse, label),
            severity or Severity.LOW,
            self._defaults.stack.has_weekly_summary if weekly_summary is None else weekly_summary,
        )


class _SectionParser(_ChannelParser):
    """Parses the groups of channels and the defaults. Their problems are problems of the whole registry."""

    def __init__(self, stack_defaults: RegistryDefaults) -> None:
        super().__init__("the registry", _Defaults(stack_defaults))

    def parse_defaults(self, root: MappingNode) -> _Defaults:
        """Return the settings of entries that have none of their own."""
        self._defaults = replace(self._defaults, channel_groups=self._parse_groups(root.items.get("channels")))
        node = root.items.get("defaults")
        if node is None:
            return self._defaults
        if not isinstance(node, MappingNode):
            self.add_problem("defaults is not a mapping; write {secret: keys/{name}}", node)
            return self._defaults
        self.problems.extend(_find_unknown_keys(node, _DEFAULT_KEYS, "defaults"))
        patterns = {
            key: self._parse_optional(node, key, partial(_parse_pattern, key), "defaults") for key in _SETTING_PARSERS
        }
        alerts = node.items.get("alerts")
        return replace(
            self._defaults,
            patterns={key: pattern for key, pattern in patterns.items() if pattern is not None},
            channels=None if alerts is None else self._parse_channels(alerts, "defaults"),
        )

    def _parse_groups(self, node: Node | None) -> Mapping[str, tuple[Channel, ...]]:
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            self.add_problem("channels is not a mapping; write {on-call: [{sns: ARN}]}", node)
            return {}
        return {name: self._parse_group(name, it) for name, it in node.items.items()}

    def _parse_group(self, name: str, node: Node) -> tuple[Channel, ...]:
        label = f"the group of channels {quote_excerpt(name)}"
        if re.fullmatch(CHANNEL_GROUP_PATTERN, name) is None:
            self.add_problem(f"{label} has an invalid name; use 1 to 64 letters, digits, dots, - and _", node)
        if not isinstance(node, ListNode) or not node.items:
            self.add_problem(f"{label} is not a list of channels; write [{{sns: ARN, severity: high}}]", node)
        elif any(isinstance(it, ScalarNode) for it in node.items):
            self.add_problem(f"{label} names another group; write its channels", node)
        else:
            return self._parse_channels(node, label)
        return ()


class _EntryParser(_ChannelParser):
    """Parses one entry. Its name is `entry N` until the name of its project is read."""

    def parse_project(self, node: Node) -> RegisteredProject | None:
        """Return the project of an entry, `None` if it has problems."""
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            node = MappingNode(node.line, {"name": node}, {"name": node.line}, node.size + 2, node.depth + 1)
        if not isinstance(node, MappingNode):
            self.add_problem(f"{self.name} is neither a name nor a mapping; write {{name, secret}}", node)
            return None
        name = self._try_read(lambda: _read_value(node, "name", _parse_name, self.name))
        label = self.name if name is None else f"the project {quote_excerpt(name)}"
        self.name = name or self.name
        self.problems.extend(_find_unknown_keys(node, _ENTRY_KEYS, label))
        project_id = self._parse_own_setting(node, "project_id", parse_project_id, label)
        settings = {key: self._parse_setting(node, key, parse, label) for key, parse in _SETTING_PARSERS.items()}
        own_channels = self._choose_channels(node, label)
        if not any(self._has_setting(node, it) for it in _KEY_SETTINGS):
            self.add_problem(f"{label} has neither secret nor key_env; add one of them for its API key", node)
        if self.problems:
            return None
        return RegisteredProject(
            name=self.name,
            secret=settings["secret"],
            key_variable=settings["key_env"],
            policy=settings["policy"] or self._defaults.stack.policy,
            channels=self._defaults.stack.channels if own_channels is None else own_channels,
            line=node.line,
            editor_secret=settings["editor_secret"],
            drill_secret=settings["drill_secret"],
            ping_secret=settings["ping_secret"],
            project_id=project_id,
            inherited_keys=frozenset(self._find_inherited_keys(node)),
            has_own_channels=own_channels is not None,
        )

    def _parse_own_setting(self, node: MappingNode, key: str, parse: Callable[[str], str], label: str) -> str | None:
        """Return the setting of the entry itself; null is none."""
        return None if _is_null(node, key) else self._parse_optional(node, key, parse, label)

    def _parse_setting(self, node: MappingNode, key: str, parse: Callable[[str], str], label: str) -> str | None:
        """Return the setting of an entry, or else the default, filled with the name of the project."""
        pattern = self._defaults.patterns.get(key)
        if key in node.items or pattern is None:
            return self._parse_own_setting(node, key, parse, label)
        text = _fill_pattern(pattern, self.name)
        try:
            return parse(text)
        except ValueError as error:
            problem = f"{key} of {label} is {quote_excerpt(text)} by the defaults, which {str(error).partition(';')[0]}"
            self.add_problem(f"{problem}; give the entry its own {key}", node)
            return None

    def _choose_channels(self, node: MappingNode, label: str) -> tuple[Channel, ...] | None:
        """Return the channels of the entry, or else of the defaults; `None` for those of the stack."""
        if "alerts" not in node.items:
            return self._defaults.channels
        return None if _is_null(node, "alerts") else self._parse_channels(node.items["alerts"], label)

    def _has_setting(self, node: MappingNode, key: str) -> bool:
        return not _is_null(node, key) if key in node.items else key in self._defaults.patterns

    def _find_inherited_keys(self, node: MappingNode) -> Iterator[str]:
        yield from self._defaults.patterns.keys() - node.items.keys()
        if self._defaults.channels is not None and "alerts" not in node.items:
            yield "alerts"


class _FleetChannelParser(_ChannelParser):
    """Parses the channels of the fleet. Their problems affect no audit."""

    _channel_keys = _FLEET_CHANNEL_KEYS

    def __init__(self, name: str, defaults: _Defaults) -> None:
        super().__init__(name, defaults)
        self._timings: dict[str, DigestTiming] = {}
        """By the id of a channel."""

    def parse_fleet_channels(self, node: Node | None) -> tuple[FleetChannel, ...]:
        """Return the valid channels; those of a group have the default timing."""
        channels = () if node is None else self._parse_channels(node, self.name)
        return tuple(FleetChannel(it, self._timings.get(it.channel_id, DigestTiming.DAILY)) for it in channels)

    def _name_list(self, label: str) -> str:
        return label

    def _parse_channel(self, node: Node, label: str) -> Channel:
        channel = super()._parse_channel(node, label)
        when = self._parse_optional(node, "when", _parse_timing, label) if isinstance(node, MappingNode) else None
        self._timings[channel.channel_id] = when or DigestTiming.DAILY
        return channel


class _IgnoreParser(_Parser):
    """Parses one project to ignore."""

    def parse_ignored_project(self, node: Node) -> IgnoredProject | None:
        """Return the project to ignore, `None` if it has problems."""
        if not isinstance(node, MappingNode):
            self.add_problem(f"{self.name} is not a mapping; write {{project, owner, reason, expires}}", node)
            return None
        self.problems.extend(_find_unknown_keys(node, _IGNORE_KEYS, self.name))
        project, owner, reason = (
            self._try_read(partial(_read_value, node, key, _parse_visible_text, self.name))
            for key in ("project", "owner", "reason")
        )
        expires = self._try_read(lambda: _read_value(node, "expires", _parse_expiry, self.name))
        if self.problems or project is None or owner is None or reason is None or expires is None:
            return None
        return IgnoredProject(project, owner, reason, expires, node.line)


def _find_unknown_keys(mapping: MappingNode, known_keys: Collection[str], label: str) -> Iterator[Problem]:
    """Yield a problem for each unknown key, with the nearest known key."""
    for key, line in mapping.key_lines.items():
        if key in _INCLUDE_KEYS - set(known_keys):
            remedy = "write its content in this file, which defaults and channels shorten"
            yield Problem(f"{quote_excerpt(key)} in {label}: a registry includes no other file; {remedy}", line)
        elif key not in known_keys:
            text = f"unknown key {quote_excerpt(key)} in {label}; {suggest_key(key, known_keys)}"
            yield Problem(_redact_secrets(text), line)


def _is_null(mapping: MappingNode, key: str) -> bool:
    node = mapping.items.get(key)
    return isinstance(node, ScalarNode) and node.value is None


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


def _redact_problem(problem: Problem) -> Problem:
    return replace(problem, text=_redact_secrets(problem.text))


def _parse_name(text: str) -> str:
    if is_key(text):
        raise ValueError("looks like an API key; write the name of the project in reports")
    return parse_project_name(text)


def _parse_policy_address(text: str) -> str:
    return parse_document_address(text) if is_on_aws(text) else text


def _parse_timing(text: str) -> DigestTiming:
    if text not in set(DigestTiming):
        raise ValueError(
            f"is not a time for digests; write {', '.join(tuple(DigestTiming)[:-1])} or {DigestTiming.ON_CHANGE}"
        )
    return DigestTiming(text)


def _parse_visible_text(text: str) -> str:
    return escape_control_characters(text.strip())


def _parse_expiry(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise ValueError("is not a day; write one such as 2027-03-31") from None


_KEY_SETTINGS = ("secret", "key_env")
"""The settings of an entry that name its API key."""
_SETTING_PARSERS: Mapping[str, Callable[[str], str]] = {
    "secret": parse_secret_name,
    "key_env": parse_key_variable,
    "editor_secret": parse_secret_name,
    "drill_secret": parse_secret_name,
    "ping_secret": parse_secret_name,
    "policy": _parse_policy_address,
}
"""The settings that can have a default, and what parses their values."""
_SHARED_SETTINGS = frozenset({"policy"})
"""The settings that can be the same for every project."""


def _parse_pattern(key: str, text: str) -> str:
    """Return a default with placeholders for the name of the project. Raises `ValueError`."""
    placeholders = {"name", "NAME"} if key == "key_env" else {"name"}
    used_placeholders = set(_PLACEHOLDER.findall(text))
    remedy = " or ".join(f"{{{it}}}" for it in sorted(placeholders, key=str.swapcase))
    if unknown_placeholders := sorted(used_placeholders - placeholders):
        raise ValueError(f"has the unknown placeholder {quote_excerpt(f'{{{unknown_placeholders[0]}}}')}; use {remedy}")
    _SETTING_PARSERS[key](_fill_pattern(text, "name"))
    if not used_placeholders and key not in _SHARED_SETTINGS:
        raise ValueError(f"would be the same for every project; write {remedy} where the name of the project belongs")
    return text
