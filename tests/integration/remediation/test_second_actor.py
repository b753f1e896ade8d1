"""A second actor changes schedules at every point between two calls; an oracle of its own says what stands there then.

`make soak` runs six hundred seeds.
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

from backup_auditor.cli.audit import choose_remediation_exit_code
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.plan import ActionResult, ActionState
from backup_auditor_simulator.model import Index
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying

pytestmark = pytest.mark.writes
SAMPLE, RUNS, PER_TEST = 30, 600, 20
DAYS = {"daily": 1, "weekly": 7, "monthly": 31}
CHANGES = (
    *("pause", "resume", "raise", "lower", "slow down", "speed up", "delete", "make anew", "make", "replace"),
    *("delete the index", "make the index anew", "take a backup"),
)
AT_THE_CALL = -1


class Case:
    """One project, one policy, and what the second actor does when, all of it from one seed."""

    def __init__(self, seed: int) -> None:
        """Make it up."""
        self.chance = chance = random.Random(seed)  # noqa: S311  the same each time
        self.world = empty_world()
        self.frequency = chance.choice([Frequency.DAILY, Frequency.DAILY, Frequency.WEEKLY])
        self.least, self.most, self.copies = chance.choice([7, 14]), chance.choice([60, 400]), chance.choice([None, 2])
        self.is_lossy = chance.random() < 0.25
        self.at_the_call: set[str] = set()
        """The indexes that somebody changes between reading them and the call: no client can see that."""
        self.lowered: list[str] = []
        """The indexes with a schedule that we made worse."""
        self._actor = local()
        for number in range(chance.randint(1, 3)):
            self._index(f"index-{number}")
        self._watch()

    def policy(self) -> Policy:
        """Return what is required."""
        required: dict[str, Any] = {
            "frequency": self.frequency,
            "min_copies": self.copies,
            "retention_min": timedelta(days=self.least),
            "retention_max": timedelta(days=self.most),
            "first_backup": self.chance.random() < 0.3,
        }
        return remedial(Mode.APPLY, Mode.APPLY, **required)

    def _index(self, name: str) -> None:
        self.world.create_index(name)
        kind = self.chance.choice(["bare", "brief", "slow", "paused", "paused and brief"])
        if kind != "bare":
            days = 3 if "brief" in kind else 50
            schedule = self.world.create_schedule(name, "theirs", "monthly" if kind == "slow" else "daily", days)
            if "paused" in kind:
                self.world.update_schedule(schedule.id, enabled=False)

    def _watch(self) -> None:
        """Note each call of ours that makes a schedule worse."""
        real = self.world.update_schedule

        def update(schedule_id: str, **changes: Any) -> Any:
            schedule = self.world.schedules.get(schedule_id)
            if schedule is not None and not getattr(self._actor, "acts", False):
                days, frequency = changes.get("retention_days"), changes.get("frequency")
                is_slower = frequency is not None and DAYS[str(frequency)] > DAYS[schedule.frequency.value]
                if (days is not None and days < schedule.retention.days) or is_slower:
                    self.lowered.append(schedule.index.name)
            return real(schedule_id, **changes)

        setattr(self.world, "update_schedule", update)  # noqa: B010  what the server calls

    def satisfied(self, name: str) -> bool:
        """Say by the simulator alone whether the policy is satisfied by the schedules of an index."""
        index = self.world.indexes.get(name)
        if index is None:
            return True
        enabled = [it for it in index.schedules.values() if it.enabled]
        if len(enabled) != 1 or len(enabled[0].name) > 28:
            return False
        interval, kept = DAYS[enabled[0].frequency.value], enabled[0].retention.days
        return (
            interval <= DAYS[self.frequency.value]
            and max(self.least, interval + 1, interval * (self.copies or 0)) <= kept <= self.most
        )

    def faults(self) -> list[Fault]:
        """Make up when the second actor acts: before an answer of which each is about the index that is changed."""
        chance, made = self.chance, []
        for name, index in sorted(self.world.indexes.items()):
            for _ in range(chance.choice([0, 1, 1, 2])):
                moment = chance.choice([0, 1, 1, 2, 3, AT_THE_CALL, AT_THE_CALL])
                act = partial(self.act, name, chance.choice(CHANGES), chance.random())
                listing = f"/indexes/{name}/backup-schedules"
                if moment != AT_THE_CALL:
                    made.append(Fault(kind="shift", method="GET", path=listing, after=moment, times=1, change=act))
                    continue
                self.at_the_call.add(name)
                for its in index.schedules:
                    path = f"/backup-schedules/{its}"
                    made.append(Fault(kind="shift", method="PATCH", path=path, times=1, change=act))
                made.append(Fault(kind="shift", method="POST", path=listing, times=1, change=act))
        if self.is_lossy:
            kind, method = chance.choice(["reset", "reset_after_effect", "truncate"]), chance.choice(["PATCH", "POST"])
            made.append(Fault(kind=kind, method=method, times=1))
        return made

    def act(self, name: str, change: str, drawn: float, world: SimulatedProject) -> None:
        """Do what somebody else does."""
        self._actor.acts = True
        try:
            index = world.indexes.get(name)
            if change == "make the index anew":
                if index is not None:
                    world.delete_index(name)
                world.create_index(name)
            elif index is not None and change == "delete the index":
                world.delete_index(name)
            elif index is not None and change == "take a backup":
                world.create_backup(name, "by-hand")
            elif index is not None:
                self._change(index, change, drawn)
        finally:
            self._actor.acts = False

    def _change(self, index: Index, change: str, drawn: float) -> None:
        world, schedules = self.world, list(index.schedules.values())
        enabled = [it for it in schedules if it.enabled]
        settings = (("daily", 30), ("daily", 3), ("weekly", 40), ("monthly", 90))[int(drawn * 4)]
        called = ("another", "auditor", "n" * 29)[int(drawn * 29) % 3]
        if change == "replace":
            for it in enabled:
                world.update_schedule(it.id, enabled=False)
        if change == "replace" or (change == "make" and not enabled):
            world.create_schedule(index.name, called, *settings)
        for it in schedules[:1]:
            days = it.retention.days
            changes: dict[str, Mapping[str, Any]] = {
                "pause": {"enabled": False},
                "resume": {} if enabled else {"enabled": True},
                "raise": {"retention_days": max(days, (7, 30, 100)[int(drawn * 3)])},
                "lower": {"retention_days": min(days, (1, 5)[int(drawn * 2)])},
                "slow down": {"frequency": ("weekly", "monthly")[int(drawn * 2)]},
                "speed up": {"frequency": "daily"},
            }
            if change in changes:
                world.update_schedule(it.id, **changes[change])
            if change in {"delete", "make anew"}:
                world.delete_schedule(it.id)
            if change == "make anew" and enabled in ([], [it]):
                world.create_schedule(index.name, it.name, *settings)


def check(case: Case, result: ActionResult) -> None:
    """Hold what came of an action against what stands there."""
    name, is_satisfied = result.action.index, case.satisfied(result.action.index)
    match result.state:
        case ActionState.DONE | ActionState.ALREADY_SATISFIED:
            assert is_satisfied, result
        case ActionState.SKIPPED:
            assert result.is_satisfied == is_satisfied, result
        case ActionState.FAILED:
            assert not is_satisfied, result
        case ActionState.UNKNOWN:
            assert case.is_lossy, result
        case ActionState.VERIFICATION_FAILED if is_satisfied:
            index = case.world.indexes.get(name)  # gone, ours is gone, or another stands beside it
            assert index is None or list(index.schedules) != [result.target_id], result
        case _:
            pass


def live_through(seed: int, folder: Path) -> None:
    """Plan, let somebody act at any point while the plan is applied, and then once more without."""
    case = Case(seed)
    with remedying(case.world, folder / f"state-{seed}", case.policy()) as project:
        plan, found = project.planned(), project.audited()
        if case.chance.random() < 0.3:
            for name in sorted(case.world.indexes):
                case.act(name, case.chance.choice(CHANGES), case.chance.random(), case.world)
            found = project.audited()
        project.server.faults[:] = case.faults()
        outcome = project.carried_out(plan, found)
        project.server.faults.clear()
        code = choose_remediation_exit_code(outcome.results, is_refused=outcome.stop_error is not None)
        of_schedules = [it for it in outcome.results if "schedule" in it.action.kind]
        for result in of_schedules:
            check(case, result)
        is_satisfied = all(case.satisfied(it.action.index) for it in of_schedules)
        assert is_satisfied or code != 0, outcome
        states = {it.state for it in outcome.results}
        if states <= {ActionState.DONE, ActionState.ALREADY_SATISFIED}:
            assert code == 0
        assert (code == 3) == (ActionState.UNKNOWN in states)
        assert max(Counter((it.method, it.path) for it in project.writes).values(), default=0) <= 1
        assert {it.method for it in project.writes} <= {"POST", "PATCH"}
        assert set(case.lowered) <= case.at_the_call
        assert_well_in_the_end(case, project)


def assert_well_in_the_end(case: Case, project: Project) -> None:
    """Without anybody else the next runs correct what may be corrected, and say of the rest why not."""
    case.lowered.clear()
    for _ in range(3):
        case.world.advance(timedelta(hours=1))
        outcome = project.run()
        assert all(it.is_successful for it in outcome.results), outcome
    plan = project.planned()
    assert plan.actions == ()
    left = {it.index for it in plan.skipped_actions}
    assert {it for it in case.world.indexes if not case.satisfied(it)} <= left
    assert case.lowered == []


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_what_is_said_agrees_with_what_stands_there(seed: int, tmp_path: Path) -> None:
    """A few of the runs that `make soak` tries."""
    live_through(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(SAMPLE, RUNS, PER_TEST))
def test_what_is_said_agrees_with_what_stands_there_however_often(first: int, tmp_path: Path) -> None:
    """The other runs."""
    for seed in range(first, min(first + PER_TEST, RUNS)):
        live_through(seed, tmp_path)
