"""Test what each call of a restore drill shows, with every fault of the control plane."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.pinecone.restores import open_drill_project
from backup_auditor.domain.drill_indexes import build_drill_tags
from backup_auditor.domain.drills.drill import DrillRecord, JobState
from backup_auditor.domain.drills.state_machine import (
    AnswerLost,
    IndexFound,
    IndexMissing,
    JobFound,
    JobMissing,
    Observation,
    ReadFailed,
    ReadIndex,
    ReadJob,
    RestoreAccepted,
    RestoreRefused,
)
from backup_auditor.domain.drills.verification import ExpectedContent
from backup_auditor.errors import (
    BadKeyError,
    ForbiddenError,
    NotFoundError,
    PineconeError,
    ProjectMismatchError,
    SettingsError,
    UnavailableError,
    UntrustedHostError,
)
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.model import BackupState, IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.drills import POINT, TARGET_NAME, build_drill
from support.drills import (
    DENSE_FIELDS,
    DOCUMENT_FIELDS,
    INTEGRATED_FIELDS,
    RESTORE_DURATION,
    SPARSE_FIELDS,
    TEXT_FIELDS,
    SimulatedDrill,
    build_backed_up_project,
    open_simulated_drill,
)
from support.simulator import SIMULATED_NOW, RecordingClock, make_connection, serve

pytestmark = pytest.mark.writes
CREATE_INDEX = "/backups/*/create-index"
CANARY = "canary-of-the-restore-tests"


def request_with_fault(fault: Fault) -> tuple[Observation, SimulatedDrill]:
    """Request a restore with a fault; return what it shows, and the drill with the simulator that has stopped."""
    with open_simulated_drill() as drill:
        drill.server.faults.append(fault)
        return drill.request(), drill


def read_job(drill: SimulatedDrill, *, with_id: bool = True) -> Observation:
    """Read the restore job of a drill, with its id or by the listing."""
    record = drill.record
    return drill.call(ReadJob(record.job_id if with_id else None, record.target_name, record.point.backup_id))


@pytest.mark.parametrize("version", ["2025-10", "2026-04", "unstable"])
def test_a_version_without_source_backups_is_refused(version: str) -> None:
    """The refusal names the variable to set; nothing is sent."""
    with serve(build_backed_up_project()) as server:
        connection = make_connection(server, api_version=version)
        with pytest.raises(SettingsError, match="set PINECONE_API_VERSION to 2026-07"), open_drill_project(connection):
            pass
    assert server.requests == []


def test_the_recorded_call_is_what_is_sent() -> None:
    """The request has the recorded body: the name, tags of its own instead of those of the backup, no protection."""
    with open_simulated_drill() as drill:
        accepted = drill.request()
        (request,) = drill.server.requests
        (job,) = drill.server.project.restore_jobs.values()
        index = drill.server.project.indexes[TARGET_NAME]
    assert accepted == RestoreAccepted(job.id, index.id)
    call = drill.record.restore_call
    assert (request.method, request.path, json.loads(request.content)) == (call.method, call.path, call.body)
    assert (index.tags, index.deletion_protection) == (build_drill_tags(drill.record.drill_id), False)


@pytest.mark.parametrize(
    "fault, is_of_backup",
    [
        pytest.param(Fault(status=400, path=CREATE_INDEX), False, id="invalid"),
        pytest.param(Fault(status=404, path=CREATE_INDEX), False, id="not-found-once"),
        pytest.param(Fault(status=404, path="/backups/*"), True, id="backup-deleted"),
        pytest.param(Fault(status=412, path=CREATE_INDEX), False, id="precondition-of-something-else"),
        pytest.param(Fault(status=422, path=CREATE_INDEX), False, id="unprocessable"),
        pytest.param(Fault(status=401, path=CREATE_INDEX), False, id="key"),
        pytest.param(Fault(status=402, path=CREATE_INDEX), False, id="invoices"),
        pytest.param(Fault(status=403, path=CREATE_INDEX), False, id="right"),
        pytest.param(Fault(kind="refuse_plan", path=CREATE_INDEX), False, id="plan"),
        pytest.param(Fault(status=403, message="Quota exceeded.", path=CREATE_INDEX), False, id="quota"),
        pytest.param(Fault(status=429, path=CREATE_INDEX), False, id="throttled-to-the-end"),
        pytest.param(Fault(status=501, path=CREATE_INDEX), False, id="not-implemented"),
    ],
)
def test_a_refusal_certainly_had_no_effect(fault: Fault, is_of_backup: bool) -> None:
    """A refusal says whether the backup is its reason."""
    refused, drill = request_with_fault(fault)
    assert isinstance(refused, RestoreRefused)
    assert refused.is_of_backup is is_of_backup
    assert TARGET_NAME not in drill.server.project.indexes


@pytest.mark.parametrize(
    "fault, is_restored",
    [
        pytest.param(Fault(kind="reset", path=CREATE_INDEX), False, id="reset-before-the-effect"),
        pytest.param(Fault(kind="reset_after_effect", path=CREATE_INDEX), True, id="reset-after-the-effect"),
        pytest.param(Fault(kind="truncate", path=CREATE_INDEX), True, id="truncated"),
        pytest.param(Fault(kind="garbage", path=CREATE_INDEX), False, id="page-of-a-proxy"),
        pytest.param(Fault(kind="garbage", body=b'{"index_id": 7}', path=CREATE_INDEX), False, id="without-a-job"),
        pytest.param(Fault(status=408, path=CREATE_INDEX), False, id="time-out"),
        pytest.param(Fault(status=409, path=CREATE_INDEX), False, id="name-in-use"),
        pytest.param(Fault(status=500, path=CREATE_INDEX), False, id="server-error"),
        pytest.param(Fault(status=503, path=CREATE_INDEX), False, id="unavailable"),
        pytest.param(Fault(status=302, path=CREATE_INDEX), False, id="redirect"),
    ],
)
def test_a_lost_answer_is_not_a_refusal(fault: Fault, is_restored: bool) -> None:
    """A request that may have taken effect is sent once, and only reading settles it."""
    observation, drill = request_with_fault(fault)
    assert isinstance(observation, AnswerLost)
    assert (TARGET_NAME in drill.server.project.indexes) is is_restored
    assert [it.method for it in drill.server.requests] == ["POST"]


def test_a_throttled_request_is_repeated() -> None:
    """A request that was throttled had no effect, so it is sent again, and creates one index."""
    accepted, drill = request_with_fault(Fault(status=429, path=CREATE_INDEX, times=2))
    assert isinstance(accepted, RestoreAccepted)
    assert [it.status for it in drill.server.requests] == [429, 429, 202]
    assert len(drill.server.project.restore_jobs) == 1


def test_a_request_that_was_never_sent_is_refused() -> None:
    """Without a connection nothing was sent, so nothing can have been created."""
    with open_simulated_drill() as drill:
        pass
    refused = drill.request()
    assert isinstance(refused, RestoreRefused)
    assert (refused.is_of_backup, "refused the connection" in refused.reason) == (False, True)


def test_a_full_project_and_a_backup_that_is_not_ready_refuse() -> None:
    """The simulator's own refusals are told apart."""
    with open_simulated_drill() as drill:
        drill.server.project.options.index_quota = 1
        quota_refusal = drill.request()
        drill.server.project.options.index_quota = 20
        (backup,) = drill.server.project.backups.values()
        backup.state = BackupState.FAILED
        drill.server.project.record_change(backup)
        state_refusal = drill.request()
        drill.server.project.remove_backup(backup)
        missing_refusal = drill.request()
    refusals = [quota_refusal, state_refusal, missing_refusal]
    assert [it.is_of_backup for it in refusals if isinstance(it, RestoreRefused)] == [False, True, True]


