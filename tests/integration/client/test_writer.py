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
from support.simulator import FAMILIES, empty_world, posts, writing

pytestmark = pytest.mark.writes
WEEK = timedelta(days=7)
LOST = [
    pytest.param(Fault(kind="reset_after_effect", method="POST", times=1), id="reset"),
    pytest.param(Fault(kind="truncate", method="POST", times=1), id="half-an-answer"),
]


@pytest.fixture
def world() -> SimulatedProject:
    """Begin with one index."""
    world = empty_world()
    world.create_index("orders")
    return world


@pytest.mark.parametrize("version, schedules_version", FAMILIES)
def test_a_schedule_lives_and_dies(world: SimulatedProject, version: str, schedules_version: str) -> None:
    """Created, read, paused, changed, deleted, and deleted once more."""
    with writing(world, api_version=version, schedules_api_version=schedules_version) as (writer, _):
        made = writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
        assert (made.name, made.frequency, made.retention, made.enabled) == ("nightly", "daily", WEEK, True)
        assert writer.schedules.describe(made.schedule_id) == made
        assert writer.schedules.update(made.schedule_id, enabled=False).enabled is False
        changed = writer.schedules.update(made.schedule_id, frequency=Frequency.WEEKLY, retention=5 * WEEK)
        assert (changed.frequency, changed.retention, changed.enabled) == ("weekly", 5 * WEEK, False)
        writer.schedules.delete(made.schedule_id)
        writer.schedules.delete(made.schedule_id)
        with pytest.raises(NotFoundError):
            writer.schedules.describe(made.schedule_id)


@pytest.mark.parametrize("version, schedules_version", FAMILIES)
def test_a_backup_lives_is_restored_and_dies(world: SimulatedProject, version: str, schedules_version: str) -> None:
    """Created, read, restored into another index once it is ready, and deleted."""
    with writing(world, api_version=version, schedules_api_version=schedules_version) as (writer, _):
        made = writer.backups.create("orders", "before-the-change", "by hand")
        assert (made.name, made.index_name, made.status) == ("before-the-change", "orders", "Initializing")
        with pytest.raises(ConflictError):
            writer.backups.restore(made.backup_id, "orders-again")
        world.advance(timedelta(hours=1))
        assert writer.backups.describe(made.backup_id).status == "Ready"
        begun = writer.backups.restore(made.backup_id, "orders-again", tags={"a": "b"}, deletion_protection=True)
        job = writer.backups.read_restore_job(begun.restore_job_id)
        assert (job.backup_id, job.index_name, job.index_id) == (made.backup_id, "orders-again", begun.index_id)
        assert writer.backups.read_restore_jobs().rows == (job,)
        with pytest.raises(ConflictError):
            writer.backups.delete(made.backup_id)
        world.advance(timedelta(hours=1))
        writer.backups.delete(made.backup_id)
        world.advance(timedelta(hours=1))
        writer.backups.delete(made.backup_id)
        with pytest.raises(NotFoundError):
            writer.backups.describe(made.backup_id)


@pytest.mark.parametrize("fault", LOST)
def test_a_schedule_whose_answer_was_lost_is_found(world: SimulatedProject, fault: Fault) -> None:
    """One was made, one is there, and one request was sent."""
    fault.applied_count = fault.matched_count = 0
    with writing(world) as (writer, server):
        server.faults.append(fault)
        made = writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
    assert fault.applied_count == posts(server) == 1
    assert [made.schedule_id] == list(world.schedules)


@pytest.mark.parametrize("name", ["by-hand", None], ids=["named", "unnamed"])
@pytest.mark.parametrize("fault", LOST)
def test_a_backup_whose_answer_was_lost_is_found(world: SimulatedProject, fault: Fault, name: str | None) -> None:
    """It is told from the one of the same name that was there before."""
    fault.applied_count = fault.matched_count = 0
    before = world.create_backup("orders", name)
    with writing(world) as (writer, server):
        server.faults.append(fault)
        made = writer.backups.create("orders", name)
    assert fault.applied_count == posts(server) == 1
    assert {before.id, made.backup_id} == set(world.backups)
    assert made.backup_id != before.id


def test_a_restore_whose_answer_was_lost_is_found(world: SimulatedProject) -> None:
    """Its job is listed."""
    backup = world.create_backup("orders")
    world.advance(timedelta(hours=1))
    with writing(world) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        begun = writer.backups.restore(backup.id, "orders-again")
    assert posts(server) == 1
    assert [begun.restore_job_id] == list(world.restore_jobs)
    assert begun.index_id == world.indexes["orders-again"].id


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524])
def test_what_reading_does_not_settle_stays_unknown_and_is_not_sent_again(world: SimulatedProject, status: int) -> None:
    """A creation that shows nowhere may still be under way."""
    with writing(world) as (writer, server):
        server.faults.append(Fault(status=status, method="POST"))
        with pytest.raises(OutcomeUnknownError, match=f"^{status}: .*look before repeating"):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
    assert posts(server) == 1


