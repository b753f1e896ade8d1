"""What goes wrong with a request to AWS, and how AWS says so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from xml.sax.saxutils import escape

from support.aws_local.requests import AwsCall


class AwsFaultKind(StrEnum):
    """The ways in which a request goes wrong."""

    UNAVAILABLE = "unavailable"
    """Nothing is done: 500 or 503."""
    THROTTLED = "throttled"
    """Nothing is done: the service throttles the call."""
    REFUSED = "refused"
    """Nothing is done: access is denied."""
    LATE = "late"
    """It is done, and answered late."""
    LOST = "lost"
    """It is done, and the answer is lost with the connection."""
    KILLED = "killed"
    """It is done, and the process is killed before it receives the answer."""


@dataclass(slots=True, kw_only=True)
class AwsFault:
    """Something that goes wrong with some requests."""

    kind: AwsFaultKind
    call: str
    """Service and operation, such as `dynamodb:TransactWriteItems`."""
    function: str | None = None
    """Whose requests; `None` is anybody's."""
    required_content: bytes = b""
    """What the request has to hold."""
    after: int = 0
    """How many fitting requests are served well first."""
    times: int | None = 1
    """How often it strikes; `None` is for ever."""
    delay_seconds: float = 0.0
    """How late."""
    trigger_count: int = field(default=0, init=False)
    _matching_count: int = field(default=0, init=False)

    def trigger(self, call: AwsCall, function: str | None) -> bool:
        """Tell whether it strikes this request, and count it."""
        if call.name != self.call or self.function not in {None, function} or self.required_content not in call.content:
            return False
        self._matching_count += 1
        if self._matching_count <= self.after or (self.times is not None and self.trigger_count >= self.times):
            return False
        self.trigger_count += 1
        return True


@dataclass(frozen=True, slots=True)
class AwsErrorResponse:
    """An answer of AWS that is none."""

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
    """Return the answer of a service that did not do what was requested."""
    status, code = _SERVICE_CODES[kind].get(call.service, _DEFAULT_CODES[kind])
    if call.service == "s3":
        return AwsErrorResponse(
            status, f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>".encode(), "text/xml"
        )
    if call.service == "sns":
        error_element = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        return AwsErrorResponse(status, f"<ErrorResponse>{error_element}</ErrorResponse>".encode(), "text/xml")
    content = json.dumps({"__type": code, "message": text}).encode()
    return AwsErrorResponse(status, content, "application/x-amz-json-1.1")