def test_a_restored_index_is_read_with_what_verification_needs() -> None:
    """It has no host while it initializes; then it has host, settings, tags and source backup."""
    with open_simulated_drill() as drill:
        assert drill.call(ReadIndex(TARGET_NAME)) == IndexMissing()
        drill.request()
        new_index = drill.read_index()
        drill.server.project.advance(RESTORE_DURATION)
        index = drill.read_index()
    assert (new_index.is_ready, new_index.host, new_index.index.state) == (False, None, "Initializing")
    assert (index.is_ready, index.index.state) == (True, "Ready")
    assert (index.host or "").startswith(f"{drill.server.url}/data/{TARGET_NAME}")
    assert (index.dimension, index.metric, index.vector_type) == (8, "cosine", "dense")
    assert index.index.source_backup_id == drill.record.point.backup_id


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=401), id="key"),
        pytest.param(Fault(status=403), id="right"),
        pytest.param(Fault(status=429), id="throttled"),
        pytest.param(Fault(status=503), id="unavailable"),
        pytest.param(Fault(kind="reset"), id="reset"),
        pytest.param(Fault(kind="garbage"), id="page-of-a-proxy"),
        pytest.param(Fault(kind="garbage", body=b"[]"), id="no-object"),
    ],
)
def test_a_failed_read_shows_nothing(fault: Fault) -> None:
    """Neither the index nor the job is called missing because it could not be read."""
    with open_simulated_drill() as drill:
        drill.restore()
        drill.server.faults.append(fault)
        observations = [drill.call(ReadIndex(TARGET_NAME)), read_job(drill), read_job(drill, with_id=False)]
    assert [type(it) for it in observations] == [ReadFailed] * 3


