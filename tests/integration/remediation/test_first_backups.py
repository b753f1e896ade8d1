"""Test that a first backup is taken once, because Pinecone does not refuse a second one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.model import Backup
from backup_auditor_simulator.web.faults import Fault
from support.builders.plans import build_remediation_policy
from support.simulator import RemediatedProject, build_empty_project, serve_remediated_project

pytestmark = pytest.mark.writes
EMPTY_LISTING_FAULT = Fault(
    kind="garbage", method="GET", path="*/backups", body=b'{"data": []}', content_type="application/json"
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[RemediatedProject]:
    """Serve one index without a schedule and without a backup."""
    simulated_project = build_empty_project()
    simulated_project.create_index("orders")
    with serve_remediated_project(
        simulated_project, tmp_path / "state", build_remediation_policy(first_backup=True)
    ) as remediated_project:
        yield remediated_project


def list_manual_backups(project: RemediatedProject) -> list[Backup]:
    """Return the backups that no schedule took."""
    return [it for it in project.simulated_project.backups.values() if it.schedule is None]


def count_backup_requests(project: RemediatedProject) -> int:
    """Return the number of requests for a backup."""
    return sum(it.path == "/indexes/orders/backups" for it in project.write_requests)


def test_an_accepted_backup_that_is_not_listed_yet_is_not_requested_again(project: RemediatedProject) -> None:
    """The next run skips the backup until it is listed, and then needs no action."""
    project.create_plan()
    project.server.faults.append(EMPTY_LISTING_FAULT)
    backup_result = project.execute_plan().results[-1]
    assert backup_result.state is ActionState.VERIFICATION_FAILED
    assert "is not listed" in backup_result.detail
    project.simulated_project.advance(timedelta(minutes=14))
    (second_result,) = project.run().results
    assert second_result.state is ActionState.SKIPPED
    assert "it may not be listed yet" in second_result.detail
    project.server.faults.clear()
    assert project.run().results == ()
    assert count_backup_requests(project) == len(list_manual_backups(project)) == 1


def test_a_backup_that_is_never_listed_is_requested_again_later(project: RemediatedProject) -> None:
    """A backup that is not listed after the waiting time is requested again."""
    project.create_plan()
    project.server.faults.append(EMPTY_LISTING_FAULT)
    project.execute_plan()
    project.simulated_project.advance(timedelta(minutes=14))
    for backup in list_manual_backups(project):
        project.simulated_project.delete_backup(backup.id)
    project.simulated_project.advance(timedelta(minutes=14))
    project.server.faults.clear()
    assert [it.state for it in project.run().results] == [ActionState.DONE]
    assert count_backup_requests(project) == 2


def test_a_failed_first_backup_is_not_repeated(project: RemediatedProject) -> None:
    """A failed first backup of any actor is not repeated, and its action is not successful."""
    plan = project.create_plan()
    backup = project.simulated_project.create_backup("orders", "auditor-first-20261119")
    project.simulated_project.fail_backup(backup)
    schedule, backup_result = project.execute_plan(plan).results
    assert (schedule.state, backup_result.state) == (ActionState.DONE, ActionState.SKIPPED)
    assert not backup_result.is_successful
    assert count_backup_requests(project) == 0
