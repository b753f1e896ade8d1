"""Somebody else changes schedules while a plan is applied: the exit code agrees with what stands there in the end."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.application.audit import AuditResult
from backup_auditor.cli.audit import choose_remediation_exit_code
from backup_auditor.domain.policy import Requirements, Rule, ScheduleRequirement
from backup_auditor.domain.remediation.plan import ActionResult, ActionState, build_results
from backup_auditor_simulator.model import Schedule
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying

pytestmark = pytest.mark.writes
type Change = Callable[[SimulatedProject, Schedule], object]
PATCH, READ = "PATCH", "GET"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Serve one index."""
    world = empty_world()
    world.create_index("orders")
    with remedying(world, tmp_path / "state") as found:
        yield found


def planned_for(project: Project, *, frequency: str = "daily", days: int = 30, enabled: bool = True) -> Schedule:
    """Plan for an index with one schedule, and return that."""
    schedule = project.world.create_schedule("orders", "theirs", frequency, days)
    if not enabled:
        project.world.update_schedule(schedule.id, enabled=False)
    assert len(project.planned().actions) == 1
    return schedule


def applied(project: Project, found: AuditResult | None = None) -> tuple[ActionResult, int]:
    """Apply the plan, and return what came of its one action, and the exit code."""
    outcome = project.carried_out(found=found)
    (result,) = outcome.results
    return result, choose_remediation_exit_code(outcome.results, is_refused=outcome.stop_error is not None)


def before(project: Project, method: str, change: Callable[[SimulatedProject], object], *, after: int = 0) -> None:
    """Let somebody act before a request to the index or its schedules is answered, after so many were."""
    path = "/indexes/orders/backup-schedules" if method in {READ, "POST"} else "/backup-schedules/*"
    project.server.faults.append(Fault(kind="shift", method=method, path=path, times=1, after=after, change=change))


def settings(**changes: Any) -> Change:
    """Return a change of the schedule that is to be changed."""
    return lambda world, schedule: world.update_schedule(schedule.id, **changes)


def another(*, frequency: str = "daily", days: int = 30, name: str = "another") -> Change:
    """Return that somebody enables another schedule, and pauses the first one before, if need be."""

    def change(world: SimulatedProject, schedule: Schedule) -> None:
        if schedule.enabled:
            world.update_schedule(schedule.id, enabled=False)
        world.create_schedule("orders", name, frequency, days)

    return change


def made_anew(*, frequency: str = "daily", days: int = 30) -> Change:
    """Return that somebody deletes the schedule, and makes one of the same name."""

    def change(world: SimulatedProject, schedule: Schedule) -> None:
        world.delete_schedule(schedule.id)
        world.create_schedule("orders", schedule.name, frequency, days)

    return change


def deleted(world: SimulatedProject, schedule: Schedule) -> None:
    """Delete the schedule."""
    world.delete_schedule(schedule.id)


def index_deleted(world: SimulatedProject, _: Schedule) -> None:
    """Delete the index."""
    world.delete_index("orders")


def index_made_anew(world: SimulatedProject, _: Schedule) -> None:
    """Delete the index, and make another of its name."""
    world.delete_index("orders")
    world.create_index("orders")


BRIEF: dict[str, Any] = {"days": 2}
PAUSED: dict[str, Any] = {"enabled": False}
SLOW: dict[str, Any] = {"frequency": "weekly"}
ALREADY, SKIPPED, FAILED = ActionState.ALREADY_SATISFIED, ActionState.SKIPPED, ActionState.FAILED
DONE, AMISS = ActionState.DONE, ActionState.VERIFICATION_FAILED


