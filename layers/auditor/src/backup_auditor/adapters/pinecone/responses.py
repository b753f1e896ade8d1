"""What a response of Pinecone means: success, a typed error, whether to retry, and whether it took effect."""

import json
import re
from http import HTTPStatus
from typing import Any

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.adapters.pinecone.connection import one_line
from backup_auditor.adapters.pinecone.transport import Answer, NameNotResolvedError, NotConnectedError, NotTrustedError
from backup_auditor.errors import (
    BadKeyError,
    ConflictError,
    DeadlineError,
    ForbiddenError,
    NotFoundError,
    NotUnderstoodError,
    PineconeError,
    PlanForbidsError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
    UnsupportedError,
)

_QUOTA = re.compile(r"\bquotas?\b", re.IGNORECASE)
_QUOTA_CODES = frozenset({"QUOTA_EXCEEDED"})
_PLAN = re.compile(r"(?<![\w-])plans?(?![\w-])", re.IGNORECASE)
_VERSION = re.compile(r"\bapi[ -]version\b", re.IGNORECASE)
_PERMISSION = re.compile(r"\bpermission\b.*\brequired\b", re.IGNORECASE)

_MARKUP = re.compile(r"<(!doctype|html|head|body)\b", re.IGNORECASE)
_OF_GATEWAYS = range(520, 531)
"""Statuses that no standard names: Cloudflare and other gateways answer so."""

_BY_STATUS: dict[int, type[PineconeError]] = {
    400: UnsupportedError,
    401: BadKeyError,
    402: ForbiddenError,
    404: NotFoundError,
    408: UnavailableError,
    409: ConflictError,
    412: ConflictError,
    422: UnsupportedError,
    429: ThrottledError,
}


def is_success(answer: Answer) -> bool:
    """Tell whether the call did what it was sent for."""
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def error_of(answer: Answer, key: str) -> PineconeError:
    """Return the error an answer stands for: the status, and what the service wrote, made fit to be shown."""
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return NotUnderstoodError(f"{answer.status}: a redirect, and none is followed with a key")
    code, message, is_structured = _read_error(answer.body)
    meaning = _meaning(answer.status, code, message, is_structured=is_structured)
    return meaning(f"{answer.status}: {one_line(_without_markup(message) or _phrase(answer.status), key)}")


def _meaning(status: int, code: str, message: str, *, is_structured: bool) -> type[PineconeError]:
    if status == HTTPStatus.FORBIDDEN:
        return _refusal(code, message, is_structured=is_structured)
    if status == HTTPStatus.TOO_MANY_REQUESTS and _speaks_of_quota(code, message):
        return QuotaError
    if status == HTTPStatus.BAD_REQUEST and _VERSION.search(message):
        return NotUnderstoodError  # of the version that was asked for, not of the index
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return UnavailableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else NotUnderstoodError


def _refusal(code: str, message: str, *, is_structured: bool) -> type[PineconeError]:
    """Tell the three meanings of 403 apart. The plan is believed of the service alone, not of a page of a proxy."""
    if _speaks_of_quota(code, message):
        return QuotaError
    if is_structured and _PLAN.search(message) and not _PERMISSION.search(message):
        return PlanForbidsError
    return ForbiddenError


def _speaks_of_quota(code: str, message: str) -> bool:
    return code in _QUOTA_CODES or _QUOTA.search(message) is not None


def _read_error(body: bytes) -> tuple[str, str, bool]:
    """Return code and message of an error, and whether it came in the service's own shape."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", _plain_text(body), False
    inner = found.get("error", found) if isinstance(found, dict) else found
    if isinstance(inner, dict):
        code, message = inner.get("code"), inner.get("message")
        return str(code or ""), message if isinstance(message, str) else "", isinstance(message, str)
    return "", inner if isinstance(inner, str) else "", False


def _plain_text(body: bytes) -> str:
    return body[:4000].decode("utf-8", "replace").removeprefix("\ufeff").strip()


def _without_markup(message: str) -> str:
    """Return a message, or what to say in place of a page: gateways send one, in the service's own shape at times."""
    return "an HTML page" if message.lstrip().startswith("<") or _MARKUP.search(message) else message


def _phrase(status: int) -> str:
    if status in _OF_GATEWAYS:
        return "the gateway got no good answer from the service"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


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
