"""What changes while an audit runs: rows that shift, indexes and schedules that go."""

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
    """Delete an index."""
    return lambda project: project.delete_index(index)


@pytest.mark.parametrize("path", [SCHEDULES_PATH, HISTORY_PATH], ids=["before-its-schedules", "before-a-history"])
def test_an_index_deleted_meanwhile_leaves_with_a_note(path: str) -> None:
    """It is neither a finding nor unread, and its backups stay in the listing."""
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
    """No call is sent about the index, and its backups stay in the listing."""
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


@pytest.mark.parametrize("status", [404, None], ids=["its-listing-is-gone", "its-listing-is-empty"])
def test_an_index_whose_deletion_begins_meanwhile_is_left_out(status: int | None) -> None:
    """The state is read again where a listing is gone, or where a verdict needs a second read."""
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


def test_a_listing_that_is_gone_though_its_index_is_there_is_unread() -> None:
    """A 404 is believed of an index only if the list of indexes agrees."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(Fault(status=404, path=SCHEDULES_PATH, message="Index orders not found."))
        result = audit_server(server)
    assert result.inventory.read_failures == (
        ReadFailure("GET /indexes/orders/backup-schedules", "404: Index orders not found."),
    )
    assert result.notes == ()


def test_a_listing_that_is_gone_is_unread_where_the_indexes_cannot_be_listed_again() -> None:
    """What cannot be settled is not settled."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(Fault(status=404, path=SCHEDULES_PATH))
        server.faults.append(Fault(status=500, path="/indexes", after=1))
        result = audit_server(server)
    assert [it.call for it in result.inventory.read_failures] == ["GET /indexes/orders/backup-schedules"]


def test_a_schedule_deleted_meanwhile_is_not_there_any_more() -> None:
    """Its index's schedules are read afresh, once, and no history of it is missed."""
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


def test_a_history_that_is_gone_though_its_schedule_is_listed_is_unread() -> None:
    """The schedule stands, its runs are not known."""
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
    """A backup deleted between two pages hides another one; what seems missing is looked for once more."""
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
    """No second walk is made where nothing seems missing."""
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
    """An index without schedule or backup is walked twice, and then said to have none."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as server:
        result = audit_server(server)
    verdicts = {it.control: it.compliance for it in result.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-schedule"] is Compliance.NON_COMPLIANT
    assert verdicts["index-has-recovery-point"] is Compliance.NON_COMPLIANT
    assert count_calls(server)["GET /backups"] == 2
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_second_read_that_breaks_off_leaves_it_open() -> None:
    """Nothing is called missing, the broken walk is unread, and it is not tried for ever."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as server:
        server.faults.append(Fault(status=403, path=SCHEDULES_PATH, after=1, message="No."))
        result = audit_server(server)
    verdicts = {it.control: it.compliance for it in result.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-schedule"] is Compliance.INSUFFICIENT_DATA
    assert result.inventory.read_failures == (ReadFailure("GET /indexes/orders/backup-schedules", "403: No."),)
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_listing_that_never_agrees_with_itself_is_read_four_times() -> None:
    """Rows that come and go with every walk leave open what rests on their absence."""
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


def test_an_index_deleted_before_a_second_read_leaves_too() -> None:
    """It can go at any time."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as server:
        server.faults.append(Fault(kind="shift", path=SCHEDULES_PATH, after=1, times=1, change=make_deletion("orders")))
        result = audit_server(server)
    assert result.inventory.indexes == ()
    assert result.inventory.read_failures == ()
    assert result.notes == ("Index orders was deleted during the audit.",)
