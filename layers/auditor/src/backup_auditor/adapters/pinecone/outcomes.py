"""What came of sending one request: whether it is worth sending again, and whether it may have taken effect."""

from http import HTTPStatus

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.adapters.pinecone.failures import NameNotResolvedError, NotConnectedError, NotTrustedError
from backup_auditor.adapters.pinecone.transport import Answer
from backup_auditor.errors import DeadlineError, PineconeError, UnavailableError, UnreachableError

type Outcome = Answer | PineconeError
"""An answer of the service, whatever it says, or why there is none."""

_IN_VAIN = (NameNotResolvedError, NotTrustedError, DeadlineError)
"""What asking again does not mend."""


def is_overload(outcome: Outcome) -> bool:
    """Tell whether the service answered that it cannot, or did not answer."""
    return is_transient(outcome.status) if isinstance(outcome, Answer) else isinstance(outcome, UnavailableError)


def is_throttle(outcome: Outcome) -> bool:
    """Tell whether the service asked to be called less often."""
    return isinstance(outcome, Answer) and outcome.status == HTTPStatus.TOO_MANY_REQUESTS


def is_worth_repeating(outcome: Outcome) -> bool:
    """Tell whether a call that changes nothing is worth sending again."""
    return is_overload(outcome) and not isinstance(outcome, _IN_VAIN)


def may_have_taken_effect(outcome: Outcome) -> bool:
    """Tell whether a call that changes something, and was not answered well, may have changed it all the same."""
    if isinstance(outcome, Answer):
        is_of_the_server = outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR  # or of a proxy before it, as 520 to 526
        return outcome.status == HTTPStatus.REQUEST_TIMEOUT or (
            is_of_the_server and outcome.status != HTTPStatus.NOT_IMPLEMENTED
        )
    return not isinstance(outcome, UnreachableError | NotConnectedError)
