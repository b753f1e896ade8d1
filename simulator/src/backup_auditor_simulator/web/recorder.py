"""What all connections share: project, keys, faults, latency and the recorded requests; and how one request ends."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from backup_auditor_simulator.api.app import EDITOR, VIEWER, ParsedRequest, respond
from backup_auditor_simulator.api.pagination import write_token
from backup_auditor_simulator.api.responses import Response, build_error_response
from backup_auditor_simulator.api.schemas import encode_json
from backup_auditor_simulator.errors import ApiError
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault, FaultKind

VIEWER_KEY = "viewer-key-for-tests"
EDITOR_KEY = "editor-key-for-tests"


@dataclass(slots=True)
class RecordedRequest:
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

    project: SimulatedProject
    latency: float = 0.0
    """Seconds before every answer."""
    clock: Callable[[], datetime] | None = None
    """What the world's clock follows; `None` where it stands until it is set."""
    requests: list[RecordedRequest] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    roles: Mapping[str, str] = field(default_factory=lambda: {VIEWER_KEY: VIEWER, EDITOR_KEY: EDITOR})

    def record(self, request: ParsedRequest) -> RecordedRequest:
        """Write a request down."""
        entry = RecordedRequest(request.method, request.path, request.query, request.version, request.role)
        self.requests.append(entry)
        return entry

    def find_fault(self, request: ParsedRequest) -> Fault | None:
        """Return the first fault that strikes a request."""
        return next((fault for fault in self.faults if fault.applies_to(request)), None)

    def follow_clock(self) -> None:
        """Bring the world to the moment of the clock it follows."""
        if self.clock is not None:
            self.project.advance_to(self.clock())


class ConnectionEnd(Enum):
    """How an answer leaves, or does not."""

    COMPLETE = auto()
    SLOW = auto()
    HANG = auto()
    RESET = auto()
    RESET_AFTER_EFFECT = auto()
    TRUNCATE = auto()


_CONNECTION_ENDS = {
    FaultKind.SLOW: ConnectionEnd.SLOW,
    FaultKind.HANG: ConnectionEnd.HANG,
    FaultKind.RESET: ConnectionEnd.RESET,
    FaultKind.RESET_AFTER_EFFECT: ConnectionEnd.RESET_AFTER_EFFECT,
    FaultKind.TRUNCATE: ConnectionEnd.TRUNCATE,
}


@dataclass(frozen=True, slots=True)
class PendingResponse:
    """What is to come of a request."""

    entry: RecordedRequest
    delay: float
    """Seconds before the answer."""
    fault: Fault | None = None
    connection_end: ConnectionEnd = ConnectionEnd.COMPLETE

    @property
    def slow_seconds(self) -> float:
        """How long a slow answer takes."""
        return self.fault.seconds if self.fault else 0.0

    def build_response(self, recorder: RequestRecorder, request: ParsedRequest) -> Response:
        """Do what the request asks for, and return the answer that is sent."""
        try:
            response = self._apply_fault(recorder, request)
        except Exception:  # noqa: BLE001  a mistake in a planted change is shown, and leaves no client waiting
            traceback.print_exc()
            response = build_error_response(ApiError(500, "UNKNOWN", "Internal server error"), None)
        if self.connection_end is not ConnectionEnd.RESET_AFTER_EFFECT:
            self.entry.status = response.status
        return response

    def _apply_fault(self, recorder: RequestRecorder, request: ParsedRequest) -> Response:
        recorder.follow_clock()
        response = (self.fault.build_response() if self.fault else None) or self._call_service(
            recorder.project, request
        )
        if self.fault and self.fault.kind is FaultKind.REPEAT_TOKEN:
            return _repeat_token(response, request.query.get("paginationToken"))
        return response

    def _call_service(self, project: SimulatedProject, request: ParsedRequest) -> Response:
        change: Callable[[SimulatedProject], object] | None = self.fault.change if self.fault else None
        if change is not None:
            with project.lock:
                change(project)
        return respond(project, request)


def prepare_response(recorder: RequestRecorder, request: ParsedRequest) -> PendingResponse:
    """Say what is to come of a request that has arrived."""
    entry = recorder.record(request)
    fault = recorder.find_fault(request)
    if fault is None:
        return PendingResponse(entry, recorder.latency)
    fault_delay = fault.seconds if fault.kind is FaultKind.DELAY else 0.0
    return PendingResponse(
        entry,
        recorder.latency + fault_delay,
        fault,
        _CONNECTION_ENDS.get(FaultKind(fault.kind), ConnectionEnd.COMPLETE),
    )


def _repeat_token(response: Response, token: str | None) -> Response:
    document = json.loads(response.content)
    rows = document.get("data", [])
    document["pagination"] = {"next": token or write_token(0, len(rows) or 1)}
    return replace(response, content=encode_json(document))
