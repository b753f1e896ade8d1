"""Test which calls the audit of a project sends, and their parameters."""

from collections import Counter
from datetime import timedelta

import pytest

from backup_auditor.domain.listing import Listing
from backup_auditor.domain.model import Deployment
from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from support.simulator import (
    NEW_VERSION,
    OLD_VERSION,
    SIMULATED_NOW,
    UNSTABLE_VERSION,
    VERSION_PAIRS,
    add_healthy_index,
    audit_server,
    build_empty_project,
    collect_inventory,
    count_calls,
    open_simulated_reader,
    serve,
)


@pytest.mark.parametrize("version, schedules_version", VERSION_PAIRS)
def test_no_call_is_repeated(version: str, schedules_version: str) -> None:
    """An audit lists indexes and backups once, schedules once per index, and history once per schedule."""
    with serve(build_scenario("fleet:30x5", now=SIMULATED_NOW)) as server:
        result = audit_server(server, api_version=version, schedules_api_version=schedules_version)
    assert count_calls(server) == Counter(
        {
            "GET /indexes": 1,
            "GET /backups": 2,
            "GET /indexes/*/backup-schedules": 30,
            "GET /backup-schedules/*/history": 30,
        }
    )
    assert result.report.is_complete
    assert result.inventory.requests == len(server.requests) == 63
    assert (len(result.inventory.indexes), len(result.inventory.backups.rows)) == (30, 150)


def test_a_full_last_page_is_followed_by_an_empty_page() -> None:
    """A listing of 100 backups is read with two calls."""
    with serve(build_scenario("fleet:20x5", now=SIMULATED_NOW)) as server:
        result = audit_server(server)
    assert count_calls(server)["GET /backups"] == 2
    assert len(result.inventory.backups.rows) == 100


def test_an_empty_project_takes_two_calls() -> None:
    """An audit of an empty project lists only indexes and backups."""
    with serve(build_empty_project()) as server:
        result = audit_server(server)
    assert count_calls(server) == Counter({"GET /indexes": 1, "GET /backups": 1})
    assert result.report.is_complete


def test_no_schedules_are_read_for_pods() -> None:
    """The schedules of a pod index are not read, because it cannot have schedules."""
    project = build_empty_project()
    project.create_index("pods", kind=IndexKind.POD)
    project.create_index("byoc", kind=IndexKind.BYOC)
    with serve(project) as server, open_simulated_reader(server) as reader:
        inventory, _ = collect_inventory(reader, project.now)
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 1
    kinds = {facts.index.name: (facts.index.deployment, facts.schedules) for facts in inventory.indexes}
    assert kinds["pods"] == (Deployment.POD, None)
    assert kinds["byoc"][0] is Deployment.BYOC


def test_the_history_of_paused_schedules_is_read() -> None:
    """The history of a paused schedule is part of the inventory."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    (schedule,) = project.schedules.values()
    project.update_schedule(schedule.id, enabled=False)
    with serve(project) as server, open_simulated_reader(server) as reader:
        inventory, _ = collect_inventory(reader, project.now)
    assert len(inventory.histories[schedule.id].rows) == 3


@pytest.mark.parametrize("version, schedules_version", VERSION_PAIRS)
def test_each_call_names_its_version(version: str, schedules_version: str) -> None:
    """Calls for schedules have their own API version."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with (
        serve(project) as server,
        open_simulated_reader(server, api_version=version, schedules_api_version=schedules_version) as reader,
    ):
        collect_inventory(reader, project.now)
    version_pairs = {(it.version, "backup-schedules" in it.path) for it in server.requests}
    assert version_pairs == {(version, False), (schedules_version, True)}
    assert {it.role for it in server.requests} == {"viewer"}


def test_only_the_first_page_of_a_read_has_a_size() -> None:
    """A call with a token has no page size, in both API versions."""
    with serve(build_scenario("fleet:50x5", now=SIMULATED_NOW)) as server:
        for version, schedules_version in VERSION_PAIRS:
            audit_server(server, api_version=version, schedules_api_version=schedules_version)
    pages = [it.query for it in server.requests if it.path == "/backups"]
    assert len(pages) == 6
    assert all((it.get("limit") == "100") == ("paginationToken" not in it) for it in pages)
    assert all("limit" not in it for it in pages if "paginationToken" in it)


