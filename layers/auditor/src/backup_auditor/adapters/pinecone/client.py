"""Make calls to Pinecone, each within the limits, with retries and before the deadline, and interpret its responses.

A response is a success or a typed error. It also tells whether to retry, and whether the call took effect.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from random import SystemRandom
from threading import Lock
from typing import Any

from backup_auditor.adapters.http import is_transient
from backup_auditor.adapters.pinecone.connection import Connection, to_one_line
from backup_auditor.adapters.pinecone.flow_control import (
    Backoff,
    CallSlots,
    ConcurrencyLimiter,
    Deadline,
    MonotonicClock,
    RetryBudget,
    Uniform,
    parse_retry_after,
)
from backup_auditor.adapters.pinecone.transport import (
    NotConnectedError,
    PermanentError,
    Response,
    ResponseLostError,
    Transport,
)
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


MAX_ATTEMPTS = 5
"""How often a call that changes nothing is sent at most."""
MAX_THROTTLED_ATTEMPTS = 8
"""How often a throttled call is sent at most: it had no effect."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the client uses of the machine."""

    monotonic: MonotonicClock = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """Used only to read a `Retry-After` that is a date; no fact depends on it."""
    sleep: Callable[[float], None] = time.sleep
    uniform: Uniform = SystemRandom().uniform


@dataclass(slots=True)
class SharedDenial:
    """The refusal of schedule calls by the plan: one answer holds for every index."""

    message: str | None = None

    def record(self, error: PineconeError) -> None:
        """Store an error, if it is a refusal by the plan."""
        if isinstance(error, OrganizationPlanError):
            self.message = str(error)

    def raise_if_known(self) -> None:
        """Raise `OrganizationPlanError` after a refusal."""
        if self.message is not None:
            raise OrganizationPlanError(self.message)


