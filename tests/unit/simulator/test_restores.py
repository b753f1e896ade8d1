"""The rules of restores, restore jobs and the deletion of restored indexes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.model import ApiError, Backup, RestoreJob
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def project() -> SimulatedProject:
    """Hold a project with two indexes, and a backup of each."""
    simulated_project = SimulatedProject(START)
    for name in ("orders", "invoices"):
        simulated_project.create_index(name, records=500, namespaces=2, tags={"env": "prod"})
        simulated_project.create_backup(name)
    simulated_project.advance(timedelta(hours=1))
    return simulated_project


def _find_backup(project: SimulatedProject, source: str = "orders") -> Backup:
    return next(it for it in project.backups.values() if it.index.name == source)


def _restore(project: SimulatedProject, name: str = "copy", source: str = "orders") -> RestoreJob:
    return project.create_index_from_backup(_find_backup(project, source).id, name)


def _find_states(project: SimulatedProject, job: RestoreJob) -> tuple[str, str]:
    return job.index.find_state(project.now), job.status


def test_an_index_and_its_restore_job_end_at_the_same_time(project: SimulatedProject) -> None:
    """One second before the end of a restore both are in progress, and then both are done."""
    job = _restore(project)
    project.advance(10 * MINUTE - timedelta(seconds=1))
    assert _find_states(project, job) == ("Initializing", "Pending")
    project.advance(timedelta(seconds=1))
    assert _find_states(project, job) == ("Ready", "Completed")


@pytest.mark.parametrize(
    "job_minutes,states",
    [
        pytest.param(0, [("Initializing", "Completed"), ("Ready", "Completed")], id="job-first"),
        pytest.param(11, [("Initializing", "Pending"), ("Ready", "Pending")], id="index-first"),
    ],
)
def test_an_index_and_its_restore_job_can_end_at_different_times(
    project: SimulatedProject, job_minutes: int, states: list[tuple[str, str]]
) -> None:
    """A ready index does not imply a complete job, nor the reverse."""
    project.options.restore_job_duration = job_minutes * MINUTE
    job = _restore(project)
    found_states = [_find_states(project, job)]
    project.advance(10 * MINUTE)
    assert [*found_states, _find_states(project, job)] == states


def test_a_restore_can_fail(project: SimulatedProject) -> None:
    """The job of a failed restore has an end, and the index is not ready and has no host."""
    project.damages.append(Damage(kind="failed_restore"))
    job = _restore(project)
    assert _find_states(project, job) == ("Initializing", "Pending")
    project.advance(10 * MINUTE)
    assert _find_states(project, job) == ("InitializationFailed", "Failed")
    assert job.completed_at == project.now
    assert not job.index.has_host(project.now)


def test_a_restore_can_be_stuck_and_deleted(project: SimulatedProject) -> None:
    """A stuck restore does not end, and its index can be deleted."""
    project.damages.append(Damage(kind="stuck_restore"))
    job = _restore(project)
    project.advance(timedelta(days=30))
    assert _find_states(project, job) == ("Initializing", "Pending")
    project.delete_index("copy")
    assert "copy" not in project.indexes


def test_damage_is_planted_in_the_selected_restores(project: SimulatedProject) -> None:
    """A damage selects restores by the name of the source and by their number, and no other index has it."""
    damage = Damage(kind="missing_namespace", source="ord*", times=2)
    project.damages.append(damage)
    jobs = [_restore(project, f"copy-{number}", source) for number, source in enumerate(("invoices", *["orders"] * 3))]
    assert [it.index.damages for it in jobs] == [(), (damage,), (damage,), ()]
    assert project.get_index("orders").damages == ()


@pytest.mark.parametrize(
    "members",
    [{"kind": "nothing"}, {"kind": "nan_values", "every": 0}, {"kind": "missing_records", "count": 0}],
    ids=["unknown-kind", "no-interval", "no-records"],
)
def test_an_invalid_damage_is_refused(members: dict[str, Any]) -> None:
    """An unknown kind and a number that is not positive are errors."""
    with pytest.raises(ValueError, match=r"nothing|at least 1"):
        Damage(**members)


def test_tags_are_copied_unless_others_are_given(project: SimulatedProject) -> None:
    """A restored index inherits the tags of the backup, unless the call has tags, even none."""
    backup_id = _find_backup(project).id
    for name, tags, expected_tags in (
        ("inherits", None, {"env": "prod"}),
        ("own", {"drill": "7"}, {"drill": "7"}),
        ("none", {}, {}),
    ):
        assert project.create_index_from_backup(backup_id, name, tags=tags).index.tags == expected_tags


def test_protection_and_schedules_are_not_inherited(project: SimulatedProject) -> None:
    """A restored index has neither the deletion protection nor the schedules of its source."""
    project.configure_index("orders", deletion_protection=True)
    project.create_schedule("orders", "nightly")
    index = _restore(project).index
    assert (index.deletion_protection, index.schedules) == (False, {})


@pytest.mark.parametrize("quota,is_refused", [(3, False), (2, True)], ids=["one-slot-left", "full"])
def test_a_restore_needs_a_free_index_slot(project: SimulatedProject, quota: int, *, is_refused: bool) -> None:
    """A restore into a full project is refused with 403, and no index is created."""
    project.options.index_quota = quota
    if is_refused:
        with pytest.raises(ApiError) as error_info:
            _restore(project)
        assert (error_info.value.status, error_info.value.code) == (403, "FORBIDDEN")
    else:
        _restore(project)
    assert ("copy" in project.indexes) is not is_refused


def test_a_job_is_not_found_after_the_deletion_of_its_index() -> None:
    """The restore job exists while the index is being deleted, and is not found once the index is gone."""
    project = SimulatedProject(START, options=SimulatorOptions(index_deletion_duration=MINUTE))
    project.create_index("orders")
    project.create_backup("orders")
    project.advance(timedelta(hours=1))
    job, other_job = _restore(project), _restore(project, "other-copy")
    project.advance(10 * MINUTE)
    project.delete_index("copy")
    assert _find_states(project, job) == ("Terminating", "Completed")
    assert project.get_restore_job(job.id) is job
    project.advance(MINUTE)
    with pytest.raises(ApiError, match="not found"):
        project.get_restore_job(job.id)
    assert project.restore_jobs == {other_job.id: other_job}
    project.delete_backup(_find_backup(project).id)


def test_an_index_can_be_removed_while_it_is_being_deleted(project: SimulatedProject) -> None:
    """The later end of a deletion does not affect another index of the name."""
    project.options.index_deletion_duration = MINUTE
    job = _restore(project)
    project.create_schedule("copy", "nightly")
    project.remove_index(job.index)
    assert project.schedules == {}
    other_job = _restore(project)
    project.delete_index("copy")
    project.remove_index(other_job.index)
    index = project.create_index("copy")
    project.advance(MINUTE)
    assert project.get_index("copy") is index


def test_a_restored_index_is_found_by_its_own_host_only(project: SimulatedProject) -> None:
    """An index of the same name has another host."""
    job = _restore(project)
    assert project.find_index_by_label(job.index.host_label) is job.index
    project.remove_index(job.index)
    other_index = _restore(project).index
    assert project.find_index_by_label(job.index.host_label) is None
    assert project.find_index_by_label(other_index.host_label) is other_index
