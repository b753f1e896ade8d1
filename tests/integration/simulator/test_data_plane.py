"""Test the data plane of the simulator: the calls at the host of an index."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.model import Index, IndexKind
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from support.simulator import NEW_VERSION, OLD_VERSION, build_empty_project, open_plain_client, serve

FIELDS = {"_values": {"type": "dense_vector", "dimension": 8, "metric": "cosine"}}
DOCUMENT_FIELDS = {"body": {"type": "string", "full_text_search": {"language": "en"}}}
SPARSE_FIELDS = {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}
FIRST_ID, LAST_ID = "record-00000000", "record-00000099"
LIST_DOCUMENTS = "/namespaces/__default__/documents/list"
FETCH_DOCUMENTS = "/namespaces/__default__/documents/fetch"


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with an index of 300 records in three namespaces, and an index for each other kind of data."""
    project = build_empty_project()
    project.create_index("orders", fields=FIELDS, records=300, namespaces=3)
    project.create_index("articles", fields=DOCUMENT_FIELDS, records=300, namespaces=3)
    project.create_index("terms", fields=SPARSE_FIELDS, records=300, namespaces=3)
    project.create_index("ledgers", fields=FIELDS, kind=IndexKind.BYOC, environment="gcp-us-central1-b921")
    for name in ("orders", "articles"):
        project.create_backup(name)
    project.advance(timedelta(hours=1))
    with serve(project) as running_server:
        yield running_server


