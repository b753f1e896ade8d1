"""Sending something again that failed for the moment, a few times and in time."""

from collections.abc import Callable
from dataclasses import dataclass

from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError

MAX_CALL_SECONDS = 30.0
"""Seconds that one call may take: none is begun in fewer."""
_MAX_ATTEMPTS = 3
_FIRST_WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Retrier:
    """How long there is to try, and how to wait."""

    seconds_left: Callable[[], float]
    sleep: Callable[[float], None]
    uniform: Callable[[float, float], float]

    def call(self, send: Callable[[], None]) -> None:
        """Send, and send again what was certainly not accepted, and may be if asked once more.

        Raises the last `DeliveryError`. A wait that the channel asks for is kept, or there is no other attempt.
        """
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return send()
            except (ChannelRefusedError, AcceptanceUnknownError):
                raise
            except DeliveryError as error:
                wait = self.uniform(0.5, 1.5) * _FIRST_WAIT_SECONDS * 4 ** (attempt - 1)
                if error.retry_after is not None:
                    wait = error.retry_after + self.uniform(0, _FIRST_WAIT_SECONDS)
                if attempt == _MAX_ATTEMPTS or wait + MAX_CALL_SECONDS > self.seconds_left():
                    raise
            self.sleep(wait)
        return None
