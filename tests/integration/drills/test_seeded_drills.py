"""Test that faults, damage, kills, people and a second driller lead neither to a second index nor to a wrong proof.

`make soak` runs 500 seeds.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.domain.drill_indexes import DRILL_TAG, build_drill_tags
from backup_auditor.domain.drills.drill import DrillRecord, RestoreState
from backup_auditor.domain.drills.state_machine import AnswerLost, DrillCall, Observation, RequestRestore
from backup_auditor.domain.drills.verification import ExpectedContent
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.errors import BackupAuditorError
from backup_auditor.ports.drills import DrillLedger, DrillProject
from backup_auditor.rendering.drill_json import render_drill_document
from backup_auditor_simulator.damages import Damage, DamageKind
from backup_auditor_simulator.model import ApiError, Index, RestoreJob
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.drilled_project import DrilledProject, build_drill_policy
from support.drills import DENSE_FIELDS, SPARSE_FIELDS, TEXT_FIELDS
from support.simulator import build_empty_project, serve

pytestmark = pytest.mark.writes
SAMPLE_COUNT, RUN_COUNT, RUNS_PER_TEST = 10, 500, 20
COUNT_DAMAGES = [
    DamageKind.MISSING_RECORDS,
    DamageKind.MISSING_NAMESPACE,
    DamageKind.UNREADABLE_RECORDS,
    DamageKind.LATE_STATS,
    DamageKind.FAILED_RESTORE,
    DamageKind.STUCK_RESTORE,
]
SPARSE_DAMAGES = [
    *COUNT_DAMAGES,
    DamageKind.NAN_VALUES,
    DamageKind.NAN_VALUES,
    DamageKind.WRONG_DIMENSION,
    DamageKind.WRONG_SCHEMA,
]
KINDS = [
    (DENSE_FIELDS, [*SPARSE_DAMAGES, DamageKind.UNSEARCHABLE_RECORDS]),
    (DENSE_FIELDS, [*SPARSE_DAMAGES, DamageKind.UNSEARCHABLE_RECORDS]),
    (SPARSE_FIELDS, SPARSE_DAMAGES),
    (TEXT_FIELDS, COUNT_DAMAGES),
]
FAULT_PATHS = [
    "*",
    "/indexes*",
    "/indexes/drill-*",
    "/backups/*",
    "/backups/*/create-index",
    "/restore-jobs*",
    "/data/*",
]


class KilledError(BaseException):
    """The process of a run was killed."""


@dataclass
class SeededCase:
    """A project, a policy, damage and faults, drawn from one seed."""

    seed: int
    rng: random.Random = field(init=False)
    project: SimulatedProject = field(init=False)
    is_healed: bool = False
    is_nested: bool = False
    """Whether a second driller is at work within a step of the first."""
    other: "DrilledProject | None" = None
    stored_revisions: Counter[tuple[int, int]] = field(default_factory=Counter)
    created_indexes: list[Index] = field(default_factory=list)
    deleted_indexes: list[Index] = field(default_factory=list)
    """As they were when their deletion was requested."""
    taken_names: set[str] = field(default_factory=set)
    """The names of temporary indexes under which a person created an index."""

    def __post_init__(self) -> None:
        """Build the project: indexes with a backup each, and one that a person restored."""
        self.rng = rng = random.Random(self.seed)  # noqa: S311  the same each time
        self.project = project = build_empty_project()
        options = project.options
        options.restore_duration = timedelta(seconds=rng.choice([2, 600, 7200]))
        options.restore_job_duration = rng.choice([None, None, timedelta(seconds=1), timedelta(minutes=30)])
        options.index_deletion_duration = timedelta(seconds=rng.choice([0, 0, 30, 900]))
        options.default_namespace = rng.choice(["__default__", ""])
        self.fields, self.damage_kinds = rng.choice(KINDS)
        for name in ("orders", "carts")[: rng.choice([1, 1, 2])]:
            project.create_index(
                name,
                fields=self.fields,
                records=rng.randint(6, 30),
                namespaces=rng.randint(2, 5),
                tags={"env": "prod"},
            )
            project.create_backup(name, "by-hand")
        project.advance(timedelta(hours=1))
        project.create_index_from_backup(next(iter(project.backups)), "drill-by-hand", tags={"purpose": "drill"})
        project.advance(timedelta(hours=3))
        self._plant_damage()
        self._record_changes()

    def _record_changes(self) -> None:
        """Record every index that a request creates from a backup or deletes, from now on."""
        restore, delete_index = self.project.create_index_from_backup, self.project.delete_index

        def restore_and_record(backup_id: str, name: str, **options: Any) -> RestoreJob:
            job = restore(backup_id, name, **options)
            self.created_indexes.append(job.index)
            return job

        def delete_and_record(name: str) -> None:
            self.deleted_indexes.append(deepcopy(self.project.get_index(name)))
            delete_index(name)

        setattr(self.project, "create_index_from_backup", restore_and_record)  # noqa: B010  it is a method
        setattr(self.project, "delete_index", delete_and_record)  # noqa: B010  it is a method

    @property
    def max_duration(self) -> timedelta:
        """How long a drill may take."""
        return timedelta(minutes=[10, 60, 360][self.seed % 3])

    def _plant_damage(self) -> None:
        if self.rng.random() < 0.6:
            kind = self.rng.choice(self.damage_kinds)
            is_temporary = kind is DamageKind.LATE_STATS and self.rng.random() < 0.5
            self.project.damages.append(
                Damage(kind=kind, every=self.rng.choice([1, 3]), polls=3 if is_temporary else None)
            )

    def make_faults(self) -> list[Fault]:
        """Draw the faults of all calls."""
        rng = self.rng
        return [
            Fault(
                kind=rng.choice(["status", "status", "reset", "reset_after_effect", "truncate", "garbage"]),
                method=rng.choice([None, "GET", "POST", "DELETE"]),
                path=rng.choice(FAULT_PATHS),
                status=rng.choice([400, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503, 504, 524]),
                probability=rng.choice([0.1, 0.3, 1.0]),
                times=rng.choice([1, 3, 20]),
                after=rng.choice([0, 0, 5, 20]),
                seed=rng.randrange(1000),
            )
            for _ in range(rng.randint(0, 5))
        ]

    def step(self) -> None:
        """Between two steps of a run, kill it, let another run work, or let a person act."""
        if self.is_healed or self.is_nested:
            return
        number = self.rng.random()
        if number < 0.03:
            raise KilledError
        if number < 0.06 and self.other is not None:
            self.is_nested = True
            run_once(self.other)
            self.is_nested = False
        elif number < 0.08:
            self._act_as_person()

    def _act_as_person(self) -> None:
        """Delete the temporary index, take its name, or change its tags."""
        with self.project.lock:
            names = [it for it in self.project.indexes if it.startswith(("drill-orders", "drill-carts"))]
            if not names:
                return
            index = self.project.get_index(self.rng.choice(names))
            action = self.rng.choice(["delete", "replace", "retag"])
            if action == "retag":
                self.project.configure_index(index.name, tags={DRILL_TAG: "", "env": "test"})
                self.taken_names.add(index.name)
                return
            self.project.remove_index(index)
            if action == "replace":
                self.project.create_index(index.name, tags={"env": "prod"}, source_backup_id=self._draw_source())
                self.taken_names.add(index.name)

    def _draw_source(self) -> str | None:
        return self.rng.choice([None, *self.project.backups])

    def request_late(self, call: RequestRestore) -> None:
        """Let a request whose answer is lost take effect later."""
        body: Any = call.call.body
        backup_id = call.call.path.split("/")[2]

        def restore() -> None:
            with suppress(ApiError):
                self.project.create_index_from_backup(backup_id, body["name"], tags=body["tags"])

        delay = timedelta(minutes=self.rng.choice([1, 20, 500]))
        self.project._add_event(self.project.now + delay, restore)

    def heal(self) -> None:
        """End all faults, let everything late take effect, and let people take away what they created or changed."""
        self.is_healed = True
        with self.project.lock:
            self.project.advance(timedelta(days=1))
            self.project.damages.clear()
            self.project.options.restore_duration, self.project.options.restore_job_duration = (
                timedelta(seconds=2),
                None,
            )
            for name in self.taken_names & self.project.indexes.keys():
                self.project.remove_index(self.project.get_index(name))


@dataclass
class InterruptedProject:
    """A project between whose calls anything can happen."""

    project: DrillProject
    case: SeededCase

    def check_access(self, index: str) -> None:
        """Check the access."""
        self.case.step()
        self.project.check_access(index)

    def load_expected_content(self, backup_id: str) -> ExpectedContent:
        """Return the figures of a backup."""
        self.case.step()
        return self.project.load_expected_content(backup_id)

    def confirm_project(self, record: DrillRecord) -> bool:
        """Return whether the key shows the project of a drill."""
        self.case.step()
        return self.project.confirm_project(record)

    def make_call(self, record: DrillRecord, call: DrillCall) -> Observation:
        """Make a call, or let a request take effect later."""
        self.case.step()
        if isinstance(call, RequestRestore) and not self.case.is_healed and self.case.rng.random() < 0.1:
            self.case.request_late(call)
            observation: Observation = AnswerLost("the connection was lost")
        else:
            observation = self.project.make_call(record, call)
        self.case.step()
        return observation


@dataclass
class InterruptedLedger:
    """A ledger between whose changes anything can happen."""

    ledger: DrillLedger
    case: SeededCase

    def list_drills(self, project: str) -> Any:
        """Return all drills."""
        return self.ledger.list_drills(project)

    def load_drill(self, project: str, number: int) -> DrillRecord | None:
        """Return one drill."""
        return self.ledger.load_drill(project, number)

    def create_drill(self, record: DrillRecord) -> bool:
        """Store a new drill."""
        return self._store(record, is_stored=self.ledger.create_drill(record))

    def replace_drill(self, record: DrillRecord) -> bool:
        """Replace a drill."""
        self.case.step()
        return self._store(record, is_stored=self.ledger.replace_drill(record))

    def _store(self, record: DrillRecord, *, is_stored: bool) -> bool:
        if is_stored:
            self.case.stored_revisions[record.number, record.revision] += 1
        self.case.step()
        return is_stored


def run_once(project: DrilledProject) -> None:
    """Run the drills, and ignore what ends the run."""
    with suppress(BackupAuditorError, KilledError):
        project.run()


@contextmanager
def serve_case(case: SeededCase, folder: Path) -> Iterator[DrilledProject]:
    """Serve the project of a case, with two drillers that share a state."""
    folder.mkdir(exist_ok=True)
    policy = build_drill_policy(max_duration=case.max_duration, max_per_run=2)
    with serve(case.project) as server, open_state(folder / "state"):
        driller = DrilledProject(
            server,
            folder / "state",
            policy,
            lambda it: InterruptedProject(it, case),
            lambda it: InterruptedLedger(it, case),
            case.rng.choice([5, 20, 60]),
        )
        case.other = replace(driller, run_count=1000)
        yield driller


def run_seed(seed: int, folder: Path) -> list[DrillResult | None]:
    """Drill with faults, then without, and return the results of all drills."""
    case = SeededCase(seed)
    with serve_case(case, folder) as driller:
        for _ in range(3):
            driller.server.faults[:] = case.make_faults()
            run_once(driller)
            case.project.advance(timedelta(hours=case.rng.choice([0, 1, 8])))
        driller.server.faults.clear()
        case.heal()
        for _ in range(2):  # a deletion that was requested late is confirmed by the run after
            driller.run()
            case.project.advance(timedelta(hours=1))
        records = driller.list_drills()
        check_indexes(case, records)
        check_results(case, records)
        check_records(case, driller, records)
        return [it.result for it in records]


def check_indexes(case: SeededCase, records: list[DrillRecord]) -> None:
    """Assert that each drill created one index at most and deleted no other, and that none is left."""
    records_by_target = {it.target_name: it for it in records}
    created_counts = Counter(it.name for it in case.created_indexes)
    assert set(created_counts.values()) <= {1}
    for index in case.created_indexes:
        assert records_by_target[index.name].restore is not RestoreState.NOT_REQUESTED
    created_ids = {it.id for it in case.created_indexes}
    for index in case.deleted_indexes:
        record = records_by_target[index.name]
        assert index.id in created_ids
        assert (index.source_backup_id, index.tags) == (record.point.backup_id, build_drill_tags(record.drill_id))
    sources = {it.index.name for it in case.project.backups.values()}
    assert case.project.indexes.keys() == {*sources, "drill-by-hand"}
    assert [it.drill_id for it in records if not it.is_finished] == []


def check_results(case: SeededCase, records: list[DrillRecord]) -> None:
    """Assert that no damaged index passed, and that after the faults every index is proven."""
    damaged_names = {index.name for index in case.created_indexes if any(it.polls is None for it in index.damages)}
    passed_records = [it for it in records if it.result is DrillResult.PASSED]
    assert damaged_names.isdisjoint(it.target_name for it in passed_records)
    assert {it.index_name for it in passed_records} == {it.index.name for it in case.project.backups.values()}


def check_records(case: SeededCase, driller: DrilledProject, records: list[DrillRecord]) -> None:
    """Assert that each revision was stored once, without a gap, and that each drill has its document."""
    assert set(case.stored_revisions.values()) == {1}
    for record in records:
        revisions = {revision for number, revision in case.stored_revisions if number == record.number}
        assert revisions == set(range(record.revision + 1))
        assert record.evidence is not None
        assert record.published_at is not None
        content = Path(record.evidence.location).read_bytes()
        assert hashlib.sha256(content).hexdigest() == record.evidence.sha256
        document = json.loads(content)
        assert content == render_drill_document(replace(record, revision=document["revision"]))
    assert {it.drill_id for it in driller.published_records} == {it.drill_id for it in records}


@pytest.mark.parametrize("seed", range(SAMPLE_COUNT))
def test_invariants_hold_with_faults_and_every_index_is_proven(seed: int, tmp_path: Path) -> None:
    """The invariants hold for each seed in a sample."""
    run_seed(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("first_seed", range(SAMPLE_COUNT, RUN_COUNT, RUNS_PER_TEST))
def test_invariants_hold_for_all_seeds(first_seed: int, tmp_path: Path) -> None:
    """The invariants hold for each other seed of `make soak`."""
    for seed in range(first_seed, first_seed + RUNS_PER_TEST):
        run_seed(seed, tmp_path / str(seed))


def test_the_seeds_draw_every_result(tmp_path: Path) -> None:
    """A few seeds are enough for drills that pass, fail, verify nothing, and remain unknown."""
    results = {result for seed in range(100, 112) for result in run_seed(seed, tmp_path / str(seed))}
    assert results >= {DrillResult.PASSED, DrillResult.FAILED, DrillResult.UNKNOWN}
