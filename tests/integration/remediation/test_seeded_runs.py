"""Whatever goes wrong, and whoever else acts: no schedule too many, none unrecorded, and none missing in the end.

`make soak` runs five hundred seeds.
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
from backup_auditor.domain.remediation.actions import FIRST_BACKUP_PREFIX, ActionKind
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor.domain.target_schedule import build_target_schedule
from backup_auditor.errors import PineconeError, UsageError
from backup_auditor_simulator.model import BackupState
from backup_auditor_simulator.model import IndexKind as Deployed
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.recorder import RecordedRequest
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying

pytestmark = pytest.mark.writes
SAMPLE, RUNS, PER_TEST = 40, 500, 20
SCHEDULES = "/indexes/*/backup-schedules"
NAME = "soak"


class Case:
    """One project, one policy, and what goes wrong, all of it from one seed."""

    def __init__(self, seed: int) -> None:
        """Make it up."""
        self.chance = chance = random.Random(seed)  # noqa: S311  the same each time
        self.world = empty_world()
        self.paused: set[str] = set()
        """The indexes with a paused schedule that nobody touches."""
        self.bare: set[str] = set()
        for number in range(chance.choice([0, 0, 1, 2])):
            self._outlived(f"outlived-{number}")
        for number in range(chance.randint(2, 8)):
            self._index(f"index-{number}")
        self.world.advance(timedelta(hours=1))
        self.quota = chance.choice([None, 24, 40, 500])
        self.most = chance.randint(1, 6)
        facts: dict[str, Any] = {
            "first_backup": chance.random() < 0.5,
            "max_creations": self.most,
            "schedule_name": NAME,
        }
        frequency = chance.choice(list(Frequency))
        fix = chance.choice(list(Mode))
        required = remedial(Mode.APPLY, fix, frequency=frequency, min_copies=chance.choice([None, 1, 3]), **facts)
        self.policy: Policy = replace(required, project=replace(required.project, backup_quota=self.quota or 5000))
        self.policy = replace(self.policy, exemptions=self._exemptions())
        self.world.options.backup_quota = self.quota or 5000

    def _outlived(self, name: str) -> None:
        """Make an index whose schedule runs no more, and whose runs are kept for long."""
        self.world.create_index(name)
        schedule = self.world.create_schedule(name, "outlived", "daily", 100)
        self.world.advance(timedelta(days=self.chance.choice([3, 15])))
        fate = self.chance.choice(["paused", "deleted", "slowed"])
        if fate == "deleted":
            self.world.delete_schedule(schedule.id)
            self.bare.add(name)
        else:
            settings = {"enabled": False} if fate == "paused" else {"frequency": "monthly"}
            self.world.update_schedule(schedule.id, **settings)

    def _index(self, name: str) -> None:
        kind = self.chance.choice(["bare", "bare", "bare", "pod", "paused", "slow", "fine", "backed up", "not ready"])
        index = self.world.create_index(name, kind=Deployed.POD if kind == "pod" else Deployed.SERVERLESS)
        if kind == "paused":
            self.world.update_schedule(self.world.create_schedule(name, "theirs").id, enabled=False)
            self.paused.add(name)
        elif kind in {"slow", "fine"}:
            self.world.create_schedule(
                name, "theirs", "monthly" if kind == "slow" else "daily", self.chance.choice([10, 100])
            )
        elif kind == "backed up":
            self.world.create_backup(name, "by-hand")
        elif kind == "not ready":
            index.ready_at = self.world.now + timedelta(hours=3)
        if kind in {"bare", "backed up", "not ready"}:
            self.bare.add(name)

    def _exemptions(self) -> tuple[Exemption, ...]:
        if self.chance.random() < 0.8 or not self.bare:
            return ()
        exempted = self.chance.choice(sorted(self.bare))
        self.bare.discard(exempted)
        day = self.world.now.date() + timedelta(days=30)
        return (Exemption((exempted,), ("index-has-*",), "team", "for a while", day),)

    def faults(self) -> list[Fault]:
        """Make up what goes wrong with any call."""
        chance = self.chance
        made = []
        for number in range(chance.randint(1, 5)):
            is_of_acting = number % 2 == 0
            kind = chance.choice(["status", "status", "reset", "reset_after_effect", "truncate", "garbage", "shift"])
            fault = Fault(
                kind=kind,
                method=chance.choice(["POST", "POST", "PATCH"]) if is_of_acting else chance.choice([None, "GET"]),
                path=chance.choice(["*", "/indexes/*/*", "/indexes/index-?"]),
                status=chance.choice([400, 401, 402, 403, 404, 408, 409, 412, 429, 500, 502, 503, 504, 524]),
                probability=chance.choice([0.1, 0.3, 0.6, 1.0]),
                times=chance.choice([1, 3, 20]),
                after=0 if is_of_acting else chance.randint(0, 20),
                seed=chance.randrange(1000),
                change=self._meddle if kind == "shift" else None,
            )
            made.append(fault)
        return [*made, *self._late_listing()]

    def _late_listing(self) -> list[Fault]:
        """Let a listing show nothing for a while, as one does in which what was just made does not show yet."""
        chance = self.chance
        paths = ["/indexes/*/backups", "/backups", *([] if self.paused else ["/indexes/*/backup-schedules"])]
        late = Fault(
            kind="garbage",
            method="GET",
            path=chance.choice(paths),
            body=b'{"data": []}',
            content_type="application/json",
            times=chance.choice([1, 3, 8]),
            after=chance.randint(0, 25),
        )
        return [late] if chance.random() < 0.6 else []

    def _meddle(self, world: SimulatedProject) -> None:
        """Do what somebody else may do at any moment."""
        live = sorted(world.indexes)
        name = self.chance.choice(live) if live else ""
        if not live or name in self.paused or world.get_index(name).kind is Deployed.POD:
            return
        fate = self.chance.random()
        if fate < 0.4:
            world.delete_index(name)
            self.bare.discard(name)
        elif fate < 0.6 and name in self.bare:
            world.delete_index(name)
            world.create_index(name)
        elif not any(it.enabled for it in world.get_index(name).schedules.values()):
            world.create_schedule(name, "meddled", "daily", 100)


def ours(world: SimulatedProject) -> list[str]:
    """Return the indexes that have an enabled schedule by our hand, as often as they have one."""
    return [it.index.name for it in world.schedules.values() if it.name == NAME and it.enabled]


def peak(world: SimulatedProject) -> int:
    """Return how many backups the project comes to hold, if nobody touches it, and no quota keeps it from that."""
    later = deepcopy(world, {id(world.lock): world.lock})
    later.options.backup_quota = None
    found = 0
    for _ in range(110):
        later.advance(timedelta(days=1))
        found = max(found, sum(it.state is not BackupState.SCHEDULED for it in later.backups.values()))
    return found


def took_effect(request: RecordedRequest) -> bool:
    """Tell whether a request that writes may have changed anything."""
    return request.status is None or request.status < 300


def check(case: Case, before: int, *, is_shared: bool) -> None:
    """Look at what may never be."""
    world = case.world
    for name, index in world.indexes.items():
        enabled = [it for it in index.schedules.values() if it.enabled]
        assert len(enabled) <= 1, name
        if name in case.paused:
            assert [it.name for it in index.schedules.values()] == ["theirs"], name
    by_hand = (it for it in world.backups.values() if (it.name or "").startswith(FIRST_BACKUP_PREFIX))
    twice = sum(it - 1 for it in Counter(it.index.id for it in by_hand).values())
    assert not (is_shared and twice)
    if case.quota is not None and before <= case.quota:
        assert peak(world) <= case.quota + meddled(case) + twice  # without a common state, two may take a first backup


def meddled(case: Case) -> int:
    """Return what others have taken of the quota meanwhile."""
    return sum(it.retention.days + 1 for it in case.world.schedules.values() if it.name == "meddled")


def run_once(project: Project) -> None:
    """Run as the command does; what ends it before a plan is made is no matter here."""
    with suppress(PineconeError, UsageError):
        project.run()


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_no_harm_is_done_and_all_is_well_in_the_end(seed: int, tmp_path: Path) -> None:
    """A few of the runs that `make soak` tries."""
    live_through(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(SAMPLE, RUNS, PER_TEST))
def test_no_harm_is_done_however_often(first: int, tmp_path: Path) -> None:
    """The other runs."""
    for seed in range(first, first + PER_TEST):
        live_through(seed, tmp_path / str(seed))


def live_through(seed: int, folder: Path) -> None:
    """Let two run at once while calls fail, then one cleanly as often as its bound makes necessary."""
    folder.mkdir(exist_ok=True)
    case = Case(seed)
    world, at_first = case.world, peak(case.world)
    with remedying(world, folder / "state", case.policy) as project:
        is_shared = case.chance.random() < 0.5
        other_state = folder / ("state" if is_shared else "other")
        with open_remediation_log(other_state) as other_log:
            other = replace(project, log=other_log, who="other@there", plan=None)
            for _ in range(2):
                before, written = peak(world), len(project.writes)
                project.server.faults[:] = case.faults()
                rival = Thread(target=run_once, args=(other,))
                rival.start()
                run_once(project)
                rival.join()
                project.server.faults.clear()
                check(case, before, is_shared=is_shared)
                creations = [it for it in project.writes[written:] if it.method == "POST" and took_effect(it)]
                assert len(creations) <= 2 * case.most
                assert_recorded(project, other)
                world.advance(timedelta(hours=2))
        for _ in range(2 * len(world.indexes) // case.most + 2):
            outcome = project.run()
            assert all(it.state in {ActionState.DONE, ActionState.ALREADY_SATISFIED} for it in outcome.results), outcome
            world.advance(timedelta(hours=2))
        check(case, at_first, is_shared=is_shared)
        assert_covered(case, project)


def assert_recorded(*projects: Project) -> None:
    """No schedule and no change of ours goes without a record that was made before it."""
    recorded = set()
    for project in projects:
        for index in {it.name for it in project.world.indexes.values()}:
            for kind in (ActionKind.CREATE_SCHEDULE, ActionKind.FIRST_BACKUP):
                record = project.log.find_last_attempt("default", f"{kind}/{index}")
                if record is not None:
                    recorded.add(record.call.split(" {", maxsplit=1)[0])
        for schedule in project.world.schedules:
            record = project.log.find_last_attempt("default", f"{ActionKind.UPDATE_SCHEDULE}/{schedule}")
            if record is not None:
                recorded.add(record.call.split(" {", maxsplit=1)[0])
    world = projects[0].world
    for request in projects[0].writes:
        name = request.path.split("/")[2]
        if took_effect(request) and (name in world.indexes or name in world.schedules):
            assert f"{request.method} {request.path}" in recorded


def assert_covered(case: Case, project: Project) -> None:
    """Every index that should have a schedule, and fits the quota, has one."""
    wanted = build_target_schedule(case.policy.defaults)
    left = [it for it in case.bare if it in case.world.indexes and not case.world.get_index(it).schedules]
    filled = project.planned().slots_before
    assert peak(case.world) <= filled
    room = (case.quota or 5000) - filled
    assert not left or room < wanted.slots, (left, room, project.planned().skipped_actions)
