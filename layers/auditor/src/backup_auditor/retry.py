"""Retry a delivery that failed temporarily, if it was certainly not accepted and there is time left."""

from collections.abc import Callable
from dataclasses import dataclass

from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError

MAX_CALL_SECONDS = 30.0
"""How many seconds one call may take: none starts with less time left."""
_MAX_ATTEMPTS = 3
_FIRST_WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Retrier:
    """Retries deliveries within the time that is left."""

    seconds_left: Callable[[], float]
    sleep: Callable[[float], None]
    uniform: Callable[[float, float], float]

    def call(self, send: Callable[[], None], *, may_duplicate: bool = False) -> None:
        """Send, at most three times, and raise the last `DeliveryError`.

        A refused delivery is not repeated; neither is one that may have been accepted, unless `may_duplicate`. If the
        channel asks for a longer wait than there is time left, there is no other attempt.
        """
        final_errors = ChannelRefusedError if may_duplicate else (ChannelRefusedError, AcceptanceUnknownError)
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return send()
            except final_errors:
                raise
            except DeliveryError as error:
                wait = self.uniform(0.5, 1.5) * _FIRST_WAIT_SECONDS * 4 ** (attempt - 1)
                if error.retry_after is not None:
                    wait = error.retry_after + self.uniform(0, _FIRST_WAIT_SECONDS)
                if attempt == _MAX_ATTEMPTS or wait + MAX_CALL_SECONDS > self.seconds_left():
                    raise
            self.sleep(wait)
        return None
