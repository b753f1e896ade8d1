"""One call to Pinecone: sends its requests within the limits, retries them, and gives up in time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import SystemRandom
from threading import Lock

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.flow_control import (
    Backoff,
    ConcurrencyLimiter,
    Deadline,
    Monotonic,
    RetryBudget,
    Uniform,
    read_retry_after,
)
from backup_auditor.adapters.pinecone.responses import (
    Outcome,
    error_of,
    is_overload,
    is_success,
    is_throttle,
    is_worth_repeating,
    may_have_taken_effect,
)
from backup_auditor.adapters.pinecone.transport import Answer, AnswerLostError, Transport
from backup_auditor.adapters.pinecone.versions import explain_missing
from backup_auditor.errors import DeadlineError, PineconeError, PlanForbidsError, ThrottledError, UnavailableError


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What calls need of the machine they run on."""

    monotonic: Monotonic = time.monotonic
    now: Callable[[], datetime] = _now
    """Asked only for what a `Retry-After` that is a date means; no fact depends on it."""
    sleep: Callable[[float], None] = time.sleep
    uniform: Uniform = SystemRandom().uniform


class RequestSender:
    """One limiter, one retry budget and one deadline over one transport. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, surroundings: Runtime) -> None:
        """Start the time for the whole audit."""
        self._transport = transport
        self._sleep = surroundings.sleep
        self._deadline = Deadline(connection.deadline, surroundings.monotonic)
        self._limiter = ConcurrencyLimiter(connection.ceiling)
        self._budget = RetryBudget(surroundings.monotonic)
        self._sent = 0
        self._throttles = 0
        self._count = Lock()

    @property
    def sent(self) -> int:
        """How many requests were sent so far."""
        return self._sent

    @property
    def throttles(self) -> int:
        """How many of them were answered that the service is called too often."""
        return self._throttles

    @property
    def seconds_left(self) -> float:
        """What is left of the time for the whole audit; less than nothing once it is over."""
        return self._deadline.seconds_left

    def enter(self, *, urgent: bool = False) -> int:
        """Wait for a turn, to be given back by `leave`. Raises `UnavailableError` when nothing more is to be sent."""
        self._budget.need_service()
        turn = self._limiter.enter(self._deadline.remaining(), urgent=urgent)
        if self._budget.is_service_lost:  # while this call waited
            self._limiter.leave(turn, overloaded=False)
            self._budget.need_service()
        return turn

    def leave(self, turn: int, *, overloaded: bool) -> None:
        """Give a turn back."""
        self._limiter.leave(turn, overloaded=overloaded)

    def slow_down(self, turn: int) -> int:
        """Have fewer calls in flight, and keep the turn for another attempt."""
        return self._limiter.slow_down(turn)

    def send(self, method: str, target: bytes, version: str, body: bytes | None = None) -> Outcome:
        """Send one request, once. What may be expected to go wrong is returned."""
        with self._count:
            self._sent += 1
        outcome: Outcome
        try:
            outcome = self._transport.send(method, target, version, self._deadline, body)
        except PineconeError as error:
            outcome = error
        if is_throttle(outcome):
            with self._count:
                self._throttles += 1
        if is_overload(outcome):
            self._budget.failed()
        else:
            self._budget.succeeded()
        return outcome

    def may_repeat_after(self, seconds: float) -> bool:
        """Tell whether there is time and budget to repeat a call after a wait, and pay for it."""
        return self._deadline.allows(seconds) and self._budget.take()

    def pause(self, seconds: float) -> None:
        """Wait. Raises `DeadlineError` when the time would be over by then."""
        if not self._deadline.allows(seconds):
            raise DeadlineError("the time for the whole audit was over")
        self._sleep(seconds)


class SharedRefusal:
    """What is known of the plan: that it has no schedules is the same answer for every index."""

    def __init__(self) -> None:
        """Know of no refusal."""
        self._message: str | None = None

    def learn(self, error: PineconeError) -> None:
        """Take note of an answer, before any other call is let through."""
        if isinstance(error, PlanForbidsError):
            self._message = str(error)

    def apply(self) -> None:
        """Raise `PlanForbidsError` if that is known to be the answer."""
        if self._message is not None:
            raise PlanForbidsError(self._message)


ATTEMPTS = 5
"""How often a safe call is sent at most."""
THROTTLED_ATTEMPTS = 8
"""How often, if it is throttled: that is no failure."""


class PineconeClient:
    """Makes calls. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, surroundings: Runtime) -> None:
        """Start the time for the whole audit."""
        self._connection = connection
        self._surroundings = surroundings
        self._sender = RequestSender(connection, transport, surroundings)

    @property
    def seconds_left(self) -> float:
        """What is left of the time for the whole audit; less than nothing once it is over."""
        return self._sender.seconds_left

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._sender.sent

    @property
    def throttles(self) -> int:
        """How many of them were answered by 429."""
        return self._sender.throttles

    def read(self, target: bytes, version: str, *, urgent: bool = False, shared: SharedRefusal | None = None) -> bytes:
        """Make a call that changes nothing, as often as it takes and is worth, and return the body of its answer.

        Raises the error that the last answer, or the lack of one, stands for; the shared one if it is known when the
        call's turn comes.
        """
        backoff = Backoff(self._surroundings.uniform)
        attempts = 0
        outcome: Outcome | None = None
        turn: int | None = None
        try:
            while True:
                if turn is None:
                    turn = self._enter(outcome, urgent=urgent)
                if shared is not None:
                    shared.apply()
                outcome = self._sender.send("GET", target, version)
                if isinstance(outcome, Answer) and is_success(outcome):
                    return outcome.body
                attempts += 1
                wait = self._wait(outcome, attempts, backoff)
                if wait is None:
                    break
                if is_throttle(outcome):
                    turn = self._sender.slow_down(turn)
                else:
                    self._sender.leave(turn, overloaded=True)
                    turn = None
                self._surroundings.sleep(wait)
            error = explain_missing(self._error(outcome), target, version)
            if shared is not None:
                shared.learn(error)  # before the next call is let through
        finally:
            if turn is not None:
                self._sender.leave(turn, overloaded=outcome is not None and is_overload(outcome))
        raise error

    def write(self, method: str, target: bytes, version: str, body: bytes | None = None) -> bytes:
        """Make a call that changes something, and return the body of its answer.

        It is sent again only where it was throttled, and so did nothing. Raises `AnswerLostError` when it may have
        taken effect all the same, else the error that the answer, or the lack of one, stands for.
        """
        backoff = Backoff(self._surroundings.uniform)
        attempts = 0
        turn = self._sender.enter()
        while True:
            outcome = self._sender.send(method, target, version, body)
            attempts += 1
            is_only_throttled = is_throttle(outcome) and isinstance(self._error(outcome), ThrottledError)
            wait = self._wait(outcome, attempts, backoff) if is_only_throttled else None
            if wait is None:
                break
            turn = self._sender.slow_down(turn)
            self._surroundings.sleep(wait)
        self._sender.leave(turn, overloaded=is_overload(outcome))
        if isinstance(outcome, Answer) and is_success(outcome):
            return outcome.body
        error = explain_missing(self._error(outcome), target, version)
        raise AnswerLostError(str(error)) if may_have_taken_effect(outcome) else error

    def pause(self, seconds: float) -> None:
        """Wait before the next call. Raises `DeadlineError` when the time would be over by then."""
        self._sender.pause(seconds)

    def _enter(self, before: Outcome | None, *, urgent: bool) -> int:
        """Wait for a turn. Raises what came of the attempt before, if there was one and there will be no other."""
        try:
            return self._sender.enter(urgent=urgent)
        except UnavailableError as error:
            reason = error if before is None else self._error(before)
        raise reason

    def _wait(self, outcome: Outcome, attempts: int, backoff: Backoff) -> float | None:
        """Return the seconds to wait before the call is repeated; `None` where it is not worth while."""
        most = THROTTLED_ATTEMPTS if is_throttle(outcome) else ATTEMPTS
        if attempts >= most or not is_worth_repeating(outcome):
            return None
        wait = backoff.wait(self._retry_after(outcome))
        return wait if self._sender.may_repeat_after(wait) else None

    def _error(self, outcome: Outcome) -> PineconeError:
        return error_of(outcome, self._connection.key) if isinstance(outcome, Answer) else outcome

    def _retry_after(self, outcome: Outcome) -> float | None:
        if not isinstance(outcome, Answer):
            return None
        return read_retry_after(outcome.headers.get("retry-after"), self._surroundings.now())
