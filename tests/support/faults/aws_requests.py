"""What goes wrong with a request to AWS, and how AWS says so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from xml.sax.saxutils import escape

from support.aws_local.requests import Call


class Kind(StrEnum):
    """The ways in which a request goes wrong."""

    UNAVAILABLE = "unavailable"
    """Nothing is done: 500 or 503."""
    THROTTLED = "throttled"
    """Nothing is done: the service asks to be called less often."""
    REFUSED = "refused"
    """Nothing is done: access is denied."""
    LATE = "late"
    """It is done, and answered late."""
    LOST = "lost"
    """It is done, and the answer is lost with the connection."""
    KILLED = "killed"
    """It is done, and the process that asked is killed before it hears of it."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """Something that goes wrong with some requests."""

    kind: Kind
    call: str
    """Service and operation, such as `dynamodb:TransactWriteItems`."""
    function: str | None = None
    """Whose requests; `None` is anybody's."""
    mentions: bytes = b""
    """What the request has to hold."""
    after: int = 0
    """How many fitting requests are served well first."""
    times: int | None = 1
    """How often it strikes; `None` is for ever."""
    seconds: float = 0.0
    """How late."""
    struck: int = field(default=0, init=False)
    _fitting: int = field(default=0, init=False)

    def strikes(self, call: Call, function: str | None) -> bool:
        """Tell whether it strikes this request, and count it."""
        if call.name != self.call or self.function not in {None, function} or self.mentions not in call.content:
            return False
        self._fitting += 1
        if self._fitting <= self.after or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of AWS that is none."""

    status: int
    content: bytes
    content_type: str


_CODES: Mapping[Kind, Mapping[str, tuple[int, str]]] = {
    Kind.UNAVAILABLE: {"s3": (503, "ServiceUnavailable"), "dynamodb": (500, "InternalServerError")},
    Kind.THROTTLED: {
        "s3": (503, "SlowDown"),
        "dynamodb": (400, "ProvisionedThroughputExceededException"),
        "sns": (400, "Throttling"),
    },
    Kind.REFUSED: {
        "s3": (403, "AccessDenied"),
        "sns": (403, "AuthorizationError"),
    },
}
_USUAL = {
    Kind.UNAVAILABLE: (500, "InternalFailure"),
    Kind.THROTTLED: (400, "ThrottlingException"),
    Kind.REFUSED: (400, "AccessDeniedException"),
}


def refusal_of(kind: Kind, call: Call, text: str = "made up for a test") -> Refusal:
    """Return how a service says that it did not do what was asked."""
    status, code = _CODES[kind].get(call.service, _USUAL[kind])
    if call.service == "s3":
        return Refusal(
            status, f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>".encode(), "text/xml"
        )
    if call.service == "sns":
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        return Refusal(status, f"<ErrorResponse>{inner}</ErrorResponse>".encode(), "text/xml")
    content = json.dumps({"__type": code, "message": text}).encode()
    return Refusal(status, content, "application/x-amz-json-1.1")
