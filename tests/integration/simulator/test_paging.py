"""Test the pages of the simulator's listings."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from support.simulator import NEW_VERSION, OLD_VERSION, SIMULATED_NOW, open_plain_client, serve


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with 200 backups of one index."""
    project = SimulatedProject(
        SIMULATED_NOW - timedelta(days=200, hours=1), options=SimulatorOptions(backup_quota=None)
    )
    project.create_index("orders")
    project.create_schedule("orders", "nightly", retention_days=400)
    project.advance_to(SIMULATED_NOW)
    with serve(project) as running_server:
        yield running_server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client of the newest version."""
    with open_plain_client(server) as plain_client:
        yield plain_client


def _read_pages(client: httpx.Client, **first_query: str | int) -> list[list[str]]:
    pages: list[list[str]] = []
    query: dict[str, Any] = dict(first_query)
    while len(pages) < 50:
        response = client.get("/backups", params=query).json()
        pages.append([it["backup_id"] for it in response["data"]])
        if not response.get("pagination"):
            break
        query = {"paginationToken": response["pagination"]["next"]}
    return pages


@pytest.mark.parametrize(
    "version,size", [pytest.param(OLD_VERSION, 10, id="old"), pytest.param(NEW_VERSION, 100, id="new")]
)
def test_the_default_page_size_depends_on_the_version(server: Server, version: str, size: int) -> None:
    """A page has 10 rows in the older version, and 100 in the newest one."""
    with open_plain_client(server, version=version) as client:
        assert len(_read_pages(client)[0]) == size


def test_a_full_last_page_is_followed_by_an_empty_page(client: httpx.Client) -> None:
    """Only a page that is not full has no token."""
    assert [len(it) for it in _read_pages(client, limit=100)] == [100, 100, 0]
    assert [len(it) for it in _read_pages(client, limit=60)] == [60, 60, 60, 20]


def test_a_read_has_every_row_once(client: httpx.Client, server: Server) -> None:
    """A read without concurrent changes has every row once."""
    shown_ids = [it for page in _read_pages(client, limit=30) for it in page]
    assert len(shown_ids) == 200
    assert set(shown_ids) == {it.id for it in server.project.list_backups()}


def test_a_limit_with_a_token_skips_or_repeats_rows(client: httpx.Client) -> None:
    """The start of the next page depends on the page size of the token."""
    first_page = client.get("/backups", params={"limit": 20}).json()
    all_ids = _read_pages(client, limit=100)[0]
    for limit, second_rows, third_position in ((5, all_ids[20:25], 40), (30, all_ids[20:50], 40)):
        query = {"paginationToken": first_page["pagination"]["next"], "limit": limit}
        response = client.get("/backups", params=query).json()
        assert [it["backup_id"] for it in response["data"]] == second_rows
        third_page = client.get("/backups", params={"paginationToken": response["pagination"]["next"]}).json()
        assert third_page["data"][0]["backup_id"] == all_ids[third_position]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1.5", "", "٣"])
def test_a_limit_outside_1_to_100_is_refused(client: httpx.Client, limit: str) -> None:
    """An invalid limit returns 400."""
    assert client.get("/backups", params={"limit": limit}).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "MTAwOjEwMA==", "ÿ", "bm90OmE6dG9rZW4="])
def test_a_malformed_token_is_refused(client: httpx.Client, token: str) -> None:
    """A malformed token returns 400."""
    assert client.get("/backups", params={"paginationToken": token}).status_code == 400


def test_an_unknown_parameter_is_refused(client: httpx.Client) -> None:
    """An unknown parameter returns 400."""
    assert client.get("/backups", params={"offset": "3"}).status_code == 400
    assert client.get("/indexes", params={"limit": "3"}).status_code == 400


def test_a_row_goes_missing_when_one_before_it_is_deleted_between_two_pages(
    client: httpx.Client, server: Server
) -> None:
    """A deletion between two pages hides an existing row without an error."""
    ids_before = {it.id for it in server.project.list_backups()}

    def delete_first_backup(project: SimulatedProject) -> None:
        project.remove_backup(project.list_backups()[0])

    server.faults.append(Fault(kind=FaultKind.SHIFT, path="/backups", after=1, times=1, change=delete_first_backup))
    shown_ids = [it for page in _read_pages(client, limit=30) for it in page]
    assert len(shown_ids) == 199
    assert len(ids_before - set(shown_ids)) == 1
    assert ids_before - set(shown_ids) <= {it.id for it in server.project.list_backups()}


def test_a_row_is_repeated_if_a_row_is_created_between_two_pages(client: httpx.Client, server: Server) -> None:
    """A creation between two pages repeats a row, and the new row is not in the read."""
    server.faults.append(
        Fault(kind="shift", path="/backups", after=1, times=1, change=lambda project: project.create_backup("orders"))
    )
    shown_ids = [it for page in _read_pages(client, limit=30) for it in page]
    assert len(shown_ids) == 201
    assert len(set(shown_ids)) == 200


def test_a_server_can_repeat_its_token(client: httpx.Client, server: Server) -> None:
    """A fault repeats a token, so that a read does not end."""
    server.faults.append(Fault(kind=FaultKind.REPEAT_TOKEN, path="/backups", after=1))
    pages = _read_pages(client, limit=30)
    assert len(pages) == 50
    assert pages[1] == pages[2]


def test_every_listing_is_paged(client: httpx.Client, server: Server) -> None:
    """The listings of backups, schedules, histories and restore jobs have pages."""
    schedule_id = next(iter(server.project.schedules))
    for path, count in (
        ("/indexes/orders/backups", 1),
        ("/indexes/orders/backup-schedules", 1),
        (f"/backup-schedules/{schedule_id}/history", 1),
        ("/restore-jobs", 0),
    ):
        response = client.get(path, params={"limit": 1}).json()
        assert len(response["data"]) == count
        assert (response["pagination"] is not None) is bool(count)
