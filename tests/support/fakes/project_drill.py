"""Fakes for restore drills on AWS: a project whose restores tests let end, and dependencies that record each call."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.application.drills.project_drill import DrillDependencies, drill_project
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drill_indexes import build_drill_tags
from backup_auditor.domain.drills.drill import DrillRecord, JobState, RestoredIndex, RestoreJob
from backup_auditor.domain.drills.state_machine import (
    DeleteIndex,
    DeletionAccepted,
    DrillCall,
    IndexFound,
    IndexMissing,
    IndexVerified,
    JobFound,
    Observation,
    ReadIndex,
    ReadJob,
    RequestRestore,
    RestoreAccepted,
    VerifyIndex,
)
from backup_auditor.domain.drills.verification import CheckState, ExpectedContent
from backup_auditor.domain.events import DrillRunRequest
from backup_auditor.domain.policy import Mode, Policy, RestoreDrillPolicy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BackupAuditorError, DeliveryError, PineconeError, PolicyError
from backup_auditor.ports.messaging import Event, PutResult
from support.builders.drills import EXPECTED, build_checked, build_target
from support.builders.facts import DAY, MINUTE, NOW, IndexCase, build_index, build_policy
from support.fakes.log import FakeLog
from support.fakes.project_audit import FakeReader
from support.fakes.stores import FakeDrillLedger

DRILLED_PROJECT = RegisteredProject("search", "keys/search", drill_secret="drill/search")  # noqa: S106  the name of a secret


@dataclass
class FakeDrillProject:
    """A project in which each restore has taken effect at once, and has ended once `is_restored` is set."""

    result: CheckState = CheckState.PASSED
    is_restored: bool = False
    access_error: PineconeError | None = None
    confirmation: bool | BackupAuditorError = True
    """Whether the key shows the Pinecone project of a drill, or the error of the reads."""
    indexes: dict[str, RestoredIndex] = field(default_factory=dict)
    """The restored indexes that exist, by name."""
    created_names: list[str] = field(default_factory=list)
    deleted_names: list[str] = field(default_factory=list)
    kill: Callable[[DrillCall], None] = lambda _: None
    """Called before each call; it raises what kills the invocation."""

    def check_access(self, index: str) -> None:
        """Raise the error of the key."""
        assert index == "main"
        if self.access_error is not None:
            raise self.access_error

    def load_expected_content(self, backup_id: str) -> ExpectedContent:
        """Return the figures of every backup."""
        assert backup_id
        return EXPECTED

    def confirm_project(self, record: DrillRecord) -> bool:
        """Return the confirmation, or raise the error."""
        del record
        if isinstance(self.confirmation, bool):
            return self.confirmation
        raise self.confirmation

    def make_call(self, record: DrillRecord, call: DrillCall) -> Observation:
        """Answer a call."""
        self.kill(call)
        match call:
            case RequestRestore():
                self.restore(record)
                return RestoreAccepted("job-1", "id-restored")
            case ReadIndex():
                index = self.indexes.get(call.name)
                return IndexMissing() if index is None else IndexFound(index)
            case ReadJob():
                return JobFound(self._build_job(record))
            case VerifyIndex():
                return IndexVerified(build_checked(self.result))
            case DeleteIndex():
                self.deleted_names.append(record.target_name)
                self.indexes.pop(record.target_name, None)
                return DeletionAccepted()

    def restore(self, record: DrillRecord) -> None:
        """Create the temporary index of a drill."""
        self.created_names.append(record.target_name)
        tags, backup_id = build_drill_tags(record.drill_id), record.point.backup_id
        target = build_target(name=record.target_name, tags=tags, source_backup_id=backup_id)
        self.indexes[record.target_name] = target

    def _build_job(self, record: DrillRecord) -> RestoreJob:
        state = JobState.COMPLETED if self.is_restored else JobState.PENDING
        completed_at = NOW + 10 * MINUTE if self.is_restored else None
        return RestoreJob("job-1", record.point.backup_id, record.target_name, state, NOW, completed_at)


@dataclass
class FakeDrillArchive:
    """An archive in memory, which fails on request."""

    documents: dict[tuple[str, int], bytes] = field(default_factory=dict)
    error: Exception | None = None

    def store_drill(self, record: DrillRecord, document: bytes) -> StoredFile:
        """Store a document by its drill and revision."""
        if self.error is not None:
            raise self.error
        assert self.documents.setdefault((record.drill_id, record.revision), document) == document
        return StoredFile(f"memory:{record.drill_id}/{record.revision}", "0" * 64)


@dataclass
class FakeDrillBus:
    """A bus that records events, or accepts none."""

    events: list[Event] = field(default_factory=list)
    error: DeliveryError | None = None

    def put(
        self, events: Sequence[Event], seconds_left: Callable[[], float], *, may_duplicate: bool = False
    ) -> PutResult:
        """Record events. A repeated event starts nothing a second time, so each may arrive twice."""
        assert seconds_left() > 0
        assert may_duplicate
        if self.error is not None:
            return PutResult(tuple(range(len(events))), self.error)
        self.events += events
        return PutResult((), None)


@dataclass
class DrillHarness:
    """The parts of restore drills on AWS, each of which a test can replace or make fail."""

    case: IndexCase = field(default_factory=build_index)
    registry: Registry = field(default_factory=lambda: Registry((DRILLED_PROJECT,)))
    mode: Mode = Mode.APPLY
    policy_error: PolicyError | None = None
    """What reading the policy raises."""
    state: ProjectState = EMPTY_STATE
    read_error: PineconeError | None = None
    """What the reads of an audit raise."""
    pinecone: FakeDrillProject = field(default_factory=FakeDrillProject)
    ledger: FakeDrillLedger = field(default_factory=FakeDrillLedger)
    archive: FakeDrillArchive = field(default_factory=FakeDrillArchive)
    bus: FakeDrillBus = field(default_factory=FakeDrillBus)
    log: FakeLog = field(default_factory=FakeLog)
    now: datetime = NOW
    seconds_left: float = 900.0
    metrics: list[dict[str, float | None]] = field(default_factory=list)
    opened_count: int = 0
    """How often Pinecone was opened, for an audit or for drills."""

    @property
    def policy(self) -> Policy:
        """The policy, which requires a drill every 90 days."""
        return replace(build_policy(restore_drill_within=90 * DAY), restore_drills=RestoreDrillPolicy(mode=self.mode))

    @property
    def records(self) -> list[DrillRecord]:
        """The recorded drills."""
        return self.ledger.list_drills("search")

    def run(self, request_id: str = "request-1", **fields: Any) -> dict[str, Any]:
        """Run the drills of the project, by a request of a queue."""
        request = DrillRunRequest("search", request_id, **fields)
        return drill_project("search", request, _HarnessDependencies(self, request_id))

    def sweep(self, after: timedelta = 5 * MINUTE) -> dict[str, Any]:
        """Advance the clock, and continue the drills in progress."""
        self.now += after
        return self.run("sweep", is_sweep=True)

    def finish(self) -> DrillRecord:
        """Let the restore end, and sweep until nothing is in progress. Return the only drill."""
        self.pinecone.is_restored = True
        for _ in range(3):
            self.sweep()
        (record,) = self.records
        return record


class _HarnessDependencies(DrillDependencies):
    """The dependencies of one invocation with the parts of a harness."""

    def __init__(self, harness: DrillHarness, request_id: str) -> None:
        self._harness = harness
        self.log = harness.log
        self.ledger, self.archive, self.bus = harness.ledger, harness.archive, harness.bus
        self.actor = f"drill {request_id}"

    def load_registry(self, name: str | None) -> Registry:
        assert name == "search"
        return self._harness.registry

    def load_policy(self, project: RegisteredProject) -> Policy:
        assert project.name == "search"
        if self._harness.policy_error is not None:
            raise self._harness.policy_error
        return self._harness.policy

    def load_key(self, project: RegisteredProject) -> str:
        assert project.drill_secret
        return project.drill_secret

    def load_state(self, project: str) -> ProjectState:
        assert project == "search"
        return self._harness.state

    @contextmanager
    def open_reader(self, key: str) -> Iterator[FakeReader]:
        assert key == "drill/search"
        self._harness.opened_count += 1
        yield FakeReader(self._harness.case, self._harness.read_error)

    @contextmanager
    def open_project(self, key: str) -> Iterator[FakeDrillProject]:
        assert key == "drill/search"
        self._harness.opened_count += 1
        yield self._harness.pinecone

    def make_seed(self) -> str:
        return f"seed {len(self._harness.records)}"

    def emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        assert (project, dimensions) == ("search", None)
        self._harness.metrics.append(dict(values))

    def seconds_left(self) -> float:
        return self._harness.seconds_left

    def now(self) -> datetime:
        return self._harness.now


class KilledError(BaseException):
    """The invocation ends here, as when Lambda stops it."""


@dataclass
class KillPoint:
    """Ends an invocation at one point: each call of a part has one before its effect, and one after it."""

    position: int
    passed_count: int = 0

    def wrap[**Arguments, Result](self, work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """Return a call with both points."""

        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            self._pass()
            result = work(*args, **kwargs)
            self._pass()
            return result

        return call

    def _pass(self) -> None:
        self.passed_count += 1
        if self.passed_count == self.position:
            raise KilledError


def add_kill_point(harness: DrillHarness, position: int) -> KillPoint:
    """Kill one invocation at a point, counted over all calls to the ledger, Pinecone, the archive and the bus."""
    point = KillPoint(position)
    for part, names in (
        (harness.ledger, ("create_drill", "replace_drill")),
        (harness.pinecone, ("confirm_project", "make_call")),
        (harness.archive, ("store_drill",)),
        (harness.bus, ("put",)),
    ):
        for name in names:
            setattr(part, name, point.wrap(getattr(part, name)))
    return point
