"""Reads one entry of a registry: a project, or everything that is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from backup_auditor.adapters.registry.keys import read_at, unknown_keys, without_secrets
from backup_auditor.adapters.yaml_file.nodes import Listed, Mapped, Node
from backup_auditor.adapters.yaml_file.problems import Problem, RefusedError, quoted
from backup_auditor.domain.alerting.channel import Channel, ChannelKind
from backup_auditor.domain.alerting.wishes import least_severity, tells_all_is_well
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.naming import (
    document_address,
    is_key,
    is_on_aws,
    key_variable,
    project_name,
    secret_name,
    topic_arn,
)
from backup_auditor.domain.registry import Mistake, RegisteredProject

ENTRY_KEYS = ("name", "secret", "key_env", "editor_secret", "policy", "alerts")
ALERT_KEYS = ("sns", "slack", "severity", "all_is_well")
MOST_ALERTS = 20


@dataclass(frozen=True, slots=True)
class Usual:
    """What holds for entries that do not say otherwise."""

    channels: tuple[Channel, ...] = ()
    policy: str | None = None
    tells_all_is_well: bool = False


def entry_of(node: Node, position: int, usual: Usual) -> tuple[RegisteredProject | None, tuple[Mistake, ...]]:
    """Return the project of an entry, or its mistakes. `position` counts from 1."""
    entry = _Entry(f"entry {position}")
    project = entry.project(node, usual)
    if entry.problems:
        found = sorted(entry.problems, key=lambda it: it.line or 0)
        return None, tuple(Mistake(entry.name, it.line, without_secrets(it.text)) for it in found)
    return project, ()


class _Entry:
    """One entry while it is read. What is wrong is remembered, and the reading goes on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def project(self, node: Node, usual: Usual) -> RegisteredProject | None:
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

    def _channels(self, entry: Mapped, usual: Usual, place: str) -> tuple[Channel, ...]:
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

    def _channel(self, node: Node, usual: Usual, place: str) -> Channel:
        if not isinstance(node, Mapped) or len(node.items.keys() & {"sns", "slack"}) != 1:
            raise RefusedError(
                f"an alert of {place} is neither {{sns: ARN}} nor {{slack: SECRET}}; write one", node.line
            )
        place = f"an alert of {place}"
        self.problems.extend(unknown_keys(node, ALERT_KEYS, place))
        kind, parse = (ChannelKind.SNS, topic_arn) if "sns" in node.items else (ChannelKind.SLACK, secret_name)
        severity = self._optional(node, "severity", least_severity, place)
        is_weekly = self._optional(node, "all_is_well", tells_all_is_well, place)
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
        except RefusedError as error:
            self.problems.append(error.problem)
            return None


def _name(text: str) -> str:
    if is_key(text):
        raise ValueError("looks like a key; write what reports are to call the project")
    return project_name(text)


def _policy(text: str) -> str:
    return document_address(text) if is_on_aws(text) else text
