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
    FAMILIES,
    NEW,
    NOW,
    OLD,
    UNSTABLE,
    add_healthy_index,
    audited,
    calls,
    empty_world,
    gathered,
    reading,
    serving,
)


@pytest.mark.parametrize("version, schedules_version", FAMILIES)
def test_no_call_is_made_whose_answer_is_already_known(version: str, schedules_version: str) -> None:
    """One listing of indexes, the pages of backups, one listing of schedules an index, one history a schedule."""
    with serving(build_scenario("fleet:30x5", now=NOW)) as server:
        found = audited(server, api_version=version, schedules_api_version=schedules_version)
    assert calls(server) == Counter(
        {
            "GET /indexes": 1,
            "GET /backups": 2,
            "GET /indexes/*/backup-schedules": 30,
            "GET /backup-schedules/*/history": 30,
        }
    )
    assert found.report.is_complete
    assert found.inventory.requests == len(server.requests) == 63
    assert (len(found.inventory.indexes), len(found.inventory.backups.rows)) == (30, 150)


def test_a_full_last_page_costs_one_empty_page_more() -> None:
    """A hundred backups are two pages, the second one empty."""
    with serving(build_scenario("fleet:20x5", now=NOW)) as server:
        found = audited(server)
    assert calls(server)["GET /backups"] == 2
    assert len(found.inventory.backups.rows) == 100


def test_an_empty_project_takes_two_calls() -> None:
    """Without an index there is nothing more to ask."""
    with serving(empty_world()) as server:
        found = audited(server)
    assert calls(server) == Counter({"GET /indexes": 1, "GET /backups": 1})
    assert found.report.is_complete


def test_pods_are_not_asked_for_schedules() -> None:
    """A pod index can have none."""
    world = empty_world()
    world.create_index("pods", kind=IndexKind.POD)
    world.create_index("byoc", kind=IndexKind.BYOC)
    with serving(world) as server, reading(server) as reader:
        found, _ = gathered(reader, world.now)
    assert calls(server)["GET /indexes/*/backup-schedules"] == 1
    kinds = {facts.index.name: (facts.index.deployment, facts.schedules) for facts in found.indexes}
    assert kinds["pods"] == (Deployment.POD, None)
    assert kinds["byoc"][0] is Deployment.BYOC


def test_paused_schedules_are_asked_for_their_history_too() -> None:
    """A paused schedule's runs are runs."""
    world = empty_world()
    add_healthy_index(world, "orders")
    (schedule,) = world.schedules.values()
    world.update_schedule(schedule.id, enabled=False)
    with serving(world) as server, reading(server) as reader:
        found, _ = gathered(reader, world.now)
    assert len(found.histories[schedule.id].rows) == 3


@pytest.mark.parametrize("version, schedules_version", FAMILIES)
def test_each_call_names_its_version(version: str, schedules_version: str) -> None:
    """Calls about schedules have a version of their own."""
    world = empty_world()
    add_healthy_index(world, "orders")
    with (
        serving(world) as server,
        reading(server, api_version=version, schedules_api_version=schedules_version) as reader,
    ):
        gathered(reader, world.now)
    asked = {(it.version, "backup-schedules" in it.path) for it in server.requests}
    assert asked == {(version, False), (schedules_version, True)}
    assert {it.role for it in server.requests} == {"viewer"}


def test_the_size_of_a_page_is_named_once_a_walk() -> None:
    """Beside a token no size is sent, in either family."""
    with serving(build_scenario("fleet:50x5", now=NOW)) as server:
        for version, schedules_version in FAMILIES:
            audited(server, api_version=version, schedules_api_version=schedules_version)
    pages = [it.query for it in server.requests if it.path == "/backups"]
    assert len(pages) == 6
    assert all((it.get("limit") == "100") == ("paginationToken" not in it) for it in pages)
    assert all("limit" not in it for it in pages if "paginationToken" in it)


