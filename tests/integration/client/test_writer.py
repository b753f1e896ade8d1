"""Changes: each is sent once, and a lost answer is settled by looking."""

from datetime import timedelta

import pytest

from backup_auditor.domain.model import Frequency
from backup_auditor.errors import (
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
from support.simulator import VERSION_PAIRS, build_empty_project, count_posts, open_simulated_writer

pytestmark = pytest.mark.writes
WEEK = timedelta(days=7)
LOST_RESPONSE_FAULTS = [
    pytest.param(Fault(kind="reset_after_effect", method="POST", times=1), id="reset"),
    pytest.param(Fault(kind="truncate", method="POST", times=1), id="half-an-answer"),
]


@pytest.fixture
def project() -> SimulatedProject:
    """Begin with one index."""
    project = build_empty_project()
    project.create_index("orders")
    return project


@pytest.mark.parametrize("version, schedules_version", VERSION_PAIRS)
def test_a_schedule_lives_and_dies(project: SimulatedProject, version: str, schedules_version: str) -> None:
    """Created, read, paused, changed, deleted, and deleted once more."""
    with open_simulated_writer(project, api_version=version, schedules_api_version=schedules_version) as (writer, _):
        created_schedule = writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
        assert (
            created_schedule.name,
            created_schedule.frequency,
            created_schedule.retention,
            created_schedule.enabled,
        ) == ("nightly", "daily", WEEK, True)
        assert writer.schedules.describe(created_schedule.schedule_id) == created_schedule
        assert writer.schedules.update(created_schedule.schedule_id, enabled=False).enabled is False
        updated_schedule = writer.schedules.update(
            created_schedule.schedule_id, frequency=Frequency.WEEKLY, retention=5 * WEEK
        )
        assert (updated_schedule.frequency, updated_schedule.retention, updated_schedule.enabled) == (
            "weekly",
            5 * WEEK,
            False,
        )
        writer.schedules.delete(created_schedule.schedule_id)
        writer.schedules.delete(created_schedule.schedule_id)
        with pytest.raises(NotFoundError):
            writer.schedules.describe(created_schedule.schedule_id)


@pytest.mark.parametrize("version, schedules_version", VERSION_PAIRS)
def test_a_backup_lives_is_restored_and_dies(project: SimulatedProject, version: str, schedules_version: str) -> None:
    """Created, read, restored into another index once it is ready, and deleted."""
    with open_simulated_writer(project, api_version=version, schedules_api_version=schedules_version) as (writer, _):
        created_backup = writer.backups.create("orders", "before-the-change", "by hand")
        assert (created_backup.name, created_backup.index_name, created_backup.status) == (
            "before-the-change",
            "orders",
            "Initializing",
        )
        with pytest.raises(ConflictError):
            writer.backups.restore(created_backup.backup_id, "orders-again")
        project.advance(timedelta(hours=1))
        assert writer.backups.describe(created_backup.backup_id).status == "Ready"
        started_restore = writer.backups.restore(
            created_backup.backup_id, "orders-again", tags={"a": "b"}, deletion_protection=True
        )
        job = writer.backups.read_restore_job(started_restore.restore_job_id)
        assert (job.backup_id, job.index_name, job.index_id) == (
            created_backup.backup_id,
            "orders-again",
            started_restore.index_id,
        )
        assert writer.backups.read_restore_jobs().rows == (job,)
        with pytest.raises(ConflictError):
            writer.backups.delete(created_backup.backup_id)
        project.advance(timedelta(hours=1))
        writer.backups.delete(created_backup.backup_id)
        project.advance(timedelta(hours=1))
        writer.backups.delete(created_backup.backup_id)
        with pytest.raises(NotFoundError):
            writer.backups.describe(created_backup.backup_id)


@pytest.mark.parametrize("fault", LOST_RESPONSE_FAULTS)
def test_a_schedule_whose_answer_was_lost_is_found(project: SimulatedProject, fault: Fault) -> None:
    """One was made, one is there, and one request was sent."""
    fault.applied_count = fault.matched_count = 0
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(fault)
        created_schedule = writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
    assert fault.applied_count == count_posts(server) == 1
    assert [created_schedule.schedule_id] == list(project.schedules)


@pytest.mark.parametrize("name", ["by-hand", None], ids=["named", "unnamed"])
@pytest.mark.parametrize("fault", LOST_RESPONSE_FAULTS)
def test_a_backup_whose_answer_was_lost_is_found(project: SimulatedProject, fault: Fault, name: str | None) -> None:
    """It is told from the one of the same name that was there before."""
    fault.applied_count = fault.matched_count = 0
    previous_backup = project.create_backup("orders", name)
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(fault)
        created_backup = writer.backups.create("orders", name)
    assert fault.applied_count == count_posts(server) == 1
    assert {previous_backup.id, created_backup.backup_id} == set(project.backups)
    assert created_backup.backup_id != previous_backup.id


def test_a_restore_whose_answer_was_lost_is_found(project: SimulatedProject) -> None:
    """Its job is listed."""
    backup = project.create_backup("orders")
    project.advance(timedelta(hours=1))
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        started_restore = writer.backups.restore(backup.id, "orders-again")
    assert count_posts(server) == 1
    assert [started_restore.restore_job_id] == list(project.restore_jobs)
    assert started_restore.index_id == project.indexes["orders-again"].id


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524])
def test_what_reading_does_not_settle_stays_unknown_and_is_not_sent_again(
    project: SimulatedProject, status: int
) -> None:
    """A creation that shows nowhere may still be under way."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(status=status, method="POST"))
        with pytest.raises(OutcomeUnknownError, match=f"^{status}: .*look before repeating"):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
    assert count_posts(server) == 1


def test_an_unknown_outcome_survives_that_looking_fails_too(project: SimulatedProject) -> None:
    """A service that died between the two leaves the outcome unknown."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        server.faults.append(Fault(status=503, method="GET", after=1))
        with pytest.raises(OutcomeUnknownError):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)


