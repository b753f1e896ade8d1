"""Limit the load on Pinecone: backoff, deadline, retry budget and adaptive concurrency limit."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import BoundedSemaphore, Lock

from backup_auditor.errors import DeadlineError

type Uniform = Callable[[float, float], float]
"""Returns a random number between two."""
type MonotonicClock = Callable[[], float]

BASE_WAIT = 0.1
"""The first wait is about so many seconds."""
MAX_WAIT = 8.0
"""The longest wait in seconds, unless the service asks for more."""


class Backoff:
    """The waits of one call: decorrelated jitter, unless the service says how long to wait."""

    def __init__(self, uniform: Uniform) -> None:
        """Start with the shortest wait."""
        self._uniform = uniform
        self._last_wait = BASE_WAIT

    def compute_wait(self, retry_after: float | None) -> float:
        """Return the seconds until the next attempt, never fewer than the service asked for."""
        if retry_after is not None:
            return retry_after + self._uniform(0, BASE_WAIT)
        self._last_wait = min(MAX_WAIT, self._uniform(BASE_WAIT, self._last_wait * 3))
        return self._last_wait


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After`, a number or an HTTP date; `None` if it is absent or cannot be parsed."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


class Deadline:
    """The end of the time for a whole audit, on a clock that never goes back."""

    def __init__(self, length: timedelta, monotonic: MonotonicClock) -> None:
        """Start the time now."""
        self._monotonic = monotonic
        self._end = monotonic() + length.total_seconds()

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline; negative after it."""
        return self._end - self._monotonic()

    def require_seconds_left(self) -> float:
        """Return the seconds until the deadline, at least one millisecond. Raises `DeadlineError` after it."""
        seconds_left = self.seconds_left
        if seconds_left <= 0:
            raise DeadlineError("the time limit was reached")
        return max(seconds_left, 0.001)

    def allows(self, seconds: float) -> bool:
        """Return whether the deadline is later than so many seconds from now."""
        return self._monotonic() + seconds < self._end


class CallSlots:
    """The limit of the calls in flight over several projects together. A call that waits for a retry holds no slot."""

    def __init__(self, count: int) -> None:
        """Allow so many calls at once."""
        self._semaphore = BoundedSemaphore(count)

    @contextmanager
    def hold_slot(self, deadline: Deadline) -> Iterator[None]:
        """Wait for a slot, and hold it while the block runs. Raises `DeadlineError` if there is none in time."""
        if not self._semaphore.acquire(timeout=deadline.require_seconds_left()):
            raise DeadlineError("the time limit was reached")
        try:
            yield
        finally:
            self._semaphore.release()


_MAX_FAILURE_SECONDS = 30.0


class RetryBudget:
    """A budget that retries spend and successful calls refill.

    A service that throttles a part of the calls keeps the budget filled. One that fails every call empties it after as
    many retries as it holds, whatever the size of the project; one that throttles every call gets some time.
    """

    def __init__(
        self,
        monotonic: MonotonicClock,
        capacity: float = 100,
        refund: float = 1,
        max_failures: int = 20,
    ) -> None:
        """Start full. After `max_failures` in a row the service is lost once the budget is empty or the time is up."""
        self._monotonic = monotonic
        self._capacity = capacity
        self._refund = refund
        self._max_failures = max_failures
        self._remaining = capacity
        self._failures = 0
        self._first_failure_at = 0.0
        self._lock = Lock()

    @property
    def is_service_lost(self) -> bool:
        """Whether the service has failed for too long for another call."""
        if self._failures < self._max_failures:
            return False
        return self._remaining < 1 or self._monotonic() - self._first_failure_at >= _MAX_FAILURE_SECONDS

    def record_success(self) -> None:
        """Count a successful call."""
        if self._failures or self._remaining < self._capacity:
            with self._lock:
                self._failures = 0
                self._remaining = min(self._capacity, self._remaining + self._refund)

    def record_failure(self) -> None:
        """Count a call that failed or had no response."""
        with self._lock:
            if not self._failures:
                self._first_failure_at = self._monotonic()
            self._failures += 1

    def spend_retry(self) -> bool:
        """Spend one retry; return `False` if the budget is empty."""
        with self._lock:
            if self._remaining < 1:
                return False
            self._remaining -= 1
            return True


INITIAL_CONCURRENCY = 8
"""How many calls may be in flight at first."""


class ConcurrencyLimiter:
    """Limits the calls in flight. Urgent calls come first, then the order of arrival counts.

    Until the first overload each successful call raises the limit by one, so that it doubles with each round trip;
    after that it grows by one per round trip. An overload halves it, once for all calls that were in flight.
    """

    def __init__(self, max_concurrency: int) -> None:
        """Start with `INITIAL_CONCURRENCY` calls, or with the maximum if that is lower."""
        self._max_concurrency = max_concurrency
        self._limit = float(min(INITIAL_CONCURRENCY, max_concurrency))
        self._is_slow_start = True
        self._round = 0
        self._in_flight = 0
        self._lock = Lock()
        self._normal_queue: deque[Lock] = deque()
        self._urgent_queue: deque[Lock] = deque()

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return int(self._limit)

    def acquire(self, timeout: float, *, is_urgent: bool = False) -> int:
        """Wait for a place, and return its round. Raises `DeadlineError` if there is none in `timeout` seconds."""
        with self._lock:
            if self._in_flight < int(self._limit) and not self._normal_queue and not self._urgent_queue:
                self._in_flight += 1
                return self._round
            gate = Lock()
            gate.acquire()
            queue = self._urgent_queue if is_urgent else self._normal_queue
            queue.append(gate)
        if not gate.acquire(timeout=timeout):
            self._cancel_wait(queue, gate)
        return self._round

    def release(self, round_number: int, *, is_overloaded: bool) -> None:
        """Give a place back, and adapt the limit to the outcome of the call."""
        with self._lock:
            self._in_flight -= 1
            if is_overloaded:
                self._lower_limit(round_number)
            elif self._limit < self._max_concurrency:
                self._limit = min(self._max_concurrency, self._limit + (1 if self._is_slow_start else 1 / self._limit))
            self._admit_waiting()

    def throttle(self, round_number: int) -> int:
        """Lower the limit after a throttled call, which keeps its place while it waits; return the new round.

        So the waits themselves reduce the calls in flight, down to one at a time.
        """
        with self._lock:
            self._lower_limit(round_number)
            return self._round

    def _admit_waiting(self) -> None:
        while self._in_flight < int(self._limit) and (queue := self._urgent_queue or self._normal_queue):
            self._in_flight += 1
            queue.popleft().release()

    def _lower_limit(self, round_number: int) -> None:
        self._is_slow_start = False
        if round_number == self._round:
            self._round += 1
            self._limit = max(1.0, self._limit / 2)

    def _cancel_wait(self, queue: deque[Lock], gate: Lock) -> None:
        with self._lock:
            if gate in queue:
                queue.remove(gate)
            else:  # it was admitted at the very last moment
                self._in_flight -= 1
                self._admit_waiting()
        raise DeadlineError("the time limit was reached")
