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
    MonotonicClock,
    RetryBudget,
    Uniform,
    read_retry_after,
)
from backup_auditor.adapters.pinecone.responses import (
    Outcome,
    build_error,
    is_overload,
    is_retryable,
    is_success,
    is_throttle,
    may_have_taken_effect,
)
from backup_auditor.adapters.pinecone.transport import Response, ResponseLostError, Transport
from backup_auditor.adapters.pinecone.versions import explain_missing
from backup_auditor.errors import DeadlineError, OrganizationPlanError, PineconeError, ThrottledError, UnavailableError


def _read_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What calls need of the machine they run on."""

    monotonic: MonotonicClock = time.monotonic
    now: Callable[[], datetime] = _read_clock
    """Asked only for what a `Retry-After` that is a date means; no fact depends on it."""
    sleep: Callable[[float], None] = time.sleep
    uniform: Uniform = SystemRandom().uniform


class RequestSender:
    """One limiter, one retry budget and one deadline over one transport. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, runtime: Runtime) -> None:
        """Start the time for the whole audit."""
        self._transport = transport
        self._sleep = runtime.sleep
        self._deadline = Deadline(connection.deadline, runtime.monotonic)
        self._limiter = ConcurrencyLimiter(connection.max_concurrency)
        self._budget = RetryBudget(runtime.monotonic)
        self._requests = 0
        self._throttles = 0
        self._counter_lock = Lock()

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._requests

    @property
    def throttles(self) -> int:
        """How many of them were answered that the service is called too often."""
        return self._throttles

    @property
    def seconds_left(self) -> float:
        """What is left of the time for the whole audit; less than nothing once it is over."""
        return self._deadline.seconds_left

    def acquire(self, *, is_urgent: bool = False) -> int:
        """Wait for a turn, to be given back by `leave`. Raises `UnavailableError` when nothing more is to be sent."""
        self._budget.require_service()
        round_number = self._limiter.acquire(self._deadline.require_seconds_left(), is_urgent=is_urgent)
        if self._budget.is_service_lost:  # while this call waited
            self._limiter.release(round_number, is_overloaded=False)
            self._budget.require_service()
        return round_number

    def release(self, round_number: int, *, is_overloaded: bool) -> None:
        """Give a turn back."""
        self._limiter.release(round_number, is_overloaded=is_overloaded)

    def throttle(self, round_number: int) -> int:
        """Have fewer calls in flight, and keep the turn for another attempt."""
        return self._limiter.throttle(round_number)

    def send(self, method: str, target: bytes, version: str, body: bytes | None = None) -> Outcome:
        """Send one request, once. What may be expected to go wrong is returned."""
        with self._counter_lock:
            self._requests += 1
        outcome: Outcome
        try:
            outcome = self._transport.send(method, target, version, self._deadline, body)
        except PineconeError as error:
            outcome = error
        if is_throttle(outcome):
            with self._counter_lock:
                self._throttles += 1
        if is_overload(outcome):
            self._budget.record_failure()
        else:
            self._budget.record_success()
        return outcome

    def may_retry_after(self, seconds: float) -> bool:
        """Tell whether there is time and budget to repeat a call after a wait, and pay for it."""
        return self._deadline.allows(seconds) and self._budget.spend_retry()

    def wait(self, seconds: float) -> None:
        """Wait. Raises `DeadlineError` when the time would be over by then."""
        if not self._deadline.allows(seconds):
            raise DeadlineError("the time for the whole audit was over")
        self._sleep(seconds)


class SharedDenial:
    """What is known of the plan: that it has no schedules is the same answer for every index."""

    def __init__(self) -> None:
        """Know of no refusal."""
        self._message: str | None = None

    def remember(self, error: PineconeError) -> None:
        """Take note of an answer, before any other call is let through."""
        if isinstance(error, OrganizationPlanError):
            self._message = str(error)

    def raise_if_known(self) -> None:
        """Raise `PlanForbidsError` if that is known to be the answer."""
        if self._message is not None:
            raise OrganizationPlanError(self._message)


MAX_ATTEMPTS = 5
"""How often a safe call is sent at most."""
MAX_THROTTLED_ATTEMPTS = 8
"""How often, if it is throttled: that is no failure."""


