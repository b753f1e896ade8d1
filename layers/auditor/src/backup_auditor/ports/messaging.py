"""What use cases require of channels and metrics."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from backup_auditor.errors import DeliveryError


class Event(NamedTuple):
    """One event, before it is on a bus."""

    detail_type: str
    detail: Mapping[str, object]


class PutResult(NamedTuple):
    """What became of events that were put on a bus."""

    unaccepted_positions: tuple[int, ...]
    """Which of them, by their places, were not accepted, or not for certain."""
    error: DeliveryError | None
    """Why, where any is left: the worst of the reasons."""


class Bus(Protocol):
    """Takes events."""

    def put(self, events: Sequence[Event], seconds_left: Callable[[], float]) -> PutResult:
        """Put events on the bus, in time; what fails for the moment is tried again. Raises nothing that it answers."""


class Topics(Protocol):
    """Takes messages for whoever subscribed to a topic."""

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Publish a message, once: JSON with one text for each way of being read. Raises `DeliveryError`."""


class Webhooks(Protocol):
    """Takes messages for channels of a chat."""

    def post(self, secret_name: str, payload: Mapping[str, object], seconds: float) -> None:
        """Post to the webhook that a secret holds, once, in so many seconds. Raises `DeliveryError`, `SecretError`."""


class Log(Protocol):
    """Takes what happened, one line each."""

    def info(self, text: object, /, *, extra: Mapping[str, object]) -> None:
        """Write down what went well."""

    def warning(self, text: object, /, *, extra: Mapping[str, object]) -> None:
        """Write down what somebody may want to look at."""

    def error(self, text: object, /, *, extra: Mapping[str, object]) -> None:
        """Write down what somebody has to look at, and what to do next."""


class MetricEmitter(Protocol):
    """Takes metrics."""

    def __call__(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] = ...
    ) -> None:
        """Emit metrics of a project, or of none; `more` are further dimensions."""
