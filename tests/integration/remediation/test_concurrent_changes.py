"""Another client changes schedules while a plan is applied: the exit code matches the final state."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.application.audit import AuditResult
from backup_auditor.cli.exit_codes import choose_remediation_exit_code
from backup_auditor.domain.policy import Requirements, Rule, ScheduleRequirement
from backup_auditor.domain.remediation.plan import ActionResult, ActionState, build_results
from backup_auditor_simulator.model import Schedule
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import build_remediation_policy
from support.simulator import RemediatedProject, build_empty_project, serve_remediated_project

pytestmark = pytest.mark.writes
type ScheduleChange = Callable[[SimulatedProject, Schedule], object]
PATCH_METHOD, READ_METHOD = "PATCH", "GET"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[RemediatedProject]:
    """Serve one index."""
    simulated_project = build_empty_project()
    simulated_project.create_index("orders")
    with serve_remediated_project(simulated_project, tmp_path / "state") as remediated_project:
        yield remediated_project


def plan_for_schedule(
    project: RemediatedProject, *, frequency: str = "daily", days: int = 30, enabled: bool = True
) -> Schedule:
    """Create a plan for an index with one schedule, and return the schedule."""
    schedule = project.simulated_project.create_schedule("orders", "theirs", frequency, days)
    if not enabled:
        project.simulated_project.update_schedule(schedule.id, enabled=False)
    assert len(project.create_plan().actions) == 1
    return schedule


def apply_plan(project: RemediatedProject, audit_result: AuditResult | None = None) -> tuple[ActionResult, int]:
    """Apply the plan, and return the result of its only action and the exit code."""
    execution = project.execute_plan(audit_result=audit_result)
    (result,) = execution.results
    return result, choose_remediation_exit_code(execution.results, is_refused=execution.stop_error is not None)


def change_before_response(
    project: RemediatedProject, method: str, change: Callable[[SimulatedProject], object], *, plan_after: int = 0
) -> None:
    """Change the project before a response about the index or its schedules, after a number of them."""
    path = "/indexes/orders/backup-schedules" if method in {READ_METHOD, "POST"} else "/backup-schedules/*"
    project.server.faults.append(
        Fault(kind="shift", method=method, path=path, times=1, after=plan_after, change=change)
    )


def make_settings_change(**changes: Any) -> ScheduleChange:
    """Return a change of the settings of the schedule."""
    return lambda simulated_project, schedule: simulated_project.update_schedule(schedule.id, **changes)


def make_replacement(*, frequency: str = "daily", days: int = 30, name: str = "another") -> ScheduleChange:
    """Return a change that enables another schedule, and pauses the first one if necessary."""

    def replace_schedule(simulated_project: SimulatedProject, schedule: Schedule) -> None:
        if schedule.enabled:
            simulated_project.update_schedule(schedule.id, enabled=False)
        simulated_project.create_schedule("orders", name, frequency, days)

    return replace_schedule


def make_recreation(*, frequency: str = "daily", days: int = 30) -> ScheduleChange:
    """Return a change that deletes the schedule and creates one with the same name."""

    def recreate_schedule(simulated_project: SimulatedProject, schedule: Schedule) -> None:
        simulated_project.delete_schedule(schedule.id)
        simulated_project.create_schedule("orders", schedule.name, frequency, days)

    return recreate_schedule


def delete_schedule(simulated_project: SimulatedProject, schedule: Schedule) -> None:
    """Delete the schedule."""
    simulated_project.delete_schedule(schedule.id)


def delete_index(simulated_project: SimulatedProject, _: Schedule) -> None:
    """Delete the index."""
    simulated_project.delete_index("orders")


def recreate_index(simulated_project: SimulatedProject, _: Schedule) -> None:
    """Delete the index, and create another one with its name."""
    simulated_project.delete_index("orders")
    simulated_project.create_index("orders")


SHORT_RETENTION: dict[str, Any] = {"days": 2}
PAUSED_SCHEDULE: dict[str, Any] = {"enabled": False}
SLOW_FREQUENCY: dict[str, Any] = {"frequency": "weekly"}
ALREADY_SATISFIED, SKIPPED, FAILED = ActionState.ALREADY_SATISFIED, ActionState.SKIPPED, ActionState.FAILED
DONE, VERIFICATION_FAILED = ActionState.DONE, ActionState.VERIFICATION_FAILED
REPLACED_SCHEDULES = [
    pytest.param(
        PAUSED_SCHEDULE,
        make_replacement(),
        (ALREADY_SATISFIED, 0),
        "another satisfies the policy",
        id="another-that-is-enough",
    ),
    pytest.param(
        SHORT_RETENTION, make_recreation(), (ALREADY_SATISFIED, 0), "theirs satisfies", id="recreated-with-its-name"
    ),
    pytest.param(
        SHORT_RETENTION,
        make_recreation(days=2),
        (SKIPPED, 1),
        "has a retention of 2d",
        id="recreated-with-short-retention",
    ),
    pytest.param(SHORT_RETENTION, delete_index, (SKIPPED, 0), "The index no longer exists.", id="index-deleted"),
    pytest.param(SHORT_RETENTION, recreate_index, (SKIPPED, 1), "It has no schedule.", id="index-recreated"),
]
"""Changes with the same result before a call and after its refusal."""


@pytest.mark.parametrize(
    "initial_settings,change,final_schedules,reason",
    [
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=7),
            (ALREADY_SATISFIED, 0),
            "satisfies",
            id="raised-as-planned",
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=30),
            (ALREADY_SATISFIED, 0),
            "satisfies",
            id="raised-further",
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=5),
            (SKIPPED, 1),
            "minimum: 7d",
            id="raised-too-little",
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=7, enabled=False),
            (SKIPPED, 1),
            "is paused",
            id="raised-as-planned-and-paused",
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=30, frequency="weekly"),
            (SKIPPED, 1),
            "runs weekly (required: daily)",
            id="raised-and-slowed-down",
        ),
        pytest.param(
            SLOW_FREQUENCY,
            make_settings_change(frequency="daily"),
            (ALREADY_SATISFIED, 0),
            "satisfies",
            id="as-fast-as-planned",
        ),
        pytest.param(
            SLOW_FREQUENCY,
            make_settings_change(frequency="daily", retention_days=3),
            (SKIPPED, 1),
            "has a retention of 3d",
            id="fast-and-brief",
        ),
        pytest.param(
            PAUSED_SCHEDULE, make_settings_change(enabled=True), (ALREADY_SATISFIED, 0), "satisfies", id="resumed"
        ),
        pytest.param(
            PAUSED_SCHEDULE,
            make_settings_change(enabled=True, frequency="monthly", retention_days=100),
            (SKIPPED, 1),
            "monthly",
            id="slowly",
        ),
        pytest.param(
            PAUSED_SCHEDULE,
            make_replacement(days=2),
            (SKIPPED, 1),
            "has a retention of 2d",
            id="another-that-is-too-brief",
        ),
        pytest.param(
            PAUSED_SCHEDULE,
            make_replacement(name="n" * 29),
            (SKIPPED, 1),
            "every run fails",
            id="another-that-cannot-run",
        ),
        pytest.param(SHORT_RETENTION, make_replacement(), (ALREADY_SATISFIED, 0), "another satisfies", id="replaced"),
        pytest.param(
            SHORT_RETENTION, delete_schedule, (SKIPPED, 1), "theirs no longer exists. It has no schedule.", id="deleted"
        ),
        *REPLACED_SCHEDULES,
    ],
)
@pytest.mark.parametrize("moment", ["before-the-audit", "before-the-index-is-read-again"])
def test_a_change_before_the_call_is_evaluated_by_the_policy(  # noqa: PLR0913  one case, and its moment
    project: RemediatedProject,
    initial_settings: dict[str, Any],
    change: ScheduleChange,
    final_schedules: tuple[ActionState, int],
    reason: str,
    *,
    moment: str,
) -> None:
    """An action is already satisfied if the policy is; otherwise it is skipped, with exit code 1."""
    schedule = plan_for_schedule(project, **initial_settings)
    if moment == "before-the-audit":
        change(project.simulated_project, schedule)
        result, exit_code = apply_plan(project)
    else:
        inventory = project.audit()
        change_before_response(project, READ_METHOD, lambda simulated_project: change(simulated_project, schedule))
        result, exit_code = apply_plan(project, inventory)
    assert (result.state, exit_code, result.undo_call) == (*final_schedules, None)
    assert reason in result.detail
    assert project.write_requests == []


@pytest.mark.parametrize(
    "initial_settings,change,final_schedules,reason",
    [
        pytest.param(
            PAUSED_SCHEDULE, make_replacement(days=2), (FAILED, 1), "has a retention of 2d", id="another-that-is-not"
        ),
        pytest.param(SHORT_RETENTION, delete_schedule, (SKIPPED, 1), "It has no schedule.", id="deleted"),
        *REPLACED_SCHEDULES,
    ],
)
def test_a_refused_call_is_evaluated_by_the_policy(
    project: RemediatedProject,
    initial_settings: dict[str, Any],
    change: ScheduleChange,
    final_schedules: tuple[ActionState, int],
    reason: str,
) -> None:
    """After a 409 or a 404 the index is read again; nothing is sent twice."""
    schedule = plan_for_schedule(project, **initial_settings)
    inventory = project.audit()
    change_before_response(project, PATCH_METHOD, lambda simulated_project: change(simulated_project, schedule))
    result, exit_code = apply_plan(project, inventory)
    assert (result.state, exit_code, result.undo_call) == (*final_schedules, None)
    assert reason in result.detail
    assert len(project.write_requests) == 1


@pytest.mark.parametrize(
    "initial_settings,change,state,reason",
    [
        pytest.param(
            SHORT_RETENTION, make_settings_change(enabled=False), VERIFICATION_FAILED, "theirs is paused", id="paused"
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(frequency="weekly"),
            VERIFICATION_FAILED,
            "runs weekly (required: daily)",
            id="slowed",
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=1),
            VERIFICATION_FAILED,
            "has a retention of 1d",
            id="lowered",
        ),
        pytest.param(
            SHORT_RETENTION, make_settings_change(retention_days=30), DONE, "changed later", id="raised-further"
        ),
        pytest.param(
            SHORT_RETENTION,
            make_settings_change(retention_days=20, enabled=False),
            VERIFICATION_FAILED,
            "is paused",
            id="raised-and-paused",
        ),
        pytest.param(
            SLOW_FREQUENCY,
            make_settings_change(retention_days=3),
            VERIFICATION_FAILED,
            "has a retention of 3d",
            id="lowered-below-what-is-needed",
        ),
        pytest.param(
            PAUSED_SCHEDULE,
            make_settings_change(frequency="monthly", retention_days=90),
            VERIFICATION_FAILED,
            "runs monthly",
            id="slowed-down",
        ),
        pytest.param(
            PAUSED_SCHEDULE, make_settings_change(enabled=False), VERIFICATION_FAILED, "is paused", id="paused-again"
        ),
        pytest.param(
            SHORT_RETENTION, delete_schedule, VERIFICATION_FAILED, "is not listed. It has no schedule.", id="deleted"
        ),
        pytest.param(SHORT_RETENTION, make_recreation(), VERIFICATION_FAILED, "is not listed", id="recreated"),
        pytest.param(SHORT_RETENTION, make_replacement(), VERIFICATION_FAILED, "is paused", id="replaced"),
        pytest.param(SHORT_RETENTION, delete_index, VERIFICATION_FAILED, "index no longer exists", id="index-deleted"),
        pytest.param(SHORT_RETENTION, recreate_index, VERIFICATION_FAILED, "is not listed", id="index-recreated"),
    ],
)
def test_a_change_after_the_call_is_evaluated_by_the_policy(
    project: RemediatedProject,
    initial_settings: dict[str, Any],
    change: ScheduleChange,
    state: ActionState,
    reason: str,
) -> None:
    """Verification fails unless the schedule satisfies the policy when it is read back."""
    schedule = plan_for_schedule(project, **initial_settings)
    inventory = project.audit()
    change_before_response(
        project, READ_METHOD, lambda simulated_project: change(simulated_project, schedule), plan_after=1
    )
    result, exit_code = apply_plan(project, inventory)
    assert (result.state, exit_code) == (state, 0 if state is DONE else 1)
    assert reason in result.detail
    assert result.detail.startswith("Verification failed. ") is (state is VERIFICATION_FAILED)
    assert (result.undo_call is None) is (state is DONE)  # our undo call would undo their change
    assert len(project.write_requests) == 1
    assert project.plan is not None
    (recorded_result,) = build_results(project.plan, project.log.list_plan_attempts("default", project.plan.plan_id))
    assert (recorded_result.state, recorded_result.undo_call) == (result.state, result.undo_call)


@pytest.mark.parametrize(
    "initial_settings,change,reason",
    [
        pytest.param(SHORT_RETENTION, make_settings_change(enabled=False), "theirs is paused", id="paused"),
        pytest.param(SHORT_RETENTION, make_settings_change(frequency="weekly"), "runs weekly", id="slowed-down"),
        pytest.param(SLOW_FREQUENCY, make_settings_change(retention_days=3), "has a retention of 3d", id="lowered"),
        pytest.param(
            PAUSED_SCHEDULE, make_settings_change(retention_days=3), "has a retention of 3d", id="lowered-while-paused"
        ),
    ],
)
def test_a_change_that_the_call_does_not_undo_fails_verification(
    project: RemediatedProject, initial_settings: dict[str, Any], change: ScheduleChange, reason: str
) -> None:
    """Between read and call another setting is changed: the call succeeds, and the policy is violated."""
    schedule = plan_for_schedule(project, **initial_settings)
    inventory = project.audit()
    change_before_response(project, PATCH_METHOD, lambda simulated_project: change(simulated_project, schedule))
    result, exit_code = apply_plan(project, inventory)
    assert (result.state, exit_code) == (VERIFICATION_FAILED, 1)
    assert result.detail.startswith("Verification failed. ")
    assert reason in result.detail
    assert result.undo_call is not None


def test_other_tags_require_other_settings(tmp_path: Path) -> None:
    """An insufficient change is not sent; an index that needs no schedule is skipped with exit code 0."""
    longer_requirements = replace(Requirements(), schedule=ScheduleRequirement(retention_min=timedelta(days=35)))
    unscheduled_requirements = replace(Requirements(), schedule=ScheduleRequirement(required=False))
    rules = (
        Rule("prod", (), {"env": ("prod",)}, longer_requirements),
        Rule("dev", (), {"env": ("dev",)}, unscheduled_requirements),
    )
    simulated_project = build_empty_project()
    for name in ("dev", "prod"):
        simulated_project.create_index(name)
        simulated_project.create_schedule(name, "theirs", "daily", 2)
    with serve_remediated_project(
        simulated_project, tmp_path / "state", replace(build_remediation_policy(), rules=rules)
    ) as project:
        project.create_plan()
        for name in ("dev", "prod"):
            simulated_project.configure_index(name, tags={"env": name})
        dev_result, prod_result = project.execute_plan().results
        assert (dev_result.state, prod_result.state) == (SKIPPED, SKIPPED)
        assert choose_remediation_exit_code([dev_result], is_refused=False) == 0
        assert choose_remediation_exit_code([prod_result], is_refused=False) == 1
        assert "minimum: 35d" in prod_result.detail
        assert project.write_requests == []


def test_a_schedule_with_our_name_and_other_settings_is_not_ours(project: RemediatedProject) -> None:
    """The response is lost, and a schedule of another client has our name: the outcome is unknown."""
    project.create_plan()
    inventory = project.audit()
    project.server.faults.append(Fault(kind="reset", method="POST"))
    change_before_response(
        project,
        READ_METHOD,
        lambda simulated_project: simulated_project.create_schedule("orders", "auditor", "daily", 3),
        plan_after=1,
    )
    result, code = apply_plan(project, inventory)
    assert (result.state, code, result.undo_call) == (ActionState.UNKNOWN, 3, None)


def test_a_resumed_schedule_leaves_the_next_plan_within_the_quota(tmp_path: Path) -> None:
    """The plan counts the backup that a resumed schedule takes at once."""
    for quota in range(8, 30):
        simulated_project = build_empty_project()
        for name in ("a", "b"):
            simulated_project.create_index(name)
            schedule = simulated_project.create_schedule(name, "theirs", "daily", 7)
            simulated_project.advance(timedelta(days=3, hours=5))
            simulated_project.update_schedule(schedule.id, enabled=False)
        simulated_project.advance(timedelta(hours=7))
        with serve_remediated_project(
            simulated_project, tmp_path / f"state-{quota}", build_remediation_policy(quota=quota)
        ) as project:
            plan = project.create_plan()
            assert all(it.state is DONE for it in project.execute_plan(plan).results)
            plan_after = project.create_plan()
            assert plan_after.slots_before <= max(plan.slots_after, plan.slots_before), quota
            assert plan_after.slots_before <= quota, quota


def test_a_schedule_that_was_resumed_is_already_satisfied_despite_a_full_quota(project: RemediatedProject) -> None:
    """An action that is not sent needs no slots."""
    full_project = project.with_policy(build_remediation_policy(quota=9))
    schedule = project.simulated_project.create_schedule("orders", "theirs", "daily", 7)
    project.simulated_project.update_schedule(schedule.id, enabled=False)
    assert len(full_project.create_plan().actions) == 1
    project.simulated_project.update_schedule(schedule.id, enabled=True)
    project.simulated_project.advance(timedelta(days=1))
    result, code = apply_plan(full_project)
    assert (result.state, code) == (ALREADY_SATISFIED, 0)
