"""Test that the writer sends each call once, and settles a lost response by reading."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.writer import open_writer
from backup_auditor.domain.model import Backup, Frequency, Schedule, ScheduleSettings
from backup_auditor.domain.remediation.plan import CreateBackup, CreateSchedule, UpdateSchedule
from backup_auditor.errors import (
    BadKeyError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    OrganizationPlanError,
    OutcomeUnknownError,
    PineconeError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.simulator import (
    VERSION_PAIRS,
    RecordingClock,
    build_empty_project,
    count_posts,
    make_connection,
    open_simulated_writer,
    serve,
)

pytestmark = pytest.mark.writes
WEEK = timedelta(days=7)
LOST_RESPONSE_FAULTS = [
    pytest.param(Fault(kind="reset_after_effect", method="POST", times=1), id="reset"),
    pytest.param(Fault(kind="truncate", method="POST", times=1), id="truncated"),
]
CREATE_BACKUP = CreateBackup("orders", "by-hand", "The index has no recovery point.")


def create_schedule(index: str = "orders", name: str = "nightly") -> CreateSchedule:
    """Return an action that creates a daily schedule."""
    return CreateSchedule(index, name, Frequency.DAILY, WEEK, 8, "The index has no schedule.")


def update_schedule(schedule_id: str, changes: ScheduleSettings) -> UpdateSchedule:
    """Return an action that changes a schedule."""
    return UpdateSchedule("orders", schedule_id, "nightly", changes, ScheduleSettings(), 0, "It violates the policy.")


@pytest.fixture
def project() -> SimulatedProject:
    """Build a project with one index."""
    project = build_empty_project()
    project.create_index("orders")
    return project


@pytest.mark.parametrize("version, schedules_version", VERSION_PAIRS)
def test_each_action_returns_its_resource(project: SimulatedProject, version: str, schedules_version: str) -> None:
    """The creation and the change of a schedule and the creation of a backup return the resource after one call."""
    changes = ScheduleSettings(enabled=False, frequency=Frequency.WEEKLY, retention=5 * WEEK)
    with open_simulated_writer(project, api_version=version, schedules_api_version=schedules_version) as (
        writer,
        server,
    ):
        created = writer.send(create_schedule(), ())
        assert isinstance(created, Schedule)
        assert (created.name, created.frequency, created.retention, created.enabled) == ("nightly", "daily", WEEK, True)
        changed = writer.send(update_schedule(created.schedule_id, changes), ())
        assert isinstance(changed, Schedule)
        assert (changed.frequency, changed.retention, changed.enabled) == ("weekly", 5 * WEEK, False)
        backup = writer.send(CREATE_BACKUP, ())
        assert isinstance(backup, Backup)
        assert (backup.name, backup.index_name, backup.status) == ("by-hand", "orders", "Initializing")
        assert [it.method for it in server.requests] == ["POST", "PATCH", "POST"]


@pytest.mark.parametrize("fault", LOST_RESPONSE_FAULTS)
def test_a_schedule_whose_response_was_lost_is_found_by_reading(project: SimulatedProject, fault: Fault) -> None:
    """A creation whose response was lost returns the new schedule and is not repeated."""
    fault.applied_count = fault.matched_count = 0
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(fault)
        created = writer.send(create_schedule(), ())
        assert [it.method for it in server.requests] == ["POST", "GET"]
    assert isinstance(created, Schedule)
    assert [created.schedule_id] == list(project.schedules)


@pytest.mark.parametrize("fault", LOST_RESPONSE_FAULTS)
def test_a_backup_whose_response_was_lost_is_found_by_reading(project: SimulatedProject, fault: Fault) -> None:
    """A creation whose response was lost returns the new backup, not an older one with the same name."""
    fault.applied_count = fault.matched_count = 0
    existing = project.create_backup("orders", "by-hand")
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(fault)
        created = writer.send(CREATE_BACKUP, {existing.id})
        assert [it.method for it in server.requests] == ["POST", "GET"]
    assert isinstance(created, Backup)
    assert {existing.id, created.backup_id} == set(project.backups)
    assert created.backup_id != existing.id


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524])
def test_an_outcome_that_reading_does_not_settle_is_unknown(project: SimulatedProject, status: int) -> None:
    """A creation with an unknown outcome is not repeated, because the resource may still be created."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(status=status, method="POST"))
        with pytest.raises(OutcomeUnknownError, match=f"^{status}: .*check index orders before a retry"):
            writer.send(create_schedule(), ())
    assert count_posts(server) == 1


def test_an_outcome_is_unknown_if_reading_fails(project: SimulatedProject) -> None:
    """An outcome is unknown if the service stops after the write."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        server.faults.append(Fault(status=503, method="GET"))
        with pytest.raises(OutcomeUnknownError):
            writer.send(create_schedule(), ())


def test_an_outcome_is_unknown_if_two_resources_match(project: SimulatedProject) -> None:
    """An outcome is unknown if another actor creates a backup with the same name at the same time."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        project.create_backup("orders", "by-hand")
        with pytest.raises(OutcomeUnknownError):
            writer.send(CREATE_BACKUP, ())


