"""Compare a restored index with the figures of its backup, never with the live index.

Pure: the caller reads the index. It allocates the sample with `allocate_sample`, lists ids of each namespace, chooses
of them with `choose_ids`, fetches and queries them, and builds the `Verification` from everything that it read.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backup_auditor.domain.text import pluralize, quote_text

DEFAULT_NAMESPACE = "__default__"
"""One of the two names of the default namespace. The other is the empty text."""
QUERY_LIMIT = 10
"""The `topK` of a query with a record's own vector."""
_MAX_EXAMPLES = 3
_TIE_TOLERANCE = 1e-5
"""How far the score of an equal vector may be from that of identity, relative to the square of its length."""
_QUERY_METRICS = frozenset(("cosine", "euclidean"))
"""The metrics by which a vector is nearest to itself."""


@dataclass(frozen=True, slots=True)
class ExpectedContent:
    """The figures of a backup. `None` if the backup does not have a figure."""

    record_count: int | None = None
    namespace_count: int | None = None
    dimension: int | None = None
    metric: str | None = None
    vector_type: str | None = None
    """`dense` or `sparse`."""


@dataclass(frozen=True, slots=True)
class FoundContent:
    """What the restored index and its statistics say."""

    namespaces: Mapping[str, int]
    """The number of records in each namespace, by its name as Pinecone writes it."""
    dimension: int | None = None
    """`None` for sparse vectors."""
    metric: str | None = None
    vector_type: str | None = None

    @property
    def record_count(self) -> int:
        """The number of records of all namespaces."""
        return sum(merge_default_namespace(self.namespaces).values())

    @property
    def namespace_count(self) -> int:
        """The number of namespaces with records."""
        return sum(it > 0 for it in merge_default_namespace(self.namespaces).values())

    @property
    def listed_count(self) -> int:
        """The number of namespaces, also of those without records as far as they are known."""
        return len(merge_default_namespace(self.namespaces))


@dataclass(frozen=True, slots=True)
class FoundFigures:
    """What is recorded of the found content. An index can have more namespaces than a record can hold."""

    record_count: int
    namespace_count: int
    """The number of namespaces with records."""
    dimension: int | None
    metric: str | None
    vector_type: str | None


@dataclass(frozen=True, slots=True)
class FetchedRecord:
    """One record as the index returned it."""

    values: Sequence[float] | None = None
    """The dense vector; `None` if it has none: a sparse record, or a document."""
    sparse_indices: Sequence[int] | None = None
    sparse_values: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """One record of the sample: its id was listed, then it was fetched, then its own vector was queried."""

    namespace: str
    record_id: str
    record: FetchedRecord | None
    """`None` if the fetch did not return it."""
    scores_by_id: Mapping[str, float] | None = None
    """The result of the query with its own vector and `QUERY_LIMIT`; `None` if it was not queried."""


@dataclass(frozen=True, slots=True)
class FoundSample:
    """The sample, and why it is smaller than it should be, if it is."""

    records: tuple[SampledRecord, ...] = ()
    holds_documents: bool = False
    """Whether the records are documents, which have no vector of their own."""
    failure: str | None = None
    """Why some records could not be listed, fetched or queried."""