def test_both_api_versions_give_the_same_facts() -> None:
    """Both API versions give equal indexes, schedules and backups."""
    project = build_scenario("neglected", now=SIMULATED_NOW)
    inventories = []
    for version, schedules_version in [(NEW_VERSION, NEW_VERSION), (OLD_VERSION, UNSTABLE_VERSION)]:
        with (
            serve(project) as server,
            open_simulated_reader(server, api_version=version, schedules_api_version=schedules_version) as reader,
        ):
            inventories.append(collect_inventory(reader, project.now)[0])
    new_inventory, old_inventory = inventories
    assert [it.index for it in new_inventory.indexes] == [it.index for it in old_inventory.indexes]
    assert [it.schedules for it in new_inventory.indexes] == [it.schedules for it in old_inventory.indexes]
    facts_by_index = [
        [
            (it.backup_id, it.index_id, it.index_name, it.name, it.created_at, it.record_count)
            for it in inventory.backups.rows
        ]
        for inventory in inventories
    ]
    assert facts_by_index[0] == facts_by_index[1]


def create_index_twice(project: SimulatedProject) -> None:
    """Create an index, back it up, and create it again."""
    project.create_index("orders")
    project.create_backup("orders", "before")
    project.advance(timedelta(hours=1))
    project.delete_index("orders")
    project.create_index("orders")


@pytest.mark.parametrize(
    "version, schedules_version, own_listings",
    [
        pytest.param(NEW_VERSION, NEW_VERSION, 0, id="marked"),
        pytest.param(OLD_VERSION, UNSTABLE_VERSION, 1, id="not-marked"),
    ],
)
def test_own_backups_are_read_only_if_the_live_id_is_unknown(
    version: str, schedules_version: str, own_listings: int
) -> None:
    """Own backups are read only in an API version that does not mark the backups of a deleted index."""
    project = build_empty_project()
    create_index_twice(project)
    with (
        serve(project) as server,
        open_simulated_reader(server, api_version=version, schedules_api_version=schedules_version) as reader,
    ):
        inventory, _ = collect_inventory(reader, project.now)
    assert count_calls(server)["GET /indexes/*/backups"] == own_listings
    (facts,) = inventory.indexes
    assert facts.own_backups == (Listing(()) if own_listings else None)


def test_after_a_refusal_by_the_plan_no_listing_of_schedules_is_sent() -> None:
    """After a refusal by the plan, only the calls in flight are completed."""
    with serve(build_scenario("fleet:100x1", now=SIMULATED_NOW), latency=0.01) as server:
        server.faults.append(Fault(kind="refuse_plan", path="/indexes/*/backup-schedules"))
        with open_simulated_reader(server) as reader:
            inventory, _ = collect_inventory(reader, SIMULATED_NOW)
    assert count_calls(server)["GET /indexes/*/backup-schedules"] <= 8 + 3  # three calls succeed before
    assert {type(it.schedules).__name__ for it in inventory.indexes} == {"Denial"}
    assert inventory.read_failures == ()


def test_an_index_that_cannot_be_backed_up_is_not_a_read_error() -> None:
    """A 400 for the schedules of an index without backups means that the index cannot be backed up."""
    with serve(build_scenario("fleet:2x0", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", status=400, message="Not for this index."))
        result = audit_server(server)
    assert result.report.is_complete
    compliance_by_control = {it.control: it.compliance for it in result.report.findings if it.resource.type == "index"}
    assert compliance_by_control.pop("index-can-be-backed-up") == "NON_COMPLIANT"
    assert set(compliance_by_control.values()) == {"NOT_APPLICABLE"}
    assert count_calls(server)["GET /backup-schedules/*/history"] == 0


def test_a_400_for_an_index_with_backups_is_a_read_error() -> None:
    """A 400 for the schedules of an index with backups is a read error, because the index can be backed up."""
    with serve(build_scenario("fleet:2x1", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", status=400, message="No such parameter."))
        result = audit_server(server)
    assert [it.error for it in result.report.read_failures] == ["400: No such parameter."] * 2
    schedule_compliances = {it.compliance for it in result.report.findings if it.control == "index-has-schedule"}
    assert schedule_compliances == {"INSUFFICIENT_DATA"}
    assert count_calls(server)["GET /indexes/*/backups"] == 2
