"""A plan is carried out as it was shown, or it is said what was not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.cli.audit import choose_remediation_exit_code
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying, scheduled, states

pytestmark = pytest.mark.writes
SCHEDULES = "/indexes/*/backup-schedules"
type Change = Callable[[SimulatedProject], object]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Serve three indexes without a schedule."""
    world = empty_world()
    for name in ("carts", "logs", "orders"):
        world.create_index(name)
    with remedying(world, tmp_path / "state") as found:
        yield found


def test_every_index_gets_the_schedule_of_the_plan(project: Project) -> None:
    """Read, created, verified, and recorded before and after; the next run finds nothing to do."""
    outcome = project.run()
    assert set(states(outcome.results).values()) == {ActionState.DONE}
    assert set(map(str, scheduled(project.world).values())) == {"[('auditor', 'daily', 7, True)]"}
    calls = [it for it in project.server.requests if it.role == "editor" and "orders" in it.path]
    assert [(it.method, it.path.removeprefix("/indexes/orders")) for it in calls] == [
        ("GET", "/backup-schedules"),
        ("POST", "/backup-schedules"),
        ("GET", "/backup-schedules"),
    ]
    plan = project.plan
    assert plan is not None
    for result in outcome.results:
        record = project.log.find_last_attempt("default", result.action.key)
        assert record is not None
        assert (record.state, record.actor, record.plan_id) == (ActionState.DONE, "tester@here", plan.plan_id)
        assert record.after == {
            "name": "auditor",
            "enabled": True,
            "frequency": "daily",
            "retention": {"expire_after_days": 7},
        }
        assert record.target_id in project.world.schedules
        assert str(result.undo_call) == f"DELETE /backup-schedules/{record.target_id}"
    assert project.planned().actions == ()


def test_the_same_plan_delivered_twice_acts_once(project: Project) -> None:
    """What it did and stands is already there; what was undone since is skipped; a plan made anew acts again."""
    plan = project.planned()
    project.carried_out(plan)
    written = len(project.writes)
    again = project.carried_out(plan)
    assert set(states(again.results).values()) == {ActionState.ALREADY_SATISFIED}
    assert choose_remediation_exit_code(again.results, is_refused=False) == 0
    for schedule in list(project.world.schedules):
        project.world.delete_schedule(schedule)
    again = project.carried_out(plan)
    assert set(states(again.results).values()) == {ActionState.SKIPPED}
    assert choose_remediation_exit_code(again.results, is_refused=False) == 1
    assert "tester@here did it" in again.results[0].detail
    assert len(project.writes) == written
    project.world.advance(timedelta(minutes=1))
    anew = project.planned()
    assert anew.plan_id == plan.plan_id
    assert set(states(project.carried_out(anew).results).values()) == {ActionState.DONE}


@pytest.mark.parametrize(
    "change,state,why",
    [
        pytest.param(
            lambda world: world.create_schedule("orders", "theirs", "daily", 30),
            ActionState.ALREADY_SATISFIED,
            "theirs satisfies the policy",
            id="another-was-quicker",
        ),
        pytest.param(
            lambda world: world.create_schedule("orders", "theirs", "weekly", 30),
            ActionState.SKIPPED,
            "theirs runs weekly, and daily is required",
            id="another-that-is-not-enough",
        ),
        pytest.param(
            lambda world: world.update_schedule(world.create_schedule("orders", "theirs").id, enabled=False),
            ActionState.SKIPPED,
            "theirs is paused",
            id="a-paused-one",
        ),
        pytest.param(
            lambda world: world.delete_index("orders"), ActionState.SKIPPED, "The index is gone.", id="deleted"
        ),
        pytest.param(
            lambda world: setattr(world.get_index("orders"), "ready_at", world.now + timedelta(hours=1)),
            ActionState.SKIPPED,
            "not ready",
            id="not-ready",
        ),
    ],
)
def test_an_index_that_changed_since_is_skipped(project: Project, change: Change, state: ActionState, why: str) -> None:
    """It is said so, nothing is written to it, and the others are done."""
    plan = project.planned()
    change(project.world)
    outcome = project.carried_out(plan)
    (orders,) = (it for it in outcome.results if it.action.index == "orders")
    assert (orders.state, orders.undo_call) == (state, None)
    assert why in orders.detail
    assert not [it for it in project.writes if "orders" in it.path]
    assert list(states(outcome.results).values()).count(ActionState.DONE) == 2


@pytest.mark.parametrize(
    "change,state,why",
    [
        pytest.param(
            lambda world: world.create_schedule("orders", "theirs", "daily", 30),
            ActionState.ALREADY_SATISFIED,
            "satisfies the policy",
            id="enough",
        ),
        pytest.param(
            lambda world: world.create_schedule("orders", "theirs", "monthly", 30),
            ActionState.FAILED,
            "monthly",
            id="not-enough",
        ),
        pytest.param(
            lambda world: world.delete_index("orders"), ActionState.SKIPPED, "gone", id="deleted-before-the-call"
        ),
    ],
)
def test_what_happens_between_reading_and_creating_is_found_out(
    project: Project, change: Change, state: ActionState, why: str
) -> None:
    """A 409 is success where what stands satisfies the policy, and a failure where it does not."""
    project.planned()
    path = "/indexes/orders/backup-schedules"
    project.server.faults.append(Fault(kind="shift", method="POST", path=path, times=1, change=change))
    outcome = project.carried_out()
    (orders,) = (it for it in outcome.results if it.action.index == "orders")
    assert orders.state is state
    assert why in orders.detail
    assert len(project.world.schedules) in {2, 3}


