"""Test that the official SDK works with the simulator, which shows that the simulator has the protocol of Pinecone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pinecone import Pinecone
from pinecone.errors import ConflictError, ForbiddenError, IndexInitFailedError, NotFoundError, UnauthorizedError
from pinecone.exceptions import PineconeApiException
from pinecone.models.indexes.index import IndexModel

from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.simulator import SIMULATED_NOW, build_empty_project, serve

DAY = timedelta(days=1)
DENSE_FIELDS = {"_values": {"type": "dense_vector", "dimension": 8, "metric": "cosine"}}


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with one index."""
    project = build_empty_project()
    project.create_index("orders", tags={"env": "prod"})
    with serve(project) as running_server:
        yield running_server


@pytest.fixture
def pinecone(server: Server) -> Iterator[Pinecone]:
    """Open the SDK's client with the editor key."""
    with Pinecone(api_key=server.editor_key, host=server.url) as client:
        yield client


def test_indexes_are_created_described_and_deleted(pinecone: Pinecone) -> None:
    """The SDK creates, lists, configures and deletes an index."""
    fields = {"embedding": {"type": "dense_vector", "dimension": 8, "metric": "cosine"}}
    created_index = pinecone.indexes.create(name="invoices", schema={"fields": fields}, tags={"team": "finance"})
    assert created_index.status.ready
    assert [it.name for it in pinecone.indexes.list()] == ["orders", "invoices"]
    assert pinecone.indexes.describe("invoices").tags == {"team": "finance"}
    pinecone.indexes.configure("invoices", deletion_protection="enabled")
    with pytest.raises(ForbiddenError, match="Deletion protection"):
        pinecone.indexes.delete("invoices")
    pinecone.indexes.configure("invoices", deletion_protection="disabled")
    pinecone.indexes.delete("invoices")
    assert not pinecone.indexes.exists("invoices")


def test_backups_are_created_listed_and_deleted(pinecone: Pinecone, server: Server) -> None:
    """A backup is initializing after its creation, then ready, and not found after its deletion."""
    created_backup = pinecone.backups.create(index_name="orders", name="before-upgrade", description="by hand")
    assert created_backup.status == "Initializing"
    server.project.advance(timedelta(minutes=11))
    (listed_backup,) = pinecone.backups.list()
    assert (listed_backup.backup_id, listed_backup.status, listed_backup.name) == (
        created_backup.backup_id,
        "Ready",
        "before-upgrade",
    )
    assert listed_backup.record_count == server.project.get_index("orders").records
    pinecone.backups.delete(backup_id=created_backup.backup_id)
    server.project.advance(timedelta(minutes=1))
    with pytest.raises(NotFoundError):
        pinecone.backups.describe(backup_id=created_backup.backup_id)


def test_an_index_is_created_from_a_backup(pinecone: Pinecone, server: Server) -> None:
    """The restore job is listed and becomes complete."""
    backup = pinecone.backups.create(index_name="orders")
    server.project.advance(timedelta(minutes=11))
    pinecone.create_index_from_backup(name="orders-copy", backup_id=backup.backup_id, timeout=-1)
    (job,) = pinecone.restore_jobs.list()
    assert (job.status, job.target_index_name) == ("Pending", "orders-copy")
    assert not pinecone.indexes.describe("orders-copy").status.ready
    server.project.advance(timedelta(minutes=11))
    assert pinecone.restore_jobs.describe(job_id=job.restore_job_id).status == "Completed"
    assert pinecone.indexes.describe("orders-copy").source_backup_id == backup.backup_id


@pytest.fixture
def drill_client(server: Server) -> Iterator[Pinecone]:
    """Open the SDK's client with the key of drills, which also reads records."""
    with Pinecone(api_key=server.drill_key, host=server.url) as client:
        yield client


def _create_backup(server: Server, name: str, **traits: Any) -> str:
    """Create an index and its backup, and return the id of the backup."""
    server.project.create_index(name, records=300, namespaces=3, **traits)
    backup = server.project.create_backup(name)
    server.project.advance(timedelta(minutes=11))
    return backup.id


