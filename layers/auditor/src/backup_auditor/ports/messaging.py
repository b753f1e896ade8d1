"""The channels, the log and the metrics that use cases call."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from backup_auditor.errors import DeliveryError


class Event(NamedTuple):
    """One event to send."""

    detail_type: str
    detail: Mapping[str, object]


class PutResult(NamedTuple):
    """The result of sending events to a bus."""

    unaccepted_positions: tuple[int, ...]
    """The positions of the events that the bus did not accept, or may not have accepted."""
    error: DeliveryError | None
    """Why, if there are any: the most severe of the errors."""


class Bus(Protocol):
    """An event bus."""

    def put(
        self, events: Sequence[Event], seconds_left: Callable[[], float], *, may_duplicate: bool = False
    ) -> PutResult:
        """Send events, with retries; those that may have arrived only if `may_duplicate`. Raises nothing."""


class Subscriptions(NamedTuple):
    """How many subscriptions a topic has."""

    confirmed: int
    pending: int
    """How many wait for a confirmation. They receive nothing."""


class Topics(Protocol):
    """Topics that pass a message to their subscribers."""

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Send a message once: JSON with one text for each protocol. Raises `DeliveryError`."""


class Webhooks(Protocol):
    """Webhooks of chat channels."""

    def post(self, secret_name: str, payload: Mapping[str, object], seconds: float) -> None:
        """Send a message once to the webhook in a secret, in this time. Raises `DeliveryError` and `SecretError`."""


class Log(Protocol):
    """A log with one line for each entry."""

    def info(self, text: object, /, *, extra: Mapping[str, object]) -> None:
        """Log a normal result."""

    def warning(self, text: object, /, *, extra: Mapping[str, object]) -> None:
        """Log what a person may want to inspect."""

    def error(self, text: object, /, *, extra: Mapping[str, object]) -> None:
        """Log what a person has to correct, with what to do."""


class ContextLog(Log, Protocol):
    """A log that adds known fields, such as the audit's id, to every later line."""

    def append_keys(self, **keys: object) -> None:
        """Add fields to every line from now on."""


class MetricEmitter(Protocol):
    """A function that emits metrics."""

    def __call__(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] = ...
    ) -> None:
        """Emit metrics of a project; with `None`, of the whole stack. `dimensions` are added to the usual ones."""
