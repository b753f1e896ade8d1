"""The calls under `/_simulator/` by which other processes control a running simulator."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.api.app import ParsedRequest
from backup_auditor_simulator.api.responses import Answer
from backup_auditor_simulator.api.schemas import encode
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import scenario
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.recorder import RequestRecorder


def change_of(words: str) -> Callable[[SimulatedProject], object]:
    """Return the change that words name.

    They are `delete-first-backup` and `delete-last-backup` (as listed), `create-backup NAME`, `delete-index NAME`, and
    `advance SECONDS`.
    Raises `ValueError` where they name none.
    """
    verb, _, argument = words.partition(" ")
    match verb:
        case "delete-first-backup":
            return lambda world: _delete_backup(world, 0)
        case "delete-last-backup":
            return lambda world: _delete_backup(world, -1)
        case "create-backup":
            return lambda world: world.create_backup(argument)
        case "delete-index":
            return lambda world: world.delete_index(argument)
        case "advance":
            length = timedelta(seconds=float(argument))
            return lambda world: world.advance(length)
        case _:
            raise ValueError(f"There is no change {words!r}.")


def _delete_backup(world: SimulatedProject, place: int) -> None:
    listed = world.project_listing()
    if listed:
        world.remove_backup(listed[place])


_ROOT = "/_simulator/"

type _Members = dict[str, Any]


def control(desk: RequestRecorder, request: ParsedRequest) -> Answer | None:
    """Obey a request that steers the simulator; `None` if it is one for the service."""
    if not request.path.startswith(_ROOT):
        return None
    action = _ACTIONS.get((request.method, request.path.removeprefix(_ROOT)))
    if action is None:
        return Answer(404, encode({"error": "There is no such call of the simulator."}))
    try:
        members = json.loads(request.content or b"{}")
        return Answer(200, encode(action(desk, members)))
    except (KeyError, TypeError, ValueError) as error:
        return Answer(400, encode({"error": f"{type(error).__name__}: {error}"}))


def _requests(desk: RequestRecorder, _: _Members) -> object:
    return [asdict(it) for it in desk.requests]


def _forget_requests(desk: RequestRecorder, _: _Members) -> object:
    desk.requests.clear()
    return {}


def _clock(desk: RequestRecorder, _: _Members) -> object:
    desk.follow_clock()
    return {"now": desk.world.now.isoformat()}


def _set_clock(desk: RequestRecorder, members: _Members) -> object:
    """Set the clock to `now`, or advance it by `seconds`. It stands from then on."""
    desk.follow_clock()
    desk.clock = None
    if "now" in members:
        desk.world.advance_to(datetime.fromisoformat(members["now"]))
    else:
        desk.world.advance(timedelta(seconds=members["seconds"]))
    return {"now": desk.world.now.isoformat()}


def _latency(desk: RequestRecorder, _: _Members) -> object:
    return {"seconds": desk.latency}


def _set_latency(desk: RequestRecorder, members: _Members) -> object:
    desk.latency = float(members["seconds"])
    return {"seconds": desk.latency}


def _add_fault(desk: RequestRecorder, members: _Members) -> object:
    change = members.pop("change", None)
    desk.faults.append(Fault(**members, change=None if change is None else change_of(change)))
    return {"faults": len(desk.faults)}


def _clear_faults(desk: RequestRecorder, _: _Members) -> object:
    desk.faults.clear()
    return {"faults": 0}


def _set_scenario(desk: RequestRecorder, members: _Members) -> object:
    """Put another world in place, at `now` or at the moment of the one before it, and forget the requests."""
    now = datetime.fromisoformat(members["now"]) if "now" in members else desk.world.now
    desk.world = scenario(members["name"], now=now, seed=members.get("seed", 0))
    desk.requests.clear()
    return {"now": desk.world.now.isoformat(), "indexes": len(desk.world.indexes)}


_ACTIONS: dict[tuple[str, str], Callable[[RequestRecorder, _Members], object]] = {
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _set_clock,
    ("GET", "latency"): _latency,
    ("POST", "latency"): _set_latency,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "scenario"): _set_scenario,
}
