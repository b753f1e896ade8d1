"""Test how many actions run concurrently, and when the execution stops."""

from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.application.remediation.executor import PlanExecutor
from backup_auditor.domain.remediation.checks import IndexSnapshot
from backup_auditor.domain.remediation.plan import Action, ActionRecord, ActionResult, ActionState
from backup_auditor.errors import StateError
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import build_remediation_policy
from support.simulator import build_empty_project, get_states_by_index, list_schedules, serve_remediated_project

pytestmark = pytest.mark.writes


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=401, method="POST"), id="key"),
        pytest.param(Fault(status=403, method="POST", message="Access denied"), id="permission"),
        pytest.param(Fault(kind="refuse_plan", method="POST"), id="plan"),
        pytest.param(Fault(status=403, method="POST", message="Increase your quota."), id="quota"),
        pytest.param(Fault(status=401, method="GET", path="/indexes/*/*"), id="key-while-reading"),
    ],
)
def test_an_error_of_the_project_stops_the_execution(tmp_path: Path, fault: Fault) -> None:
    """An error of the project ends the execution after the actions in flight."""
    fault.applied_count = fault.matched_count = 0
    simulated_project = build_empty_project()
    for number in range(30):
        simulated_project.create_index(f"index-{number}")
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        audit_result = project.audit()
        plan = project.create_plan()
        project.server.faults.append(fault)
        outcome = project.execute_plan(plan, audit_result, max_concurrency=4)
        assert outcome.stop_error is not None
        state_list = list(get_states_by_index(outcome.results).values())
        assert state_list.count(ActionState.FAILED) <= 4
        assert state_list.count(ActionState.NOT_STARTED) >= 26
        assert "Stopped: " in outcome.results[-1].detail
        assert len(project.write_requests) <= 4


def test_an_error_of_the_log_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the log is the reported error, because an applied action may be unrecorded."""
    simulated_project = build_empty_project()
    for number in range(3):
        simulated_project.create_index(f"index-{number}")
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        audit_result, plan = project.audit(), project.create_plan()
        project.server.faults.append(Fault(status=401, method="POST", path="/indexes/index-[02]/*"))
        original = project.log.record_result

        def fail_to_record(record: ActionRecord) -> None:
            if record.key.endswith("index-1"):
                raise StateError("the state cannot be used")
            original(record)

        monkeypatch.setattr(project.log, "record_result", fail_to_record)
        outcome = project.execute_plan(plan, audit_result)
        assert isinstance(outcome.stop_error, StateError)
        assert [it.state for it in outcome.results] == [ActionState.FAILED, ActionState.DONE, ActionState.FAILED]


@pytest.mark.parametrize("status", [400, 403, 422])
def test_actions_that_always_fail_do_not_block_the_others(tmp_path: Path, status: int) -> None:
    """Runs with a limit of two creations create the other schedules although the first four always fail."""
    simulated_project = build_empty_project()
    for number in range(8):
        simulated_project.create_index(f"index-{number}")
    policy = build_remediation_policy(max_creations=2)
    with serve_remediated_project(simulated_project, tmp_path / "state", policy) as project:
        project.server.faults.append(Fault(status=status, method="POST", path="/indexes/index-[0-3]/*"))
        for _ in range(4):
            shown_plan = project.create_plan()
            assert project.create_plan() == shown_plan
            project.run()
            assert project.plan == shown_plan
            simulated_project.advance(timedelta(days=1))
        assert [name for name, index_schedules in list_schedules(simulated_project).items() if index_schedules] == [
            f"index-{it}" for it in range(4, 8)
        ]
        tried_paths = {it.path for it in project.write_requests}
        project.run()
        assert len(tried_paths) == 8
        assert len(project.write_requests) == 10


def test_at_most_twenty_actions_are_in_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 20 actions are in flight, and more than 8."""
    simulated_project = build_empty_project()
    for number in range(60):
        simulated_project.create_index(f"index-{number}")
    in_flight_counts: list[int] = []
    started_ids: set[str] = set()
    original = PlanExecutor.send_action

    def count_in_flight(executor: PlanExecutor, action: Action, snapshot: IndexSnapshot) -> ActionResult:
        started_ids.add(action.key)
        in_flight_counts.append(len(started_ids))
        try:
            return original(executor, action, snapshot)
        finally:
            started_ids.discard(action.key)

    monkeypatch.setattr(PlanExecutor, "send_action", count_in_flight)
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        audit_result, plan = project.audit(), project.create_plan()
        project.server.latency = 0.02
        assert set(get_states_by_index(project.execute_plan(plan, audit_result).results).values()) == {ActionState.DONE}
    assert 8 < max(in_flight_counts) <= 20


def test_three_failures_in_a_row_stop_the_execution(tmp_path: Path) -> None:
    """Three failures in a row stop the execution, and a success resets the count."""
    simulated_project = build_empty_project()
    for number in range(12):
        simulated_project.create_index(f"index-{number:02}")
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        audit_result, plan = project.audit(), project.create_plan()
        for number in (0, 1, 3, 4, 6, 7, 8):
            path = f"/indexes/index-{number:02}/*"
            project.server.faults.append(Fault(status=400, method="POST", path=path))
        states_by_index = get_states_by_index(project.execute_plan(plan, audit_result, max_concurrency=1).results)
        assert [name for name, it in states_by_index.items() if it is ActionState.NOT_STARTED] == [
            "index-09",
            "index-10",
            "index-11",
        ]
        assert list(states_by_index.values()).count(ActionState.DONE) == 2


def test_three_failed_verifications_stop_the_execution(tmp_path: Path) -> None:
    """A failed verification counts as a failure, so that three of them stop the execution."""
    simulated_project = build_empty_project()
    for number in range(8):
        simulated_project.create_index(f"index-{number}")
    with serve_remediated_project(simulated_project, tmp_path / "state") as project:
        audit_result, plan = project.audit(), project.create_plan()

        def pause_all_schedules(simulated_project: SimulatedProject) -> None:
            for schedule in list(simulated_project.schedules.values()):
                simulated_project.update_schedule(schedule.id, enabled=False)

        fault = Fault(kind="shift", method="GET", path="/indexes/*/backup-schedules", change=pause_all_schedules)
        project.server.faults.append(fault)
        state_list = [it.state for it in project.execute_plan(plan, audit_result, max_concurrency=1).results]
        assert state_list == [ActionState.VERIFICATION_FAILED] * 3 + [ActionState.NOT_STARTED] * 5
        assert len(project.write_requests) == 3