@pytest.mark.parametrize("with_id", [True, False], ids=["by-id", "by-listing"])
def test_a_job_is_read_with_its_document(with_id: bool) -> None:
    """The job has its state and its times; its document is kept."""
    with open_simulated_drill() as drill:
        assert read_job(drill, with_id=False) == JobMissing()
        index = drill.restore()
        found = read_job(drill, with_id=with_id)
    assert isinstance(found, JobFound)
    job = found.job
    assert (job.job_id, job.backup_id, job.target_name) == (
        drill.record.job_id,
        drill.record.point.backup_id,
        index.index.name,
    )
    assert job.state is JobState.COMPLETED
    assert job.created_at is not None
    assert job.completed_at is not None
    assert job.completed_at - job.created_at == RESTORE_DURATION
    assert (job.document["status"], job.document["percent_complete"]) == ("Completed", 100)


def test_a_job_on_a_later_page_is_found() -> None:
    """The listing is read until it has the job of the drill."""
    with open_simulated_drill() as drill:
        drill.restore()
        project = drill.server.project
        project.options.index_quota = None
        for number in range(120):
            project.create_index_from_backup(drill.record.point.backup_id, f"other-{number}")
        drill.server.requests.clear()
        found = read_job(drill, with_id=False)
    assert isinstance(found, JobFound)
    assert found.job.job_id == drill.record.job_id
    assert [sorted(it.query) for it in drill.server.requests] == [["limit"], ["paginationToken"]]


@pytest.mark.parametrize("fault", [Fault(kind="repeat_token"), Fault(kind="garbage", body=b'{"data": [{}]}')])
def test_a_listing_that_cannot_be_trusted_shows_nothing(fault: Fault) -> None:
    """A listing that repeats its pages, or has a row that cannot be parsed, is a failed read."""
    with open_simulated_drill() as drill:
        drill.server.faults.append(fault)
        assert isinstance(read_job(drill, with_id=False), ReadFailed)


@pytest.mark.parametrize(
    "status, state",
    [
        ("Pending", JobState.PENDING),
        ("Completed", JobState.COMPLETED),
        ("failed", JobState.FAILED),
        ("Cancelled", JobState.CANCELLED),
        ("Queued", JobState.PENDING),
    ],
)
def test_an_unknown_status_of_a_job_is_pending(status: str, state: JobState) -> None:
    """The status is an open set, compared without case."""
    row = {"restore_job_id": "job-1", "backup_id": "b", "target_index_name": "t", "status": status, "created_at": None}
    with open_simulated_drill() as drill:
        drill.server.faults.append(Fault(kind="garbage", body=json.dumps(row)))
        found = drill.call(ReadJob("job-1", "t", "b"))
    assert isinstance(found, JobFound)
    assert found.job.state is state


def test_a_failed_restore_has_a_failed_job_and_a_failed_index() -> None:
    """Both say so; the index is not ready and has no host."""
    with open_simulated_drill() as drill:
        index = drill.restore(Damage(kind="failed_restore"))
        found = read_job(drill)
    assert isinstance(found, JobFound)
    assert (found.job.state, index.index.state) == (JobState.FAILED, "InitializationFailed")
    assert (index.is_ready, index.host) == (False, None)


def test_a_missing_job_shows_nothing() -> None:
    """Pinecone answers 404 while its store of jobs is out, although the index exists."""
    with open_simulated_drill() as drill:
        drill.restore()
        drill.server.faults.append(Fault(status=404, path="/restore-jobs/*"))
        assert read_job(drill) == JobMissing()
        assert isinstance(drill.call(ReadIndex(TARGET_NAME)), IndexFound)