class PineconeClient:
    """Makes all calls of one project under one deadline, retry budget and concurrency limit, from any thread."""

    def __init__(
        self, connection: Connection, transport: Transport, runtime: Runtime, call_slots: CallSlots | None = None
    ) -> None:
        """Start the time until the deadline. Projects that are read at the same time share their `call_slots`."""
        self.connection = connection
        self.deadline = Deadline(connection.deadline, runtime.monotonic)
        self.requests = 0
        """How many requests were sent, retries included."""
        self.throttles = 0
        """How many requests were answered with 429."""
        self.date_header: str | None = None
        """The `Date` of the last response that had one."""
        self._transport = transport
        self._runtime = runtime
        self._limiter = ConcurrencyLimiter(connection.max_concurrency)
        self._call_slots = call_slots or CallSlots(connection.max_concurrency)
        self._budget = RetryBudget(runtime.monotonic)
        self._counter_lock = Lock()

    def read(
        self, target: bytes, version: str, *, is_urgent: bool = False, shared_denial: SharedDenial | None = None
    ) -> bytes:
        """Make a call that changes nothing, with retries, and return the body of the response.

        Raises the error of the last attempt, or the shared denial if it is known when the turn of the call comes.
        """
        return self._call("GET", target, version, may_retry=is_retryable, is_urgent=is_urgent, denial=shared_denial)

    def read_by_post(self, target: bytes, version: str, body: bytes) -> bytes:
        """Make a POST call that changes nothing, with retries, and return the body of the response."""
        return self._call("POST", target, version, body, may_retry=is_retryable)

    def write(self, method: str, target: bytes, version: str, body: bytes) -> bytes:
        """Make a call that changes something and return the body of the response.

        It is repeated only if it was throttled: then it had no effect. Raises `ResponseLostError` if the call may have
        taken effect without a response, else the error of the last attempt.
        """
        return self._call(method, target, version, body, may_retry=self._is_only_throttled, is_write=True)

    def write_once(self, method: str, target: bytes, version: str) -> None:
        """Make a call that changes something, and never repeat it: what it relies on can change during a wait.

        Raises `ResponseLostError` if it may have taken effect without a response, else the error of the attempt.
        """
        self._call(method, target, version, b"", may_retry=lambda _: False, is_write=True)

    def wait(self, seconds: float) -> None:
        """Wait. Raises `DeadlineError` if the deadline is earlier."""
        if not self.deadline.allows(seconds):
            raise DeadlineError("the time limit was reached")
        self._runtime.sleep(seconds)

    def _call(  # noqa: PLR0913  the parts of a request, and how it is retried
        self,
        method: str,
        target: bytes,
        version: str,
        body: bytes | None = None,
        *,
        may_retry: Callable[[Outcome], bool],
        is_write: bool = False,
        is_urgent: bool = False,
        denial: SharedDenial | None = None,
    ) -> bytes:
        backoff = Backoff(self._runtime.uniform)
        outcome: Outcome | None = None
        attempts = 0
        while True:
            round_number = self._take_turn(outcome, is_urgent=is_urgent)
            is_overloaded = False
            try:
                while True:
                    if denial is not None:
                        denial.raise_if_known()
                    outcome = self._send(method, target, version, body)
                    is_overloaded = is_overload(outcome)
                    if isinstance(outcome, Response) and is_success(outcome):
                        return outcome.body
                    attempts += 1
                    wait = self._compute_wait(outcome, attempts, backoff) if may_retry(outcome) else None
                    if wait is None:
                        error = explain_missing(self._build_error(outcome), target, version)
                        if denial is not None:
                            denial.record(error)  # before the next call gets its turn
                        is_lost = is_write and may_have_taken_effect(outcome)
                        raise ResponseLostError(str(error)) if is_lost else error
                    if not is_throttle(outcome):
                        break
                    round_number = self._limiter.throttle(round_number)  # and keep the place
                    self._runtime.sleep(wait)
            finally:
                self._limiter.release(round_number, is_overloaded=is_overloaded)
            self._runtime.sleep(wait)

    def _take_turn(self, previous_outcome: Outcome | None, *, is_urgent: bool) -> int:
        """Wait for a place, and return its round. Raises the error of the previous attempt if there is no other."""
        error: PineconeError = UnavailableError("not sent: the service had stopped responding")
        try:
            if not self._budget.is_service_lost:
                seconds_left = self.deadline.require_seconds_left()
                round_number = self._limiter.acquire(seconds_left, is_urgent=is_urgent)
                if not self._budget.is_service_lost:
                    return round_number
                self._limiter.release(round_number, is_overloaded=False)  # it was lost while this call waited
        except UnavailableError as deadline_error:
            error = deadline_error
        raise error if previous_outcome is None else self._build_error(previous_outcome)

    def _send(self, method: str, target: bytes, version: str, body: bytes | None) -> Outcome:
        """Send one request, once, and return the response or the error."""
        outcome: Outcome
        try:
            with self._call_slots.hold_slot(self.deadline):
                with self._counter_lock:
                    self.requests += 1
                outcome = self._transport.send(method, target, version, self.deadline, body)
        except PineconeError as error:
            outcome = error
        if isinstance(outcome, Response):
            self.date_header = outcome.headers.get("date") or self.date_header
        if is_throttle(outcome):
            with self._counter_lock:
                self.throttles += 1
        if is_overload(outcome):
            self._budget.record_failure()
        else:
            self._budget.record_success()
        return outcome

    def _compute_wait(self, outcome: Outcome, attempts: int, backoff: Backoff) -> float | None:
        """Return the seconds until the next attempt; `None` if there is none."""
        if attempts >= (MAX_THROTTLED_ATTEMPTS if is_throttle(outcome) else MAX_ATTEMPTS):
            return None
        retry_after = outcome.headers.get("retry-after") if isinstance(outcome, Response) else None
        wait = backoff.compute_wait(parse_retry_after(retry_after, self._runtime.now()))
        return wait if self.deadline.allows(wait) and self._budget.spend_retry() else None

    def _is_only_throttled(self, outcome: Outcome) -> bool:
        """Return whether a call was throttled, and not refused because of a quota."""
        return is_throttle(outcome) and isinstance(self._build_error(outcome), ThrottledError)

    def _build_error(self, outcome: Outcome) -> PineconeError:
        return build_error(outcome, self.connection.key) if isinstance(outcome, Response) else outcome
