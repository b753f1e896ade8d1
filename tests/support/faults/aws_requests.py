"""Faults of requests to AWS, and the error responses of AWS for them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from xml.sax.saxutils import escape

from support.aws_local.requests import AwsCall


class AwsFaultKind(StrEnum):
    """The ways in which a request fails."""

    UNAVAILABLE = "unavailable"
    """The request has no effect: 500 or 503."""
    THROTTLED = "throttled"
    """The request has no effect: the service throttles it."""
    REFUSED = "refused"
    """The request has no effect: access is denied."""
    LATE = "late"
    """The request takes effect, and the answer is late."""
    LOST = "lost"
    """The request takes effect, and the connection breaks before the answer."""
    KILLED = "killed"
    """The request takes effect, and the calling process is killed before the answer."""


@dataclass(slots=True, kw_only=True)
class AwsFault:
    """A fault of the requests that match it."""

    kind: AwsFaultKind
    call: str
    """Service and operation, such as `dynamodb:TransactWriteItems`."""
    function: str | None = None
    """The function whose requests fail; `None` means every caller."""
    required_content: bytes = b""
    """The bytes that the request must contain."""
    after: int = 0
    """How many matching requests succeed first."""
    times: int | None = 1
    """How many requests fail; `None` means all."""
    delay_seconds: float = 0.0
    """The delay of a late answer."""
    trigger_count: int = field(default=0, init=False)
    _matching_count: int = field(default=0, init=False)

    def trigger(self, call: AwsCall, function: str | None) -> bool:
        """Return whether the fault applies to this request, and count it."""
        if call.name != self.call or self.function not in {None, function} or self.required_content not in call.content:
            return False
        self._matching_count += 1
        if self._matching_count <= self.after or (self.times is not None and self.trigger_count >= self.times):
            return False
        self.trigger_count += 1
        return True


@dataclass(frozen=True, slots=True)
class AwsErrorResponse:
    """An error response of AWS."""

    status: int
    content: bytes
    content_type: str


_SERVICE_CODES: Mapping[AwsFaultKind, Mapping[str, tuple[int, str]]] = {
    AwsFaultKind.UNAVAILABLE: {"s3": (503, "ServiceUnavailable"), "dynamodb": (500, "InternalServerError")},
    AwsFaultKind.THROTTLED: {
        "s3": (503, "SlowDown"),
        "dynamodb": (400, "ProvisionedThroughputExceededException"),
        "sns": (400, "Throttling"),
    },
    AwsFaultKind.REFUSED: {
        "s3": (403, "AccessDenied"),
        "sns": (403, "AuthorizationError"),
    },
}
_DEFAULT_CODES = {
    AwsFaultKind.UNAVAILABLE: (500, "InternalFailure"),
    AwsFaultKind.THROTTLED: (400, "ThrottlingException"),
    AwsFaultKind.REFUSED: (400, "AccessDeniedException"),
}


def build_error_response(kind: AwsFaultKind, call: AwsCall, text: str = "made up for a test") -> AwsErrorResponse:
    """Return the error response of a service to a request without effect."""
    status, code = _SERVICE_CODES[kind].get(call.service, _DEFAULT_CODES[kind])
    if call.service == "s3":
        return AwsErrorResponse(
            status, f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>".encode(), "text/xml"
        )
    if call.service in {"sns", "cloudformation"}:
        error_element = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        return AwsErrorResponse(status, f"<ErrorResponse>{error_element}</ErrorResponse>".encode(), "text/xml")
    content = json.dumps({"__type": code, "message": text}).encode()
    return AwsErrorResponse(status, content, "application/x-amz-json-1.1")
