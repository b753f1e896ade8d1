"""What changes while an audit runs: rows that shift, indexes and schedules that go."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import ReadFailure
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from support.simulator import NOW, add_healthy_index, audited, calls, empty_world, gathered, reading, serving

HISTORY = "/backup-schedules/*/history"
SCHEDULES = "/indexes/*/backup-schedules"


def deletes(index: str) -> Callable[[SimulatedProject], None]:
    """Delete an index."""
    return lambda world: world.delete_index(index)


@pytest.mark.parametrize("path", [SCHEDULES, HISTORY], ids=["before-its-schedules", "before-a-history"])
def test_an_index_deleted_meanwhile_leaves_with_a_note(path: str) -> None:
    """It is neither a finding nor unread, and its backups stay in the listing."""
    world = empty_world()
    add_healthy_index(world, "orders")
    with serving(world) as server:
        server.faults.append(Fault(kind="shift", path=path, times=1, change=deletes("orders")))
        found = audited(server)
    assert found.inventory.indexes == ()
    assert found.inventory.read_failures == ()
    assert found.notes == ("The index orders was deleted while the audit ran.",)
    assert "index" not in {it.resource.type for it in found.report.findings}
    assert len(found.inventory.backups.rows) == 3
    assert calls(server)["GET /indexes"] == 2


def test_an_index_that_is_being_deleted_is_left_out_with_a_note() -> None:
    """No call is sent about the index, and its backups stay in the listing."""
    world = empty_world()
    add_healthy_index(world, "orders")
    world.options.index_deletion_duration = timedelta(hours=1)
    world.delete_index("orders")
    with serving(world) as server:
        found = audited(server)
        assert calls(server).keys() == {"GET /indexes", "GET /backups"}
    assert (found.inventory.indexes, found.inventory.read_failures) == ((), ())
    assert found.notes == ("The index orders is being deleted (state Terminating): it is not audited.",)
    assert {it.resource.type for it in found.report.findings} == {"project"}
    assert found.report.is_complete
    assert len(found.inventory.backups.rows) == 3
    assert found.report.summary.coverage_percent is None


@pytest.mark.parametrize("status", [404, None], ids=["its-listing-is-gone", "its-listing-is-empty"])
def test_an_index_whose_deletion_begins_meanwhile_is_left_out(status: int | None) -> None:
    """The state is read again where a listing is gone, or where a verdict needs a second read."""
    world = empty_world()
    world.options.index_deletion_duration = timedelta(hours=1)
    add_healthy_index(world, "orders")
    with serving(world) as server:
        if status:
            server.faults.append(Fault(status=status, path=SCHEDULES))
        server.faults.append(Fault(kind="shift", path="/indexes/*", times=1, change=deletes("orders")))
        found = audited(server)
    assert (found.inventory.indexes, found.inventory.read_failures) == ((), ())
    assert [it.name for it in found.inventory.terminating] == ["orders"]
    assert found.notes == ("The index orders is being deleted (state Terminating): it is not audited.",)


def test_a_listing_that_is_gone_though_its_index_is_there_is_unread() -> None:
    """A 404 is believed of an index only if the list of indexes agrees."""
    world = empty_world()
    add_healthy_index(world, "orders")
    with serving(world) as server:
        server.faults.append(Fault(status=404, path=SCHEDULES, message="Index orders not found."))
        found = audited(server)
    assert found.inventory.read_failures == (
        ReadFailure("GET /indexes/orders/backup-schedules", "404: Index orders not found."),
    )
    assert found.notes == ()


def test_a_listing_that_is_gone_is_unread_where_the_indexes_cannot_be_listed_again() -> None:
    """What cannot be settled is not settled."""
    world = empty_world()
    add_healthy_index(world, "orders")
    with serving(world) as server:
        server.faults.append(Fault(status=404, path=SCHEDULES))
        server.faults.append(Fault(status=500, path="/indexes", after=1))
        found = audited(server)
    assert [it.call for it in found.inventory.read_failures] == ["GET /indexes/orders/backup-schedules"]


def test_a_schedule_deleted_meanwhile_is_not_there_any_more() -> None:
    """Its index's schedules are read afresh, once, and no history of it is missed."""
    world = empty_world()
    add_healthy_index(world, "orders")
    (schedule,) = world.schedules.values()

    def change(world: SimulatedProject) -> None:
        world.delete_schedule(schedule.id)
        world.create_schedule("orders", "weekly", "weekly", 35)

    with serving(world) as server, reading(server) as reader:
        server.faults.append(Fault(kind="shift", path=HISTORY, times=1, change=change))
        found, notes = gathered(reader, world.now)
    (facts,) = found.indexes
    assert [it.name for it in facts.schedules.rows] == ["weekly"]  # type: ignore[union-attr]  # a refusal has no rows
    assert schedule.id not in found.histories
    assert len(found.histories) == 1
    assert (found.read_failures, notes) == ((), [])
    assert calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_history_that_is_gone_though_its_schedule_is_listed_is_unread() -> None:
    """The schedule stands, its runs are not known."""
    world = empty_world()
    add_healthy_index(world, "orders")
    (schedule,) = world.schedules.values()
    with serving(world) as server:
        server.faults.append(Fault(status=404, path=HISTORY, message="Not found."))
        found = audited(server)
    assert found.inventory.read_failures == (
        ReadFailure(f"GET /backup-schedules/{schedule.id}/history", "404: Not found."),
    )
    assert calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_rows_that_shifted_are_found_by_a_second_walk() -> None:
    """A backup deleted between two pages hides another one; what seems missing is looked for once more."""
    world = build_scenario("fleet:60x2", now=NOW)
    first = world.list_backups()[0]
    hidden = world.list_backups()[100]
    with serving(world) as server:
        server.faults.append(
            Fault(kind="shift", path="/backups", after=1, times=1, change=lambda it: it.remove_backup(first))
        )
        found = audited(server)
    assert hidden.id in {it.backup_id for it in found.inventory.backups.rows}
    assert found.inventory.backups.read_count > 1
    assert calls(server)["GET /backups"] > 2


