"""Schedules that fall short are changed, and never lowered."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying, scheduled, states

pytestmark = pytest.mark.writes


def test_a_schedule_that_falls_short_is_changed_and_never_lowered(tmp_path: Path) -> None:
    """Faster, longer, resumed; what reads back is what was asked for."""
    world = empty_world()
    for name, frequency, days in (("slow", "weekly", 60), ("brief", "daily", 2), ("paused", "weekly", 7)):
        world.create_index(name)
        schedule = world.create_schedule(name, "theirs", frequency, days)
        if name == "paused":
            world.update_schedule(schedule.id, enabled=False)
    with remedying(world, tmp_path / "state") as project:
        outcome = project.run()
        assert set(states(outcome.results).values()) == {ActionState.DONE}
        assert scheduled(world) == {
            "slow": [("theirs", "daily", 60, True)],
            "brief": [("theirs", "daily", 7, True)],
            "paused": [("theirs", "daily", 7, True)],
        }
        undone = {it.action.index: it.undo_call.body for it in outcome.results if it.undo_call is not None}
        assert undone["slow"] == {"frequency": "weekly"}
        assert undone["paused"] == {"enabled": False, "frequency": "weekly"}


def test_a_schedule_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """Somebody else is at it."""
    world = empty_world()
    for name in ("slow", "gone", "done"):
        world.create_index(name)
        world.create_schedule(name, name, "weekly", 60)
    with remedying(world, tmp_path / "state") as project:
        project.planned()
        ids = {it.index.name: it.id for it in world.schedules.values()}
        world.update_schedule(ids["slow"], frequency="monthly")
        world.delete_schedule(ids["gone"])
        world.update_schedule(ids["done"], frequency="daily")
        told = states(project.carried_out().results)
        assert told == {
            "slow": ActionState.SKIPPED,
            "gone": ActionState.SKIPPED,
            "done": ActionState.ALREADY_SATISFIED,
        }
        assert project.writes == []


def undo(project: Project, method: str, path: str, body: object) -> int:
    """Send what is told, as a person would, and return the status of the answer."""
    headers = {"Api-Key": project.server.editor_key, "X-Pinecone-Api-Version": "2026-07"}
    return httpx.request(method, project.server.url + path, json=body or None, headers=headers).status_code


def test_what_is_told_to_undo_each_action_undoes_it(tmp_path: Path) -> None:
    """Sent as it stands there, each call leaves the project as it was."""
    world = empty_world()
    for name in ("bare", "brief", "paused", "slow"):
        world.create_index(name)
    for name, frequency, days in (("slow", "weekly", 60), ("brief", "daily", 2), ("paused", "weekly", 7)):
        world.create_schedule(name, "theirs", frequency, days)
    (paused,) = world.get_index("paused").schedules.values()
    world.update_schedule(paused.id, enabled=False)
    before = scheduled(world)
    with remedying(world, tmp_path / "state", remedial(first_backup=True)) as project:
        results = project.run().results
        assert scheduled(world) != before
        world.advance(timedelta(hours=1))
        for it in results:
            assert it.undo_call is not None
            assert undo(project, it.undo_call.method, it.undo_call.path, it.undo_call.body) in {200, 202, 204}
        world.advance(timedelta(hours=1))
    assert scheduled(world) == before
    assert not [it for it in world.backups.values() if (it.name or "").startswith("auditor-first")]


def test_a_change_that_may_have_taken_effect_is_told_with_what_undoes_it(tmp_path: Path) -> None:
    """It does no harm where there is nothing to undo."""
    world = empty_world()
    world.create_index("slow")
    world.create_schedule("slow", "theirs", "weekly", 60)
    with remedying(world, tmp_path / "state") as project:
        project.planned()
        project.server.faults.append(Fault(kind="reset", method="PATCH"))
        (told,) = project.carried_out().results
        assert told.state is ActionState.UNKNOWN
        assert told.undo_call is not None
        project.server.faults.clear()
        assert undo(project, told.undo_call.method, told.undo_call.path, told.undo_call.body) == 200
    assert scheduled(world) == {"slow": [("theirs", "weekly", 60, True)]}
