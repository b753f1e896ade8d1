"""The calls under `/_simulator/` by which other processes control a running simulator."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.api.messages import ParsedRequest, Response, encode_json
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_organization_scenario, build_scenario
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.recorder import RequestRecorder


def parse_change(text: str) -> Callable[[SimulatedProject], object]:
    """Return the change that a text names. Raises `ValueError` if it names none.

    It is `delete-first-backup`, `delete-last-backup` (as listed), `create-backup NAME`, `delete-index NAME`,
    `replace-restored-index` or `advance SECONDS`.
    """
    name, _, argument = text.partition(" ")
    match name:
        case "delete-first-backup":
            return lambda project: _delete_backup(project, 0)
        case "delete-last-backup":
            return lambda project: _delete_backup(project, -1)
        case "create-backup":
            return lambda project: project.create_backup(argument)
        case "delete-index":
            return lambda project: project.delete_index(argument)
        case "replace-restored-index":
            return _replace_restored_index
        case "advance":
            duration = timedelta(seconds=float(argument))
            return lambda project: project.advance(duration)
        case _:
            raise ValueError(f"There is no change {text!r}.")


def _delete_backup(project: SimulatedProject, position: int) -> None:
    backups = project.list_backups()
    if backups:
        project.remove_backup(backups[position])


def _replace_restored_index(project: SimulatedProject) -> None:
    """Delete the index that was restored last, and create another one of its name."""
    restored_indexes = [it for it in project.indexes.values() if it.source_backup_id is not None]
    if restored_indexes:
        project.remove_index(restored_indexes[-1])
        project.create_index(restored_indexes[-1].name)


_ROOT_PATH = "/_simulator/"

type _Members = dict[str, Any]


def handle_control_request(recorder: RequestRecorder, request: ParsedRequest) -> Response | None:
    """Answer a request that controls the simulator; return `None` if it is one for the service."""
    if not request.path.startswith(_ROOT_PATH):
        return None
    handler = _HANDLERS.get((request.method, request.path.removeprefix(_ROOT_PATH)))
    if handler is None:
        return Response(404, encode_json({"error": "There is no such call of the simulator."}))
    try:
        members = json.loads(request.content or b"{}")
        return Response(200, encode_json(handler(recorder, members)))
    except (KeyError, TypeError, ValueError) as error:
        return Response(400, encode_json({"error": f"{type(error).__name__}: {error}"}))


def _list_requests(recorder: RequestRecorder, _: _Members) -> object:
    hidden_keys = {"content", "credential"}
    return [{key: value for key, value in asdict(it).items() if key not in hidden_keys} for it in recorder.requests]


def _clear_requests(recorder: RequestRecorder, _: _Members) -> object:
    recorder.requests.clear()
    return {}


def _read_clock(recorder: RequestRecorder, _: _Members) -> object:
    recorder.follow_clock()
    return {"now": recorder.project.now.isoformat()}


def _set_clock(recorder: RequestRecorder, members: _Members) -> object:
    """Set the clock to `now`, or advance it by `seconds`. It follows no other clock from then on."""
    recorder.follow_clock()
    recorder.clock = None
    if "now" in members:
        recorder.advance_to(datetime.fromisoformat(members["now"]))
    else:
        recorder.advance_to(recorder.project.now + timedelta(seconds=members["seconds"]))
    return _read_clock(recorder, members)


def _set_latency(recorder: RequestRecorder, members: _Members) -> object:
    recorder.latency = float(members["seconds"])
    return {"seconds": recorder.latency}


def _add_fault(recorder: RequestRecorder, members: _Members) -> object:
    change = members.pop("change", None)
    recorder.faults.append(Fault(**members, change=None if change is None else parse_change(change)))
    return {"faults": len(recorder.faults)}


def _clear_faults(recorder: RequestRecorder, _: _Members) -> object:
    recorder.faults.clear()
    return {"faults": 0}


def _add_damage(recorder: RequestRecorder, members: _Members) -> object:
    recorder.project.damages.append(Damage(**members))
    return {"damages": len(recorder.project.damages)}


def _clear_damages(recorder: RequestRecorder, _: _Members) -> object:
    """Remove the damages of the restores to come; restored indexes keep theirs."""
    recorder.project.damages.clear()
    return {"damages": 0}


def _set_scenario(recorder: RequestRecorder, members: _Members) -> object:
    """Replace the project, at `now` or at the moment of the one before it, and forget the requests."""
    now = datetime.fromisoformat(members["now"]) if "now" in members else recorder.project.now
    name, seed = members["name"], members.get("seed", 0)
    organization = build_organization_scenario(name, now=now, seed=seed)
    if organization is None:
        recorder.serve_project(build_scenario(name, now=now, seed=seed))
    else:
        recorder.serve_organization(organization)
    recorder.requests.clear()
    return {"now": recorder.project.now.isoformat(), "indexes": len(recorder.project.indexes)}


_HANDLERS: dict[tuple[str, str], Callable[[RequestRecorder, _Members], object]] = {
    ("GET", "requests"): _list_requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "clock"): _read_clock,
    ("POST", "clock"): _set_clock,
    ("GET", "latency"): lambda recorder, _: {"seconds": recorder.latency},
    ("POST", "latency"): _set_latency,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "damages"): _add_damage,
    ("DELETE", "damages"): _clear_damages,
    ("POST", "scenario"): _set_scenario,
}
