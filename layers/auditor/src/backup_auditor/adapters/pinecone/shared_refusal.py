"""An answer that holds for every call of a kind: once one call is answered so, no other is sent."""

from backup_auditor.errors import PineconeError, PlanForbidsError


class SharedRefusal:
    """What is known of the plan: that it has no schedules is the same answer for every index."""

    def __init__(self) -> None:
        """Know of no refusal."""
        self._message: str | None = None

    def learn(self, error: PineconeError) -> None:
        """Take note of an answer, before any other call is let through."""
        if isinstance(error, PlanForbidsError):
            self._message = str(error)

    def apply(self) -> None:
        """Raise `PlanForbidsError` if that is known to be the answer."""
        if self._message is not None:
            raise PlanForbidsError(self._message)