@contextmanager
def open_data_client(
    server: Server, name: str = "orders", *, version: str | None = NEW_VERSION, key: str | None = None
) -> Iterator[httpx.Client]:
    """Open a client at the host of an index, as the control plane returns it."""
    with open_plain_client(server, version=version, key=key or server.drill_key) as client:
        client.base_url = httpx.URL(
            client.get(f"/indexes/{name}", headers={"Api-Key": server.drill_key}).json()["host"]
        )
        yield client


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client at the host of the index of dense vectors."""
    with open_data_client(server) as data_client:
        yield data_client


def restore(server: Server, *damages: Damage, source: str = "orders") -> Index:
    """Restore the backup of an index, and wait until it is ready."""
    project = server.project
    project.damages.extend(damages)
    backup = next(it for it in project.backups.values() if it.index.name == source)
    job = project.create_index_from_backup(backup.id, "copy")
    project.advance(timedelta(minutes=10))
    return job.index


def read_counts(client: httpx.Client) -> dict[str, int]:
    """Return the count of each namespace by the statistics of the index."""
    namespaces = client.post("/describe_index_stats", json={}).json()["namespaces"]
    return {name: it["vectorCount"] for name, it in namespaces.items()}


def read_error(response: httpx.Response) -> tuple[int, int]:
    """Return the status of a refusal about vectors, and its code."""
    content = response.json()
    assert content.keys() == {"code", "message", "details"}
    return response.status_code, content["code"]


def test_an_index_has_no_host_until_it_is_ready(server: Server) -> None:
    """The host is absent while the index is initializing, and the data plane does not know the index."""
    server.project.options.index_creation_duration = timedelta(minutes=5)
    index = server.project.create_index("later", fields=FIELDS)
    with open_plain_client(server, key=server.drill_key) as client:
        assert "host" not in client.get("/indexes/later").json()
        path = f"/data/{index.host_label}/describe_index_stats"
        assert client.post(path, json={}).status_code == 404
        server.project.advance(timedelta(minutes=5))
        assert client.get("/indexes/later").json()["host"] == f"{server.url}/data/{index.host_label}"
        assert client.post(path, json={}).status_code == 200


def test_a_host_is_gone_with_its_index(server: Server, client: httpx.Client) -> None:
    """The host serves a terminating index, and neither a deleted index nor a later one of the same name."""
    server.project.options.index_deletion_duration = timedelta(minutes=5)
    server.project.delete_index("orders")
    assert read_counts(client)
    server.project.advance(timedelta(minutes=5))
    server.project.create_index("orders", fields=FIELDS)
    assert read_error(client.post("/describe_index_stats", json={})) == (404, 5)


@pytest.mark.parametrize(
    "name,traits",
    [
        pytest.param("orders", {"dimension": 8, "metric": "cosine", "vectorType": "dense"}, id="dense"),
        pytest.param("terms", {"metric": "dotproduct", "vectorType": "sparse"}, id="sparse"),
        pytest.param("articles", {}, id="documents"),
    ],
)
def test_statistics_have_counts_and_traits(server: Server, name: str, traits: dict[str, Any]) -> None:
    """Every kind of index has statistics; sparse vectors have no dimension, and documents only counts."""
    with open_data_client(server, name) as client:
        stats = client.post("/describe_index_stats", json={}).json()
    counts = {"__default__": 100, "tenant-00001": 100, "tenant-00002": 100}
    assert stats.pop("namespaces") == {name: {"vectorCount": count} for name, count in counts.items()}
    assert stats == {"indexFullness": 0.0, "totalVectorCount": 300} | traits


@pytest.mark.parametrize(
    "version,count", [pytest.param(OLD_VERSION, 100, id="old"), pytest.param(NEW_VERSION, "100", id="new")]
)
def test_the_counts_of_namespaces_are_text_in_the_newest_version(server: Server, version: str, count: object) -> None:
    """The record count of a namespace is an integer in older versions, and a decimal text in the newest one."""
    with open_data_client(server, version=version) as client:
        content = client.get("/namespaces").json()
    assert content["total_count"] == 3
    assert content["namespaces"][1] == {"name": "tenant-00001", "record_count": count}


def test_the_default_namespace_can_have_an_empty_name(server: Server, client: httpx.Client) -> None:
    """An option returns the default namespace without a name, and requests can use both names or none."""
    vectors = [
        client.get("/vectors/list", params=query).json()
        for query in ({}, {"namespace": ""}, {"namespace": "__default__"})
    ]
    assert [it["namespace"] for it in vectors] == ["__default__"] * 3
    assert vectors[0]["vectors"] == vectors[1]["vectors"] == vectors[2]["vectors"] != []
    server.project.options.default_namespace = ""
    assert list(read_counts(client)) == ["", "tenant-00001", "tenant-00002"]
    assert client.get("/namespaces").json()["namespaces"][0]["name"] == ""
    assert client.get("/vectors/list").json()["namespace"] == ""


def test_ids_are_listed_in_pages(client: httpx.Client) -> None:
    """A listing has every id once; a full last page has a token, and the page after it is empty."""
    pages: list[list[str]] = []
    query: dict[str, Any] = {"namespace": "tenant-00001", "limit": 50}
    while len(pages) < 9:
        content = client.get("/vectors/list", params=query).json()
        pages.append([it["id"] for it in content["vectors"]])
        if "pagination" not in content:
            break
        query["paginationToken"] = content["pagination"]["next"]
    assert [len(it) for it in pages] == [50, 50, 0]
    ids = [it for page in pages for it in page]
    assert ids == sorted(set(ids))


def test_listings_have_prefixes(client: httpx.Client) -> None:
    """A prefix selects ids and namespaces."""
    found = client.get("/vectors/list", params={"prefix": "record-0000009"}).json()["vectors"]
    assert [it["id"] for it in found] == [f"record-0000009{digit}" for digit in range(10)]
    content = client.get("/namespaces", params={"prefix": "tenant", "limit": 1}).json()
    assert [it["name"] for it in content["namespaces"]] == ["tenant-00001"]
    assert content["total_count"] == 2
    assert content["pagination"]["next"]


@pytest.mark.parametrize("path", ["/vectors/list", "/namespaces"])
@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"paginationToken": "x"}], ids=str)
def test_an_invalid_page_is_refused(client: httpx.Client, path: str, query: dict[str, str]) -> None:
    """An invalid limit or token returns 400."""
    assert read_error(client.get(path, params=query)) == (400, 3)


def test_missing_ids_are_absent_from_a_fetch(client: httpx.Client) -> None:
    """A fetch returns the records that exist, and an empty object for a namespace that does not."""
    query = {"ids": [FIRST_ID, "nothing", LAST_ID]}
    vectors = client.get("/vectors/fetch", params=query).json()["vectors"]
    assert list(vectors) == [FIRST_ID, LAST_ID]
    assert len(vectors[FIRST_ID]["values"]) == 8
    assert client.get("/vectors/fetch", params=query | {"namespace": "nothing"}).json()["vectors"] == {}


@pytest.mark.parametrize("count,status", [(0, 400), (1, 200), (1000, 200), (1001, 400)])
def test_a_fetch_has_1_to_1000_ids(client: httpx.Client, count: int, status: int) -> None:
    """A fetch without ids or with more than 1000 returns 400."""
    assert client.get("/vectors/fetch", params={"ids": [f"id-{it}" for it in range(count)]}).status_code == status


def test_a_record_finds_itself(client: httpx.Client) -> None:
    """A query with the vector or the id of a record returns this record first."""
    vector = client.get("/vectors/fetch", params={"ids": LAST_ID, "namespace": "tenant-00002"}).json()["vectors"][
        LAST_ID
    ]
    for body in ({"vector": vector["values"]}, {"id": LAST_ID}):
        members = {"namespace": "tenant-00002", "topK": 3, "includeValues": True}
        matches = client.post("/query", json=members | body).json()["matches"]
        assert len(matches) == 3
        assert matches[0]["id"] == LAST_ID
        assert matches[0]["score"] == pytest.approx(1)
        assert matches[0]["values"] == vector["values"]
    assert client.post("/query", json={"id": "nothing", "topK": 3}).json()["matches"] == []


def test_a_sparse_record_is_found(server: Server) -> None:
    """A query with the sparse vector or the id of a record returns it among others."""
    with open_data_client(server, "terms") as client:
        record = client.get("/vectors/fetch", params={"ids": FIRST_ID}).json()["vectors"][FIRST_ID]
        assert len(record["sparseValues"]["indices"]) == len(record["sparseValues"]["values"])
        for body in ({"sparseVector": record["sparseValues"]}, {"id": FIRST_ID}):
            matches = client.post("/query", json={"topK": 10} | body).json()["matches"]
            assert FIRST_ID in [it["id"] for it in matches]
        assert read_error(client.post("/query", json={"topK": 1, "vector": [1.0]})) == (400, 3)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"topK": 0, "id": "a"}, id="no-results"),
        pytest.param({"topK": 10_001, "id": "a"}, id="too-many-results"),
        pytest.param({"topK": 1}, id="nothing-to-find"),
        pytest.param({"topK": 1, "id": "a", "vector": [0.5] * 8}, id="two-things-to-find"),
        pytest.param({"topK": 1, "vector": []}, id="empty-vector"),
        pytest.param({"topK": 1, "vector": [0.5] * 7}, id="wrong-dimension"),
        pytest.param({"topK": 1, "vector": ["x"] * 8}, id="text"),
        pytest.param({"topK": 1, "vector": [math.nan] * 8}, id="nan"),
        pytest.param({"topK": 1, "vector": [10**400] * 8}, id="too-large"),
        pytest.param({"topK": 1, "sparseVector": {"indices": [1], "values": [1]}}, id="sparse"),
        pytest.param({"topK": 1, "id": "a", "filter": {"a": 1}}, id="unsupported"),
    ],
)
def test_an_invalid_query_is_refused(client: httpx.Client, body: dict[str, object]) -> None:
    """An invalid query returns 400 with the code of an invalid argument."""
    assert read_error(client.post("/query", content=json.dumps(body))) == (400, 3)


def test_documents_have_calls_of_their_own(server: Server) -> None:
    """Documents are listed in pages and fetched by id."""
    with open_data_client(server, "articles") as client:
        first_page = client.post(LIST_DOCUMENTS, json={"limit": 90}).json()
        token = first_page["pagination"]["next"]
        second_page = client.post(LIST_DOCUMENTS, json={"limit": 90, "pagination_token": token}).json()
        assert [len(it["documents"]) for it in (first_page, second_page)] == [90, 10]
        assert "pagination" not in second_page
        content = client.post(FETCH_DOCUMENTS, json={"ids": [FIRST_ID, "nothing"]}).json()
    assert content["documents"] == {FIRST_ID: {"_id": FIRST_ID, "body": f"The body of {FIRST_ID}."}}
    assert (content["namespace"], content["usage"]) == ("__default__", {"read_units": 1})


def test_document_and_vector_calls_exclude_each_other(server: Server, client: httpx.Client) -> None:
    """An index of documents refuses vector calls, and an index of vectors document calls, in their own formats."""
    with open_data_client(server, "articles") as document_client:
        for response in (
            document_client.get("/vectors/list"),
            document_client.get("/vectors/fetch", params={"ids": FIRST_ID}),
            document_client.post("/query", json={"topK": 1, "id": FIRST_ID}),
        ):
            assert read_error(response) == (400, 3)
        assert document_client.get("/namespaces").status_code == 200
    for path in (LIST_DOCUMENTS, FETCH_DOCUMENTS):
        response = client.post(path, json={"ids": [FIRST_ID]} if path == FETCH_DOCUMENTS else {})
        assert response.json()["error"]["code"] == "INVALID_ARGUMENT"
        assert response.json()["status"] == response.status_code == 400


def test_older_versions_have_no_documents(server: Server) -> None:
    """Document calls return 404 in older versions."""
    with open_data_client(server, "articles", version=OLD_VERSION) as client:
        assert client.post(LIST_DOCUMENTS, json={}).status_code == 404


@pytest.mark.parametrize(
    "key,version,status",
    [
        pytest.param("another", NEW_VERSION, 401, id="unknown-key"),
        pytest.param(Server.viewer_key, NEW_VERSION, 403, id="viewer"),
        pytest.param(Server.editor_key, NEW_VERSION, 403, id="editor"),
        pytest.param(Server.drill_key, "2019-01", 400, id="unknown-version"),
    ],
)
def test_the_gateway_refuses_in_plain_text(server: Server, key: str, version: str, status: int) -> None:
    """Keys without a role for the data plane are refused in plain text."""
    with open_data_client(server, key=key) as client:
        response = client.post("/describe_index_stats", json={}, headers={"X-Pinecone-Api-Version": version})
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/plain")


def test_a_byoc_index_is_not_read_from_here(server: Server) -> None:
    """A BYOC index has a private host, and its other host refuses in plain text."""
    with open_data_client(server, "ledgers") as client:
        for response in (client.post("/describe_index_stats", json={}), client.get("/vectors/list")):
            assert (response.status_code, response.text) == (401, "Unauthorized")
    with open_plain_client(server) as client:
        assert ".private." in client.get("/indexes/ledgers").json()["private_host"]
        assert "private_host" not in client.get("/indexes/orders").json()


def test_an_unknown_call_is_not_found_and_counts_as_a_write(server: Server, client: httpx.Client) -> None:
    """A call that the data plane does not have returns 404; calls that read are no writes, although they are POST."""
    assert client.post("/vectors/upsert", json={}).status_code == 404
    client.post("/describe_index_stats", json={})
    client.post("/query", json={"topK": 1, "id": FIRST_ID})
    client.post(LIST_DOCUMENTS, json={})
    assert [it.path.rpartition("/")[2] for it in server.requests if it.is_write] == ["upsert"]


def test_counts_can_lag_behind_by_polls(server: Server) -> None:
    """The first answers have low counts, in statistics and namespaces, and records are readable all the time."""
    restore(server, Damage(kind="late_stats", polls=2))
    with open_data_client(server, "copy") as client:
        assert len(client.get("/vectors/list").json()["vectors"]) == 100
        assert read_counts(client)["tenant-00001"] == 50
        assert client.get("/namespaces").json()["namespaces"][1]["record_count"] == "50"
        assert read_counts(client)["tenant-00001"] == 100


@pytest.mark.parametrize(
    "seconds,counts", [pytest.param(60, (150, 150, 300), id="late"), pytest.param(None, (150, 150, 150), id="never")]
)
def test_counts_can_lag_behind_by_time(server: Server, seconds: float | None, counts: tuple[int, ...]) -> None:
    """The counts are low for some seconds after the index is ready, or always."""
    restore(server, Damage(kind="late_stats", seconds=seconds))
    found = []
    with open_data_client(server, "copy") as client:
        for wait in (0, 59, 1):
            server.project.advance(timedelta(seconds=wait))
            found.append(client.post("/describe_index_stats", json={}).json()["totalVectorCount"])
    assert tuple(found) == counts


def test_damage_is_visible_in_answers(server: Server) -> None:
    """`NaN` is written as Python and most parsers read it; missing records are neither listed nor fetched."""
    restore(server, Damage(kind="nan_values", every=5), Damage(kind="missing_records", count=1))
    with open_data_client(server, "copy") as client:
        query = {"namespace": "tenant-00002", "ids": [FIRST_ID, LAST_ID]}
        vectors = client.get("/vectors/fetch", params=query).json()["vectors"]
        assert list(vectors) == [FIRST_ID]
        assert math.isnan(vectors[FIRST_ID]["values"][-1])
        assert read_counts(client)["tenant-00002"] == 99


def test_a_restored_index_has_the_data_of_its_source(server: Server, client: httpx.Client) -> None:
    """The restored index answers as the source does, and its documents are inherited."""
    restore(server)
    query = {"ids": [FIRST_ID, LAST_ID], "namespace": "tenant-00001"}
    with open_data_client(server, "copy") as copy_client:
        assert read_counts(copy_client) == read_counts(client)
        assert (
            copy_client.get("/vectors/fetch", params=query).json() == client.get("/vectors/fetch", params=query).json()
        )
    server.project.delete_index("copy")
    restore(server, source="articles")
    with open_data_client(server, "copy") as copy_client:
        assert copy_client.post(FETCH_DOCUMENTS, json={"ids": [FIRST_ID]}).json()["documents"]


@pytest.mark.parametrize(
    "status,is_text", [(400, True), (401, True), (403, True), (429, True), (404, False), (500, False), (503, False)]
)
def test_a_fault_has_the_format_of_the_data_plane(
    server: Server, client: httpx.Client, status: int, *, is_text: bool
) -> None:
    """A fault of the data plane is plain text or has the format of vector errors, with its headers."""
    server.faults.append(Fault(path="*/query", status=status, message="Slow down", headers={"Retry-After": "2"}))
    response = client.post("/query", json={"topK": 1, "id": FIRST_ID})
    assert (response.status_code, response.headers["retry-after"]) == (status, "2")
    if is_text:
        assert response.text == "Slow down"
    else:
        assert response.json()["message"] == "Slow down"
        assert read_error(response)[0] == status
    assert client.post("/describe_index_stats", json={}).status_code == 200


@pytest.mark.parametrize(
    "kind,error",
    [
        pytest.param(FaultKind.RESET, httpx.ReadError, id="reset"),
        pytest.param(FaultKind.RESET_AFTER_EFFECT, httpx.ReadError, id="lost-answer"),
        pytest.param(FaultKind.TRUNCATE, httpx.RemoteProtocolError, id="truncated"),
        pytest.param(FaultKind.HANG, httpx.ReadTimeout, id="hang"),
    ],
)
def test_the_data_plane_has_faults_of_connections(
    server: Server, client: httpx.Client, kind: FaultKind, error: type[Exception]
) -> None:
    """Faults of the connection apply to the data plane as to the control plane."""
    server.faults.append(Fault(kind=kind, path="/data/orders-*/vectors/fetch", times=1))
    with pytest.raises(error):
        client.get("/vectors/fetch", params={"ids": FIRST_ID}, timeout=0.05)
    assert client.get("/vectors/fetch", params={"ids": FIRST_ID}).status_code == 200


def test_a_listing_can_repeat_its_token(server: Server, client: httpx.Client) -> None:
    """A fault repeats the token of a listing, so that a read does not end."""
    server.faults.append(Fault(kind=FaultKind.REPEAT_TOKEN, path="*/vectors/list", after=1))
    first_page = client.get("/vectors/list", params={"limit": 40}).json()
    query = {"limit": 40, "paginationToken": first_page["pagination"]["next"]}
    second_page = client.get("/vectors/list", params=query).json()
    assert second_page["pagination"] == first_page["pagination"]
    assert [it["id"] for it in second_page["vectors"]] == [f"record-000000{number}" for number in range(40, 80)]
