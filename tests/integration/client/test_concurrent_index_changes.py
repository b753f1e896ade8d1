"""Test changes during an audit: rows that shift, and indexes and schedules that are deleted."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import ReadFailure
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from support.simulator import (
    SIMULATED_NOW,
    add_healthy_index,
    audit_server,
    build_empty_project,
    collect_inventory,
    count_calls,
    open_simulated_reader,
    serve,
)

HISTORY_PATH = "/backup-schedules/*/history"
SCHEDULES_PATH = "/indexes/*/backup-schedules"


def make_deletion(index: str) -> Callable[[SimulatedProject], None]:
    """Return a change that deletes an index."""
    return lambda project: project.delete_index(index)


@pytest.mark.parametrize("path", [SCHEDULES_PATH, HISTORY_PATH], ids=["before-its-schedules", "before-a-history"])
def test_an_index_deleted_during_the_audit_is_a_note(path: str) -> None:
    """An index deleted during the audit is neither a finding nor a read error, and its backups are listed."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(Fault(kind="shift", path=path, times=1, change=make_deletion("orders")))
        result = audit_server(server)
    assert result.inventory.indexes == ()
    assert result.inventory.read_failures == ()
    assert result.notes == ("Index orders was deleted during the audit.",)
    assert "index" not in {it.resource.type for it in result.report.findings}
    assert len(result.inventory.backups.rows) == 3
    assert count_calls(server)["GET /indexes"] == 2


def test_an_index_that_is_being_deleted_is_left_out_with_a_note() -> None:
    """An index that is being deleted causes no calls of its own, and its backups are listed."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    project.options.index_deletion_duration = timedelta(hours=1)
    project.delete_index("orders")
    with serve(project) as server:
        result = audit_server(server)
        assert count_calls(server).keys() == {"GET /indexes", "GET /backups"}
    assert (result.inventory.indexes, result.inventory.read_failures) == ((), ())
    assert result.notes == ("The index orders is being deleted (state Terminating): it is not audited.",)
    assert {it.resource.type for it in result.report.findings} == {"project"}
    assert result.report.is_complete
    assert len(result.inventory.backups.rows) == 3
    assert result.report.summary.coverage_percent is None


@pytest.mark.parametrize("status", [404, None], ids=["listing-not-found", "empty-listing"])
def test_an_index_whose_deletion_starts_during_the_audit_is_left_out(status: int | None) -> None:
    """The state of an index is read again after a 404, or if a verdict needs a second read."""
    project = build_empty_project()
    project.options.index_deletion_duration = timedelta(hours=1)
    add_healthy_index(project, "orders")
    with serve(project) as server:
        if status:
            server.faults.append(Fault(status=status, path=SCHEDULES_PATH))
        server.faults.append(Fault(kind="shift", path="/indexes/*", times=1, change=make_deletion("orders")))
        result = audit_server(server)
    assert (result.inventory.indexes, result.inventory.read_failures) == ((), ())
    assert [it.name for it in result.inventory.terminating] == ["orders"]
    assert result.notes == ("The index orders is being deleted (state Terminating): it is not audited.",)


def test_a_404_for_the_listing_of_an_existing_index_is_a_read_error() -> None:
    """A 404 means a deleted index only if the list of indexes confirms it."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(Fault(status=404, path=SCHEDULES_PATH, message="Index orders not found."))
        result = audit_server(server)
    assert result.inventory.read_failures == (
        ReadFailure("GET /indexes/orders/backup-schedules", "404: Index orders not found."),
    )
    assert result.notes == ()