class CheckState(StrEnum):
    """The result of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_VERIFIED = "not_verified"


class CheckName(StrEnum):
    """The checks, in the order in which they are shown."""

    DIMENSION = "dimension"
    METRIC = "metric"
    VECTOR_TYPE = "vector_type"
    RECORD_COUNT = "record_count"
    NAMESPACE_COUNT = "namespace_count"
    SAMPLE = "sample"
    OWN_VECTORS = "own_vectors"


_ESSENTIAL_CHECKS = frozenset((CheckName.RECORD_COUNT, CheckName.NAMESPACE_COUNT, CheckName.SAMPLE))
"""Without each of these, a verification cannot pass. The others are unknown for some backups and indexes."""


@dataclass(frozen=True, slots=True)
class ContentCheck:
    """One comparison, with its figures."""

    name: CheckName
    state: CheckState
    detail: str
    """One sentence that names the figures, or why it could not be checked."""
    may_settle: bool = False
    """Whether a later read can pass: it failed on what Pinecone reports late, or something could not be read."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the checks of one restored index found."""

    expected: ExpectedContent
    found: FoundFigures | None
    """`None` if the index could not be read."""
    checks: tuple[ContentCheck, ...]
    sampled: int = 0
    """How many records were fetched and checked."""
    queried: int = 0
    """How many of them were found by their own vectors."""

    @property
    def state(self) -> CheckState:
        """The result: failed if any check failed, else not verified if an essential one could not be done."""
        if any(it.state is CheckState.FAILED for it in self.checks):
            return CheckState.FAILED
        passed_names = {it.name for it in self.checks if it.state is CheckState.PASSED}
        return CheckState.PASSED if passed_names >= _ESSENTIAL_CHECKS else CheckState.NOT_VERIFIED

    @property
    def is_conclusive(self) -> bool:
        """Whether a later read would not change the result, however late Pinecone reports counts and records."""
        if self.state is CheckState.FAILED:
            return not all(it.may_settle for it in self._decisive_checks)
        return not any(it.may_settle for it in self._decisive_checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass; empty if it passed."""
        return tuple(dict.fromkeys(it.detail for it in self._decisive_checks))

    @property
    def _decisive_checks(self) -> tuple[ContentCheck, ...]:
        """The checks because of which it did not pass."""
        state = self.state
        if state is CheckState.PASSED:
            return ()
        is_failed = state is CheckState.FAILED
        return tuple(it for it in self.checks if it.state is state and (is_failed or it.name in _ESSENTIAL_CHECKS))


def merge_default_namespace(namespaces: Mapping[str, int]) -> dict[str, int]:
    """Return namespaces whose default one has one name. A response has it under either name."""
    counts = dict(namespaces)
    if "" in counts:
        counts[DEFAULT_NAMESPACE] = max(counts.pop(""), counts.get(DEFAULT_NAMESPACE, 0))
    return counts


def allocate_sample(namespaces: Mapping[str, int], size: int, seed: str) -> dict[str, int]:
    """Return how many records of each namespace to check, at most `size` together, by name.

    The same seed gives the same result. Each namespace with records gets one; if there are more namespaces than `size`,
    a choice of them does. Then each gets one more in turn, as long as it has more.
    """
    counts = {name: it for name, it in merge_default_namespace(namespaces).items() if it > 0}
    order = sorted(counts, key=lambda name: _rank(seed, name))
    quotas = dict.fromkeys(order[:size], 1)
    free = size - len(quotas)
    while free > 0 and (open_names := [name for name in quotas if quotas[name] < counts[name]]):
        share = max(1, free // len(open_names))
        for name in open_names[:free]:
            added = min(share, counts[name] - quotas[name], free)
            quotas[name] += added
            free -= added
    return dict(sorted(quotas.items()))


def choose_ids(record_ids: Iterable[str], count: int, seed: str) -> list[str]:
    """Return `count` of some listed ids, or all if there are fewer. The same ids and seed give the same choice."""
    return sorted(sorted(set(record_ids), key=lambda it: (_rank(seed, it), it))[:count])


def _rank(seed: str, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{text}".encode(errors="surrogatepass")).digest()


def can_query_own_vector(metric: str | None, vector_type: str | None) -> bool:
    """Return whether a query with a record's own vector must find that record."""
    return metric in _QUERY_METRICS and vector_type == "dense"


def build_verification(expected: ExpectedContent, found: FoundContent, sample: FoundSample) -> Verification:
    """Return the verification of an index that was read."""
    checks = [
        *_compare_settings(expected, found),
        _check_record_count(expected, found),
        _check_namespace_count(expected, found),
        _check_sample(expected, found, sample),
        _check_own_vectors(found, sample),
    ]
    return Verification(
        expected,
        FoundFigures(found.record_count, found.namespace_count, found.dimension, found.metric, found.vector_type),
        tuple(checks),
        sampled=sum(it.record is not None for it in sample.records),
        queried=sum(_is_found(it) for it in sample.records),
    )


def build_failed_verification(expected: ExpectedContent, reason: str) -> Verification:
    """Return the verification of an index that could not be read, and why: nothing is verified."""
    checks = (ContentCheck(it, CheckState.NOT_VERIFIED, reason, may_settle=True) for it in CheckName)
    return Verification(expected, None, tuple(it for it in checks if it.name in _ESSENTIAL_CHECKS))


def _compare_settings(expected: ExpectedContent, found: FoundContent) -> Iterator[ContentCheck]:
    pairs: tuple[tuple[CheckName, object, object], ...] = (
        (CheckName.DIMENSION, expected.dimension, found.dimension),
        (CheckName.METRIC, expected.metric, found.metric),
        (CheckName.VECTOR_TYPE, expected.vector_type, found.vector_type),
    )
    for name, expected_value, found_value in pairs:
        noun = name.replace("_", " ")
        if expected_value is None:
            yield ContentCheck(name, CheckState.NOT_VERIFIED, f"The backup does not have its {noun}.")
        elif found_value is None:
            yield ContentCheck(name, CheckState.NOT_VERIFIED, f"The restored index does not report its {noun}.")
        else:
            state = CheckState.PASSED if found_value == expected_value else CheckState.FAILED
            yield ContentCheck(name, state, f"The {noun} is {found_value} (backup: {expected_value}).")


def _check_record_count(expected: ExpectedContent, found: FoundContent) -> ContentCheck:
    name = CheckName.RECORD_COUNT
    if expected.record_count is None:
        return ContentCheck(name, CheckState.NOT_VERIFIED, "The backup does not have its number of records.")
    detail = f"The restored index has {pluralize(found.record_count, 'record')} (backup: {expected.record_count:,})."
    if found.record_count == expected.record_count:
        return ContentCheck(name, CheckState.PASSED, detail)
    return ContentCheck(name, CheckState.FAILED, detail, may_settle=True)


def _check_namespace_count(expected: ExpectedContent, found: FoundContent) -> ContentCheck:
    """Compare the namespaces. A backup may or may not count those without a record."""
    name = CheckName.NAMESPACE_COUNT
    if expected.namespace_count is None:
        return ContentCheck(name, CheckState.NOT_VERIFIED, "The backup does not have its number of namespaces.")
    detail = f"The restored index has {pluralize(found.namespace_count, 'namespace')} with records (backup:"
    detail = f"{detail} {expected.namespace_count:,})."
    if found.namespace_count <= expected.namespace_count <= found.listed_count:
        return ContentCheck(name, CheckState.PASSED, detail)
    if found.record_count == expected.record_count and found.listed_count < expected.namespace_count:
        detail = f"{detail.removesuffix('.')}; the others may be empty."
        return ContentCheck(name, CheckState.NOT_VERIFIED, detail, may_settle=True)
    return ContentCheck(name, CheckState.FAILED, detail, may_settle=True)


def _check_sample(expected: ExpectedContent, found: FoundContent, sample: FoundSample) -> ContentCheck:
    dimension = expected.dimension if expected.dimension is not None else found.dimension
    needs_dense_values = "dense" in {expected.vector_type, found.vector_type} and not sample.holds_documents
    faults = [
        f"{quote_text(it.record_id)} in {quote_text(it.namespace)} {fault}"
        for it in sample.records
        if it.record is not None
        and (fault := _find_fault(it.record, dimension, sample, needs_dense_values=needs_dense_values)) is not None
    ]
    missing_ids = [
        f"{quote_text(it.record_id)} in {quote_text(it.namespace)}" for it in sample.records if it.record is None
    ]
    size = len(sample.records)
    if faults:
        detail = f"Damaged: {len(faults):,} of {pluralize(size, 'sampled record')}: {_list_examples(faults)}."
        return ContentCheck(CheckName.SAMPLE, CheckState.FAILED, detail)
    if missing_ids:
        text = f"Listed, but not fetched: {len(missing_ids):,} of {pluralize(size, 'sampled record')}"
        detail = f"{text}: {_list_examples(missing_ids)}."
        return ContentCheck(CheckName.SAMPLE, CheckState.FAILED, detail, may_settle=True)
    if sample.failure is not None:
        detail = f"The sample is incomplete: {sample.failure}."
        return ContentCheck(CheckName.SAMPLE, CheckState.NOT_VERIFIED, detail, may_settle=True)
    if not size and found.record_count:
        detail = "No record of the restored index was listed."
        return ContentCheck(CheckName.SAMPLE, CheckState.NOT_VERIFIED, detail, may_settle=True)
    if _lacks_all_vectors(expected, found, sample):
        detail = f"The schema has a vector field, and none of {pluralize(size, 'sampled document')} has a vector."
        return ContentCheck(CheckName.SAMPLE, CheckState.NOT_VERIFIED, detail)
    return ContentCheck(CheckName.SAMPLE, CheckState.PASSED, f"{pluralize(size, 'sampled record')} could be read.")


def _lacks_all_vectors(expected: ExpectedContent, found: FoundContent, sample: FoundSample) -> bool:
    """Return whether no sampled document has a vector although the schema has a field for it.

    A document may leave a field out, so one without a vector shows nothing as long as another has one.
    """
    has_vector_field = (expected.vector_type or found.vector_type) is not None
    records = [it.record for it in sample.records if it.record is not None]
    has_vector = any(it.values or it.sparse_values for it in records)
    return sample.holds_documents and has_vector_field and bool(records) and not has_vector


def _find_fault(
    record: FetchedRecord, dimension: int | None, sample: FoundSample, *, needs_dense_values: bool
) -> str | None:
    """Return what is wrong with a record, as the end of a clause; `None` if nothing is."""
    values, sparse_values = record.values, record.sparse_values
    if values is not None and dimension is not None and len(values) != dimension:
        return f"has {pluralize(len(values), 'dimension')} instead of {dimension:,}"
    if not all(map(math.isfinite, (*(values or ()), *(sparse_values or ())))):
        return "has a value that is not finite"
    if len(record.sparse_indices or ()) != len(sparse_values or ()):
        return "has another number of sparse values than of indices"
    if needs_dense_values and not values:
        return "has no dense vector"
    if not values and not sparse_values and not sample.holds_documents:
        return "has no vector"
    return None


def _is_found(sampled_record: SampledRecord) -> bool:
    return sampled_record.scores_by_id is not None and sampled_record.record_id in sampled_record.scores_by_id


def _check_own_vectors(found: FoundContent, sample: FoundSample) -> ContentCheck:
    name = CheckName.OWN_VECTORS
    if sample.holds_documents or not can_query_own_vector(found.metric, found.vector_type):
        kind = "documents" if sample.holds_documents else f"{found.vector_type} vectors by {found.metric}"
        return ContentCheck(name, CheckState.NOT_VERIFIED, f"A query need not find {kind} by themselves.")
    queried_records = [it for it in sample.records if it.scores_by_id is not None]
    if not queried_records:
        return ContentCheck(name, CheckState.NOT_VERIFIED, "No record was queried.")
    lost_ids = [
        f"{quote_text(it.record_id)} in {quote_text(it.namespace)}"
        for it in queried_records
        if not _is_found(it) and not _has_only_ties(it, found.metric)
    ]
    if lost_ids:
        text = f"Not found by its own vector: {len(lost_ids):,} of {pluralize(len(queried_records), 'record')}"
        return ContentCheck(name, CheckState.FAILED, f"{text}: {_list_examples(lost_ids)}.", may_settle=True)
    found_count = sum(map(_is_found, queried_records))
    if not found_count:
        detail = "Each query returned only records with an equal vector, so none shows its own record."
        return ContentCheck(name, CheckState.NOT_VERIFIED, detail)
    detail = f"Queries with own vectors found {pluralize(found_count, 'record')}"
    tie_count = len(queried_records) - found_count
    ties = f" (not found among equal vectors: {tie_count:,})" if tie_count else ""
    return ContentCheck(name, CheckState.PASSED, f"{detail}{ties}.")


def _has_only_ties(sampled_record: SampledRecord, metric: str | None) -> bool:
    """Return whether a query returned as many records as it may, all with an equal vector: then others have it, too.

    The cosine of equal vectors is 1; by `euclidean` Pinecone returns the square of their distance, which is 0.
    """
    scores = (sampled_record.scores_by_id or {}).values()
    values = () if sampled_record.record is None else sampled_record.record.values or ()
    is_cosine = metric == "cosine"
    tolerance = _TIE_TOLERANCE * (1.0 if is_cosine else max(1.0, math.sumprod(values, values)))
    identity = 1.0 if is_cosine else 0.0
    return len(scores) >= QUERY_LIMIT and all(abs(it - identity) <= tolerance for it in scores)


def _list_examples(texts: Sequence[str]) -> str:
    shown_texts = list(texts[:_MAX_EXAMPLES])
    if len(texts) > len(shown_texts):
        shown_texts.append(f"and {len(texts) - len(shown_texts):,} more")
    return ", ".join(shown_texts)
