"""Which calls reading a project takes, and in which words they are made."""

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
def test_no_call_is_made_whose_answer_is_already_known(version: str, schedules_version: str) -> None:
    """One listing of indexes, the pages of backups, one listing of schedules an index, one history a schedule."""
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


def test_a_full_last_page_costs_one_empty_page_more() -> None:
    """A hundred backups are two pages, the second one empty."""
    with serve(build_scenario("fleet:20x5", now=SIMULATED_NOW)) as server:
        result = audit_server(server)
    assert count_calls(server)["GET /backups"] == 2
    assert len(result.inventory.backups.rows) == 100


def test_an_empty_project_takes_two_calls() -> None:
    """Without an index there is nothing more to ask."""
    with serve(build_empty_project()) as server:
        result = audit_server(server)
    assert count_calls(server) == Counter({"GET /indexes": 1, "GET /backups": 1})
    assert result.report.is_complete


def test_pods_are_not_asked_for_schedules() -> None:
    """A pod index can have none."""
    project = build_empty_project()
    project.create_index("pods", kind=IndexKind.POD)
    project.create_index("byoc", kind=IndexKind.BYOC)
    with serve(project) as server, open_simulated_reader(server) as reader:
        inventory, _ = collect_inventory(reader, project.now)
    assert count_calls(server)["GET /indexes/*/backup-schedules"] == 1
    kinds = {facts.index.name: (facts.index.deployment, facts.schedules) for facts in inventory.indexes}
    assert kinds["pods"] == (Deployment.POD, None)
    assert kinds["byoc"][0] is Deployment.BYOC


def test_paused_schedules_are_asked_for_their_history_too() -> None:
    """A paused schedule's runs are runs."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    (schedule,) = project.schedules.values()
    project.update_schedule(schedule.id, enabled=False)
    with serve(project) as server, open_simulated_reader(server) as reader:
        inventory, _ = collect_inventory(reader, project.now)
    assert len(inventory.histories[schedule.id].rows) == 3


@pytest.mark.parametrize("version, schedules_version", VERSION_PAIRS)
def test_each_call_names_its_version(version: str, schedules_version: str) -> None:
    """Calls about schedules have a version of their own."""
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


def test_the_size_of_a_page_is_named_once_a_read() -> None:
    """Beside a token no size is sent, in either family."""
    with serve(build_scenario("fleet:50x5", now=SIMULATED_NOW)) as server:
        for version, schedules_version in VERSION_PAIRS:
            audit_server(server, api_version=version, schedules_api_version=schedules_version)
    pages = [it.query for it in server.requests if it.path == "/backups"]
    assert len(pages) == 6
    assert all((it.get("limit") == "100") == ("paginationToken" not in it) for it in pages)
    assert all("limit" not in it for it in pages if "paginationToken" in it)


def test_both_families_tell_the_same_facts() -> None:
    """Names, ids, states, moments and sizes are read alike; only what a version does not tell is missing."""
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
    """Create an index, back it up by hand, and create it once more."""
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
def test_an_index_is_asked_for_its_own_backups_only_where_its_id_is_in_doubt(
    version: str, schedules_version: str, own_listings: int
) -> None:
    """A deletion mark settles which backups are an earlier index's; without one the index itself is asked, once."""
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


def test_once_the_plan_has_refused_no_further_listing_is_sent() -> None:
    """The answer is the same for every index: no more calls are spent on it than are in flight when it comes."""
    with serve(build_scenario("fleet:100x1", now=SIMULATED_NOW), latency=0.01) as server:
        server.faults.append(Fault(kind="refuse_plan", path="/indexes/*/backup-schedules"))
        with open_simulated_reader(server) as reader:
            inventory, _ = collect_inventory(reader, SIMULATED_NOW)
    assert count_calls(server)["GET /indexes/*/backup-schedules"] <= 8 + 3  # three good answers came before
    assert {type(it.schedules).__name__ for it in inventory.indexes} == {"Denial"}
    assert inventory.read_failures == ()


def test_an_index_that_cannot_be_backed_up_is_known_not_unread() -> None:
    """A 400 to the listing of schedules is an answer."""
    with serve(build_scenario("fleet:2x0", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", status=400, message="Not for this index."))
        result = audit_server(server)
    assert result.report.is_complete
    compliance_by_control = {it.control: it.compliance for it in result.report.findings if it.resource.type == "index"}
    assert compliance_by_control.pop("index-can-be-backed-up") == "NON_COMPLIANT"
    assert set(compliance_by_control.values()) == {"NOT_APPLICABLE"}
    assert count_calls(server)["GET /backup-schedules/*/history"] == 0


def test_an_index_that_has_backups_is_not_taken_for_one_that_can_have_none() -> None:
    """A 400 that is really about the request must not make a whole project pass."""
    with serve(build_scenario("fleet:2x1", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", status=400, message="No such parameter."))
        result = audit_server(server)
    assert [it.error for it in result.report.read_failures] == ["400: No such parameter."] * 2
    schedule_compliances = {it.compliance for it in result.report.findings if it.control == "index-has-schedule"}
    assert schedule_compliances == {"INSUFFICIENT_DATA"}
    assert count_calls(server)["GET /indexes/*/backups"] == 2
