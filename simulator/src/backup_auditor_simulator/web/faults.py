"""Faults of the answers to some requests."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from backup_auditor_simulator.api.admin import TOKEN_PATH, build_token_error
from backup_auditor_simulator.api.data_plane import build_gateway_response, is_data_path
from backup_auditor_simulator.api.messages import ParsedRequest, Response, build_error_response, encode_error
from backup_auditor_simulator.model import ApiError
from backup_auditor_simulator.project import SimulatedProject


class FaultKind(StrEnum):
    """The kinds of faults of an answer."""

    STATUS = "status"
    """`status` with `body`, or with an error of the called API that says `code` and `message`; `headers` besides."""
    GARBAGE = "garbage"
    """`body` with status 200, instead of the response; without `body`, the page of a proxy."""
    REFUSE_PLAN = "refuse_plan"
    """403, with a message that speaks of the plan."""
    DELAY = "delay"
    """The right answer, `seconds` late."""
    SLOW = "slow"
    """The right answer, dribbled over `seconds`."""
    HANG = "hang"
    """No answer, and an open connection."""
    RESET = "reset"
    """The connection is reset, and nothing was done."""
    RESET_AFTER_EFFECT = "reset_after_effect"
    """The request takes effect, the connection is reset, and the answer is lost."""
    TRUNCATE = "truncate"
    """Half of the right answer, and the end of the connection."""
    REPEAT_TOKEN = "repeat_token"  # noqa: S105  a token of a page, not a secret
    """The right page, with the token of the request as the token of the next page."""
    SHIFT = "shift"
    """The project changes before the answer: `change` says how."""


_PLAN_MESSAGE = "Scheduled backups are not available for your plan"
_PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream error</body></html>"


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault of the answers to some requests."""

    kind: FaultKind | str = FaultKind.STATUS
    path: str = "*"
    """A shell pattern; `*` goes across slashes."""
    method: str | None = None
    version: str | None = None
    after: int = 0
    """How many fitting requests are answered well first."""
    times: int | None = None
    """How often it strikes; `None` is without limit."""
    probability: float = 1.0
    seed: int = 0
    status: int = 503
    code: str | None = None
    message: str = "The service is unavailable."
    body: bytes | str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    change: Callable[[SimulatedProject], object] | None = None
    matched_count: int = field(default=0, init=False)
    """How many requests fitted so far."""
    applied_count: int = field(default=0, init=False)
    """How often it struck so far."""
    _rng: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Convert the kind, and seed the random generator."""
        self.kind = FaultKind(self.kind)
        self._rng = random.Random(self.seed)  # noqa: S311  the faults must be the same each time

    def applies_to(self, request: ParsedRequest) -> bool:
        """Return whether the fault applies to a request, and count the request."""
        is_match = (
            fnmatchcase(request.path, self.path)
            and self.method in {None, request.method}
            and self.version in {None, request.version}
        )
        if not is_match:
            return False
        self.matched_count += 1
        is_exhausted = self.times is not None and self.applied_count >= self.times
        if self.matched_count <= self.after or is_exhausted:
            return False
        if self.probability < 1 and self._rng.random() >= self.probability:
            return False
        self.applied_count += 1
        return True

    def build_response(self, request: ParsedRequest) -> Response | None:
        """Return the answer that replaces the right one; `None` if the right one is sent."""
        headers = dict(self.headers)
        body = self.body.encode() if isinstance(self.body, str) else self.body
        match self.kind:
            case FaultKind.REFUSE_PLAN:
                return Response(403, encode_error(ApiError(403, _PLAN_MESSAGE)), headers=headers)
            case FaultKind.GARBAGE:
                return Response(200, _PROXY_PAGE if body is None else body, self.content_type or "text/html", headers)
            case FaultKind.STATUS:
                error = ApiError(self.status, self.message, self.code)
                response = _build_error_response(error, request.path)
                content = response.content if body is None else body
                default_type = response.content_type if body is None else "application/json"
                return Response(self.status, content, self.content_type or default_type, headers)
            case _:
                return None


def _build_error_response(error: ApiError, path: str) -> Response:
    """Return an error in the format of the called API."""
    if path == TOKEN_PATH:
        return build_token_error(error.status, error.code.casefold(), error.message)
    return build_gateway_response(error) if is_data_path(path) else build_error_response(error, None)
