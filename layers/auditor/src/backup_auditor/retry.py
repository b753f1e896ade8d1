"""Sending something again that failed for the moment, a few times and in time."""

from collections.abc import Callable
from dataclasses import dataclass

from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError

FOR_ONE_CALL = 30.0
"""Seconds that one call may take: none is begun in fewer."""
_ATTEMPTS = 3
_FIRST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Retrier:
    """How long there is to try, and how to wait."""

    seconds_left: Callable[[], float]
    sleep: Callable[[float], None]
    uniform: Callable[[float, float], float]

    def persevere(self, send: Callable[[], None]) -> None:
        """Send, and send again what was certainly not accepted, and may be if asked once more.

        Raises the last `DeliveryError`. A wait that the channel asks for is kept, or there is no other attempt.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return send()
            except (ChannelRefusedError, AcceptanceUnknownError):
                raise
            except DeliveryError as error:
                wait = self.uniform(0.5, 1.5) * _FIRST_WAIT * 4 ** (attempt - 1)
                if error.retry_after is not None:
                    wait = error.retry_after + self.uniform(0, _FIRST_WAIT)
                if attempt == _ATTEMPTS or wait + FOR_ONE_CALL > self.seconds_left():
                    raise
            self.sleep(wait)
        return None
