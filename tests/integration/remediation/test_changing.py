"""Schedules that fall short are changed, and never lowered."""

from pathlib import Path

import pytest

from backup_auditor.domain.remediation.record import ActionState
from remedying import remedying, scheduled, states
from simulated import empty_world

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
        undone = {it.action.index: it.undo.body for it in outcome.results if it.undo is not None}
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
            "done": ActionState.ALREADY_THERE,
        }
        assert project.writes == []
