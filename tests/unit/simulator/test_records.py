"""The generated records of an index, and the damage of restored ones."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backup_auditor_simulator.damages import Damage, DamageKind
from backup_auditor_simulator.model import Index
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.records import DEFAULT_NAMESPACE, RecordSet, build_record_set

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
SPARSE_FIELDS = {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}
DOCUMENT_FIELDS = {"body": {"type": "string"}, "meaning": {"type": "dense_vector", "dimension": 4, "metric": "cosine"}}


def _build_vector_fields(metric: str, dimension: int = 8) -> dict[str, Any]:
    return {"_values": {"type": "dense_vector", "dimension": dimension, "metric": metric}}


def _restore(*damages: Damage, **traits: Any) -> tuple[Index, Index]:
    """Return an index, and the one that was restored from its backup."""
    project = SimulatedProject(START)
    index_traits: dict[str, Any] = {"records": 100, "namespaces": 3, "fields": _build_vector_fields("cosine")} | traits
    source = project.create_index("orders", **index_traits)
    backup = project.create_backup("orders")
    project.advance(timedelta(hours=1))
    project.damages.extend(damages)
    return source, project.create_index_from_backup(backup.id, "copy").index


def _build_restored_records(*damages: Damage, **traits: Any) -> RecordSet:
    return build_record_set(_restore(*damages, **traits)[1])


def _list_all(records: RecordSet) -> list[tuple[str, str]]:
    return [(namespace, it) for namespace in records.counts for it in records.list_ids(namespace)]


def _find_first(records: RecordSet, namespace: str, record_id: str) -> str:
    record = records.read_record(namespace, record_id)
    assert record is not None
    return records.search_dense(namespace, record["values"], 1)[0][0]


def test_records_are_spread_over_sorted_namespaces() -> None:
    """The counts of the namespaces differ by at most one, and their sum is the count of the index."""
    records = _build_restored_records()
    assert records.counts == {DEFAULT_NAMESPACE: 34, "tenant-00001": 33, "tenant-00002": 33}
    assert list(records.counts) == sorted(records.counts)


@pytest.mark.parametrize("count, namespaces", [(0, 0), (0, 1), (1, 3), (2, 2)])
def test_small_indexes_have_exact_counts(count: int, namespaces: int) -> None:
    """An index with few records or none has all of its namespaces."""
    records = _build_restored_records(records=count, namespaces=namespaces)
    assert (len(records.counts), sum(records.counts.values())) == (namespaces, count)
    assert len(_list_all(records)) == count


def test_ids_are_sorted_and_selected_by_prefix() -> None:
    """The ids of a namespace are sorted, and a prefix selects a part of them."""
    ids = list(_build_restored_records().list_ids(DEFAULT_NAMESPACE))
    assert ids == sorted(ids)
    assert list(_build_restored_records().list_ids(DEFAULT_NAMESPACE, "record-0000001")) == ids[10:20]
    assert list(_build_restored_records().list_ids(DEFAULT_NAMESPACE, "x")) == []


def test_a_large_index_is_read_by_position() -> None:
    """Any page of ten million records is computed without the others."""
    records = _build_restored_records(records=10_000_000, namespaces=1)
    ids = records.list_ids(DEFAULT_NAMESPACE)
    assert list(ids[10_009_998:10_009_999_999]) == ["record-10009998", "record-10009999"]
    assert len(ids) == 10_010_000
    assert _find_first(records, DEFAULT_NAMESPACE, "record-09876543") == "record-09876543"


@pytest.mark.parametrize("fields", [_build_vector_fields("cosine"), SPARSE_FIELDS, DOCUMENT_FIELDS])
def test_a_restored_index_has_the_records_of_its_source(fields: dict[str, Any]) -> None:
    """Each record of the restored index equals that of the source."""
    source, restored = (build_record_set(it) for it in _restore(fields=fields))
    for namespace, record_id in _list_all(restored):
        assert restored.read_record(namespace, record_id) == source.read_record(namespace, record_id)
        assert restored.read_document(namespace, record_id) == source.read_document(namespace, record_id)


def test_records_differ() -> None:
    """No two records of an index have the same values, and no two indexes the same record."""
    records, other_records = (_build_restored_records(), build_record_set(_build_other_index()))
    values = [str(records.read_record(*it)) for it in _list_all(records)]
    assert len(set(values)) == 100
    assert records.read_record(DEFAULT_NAMESPACE, "record-00000001") != other_records.read_record(
        DEFAULT_NAMESPACE, "record-00000001"
    )


def _build_other_index() -> Index:
    return SimulatedProject(START, seed=1).create_index("orders", fields=_build_vector_fields("cosine"))


@pytest.mark.parametrize(
    "record_id", ["", "record-", "record-1", "record-00000034", "record-0000000\N{ARABIC-INDIC DIGIT ONE}", "00000001"]
)
def test_an_unknown_id_is_no_record(record_id: str) -> None:
    """An id that is not listed has no record."""
    assert _build_restored_records().read_record(DEFAULT_NAMESPACE, record_id) is None
    assert _build_restored_records().search_near_record(DEFAULT_NAMESPACE, record_id, 3) == []


@pytest.mark.parametrize("dimension", [2, 8, 256])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_own_vector_of_a_record_finds_it_first(metric: str, dimension: int) -> None:
    """A query with the vector of a record returns this record first, for cosine and euclidean."""
    records = _build_restored_records(fields=_build_vector_fields(metric, dimension))
    for namespace, record_id in _list_all(records)[::7]:
        assert _find_first(records, namespace, record_id) == record_id


def test_the_dot_product_can_find_another_record_first() -> None:
    """A query with the vector of a record returns another record first for some of them, by the dot product."""
    records = _build_restored_records(fields=_build_vector_fields("dotproduct"))
    found = [_find_first(records, *it) == it[1] for it in _list_all(records)]
    assert 0 < sum(found) < len(found)


def test_a_query_returns_as_many_records_as_there_are() -> None:
    """A query returns `top_k` records, or all records of the namespace; the scores are ordered."""
    records = _build_restored_records()
    for top_k, count in ((1, 1), (20, 20), (500, 34)):
        scores = [score for _, score in records.search_near_record(DEFAULT_NAMESPACE, "record-00000030", top_k)]
        assert len(scores) == count
        assert scores == sorted(scores, reverse=True)
    assert records.search_dense("unknown", [0.0] * 8, 5) == []


@pytest.mark.parametrize("first_value", [-1e38, 0.0, 1e38])
def test_any_vector_finds_records(first_value: float) -> None:
    """A vector of no record finds records, too."""
    records = _build_restored_records(fields=_build_vector_fields("euclidean"))
    assert len(records.search_dense(DEFAULT_NAMESPACE, [first_value, *[1.0] * 7], 5)) == 5


@pytest.mark.parametrize(
    "damage,counts",
    [
        pytest.param(Damage(kind="missing_records", count=2), [34, 33, 31], id="records"),
        pytest.param(Damage(kind="missing_records", count=40), [34, 26, 0], id="more-records-than-a-namespace"),
        pytest.param(Damage(kind="missing_records", count=400), [0, 0, 0], id="more-records-than-there-are"),
        pytest.param(Damage(kind="missing_namespace"), [34, 33], id="namespace"),
    ],
)
def test_records_and_namespaces_can_be_missing(damage: Damage, counts: Sequence[int]) -> None:
    """Missing records are neither counted nor listed nor read."""
    records = _build_restored_records(damage)
    assert list(records.counts.values()) == counts
    assert len(_list_all(records)) == sum(counts)
    assert records.read_record("tenant-00002", "record-00000032") is None


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize(
    "kind", [DamageKind.UNREADABLE_RECORDS, DamageKind.NAN_VALUES, DamageKind.WRONG_DIMENSION], ids=str
)
@pytest.mark.parametrize("fields", [_build_vector_fields("cosine"), SPARSE_FIELDS], ids=["dense", "sparse"])
def test_records_are_damaged_at_intervals(kind: DamageKind, every: int, fields: dict[str, Any]) -> None:
    """The first record of each namespace and every so many after it differ from the source, the others are equal."""
    source, restored = (build_record_set(it) for it in _restore(Damage(kind=kind, every=every), fields=fields))
    for namespace in restored.counts:
        for position, record_id in enumerate(restored.list_ids(namespace)):
            record, source_record = (it.read_record(namespace, record_id) for it in (restored, source))
            assert (record == source_record) is (position % every != 0)


def test_damaged_values_are_not_finite_or_too_few() -> None:
    """A record with `NaN` keeps its dimension, and one with a wrong dimension has a value less."""
    damages = [Damage(kind="nan_values"), Damage(kind="wrong_dimension")]
    for damage, dimension, are_finite in zip(damages, (8, 7), (False, True), strict=True):
        record = _build_restored_records(damage).read_record(DEFAULT_NAMESPACE, "record-00000000") or {}
        assert len(record["values"]) == dimension
        assert all(map(math.isfinite, record["values"])) is are_finite


def test_damages_of_values_are_combined() -> None:
    """A record can have a value less and `NaN`."""
    records = _build_restored_records(Damage(kind="nan_values"), Damage(kind="wrong_dimension"))
    record = records.read_record(DEFAULT_NAMESPACE, "record-00000000") or {}
    assert len(record["values"]) == 7
    assert math.isnan(record["values"][-1])


def test_documents_are_damaged_like_records() -> None:
    """A damage of values is in the vector field of a document."""
    records = _build_restored_records(Damage(kind="wrong_dimension"), fields=DOCUMENT_FIELDS)
    document = records.read_document(DEFAULT_NAMESPACE, "record-00000000") or {}
    assert document["_id"] == "record-00000000"
    assert document["body"]
    assert len(document["meaning"]) == 3


def test_a_record_can_be_missing_from_queries() -> None:
    """A record that no query finds is returned by a fetch."""
    records = _build_restored_records(Damage(kind="unsearchable_records", every=2))
    assert _find_first(records, DEFAULT_NAMESPACE, "record-00000003") == "record-00000003"
    assert _find_first(records, DEFAULT_NAMESPACE, "record-00000004") != "record-00000004"


@pytest.mark.parametrize(
    "fields,other_fields",
    [
        pytest.param(_build_vector_fields("cosine", 8), _build_vector_fields("dotproduct", 9), id="dense"),
        pytest.param(SPARSE_FIELDS, {"_sparse_values": {"type": "sparse_vector", "metric": "cosine"}}, id="sparse"),
        pytest.param({"body": {"type": "string"}}, {"body": {"type": "string"}}, id="documents-without-vectors"),
    ],
)
def test_a_restored_index_can_have_another_schema(fields: dict[str, Any], other_fields: dict[str, Any]) -> None:
    """The restored index has another dimension and another metric, and the source keeps its own."""
    source, restored = _restore(Damage(kind="wrong_schema"), fields=fields)
    assert (source.fields, restored.fields) == (fields, other_fields)
