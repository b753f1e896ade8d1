"""Interpret a response of Pinecone: success, typed error, whether to retry, whether the call took effect."""

import json
import re
from http import HTTPStatus
from typing import Any

from backup_auditor.adapters.http import is_transient
from backup_auditor.adapters.pinecone.connection import to_one_line
from backup_auditor.adapters.pinecone.transport import NotConnectedError, PermanentError, Response
from backup_auditor.errors import (
    BadKeyError,
    ConflictError,
    DeadlineError,
    ForbiddenError,
    MalformedResponseError,
    NotFoundError,
    OrganizationPlanError,
    PineconeError,
    PreconditionError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
    UnsupportedError,
    UntrustedHostError,
)

_QUOTA_PATTERN = re.compile(r"\bquotas?\b", re.IGNORECASE)
_QUOTA_CODES = frozenset({"QUOTA_EXCEEDED"})
_PLAN_PATTERN = re.compile(r"(?<![\w-])plans?(?![\w-])", re.IGNORECASE)
_VERSION_PATTERN = re.compile(r"\bapi[ -]version\b", re.IGNORECASE)
_PERMISSION_PATTERN = re.compile(r"\bpermission\b.*\brequired\b", re.IGNORECASE)

_MARKUP_PATTERN = re.compile(r"<(!doctype|html|head|body)\b", re.IGNORECASE)
_GATEWAY_STATUSES = range(520, 531)
"""Non-standard statuses of Cloudflare and other gateways."""

_ERROR_BY_STATUS: dict[int, type[PineconeError]] = {
    400: UnsupportedError,
    401: BadKeyError,
    402: ForbiddenError,
    404: NotFoundError,
    408: UnavailableError,
    409: ConflictError,
    412: PreconditionError,
    422: UnsupportedError,
    429: ThrottledError,
}
_ERRORS_ABOUT_RESOURCES = frozenset({NotFoundError, ConflictError, PreconditionError, UnsupportedError})
"""Errors that state a fact about a resource. Only the service knows it, not the page of a proxy."""


def is_success(response: Response) -> bool:
    """Return whether a call succeeded."""
    return HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES


def build_error(response: Response, key: str) -> PineconeError:
    """Return the error of a response, with its status and a safe message."""
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        return MalformedResponseError(f"{response.status}: redirects are not followed with a key; check the host")
    code, message, is_structured = _read_error(response.body)
    error_type = _choose_error_type(response.status, code, message, is_structured=is_structured)
    if message.lstrip().startswith("<") or _MARKUP_PATTERN.search(message):
        message = "an HTML page"  # gateways and proxies send one at times
        if error_type in _ERRORS_ABOUT_RESOURCES:
            error_type = MalformedResponseError
    return error_type(f"{response.status}: {to_one_line(message or _find_phrase(response.status), key)}")


def _choose_error_type(status: int, code: str, message: str, *, is_structured: bool) -> type[PineconeError]:
    is_about_quota = code in _QUOTA_CODES or _QUOTA_PATTERN.search(message)
    if is_about_quota and status in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return QuotaError
    if status == HTTPStatus.FORBIDDEN:
        # only the service can refuse a plan, not the page of a proxy
        is_about_plan = is_structured and _PLAN_PATTERN.search(message) and not _PERMISSION_PATTERN.search(message)
        return OrganizationPlanError if is_about_plan else ForbiddenError
    if status == HTTPStatus.BAD_REQUEST and _VERSION_PATTERN.search(message):
        return MalformedResponseError  # about the API version, not about the index
    if status in _ERROR_BY_STATUS:
        return _ERROR_BY_STATUS[status]
    return UnavailableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else MalformedResponseError


def _read_error(body: bytes) -> tuple[str, str, bool]:
    """Return code and message of an error, and whether it has the format of the service."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", body[:4000].decode("utf-8", "replace").removeprefix("\ufeff").strip(), False
    error_fields = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(error_fields, dict):
        code, message = error_fields.get("code"), error_fields.get("message")
        return str(code or ""), message if isinstance(message, str) else "", isinstance(message, str)
    texts = (error_fields, document.get("error_description") if isinstance(document, dict) else None)
    return "", ": ".join(it for it in texts if isinstance(it, str)), False


def _find_phrase(status: int) -> str:
    if status in _GATEWAY_STATUSES:
        return "the gateway got no valid response from the service"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


type Outcome = Response | PineconeError
"""The response of the service, or the error if there is none."""


def is_overload(outcome: Outcome) -> bool:
    """Return whether the service is overloaded or did not respond."""
    return is_transient(outcome.status) if isinstance(outcome, Response) else isinstance(outcome, UnavailableError)


def is_throttle(outcome: Outcome) -> bool:
    """Return whether a call was throttled."""
    return isinstance(outcome, Response) and outcome.status == HTTPStatus.TOO_MANY_REQUESTS


def is_retryable(outcome: Outcome) -> bool:
    """Return whether a retry of a call that changes nothing may succeed."""
    return is_overload(outcome) and not isinstance(outcome, PermanentError | UntrustedHostError | DeadlineError)


def may_have_taken_effect(outcome: Outcome) -> bool:
    """Return whether a failed call that changes something may have taken effect."""
    if isinstance(outcome, Response):
        if outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # 520 to 526 come from a proxy
            return outcome.status != HTTPStatus.NOT_IMPLEMENTED
        return outcome.status == HTTPStatus.REQUEST_TIMEOUT
    return not isinstance(outcome, UnreachableError | NotConnectedError)


_FIRST_WITH_BACKUPS = "2025-04"
_FIRST_WITH_SCHEDULES = "2026-07"
"""Earlier, only `unstable` has schedules."""
_DATED_VERSION = re.compile(r"\d{4}-\d{2}")


def explain_missing(error: PineconeError, target: bytes, version: str) -> PineconeError:
    """Return an error; if a 404 means that the API version lacks the call, with the variable to set."""
    if not isinstance(error, NotFoundError) or _DATED_VERSION.fullmatch(version) is None:
        return error
    if _find_collection(target) == b"backup-schedules" and version < _FIRST_WITH_SCHEDULES:
        return NotFoundError(
            f"{error}; API version {version} has no backup schedules: "
            f"set PINECONE_SCHEDULES_API_VERSION to unstable, or PINECONE_API_VERSION to {_FIRST_WITH_SCHEDULES}"
        )
    if _find_collection(target) == b"backups" and version < _FIRST_WITH_BACKUPS:
        return NotFoundError(
            f"{error}; API version {version} has no backups: set PINECONE_API_VERSION to {_FIRST_WITH_SCHEDULES}"
        )
    return error


def _find_collection(target: bytes) -> bytes:
    """Return the last collection of the path of a call, for any name of an index."""
    _, collection, *segments = target.partition(b"?")[0].split(b"/")
    return segments[1] if collection == b"indexes" and len(segments) > 1 else collection
