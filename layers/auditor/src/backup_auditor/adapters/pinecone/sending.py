"""Sends requests one by one, when their turn comes, and learns from what comes of them."""

from threading import Lock

from backup_auditor.adapters.pinecone.budget import RetryBudget
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.deadline import Deadline
from backup_auditor.adapters.pinecone.limiter import Limiter
from backup_auditor.adapters.pinecone.outcomes import Outcome, is_overload, is_throttle
from backup_auditor.adapters.pinecone.surroundings import Surroundings
from backup_auditor.adapters.pinecone.transport import Transport
from backup_auditor.errors import DeadlineError, PineconeError


class Sender:
    """One limiter, one retry budget and one deadline over one transport. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, surroundings: Surroundings) -> None:
        """Start the time for the whole audit."""
        self._transport = transport
        self._sleep = surroundings.sleep
        self._deadline = Deadline(connection.deadline, surroundings.monotonic)
        self._limiter = Limiter(connection.ceiling)
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
