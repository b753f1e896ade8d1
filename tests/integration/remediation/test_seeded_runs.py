"""Test that with faults and other actors no schedule is created twice, stays unrecorded, or is missing at the end.

`make soak` runs 500 seeds.
"""

import random
from collections import Counter
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.plan import FIRST_BACKUP_PREFIX, ActionKind, ActionState
from backup_auditor.domain.target_schedule import build_target_schedule
from backup_auditor.errors import PineconeError, UsageError
from backup_auditor_simulator.api.messages import ParsedRequest
from backup_auditor_simulator.model import BackupState
from backup_auditor_simulator.model import IndexKind as Deployed
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import build_remediation_policy
from support.simulator import RemediatedProject, build_empty_project, serve_remediated_project

pytestmark = pytest.mark.writes
SAMPLE_COUNT, RUN_COUNT, RUNS_PER_TEST = 20, 500, 20
SCHEDULES_PATH = "/indexes/*/backup-schedules"
SCHEDULE_NAME = "soak"


class SeededCase:
    """A project, a policy, and faults, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        """Draw the case from a seed."""
        self.rng = rng = random.Random(seed)  # noqa: S311  the same each time
        self.project = build_empty_project()
        self.paused_indexes: set[str] = set()
        """The indexes with a paused schedule, which must not change."""
        self.unscheduled_indexes: set[str] = set()
        for number in range(rng.choice([0, 0, 1, 2])):
            self._create_outlived_index(f"outlived-{number}")
        for number in range(rng.randint(2, 8)):
            self._create_index(f"index-{number}")
        self.project.advance(timedelta(hours=1))
        self.quota = rng.choice([None, 24, 40, 500])
        self.max_creations = rng.randint(1, 6)
        facts: dict[str, Any] = {
            "first_backup": rng.random() < 0.5,
            "max_creations": self.max_creations,
            "schedule_name": SCHEDULE_NAME,
        }
        frequency = rng.choice(list(Frequency))
        fix = rng.choice(list(Mode))
        policy = build_remediation_policy(
            Mode.APPLY, fix, frequency=frequency, min_copies=rng.choice([None, 1, 3]), **facts
        )
        self.policy: Policy = replace(policy, project=replace(policy.project, backup_quota=self.quota or 5000))
        self.policy = replace(self.policy, exemptions=self._make_exemptions())
        self.project.options.backup_quota = self.quota or 5000

    def _create_outlived_index(self, name: str) -> None:
        """Create an index whose schedule ended, with runs that are kept for a long time."""
        self.project.create_index(name)
        schedule = self.project.create_schedule(name, "outlived", "daily", 100)
        self.project.advance(timedelta(days=self.rng.choice([3, 15])))
        schedule_end = self.rng.choice(["paused", "deleted", "slowed"])
        if schedule_end == "deleted":
            self.project.delete_schedule(schedule.id)
            self.unscheduled_indexes.add(name)
        else:
            settings = {"enabled": False} if schedule_end == "paused" else {"frequency": "monthly"}
            self.project.update_schedule(schedule.id, **settings)

    def _create_index(self, name: str) -> None:
        kind = self.rng.choice(["bare", "bare", "bare", "pod", "paused", "slow", "fine", "backed up", "not ready"])
        index = self.project.create_index(name, kind=Deployed.POD if kind == "pod" else Deployed.SERVERLESS)
        if kind == "paused":
            self.project.update_schedule(self.project.create_schedule(name, "theirs").id, enabled=False)
            self.paused_indexes.add(name)
        elif kind in {"slow", "fine"}:
            self.project.create_schedule(
                name, "theirs", "monthly" if kind == "slow" else "daily", self.rng.choice([10, 100])
            )
        elif kind == "backed up":
            self.project.create_backup(name, "by-hand")
        elif kind == "not ready":
            index.ready_at = self.project.now + timedelta(hours=3)
        if kind in {"bare", "backed up", "not ready"}:
            self.unscheduled_indexes.add(name)

    def _make_exemptions(self) -> tuple[Exemption, ...]:
        if self.rng.random() < 0.8 or not self.unscheduled_indexes:
            return ()
        exempted_name = self.rng.choice(sorted(self.unscheduled_indexes))
        self.unscheduled_indexes.discard(exempted_name)
        day = self.project.now.date() + timedelta(days=30)
        return (Exemption((exempted_name,), ("index-has-*",), "team", "for a while", day),)

    def make_faults(self) -> list[Fault]:
        """Draw the faults of all calls."""
        rng = self.rng
        faults = []
        for number in range(rng.randint(1, 5)):
            is_write_fault = number % 2 == 0
            kind = rng.choice(["status", "status", "reset", "reset_after_effect", "truncate", "garbage", "shift"])
            fault = Fault(
                kind=kind,
                method=rng.choice(["POST", "POST", "PATCH"]) if is_write_fault else rng.choice([None, "GET"]),
                path=rng.choice(["*", "/indexes/*/*", "/indexes/index-?"]),
                status=rng.choice([400, 401, 402, 403, 404, 408, 409, 412, 429, 500, 502, 503, 504, 524]),
                probability=rng.choice([0.1, 0.3, 0.6, 1.0]),
                times=rng.choice([1, 3, 20]),
                after=0 if is_write_fault else rng.randint(0, 20),
                seed=rng.randrange(1000),
                change=self._act_as_other if kind == "shift" else None,
            )
            faults.append(fault)
        return [*faults, *self._make_late_listing()]

    def _make_late_listing(self) -> list[Fault]:
        """Draw a fault that hides the rows of a listing for some calls."""
        rng = self.rng
        paths = ["/indexes/*/backups", "/backups", *([] if self.paused_indexes else ["/indexes/*/backup-schedules"])]
        late_fault = Fault(
            kind="garbage",
            method="GET",
            path=rng.choice(paths),
            body=b'{"data": []}',
            content_type="application/json",
            times=rng.choice([1, 3, 8]),
            after=rng.randint(0, 25),
        )
        return [late_fault] if rng.random() < 0.6 else []

    def _act_as_other(self, project: SimulatedProject) -> None:
        """Make a change as another actor."""
        live_names = sorted(project.indexes)
        name = self.rng.choice(live_names) if live_names else ""
        if not live_names or name in self.paused_indexes or project.get_index(name).kind is Deployed.POD:
            return
        random_value = self.rng.random()
        if random_value < 0.4:
            project.delete_index(name)
            self.unscheduled_indexes.discard(name)
        elif random_value < 0.6 and name in self.unscheduled_indexes:
            project.delete_index(name)
            project.create_index(name)
        elif not any(it.enabled for it in project.get_index(name).schedules.values()):
            project.create_schedule(name, "other-actor", "daily", 100)


def compute_peak_backups(project: SimulatedProject) -> int:
    """Return the maximum number of backups in the next 110 days without changes and without a quota."""
    future_project = deepcopy(project, {id(project.lock): project.lock})
    future_project.options.backup_quota = None
    peak_count = 0
    for _ in range(110):
        future_project.advance(timedelta(days=1))
        peak_count = max(
            peak_count, sum(it.state is not BackupState.SCHEDULED for it in future_project.backups.values())
        )
    return peak_count


def may_have_taken_effect(request: ParsedRequest) -> bool:
    """Return whether a write may have taken effect."""
    return request.status is None or request.status < 300


def check_invariants(case: SeededCase, previous_peak: int, *, is_shared: bool) -> None:
    """Assert the invariants of every run."""
    project = case.project
    for name, index in project.indexes.items():
        enabled_schedules = [it for it in index.schedules.values() if it.enabled]
        assert len(enabled_schedules) <= 1, name
        if name in case.paused_indexes:
            assert [it.name for it in index.schedules.values()] == ["theirs"], name
    first_backups = (it for it in project.backups.values() if (it.name or "").startswith(FIRST_BACKUP_PREFIX))
    duplicate_count = sum(it - 1 for it in Counter(it.index.id for it in first_backups).values())
    assert not (is_shared and duplicate_count)
    if case.quota is not None and previous_peak <= case.quota:
        assert (
            compute_peak_backups(project) <= case.quota + count_other_slots(case) + duplicate_count
        )  # without a shared state, two runs can take a first backup


def count_other_slots(case: SeededCase) -> int:
    """Return the number of quota slots that schedules of other actors use."""
    return sum(it.retention.days + 1 for it in case.project.schedules.values() if it.name == "other-actor")


def run_command_once(project: RemediatedProject) -> None:
    """Run remediation, and ignore errors before the plan is created."""
    with suppress(PineconeError, UsageError):
        project.run()


@pytest.mark.parametrize("seed", range(SAMPLE_COUNT))
def test_invariants_hold_with_faults_and_the_project_is_corrected(seed: int, tmp_path: Path) -> None:
    """The invariants hold for each seed in a sample."""
    run_seed(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("first_seed", range(SAMPLE_COUNT, RUN_COUNT, RUNS_PER_TEST))
def test_invariants_hold_for_all_seeds(first_seed: int, tmp_path: Path) -> None:
    """The invariants hold for each other seed of `make soak`."""
    for seed in range(first_seed, first_seed + RUNS_PER_TEST):
        run_seed(seed, tmp_path / str(seed))


def run_seed(seed: int, folder: Path) -> None:
    """Run two concurrent remediations with faults, then runs without faults until every schedule is created."""
    folder.mkdir(exist_ok=True)
    case = SeededCase(seed)
    simulated_project, initial_peak = case.project, compute_peak_backups(case.project)
    with serve_remediated_project(simulated_project, folder / "state", case.policy) as project:
        is_shared = case.rng.random() < 0.5
        other_state = folder / ("state" if is_shared else "other")
        with open_remediation_log(other_state) as other_log:
            other_project = replace(project, log=other_log, actor="other@there", plan=None)
            for _ in range(2):
                peak_before, write_count = compute_peak_backups(simulated_project), len(project.write_requests)
                project.server.faults[:] = case.make_faults()
                other_thread = Thread(target=run_command_once, args=(other_project,))
                other_thread.start()
                run_command_once(project)
                other_thread.join()
                project.server.faults.clear()
                check_invariants(case, peak_before, is_shared=is_shared)
                creations = [
                    it
                    for it in project.write_requests[write_count:]
                    if it.method == "POST" and may_have_taken_effect(it)
                ]
                assert len(creations) <= 2 * case.max_creations
                assert_recorded(project, other_project)
                simulated_project.advance(timedelta(hours=2))
        for _ in range(2 * len(simulated_project.indexes) // case.max_creations + 2):
            result = project.run()
            assert all(it.state in {ActionState.DONE, ActionState.ALREADY_SATISFIED} for it in result.results), result
            simulated_project.advance(timedelta(hours=2))
        check_invariants(case, initial_peak, is_shared=is_shared)
        assert_covered(case, project)


def assert_recorded(*projects: RemediatedProject) -> None:
    """Assert that every write that may have taken effect is recorded."""
    recorded_names = set()
    for project in projects:
        for index in {it.name for it in project.simulated_project.indexes.values()}:
            for kind in (ActionKind.CREATE_SCHEDULE, ActionKind.FIRST_BACKUP):
                record = project.log.find_last_attempt("default", f"{kind}/{index}")
                if record is not None:
                    recorded_names.add(record.call.split(" {", maxsplit=1)[0])
        for schedule in project.simulated_project.schedules:
            record = project.log.find_last_attempt("default", f"{ActionKind.UPDATE_SCHEDULE}/{schedule}")
            if record is not None:
                recorded_names.add(record.call.split(" {", maxsplit=1)[0])
    simulated_project = projects[0].simulated_project
    for request in projects[0].write_requests:
        name = request.path.split("/")[2]
        if may_have_taken_effect(request) and (
            name in simulated_project.indexes or name in simulated_project.schedules
        ):
            assert f"{request.method} {request.path}" in recorded_names


def assert_covered(case: SeededCase, project: RemediatedProject) -> None:
    """Assert that every index that needs a schedule has one, unless the quota is too small."""
    target = build_target_schedule(case.policy.defaults)
    uncovered_indexes = [
        it for it in case.unscheduled_indexes if it in case.project.indexes and not case.project.get_index(it).schedules
    ]
    filled_slots = project.create_plan().slots_before
    assert compute_peak_backups(case.project) <= filled_slots
    free_slots = (case.quota or 5000) - filled_slots
    assert not uncovered_indexes or free_slots < target.slots, (
        uncovered_indexes,
        free_slots,
        project.create_plan().skipped_actions,
    )