def test_a_404_is_a_read_error_if_the_indexes_cannot_be_listed_again() -> None:
    """A 404 is a read error if no second list of indexes confirms the deletion."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(Fault(status=404, path=SCHEDULES_PATH))
        server.faults.append(Fault(status=500, path="/indexes", after=1))
        result = audit_server(server)
    assert [it.call for it in result.inventory.read_failures] == ["GET /indexes/orders/backup-schedules"]


def test_a_schedule_deleted_during_the_audit_is_left_out() -> None:
    """The schedules of the index are read again, and the missing history is not a read error."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    (schedule,) = project.schedules.values()

    def delete_schedule(project: SimulatedProject) -> None:
        project.delete_schedule(schedule.id)
        project.create_schedule("orders", "weekly", "weekly", 35)

    with serve(project) as server, open_simulated_reader(server) as reader:
        server.faults.append(Fault(kind="shift", path=HISTORY_PATH, times=1, change=delete_schedule))
        inventory, notes = collect_inventory(reader, project.now)
    (facts,) = inventory.indexes
    assert [it.name for it in facts.schedules.rows] == ["weekly"]  # type: ignore[union-attr]  # a refusal has no rows
    assert schedule.id not in inventory.histories
    assert len(inventory.histories) == 1
    assert (inventory.read_failures, notes) == ((), [])
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_404_for_the_history_of_a_listed_schedule_is_a_read_error() -> None:
    """A listed schedule whose history is not found is kept, and its runs are unknown."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    (schedule,) = project.schedules.values()
    with serve(project) as server:
        server.faults.append(Fault(status=404, path=HISTORY_PATH, message="Not found."))
        result = audit_server(server)
    assert result.inventory.read_failures == (
        ReadFailure(f"GET /backup-schedules/{schedule.id}/history", "404: Not found."),
    )
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_rows_that_shifted_are_found_by_a_second_read() -> None:
    """A second read finds the backup that was hidden by a deletion between two pages."""
    project = build_scenario("fleet:60x2", now=SIMULATED_NOW)
    first_backup = project.list_backups()[0]
    hidden_backup = project.list_backups()[100]
    with serve(project) as server:
        server.faults.append(
            Fault(kind="shift", path="/backups", after=1, times=1, change=lambda it: it.remove_backup(first_backup))
        )
        result = audit_server(server)
    assert hidden_backup.id in {it.backup_id for it in result.inventory.backups.rows}
    assert result.inventory.backups.read_count > 1
    assert count_calls(server)["GET /backups"] > 2


def test_a_healthy_project_is_read_once() -> None:
    """A project without missing rows needs no second read."""
    project = build_empty_project()
    for name in ("orders", "users"):
        project.create_index(name)
        project.create_schedule(name, "nightly", "daily", 14)
    project.advance(timedelta(days=15, hours=1))
    with serve(project) as server:
        result = audit_server(server)
    assert result.inventory.backups.read_count == 1
    assert count_calls(server)["GET /backups"] == 1


def test_absence_is_evaluated_only_after_a_second_read_agrees() -> None:
    """An index without a schedule or a backup is read twice before it is non-compliant."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as server:
        result = audit_server(server)
    verdicts = {it.control: it.compliance for it in result.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-schedule"] is Compliance.NON_COMPLIANT
    assert verdicts["index-has-recovery-point"] is Compliance.NON_COMPLIANT
    assert count_calls(server)["GET /backups"] == 2
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_an_incomplete_second_read_confirms_nothing() -> None:
    """Absence stays unknown after an incomplete second read, which is a read error and is not repeated."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as server:
        server.faults.append(Fault(status=403, path=SCHEDULES_PATH, after=1, message="No."))
        result = audit_server(server)
    verdicts = {it.control: it.compliance for it in result.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-schedule"] is Compliance.INSUFFICIENT_DATA
    assert result.inventory.read_failures == (ReadFailure("GET /indexes/orders/backup-schedules", "403: No."),)
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_listing_that_changes_with_each_read_is_read_four_times() -> None:
    """Verdicts based on absence stay unknown if four reads differ."""
    project = build_empty_project()
    project.create_index("orders")

    def change_listing(project: SimulatedProject) -> None:
        for backup in list(project.backups.values()):
            project.remove_backup(backup)
        project.create_backup("orders")

    with serve(project) as server:
        server.faults.append(Fault(kind="shift", path="/backups", change=change_listing))
        result = audit_server(server)
    verdicts = {it.control: it.compliance for it in result.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-recovery-point"] is Compliance.INSUFFICIENT_DATA
    assert result.inventory.backups.read_count == 4
    assert count_calls(server)["GET /backups"] == 4


def test_an_index_deleted_before_a_second_read_is_a_note() -> None:
    """An index deleted before the second read of its schedules is neither a finding nor a read error."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as server:
        server.faults.append(Fault(kind="shift", path=SCHEDULES_PATH, after=1, times=1, change=make_deletion("orders")))
        result = audit_server(server)
    assert result.inventory.indexes == ()
    assert result.inventory.read_failures == ()
    assert result.notes == ("Index orders was deleted during the audit.",)
