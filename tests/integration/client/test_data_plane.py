"""Test the verification of a restored index at its host: each kind of index, each damage, each fault."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from backup_auditor.domain.drills.state_machine import AccessRefused, ReadFailed, VerifyIndex
from backup_auditor.domain.drills.verification import CheckName, CheckState, Verification
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.builders.drills import TARGET_NAME
from support.drills import (
    DENSE_FIELDS,
    DOCUMENT_FIELDS,
    INTEGRATED_FIELDS,
    SPARSE_FIELDS,
    TEXT_FIELDS,
    SimulatedDrill,
    build_backed_up_project,
    open_simulated_drill,
)

pytestmark = pytest.mark.writes
EUCLIDEAN_FIELDS = {"_values": DENSE_FIELDS["_values"] | {"metric": "euclidean"}}
PRODUCT_FIELDS = {"_values": DENSE_FIELDS["_values"] | {"metric": "dotproduct"}}


@pytest.fixture
def drill() -> Iterator[SimulatedDrill]:
    """Open a drill of dense vectors that is not yet restored."""
    with open_simulated_drill() as simulated_drill:
        yield simulated_drill


def verify(*damages: Damage, fields: dict[str, object] | None = None, sample_size: int = 30) -> Verification:
    """Restore the backup of an index with damage, and verify it once."""
    with open_simulated_drill(build_backed_up_project(fields), sample_size=sample_size) as drill:
        drill.restore(*damages)
        return drill.verify()


def get_check_states(verification: Verification, state: CheckState) -> set[CheckName]:
    """Return the checks with a state."""
    return {it.name for it in verification.checks if it.state is state}


def count_data_calls(server: Server) -> Counter[str]:
    """Count the requests at the host of the index, by the end of their paths."""
    return Counter(it.path.rpartition("/")[2] for it in server.requests if it.path.startswith("/data/"))


@pytest.mark.parametrize(
    "fields, queried",
    [
        pytest.param(DENSE_FIELDS, 30, id="cosine"),
        pytest.param(EUCLIDEAN_FIELDS, 30, id="euclidean"),
        pytest.param(PRODUCT_FIELDS, 0, id="dotproduct"),
        pytest.param(SPARSE_FIELDS, 0, id="sparse"),
        pytest.param(INTEGRATED_FIELDS, 30, id="integrated"),
        pytest.param(DOCUMENT_FIELDS, 0, id="documents-with-vectors"),
        pytest.param({"embedding": DENSE_FIELDS["_values"]}, 0, id="documents-of-vectors-only"),
        pytest.param(TEXT_FIELDS, 0, id="documents"),
    ],
)
def test_each_kind_of_index_is_verified(fields: dict[str, object], queried: int) -> None:
    """Counts agree, and the sample is read by the calls of the kind; only vectors with a safe metric are queried."""
    verification = verify(fields=fields)
    assert verification.state is CheckState.PASSED, verification.checks
    assert (verification.sampled, verification.queried) == (30, queried)
    assert get_check_states(verification, CheckState.FAILED) == set()


@pytest.mark.parametrize("fields", [DENSE_FIELDS, TEXT_FIELDS], ids=["vectors", "documents"])
@pytest.mark.parametrize("name", ["", "__default__"])
def test_the_default_namespace_has_two_names(name: str, fields: dict[str, object]) -> None:
    """The default namespace is counted and sampled under either name."""
    project = build_backed_up_project(fields, namespaces=1)
    project.options.default_namespace = name
    with open_simulated_drill(project) as drill:
        drill.restore()
        verification = drill.verify()
    assert verification.found is not None
    assert (verification.found.namespace_count, verification.found.record_count) == (1, 300)
    assert (verification.state, verification.sampled) == (CheckState.PASSED, 30)


@pytest.mark.parametrize("fields", [DENSE_FIELDS, SPARSE_FIELDS, INTEGRATED_FIELDS, DOCUMENT_FIELDS])
@pytest.mark.parametrize(
    "damage, check",
    [
        pytest.param(Damage(kind="missing_records"), CheckName.RECORD_COUNT, id="missing-record"),
        pytest.param(Damage(kind="missing_namespace"), CheckName.NAMESPACE_COUNT, id="missing-namespace"),
        pytest.param(Damage(kind="unreadable_records"), CheckName.SAMPLE, id="unreadable-records"),
        pytest.param(Damage(kind="nan_values"), CheckName.SAMPLE, id="not-finite"),
        pytest.param(Damage(kind="late_stats"), CheckName.RECORD_COUNT, id="late-counts"),
        pytest.param(Damage(kind="wrong_schema"), CheckName.METRIC, id="other-metric"),
    ],
)
def test_damage_fails_its_check(damage: Damage, check: CheckName, fields: dict[str, object]) -> None:
    """Each damage within counts or sample is found in each kind of index that has it."""
    damage.applied_count = 0
    verification = verify(damage, fields=fields)
    assert check in get_check_states(verification, CheckState.FAILED)
    assert verification.state is CheckState.FAILED


@pytest.mark.parametrize("fields", [DENSE_FIELDS, DOCUMENT_FIELDS], ids=["vectors", "documents"])
@pytest.mark.parametrize("kind", ["wrong_dimension", "nan_values"])
def test_one_damaged_record_in_the_sample_is_found(kind: str, fields: dict[str, object]) -> None:
    """A sample that covers every record finds one damaged record of each namespace."""
    verification = verify(Damage(kind=kind, every=1000), fields=fields, sample_size=300)
    assert verification.state is CheckState.FAILED
    assert not any(it.may_settle for it in verification.checks if it.state is CheckState.FAILED)
    assert verification.reasons[0].startswith("Damaged: 3 of 300 sampled records: 'record-00000000' in ")


def test_records_that_no_query_finds_fail_the_check() -> None:
    """A record that its own vector does not find may be indexed late, so a later read can pass."""
    verification = verify(Damage(kind="unsearchable_records"))
    assert get_check_states(verification, CheckState.FAILED) == {CheckName.OWN_VECTORS}
    assert not verification.is_conclusive


def test_counts_that_lag_pass_later(drill: SimulatedDrill) -> None:
    """The first read has too few records, and is not conclusive; the second one passes."""
    drill.restore(Damage(kind="late_stats", polls=1))
    first_verification, second_verification = drill.verify(), drill.verify()
    assert (first_verification.state, first_verification.is_conclusive) == (CheckState.FAILED, False)
    assert second_verification.state is CheckState.PASSED


def test_the_same_drill_samples_the_same_records(drill: SimulatedDrill) -> None:
    """The choice depends on the drill alone, so that a repeated run reads the same records."""
    drill.restore()
    fetches: list[list[tuple[str, ...]]] = []
    for _ in range(2):
        drill.server.requests.clear()
        drill.verify()
        fetches.append(sorted(tuple(it.ids) for it in drill.server.requests if it.path.endswith("/fetch")))
    assert fetches[0] == fetches[1]
    assert sum(map(len, fetches[0])) == 30


def test_each_namespace_is_listed_fetched_and_queried() -> None:
    """A sample of as many records as namespaces needs one listing, one fetch and one query of each."""
    with open_simulated_drill(build_backed_up_project(records=200, namespaces=40), sample_size=40) as drill:
        drill.restore()
        drill.server.requests.clear()
        assert drill.verify().state is CheckState.PASSED
        # the first listing shows whether the index has vectors or documents
        assert count_data_calls(drill.server) == {"describe_index_stats": 1, "list": 41, "fetch": 40, "query": 40}


@pytest.mark.parametrize("fields", [DENSE_FIELDS, TEXT_FIELDS], ids=["vectors", "documents"])
def test_a_large_sample_of_one_namespace_needs_several_pages(fields: dict[str, object]) -> None:
    """A sample with more records than a page is listed page by page, and fetched in batches."""
    with open_simulated_drill(build_backed_up_project(fields, namespaces=1), sample_size=250) as drill:
        drill.restore()
        drill.server.requests.clear()
        verification = drill.verify()
        calls = count_data_calls(drill.server)
    assert (verification.state, verification.sampled) == (CheckState.PASSED, 250)
    assert (calls["list"], calls["fetch"]) == (4, 3)


def test_an_empty_index_passes_without_a_sample() -> None:
    """An index without records has nothing to list."""
    project = build_backed_up_project()
    (backup,) = project.backups.values()
    backup.record_count = backup.namespace_count = 0
    with open_simulated_drill(project) as drill:
        drill.restore()
        drill.server.project.indexes[TARGET_NAME].records = drill.server.project.indexes[TARGET_NAME].namespaces = 0
        verification = drill.verify()
    assert (verification.state, verification.sampled) == (CheckState.PASSED, 0)


def serve_stats_without_empty_namespace(drill: SimulatedDrill) -> None:
    """Serve statistics of two namespaces, although the backup and the list of namespaces have three."""
    drill.restore()
    stats = {"namespaces": {"": {"vectorCount": 200}, "tenant-00001": {"vectorCount": 100}}, "totalVectorCount": 300}
    drill.server.faults.append(Fault(kind="garbage", body=json.dumps(stats), path="*/describe_index_stats"))


def get_namespace_state(verification: Verification) -> CheckState:
    """Return the result of the comparison of namespaces."""
    return next(it.state for it in verification.checks if it.name is CheckName.NAMESPACE_COUNT)


def test_namespaces_without_records_are_listed_when_statistics_leave_them_out(drill: SimulatedDrill) -> None:
    """The backup counts them, and the list of namespaces has them."""
    serve_stats_without_empty_namespace(drill)
    assert get_namespace_state(drill.verify()) is CheckState.PASSED
    assert count_data_calls(drill.server)["namespaces"] == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=501), id="not-listed"),
        pytest.param(Fault(kind="garbage", body='{"namespaces": [{"name": ""}]}'), id="as-few-listed"),
        pytest.param(Fault(kind="garbage", body='{"namespaces": [], "pagination": {"next": "t"}}'), id="endless"),
    ],
)
def test_namespaces_that_may_be_empty_are_not_verified(drill: SimulatedDrill, fault: Fault) -> None:
    """All records are there, so a missing namespace can be one without records."""
    serve_stats_without_empty_namespace(drill)
    drill.server.faults.append(Fault(kind=fault.kind, status=fault.status, body=fault.body, path="*/namespaces"))
    verification = drill.verify()
    assert (verification.state, verification.is_conclusive) == (CheckState.NOT_VERIFIED, False)
    assert verification.reasons == (
        "The restored index has 2 namespaces with records (backup: 3); the others may be empty.",
    )


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=401), id="key"),
        pytest.param(Fault(status=403), id="right"),
        pytest.param(Fault(status=429), id="throttled"),
        pytest.param(Fault(status=503), id="unavailable"),
        pytest.param(Fault(kind="reset"), id="reset"),
        pytest.param(Fault(kind="garbage"), id="page-of-a-proxy"),
    ],
)
@pytest.mark.parametrize("call", ["describe_index_stats", "vectors/list", "vectors/fetch", "query"])
def test_a_failed_read_is_not_a_result(drill: SimulatedDrill, call: str, fault: Fault) -> None:
    """Without statistics nothing is verified; without another read the sample is incomplete, with the reason.

    A refusal of the key that leaves nothing read is told apart: waiting for hours does not help.
    """
    drill.restore()
    drill.server.faults.append(Fault(kind=fault.kind, status=fault.status, path=f"/data/*/{call}"))
    is_refused = fault.status in {401, 403} and fault.kind == "status"
    if call == "describe_index_stats" or (is_refused and call != "query"):
        expected_type = AccessRefused if is_refused else ReadFailed
        assert isinstance(drill.call(VerifyIndex(drill.read_index())), expected_type)
        return
    verification = drill.verify()
    assert verification.state is CheckState.NOT_VERIFIED
    assert not verification.is_conclusive
    assert verification.reasons[0].startswith("The sample is incomplete: ")


@pytest.mark.parametrize("status", [429, 503])
def test_a_transient_failure_of_a_read_is_retried(drill: SimulatedDrill, status: int) -> None:
    """Reads by POST are retried like others, because they change nothing."""
    drill.restore()
    drill.server.faults += [
        Fault(status=status, path=f"/data/*/{call}", times=2) for call in ("describe_index_stats", "query", "fetch")
    ]
    assert drill.verify().state is CheckState.PASSED


@pytest.mark.parametrize(
    "stats",
    [
        pytest.param({"namespaces": {"": {"vectorCount": 3}}, "totalVectorCount": 4}, id="another-total"),
        pytest.param({"namespaces": {}, "totalVectorCount": 300}, id="no-namespaces"),
        pytest.param({"namespaces": {"": {"vectorCount": -1}}, "totalVectorCount": -1}, id="negative"),
        pytest.param({"namespaces": {"": 3}, "totalVectorCount": 3}, id="other-shape"),
        pytest.param({"namespaces": [1], "totalVectorCount": 1}, id="no-object"),
        pytest.param({"namespaces": {"\ud800": {"vectorCount": 1}}, "totalVectorCount": 1}, id="half-a-character"),
    ],
)
def test_statistics_that_cannot_be_trusted_are_not_a_result(drill: SimulatedDrill, stats: object) -> None:
    """Counts that contradict each other or cannot be parsed show nothing about the restore."""
    drill.restore()
    drill.server.faults.append(Fault(kind="garbage", body=json.dumps(stats), path="*/describe_index_stats"))
    assert isinstance(drill.call(VerifyIndex(drill.read_index())), ReadFailed)


def test_counts_of_both_default_names_count_once(drill: SimulatedDrill) -> None:
    """Statistics that have the default namespace under both names are of one namespace."""
    drill.restore()
    names = {"": {"vectorCount": "300"}, "__default__": {"vectorCount": "300"}}
    body = json.dumps({"namespaces": names, "totalVectorCount": "300"})
    drill.server.faults.append(Fault(kind="garbage", body=body, path="*/describe_index_stats"))
    found = drill.verify().found
    assert found is not None
    assert found.record_count == 300


@pytest.mark.parametrize("value", ["null", '"NaN"', '"Infinity"', "NaN", "-Infinity", "1e999", "[]"])
def test_a_value_that_is_no_finite_number_is_damage(drill: SimulatedDrill, value: str) -> None:
    """Writers of JSON have several texts for a value that is not finite."""
    drill.restore()
    vectors = {f"record-{position:08d}": {"values": [1]} for position in range(300)}
    body = json.dumps({"vectors": vectors}).replace("[1]", f"[0, 0, 0, 0, 0, 0, 0, {value}]")
    drill.server.faults.append(Fault(kind="garbage", body=body, path="*/vectors/fetch"))
    verification = drill.verify()
    assert verification.state is CheckState.FAILED
    assert "has a value that is not finite" in verification.reasons[0]


@pytest.mark.parametrize(
    "path, body, reason",
    [
        ("*/vectors/list", {"vectors": [{"id": 7}]}, 'the ids under "vectors" cannot be parsed'),
        ("*/vectors/list", {"vectors": [{"id": "\ud800"}]}, 'the ids under "vectors" cannot be parsed'),
        ("*/vectors/list", {"vectors": 7}, 'the ids under "vectors" cannot be parsed'),
        ("*/vectors/list", {}, "lists 0 ids of 10 to sample"),
        ("*/vectors/fetch", {"vectors": [7]}, 'the records under "vectors" cannot be parsed'),
        ("*/query", {"matches": [7]}, "the matches cannot be parsed"),
    ],
)
def test_a_response_of_another_shape_makes_the_sample_incomplete(
    drill: SimulatedDrill, path: str, body: object, reason: str
) -> None:
    """A response that cannot be parsed is a failure of the sample, never damage and never an exception."""
    drill.restore()
    drill.server.faults.append(Fault(kind="garbage", body=json.dumps(body), path=path))
    verification = drill.verify()
    assert verification.state is CheckState.NOT_VERIFIED
    assert reason in verification.reasons[0]


def test_vectors_of_zeros_are_not_queried(drill: SimulatedDrill) -> None:
    """A vector of zeros has no cosine, so Pinecone refuses a query with it."""
    drill.restore()
    vectors = {f"record-{position:08d}": {"values": [0.0] * 8} for position in range(300)}
    drill.server.faults.append(Fault(kind="garbage", body=json.dumps({"vectors": vectors}), path="*/vectors/fetch"))
    verification = drill.verify()
    assert (verification.state, verification.queried) == (CheckState.PASSED, 0)
    assert count_data_calls(drill.server)["query"] == 0


def test_an_index_of_a_private_network_cannot_be_read() -> None:
    """The host of an index in the account of its owner answers only there."""
    project = build_backed_up_project(kind=IndexKind.BYOC, environment="gcp-us-central1-b921")
    with open_simulated_drill(project) as drill:
        index = drill.restore()
        failed = drill.call(VerifyIndex(index))
    assert failed == AccessRefused("401: Unauthorized")


def test_a_key_without_rights_to_records_reads_nothing() -> None:
    """The gateway refuses the key in plain text; the observation has the text."""
    with open_simulated_drill(key=Server.editor_key) as drill:
        failed = drill.call(VerifyIndex(drill.restore()))
    assert failed == AccessRefused("403: Forbidden")


def test_an_index_without_a_host_cannot_be_read(drill: SimulatedDrill) -> None:
    """An index that still initializes has no host."""
    drill.request()
    failed = drill.call(VerifyIndex(drill.read_index()))
    assert failed == ReadFailed(f"index '{TARGET_NAME}' has no host")


def test_only_reads_are_sent_to_the_host(drill: SimulatedDrill) -> None:
    """A verification writes nothing, and every request has the API version of the connection."""
    drill.restore()
    drill.server.requests.clear()
    drill.verify()
    assert not any(it.is_write for it in drill.server.requests)
    assert {it.version for it in drill.server.requests} == {"2026-07"}
