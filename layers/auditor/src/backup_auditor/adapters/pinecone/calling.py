"""One call to the service: how often it is sent, and when it is given up."""

from backup_auditor.adapters.pinecone.answers import error_of, is_success
from backup_auditor.adapters.pinecone.backoff import Backoff, read_retry_after
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.failures import AnswerLostError
from backup_auditor.adapters.pinecone.outcomes import (
    Outcome,
    is_overload,
    is_throttle,
    is_worth_repeating,
    may_have_taken_effect,
)
from backup_auditor.adapters.pinecone.sending import Sender
from backup_auditor.adapters.pinecone.shared_refusal import SharedRefusal
from backup_auditor.adapters.pinecone.surroundings import Surroundings
from backup_auditor.adapters.pinecone.transport import Answer, Transport
from backup_auditor.adapters.pinecone.versions import explain_missing
from backup_auditor.errors import PineconeError, ThrottledError, UnavailableError

ATTEMPTS = 5
"""How often a safe call is sent at most."""
THROTTLED_ATTEMPTS = 8
"""How often, if it is throttled: that is no failure."""


class Caller:
    """Makes calls. Safe to use from many threads."""

    def __init__(self, connection: Connection, transport: Transport, surroundings: Surroundings) -> None:
        """Start the time for the whole audit."""
        self._connection = connection
        self._surroundings = surroundings
        self._sender = Sender(connection, transport, surroundings)

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
