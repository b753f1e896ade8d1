"""Test drills with lost answers, late effects, killed and concurrent runs, damage, and other indexes under the name."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_auditor.domain.drills.drill import (
    DrillRecord,
    JobState,
    RestoredIndex,
    find_open_drills,
)
from backup_auditor.domain.drills.state_machine import (
    AnswerLost,
    DeleteIndex,
    DeletionAccepted,
    DeletionRefused,
    DrillCall,
    IndexFound,
    IndexMissing,
    IndexVerified,
    JobFound,
    JobMissing,
    Observation,
    ReadFailed,
    ReadIndex,
    ReadJob,
    RequestRestore,
    RestoreAccepted,
    RestoreRefused,
    VerifyIndex,
    advance_drill,
    resume_drill,
)
from backup_auditor.domain.drills.verification import FetchedRecord, FoundContent, FoundSample, build_verification
from backup_auditor.domain.project_state import DrillResult
from support.builders.drills import (
    EXPECTED,
    FOUND,
    SAMPLE,
    build_drill,
    build_job,
    build_sampled_record,
    build_target,
)
from support.builders.facts import HOUR, MINUTE, NOW

DAMAGES: dict[str, tuple[FoundContent, FoundSample]] = {
    "none": (FOUND, SAMPLE),
    "missing-record": (replace(FOUND, namespaces={"": 1, "tenant-1": 1}), SAMPLE),
    "missing-namespace": (replace(FOUND, namespaces={"": 3}), SAMPLE),
    "wrong-metric": (replace(FOUND, metric="dotproduct"), SAMPLE),
    "not-a-number": (FOUND, FoundSample((build_sampled_record("a", record=FetchedRecord([0.5, float("nan")])),))),
    "wrong-dimension": (FOUND, FoundSample((build_sampled_record("a", record=FetchedRecord([0.5, 1.0, 2.0])),))),
    "lost-by-its-vector": (FOUND, FoundSample((build_sampled_record("a", scores_by_id={"z": 0.5}),))),
}
OTHER_INDEX = build_target(source_backup_id="run-9", tags={})
WAITS = st.sampled_from([timedelta(), MINUTE, 16 * MINUTE, HOUR, 5 * HOUR, 7 * HOUR])


@dataclass
class FakeService:
    """A service that draws its faults, the store of the one record, and a clock."""

    draw: Any
    damage: str
    record: DrillRecord = field(default_factory=build_drill)
    now: datetime = NOW
    index: RestoredIndex | None = None
    is_creation_late: bool = False
    is_healed: bool = False
    job_state: JobState | None = None
    requests: list[RequestRestore] = field(default_factory=list)
    deleted_indexes: list[RestoredIndex] = field(default_factory=list)

    def choose(self, *choices: str) -> str:
        """Draw one of several behaviours; the first is the faultless one."""
        return choices[0] if self.is_healed else str(self.draw(st.sampled_from(choices)))

    def store(self, record: DrillRecord) -> bool:
        """Replace the stored record if its revision is the one before."""
        if self.record.revision != record.revision - 1:
            return False
        self.record = record
        return True

    def create(self) -> None:
        """Restore the backup into an index, unless another has the name."""
        if self.index is None:
            self.index = build_target(is_ready=False)
            self.job_state = JobState.PENDING

    def move(self) -> None:
        """Let time pass: a late creation takes effect, a restore completes or fails, a deletion completes."""
        self.now += HOUR if self.is_healed else self.draw(WAITS)
        if self.is_creation_late and self.choose("effect", "later") == "effect":
            self.is_creation_late = False
            self.create()
        elif self.index is not None and self.index.index.is_terminating:
            self.index = None
        elif self.job_state is JobState.PENDING and self.index is not None:
            self.job_state = JobState(self.choose("completed", "pending", "failed", "cancelled"))
        elif self.job_state is JobState.COMPLETED and self.index not in (None, OTHER_INDEX):
            self.index = build_target(is_ready=self.choose("ready", "initializing") == "ready")

    def replace_index(self) -> None:
        """Let a person delete the index, or take its name while it is free."""
        self.index = OTHER_INDEX if self.index is None else None

    def perform(self, call: DrillCall) -> Observation:  # noqa: PLR0911  one line for each answer
        """Answer a call."""
        match call:
            case RequestRestore():
                return self._request(call)
            case DeleteIndex():
                return self._delete()
            case ReadIndex():
                if self.choose("answer", "failure") == "failure":
                    return ReadFailed("503 to the end")
                return IndexMissing() if self.index is None else IndexFound(self.index)
            case ReadJob():
                answer = self.choose("answer", "missing", "failure")
                if answer == "failure":
                    return ReadFailed("503 to the end")
                return JobMissing() if self.job_state is None or answer == "missing" else JobFound(self._build_job())
            case VerifyIndex():
                if self.choose("answer", "failure") == "failure":
                    return ReadFailed("503 to the end")
                return IndexVerified(build_verification(EXPECTED, *DAMAGES[self.damage]))

    def _build_job(self) -> Any:
        assert self.job_state is not None
        return build_job(self.job_state)

    def _request(self, call: RequestRestore) -> Observation:
        self.requests.append(call)
        answer = self.choose("accepted", "refused", "lost-before", "lost-after", "late")
        if answer == "refused":
            return RestoreRefused("403 quota")
        if answer == "late":
            self.is_creation_late = True
        elif answer != "lost-before":
            self.create()
        return RestoreAccepted("job-1", "id-drill") if answer == "accepted" else AnswerLost("connection reset")

    def _delete(self) -> Observation:
        answer = self.choose("accepted", "refused", "lost-before", "lost-after")
        if answer == "refused":
            return DeletionRefused("403 deletion protection")
        if self.index is None:
            return IndexMissing()
        if answer != "lost-before":
            self.deleted_indexes.append(self.index)
            self.index = replace(self.index, is_ready=False, index=replace(self.index.index, state="Terminating"))
        return DeletionAccepted() if answer == "accepted" else AnswerLost("connection reset")


def run_drill(service: FakeService) -> Iterator[None]:
    """Run the stored drill until it waits. It can be killed at each `yield`."""
    record = service.record
    step = resume_drill(record, service.now)
    while True:
        if not isinstance(step.call, DeleteIndex):  # it is sent at once
            yield
        if step.record != record and not service.store(step.record):
            return
        record = step.record
        if step.call is None:
            return
        if not isinstance(step.call, DeleteIndex):
            yield
        observation = service.perform(step.call)
        if not isinstance(observation, IndexFound):
            yield
        step = advance_drill(record, observation, service.now)


def finish_drill(service: FakeService) -> None:
    """Run without further faults until nothing is left to do."""
    service.is_healed = True
    if service.index == OTHER_INDEX:
        service.index = None
    for _ in range(60):
        indexes = [] if service.index is None else [service.index.index]
        open_records = [it for it in find_open_drills([service.record], indexes) if not it.is_finished]
        if not open_records and not service.is_creation_late:
            return
        for record in open_records:
            if record != service.record:
                assert service.store(record)
            finish_worker(run_drill(service))
        service.move()
    pytest.fail(f"the drill does not end: {service.record}")


ACTIONS = st.sampled_from(["run", "start", "step", "step", "step", "kill", "move", "move", "replace"])


def act(service: FakeService, workers: list[Iterator[None]], action: str) -> None:
    """Start, step or kill a worker, run one to its end, let time pass, or let a person replace the index."""
    match action:
        case "start":
            workers.append(run_drill(service))
        case "run":
            finish_worker(run_drill(service))
        case "step" if workers:
            worker = service.draw(st.sampled_from(workers))
            if next(worker, "ended") == "ended":
                workers.remove(worker)
        case "kill" if workers:
            workers.remove(service.draw(st.sampled_from(workers)))
        case "move":
            service.move()
        case "replace":
            service.replace_index()


def finish_worker(worker: Iterator[None]) -> None:
    """Let a worker run until it waits."""
    for _ in worker:
        pass


@settings(max_examples=500)
@given(data=st.data(), damage=st.sampled_from(sorted(DAMAGES)))
def test_no_sequence_of_faults_breaks_a_drill(data: st.DataObject, damage: str) -> None:
    """One request at most, no deletion of another index, no pass with damage, and nothing left at the end."""
    service = FakeService(data.draw, damage)
    workers: list[Iterator[None]] = []
    for action in data.draw(st.lists(ACTIONS, max_size=30)):
        act(service, workers, action)
    finish_drill(service)
    assert len(service.requests) <= 1
    own_identity = (service.record.target_name, service.record.point.backup_id, build_target().index.tags)
    for deleted_index in service.deleted_indexes:
        index = deleted_index.index
        assert (index.name, index.source_backup_id, index.tags) == own_identity
    assert service.index is None
    assert service.record.is_finished
    assert service.record.result is not None
    if damage != "none":
        assert service.record.result is not DrillResult.PASSED


def test_a_drill_without_faults_passes() -> None:
    """The same service without a fault lets the drill pass, so that the test above can fail."""
    service = FakeService(lambda _: None, "none", is_healed=True)
    finish_drill(service)
    assert service.record.result is DrillResult.PASSED
    assert (len(service.requests), len(service.deleted_indexes)) == (1, 1)