def test_two_that_could_be_it_settle_nothing(project: SimulatedProject) -> None:
    """Somebody else made one of the same name meanwhile."""

    def change(project: SimulatedProject) -> None:
        project.create_backup("orders", "by-hand")

    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        server.faults.append(Fault(kind="shift", method="GET", after=1, times=1, change=change))
        with pytest.raises(OutcomeUnknownError):
            writer.backups.create("orders", "by-hand")


def test_nothing_is_created_that_could_not_be_settled(project: SimulatedProject) -> None:
    """Where it cannot be read what is there, nothing is sent."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(status=503, method="GET"))
        with pytest.raises(UnavailableError, match="not sent"):
            writer.backups.create("orders")
    assert count_posts(server) == 0


@pytest.mark.parametrize("kind", ["reset", "reset_after_effect"])
def test_a_lost_deletion_is_sent_again(project: SimulatedProject, kind: str) -> None:
    """Whoever is deleted twice is deleted."""
    schedule = project.create_schedule("orders", "nightly")
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind=kind, method="DELETE", times=1))
        writer.schedules.delete(schedule.id)
    assert project.schedules == {}


def test_a_lost_change_is_looked_at(project: SimulatedProject) -> None:
    """It stands if the schedule reads as was asked for."""
    schedule = project.create_schedule("orders", "nightly")
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="PATCH", times=1))
        assert writer.schedules.update(schedule.id, enabled=False).enabled is False
        server.faults[:] = [Fault(kind="reset", method="PATCH", times=1)]
        with pytest.raises(OutcomeUnknownError):
            writer.schedules.update(schedule.id, enabled=True)


def test_refusals_of_a_creation_are_distinguished(project: SimulatedProject) -> None:
    """Each has a type of its own, and none is sent twice."""
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
                writer.schedules.create(index, "second", Frequency.DAILY, WEEK)
    assert count_posts(server) <= len(cases)


@pytest.mark.parametrize(
    "fault, error",
    [
        pytest.param(Fault(kind="refuse_plan", method="POST"), OrganizationPlanError, id="plan"),
        pytest.param(Fault(status=429, method="POST", message="Quota exceeded."), QuotaError, id="quota-as-429"),
    ],
)
def test_a_refused_creation_has_no_effect_to_look_for(
    project: SimulatedProject, fault: Fault, error: type[PineconeError]
) -> None:
    """It ends with the answer."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(fault)
        with pytest.raises(error):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
    assert len(server.requests) == 2


def test_a_throttled_creation_did_nothing_and_is_sent_again(project: SimulatedProject) -> None:
    """Until it is let through, or asked for too often."""
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(status=429, method="POST", times=3))
        writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
        assert count_posts(server) == 4
        server.faults[:] = [Fault(status=429, method="POST")]
        with pytest.raises(ThrottledError):
            writer.backups.create("orders")
    assert (len(project.schedules), count_posts(server)) == (1, 12)


def test_a_full_project_says_so(project: SimulatedProject) -> None:
    """The quota is told from the key's permission."""
    project.options.backup_quota = 0
    with open_simulated_writer(project) as (writer, _), pytest.raises(QuotaError):
        writer.backups.create("orders")


def test_a_viewer_may_not_write(project: SimulatedProject) -> None:
    """The key that audits cannot change anything."""
    with open_simulated_writer(project, key=Server.viewer_key) as (writer, _):
        with pytest.raises(ForbiddenError):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
        with pytest.raises(ForbiddenError):
            writer.backups.create("orders")
    assert (project.schedules, project.backups) == ({}, {})