def test_an_unknown_outcome_survives_that_looking_fails_too(world: SimulatedProject) -> None:
    """A service that died between the two leaves the outcome unknown."""
    with writing(world) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        server.faults.append(Fault(status=503, method="GET", after=1))
        with pytest.raises(OutcomeUnknownError):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)


def test_two_that_could_be_it_settle_nothing(world: SimulatedProject) -> None:
    """Somebody else made one of the same name meanwhile."""

    def change(world: SimulatedProject) -> None:
        world.create_backup("orders", "by-hand")

    with writing(world) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST", times=1))
        server.faults.append(Fault(kind="shift", method="GET", after=1, times=1, change=change))
        with pytest.raises(OutcomeUnknownError):
            writer.backups.create("orders", "by-hand")


def test_nothing_is_created_that_could_not_be_settled(world: SimulatedProject) -> None:
    """Where it cannot be read what is there, nothing is sent."""
    with writing(world) as (writer, server):
        server.faults.append(Fault(status=503, method="GET"))
        with pytest.raises(UnavailableError, match="not sent"):
            writer.backups.create("orders")
    assert posts(server) == 0


@pytest.mark.parametrize("kind", ["reset", "reset_after_effect"])
def test_a_lost_deletion_is_sent_again(world: SimulatedProject, kind: str) -> None:
    """Whoever is deleted twice is deleted."""
    schedule = world.create_schedule("orders", "nightly")
    with writing(world) as (writer, server):
        server.faults.append(Fault(kind=kind, method="DELETE", times=1))
        writer.schedules.delete(schedule.id)
    assert world.schedules == {}


def test_a_lost_change_is_looked_at(world: SimulatedProject) -> None:
    """It stands if the schedule reads as was asked for."""
    schedule = world.create_schedule("orders", "nightly")
    with writing(world) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="PATCH", times=1))
        assert writer.schedules.update(schedule.id, enabled=False).enabled is False
        server.faults[:] = [Fault(kind="reset", method="PATCH", times=1)]
        with pytest.raises(OutcomeUnknownError):
            writer.schedules.update(schedule.id, enabled=True)


def test_refusals_of_a_creation_are_told_apart(world: SimulatedProject) -> None:
    """Each has a type of its own, and none is sent twice."""
    world.create_index("pods", kind=IndexKind.POD)
    world.create_schedule("orders", "nightly")
    cases: list[tuple[str, type[PineconeError]]] = [
        ("orders", ConflictError),
        ("nowhere", NotFoundError),
        ("pods", UnsupportedError),
    ]
    with writing(world) as (writer, server):
        for index, error in cases:
            with pytest.raises(error):
                writer.schedules.create(index, "second", Frequency.DAILY, WEEK)
    assert posts(server) <= len(cases)


@pytest.mark.parametrize(
    "fault, error",
    [
        pytest.param(Fault(kind="refuse_plan", method="POST"), OrganizationPlanError, id="plan"),
        pytest.param(Fault(status=429, method="POST", message="Quota exceeded."), QuotaError, id="quota-as-429"),
    ],
)
def test_a_refused_creation_has_no_effect_to_look_for(
    world: SimulatedProject, fault: Fault, error: type[PineconeError]
) -> None:
    """It ends with the answer."""
    with writing(world) as (writer, server):
        server.faults.append(fault)
        with pytest.raises(error):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
    assert len(server.requests) == 2


def test_a_throttled_creation_did_nothing_and_is_sent_again(world: SimulatedProject) -> None:
    """Until it is let through, or asked for too often."""
    with writing(world) as (writer, server):
        server.faults.append(Fault(status=429, method="POST", times=3))
        writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
        assert posts(server) == 4
        server.faults[:] = [Fault(status=429, method="POST")]
        with pytest.raises(ThrottledError):
            writer.backups.create("orders")
    assert (len(world.schedules), posts(server)) == (1, 12)


def test_a_full_project_says_so(world: SimulatedProject) -> None:
    """The quota is told from the key's permission."""
    world.options.backup_quota = 0
    with writing(world) as (writer, _), pytest.raises(QuotaError):
        writer.backups.create("orders")


def test_a_viewer_may_not_write(world: SimulatedProject) -> None:
    """The key that audits cannot change anything."""
    with writing(world, key=Server.viewer_key) as (writer, _):
        with pytest.raises(ForbiddenError):
            writer.schedules.create("orders", "nightly", Frequency.DAILY, WEEK)
        with pytest.raises(ForbiddenError):
            writer.backups.create("orders")
    assert (world.schedules, world.backups) == ({}, {})
