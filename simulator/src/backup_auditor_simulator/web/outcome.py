"""What comes of one request: the right answer or another, when, and how the connection ends."""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from backup_auditor_simulator.api.calls import Answer, refusal
from backup_auditor_simulator.api.paging import write_token
from backup_auditor_simulator.api.service import Asked, respond
from backup_auditor_simulator.api.shapes import encode
from backup_auditor_simulator.errors import RefusedError
from backup_auditor_simulator.web.desk import Desk, Request
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.world import World


class Ending(Enum):
    """How an answer leaves, or does not."""

    WHOLE = auto()
    SLOW = auto()
    HANG = auto()
    RESET = auto()
    RESET_AFTER_EFFECT = auto()
    TRUNCATE = auto()


_ENDINGS = {
    FaultKind.SLOW: Ending.SLOW,
    FaultKind.HANG: Ending.HANG,
    FaultKind.RESET: Ending.RESET,
    FaultKind.RESET_AFTER_EFFECT: Ending.RESET_AFTER_EFFECT,
    FaultKind.TRUNCATE: Ending.TRUNCATE,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to come of a request."""

    entry: Request
    delay: float
    """Seconds before the answer."""
    fault: Fault | None = None
    ending: Ending = Ending.WHOLE

    @property
    def seconds(self) -> float:
        """How long a slow answer takes."""
        return self.fault.seconds if self.fault else 0.0

    def settle(self, desk: Desk, request: Asked) -> Answer:
        """Do what the request asks for, and return the answer that is sent."""
        try:
            answer = self._settled(desk, request)
        except Exception:  # noqa: BLE001  a mistake in a planted change is shown, and leaves no client waiting
            traceback.print_exc()
            answer = refusal(RefusedError(500, "UNKNOWN", "Internal server error"), None)
        if self.ending is not Ending.RESET_AFTER_EFFECT:
            self.entry.status = answer.status
        return answer

    def _settled(self, desk: Desk, request: Asked) -> Answer:
        desk.follow_clock()
        answer = (self.fault.answer() if self.fault else None) or self._right_answer(desk.world, request)
        if self.fault and self.fault.kind is FaultKind.REPEAT_TOKEN:
            return _with_repeated_token(answer, request.query.get("paginationToken"))
        return answer

    def _right_answer(self, world: World, request: Asked) -> Answer:
        change: Callable[[World], object] | None = self.fault.change if self.fault else None
        if change is not None:
            with world.lock:
                change(world)
        return respond(world, request)


def outcome_of(desk: Desk, request: Asked) -> Outcome:
    """Say what is to come of a request that has arrived."""
    entry = desk.enter(request)
    fault = desk.fault_for(request)
    if fault is None:
        return Outcome(entry, desk.latency)
    late = fault.seconds if fault.kind is FaultKind.DELAY else 0.0
    return Outcome(entry, desk.latency + late, fault, _ENDINGS.get(FaultKind(fault.kind), Ending.WHOLE))


def _with_repeated_token(answer: Answer, token: str | None) -> Answer:
    content = json.loads(answer.content)
    rows = content.get("data", [])
    content["pagination"] = {"next": token or write_token(0, len(rows) or 1)}
    return replace(answer, content=encode(content))
