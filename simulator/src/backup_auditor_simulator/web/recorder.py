"""What all connections share: project, keys, faults, latency and the recorded requests; and how one request ends."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from backup_auditor_simulator.api.app import EDITOR, VIEWER, ParsedRequest, respond
from backup_auditor_simulator.api.pagination import write_token
from backup_auditor_simulator.api.responses import Answer, refusal
from backup_auditor_simulator.api.schemas import encode
from backup_auditor_simulator.errors import RefusedError
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault, FaultKind

VIEWER_KEY = "viewer-key-for-tests"
EDITOR_KEY = "editor-key-for-tests"


@dataclass(slots=True)
class Request:
    """One request that arrived, in the order of arrival."""

    method: str
    path: str
    query: Mapping[str, str]
    version: str | None
    role: str | None
    """What the key may do; `None` where it is not accepted."""
    status: int | None = None
    """`None` while no answer was sent, or where none ever is."""


@dataclass(slots=True)
class RequestRecorder:
    """Where the requests of all connections arrive."""

    world: SimulatedProject
    latency: float = 0.0
    """Seconds before every answer."""
    clock: Callable[[], datetime] | None = None
    """What the world's clock follows; `None` where it stands until it is set."""
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    roles: Mapping[str, str] = field(default_factory=lambda: {VIEWER_KEY: VIEWER, EDITOR_KEY: EDITOR})

    def enter(self, request: ParsedRequest) -> Request:
        """Write a request down."""
        entry = Request(request.method, request.path, request.query, request.version, request.role)
        self.requests.append(entry)
        return entry

    def fault_for(self, request: ParsedRequest) -> Fault | None:
        """Return the first fault that strikes a request."""
        return next((fault for fault in self.faults if fault.strikes(request)), None)

    def follow_clock(self) -> None:
        """Bring the world to the moment of the clock it follows."""
        if self.clock is not None:
            self.world.advance_to(self.clock())


class ConnectionEnd(Enum):
    """How an answer leaves, or does not."""

    WHOLE = auto()
    SLOW = auto()
    HANG = auto()
    RESET = auto()
    RESET_AFTER_EFFECT = auto()
    TRUNCATE = auto()


_ENDINGS = {
    FaultKind.SLOW: ConnectionEnd.SLOW,
    FaultKind.HANG: ConnectionEnd.HANG,
    FaultKind.RESET: ConnectionEnd.RESET,
    FaultKind.RESET_AFTER_EFFECT: ConnectionEnd.RESET_AFTER_EFFECT,
    FaultKind.TRUNCATE: ConnectionEnd.TRUNCATE,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to come of a request."""

    entry: Request
    delay: float
    """Seconds before the answer."""
    fault: Fault | None = None
    ending: ConnectionEnd = ConnectionEnd.WHOLE

    @property
    def seconds(self) -> float:
        """How long a slow answer takes."""
        return self.fault.seconds if self.fault else 0.0

    def settle(self, desk: RequestRecorder, request: ParsedRequest) -> Answer:
        """Do what the request asks for, and return the answer that is sent."""
        try:
            answer = self._settled(desk, request)
        except Exception:  # noqa: BLE001  a mistake in a planted change is shown, and leaves no client waiting
            traceback.print_exc()
            answer = refusal(RefusedError(500, "UNKNOWN", "Internal server error"), None)
        if self.ending is not ConnectionEnd.RESET_AFTER_EFFECT:
            self.entry.status = answer.status
        return answer

    def _settled(self, desk: RequestRecorder, request: ParsedRequest) -> Answer:
        desk.follow_clock()
        answer = (self.fault.answer() if self.fault else None) or self._right_answer(desk.world, request)
        if self.fault and self.fault.kind is FaultKind.REPEAT_TOKEN:
            return _with_repeated_token(answer, request.query.get("paginationToken"))
        return answer

    def _right_answer(self, world: SimulatedProject, request: ParsedRequest) -> Answer:
        change: Callable[[SimulatedProject], object] | None = self.fault.change if self.fault else None
        if change is not None:
            with world.lock:
                change(world)
        return respond(world, request)


def outcome_of(desk: RequestRecorder, request: ParsedRequest) -> Outcome:
    """Say what is to come of a request that has arrived."""
    entry = desk.enter(request)
    fault = desk.fault_for(request)
    if fault is None:
        return Outcome(entry, desk.latency)
    late = fault.seconds if fault.kind is FaultKind.DELAY else 0.0
    return Outcome(entry, desk.latency + late, fault, _ENDINGS.get(FaultKind(fault.kind), ConnectionEnd.WHOLE))


def _with_repeated_token(answer: Answer, token: str | None) -> Answer:
    content = json.loads(answer.content)
    rows = content.get("data", [])
    content["pagination"] = {"next": token or write_token(0, len(rows) or 1)}
    return replace(answer, content=encode(content))
