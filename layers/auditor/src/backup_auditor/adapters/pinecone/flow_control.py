"""How hard Pinecone may be asked: backoff, deadline, retry budget and the adaptive concurrency limit."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock

from backup_auditor.errors import DeadlineError, UnavailableError

type Uniform = Callable[[float, float], float]
"""Picks a number between two."""

BASE_WAIT = 0.1
"""Seconds that the first wait is about."""
MAX_WAIT = 8.0
"""Seconds that no wait of our own is longer than."""


class Backoff:
    """The waits of one call: decorrelated jitter, unless the service says how long."""

    def __init__(self, uniform: Uniform) -> None:
        """Begin with the shortest wait."""
        self._uniform = uniform
        self._last_wait = BASE_WAIT

    def compute_wait(self, retry_after: float | None) -> float:
        """Return the seconds to wait before the next attempt, never fewer than the service asked for."""
        if retry_after is not None:
            return retry_after + self._uniform(0, BASE_WAIT)
        self._last_wait = min(MAX_WAIT, self._uniform(BASE_WAIT, self._last_wait * 3))
        return self._last_wait


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Read `Retry-After`, seconds or an HTTP date; `None` where there is none that can be read."""
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


type MonotonicClock = Callable[[], float]


class Deadline:
    """The end of the time for a whole audit, on a clock that never goes back."""

    def __init__(self, length: timedelta, monotonic: MonotonicClock) -> None:
        """Start the time now."""
        self._monotonic = monotonic
        self._end = monotonic() + length.total_seconds()

    @property
    def seconds_left(self) -> float:
        """The seconds that are left; less than nothing once it is over."""
        return self._end - self._monotonic()

    def require_seconds_left(self) -> float:
        """Return the seconds that are left, at least one millisecond.

        Raises `DeadlineError` when none is.
        """
        seconds_left = self.seconds_left
        if seconds_left <= 0:
            raise DeadlineError("the time for the whole audit was over")
        return max(seconds_left, 0.001)

    def allows(self, seconds: float) -> bool:
        """Tell whether one can wait for so long and still ask."""
        return self._monotonic() + seconds < self._end


class RetryBudget:
    """Retries cost, good answers give back; a service from which nothing good comes is given up.

    A service that throttles a part of the calls keeps the budget filled. One that has died empties it in as many
    retries as it holds, whatever the size of the project; one that refuses everybody is waited for a while.
    """

    def __init__(
        self,
        monotonic: MonotonicClock,
        capacity: float = 100,
        refund: float = 1,
        max_failures: int = 20,
        max_failure_time: timedelta = timedelta(seconds=30),
    ) -> None:
        """Begin full. So many failures in a row, with nothing left or for so long, are taken as the end."""
        self._monotonic = monotonic
        self._capacity = capacity
        self._refund = refund
        self._max_failures = max_failures
        self._max_failure_seconds = max_failure_time.total_seconds()
        self._remaining = capacity
        self._failures = 0
        self._first_failure_at = 0.0
        self._lock = Lock()

    @property
    def is_service_lost(self) -> bool:
        """Whether the service has failed for too long to be asked anything more."""
        if self._failures < self._max_failures:
            return False
        return self._remaining < 1 or self._monotonic() - self._first_failure_at >= self._max_failure_seconds

    def require_service(self) -> None:
        """Raise `UnavailableError` once the service is lost."""
        if self.is_service_lost:
            raise UnavailableError("not asked: the service had stopped answering")

    def record_success(self) -> None:
        """Take note of a good answer."""
        if self._failures or self._remaining < self._capacity:
            with self._lock:
                self._failures = 0
                self._remaining = min(self._capacity, self._remaining + self._refund)

    def record_failure(self) -> None:
        """Take note of a call that was answered by a failure or not at all."""
        with self._lock:
            if not self._failures:
                self._first_failure_at = self._monotonic()
            self._failures += 1

    def spend_retry(self) -> bool:
        """Pay for one retry; `False` when there is nothing left to pay with."""
        with self._lock:
            if self._remaining < 1:
                return False
            self._remaining -= 1
            return True


INITIAL_CONCURRENCY = 8
"""How many calls may be in flight at first."""


class ConcurrencyLimiter:
    """Lets calls through, first come first served, urgent ones before all others.

    Until the first overload each good answer makes room for one more, so that the number in flight doubles with each
    round trip; from then on each round trip adds one. An overload halves it, once for all calls that were in flight.
    """

    def __init__(self, max_concurrency: int) -> None:
        """Begin with `START` calls, or with the ceiling if that is lower."""
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
        """Wait to be let through, and return the round, which `leave` wants back.

        Raises `DeadlineError` when the turn does not come within `timeout` seconds.
        """
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
        """Make room for the next call, and learn from how this one was answered."""
        with self._lock:
            self._in_flight -= 1
            if is_overloaded:
                self._lower_limit(round_number)
            elif self._limit < self._max_concurrency:
                self._limit = min(self._max_concurrency, self._limit + (1 if self._is_slow_start else 1 / self._limit))
            self._admit_waiting()

    def throttle(self, round_number: int) -> int:
        """Learn from an overload without leaving: who was asked to wait keeps its place while it waits.

        So the waits themselves make the calls fewer, down to one at a time. Returns the round, as `enter` does.
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
            else:  # its turn came at the very last moment
                self._in_flight -= 1
                self._admit_waiting()
        raise DeadlineError("the time for the whole audit was over")