def test_a_change_whose_response_was_lost_is_settled_by_reading(project: SimulatedProject) -> None:
    """A change took effect if the schedule has the new settings; otherwise its outcome is unknown."""
    schedule = project.create_schedule("orders", "nightly")
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="PATCH", times=1))
        changed = writer.send(update_schedule(schedule.id, ScheduleSettings(enabled=False)), ())
        assert isinstance(changed, Schedule)
        assert changed.enabled is False
        server.faults[:] = [Fault(kind="reset", method="PATCH", times=1)]
        with pytest.raises(OutcomeUnknownError):
            writer.send(update_schedule(schedule.id, ScheduleSettings(enabled=True)), ())


def test_each_refusal_of_a_creation_has_its_own_error(project: SimulatedProject) -> None:
    """Each refusal of a creation raises its own error, and the call is not repeated."""
    project.create_index("pods", kind=IndexKind.POD)
    project.create_schedule("orders", "nightly")
    cases: list[tuple[str, type[PineconeError]]] = [
        ("orders", ConflictError),
        ("nowhere", NotFoundError),
        ("pods", UnsupportedError),
    ]
    with open_simulated_writer(project) as (writer, server):
        for index, error in cases:
            with pytest.raises(error):
                writer.send(create_schedule(index, "second"), ())
    assert count_posts(server) == len(cases)


@pytest.mark.parametrize(
    "fault, error",
    [
        pytest.param(Fault(kind="refuse_plan", method="POST"), OrganizationPlanError, id="plan"),
        pytest.param(Fault(status=429, method="POST", message="Quota exceeded."), QuotaError, id="quota-as-429"),
    ],
)
def test_a_refused_creation_is_neither_repeated_nor_read(
    project: SimulatedProject, fault: Fault, error: type[PineconeError]
) -> None:
    """A refused creation is settled without another call."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(fault)
        with pytest.raises(error):
            writer.send(create_schedule(), ())
    assert len(server.requests) == 1


def test_a_throttled_creation_is_repeated_a_limited_number_of_times(project: SimulatedProject) -> None:
    """A throttled creation is retried, because it had no effect."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(status=429, method="POST", times=3))
        writer.send(create_schedule(), ())
        assert count_posts(server) == 4
        server.faults[:] = [Fault(status=429, method="POST")]
        with pytest.raises(ThrottledError):
            writer.send(CREATE_BACKUP, ())
    assert (len(project.schedules), count_posts(server)) == (1, 12)


def test_a_full_quota_has_its_own_error(project: SimulatedProject) -> None:
    """The error of a full quota differs from that of a key without write access."""
    project.options.backup_quota = 0
    with open_simulated_writer(project) as (writer, _), pytest.raises(QuotaError):
        writer.send(CREATE_BACKUP, ())


@pytest.mark.parametrize("action", [create_schedule(), CREATE_BACKUP], ids=["schedule", "backup"])
def test_a_viewer_key_cannot_write(project: SimulatedProject, action: CreateSchedule | CreateBackup) -> None:
    """Pinecone refuses the writes of a viewer key."""
    with open_simulated_writer(project, key=Server.viewer_key) as (writer, _), pytest.raises(ForbiddenError):
        writer.send(action, ())
    assert (project.schedules, project.backups) == ({}, {})


def test_an_incomplete_read_is_an_error(project: SimulatedProject) -> None:
    """A refused key, a missing index and an incomplete listing have different errors."""
    cases: list[tuple[Fault, type[PineconeError]]] = [
        (Fault(status=401), BadKeyError),
        (Fault(status=403), ForbiddenError),
        (Fault(status=404), NotFoundError),
        (Fault(status=503), UnavailableError),
        (Fault(kind="garbage", body=b'{"data": [{}]}'), UnavailableError),
    ]
    with open_simulated_writer(project) as (writer, server):
        assert writer.read_index("orders").state == "Ready"
        for fault, error in cases:
            server.faults[:] = [fault]
            for read in (writer.read_schedules, writer.read_backups):
                with pytest.raises(error):
                    read("orders")


def test_a_list_of_the_indexes_is_used_for_one_second(project: SimulatedProject) -> None:
    """The list of indexes is read again after one second, and a missing index or an incomplete list is an error."""
    with serve(project) as server:
        clock = RecordingClock()
        with open_writer(make_connection(server, key=server.editor_key), clock.build_runtime()) as writer:
            assert [writer.read_index("orders").name for _ in range(3)] == ["orders"] * 3
            assert len(server.requests) == 1
            project.delete_index("orders")
            clock.sleep(1.1)
            with pytest.raises(NotFoundError):
                writer.read_index("orders")
            clock.sleep(1.1)
            server.faults.append(Fault(kind="garbage", body=b'{"indexes": [{}]}'))
            with pytest.raises(UnavailableError, match="GET /indexes: 1 of 1 rows"):
                writer.read_index("orders")


def test_threads_that_wait_for_a_slow_list_of_the_indexes_share_it(project: SimulatedProject) -> None:
    """Concurrent readers of an index share one call that lists the indexes."""
    with serve(project) as server:
        connection = make_connection(server, key=server.editor_key)
        server.faults.append(Fault(kind="delay", path="/indexes", seconds=1.3))
        with open_writer(connection) as writer, ThreadPoolExecutor(4) as pool:
            assert [it.name for it in pool.map(writer.read_index, ["orders"] * 4)] == ["orders"] * 4
    assert len(server.requests) == 1