@pytest.mark.parametrize(
    "fields, expected",
    [
        pytest.param(DENSE_FIELDS, (8, "cosine", "dense"), id="dense"),
        pytest.param(SPARSE_FIELDS, (None, "dotproduct", "sparse"), id="sparse"),
        pytest.param(INTEGRATED_FIELDS, (8, "cosine", "dense"), id="integrated"),
        pytest.param(DOCUMENT_FIELDS, (8, "cosine", "dense"), id="documents-with-vectors"),
        pytest.param(TEXT_FIELDS, (None, None, None), id="documents"),
    ],
)
def test_the_figures_of_a_backup_are_its_own(
    fields: dict[str, object], expected: tuple[int | None, str | None, str | None]
) -> None:
    """Counts and settings are those of the backup, not of the live index, which has changed since."""
    project = build_backed_up_project(fields)
    project.get_index("orders").records = 9
    with open_simulated_drill(project) as drill:
        content = drill.record.point.expected
    assert content == ExpectedContent(300, 3, *expected)


def test_a_backup_without_figures_has_none() -> None:
    """An absent figure is unknown, never zero."""
    row = {"backup_id": "b", "source_index_id": "i", "source_index_name": "orders", "status": "Ready"}
    with open_simulated_drill() as drill:
        drill.server.faults.append(Fault(kind="garbage", body=json.dumps(row)))
        assert drill.project.load_expected_content("b") == ExpectedContent()
        drill.server.faults[:] = [Fault(status=404)]
        with pytest.raises(NotFoundError):
            drill.project.load_expected_content("b")


def test_a_key_with_all_rights_has_access() -> None:
    """The check reads the live index and the statistics at its host."""
    with open_simulated_drill() as drill:
        drill.project.check_access("orders")
        paths = [it.path.rpartition("/")[2] for it in drill.server.requests]
    assert paths == ["orders", "describe_index_stats"]


@pytest.mark.parametrize(
    "key, error",
    [
        pytest.param("editor-key-for-tests", ForbiddenError, id="without-rights-to-records"),
        pytest.param("unknown-key", BadKeyError, id="unknown-key"),
    ],
)
def test_a_key_without_rights_to_records_is_refused(key: str, error: type[PineconeError]) -> None:
    """The refusal of the gateway is plain text, and a typed error."""
    with serve(build_backed_up_project()) as server:
        with open_drill_project(make_connection(server, key=key)) as project, pytest.raises(error):
            project.check_access("orders")
        assert not any(it.is_write for it in server.requests)


def test_an_index_without_access_is_an_error() -> None:
    """A missing index, one of a private network and one without a host each have their own error."""
    project = build_backed_up_project()
    project.create_index("ledgers", kind=IndexKind.BYOC, environment="gcp-us-central1-b921")
    with open_simulated_drill(project) as drill:
        with pytest.raises(NotFoundError):
            drill.project.check_access("nowhere")
        with pytest.raises(BadKeyError):
            drill.project.check_access("ledgers")
        drill.request()
        with pytest.raises(UnavailableError, match=f"index '{TARGET_NAME}' has no host; try again once it is ready"):
            drill.project.check_access(TARGET_NAME)


def test_the_key_is_sent_to_no_other_host() -> None:
    """A response that names another host as that of an index gets no request there."""
    with serve(build_backed_up_project()) as other_server, open_simulated_drill() as drill:
        other_host = other_server.url.replace("127.0.0.1", "localhost")
        row = {"name": "orders", "status": {"ready": True, "state": "Ready"}, "host": other_host}
        drill.server.faults.append(Fault(kind="garbage", body=json.dumps(row), path="/indexes/orders"))
        with pytest.raises(UntrustedHostError):
            drill.project.check_access("orders")
        assert other_server.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=401, body=f"Invalid API key {CANARY}"), id="echoed-in-plain-text"),
        pytest.param(Fault(status=403, message=f"{CANARY} may not"), id="echoed-in-json"),
        pytest.param(Fault(status=503, body=f"<html>{CANARY}</html>"), id="echoed-in-html"),
        pytest.param(Fault(kind="garbage", body=json.dumps({CANARY: 1})), id="echoed-in-a-body"),
        pytest.param(Fault(kind="reset"), id="reset"),
    ],
)
def test_no_observation_contains_the_key(fault: Fault) -> None:
    """A response that repeats the key gives a reason without it."""
    with open_simulated_drill() as drill:
        drill.server.roles = {CANARY: "driller"}
        connection = make_connection(drill.server, key=CANARY)
        with open_drill_project(connection) as project:
            canary_drill = replace(drill, project=project)
            assert CANARY not in repr((project, vars(project)))
            drill.server.faults.append(fault)
            observations = [canary_drill.request(), canary_drill.call(ReadIndex(TARGET_NAME)), read_job(canary_drill)]
            with pytest.raises(PineconeError) as error_info:
                project.check_access("orders")
    assert CANARY not in repr(observations)
    assert CANARY not in repr((error_info.value, vars(error_info.value)))


