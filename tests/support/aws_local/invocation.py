"""One event in one process: the request, the response and the outcome."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from support.aws_local.clock import MovedClock


class InvocationOutcome(StrEnum):
    """The ways in which an invocation ends."""

    RESPONSE = "response"
    ERROR = "error"
    """The handler raised an error."""
    INIT_ERROR = "init error"
    """The function could not be imported."""
    TIMEOUT = "timeout"
    EXIT = "exit"
    """The process ended before its response: killed, crashed, or out of memory."""


@dataclass(frozen=True, slots=True)
class InvocationRequest:
    """One event as a process receives it."""

    request_id: str
    event: bytes
    arn: str
    deadline_ms: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class InvocationResponse:
    """The response of a process to one event, or its substitute."""

    outcome: InvocationOutcome
    content: bytes
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """The result of one event in one process."""

    function: str
    outcome: InvocationOutcome
    content: bytes
    log: str
    """The standard output and standard error of the process during the invocation."""
    seconds: float
    peak_memory: int
    """The peak resident memory of the process so far, in bytes."""
    key: str = ""
    """The access key of the process."""
    request_id: str = ""
    ended_at: datetime = MovedClock.EARLIEST
    """The time on the moved clock, if there is one."""

    @property
    def succeeded(self) -> bool:
        """Whether the handler returned."""
        return self.outcome is InvocationOutcome.RESPONSE
