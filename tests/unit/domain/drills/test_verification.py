"""Test the comparison of a restored index with the figures of its backup."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.drills.verification import (
    QUERY_LIMIT,
    CheckName,
    CheckState,
    ContentCheck,
    ExpectedContent,
    FetchedRecord,
    FoundContent,
    FoundSample,
    SampledRecord,
    Verification,
    allocate_sample,
    build_failed_verification,
    build_verification,
    can_query_own_vector,
    choose_ids,
    merge_default_namespace,
)
from support.builders.drills import EXPECTED, FOUND, SAMPLE, build_sampled_record


def find_check(verification: Verification, name: CheckName) -> ContentCheck:
    """Return the check with a name."""
    (check,) = [it for it in verification.checks if it.name is name]
    return check


def check_sampled(*records: SampledRecord, found: FoundContent = FOUND, **facts: Any) -> Verification:
    """Verify an index whose sample has these records."""
    return build_verification(EXPECTED, found, FoundSample(records, **facts))


def number_scores(scores: list[float]) -> dict[str, float]:
    """Return scores of other records."""
    return {f"copy-{number}": score for number, score in enumerate(scores)}


def test_an_equal_index_passes() -> None:
    """Every check passes, and nothing has to be explained."""
    verification = build_verification(EXPECTED, FOUND, SAMPLE)
    assert {it.state for it in verification.checks} == {CheckState.PASSED}
    assert (verification.state, verification.is_conclusive, verification.reasons) == (CheckState.PASSED, True, ())
    assert [it.name for it in verification.checks] == list(CheckName)
    assert (verification.sampled, verification.queried) == (3, 3)


@pytest.mark.parametrize(
    "changes,name,detail,is_conclusive",
    [
        pytest.param({"dimension": 3}, CheckName.DIMENSION, "The dimension is 3 (backup: 2).", True, id="dimension"),
        pytest.param(
            {"metric": "euclidean"}, CheckName.METRIC, "The metric is euclidean (backup: cosine).", True, id="metric"
        ),
        pytest.param(
            {"vector_type": "sparse"},
            CheckName.VECTOR_TYPE,
            "The vector type is sparse (backup: dense).",
            True,
            id="vector-type",
        ),
        pytest.param(
            {"namespaces": {"": 1, "tenant-1": 1}},
            CheckName.RECORD_COUNT,
            "The restored index has 2 records (backup: 3).",
            False,
            id="missing-record",
        ),
        pytest.param(
            {"namespaces": {"": 3, "tenant-1": 1}},
            CheckName.RECORD_COUNT,
            "The restored index has 4 records (backup: 3).",
            False,
            id="additional-record",
        ),
        pytest.param(
            {"namespaces": {"": 2}},
            CheckName.NAMESPACE_COUNT,
            "The restored index has 1 namespace with records (backup: 2).",
            False,
            id="missing-namespace",
        ),
        pytest.param(
            {"namespaces": {"": 1, "tenant-1": 1, "tenant-2": 1}},
            CheckName.NAMESPACE_COUNT,
            "The restored index has 3 namespaces with records (backup: 2).",
            False,
            id="additional-namespace",
        ),
    ],
)
def test_a_mismatch_fails(changes: dict[str, Any], name: CheckName, detail: str, is_conclusive: bool) -> None:
    """The reason has both figures. Counts lag, so a later read can still agree."""
    verification = build_verification(EXPECTED, replace(FOUND, **changes), SAMPLE)
    check = find_check(verification, name)
    assert (check.state, check.detail, check.may_settle) == (CheckState.FAILED, detail, not is_conclusive)
    assert (verification.state, verification.is_conclusive) == (CheckState.FAILED, is_conclusive)
    assert detail in verification.reasons


@pytest.mark.parametrize("namespaces", [{"": 2, "t": 1}, {"__default__": 2, "t": 1}, {"": 2, "__default__": 2, "t": 1}])
def test_the_default_namespace_has_two_names(namespaces: dict[str, int]) -> None:
    """Under either name, or under both, it is one namespace."""
    assert merge_default_namespace(namespaces) == {"__default__": 2, "t": 1}
    assert build_verification(EXPECTED, replace(FOUND, namespaces=namespaces), SAMPLE).state is CheckState.PASSED


@pytest.mark.parametrize("expected_count,state", [(2, "passed"), (3, "passed"), (1, "failed"), (4, "not_verified")])
def test_a_backup_may_count_empty_namespaces(expected_count: int, state: str) -> None:
    """Sources do not say whether a namespace without records counts, nor whether statistics have it."""
    found = replace(FOUND, namespaces={"": 2, "tenant-1": 1, "empty": 0})
    verification = build_verification(replace(EXPECTED, namespace_count=expected_count), found, SAMPLE)
    check = find_check(verification, CheckName.NAMESPACE_COUNT)
    assert (check.state, check.may_settle) == (state, state in {"failed", "not_verified"})


@pytest.mark.parametrize("field", ["record_count", "namespace_count"])
def test_an_unknown_count_of_the_backup_is_not_verified(field: str) -> None:
    """Without it, the drill proves less than the policy requires; a later read changes nothing."""
    verification = build_verification(replace(EXPECTED, **{field: None}), FOUND, SAMPLE)
    assert (verification.state, verification.is_conclusive) == (CheckState.NOT_VERIFIED, True)
    noun = field.removesuffix("_count")
    assert f"The backup does not have its number of {noun}s." in verification.reasons


@pytest.mark.parametrize("field", ["dimension", "metric", "vector_type"])
def test_an_unknown_setting_of_the_backup_is_named(field: str) -> None:
    """Newer API versions do not report all of them, so the other checks decide."""
    verification = build_verification(replace(EXPECTED, **{field: None}), FOUND, SAMPLE)
    check = find_check(verification, CheckName(field))
    assert (check.state, verification.state) == (CheckState.NOT_VERIFIED, CheckState.PASSED)
    assert check.detail == f"The backup does not have its {field.replace('_', ' ')}."


def test_an_unknown_setting_of_the_index_is_named() -> None:
    """A sparse index has no dimension."""
    check = find_check(build_verification(EXPECTED, replace(FOUND, dimension=None), SAMPLE), CheckName.DIMENSION)
    assert check.detail == "The restored index does not report its dimension."


@pytest.mark.parametrize(
    "record,fault",
    [
        pytest.param(FetchedRecord([0.5]), "has 1 dimension instead of 2", id="too-short"),
        pytest.param(FetchedRecord([0.5, float("nan")]), "has a value that is not finite", id="not-a-number"),
        pytest.param(FetchedRecord([0.5, float("-inf")]), "has a value that is not finite", id="infinite"),
        pytest.param(
            FetchedRecord([0.5, 0.5], [1], [float("inf")]), "has a value that is not finite", id="infinite-sparse-value"
        ),
        pytest.param(
            FetchedRecord(None, [1, 2], [0.5]), "has another number of sparse values than of indices", id="sparse"
        ),
        pytest.param(FetchedRecord(), "has no dense vector", id="no-vector"),
        pytest.param(FetchedRecord(None, [1], [0.5]), "has no dense vector", id="sparse-values-only"),
    ],
)
def test_a_damaged_record_fails(record: FetchedRecord, fault: str) -> None:
    """Waiting does not repair it."""
    verification = check_sampled(build_sampled_record("a", "tenant-1", record=record))
    assert (verification.state, verification.is_conclusive) == (CheckState.FAILED, True)
    assert verification.reasons[0] == f"Damaged: 1 of 1 sampled record: 'a' in 'tenant-1' {fault}."


@pytest.mark.parametrize("expected_type,found_type", [("dense", None), (None, "dense")])
def test_a_record_of_a_dense_index_needs_a_dense_vector(expected_type: str | None, found_type: str | None) -> None:
    """The backup or the index says that the vectors are dense."""
    record = build_sampled_record("a", record=FetchedRecord(None, [1], [0.5]), scores_by_id=None)
    expected, found = replace(EXPECTED, vector_type=expected_type), replace(FOUND, vector_type=found_type)
    assert build_verification(expected, found, FoundSample((record,))).state is CheckState.FAILED


def test_a_sparse_record_has_sparse_values() -> None:
    """It passes with them, and fails without any."""
    expected = replace(EXPECTED, dimension=None, metric="dotproduct", vector_type="sparse")
    found = replace(FOUND, dimension=None, metric="dotproduct", vector_type="sparse")
    record = build_sampled_record("a", record=FetchedRecord(None, [1], [0.5]), scores_by_id=None)
    assert build_verification(expected, found, FoundSample((record,))).state is CheckState.PASSED
    empty_record = replace(record, record=FetchedRecord())
    (reason,) = build_verification(expected, found, FoundSample((empty_record,))).reasons
    assert reason == "Damaged: 1 of 1 sampled record: 'a' in '' has no vector."


def test_the_first_damaged_records_are_named() -> None:
    """The others are counted."""
    records = [build_sampled_record(it, record=FetchedRecord([0.5])) for it in "abcde"]
    (detail,) = check_sampled(*records).reasons
    assert detail.count("has 1 dimension ") == 3
    assert detail.endswith(", and 2 more.")


@pytest.mark.parametrize("dimension", [None, 2])
def test_the_dimension_of_the_index_counts_if_the_backup_has_none(dimension: int | None) -> None:
    """The vectors of the restored index must at least agree with it."""
    expected = replace(EXPECTED, dimension=None)
    record = build_sampled_record("a", record=FetchedRecord([0.5, 0.5, 0.5]))
    found = replace(FOUND, dimension=dimension)
    state = build_verification(expected, found, FoundSample((record,))).state
    assert state is (CheckState.PASSED if dimension is None else CheckState.FAILED)


def test_a_listed_record_that_cannot_be_fetched_fails() -> None:
    """A later read can find it."""
    verification = check_sampled(build_sampled_record("a", record=None, scores_by_id=None))
    assert (verification.state, verification.is_conclusive, verification.sampled) == (CheckState.FAILED, False, 0)
    assert verification.reasons == ("Listed, but not fetched: 1 of 1 sampled record: 'a' in ''.",)


def test_a_sample_that_could_not_be_read_is_not_verified() -> None:
    """The reason is that of the failed read; a later read can succeed."""
    verification = check_sampled(*SAMPLE.records, failure="GET /vectors/list: 503 to the end")
    assert (verification.state, verification.is_conclusive) == (CheckState.NOT_VERIFIED, False)
    assert verification.reasons == ("The sample is incomplete: GET /vectors/list: 503 to the end.",)
    assert check_sampled().reasons == ("No record of the restored index was listed.",)


def test_an_empty_backup_restores_to_an_empty_index() -> None:
    """There is nothing to sample."""
    expected = replace(EXPECTED, record_count=0, namespace_count=0)
    assert build_verification(expected, replace(FOUND, namespaces={}), FoundSample()).state is CheckState.PASSED


def test_documents_of_texts_have_no_vectors() -> None:
    """They are listed and fetched, and no query is expected to find them."""
    expected = replace(EXPECTED, dimension=None, metric=None, vector_type=None)
    found = replace(FOUND, dimension=None, metric=None, vector_type=None)
    record = build_sampled_record("a", record=FetchedRecord(), scores_by_id=None)
    verification = build_verification(expected, found, FoundSample((record,), holds_documents=True))
    assert verification.state is CheckState.PASSED
    assert find_check(verification, CheckName.OWN_VECTORS).state is CheckState.NOT_VERIFIED


def test_documents_without_the_vectors_of_their_schema_are_not_verified() -> None:
    """A document may leave its vector out; that none of the sample has one is no proof."""
    bare_record = build_sampled_record("a", record=FetchedRecord(), scores_by_id=None)
    verification = check_sampled(bare_record, holds_documents=True)
    assert (verification.state, verification.is_conclusive) == (CheckState.NOT_VERIFIED, True)
    assert verification.reasons == ("The schema has a vector field, and none of 1 sampled document has a vector.",)
    full_record = build_sampled_record("b", scores_by_id=None)
    assert check_sampled(bare_record, full_record, holds_documents=True).state is CheckState.PASSED


def test_a_record_that_its_own_vector_does_not_find_fails() -> None:
    """A later read can find it, because a new index is not searchable at once."""
    verification = check_sampled(build_sampled_record("a", scores_by_id={"b": 0.9, "c": 0.5}))
    assert (verification.state, verification.is_conclusive) == (CheckState.FAILED, False)
    assert verification.reasons == ("Not found by its own vector: 1 of 1 record: 'a' in ''.",)


@pytest.mark.parametrize(
    "scores,state",
    [
        pytest.param([1.0] * QUERY_LIMIT, CheckState.NOT_VERIFIED, id="equal"),
        pytest.param([1.0 - 1e-6] * QUERY_LIMIT, CheckState.NOT_VERIFIED, id="equal-but-for-rounding"),
        pytest.param([0.0] * QUERY_LIMIT, CheckState.FAILED, id="equally-far"),
        pytest.param([float("nan")] * QUERY_LIMIT, CheckState.FAILED, id="without-scores"),
        pytest.param([1.0] * (QUERY_LIMIT - 1), CheckState.FAILED, id="fewer-than-the-limit"),
        pytest.param([1.0] * (QUERY_LIMIT - 1) + [0.9], CheckState.FAILED, id="different"),
    ],
)
def test_equal_vectors_can_displace_a_record(scores: list[float], state: CheckState) -> None:
    """A query returns any of the records with an equal vector: that proves nothing, and is no damage."""
    verification = check_sampled(build_sampled_record("a", scores_by_id=number_scores(scores)))
    assert find_check(verification, CheckName.OWN_VECTORS).state is state
    assert verification.queried == 0


@pytest.mark.parametrize("score,state", [(0.0, CheckState.NOT_VERIFIED), (1.0, CheckState.FAILED)])
def test_the_distance_of_equal_vectors_is_zero(score: float, state: CheckState) -> None:
    """By `euclidean` a lower score is nearer."""
    record = build_sampled_record("a", scores_by_id=number_scores([score] * QUERY_LIMIT))
    verification = check_sampled(record, found=replace(FOUND, metric="euclidean"))
    assert find_check(verification, CheckName.OWN_VECTORS).state is state


def test_records_among_equal_vectors_do_not_count_as_found() -> None:
    """The check passes by the others, and says how many there were."""
    tied_record = build_sampled_record("b", scores_by_id=number_scores([1.0] * QUERY_LIMIT))
    verification = check_sampled(build_sampled_record("a"), tied_record)
    check = find_check(verification, CheckName.OWN_VECTORS)
    assert (check.state, verification.queried) == (CheckState.PASSED, 1)
    assert check.detail == "Queries with own vectors found 1 record (not found among equal vectors: 1)."


@pytest.mark.parametrize(
    "metric,vector_type,can_query",
    [
        ("cosine", "dense", True),
        ("euclidean", "dense", True),
        ("dotproduct", "dense", False),
        ("dotproduct", "sparse", False),
        (None, None, False),
    ],
)
def test_only_some_vectors_are_nearest_to_themselves(
    metric: str | None, vector_type: str | None, can_query: bool
) -> None:
    """By the dot product, a longer vector is nearer."""
    assert can_query_own_vector(metric, vector_type) is can_query
    expected = replace(EXPECTED, metric=metric, vector_type=vector_type)
    found = replace(FOUND, metric=metric, vector_type=vector_type)
    record = build_sampled_record("a", scores_by_id={"a": 1.0} if can_query else None)
    verification = build_verification(expected, found, FoundSample((record,)))
    expected_state = CheckState.PASSED if can_query else CheckState.NOT_VERIFIED
    assert find_check(verification, CheckName.OWN_VECTORS).state is expected_state
    assert verification.state is CheckState.PASSED


def test_without_queries_own_vectors_are_not_verified() -> None:
    """The other checks decide."""
    verification = check_sampled(build_sampled_record("a", scores_by_id=None))
    assert find_check(verification, CheckName.OWN_VECTORS).detail == "No record was queried."
    assert verification.state is CheckState.PASSED


def test_an_index_that_could_not_be_read_is_not_verified() -> None:
    """The reason is given once."""
    verification = build_failed_verification(ExpectedContent(), "The restored index could not be read: 503.")
    assert (verification.state, verification.is_conclusive) == (CheckState.NOT_VERIFIED, False)
    assert verification.reasons == ("The restored index could not be read: 503.",)


NAMESPACES = st.dictionaries(st.text(max_size=3), st.integers(0, 50), max_size=8)


@given(NAMESPACES, st.integers(1, 60), st.text(max_size=4))
def test_a_sample_is_as_large_as_it_may_be(namespaces: dict[str, int], size: int, seed: str) -> None:
    """It covers as many namespaces as possible, and no namespace has more than its records."""
    counts = {name: it for name, it in merge_default_namespace(namespaces).items() if it}
    quotas = allocate_sample(namespaces, size, seed)
    assert sum(quotas.values()) == min(size, sum(counts.values()))
    assert len(quotas) == min(size, len(counts))
    assert all(0 < it <= counts[name] for name, it in quotas.items())
    assert quotas == allocate_sample(dict(reversed(namespaces.items())), size, seed)


def test_another_seed_chooses_other_namespaces_and_ids() -> None:
    """Drills of one index look at different records, and each can be repeated."""
    namespaces = {f"tenant-{number}": 1 for number in range(100)}
    ids = [f"id-{number}" for number in range(100)]
    assert allocate_sample(namespaces, 5, "a") != allocate_sample(namespaces, 5, "b")
    assert choose_ids(ids, 5, "a") == choose_ids(reversed(ids), 5, "a") != choose_ids(ids, 5, "b")
    assert choose_ids(["b", "a", "a"], 5, "a") == ["a", "b"]
