"""The stack on AWS, as its operator examines it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from backup_auditor.ports.messaging import Subscriptions


@dataclass(frozen=True, slots=True)
class StackParts:
    """The parts of a stack that are examined."""

    name: str
    account: str
    status: str
    """The status of the stack, as CloudFormation writes it."""
    functions: Mapping[str, str]
    """The names of the functions by their verbs."""
    alarms: tuple[str, ...]
    """The names of its alarms, composite ones too."""
    schedules: tuple[str, ...]
    outputs: Mapping[str, str]


class Alarm(NamedTuple):
    """One alarm."""

    name: str
    has_actions: bool
    """Whether it sends a message when it starts."""
    causes: frozenset[str] = frozenset()
    """The alarms in the rule of a composite alarm."""


class DeployedStack(Protocol):
    """One stack. Its methods raise `StackError`, which names what is missing."""

    def load_parts(self) -> StackParts:
        """Return the parts of the stack."""

    def invoke(self, function: str, payload: Mapping[str, object]) -> object:
        """Invoke a function once and return its answer."""

    def list_alarms(self, names: Sequence[str]) -> Sequence[Alarm]:
        """Return those of the alarms that exist."""

    def list_enabled_schedules(self, group: str) -> frozenset[str]:
        """Return the names of the enabled schedules in a group."""

    def count_messages(self, queue_url: str) -> int:
        """Return the number of messages in a queue."""

    def count_subscriptions(self, topic: str) -> Subscriptions:
        """Return how many subscriptions a topic has."""
