"""What all connections of a server share: the world, the keys, the faults, the latency, and the log of requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from backup_auditor_simulator.api.service import EDITOR, VIEWER, Asked
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.world import World

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
class Desk:
    """Where the requests of all connections arrive."""

    world: World
    latency: float = 0.0
    """Seconds before every answer."""
    clock: Callable[[], datetime] | None = None
    """What the world's clock follows; `None` where it stands until it is set."""
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    roles: Mapping[str, str] = field(default_factory=lambda: {VIEWER_KEY: VIEWER, EDITOR_KEY: EDITOR})

    def enter(self, request: Asked) -> Request:
        """Write a request down."""
        entry = Request(request.method, request.path, request.query, request.version, request.role)
        self.requests.append(entry)
        return entry

    def fault_for(self, request: Asked) -> Fault | None:
        """Return the first fault that strikes a request."""
        return next((fault for fault in self.faults if fault.strikes(request)), None)

    def follow_clock(self) -> None:
        """Bring the world to the moment of the clock it follows."""
        if self.clock is not None:
            self.world.advance_to(self.clock())