def test_a_restored_index_is_read(drill_client: Pinecone, server: Server) -> None:
    """The SDK waits for a restored index, and counts, lists, fetches and finds its records."""
    backup_id = _create_backup(server, "invoices", fields=DENSE_FIELDS)
    server.project.options.restore_duration = timedelta()
    description = drill_client.create_index_from_backup(name="copy", backup_id=backup_id, tags={"drill": "7"})
    assert isinstance(description, IndexModel)
    (job,) = drill_client.restore_jobs.list()
    assert (job.status, job.percent_complete) == ("Completed", 100)
    with drill_client.index(host=description.host or "") as index:
        stats = index.describe_index_stats()
        assert (stats.total_vector_count, stats.dimension, stats.metric) == (300, 8, "cosine")
        assert {name: it.vector_count for name, it in stats.namespaces.items()} == {
            it.name: it.record_count for page in index.list_namespaces() for it in page.namespaces
        }
        ids = [it.id or "" for page in index.list(namespace="tenant-00001", limit=40) for it in page.vectors]
        assert len(set(ids)) == stats.namespaces["tenant-00001"].vector_count == 100
        vectors = index.fetch(ids=[*ids[:5], "nothing"], namespace="tenant-00001").vectors
        assert list(vectors) == ids[:5]
        for record_id, vector in vectors.items():
            response = index.query(vector=vector.values, top_k=1, namespace="tenant-00001")
            assert [it.id for it in response.matches] == [record_id]
    drill_client.indexes.delete("copy")
    assert not drill_client.indexes.exists("copy")
    with pytest.raises(NotFoundError):
        drill_client.restore_jobs.describe(job_id=job.restore_job_id)


def test_a_failed_restore_is_recognized_by_the_sdk(drill_client: Pinecone, server: Server) -> None:
    """The SDK recognizes the state of an index whose restore failed."""
    backup_id = _create_backup(server, "invoices", fields=DENSE_FIELDS)
    server.project.options.restore_duration = timedelta()
    server.project.damages.append(Damage(kind="failed_restore"))
    with pytest.raises(IndexInitFailedError):
        drill_client.create_index_from_backup(name="copy", backup_id=backup_id)
    assert [it.status for it in drill_client.restore_jobs.list()] == ["Failed"]


def test_documents_are_listed_and_fetched(drill_client: Pinecone, server: Server) -> None:
    """The SDK lists and fetches the documents of a restored index, and vector calls are refused."""
    backup_id = _create_backup(server, "articles", fields={"body": {"type": "string", "full_text_search": {}}})
    server.project.options.restore_duration = timedelta()
    description = drill_client.create_index_from_backup(name="copy", backup_id=backup_id)
    assert isinstance(description, IndexModel)
    with drill_client.index(host=description.host or "") as index:
        ids = [it.id for it in index.documents.list(namespace="tenant-00001", limit=60)]
        assert len(set(ids)) == 100
        documents = index.documents.fetch(namespace="tenant-00001", ids=ids[:2]).documents
        assert list(documents) == ids[:2]
        with pytest.raises(PineconeApiException) as error_info:
            index.fetch(ids=ids[:2], namespace="tenant-00001")
        assert error_info.value.status_code == 400


def test_a_key_without_a_role_for_records_is_forbidden(pinecone: Pinecone) -> None:
    """The SDK reports that the editor's key reads no records."""
    with pinecone.index(name="orders") as index, pytest.raises(ForbiddenError):
        index.describe_index_stats()


def test_a_schedule_is_created_and_runs(pinecone: Pinecone, server: Server) -> None:
    """The history of a schedule has every run and the planned run."""
    schedule = pinecone.backup_schedules.create(
        index_name="orders", name="nightly", frequency="daily", retention_days=150
    )
    assert schedule.next_scheduled_run == SIMULATED_NOW + DAY
    server.project.advance(120 * DAY + timedelta(hours=1))
    history = list(pinecone.backup_schedules.iter_history(schedule_id=schedule.schedule_id))
    assert [it.status for it in history] == ["Initializing"] + ["Ready"] * 120
    assert history[1].name == f"nightly-{SIMULATED_NOW + 120 * DAY:%Y%m%dT%H%M%SZ}"
    assert len({it.backup_id for it in history}) == 121
    listed_backups = list(pinecone.indexes.list_backups("orders"))
    assert {it.backup_id for it in listed_backups} == {it.backup_id for it in history if it.status == "Ready"}