class PineconeClient:
    """Makes calls. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, runtime: Runtime) -> None:
        """Start the time for the whole audit."""
        self._connection = connection
        self._runtime = runtime
        self._sender = RequestSender(connection, transport, runtime)

    @property
    def seconds_left(self) -> float:
        """What is left of the time for the whole audit; less than nothing once it is over."""
        return self._sender.seconds_left

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._sender.requests

    @property
    def throttles(self) -> int:
        """How many of them were answered by 429."""
        return self._sender.throttles

    def read(
        self, target: bytes, version: str, *, is_urgent: bool = False, shared_denial: SharedDenial | None = None
    ) -> bytes:
        """Make a call that changes nothing, as often as it takes and is worth, and return the body of its answer.

        Raises the error that the last answer, or the lack of one, stands for; the shared one if it is known when the
        call's turn comes.
        """
        backoff = Backoff(self._runtime.uniform)
        attempts = 0
        outcome: Outcome | None = None
        round_number: int | None = None
        try:
            while True:
                if round_number is None:
                    round_number = self._acquire(outcome, is_urgent=is_urgent)
                if shared_denial is not None:
                    shared_denial.raise_if_known()
                outcome = self._sender.send("GET", target, version)
                if isinstance(outcome, Response) and is_success(outcome):
                    return outcome.body
                attempts += 1
                wait = self._compute_wait(outcome, attempts, backoff)
                if wait is None:
                    break
                if is_throttle(outcome):
                    round_number = self._sender.throttle(round_number)
                else:
                    self._sender.release(round_number, is_overloaded=True)
                    round_number = None
                self._runtime.sleep(wait)
            error = explain_missing(self._build_error(outcome), target, version)
            if shared_denial is not None:
                shared_denial.remember(error)  # before the next call is let through
        finally:
            if round_number is not None:
                self._sender.release(round_number, is_overloaded=outcome is not None and is_overload(outcome))
        raise error

    def write(self, method: str, target: bytes, version: str, body: bytes | None = None) -> bytes:
        """Make a call that changes something, and return the body of its answer.

        It is sent again only where it was throttled, and so did nothing. Raises `AnswerLostError` when it may have
        taken effect all the same, else the error that the answer, or the lack of one, stands for.
        """
        backoff = Backoff(self._runtime.uniform)
        attempts = 0
        round_number = self._sender.acquire()
        while True:
            outcome = self._sender.send(method, target, version, body)
            attempts += 1
            is_only_throttled = is_throttle(outcome) and isinstance(self._build_error(outcome), ThrottledError)
            wait = self._compute_wait(outcome, attempts, backoff) if is_only_throttled else None
            if wait is None:
                break
            round_number = self._sender.throttle(round_number)
            self._runtime.sleep(wait)
        self._sender.release(round_number, is_overloaded=is_overload(outcome))
        if isinstance(outcome, Response) and is_success(outcome):
            return outcome.body
        error = explain_missing(self._build_error(outcome), target, version)
        raise ResponseLostError(str(error)) if may_have_taken_effect(outcome) else error

    def wait(self, seconds: float) -> None:
        """Wait before the next call. Raises `DeadlineError` when the time would be over by then."""
        self._sender.wait(seconds)

    def _acquire(self, previous_outcome: Outcome | None, *, is_urgent: bool) -> int:
        """Wait for a turn. Raises what came of the attempt before, if there was one and there will be no other."""
        try:
            return self._sender.acquire(is_urgent=is_urgent)
        except UnavailableError as error:
            final_error = error if previous_outcome is None else self._build_error(previous_outcome)
        raise final_error

    def _compute_wait(self, outcome: Outcome, attempts: int, backoff: Backoff) -> float | None:
        """Return the seconds to wait before the call is repeated; `None` where it is not worth while."""
        max_attempts = MAX_THROTTLED_ATTEMPTS if is_throttle(outcome) else MAX_ATTEMPTS
        if attempts >= max_attempts or not is_retryable(outcome):
            return None
        wait = backoff.compute_wait(self._read_retry_after(outcome))
        return wait if self._sender.may_retry_after(wait) else None

    def _build_error(self, outcome: Outcome) -> PineconeError:
        return build_error(outcome, self._connection.key) if isinstance(outcome, Response) else outcome

    def _read_retry_after(self, outcome: Outcome) -> float | None:
        if not isinstance(outcome, Response):
            return None
        return read_retry_after(outcome.headers.get("retry-after"), self._runtime.now())
