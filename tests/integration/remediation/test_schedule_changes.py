"""Schedules that violate the policy are changed, and no retention is lowered."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import build_remediation_policy
from support.simulator import (
    RemediatedProject,
    build_empty_project,
    get_states_by_index,
    list_schedules,
    serve_remediated_project,
)

pytestmark = pytest.mark.writes


def test_a_schedule_that_violates_the_policy_is_changed_and_never_lowered(tmp_path: Path) -> None:
    """It runs more often, keeps backups longer, or is resumed, and reads back so."""
    simulated_project = build_empty_project()
    for name, frequency, days in (("slow", "weekly", 60), ("brief", "daily", 2), ("paused", "weekly", 7)):
        simulated_project.create_index(name)
        schedule = simulated_project.create_schedule(name, "theirs", frequency, days)
        if name == "paused":
            simulated_project.update_schedule(schedule.id, enabled=False)
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        outcome = project.run()
        assert set(get_states_by_index(outcome.results).values()) == {ActionState.DONE}
        assert list_schedules(simulated_project) == {
            "slow": [("theirs", "daily", 60, True)],
            "brief": [("theirs", "daily", 7, True)],
            "paused": [("theirs", "daily", 7, True)],
        }
        undo_bodies = {it.action.index: it.undo_call.body for it in outcome.results if it.undo_call is not None}
        assert undo_bodies["slow"] == {"frequency": "weekly"}
        assert undo_bodies["paused"] == {"enabled": False, "frequency": "weekly"}


def test_a_schedule_that_changed_after_the_plan_is_skipped(tmp_path: Path) -> None:
    """Another client is changing it."""
    simulated_project = build_empty_project()
    for name in ("slow", "gone", "done"):
        simulated_project.create_index(name)
        simulated_project.create_schedule(name, name, "weekly", 60)
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        project.create_plan()
        ids = {it.index.name: it.id for it in simulated_project.schedules.values()}
        simulated_project.update_schedule(ids["slow"], frequency="monthly")
        simulated_project.delete_schedule(ids["gone"])
        simulated_project.update_schedule(ids["done"], frequency="daily")
        states_by_index = get_states_by_index(project.execute_plan().results)
        assert states_by_index == {
            "slow": ActionState.SKIPPED,
            "gone": ActionState.SKIPPED,
            "done": ActionState.ALREADY_SATISFIED,
        }
        assert project.write_requests == []


def send_undo(project: RemediatedProject, method: str, path: str, body: object) -> int:
    """Send an undo call as a person would, and return the status of the response."""
    headers = {"Api-Key": project.server.editor_key, "X-Pinecone-Api-Version": "2026-07"}
    return httpx.request(method, project.server.url + path, json=body or None, headers=headers).status_code


def test_the_undo_call_of_each_action_undoes_it(tmp_path: Path) -> None:
    """The exact call restores the previous state of the project."""
    simulated_project = build_empty_project()
    for name in ("bare", "brief", "paused", "slow"):
        simulated_project.create_index(name)
    for name, frequency, days in (("slow", "weekly", 60), ("brief", "daily", 2), ("paused", "weekly", 7)):
        simulated_project.create_schedule(name, "theirs", frequency, days)
    (paused_schedule,) = simulated_project.get_index("paused").schedules.values()
    simulated_project.update_schedule(paused_schedule.id, enabled=False)
    schedules_before = list_schedules(simulated_project)
    with serve_remediated_project(
        simulated_project, tmp_path / "state", build_remediation_policy(first_backup=True)
    ) as project:
        results = project.run().results
        assert list_schedules(simulated_project) != schedules_before
        simulated_project.advance(timedelta(hours=1))
        for result in results:
            assert result.undo_call is not None
            assert send_undo(project, result.undo_call.method, result.undo_call.path, result.undo_call.body) in {
                200,
                202,
                204,
            }
        simulated_project.advance(timedelta(hours=1))
    assert list_schedules(simulated_project) == schedules_before
    assert not [it for it in simulated_project.backups.values() if (it.name or "").startswith("auditor-first")]


def test_a_change_with_an_unknown_outcome_has_an_undo_call(tmp_path: Path) -> None:
    """The call does no harm if there is nothing to undo."""
    simulated_project = build_empty_project()
    simulated_project.create_index("slow")
    simulated_project.create_schedule("slow", "theirs", "weekly", 60)
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        project.create_plan()
        project.server.faults.append(Fault(kind="reset", method="PATCH"))
        (result,) = project.execute_plan().results
        assert result.state is ActionState.UNKNOWN
        assert result.undo_call is not None
        project.server.faults.clear()
        assert send_undo(project, result.undo_call.method, result.undo_call.path, result.undo_call.body) == 200
    assert list_schedules(simulated_project) == {"slow": [("theirs", "weekly", 60, True)]}