def test_a_schedule_is_changed_paused_resumed_and_deleted(pinecone: Pinecone, server: Server) -> None:
    """The SDK changes, pauses, resumes and deletes a schedule."""
    created_schedule = pinecone.backup_schedules.create(
        index_name="orders", name="nightly", frequency="daily", retention_days=9
    )
    updated_schedule = pinecone.backup_schedules.update(
        schedule_id=created_schedule.schedule_id, frequency="weekly", retention_days=30
    )
    assert (updated_schedule.frequency, updated_schedule.retention_expire_after_days) == ("weekly", 30)
    paused_schedule = pinecone.backup_schedules.update(schedule_id=created_schedule.schedule_id, enabled=False)
    assert (paused_schedule.enabled, paused_schedule.next_scheduled_run) == (False, None)
    server.project.advance(DAY)
    assert (
        pinecone.backup_schedules.update(schedule_id=created_schedule.schedule_id, enabled=True).next_scheduled_run
        == SIMULATED_NOW + 8 * DAY
    )
    assert [it.name for it in pinecone.backup_schedules.iter_schedules(index_name="orders")] == ["nightly"]
    pinecone.backup_schedules.delete(schedule_id=created_schedule.schedule_id)
    with pytest.raises(NotFoundError):
        pinecone.backup_schedules.delete(schedule_id=created_schedule.schedule_id)
    assert list(pinecone.backup_schedules.list(index_name="orders")) == []


def test_a_second_enabled_schedule_is_a_conflict(pinecone: Pinecone) -> None:
    """A second enabled schedule is a conflict, and a schedule next to a paused one is not."""
    first_schedule = pinecone.backup_schedules.create(
        index_name="orders", name="one", frequency="daily", retention_days=9
    )
    with pytest.raises(ConflictError):
        pinecone.backup_schedules.create(index_name="orders", name="two", frequency="daily", retention_days=9)
    pinecone.backup_schedules.update(schedule_id=first_schedule.schedule_id, enabled=False)
    pinecone.backup_schedules.create(index_name="orders", name="two", frequency="daily", retention_days=9)
    with pytest.raises(ConflictError):
        pinecone.backup_schedules.update(schedule_id=first_schedule.schedule_id, enabled=True)


def test_a_pod_index_has_no_backups(pinecone: Pinecone, server: Server) -> None:
    """A schedule of a pod index is refused with 400."""
    server.project.create_index("sessions", kind=IndexKind.POD, environment="us-east1-gcp")
    with pytest.raises(PineconeApiException) as error_info:
        pinecone.backup_schedules.create(index_name="sessions", name="n", frequency="daily", retention_days=9)
    assert error_info.value.status_code == 400


def test_a_refusal_by_the_plan_is_recognized_by_the_sdk() -> None:
    """The SDK recognizes the message of a refusal by the plan, even for a missing index."""
    project = SimulatedProject(SIMULATED_NOW, options=SimulatorOptions(plan="starter"))
    with (
        serve(project) as server,
        Pinecone(api_key=server.editor_key, host=server.url) as client,
        pytest.raises(ForbiddenError, match="Backups are a plan entitlement"),
    ):
        client.backup_schedules.create(index_name="nothing", name="n", frequency="daily", retention_days=9)


def test_keys_have_different_permissions(server: Server) -> None:
    """A key of the viewer key can only read, and and an unknown key has no permission."""
    with Pinecone(api_key=server.viewer_key, host=server.url) as viewer:
        assert [it.name for it in viewer.indexes.list()] == ["orders"]
        with pytest.raises(ForbiddenError, match="Access denied: Permission control::backup-schedules::create"):
            viewer.backup_schedules.create(index_name="orders", name="n", frequency="daily", retention_days=9)
    with Pinecone(api_key="some-other-key", host=server.url) as other_client, pytest.raises(UnauthorizedError):
        list(other_client.indexes.list())


def test_backups_outlast_their_index(pinecone: Pinecone, server: Server) -> None:
    """The backups of a deleted index are in the project's listing, and in the index's listing only on request."""
    created_backup = pinecone.backups.create(index_name="orders")
    server.project.advance(timedelta(minutes=11))
    pinecone.indexes.delete("orders")
    (listed_backup,) = pinecone.backups.list()
    assert listed_backup.source_index_deleted_at is not None
    with pytest.raises(NotFoundError):
        list(pinecone.indexes.list_backups("orders"))
    (deleted_backup,) = pinecone.backups.list(index_name="orders", include_deleted=True)
    assert deleted_backup.backup_id == created_backup.backup_id


def test_the_sdk_retries_a_temporary_fault(pinecone: Pinecone, server: Server) -> None:
    """The SDK retries a call with status 503."""
    server.faults.append(Fault(path="/indexes", status=503, times=1, headers={"Retry-After": "0"}))
    assert [it.name for it in pinecone.indexes.list()] == ["orders"]
    assert [it.status for it in server.requests] == [503, 200]
