"""How many calls may be in flight: grows while answers are good, shrinks when the service is overloaded."""

from collections import deque
from threading import Lock

from backup_auditor.errors import DeadlineError

START = 8
"""How many calls may be in flight at first."""


class Limiter:
    """Lets calls through, first come first served, urgent ones before all others.

    Until the first overload each good answer makes room for one more, so that the number in flight doubles with each
    round trip; from then on each round trip adds one. An overload halves it, once for all calls that were in flight.
    """

    def __init__(self, ceiling: int) -> None:
        """Begin with `START` calls, or with the ceiling if that is lower."""
        self._ceiling = ceiling
        self._limit = float(min(START, ceiling))
        self._is_untroubled = True
        self._round = 0
        self._in_flight = 0
        self._lock = Lock()
        self._waiting: deque[Lock] = deque()
        self._urgent: deque[Lock] = deque()

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return int(self._limit)

    def enter(self, timeout: float, *, urgent: bool = False) -> int:
        """Wait to be let through, and return the round, which `leave` wants back.

        Raises `DeadlineError` when the turn does not come within `timeout` seconds.
        """
        with self._lock:
            if self._in_flight < int(self._limit) and not self._waiting and not self._urgent:
                self._in_flight += 1
                return self._round
            turn = Lock()
            turn.acquire()
            lane = self._urgent if urgent else self._waiting
            lane.append(turn)
        if not turn.acquire(timeout=timeout):
            self._give_up(lane, turn)
        return self._round

    def leave(self, entered: int, *, overloaded: bool) -> None:
        """Make room for the next call, and learn from how this one was answered."""
        with self._lock:
            self._in_flight -= 1
            if overloaded:
                self._shrink(entered)
            elif self._limit < self._ceiling:
                self._limit = min(self._ceiling, self._limit + (1 if self._is_untroubled else 1 / self._limit))
            self._let_through()

    def slow_down(self, entered: int) -> int:
        """Learn from an overload without leaving: who was asked to wait keeps its place while it waits.

        So the waits themselves make the calls fewer, down to one at a time. Returns the round, as `enter` does.
        """
        with self._lock:
            self._shrink(entered)
            return self._round

    def _let_through(self) -> None:
        while self._in_flight < int(self._limit) and (lane := self._urgent or self._waiting):
            self._in_flight += 1
            lane.popleft().release()

    def _shrink(self, entered: int) -> None:
        self._is_untroubled = False
        if entered == self._round:
            self._round += 1
            self._limit = max(1.0, self._limit / 2)

    def _give_up(self, lane: deque[Lock], turn: Lock) -> None:
        with self._lock:
            if turn in lane:
                lane.remove(turn)
            else:  # its turn came at the very last moment
                self._in_flight -= 1
                self._let_through()
        raise DeadlineError("the time for the whole audit was over")
