"""How many retries a service is worth, so that one that dies is not hammered."""

from threading import Lock


class RetryBudget:
    """Retries cost, good answers give back; once it is spent and nothing succeeds, nothing more is sent.

    A service that throttles a part of the calls keeps the budget filled. One that has died empties it in as many
    retries as it holds, whatever the size of the project.
    """

    def __init__(self, capacity: float = 100, refund: float = 0.5, patience: int = 20) -> None:
        """Begin full. `patience` is how many failures in a row, with nothing left, are taken as the end."""
        self._capacity = capacity
        self._refund = refund
        self._patience = patience
        self._left = capacity
        self._failures = 0
        self._lock = Lock()

    @property
    def is_service_lost(self) -> bool:
        """Whether the budget is spent and the service has failed for too long to be asked anything more."""
        return self._failures >= self._patience and self._left < 1

    def succeeded(self) -> None:
        """Take note of a good answer."""
        if self._failures or self._left < self._capacity:
            with self._lock:
                self._failures = 0
                self._left = min(self._capacity, self._left + self._refund)

    def failed(self) -> None:
        """Take note of a call that was answered by a failure or not at all."""
        with self._lock:
            self._failures += 1

    def take(self) -> bool:
        """Pay for one retry; `False` when there is nothing left to pay with."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True