def test_a_pause_that_409_does_not_protect_is_reported(project: Project) -> None:
    """One that appears in between is found on reading back."""

    def pause_another(world: SimulatedProject) -> None:
        world.update_schedule(world.create_schedule("orders", "theirs").id, enabled=False)

    project.planned()
    path = "/indexes/orders/backup-schedules"
    project.server.faults.append(Fault(kind="shift", method="POST", path=path, times=1, change=pause_another))
    (orders,) = (it for it in project.carried_out().results if it.action.index == "orders")
    assert orders.state is ActionState.VERIFICATION_FAILED
    assert "Another schedule appeared beside it, paused: theirs" in orders.detail
    assert orders.undo_call is not None


@pytest.mark.parametrize("kind", ["reset_after_effect", "truncate"])
def test_a_lost_answer_is_settled_by_reading(project: Project, kind: str) -> None:
    """One request, one schedule, done."""
    project.planned()
    project.server.faults.append(Fault(kind=kind, method="POST"))
    assert set(states(project.carried_out().results).values()) == {ActionState.DONE}
    assert len(project.writes) == len(project.world.schedules) == 3


def test_what_is_not_known_is_said_and_settled_by_the_next_run(project: Project) -> None:
    """A request that was lost before its effect leaves an outcome unknown; the next run reads first."""
    project.planned()
    project.server.faults.append(Fault(kind="reset", method="POST", path="/indexes/orders/*"))
    outcome = project.carried_out()
    assert states(outcome.results)["orders"] is ActionState.UNKNOWN
    project.server.faults.clear()
    assert states(project.run().results) == {"orders": ActionState.DONE}
    records = [it for it in project.log.list_plan_attempts("default", outcome_plan(project)) if "orders" in it.key]
    assert [it.state for it in records] == [ActionState.DONE]
    first = project.log.list_plan_attempts("default", first_plan(project))
    assert {it.state for it in first if "orders" in it.key} <= {ActionState.FAILED, ActionState.DONE}


def outcome_plan(project: Project) -> str:
    """Return the id of the plan that was made last."""
    assert project.plan is not None
    return project.plan.plan_id


def first_plan(project: Project) -> str:
    """Return the id of the plan of the first attempt at an index."""
    record = project.log.find_last_attempt("default", "create_schedule/orders")
    assert record is not None
    assert record.attempt == 2
    return record.plan_id


def test_a_first_backup_is_taken_once(project: Project) -> None:
    """Not while one is under way, and not again when it failed."""
    backups = project.under(remedial(first_backup=True))
    outcome = backups.run()
    assert [it.state for it in outcome.results] == [ActionState.DONE] * 6
    assert {it.name for it in project.world.backups.values() if it.schedule is None} == {"auditor-first-20261120"}
    assert backups.planned().actions == ()
    for backup in list(project.world.backups.values()):
        if backup.schedule is None:
            project.world.fail_backup(backup)
    project.world.advance(timedelta(hours=1))
    assert backups.planned().actions == ()


def test_a_backup_that_may_have_been_asked_for_is_given_time_to_show(project: Project) -> None:
    """It is never asked for blindly again."""
    backups = project.under(remedial(first_backup=True))
    backups.planned()
    project.server.faults.append(Fault(kind="reset", method="POST", path="/indexes/orders/backups"))
    backups.carried_out()
    project.server.faults.clear()
    told = [it for it in backups.run().results if it.action.index == "orders"]
    assert [it.state for it in told] == [ActionState.SKIPPED]
    assert "it may yet show" in told[0].detail
    project.world.advance(timedelta(minutes=16))
    assert [it.state for it in backups.run().results] == [ActionState.DONE]


def test_the_room_in_the_quota_is_looked_at_again(project: Project) -> None:
    """What was taken since the plan was made is not there any more."""
    bounded = project.under(remedial(quota=24))
    plan = bounded.planned()
    assert len(plan.actions) == 3
    project.world.create_index("theirs")
    project.world.create_schedule("theirs", "theirs", "daily", 9)
    outcome = bounded.carried_out(plan)
    assert sorted(states(outcome.results).values()) == [ActionState.DONE, ActionState.SKIPPED, ActionState.SKIPPED]
    assert "quota of 24" in outcome.results[-1].detail


def test_a_viewer_may_not_write(project: Project) -> None:
    """The key that audits cannot remediate."""
    project.planned()
    outcome = project.carried_out(key=Server.viewer_key)
    assert outcome.stop_error is not None
    assert ActionState.DONE not in states(outcome.results).values()
    assert project.world.schedules == {}


@pytest.mark.parametrize("mode", [Mode.NEVER, Mode.PROPOSE])
def test_nothing_is_carried_out_that_the_policy_does_not_let_be(project: Project, mode: Mode) -> None:
    """Not one write."""
    project.world.create_schedule("orders", "slow", "monthly", 40)
    careful = project.under(replace(remedial(mode, mode, first_backup=True)))
    assert careful.run().results == ()
    assert project.writes == []