def test_a_healthy_project_is_walked_once() -> None:
    """No second walk is made where nothing seems missing."""
    world = empty_world()
    for name in ("orders", "users"):
        world.create_index(name)
        world.create_schedule(name, "nightly", "daily", 14)
    world.advance(timedelta(days=15, hours=1))
    with serving(world) as server:
        found = audited(server)
    assert found.inventory.backups.read_count == 1
    assert calls(server)["GET /backups"] == 1


def test_absence_is_judged_only_after_a_second_walk_agrees() -> None:
    """An index without schedule or backup is walked twice, and then said to have none."""
    world = empty_world()
    world.create_index("orders")
    with serving(world) as server:
        found = audited(server)
    verdicts = {it.control: it.compliance for it in found.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-schedule"] is Compliance.NON_COMPLIANT
    assert verdicts["index-has-recovery-point"] is Compliance.NON_COMPLIANT
    assert calls(server)["GET /backups"] == 2
    assert calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_second_walk_that_breaks_off_leaves_it_open() -> None:
    """Nothing is called missing, the broken walk is unread, and it is not tried for ever."""
    world = empty_world()
    world.create_index("orders")
    with serving(world) as server:
        server.faults.append(Fault(status=403, path=SCHEDULES, after=1, message="No."))
        found = audited(server)
    verdicts = {it.control: it.compliance for it in found.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-schedule"] is Compliance.INSUFFICIENT_DATA
    assert found.inventory.read_failures == (ReadFailure("GET /indexes/orders/backup-schedules", "403: No."),)
    assert calls(server)["GET /indexes/*/backup-schedules"] == 2


def test_a_listing_that_never_agrees_with_itself_is_walked_four_times() -> None:
    """Rows that come and go with every walk leave open what rests on their absence."""
    world = empty_world()
    world.create_index("orders")

    def change(world: SimulatedProject) -> None:
        for backup in list(world.backups.values()):
            world.remove_backup(backup)
        world.create_backup("orders")

    with serving(world) as server:
        server.faults.append(Fault(kind="shift", path="/backups", change=change))
        found = audited(server)
    verdicts = {it.control: it.compliance for it in found.report.findings if it.resource.name == "orders"}
    assert verdicts["index-has-recovery-point"] is Compliance.INSUFFICIENT_DATA
    assert found.inventory.backups.read_count == 4
    assert calls(server)["GET /backups"] == 4


def test_an_index_deleted_before_a_second_walk_leaves_too() -> None:
    """It can go at any time."""
    world = empty_world()
    world.create_index("orders")
    with serving(world) as server:
        server.faults.append(Fault(kind="shift", path=SCHEDULES, after=1, times=1, change=deletes("orders")))
        found = audited(server)
    assert found.inventory.indexes == ()
    assert found.inventory.read_failures == ()
    assert found.notes == ("The index orders was deleted while the audit ran.",)