def test_both_families_tell_the_same_facts() -> None:
    """Names, ids, states, moments and sizes are read alike; only what a version does not tell is missing."""
    world = build_scenario("neglected", now=NOW)
    seen = []
    for version, schedules_version in [(NEW, NEW), (OLD, UNSTABLE)]:
        with (
            serving(world) as server,
            reading(server, api_version=version, schedules_api_version=schedules_version) as reader,
        ):
            seen.append(gathered(reader, world.now)[0])
    new, old = seen
    assert [it.index for it in new.indexes] == [it.index for it in old.indexes]
    assert [it.schedules for it in new.indexes] == [it.schedules for it in old.indexes]
    told = [
        [(it.backup_id, it.index_id, it.index_name, it.name, it.created_at, it.record_count) for it in one.backups.rows]
        for one in seen
    ]
    assert told[0] == told[1]


def add_two_incarnations(world: SimulatedProject) -> None:
    """Create an index, back it up by hand, and create it once more."""
    world.create_index("orders")
    world.create_backup("orders", "before")
    world.advance(timedelta(hours=1))
    world.delete_index("orders")
    world.create_index("orders")


@pytest.mark.parametrize(
    "version, schedules_version, own_listings",
    [pytest.param(NEW, NEW, 0, id="marked"), pytest.param(OLD, UNSTABLE, 1, id="not-marked")],
)
def test_an_index_is_asked_for_its_own_backups_only_where_its_id_is_in_doubt(
    version: str, schedules_version: str, own_listings: int
) -> None:
    """A deletion mark settles which backups are an earlier index's; without one the index itself is asked, once."""
    world = empty_world()
    add_two_incarnations(world)
    with (
        serving(world) as server,
        reading(server, api_version=version, schedules_api_version=schedules_version) as reader,
    ):
        found, _ = gathered(reader, world.now)
    assert calls(server)["GET /indexes/*/backups"] == own_listings
    (facts,) = found.indexes
    assert facts.own_backups == (Listing(()) if own_listings else None)


def test_once_the_plan_has_refused_no_further_listing_is_sent() -> None:
    """The answer is the same for every index: no more calls are spent on it than are in flight when it comes."""
    with serving(build_scenario("fleet:100x1", now=NOW), latency=0.01) as server:
        server.faults.append(Fault(kind="refuse_plan", path="/indexes/*/backup-schedules"))
        with reading(server) as reader:
            found, _ = gathered(reader, NOW)
    assert calls(server)["GET /indexes/*/backup-schedules"] <= 8 + 3  # three good answers came before
    assert {type(it.schedules).__name__ for it in found.indexes} == {"Denial"}
    assert found.read_failures == ()


def test_an_index_that_cannot_be_backed_up_is_known_not_unread() -> None:
    """A 400 to the listing of schedules is an answer."""
    with serving(build_scenario("fleet:2x0", now=NOW)) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", status=400, message="Not for this index."))
        found = audited(server)
    assert found.report.is_complete
    judged = {it.control: it.compliance for it in found.report.findings if it.resource.type == "index"}
    assert judged.pop("index-can-be-backed-up") == "NON_COMPLIANT"
    assert set(judged.values()) == {"NOT_APPLICABLE"}
    assert calls(server)["GET /backup-schedules/*/history"] == 0


def test_an_index_that_has_backups_is_not_taken_for_one_that_can_have_none() -> None:
    """A 400 that is really about the request must not make a whole project pass."""
    with serving(build_scenario("fleet:2x1", now=NOW)) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", status=400, message="No such parameter."))
        found = audited(server)
    assert [it.error for it in found.report.read_failures] == ["400: No such parameter."] * 2
    has_schedule = {it.compliance for it in found.report.findings if it.control == "index-has-schedule"}
    assert has_schedule == {"INSUFFICIENT_DATA"}
    assert calls(server)["GET /indexes/*/backups"] == 2
