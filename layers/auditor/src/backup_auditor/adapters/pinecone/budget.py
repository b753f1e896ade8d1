"""How many retries a service is worth, so that one that dies is not hammered."""

from datetime import timedelta
from threading import Lock

from backup_auditor.adapters.pinecone.deadline import Monotonic
from backup_auditor.errors import UnavailableError


class RetryBudget:
    """Retries cost, good answers give back; a service from which nothing good comes is given up.

    A service that throttles a part of the calls keeps the budget filled. One that has died empties it in as many
    retries as it holds, whatever the size of the project; one that refuses everybody is waited for a while.
    """

    def __init__(
        self,
        monotonic: Monotonic,
        capacity: float = 100,
        refund: float = 1,
        patience: int = 20,
        longest: timedelta = timedelta(seconds=30),
    ) -> None:
        """Begin full. So many failures in a row, with nothing left or for so long, are taken as the end."""
        self._monotonic = monotonic
        self._capacity = capacity
        self._refund = refund
        self._patience = patience
        self._longest = longest.total_seconds()
        self._left = capacity
        self._failures = 0
        self._failing_since = 0.0
        self._lock = Lock()

    @property
    def is_service_lost(self) -> bool:
        """Whether the service has failed for too long to be asked anything more."""
        if self._failures < self._patience:
            return False
        return self._left < 1 or self._monotonic() - self._failing_since >= self._longest

    def need_service(self) -> None:
        """Raise `UnavailableError` once the service is lost."""
        if self.is_service_lost:
            raise UnavailableError("not asked: the service had stopped answering")

    def succeeded(self) -> None:
        """Take note of a good answer."""
        if self._failures or self._left < self._capacity:
            with self._lock:
                self._failures = 0
                self._left = min(self._capacity, self._left + self._refund)

    def failed(self) -> None:
        """Take note of a call that was answered by a failure or not at all."""
        with self._lock:
            if not self._failures:
                self._failing_since = self._monotonic()
            self._failures += 1

    def take(self) -> bool:
        """Pay for one retry; `False` when there is nothing left to pay with."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True