@pytest.mark.parametrize(
    "begun,change,came,why",
    [
        pytest.param(BRIEF, settings(retention_days=7), (ALREADY, 0), "satisfies", id="raised-as-planned"),
        pytest.param(BRIEF, settings(retention_days=30), (ALREADY, 0), "satisfies", id="raised-further"),
        pytest.param(BRIEF, settings(retention_days=5), (SKIPPED, 1), "7d are required", id="raised-too-little"),
        pytest.param(
            BRIEF,
            settings(retention_days=7, enabled=False),
            (SKIPPED, 1),
            "is paused",
            id="raised-as-planned-and-paused",
        ),
        pytest.param(
            BRIEF,
            settings(retention_days=30, frequency="weekly"),
            (SKIPPED, 1),
            "runs weekly, and daily is required",
            id="raised-and-slowed-down",
        ),
        pytest.param(SLOW, settings(frequency="daily"), (ALREADY, 0), "satisfies", id="as-fast-as-planned"),
        pytest.param(
            SLOW, settings(frequency="daily", retention_days=3), (SKIPPED, 1), "keeps backups 3d", id="fast-and-brief"
        ),
        pytest.param(PAUSED, settings(enabled=True), (ALREADY, 0), "satisfies", id="resumed"),
        pytest.param(
            PAUSED,
            settings(enabled=True, frequency="monthly", retention_days=100),
            (SKIPPED, 1),
            "monthly",
            id="slowly",
        ),
        pytest.param(PAUSED, another(), (ALREADY, 0), "another satisfies the policy", id="another-that-is-enough"),
        pytest.param(PAUSED, another(days=2), (SKIPPED, 1), "keeps backups 2d", id="another-that-is-too-brief"),
        pytest.param(PAUSED, another(name="n" * 29), (SKIPPED, 1), "every run fails", id="another-that-cannot-run"),
        pytest.param(BRIEF, another(), (ALREADY, 0), "another satisfies", id="replaced"),
        pytest.param(BRIEF, deleted, (SKIPPED, 1), "theirs is gone. It has no schedule.", id="deleted"),
        pytest.param(BRIEF, made_anew(), (ALREADY, 0), "theirs satisfies", id="made-anew-under-its-name"),
        pytest.param(BRIEF, made_anew(days=2), (SKIPPED, 1), "keeps backups 2d", id="made-anew-as-brief"),
        pytest.param(BRIEF, index_deleted, (SKIPPED, 0), "The index is gone.", id="index-deleted"),
        pytest.param(BRIEF, index_made_anew, (SKIPPED, 1), "It has no schedule.", id="index-made-anew"),
    ],
)
@pytest.mark.parametrize("moment", ["before-the-audit", "before-the-index-is-read-again"])
def test_what_somebody_changed_before_the_call_is_judged_by_the_policy(  # noqa: PLR0913  one case, and its moment
    project: Project, begun: dict[str, Any], change: Change, came: tuple[ActionState, int], why: str, *, moment: str
) -> None:
    """What satisfies the policy by now is already there, whoever made it; the rest is skipped, with exit code 1."""
    schedule = planned_for(project, **begun)
    if moment == "before-the-audit":
        change(project.world, schedule)
        result, found = applied(project)
    else:
        inventory = project.audited()
        before(project, READ, lambda world: change(world, schedule))
        result, found = applied(project, inventory)
    assert (result.state, found, result.undo_call) == (*came, None)
    assert why in result.detail
    assert project.writes == []


@pytest.mark.parametrize(
    "begun,change,came,why",
    [
        pytest.param(PAUSED, another(), (ALREADY, 0), "another satisfies the policy", id="another-that-is-enough"),
        pytest.param(PAUSED, another(days=2), (FAILED, 1), "keeps backups 2d", id="another-that-is-not"),
        pytest.param(BRIEF, deleted, (SKIPPED, 1), "It has no schedule.", id="deleted"),
        pytest.param(BRIEF, made_anew(), (ALREADY, 0), "theirs satisfies", id="made-anew-under-its-name"),
        pytest.param(BRIEF, made_anew(days=2), (SKIPPED, 1), "keeps backups 2d", id="made-anew-as-brief"),
        pytest.param(BRIEF, index_deleted, (SKIPPED, 0), "The index is gone.", id="index-deleted"),
        pytest.param(BRIEF, index_made_anew, (SKIPPED, 1), "It has no schedule.", id="index-made-anew"),
    ],
)
def test_what_refuses_the_call_is_judged_by_the_policy(
    project: Project, begun: dict[str, Any], change: Change, came: tuple[ActionState, int], why: str
) -> None:
    """A 409 or a 404 leads to another look, which finds what satisfies the policy; nothing is sent twice."""
    schedule = planned_for(project, **begun)
    inventory = project.audited()
    before(project, PATCH, lambda world: change(world, schedule))
    result, found = applied(project, inventory)
    assert (result.state, found, result.undo_call) == (*came, None)
    assert why in result.detail
    assert len(project.writes) == 1


@pytest.mark.parametrize(
    "begun,change,state,why",
    [
        pytest.param(BRIEF, settings(enabled=False), AMISS, "theirs is paused", id="paused"),
        pytest.param(BRIEF, settings(frequency="weekly"), AMISS, "runs weekly, and daily is required", id="slowed"),
        pytest.param(BRIEF, settings(retention_days=1), AMISS, "keeps backups 1d", id="lowered"),
        pytest.param(BRIEF, settings(retention_days=30), DONE, "changed since", id="raised-further"),
        pytest.param(BRIEF, settings(retention_days=20, enabled=False), AMISS, "is paused", id="raised-and-paused"),
        pytest.param(SLOW, settings(retention_days=3), AMISS, "keeps backups 3d", id="lowered-below-what-is-needed"),
        pytest.param(PAUSED, settings(frequency="monthly", retention_days=90), AMISS, "runs monthly", id="slowed-down"),
        pytest.param(PAUSED, settings(enabled=False), AMISS, "is paused", id="paused-again"),
        pytest.param(BRIEF, deleted, AMISS, "is not listed. It has no schedule.", id="deleted"),
        pytest.param(BRIEF, made_anew(), AMISS, "is not listed", id="made-anew"),
        pytest.param(BRIEF, another(), AMISS, "is paused", id="replaced"),
        pytest.param(BRIEF, index_deleted, AMISS, "the index is gone", id="index-deleted"),
        pytest.param(BRIEF, index_made_anew, AMISS, "is not listed", id="index-made-anew"),
    ],
)
def test_what_somebody_changed_after_the_call_is_judged_by_the_policy(
    project: Project, begun: dict[str, Any], change: Change, state: ActionState, why: str
) -> None:
    """Written as asked is not enough: what reads back has to satisfy the policy, else verification failed."""
    schedule = planned_for(project, **begun)
    inventory = project.audited()
    before(project, READ, lambda world: change(world, schedule), after=1)
    result, found = applied(project, inventory)
    assert (result.state, found) == (state, 0 if state is DONE else 1)
    assert why in result.detail
    assert result.detail.startswith("Verification failed. ") is (state is AMISS)
    assert (result.undo_call is None) is (state is DONE)  # to undo ours would undo theirs
    assert len(project.writes) == 1
    assert project.plan is not None
    (recorded,) = build_results(project.plan, project.log.list_plan_attempts("default", project.plan.plan_id))
    assert (recorded.state, recorded.undo_call) == (result.state, result.undo_call)


