"""Test remediation while a second actor changes schedules between calls, with an independent check of the results.

`make soak` runs 600 seeds.
"""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import local
from typing import Any

import pytest

from backup_auditor.cli.exit_codes import choose_remediation_exit_code
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.plan import ActionResult, ActionState
from backup_auditor_simulator.model import Index
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import build_remediation_policy
from support.simulator import RemediatedProject, build_empty_project, serve_remediated_project

pytestmark = pytest.mark.writes
SAMPLE_COUNT, RUN_COUNT, RUNS_PER_TEST = 20, 600, 20
INTERVAL_DAYS = {"daily": 1, "weekly": 7, "monthly": 31}
CHANGES = (
    *("pause", "resume", "raise", "lower", "slow down", "speed up", "delete", "recreate", "make", "replace"),
    *("delete the index", "recreate the index", "take a backup"),
)
DURING_CALL = -1


class SecondActorCase:
    """A project, a policy, and the changes of the second actor, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        """Draw the case from a seed."""
        self.rng = rng = random.Random(seed)  # noqa: S311  the same each time
        self.project = build_empty_project()
        self.frequency = rng.choice([Frequency.DAILY, Frequency.DAILY, Frequency.WEEKLY])
        self.min_retention_days, self.max_retention_days, self.min_copies = (
            rng.choice([7, 14]),
            rng.choice([60, 400]),
            rng.choice([None, 2]),
        )
        self.is_lossy = rng.random() < 0.25
        self.changed_during_call: set[str] = set()
        """The indexes that the second actor changes between a read and a write, which no client can detect."""
        self.worsened_schedules: list[str] = []
        """The indexes with a schedule that remediation weakened."""
        self._thread_state = local()
        for number in range(rng.randint(1, 3)):
            self._create_index(f"index-{number}")
        self._watch_updates()

    def policy(self) -> Policy:
        """Return the policy of the case."""
        requirements: dict[str, Any] = {
            "frequency": self.frequency,
            "min_copies": self.min_copies,
            "retention_min": timedelta(days=self.min_retention_days),
            "retention_max": timedelta(days=self.max_retention_days),
            "first_backup": self.rng.random() < 0.3,
        }
        return build_remediation_policy(Mode.APPLY, Mode.APPLY, **requirements)

    def _create_index(self, name: str) -> None:
        self.project.create_index(name)
        kind = self.rng.choice(["bare", "brief", "slow", "paused", "paused and brief"])
        if kind != "bare":
            days = 3 if "brief" in kind else 50
            schedule = self.project.create_schedule(name, "theirs", "monthly" if kind == "slow" else "daily", days)
            if "paused" in kind:
                self.project.update_schedule(schedule.id, enabled=False)

    def _watch_updates(self) -> None:
        """Record each update by remediation that weakens a schedule."""
        update_schedule = self.project.update_schedule

        def update_and_record(schedule_id: str, **changes: Any) -> Any:
            schedule = self.project.schedules.get(schedule_id)
            if schedule is not None and not getattr(self._thread_state, "acts", False):
                days, frequency = changes.get("retention_days"), changes.get("frequency")
                is_slower = (
                    frequency is not None and INTERVAL_DAYS[str(frequency)] > INTERVAL_DAYS[schedule.frequency.value]
                )
                if (days is not None and days < schedule.retention.days) or is_slower:
                    self.worsened_schedules.append(schedule.index.name)
            return update_schedule(schedule_id, **changes)

        setattr(self.project, "update_schedule", update_and_record)  # noqa: B010  the server calls it

    def is_satisfied(self, name: str) -> bool:
        """Return whether the schedules of an index satisfy the policy, from the simulator only."""
        index = self.project.indexes.get(name)
        if index is None:
            return True
        enabled_schedules = [it for it in index.schedules.values() if it.enabled]
        if len(enabled_schedules) != 1 or len(enabled_schedules[0].name) > 28:
            return False
        interval, retention_days = (
            INTERVAL_DAYS[enabled_schedules[0].frequency.value],
            enabled_schedules[0].retention.days,
        )
        return (
            interval <= INTERVAL_DAYS[self.frequency.value]
            and max(self.min_retention_days, interval + 1, interval * (self.min_copies or 0))
            <= retention_days
            <= self.max_retention_days
        )

    def make_faults(self) -> list[Fault]:
        """Draw the changes of the second actor, each before one of the responses for an index."""
        rng, faults = self.rng, []
        for name, index in sorted(self.project.indexes.items()):
            for _ in range(rng.choice([0, 1, 1, 2])):
                moment = rng.choice([0, 1, 1, 2, 3, DURING_CALL, DURING_CALL])
                action = partial(self.act_as_second_actor, name, rng.choice(CHANGES), rng.random())
                listing = f"/indexes/{name}/backup-schedules"
                if moment != DURING_CALL:
                    faults.append(Fault(kind="shift", method="GET", path=listing, after=moment, times=1, change=action))
                    continue
                self.changed_during_call.add(name)
                for schedule_id in index.schedules:
                    path = f"/backup-schedules/{schedule_id}"
                    faults.append(Fault(kind="shift", method="PATCH", path=path, times=1, change=action))
                faults.append(Fault(kind="shift", method="POST", path=listing, times=1, change=action))
        if self.is_lossy:
            kind, method = rng.choice(["reset", "reset_after_effect", "truncate"]), rng.choice(["PATCH", "POST"])
            faults.append(Fault(kind=kind, method=method, times=1))
        return faults

    def act_as_second_actor(self, name: str, change: str, random_value: float, project: SimulatedProject) -> None:
        """Make a change as the second actor."""
        self._thread_state.acts = True
        try:
            index = project.indexes.get(name)
            if change == "recreate the index":
                if index is not None:
                    project.delete_index(name)
                project.create_index(name)
            elif index is not None and change == "delete the index":
                project.delete_index(name)
            elif index is not None and change == "take a backup":
                project.create_backup(name, "by-hand")
            elif index is not None:
                self._change_schedule(index, change, random_value)
        finally:
            self._thread_state.acts = False

    def _change_schedule(self, index: Index, change: str, random_value: float) -> None:
        project, schedules = self.project, list(index.schedules.values())
        enabled_schedules = [it for it in schedules if it.enabled]
        settings = (("daily", 30), ("daily", 3), ("weekly", 40), ("monthly", 90))[int(random_value * 4)]
        schedule_name = ("another", "auditor", "n" * 29)[int(random_value * 29) % 3]
        if change == "replace":
            for schedule in enabled_schedules:
                project.update_schedule(schedule.id, enabled=False)
        if change == "replace" or (change == "make" and not enabled_schedules):
            project.create_schedule(index.name, schedule_name, *settings)
        for schedule in schedules[:1]:
            days = schedule.retention.days
            changes: dict[str, Mapping[str, Any]] = {
                "pause": {"enabled": False},
                "resume": {} if enabled_schedules else {"enabled": True},
                "raise": {"retention_days": max(days, (7, 30, 100)[int(random_value * 3)])},
                "lower": {"retention_days": min(days, (1, 5)[int(random_value * 2)])},
                "slow down": {"frequency": ("weekly", "monthly")[int(random_value * 2)]},
                "speed up": {"frequency": "daily"},
            }
            if change in changes:
                project.update_schedule(schedule.id, **changes[change])
            if change in {"delete", "recreate"}:
                project.delete_schedule(schedule.id)
            if change == "recreate" and enabled_schedules in ([], [schedule]):
                project.create_schedule(index.name, schedule.name, *settings)


def check_result(case: SecondActorCase, result: ActionResult) -> None:
    """Compare the result of an action with the state of the project."""
    name, is_policy_met = result.action.index, case.is_satisfied(result.action.index)
    match result.state:
        case ActionState.DONE | ActionState.ALREADY_SATISFIED:
            assert is_policy_met, result
        case ActionState.SKIPPED:
            assert result.is_satisfied == is_policy_met, result
        case ActionState.FAILED:
            assert not is_policy_met, result
        case ActionState.UNKNOWN:
            assert case.is_lossy, result
        case ActionState.VERIFICATION_FAILED if is_policy_met:
            index = case.project.indexes.get(
                name
            )  # the index or the created schedule is deleted, or another schedule exists
            assert index is None or list(index.schedules) != [result.target_id], result
        case _:
            pass


def run_seed(seed: int, folder: Path) -> None:
    """Create a plan, apply it while a second actor makes changes, and apply another plan without changes."""
    case = SecondActorCase(seed)
    with serve_remediated_project(case.project, folder / f"state-{seed}", case.policy()) as project:
        plan, audit_result = project.create_plan(), project.audit()
        if case.rng.random() < 0.3:
            for name in sorted(case.project.indexes):
                case.act_as_second_actor(name, case.rng.choice(CHANGES), case.rng.random(), case.project)
            audit_result = project.audit()
        project.server.faults[:] = case.make_faults()
        execution = project.execute_plan(plan, audit_result)
        project.server.faults.clear()
        code = choose_remediation_exit_code(execution.results, is_refused=execution.stop_error is not None)
        schedule_results = [it for it in execution.results if "schedule" in it.action.kind]
        for result in schedule_results:
            check_result(case, result)
        is_policy_met = all(case.is_satisfied(it.action.index) for it in schedule_results)
        assert is_policy_met or code != 0, execution
        states = {it.state for it in execution.results}
        if states <= {ActionState.DONE, ActionState.ALREADY_SATISFIED}:
            assert code == 0
        assert (code == 3) == (ActionState.UNKNOWN in states)
        assert max(Counter((it.method, it.path) for it in project.write_requests).values(), default=0) <= 1
        assert {it.method for it in project.write_requests} <= {"POST", "PATCH"}
        assert set(case.worsened_schedules) <= case.changed_during_call
        assert_settles(case, project)


def assert_settles(case: SecondActorCase, project: RemediatedProject) -> None:
    """Assert that later runs without a second actor correct all indexes, or skip them with a reason."""
    case.worsened_schedules.clear()
    for _ in range(3):
        case.project.advance(timedelta(hours=1))
        result = project.run()
        assert all(it.is_successful for it in result.results), result
    plan = project.create_plan()
    assert plan.actions == ()
    skipped_indexes = {it.index for it in plan.skipped_actions}
    assert {it for it in case.project.indexes if not case.is_satisfied(it)} <= skipped_indexes
    assert case.worsened_schedules == []


@pytest.mark.parametrize("seed", range(SAMPLE_COUNT))
def test_the_results_match_the_project(seed: int, tmp_path: Path) -> None:
    """The results of each seed in a sample match the project."""
    run_seed(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("first_seed", range(SAMPLE_COUNT, RUN_COUNT, RUNS_PER_TEST))
def test_the_results_match_the_project_for_all_seeds(first_seed: int, tmp_path: Path) -> None:
    """The results of each other seed of `make soak` match the project."""
    for seed in range(first_seed, min(first_seed + RUNS_PER_TEST, RUN_COUNT)):
        run_seed(seed, tmp_path)
