"""Settles by reading whether a change whose answer was lost has taken effect."""

from collections.abc import Callable, Iterable

from backup_auditor.adapters.pinecone.calling import Caller
from backup_auditor.adapters.pinecone.failures import AnswerLostError
from backup_auditor.domain.listing import Walk
from backup_auditor.errors import NotFoundError, OutcomeUnknownError, PineconeError, UnavailableError

WAITS = (0.0, 1.0, 4.0)
"""Seconds to wait before each look: what was asked for may take a moment to show."""


def known_before[Row](
    look: Callable[[], Walk[Row]], identity: Callable[[Row], str], known: Iterable[Row] | None = None
) -> frozenset[str]:
    """Return the ids of what is there before a creation: what is known, else what a look shows.

    Without it a lost answer could not be settled, so nothing is sent: raises `UnavailableError` when it cannot be read.
    """
    if known is not None:
        return frozenset(map(identity, known))
    walk = look()
    if walk.broken is not None:
        raise UnavailableError(
            f"not sent, for what is there could not be read: {walk.broken.what}: {walk.broken.error}"
        )
    return frozenset(map(identity, walk.rows))


def settle[Row](reason: str, caller: Caller, look: Callable[[], Walk[Row]], is_it: Callable[[Row], bool]) -> Row:
    """Return the one row that the change made. Raises `OutcomeUnknownError` when reading shows none, or several."""
    for wait in WAITS:
        try:
            caller.pause(wait)
            found = [row for row in look().rows if is_it(row)]
        except PineconeError:
            continue
        if len(found) == 1:
            return found[0]
        if found:
            break
    raise OutcomeUnknownError(
        f"{reason}; whether it took effect all the same could not be found out: look before repeating"
    )


def delete(caller: Caller, target: bytes, version: str) -> None:
    """Delete what a target names. One that is not there is deleted, so a lost answer is settled by asking again."""
    for is_last in (False, True):
        try:
            caller.write("DELETE", target, version)
        except NotFoundError:
            return
        except AnswerLostError as lost:
            if is_last:
                raise OutcomeUnknownError(
                    f"{lost}; whether it was deleted is not known: look before repeating"
                ) from None
        else:
            return