@pytest.mark.parametrize(
    "begun,change,why",
    [
        pytest.param(BRIEF, settings(enabled=False), "theirs is paused", id="paused"),
        pytest.param(BRIEF, settings(frequency="weekly"), "runs weekly", id="slowed-down"),
        pytest.param(SLOW, settings(retention_days=3), "keeps backups 3d", id="lowered"),
        pytest.param(PAUSED, settings(retention_days=3), "keeps backups 3d", id="lowered-while-paused"),
    ],
)
def test_a_change_that_the_call_does_not_undo_fails_verification(
    project: Project, begun: dict[str, Any], change: Change, why: str
) -> None:
    """Between reading and the call somebody changes another setting: the call succeeds, and the policy is violated."""
    schedule = planned_for(project, **begun)
    inventory = project.audited()
    before(project, PATCH, lambda world: change(world, schedule))
    result, found = applied(project, inventory)
    assert (result.state, found) == (AMISS, 1)
    assert result.detail.startswith("Verification failed. ")
    assert why in result.detail
    assert result.undo_call is not None


def test_other_tags_ask_for_other_settings(tmp_path: Path) -> None:
    """A change that is not enough any more is not sent; an index of which nothing is required is left, exit code 0."""
    longer = replace(Requirements(), schedule=ScheduleRequirement(retention_min=timedelta(days=35)))
    nothing = replace(Requirements(), schedule=ScheduleRequirement(required=False))
    rules = (Rule("prod", (), {"env": ("prod",)}, longer), Rule("dev", (), {"env": ("dev",)}, nothing))
    world = empty_world()
    for name in ("dev", "prod"):
        world.create_index(name)
        world.create_schedule(name, "theirs", "daily", 2)
    with remedying(world, tmp_path / "state", replace(remedial(), rules=rules)) as project:
        project.planned()
        for name in ("dev", "prod"):
            world.configure_index(name, tags={"env": name})
        dev, prod = project.carried_out().results
        assert (dev.state, prod.state) == (SKIPPED, SKIPPED)
        assert choose_remediation_exit_code([dev], is_refused=False) == 0
        assert choose_remediation_exit_code([prod], is_refused=False) == 1
        assert "35d are required" in prod.detail
        assert project.writes == []


def test_a_person_who_took_the_name_is_not_taken_for_us(project: Project) -> None:
    """Our answer is lost, and a schedule of our name with other settings stands there: the outcome is unknown."""
    project.planned()
    inventory = project.audited()
    project.server.faults.append(Fault(kind="reset", method="POST"))
    before(project, READ, lambda world: world.create_schedule("orders", "auditor", "daily", 3), after=1)
    result, code = applied(project, inventory)
    assert (result.state, code, result.undo_call) == (ActionState.UNKNOWN, 3, None)


def test_a_resumed_schedule_leaves_the_next_plan_within_the_quota(tmp_path: Path) -> None:
    """The backup that it takes at once is counted by the plan, not only by the next one."""
    for quota in range(8, 30):
        world = empty_world()
        for name in ("a", "b"):
            world.create_index(name)
            schedule = world.create_schedule(name, "theirs", "daily", 7)
            world.advance(timedelta(days=3, hours=5))
            world.update_schedule(schedule.id, enabled=False)
        world.advance(timedelta(hours=7))
        with remedying(world, tmp_path / f"state-{quota}", remedial(quota=quota)) as project:
            plan = project.planned()
            assert all(it.state is DONE for it in project.carried_out(plan).results)
            after = project.planned()
            assert after.slots_before <= max(plan.slots_after, plan.slots_before), quota
            assert after.slots_before <= quota, quota


def test_somebody_s_resumption_is_already_there_though_the_quota_is_full(project: Project) -> None:
    """What nobody sends takes no slots."""
    full = project.under(remedial(quota=9))
    schedule = project.world.create_schedule("orders", "theirs", "daily", 7)
    project.world.update_schedule(schedule.id, enabled=False)
    assert len(full.planned().actions) == 1
    project.world.update_schedule(schedule.id, enabled=True)
    project.world.advance(timedelta(days=1))
    result, code = applied(full)
    assert (result.state, code) == (ALREADY, 0)
