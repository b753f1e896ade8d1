"""One event in one process: its payload, its answer, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum


class InvocationOutcome(StrEnum):
    """How an invocation ended."""

    RESPONSE = "response"
    ERROR = "error"
    """The handler raised."""
    INIT_ERROR = "init error"
    """The function could not be imported."""
    TIMEOUT = "timeout"
    EXIT = "exit"
    """Its process ended before it answered: killed, crashed, or out of memory."""


@dataclass(frozen=True, slots=True)
class InvocationRequest:
    """One event, as a process is given it."""

    request_id: str
    event: bytes
    arn: str
    deadline_ms: int
    """Of the epoch."""


@dataclass(frozen=True, slots=True)
class InvocationResponse:
    """What a process said of one event, or what was said for it."""

    outcome: InvocationOutcome
    content: bytes
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What became of one event in one process."""

    function: str
    outcome: InvocationOutcome
    content: bytes
    log: str
    """What was written on standard output and standard error meanwhile."""
    seconds: float
    peak_memory: int
    """The most memory in bytes that its process had resident so far."""
    key: str = ""
    """The access key of the process."""
    request_id: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the handler returned."""
        return self.outcome is InvocationOutcome.RESPONSE
