"""So many actions at once, until there is no use in going on."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.application.remediation.executor import ActionSender, SendResult
from backup_auditor.domain.remediation.actions import Action
from backup_auditor.domain.remediation.checks import IndexSnapshot
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState
from backup_auditor.errors import StateError
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import remedial
from support.simulator import empty_world, remedying, scheduled, states

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
def test_an_answer_about_the_project_stops_everything(tmp_path: Path, fault: Fault) -> None:
    """What is in flight is finished; nothing else is begun."""
    fault.applied_count = fault.matched_count = 0
    world = empty_world()
    for number in range(30):
        world.create_index(f"index-{number}")
    with remedying(world, tmp_path / "state") as project:
        found = project.audited()
        plan = project.planned()
        project.server.faults.append(fault)
        outcome = project.carried_out(plan, found, max_concurrency=4)
        assert outcome.stop_error is not None
        told = list(states(outcome.results).values())
        assert told.count(ActionState.FAILED) <= 4
        assert told.count(ActionState.NOT_STARTED) >= 26
        assert "Stopped: " in outcome.results[-1].detail
        assert len(project.writes) <= 4


def test_a_log_that_fails_is_named_before_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stopped it first: something that was done may be unrecorded."""
    world = empty_world()
    for number in range(3):
        world.create_index(f"index-{number}")
    with remedying(world, tmp_path / "state") as project:
        found, plan = project.audited(), project.planned()
        project.server.faults.append(Fault(status=401, method="POST", path="/indexes/index-[02]/*"))
        real = project.log.record_result

        def concluded(record: ActionRecord) -> None:
            if record.key.endswith("index-1"):
                raise StateError("the state cannot be used")
            real(record)

        monkeypatch.setattr(project.log, "record_result", concluded)
        outcome = project.carried_out(plan, found)
        assert isinstance(outcome.stop_error, StateError)
        assert [it.state for it in outcome.results] == [ActionState.FAILED, ActionState.DONE, ActionState.FAILED]


@pytest.mark.parametrize("status", [400, 403, 422])
def test_what_is_refused_for_ever_keeps_nobody_waiting(tmp_path: Path, status: int) -> None:
    """Each run creates no more than two, and the first four are refused again and again; the others get theirs."""
    world = empty_world()
    for number in range(8):
        world.create_index(f"index-{number}")
    policy = remedial(max_creations=2)
    with remedying(world, tmp_path / "state", policy) as project:
        project.server.faults.append(Fault(status=status, method="POST", path="/indexes/index-[0-3]/*"))
        for _ in range(4):
            shown = project.planned()
            assert project.planned() == shown
            project.run()
            assert project.plan == shown
            world.advance(timedelta(days=1))
        assert [name for name, its in scheduled(world).items() if its] == [f"index-{it}" for it in range(4, 8)]
        tried = {it.path for it in project.writes}
        project.run()
        assert len(tried) == 8
        assert len(project.writes) == 10


def test_twenty_are_in_flight_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the limiter, which may let fewer through."""
    world = empty_world()
    for number in range(60):
        world.create_index(f"index-{number}")
    in_flight: list[int] = []
    begun: set[str] = set()
    real = ActionSender.send

    def counting(doing: ActionSender, action: Action, seen: IndexSnapshot) -> tuple[SendResult, Mapping[str, object]]:
        begun.add(action.key)
        in_flight.append(len(begun))
        try:
            return real(doing, action, seen)
        finally:
            begun.discard(action.key)

    monkeypatch.setattr(ActionSender, "send", counting)
    with remedying(world, tmp_path / "state") as project:
        found, plan = project.audited(), project.planned()
        project.server.latency = 0.02
        assert set(states(project.carried_out(plan, found).results).values()) == {ActionState.DONE}
    assert 8 < max(in_flight) <= 20


def test_three_failures_in_a_row_stop_everything(tmp_path: Path) -> None:
    """In the order in which they come back; a success between them begins the count anew."""
    world = empty_world()
    for number in range(12):
        world.create_index(f"index-{number:02}")
    with remedying(world, tmp_path / "state") as project:
        found, plan = project.audited(), project.planned()
        for number in (0, 1, 3, 4, 6, 7, 8):
            path = f"/indexes/index-{number:02}/*"
            project.server.faults.append(Fault(status=400, method="POST", path=path))
        told = states(project.carried_out(plan, found, max_concurrency=1).results)
        assert [name for name, it in told.items() if it is ActionState.NOT_STARTED] == [
            "index-09",
            "index-10",
            "index-11",
        ]
        assert list(told.values()).count(ActionState.DONE) == 2


def test_three_that_read_back_amiss_stop_everything(tmp_path: Path) -> None:
    """What is not there as it was asked for is no success, and is not made of every index that is left."""
    world = empty_world()
    for number in range(8):
        world.create_index(f"index-{number}")
    with remedying(world, tmp_path / "state") as project:
        found, plan = project.audited(), project.planned()

        def pause_all(world: SimulatedProject) -> None:
            for schedule in list(world.schedules.values()):
                world.update_schedule(schedule.id, enabled=False)

        fault = Fault(kind="shift", method="GET", path="/indexes/*/backup-schedules", change=pause_all)
        project.server.faults.append(fault)
        told = [it.state for it in project.carried_out(plan, found, max_concurrency=1).results]
        assert told == [ActionState.VERIFICATION_FAILED] * 3 + [ActionState.NOT_STARTED] * 5
        assert len(project.writes) == 3
