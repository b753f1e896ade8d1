"""A first backup is taken once: nothing at Pinecone would refuse a second one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.model import Backup
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying

pytestmark = pytest.mark.writes
NOTHING_LISTED = Fault(
    kind="garbage", method="GET", path="*/backups", body=b'{"data": []}', content_type="application/json"
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Serve one index without a schedule and without a backup."""
    world = empty_world()
    world.create_index("orders")
    with remedying(world, tmp_path / "state", remedial(first_backup=True)) as found:
        yield found


def by_hand(project: Project) -> list[Backup]:
    """Return the backups that no schedule made."""
    return [it for it in project.world.backups.values() if it.schedule is None]


def backups_asked_for(project: Project) -> int:
    """Count the requests for a backup."""
    return sum(it.path == "/indexes/orders/backups" for it in project.writes)


def test_one_that_was_accepted_and_is_not_listed_yet_is_not_taken_again(project: Project) -> None:
    """Whoever comes next leaves it the time to show; what then shows is enough."""
    project.planned()
    project.server.faults.append(NOTHING_LISTED)
    taken = project.carried_out().results[-1]
    assert taken.state is ActionState.VERIFICATION_FAILED
    assert "is not listed" in taken.detail
    project.world.advance(timedelta(minutes=14))
    (again,) = project.run().results
    assert again.state is ActionState.SKIPPED
    assert "it may yet show" in again.detail
    project.server.faults.clear()
    assert project.run().results == ()
    assert backups_asked_for(project) == len(by_hand(project)) == 1


def test_one_that_never_shows_is_taken_again_after_a_while(project: Project) -> None:
    """By the next run that finds none."""
    project.planned()
    project.server.faults.append(NOTHING_LISTED)
    project.carried_out()
    project.world.advance(timedelta(minutes=14))
    for backup in by_hand(project):
        project.world.delete_backup(backup.id)
    project.world.advance(timedelta(minutes=14))
    project.server.faults.clear()
    assert [it.state for it in project.run().results] == [ActionState.DONE]
    assert backups_asked_for(project) == 2


def test_one_that_failed_since_is_not_taken_again_and_is_no_success(project: Project) -> None:
    """There is no recovery point, whoever took the backup that failed."""
    plan = project.planned()
    backup = project.world.create_backup("orders", "auditor-first-20261119")
    project.world.fail_backup(backup)
    schedule, taken = project.carried_out(plan).results
    assert (schedule.state, taken.state) == (ActionState.DONE, ActionState.SKIPPED)
    assert not taken.is_successful
    assert backups_asked_for(project) == 0