def build_record(project: SimulatedProject, **facts: Any) -> DrillRecord:
    """Build the record of a drill of the only backup of a project."""
    (backup,) = project.backups.values()
    defaults = {"index_name": "orders", "index_id": backup.index.id, "point": replace(POINT, backup_id=backup.id)}
    return build_drill(**(defaults | facts))


def confirm_project(project: SimulatedProject, record: DrillRecord, *faults: Fault) -> tuple[bool, list[str]]:
    """Return whether a key of a project confirms the project of a drill, and the requests."""
    with serve(project) as server:
        server.faults.extend(faults)
        connection = make_connection(server, key=server.drill_key)
        with open_drill_project(connection, RecordingClock().build_runtime()) as drill_project:
            is_confirmed = drill_project.confirm_project(record)
            assert drill_project.confirm_project(record) == is_confirmed
        return is_confirmed, [it.path for it in server.requests]


def test_the_backup_of_a_drill_confirms_its_project() -> None:
    """One request is enough: a key reads only the backups of its own project."""
    project = build_backed_up_project()
    record = build_record(project, pinecone_project_id="stale")
    assert confirm_project(project, record) == (True, [f"/backups/{record.point.backup_id}"])


def test_a_backup_that_was_read_before_confirms_its_project() -> None:
    """A drill that a run has just started needs no request."""
    with open_simulated_drill() as drill:
        assert drill.project.confirm_project(drill.record)
        assert drill.server.requests == []


def make_other_backup(project: SimulatedProject) -> None:
    """Take another backup of the drilled index."""
    project.create_backup("orders")


def schedule_index(project: SimulatedProject) -> None:
    """Create a schedule of the drilled index."""
    project.create_schedule("orders", "daily")


def schedule_another_index(project: SimulatedProject) -> None:
    """Delete the drilled index, and create a schedule of another one."""
    project.remove_index(project.get_index("orders"))
    project.create_index("another")
    project.create_index("zoo", kind=IndexKind.POD)
    project.create_schedule("another", "daily")


@pytest.mark.parametrize(
    "change,has_project_id",
    [
        pytest.param(make_other_backup, False, id="backup"),
        pytest.param(schedule_index, False, id="schedule"),
        pytest.param(schedule_another_index, True, id="schedule-of-another-index"),
    ],
)
def test_without_its_backup_a_drill_needs_another_proof(
    change: Callable[[SimulatedProject], None], *, has_project_id: bool
) -> None:
    """The ids of the index and of the project are those of the record."""
    project = build_backed_up_project()
    record = build_record(project, pinecone_project_id=project.project_id if has_project_id else None)
    project.remove_backup(project.get_backup(record.point.backup_id))
    assert confirm_project(project, record)[0] is False
    change(project)
    assert confirm_project(project, record)[0] is True


def test_an_unread_proof_is_no_proof() -> None:
    """A read that fails raises its error: the next one may confirm the project."""
    project = build_backed_up_project()
    record = build_record(project, pinecone_project_id=project.project_id)
    backup = project.get_backup(record.point.backup_id)
    paths = [f"/backups/{record.point.backup_id}", "/indexes/orders/backups", "/indexes/orders/backup-schedules"]
    for path in paths:
        with pytest.raises(PineconeError):
            confirm_project(project, record, Fault(status=503, path=path))
        project.remove_backup(backup)


@pytest.mark.parametrize("has_index", [True, False], ids=["index-of-the-same-name", "another-index"])
def test_a_key_of_another_project_is_refused(*, has_index: bool) -> None:
    """The error names both ids, whether the other project has an index of the same name or not."""
    record = build_record(build_backed_up_project(), pinecone_project_id="project-1")
    other_project = SimulatedProject(SIMULATED_NOW, seed=1)
    name = "orders" if has_index else "carts"
    other_project.create_index(name)
    assert confirm_project(other_project, record)[0] is False
    other_project.create_schedule(name, "daily")
    with pytest.raises(ProjectMismatchError, match="belongs to Pinecone project project-1, but Pinecone project") as it:
        confirm_project(other_project, record)
    assert it.value.found_id == other_project.project_id
    assert f"use a key of Pinecone project project-1 to continue restore drill {record.drill_id}" in str(it.value)
