"""Pages of the simulator's listings, and the traps in them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from support.simulator import NEW, NOW, OLD, plain_client, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with 200 backups of one index."""
    world = SimulatedProject(NOW - timedelta(days=200, hours=1), options=SimulatorOptions(backup_quota=None))
    world.create_index("orders")
    world.create_schedule("orders", "nightly", retention_days=400)
    world.advance_to(NOW)
    with serving(world) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client of the newest version."""
    with plain_client(server) as found:
        yield found


def _walk(client: httpx.Client, **first: str | int) -> list[list[str]]:
    pages: list[list[str]] = []
    query: dict[str, Any] = dict(first)
    while len(pages) < 50:
        answer = client.get("/backups", params=query).json()
        pages.append([it["backup_id"] for it in answer["data"]])
        if not answer.get("pagination"):
            break
        query = {"paginationToken": answer["pagination"]["next"]}
    return pages


@pytest.mark.parametrize("version,size", [pytest.param(OLD, 10, id="old"), pytest.param(NEW, 100, id="new")])
def test_pages_have_the_size_of_their_family(server: Server, version: str, size: int) -> None:
    """Unless the first call says another."""
    with plain_client(server, version=version) as client:
        assert len(_walk(client)[0]) == size


def test_a_full_last_page_carries_a_token_and_an_empty_page_follows(client: httpx.Client) -> None:
    """Only a page that is not full says that it is the last."""
    assert [len(it) for it in _walk(client, limit=100)] == [100, 100, 0]
    assert [len(it) for it in _walk(client, limit=60)] == [60, 60, 60, 20]


def test_a_walk_shows_every_row_once(client: httpx.Client, server: Server) -> None:
    """As long as nothing changes."""
    shown = [it for page in _walk(client, limit=30) for it in page]
    assert len(shown) == 200
    assert set(shown) == {it.id for it in server.project.list_backups()}


def test_a_limit_beside_a_token_skips_or_repeats_rows(client: httpx.Client) -> None:
    """The next page begins where the token's own page size has it."""
    first = client.get("/backups", params={"limit": 20}).json()
    whole = _walk(client, limit=100)[0]
    for limit, second, third in ((5, whole[20:25], 40), (30, whole[20:50], 40)):
        query = {"paginationToken": first["pagination"]["next"], "limit": limit}
        answer = client.get("/backups", params=query).json()
        assert [it["backup_id"] for it in answer["data"]] == second
        after = client.get("/backups", params={"paginationToken": answer["pagination"]["next"]}).json()
        assert after["data"][0]["backup_id"] == whole[third]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1.5", "", "٣"])
def test_a_limit_outside_one_to_a_hundred_is_refused(client: httpx.Client, limit: str) -> None:
    """With 400."""
    assert client.get("/backups", params={"limit": limit}).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "MTAwOjEwMA==", "ÿ", "bm90OmE6dG9rZW4="])
def test_a_malformed_token_is_refused(client: httpx.Client, token: str) -> None:
    """With 400."""
    assert client.get("/backups", params={"paginationToken": token}).status_code == 400


def test_a_parameter_that_is_not_known_is_refused(client: httpx.Client) -> None:
    """With 400, so that a client that sends one is found out."""
    assert client.get("/backups", params={"offset": "3"}).status_code == 400
    assert client.get("/indexes", params={"limit": "3"}).status_code == 400


def test_a_row_goes_missing_when_one_before_it_is_deleted_between_two_pages(
    client: httpx.Client, server: Server
) -> None:
    """Without a trace: the walk ends well."""
    before = {it.id for it in server.project.list_backups()}

    def delete_first(world: SimulatedProject) -> None:
        world.remove_backup(world.list_backups()[0])

    server.faults.append(Fault(kind=FaultKind.SHIFT, path="/backups", after=1, times=1, change=delete_first))
    shown = [it for page in _walk(client, limit=30) for it in page]
    assert len(shown) == 199
    assert len(before - set(shown)) == 1
    assert before - set(shown) <= {it.id for it in server.project.list_backups()}


def test_a_row_is_repeated_when_one_is_created_between_two_pages(client: httpx.Client, server: Server) -> None:
    """The new one itself is not shown, since it stands before all others."""
    server.faults.append(
        Fault(kind="shift", path="/backups", after=1, times=1, change=lambda world: world.create_backup("orders"))
    )
    shown = [it for page in _walk(client, limit=30) for it in page]
    assert len(shown) == 201
    assert len(set(shown)) == 200


def test_a_server_can_repeat_its_token(client: httpx.Client, server: Server) -> None:
    """A walk that trusts it never ends."""
    server.faults.append(Fault(kind=FaultKind.REPEAT_TOKEN, path="/backups", after=1))
    pages = _walk(client, limit=30)
    assert len(pages) == 50
    assert pages[1] == pages[2]


def test_every_listing_is_paged(client: httpx.Client, server: Server) -> None:
    """Those of an index, of its schedules and of a history as well."""
    schedule_id = next(iter(server.project.schedules))
    for path, count in (
        ("/indexes/orders/backups", 1),
        ("/indexes/orders/backup-schedules", 1),
        (f"/backup-schedules/{schedule_id}/history", 1),
        ("/restore-jobs", 0),
    ):
        answer = client.get(path, params={"limit": 1}).json()
        assert len(answer["data"]) == count
        assert (answer["pagination"] is not None) is bool(count)
