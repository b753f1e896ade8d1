"""One call to the service: when it is sent, how often it is repeated, and when it is given up."""

from collections.abc import Callable
from http import HTTPStatus
from threading import Lock

from backup_auditor.adapters.pinecone.answers import OVERLOADED, error_of, is_success
from backup_auditor.adapters.pinecone.backoff import Backoff, read_retry_after
from backup_auditor.adapters.pinecone.budget import RetryBudget
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.deadline import Deadline
from backup_auditor.adapters.pinecone.failures import (
    AnswerLostError,
    NameNotResolvedError,
    NotConnectedError,
    NotTrustedError,
)
from backup_auditor.adapters.pinecone.limiter import Limiter
from backup_auditor.adapters.pinecone.surroundings import Surroundings
from backup_auditor.adapters.pinecone.transport import Answer, Transport
from backup_auditor.errors import DeadlineError, PineconeError, UnavailableError, UnreachableError

ATTEMPTS = 4
"""How often a safe call is sent at most."""

_IN_VAIN = (NameNotResolvedError, NotTrustedError, DeadlineError)
"""What asking again does not mend."""

type AlreadyKnown = Callable[[], PineconeError | None]
"""Tells, when a call's turn has come, the answer that makes sending it needless."""


class Caller:
    """Makes calls under one limiter, one retry budget and one deadline. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, surroundings: Surroundings) -> None:
        """Start the time for the whole audit."""
        self._key = connection.key
        self._transport = transport
        self._surroundings = surroundings
        self._deadline = Deadline(connection.deadline, surroundings.monotonic)
        self._limiter = Limiter(connection.ceiling)
        self._budget = RetryBudget()
        self._sent = 0
        self._count = Lock()

    @property
    def seconds_left(self) -> float:
        """What is left of the time for the whole audit; less than nothing once it is over."""
        return self._deadline.seconds_left

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._sent

    def read(
        self, target: bytes, version: str, *, urgent: bool = False, already_known: AlreadyKnown | None = None
    ) -> bytes:
        """Make a call that changes nothing, up to `ATTEMPTS` times, and return the body of its answer.

        Raises the error that the last answer, or the lack of one, stands for.
        """
        backoff = Backoff(self._surroundings.uniform)
        for attempt in range(1, ATTEMPTS + 1):
            outcome = self._attempt("GET", target, version, None, urgent=urgent, already_known=already_known)
            if isinstance(outcome, Answer) and is_success(outcome):
                return outcome.body
            if attempt < ATTEMPTS and _is_worth_repeating(outcome):
                wait = backoff.wait(self._retry_after(outcome))
                if self._deadline.allows(wait) and self._budget.take():
                    self._surroundings.sleep(wait)
                    continue
            raise self._error(outcome)
        raise AssertionError("the last attempt returns or raises")

    def write(self, method: str, target: bytes, version: str, body: bytes | None = None) -> bytes:
        """Make a call that changes something, once, and return the body of its answer.

        Raises `AnswerLostError` when it may have taken effect all the same, else the error that the answer, or the lack
        of one, stands for.
        """
        outcome = self._attempt(method, target, version, body)
        if isinstance(outcome, Answer) and is_success(outcome):
            return outcome.body
        error = self._error(outcome)
        if isinstance(outcome, Answer):
            is_lost = outcome.status in OVERLOADED and outcome.status != HTTPStatus.TOO_MANY_REQUESTS
        else:
            is_lost = not isinstance(outcome, UnreachableError | NotConnectedError)
        raise AnswerLostError(str(error)) if is_lost else error

    def pause(self, seconds: float) -> None:
        """Wait before the next call. Raises `DeadlineError` when there is no time for that."""
        if not self._deadline.allows(seconds):
            raise DeadlineError("the time for the whole audit was over")
        self._surroundings.sleep(seconds)

    def _attempt(  # noqa: PLR0913  one request has as many sides
        self,
        method: str,
        target: bytes,
        version: str,
        body: bytes | None,
        *,
        urgent: bool = False,
        already_known: AlreadyKnown | None = None,
    ) -> Answer | PineconeError:
        if self._budget.is_service_lost:
            raise UnavailableError("not asked: the service had stopped answering")
        entered = self._limiter.enter(self._deadline.remaining(), urgent=urgent)
        is_overloaded = False
        try:
            known = already_known() if already_known is not None else None
            if known is not None:
                raise known
            outcome = self._send(method, target, version, body)
            is_overloaded = not isinstance(outcome, Answer) or outcome.status in OVERLOADED
        finally:
            self._limiter.leave(entered, overloaded=is_overloaded)
        if is_overloaded:
            self._budget.failed()
        else:
            self._budget.succeeded()
        return outcome

    def _send(self, method: str, target: bytes, version: str, body: bytes | None) -> Answer | PineconeError:
        with self._count:
            self._sent += 1
        try:
            return self._transport.send(method, target, version, self._deadline, body)
        except PineconeError as error:
            return error

    def _error(self, outcome: Answer | PineconeError) -> PineconeError:
        return error_of(outcome, self._key) if isinstance(outcome, Answer) else outcome

    def _retry_after(self, outcome: Answer | PineconeError) -> float | None:
        if not isinstance(outcome, Answer):
            return None
        return read_retry_after(outcome.headers.get("retry-after"), self._surroundings.now())


def _is_worth_repeating(outcome: Answer | PineconeError) -> bool:
    return outcome.status in OVERLOADED if isinstance(outcome, Answer) else not isinstance(outcome, _IN_VAIN)
