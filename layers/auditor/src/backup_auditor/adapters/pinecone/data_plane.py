"""Read the records of one index at its own host, to verify a restored index. Nothing here can change them."""

import json
import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import batched
from typing import Any, Protocol
from urllib.parse import quote

from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import MAX_PAGES, build_page_target
from backup_auditor.adapters.pinecone.rows import is_encodable, parse_object
from backup_auditor.adapters.pinecone.transport import Transport
from backup_auditor.domain.drills.drill import RestoredIndex
from backup_auditor.domain.drills.verification import (
    QUERY_LIMIT,
    ExpectedContent,
    FetchedRecord,
    FoundContent,
    FoundSample,
    SampledRecord,
    allocate_sample,
    can_query_own_vector,
    choose_ids,
    merge_default_namespace,
)
from backup_auditor.domain.text import pluralize, quote_segment, quote_text
from backup_auditor.errors import (
    BadKeyError,
    DeadlineError,
    ForbiddenError,
    MalformedResponseError,
    PineconeError,
    SettingsError,
    UnreachableError,
    UnsupportedError,
)
from backup_auditor.worker_pool import WorkerPool

_PAGE_SIZE = 100
_MAX_BATCH_VALUES = 200_000
"""How many values of vectors one fetch returns at most: a few megabytes."""
_MAX_IDS_LENGTH = 4_000
"""The length of the ids in the target of one fetch, unless a single id is longer: gateways limit it."""


@contextmanager
def open_index_host(connection: Connection, host: str, runtime: Runtime) -> Iterator[PineconeClient]:
    """Open the host of an index for reading. The deadline starts here. Raises any `PineconeError`."""
    index_connection = connection.with_index_host(host)
    try:
        transport = Transport(index_connection)
    except SettingsError as error:
        reason = str(error)
    else:
        with transport:
            yield PineconeClient(index_connection, transport, runtime)
        return
    raise UnreachableError(reason)


def read_stats(client: PineconeClient) -> dict[str, Any]:
    """Return the statistics of an index as its host returns them. Raises any `PineconeError`."""
    return parse_object(client.read_by_post(b"/describe_index_stats", client.connection.api_version, b"{}"))


def read_found_content(client: PineconeClient, index: RestoredIndex, expected: ExpectedContent) -> FoundContent:
    """Return the counts of an index and its settings. Raises any `PineconeError`.

    The statistics may leave out namespaces without records. If the backup has more, they are listed.
    """
    content = _read_content(client, index)
    if content.record_count == expected.record_count and content.listed_count < (expected.namespace_count or 0):
        with suppress(PineconeError):  # then whether the backup counted empty ones stays unknown
            names = _list_namespaces(client)
            return replace(content, namespaces=dict.fromkeys(names, 0) | dict(content.namespaces))
    return content


def _list_namespaces(client: PineconeClient) -> set[str]:
    """Return the names of all namespaces, also of those without records. Raises any `PineconeError`."""
    names: set[str] = set()
    tokens: set[str] = set()
    token: str | None = None
    while True:
        target = build_page_target("/namespaces", token)
        document = parse_object(client.read(target, client.connection.api_version))
        names.update(_parse_ids(document, "namespaces", "name"))
        token = _parse_token(document)
        if token is None:
            return names
        if token in tokens or len(tokens) > MAX_PAGES:
            raise MalformedResponseError("the pages of the namespaces repeat")
        tokens.add(token)


def _read_content(client: PineconeClient, index: RestoredIndex) -> FoundContent:
    stats = read_stats(client)
    dimension, metric, vector_type = stats.get("dimension"), stats.get("metric"), stats.get("vectorType")
    return FoundContent(
        namespaces=_parse_counts(stats),
        dimension=index.dimension or (dimension if isinstance(dimension, int) else None) or None,
        metric=index.metric or (metric if isinstance(metric, str) else None) or None,
        vector_type=index.vector_type or (vector_type if isinstance(vector_type, str) else None) or None,
    )


def _parse_counts(stats: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of records of each namespace. A count of zero may be absent."""
    counts: dict[str, int] | None
    total = 0
    try:
        namespaces: Mapping[str, Any] = stats.get("namespaces") or {}
        counts = {name: int(it.get("vectorCount") or 0) for name, it in namespaces.items()}
        total = int(stats.get("totalVectorCount") or 0)
    except (AttributeError, TypeError, ValueError, OverflowError):
        counts = None
    if counts is None or min(counts.values(), default=0) < 0 or not is_encodable([*counts]):
        raise MalformedResponseError("the statistics of the index cannot be parsed")
    if total not in {sum(counts.values()), sum(merge_default_namespace(counts).values())}:
        raise MalformedResponseError(
            f"the statistics of the index contradict each other: {total:,} records in all,"
            f" {sum(counts.values()):,} in its namespaces"
        )
    return counts


def read_sample(
    client: PineconeClient, index: RestoredIndex, content: FoundContent, *, size: int, seed: str
) -> FoundSample:
    """Return up to `size` records of an index, each with the result of a query with its own vector.

    The same seed chooses the same records of the same index. What cannot be read is the failure of the sample. Raises
    `BadKeyError` or `ForbiddenError` if no record could be read because Pinecone refuses the key.
    """
    quotas = allocate_sample(content.namespaces, size, seed)
    if not quotas:
        return FoundSample(holds_documents=index.index.holds_documents)
    api = _choose_api(client, index, next(iter(quotas)))
    return _SampleReader(client, api, content, seed).read(quotas)


class _RecordApi(Protocol):
    """The calls that list and fetch the records of an index, by the kind of the index."""

    holds_documents: bool

    def list_ids(self, namespace: str, token: str | None) -> tuple[list[str], str | None]:
        """Return one page of the ids of a namespace, and the token of the next page."""

    def split_ids(self, ids: Sequence[str], max_count: int) -> list[tuple[str, ...]]:
        """Return ids in batches, each for one fetch."""

    def fetch(self, namespace: str, ids: Sequence[str]) -> dict[str, FetchedRecord]:
        """Return the records of some ids. One that the index does not return is absent."""


class _VectorApi:
    """The calls of an index of vectors, also of one that embeds texts by itself."""

    holds_documents = False

    def __init__(self, client: PineconeClient) -> None:
        self._client = client

    def list_ids(self, namespace: str, token: str | None) -> tuple[list[str], str | None]:
        target = build_page_target("/vectors/list", token) + b"&namespace=" + quote(namespace, safe="").encode()
        document = parse_object(self._client.read(target, self._client.connection.api_version))
        return _parse_ids(document, "vectors", "id"), _parse_token(document)

    def split_ids(self, ids: Sequence[str], max_count: int) -> list[tuple[str, ...]]:
        batches: list[tuple[str, ...]] = []
        lengths = 0
        for record_id in ids:
            length = len(_write_id_parameter(record_id))
            lengths += length
            if batches and lengths <= _MAX_IDS_LENGTH and len(batches[-1]) < max_count:
                batches[-1] = (*batches[-1], record_id)
            else:
                batches.append((record_id,))
                lengths = length
        return batches

    def fetch(self, namespace: str, ids: Sequence[str]) -> dict[str, FetchedRecord]:
        parameters = "".join(map(_write_id_parameter, ids))
        target = f"/vectors/fetch?namespace={quote(namespace, safe='')}{parameters}"
        document = parse_object(self._client.read(target.encode(), self._client.connection.api_version))
        records = _parse_records(document, "vectors", ids)
        return {key: _parse_record(it.get("values"), it.get("sparseValues")) for key, it in records.items()}


class _DocumentApi:
    """The calls of an index of documents."""

    holds_documents = True

    def __init__(self, client: PineconeClient, vector_field: str | None) -> None:
        self._client = client
        self._vector_field = vector_field

    def list_ids(self, namespace: str, token: str | None) -> tuple[list[str], str | None]:
        body = {"limit": _PAGE_SIZE} if token is None else {"limit": _PAGE_SIZE, "pagination_token": token}
        document = self._post(namespace, "list", body)
        return _parse_ids(document, "documents", "_id"), _parse_token(document)

    def split_ids(self, ids: Sequence[str], max_count: int) -> list[tuple[str, ...]]:
        return list(batched(ids, max_count, strict=False))

    def fetch(self, namespace: str, ids: Sequence[str]) -> dict[str, FetchedRecord]:
        fields = {} if self._vector_field is None else {"include_fields": [self._vector_field]}
        document = self._post(namespace, "fetch", {"ids": list(ids), **fields})
        records = _parse_records(document, "documents", ids)
        if len(records) < len(ids) and _parse_token(document) is not None:
            raise MalformedResponseError("the documents come in several pages")
        vectors = {key: it.get(self._vector_field or "") for key, it in records.items()}
        return {
            key: _parse_record(None, vector) if isinstance(vector, dict) else _parse_record(vector, None)
            for key, vector in vectors.items()
        }

    def _post(self, namespace: str, call: str, body: Mapping[str, object]) -> dict[str, Any]:
        target = f"/namespaces/{quote_segment(namespace)}/documents/{call}".encode()
        return parse_object(
            self._client.read_by_post(target, self._client.connection.api_version, json.dumps(body).encode())
        )


def _choose_api(client: PineconeClient, index: RestoredIndex, namespace: str) -> _RecordApi:
    """Return the calls that an index accepts. Its schema does not always show them, and it refuses the others."""
    apis: list[_RecordApi] = [_VectorApi(client), _DocumentApi(client, index.vector_field)]
    first_api, other_api = reversed(apis) if index.index.holds_documents else apis
    try:
        first_api.list_ids(namespace, None)
    except UnsupportedError:
        return other_api
    except PineconeError:
        pass  # the reads of the sample fail, too, and say why
    return first_api


class _SampleReader:
    """Reads a sample with all calls in flight at once: of each namespace the ids, then their records, then queries."""

    def __init__(self, client: PineconeClient, api: _RecordApi, content: FoundContent, seed: str) -> None:
        self._client = client
        self._api = api
        self._seed = seed
        self._content = content
        self._can_query = not api.holds_documents and can_query_own_vector(content.metric, content.vector_type)
        self._max_batch = max(1, min(_PAGE_SIZE, _MAX_BATCH_VALUES // (content.dimension or 1)))
        self._records: dict[tuple[str, str], SampledRecord] = {}
        self._failures: list[str] = []
        self._refusal: PineconeError | None = None

    def read(self, quotas: Mapping[str, int]) -> FoundSample:
        """Return the sample with so many records of each namespace."""
        with WorkerPool(self._client.connection.max_concurrency) as pool:
            for namespace, quota in quotas.items():
                self._submit(
                    pool,
                    f"the ids of namespace {quote_text(namespace)} could not be listed",
                    partial(self._list_ids, namespace, quota),
                    partial(self._fetch_chosen, pool, namespace, quota),
                )
            pool.finish(lambda: self._client.deadline.seconds_left)
        if self._refusal is not None and not self._records:
            raise self._refusal
        failures = sorted(self._failures)
        others = f" (and {pluralize(len(failures) - 1, 'other failure')})" if len(failures) > 1 else ""
        return FoundSample(
            records=tuple(record for _, record in sorted(self._records.items(), key=lambda it: it[0])),
            holds_documents=self._api.holds_documents,
            failure=f"{failures[0]}{others}" if failures else None,
        )

    def _submit[Result](
        self, pool: WorkerPool, failure: str, work: Callable[[], Result], on_result: Callable[[Result], None]
    ) -> None:
        """Queue a read; the sample has a failure if it does not succeed."""

        def attempt() -> Result | PineconeError:
            try:
                return work()
            except PineconeError as error:
                return error

        def handle(outcome: Result | PineconeError) -> None:
            if isinstance(outcome, PineconeError):
                self._failures.append(f"{failure}: {outcome}")
                if isinstance(outcome, BadKeyError | ForbiddenError):
                    self._refusal = outcome
            else:
                on_result(outcome)

        fallback: Result | PineconeError = DeadlineError("the time limit was reached")
        pool.submit(attempt, handle, fallback)

    def _list_ids(self, namespace: str, quota: int) -> list[str]:
        """Return the first ids of a namespace: at least one page, and as many pages as the quota needs."""
        ids: list[str] = []
        token: str | None = None
        for _ in range(math.ceil(quota / _PAGE_SIZE) + 1):
            page_ids, token = self._api.list_ids(namespace, token)
            ids += page_ids
            if token is None or len(ids) >= quota:
                break
        return ids

    def _fetch_chosen(self, pool: WorkerPool, namespace: str, quota: int, listed_ids: list[str]) -> None:
        ids = choose_ids(listed_ids, quota, self._seed)
        if len(ids) < quota:
            self._failures.append(
                f"namespace {quote_text(namespace)} lists {pluralize(len(ids), 'id')} of {quota:,} to sample"
            )
        for batch in self._api.split_ids(ids, self._max_batch):
            self._submit(
                pool,
                f"{pluralize(len(batch), 'record')} of namespace {quote_text(namespace)} could not be fetched",
                partial(self._api.fetch, namespace, batch),
                partial(self._query_fetched, pool, namespace, batch),
            )

    def _query_fetched(
        self, pool: WorkerPool, namespace: str, ids: Sequence[str], records: Mapping[str, FetchedRecord]
    ) -> None:
        for record_id in ids:
            record = records.get(record_id)
            self._add_record(SampledRecord(namespace, record_id, record))
            if record is not None and self._can_query and _can_be_queried(record, self._content):
                self._submit(
                    pool,
                    f"record {quote_text(record_id)} of namespace {quote_text(namespace)} could not be queried",
                    partial(self._query, SampledRecord(namespace, record_id, record)),
                    self._add_record,
                )

    def _add_record(self, record: SampledRecord) -> None:
        self._records[record.namespace, record.record_id] = record

    def _query(self, sampled_record: SampledRecord) -> SampledRecord:
        """Return a record with the result of a query with its own vector."""
        record = sampled_record.record
        values = [] if record is None else list(record.values or ())
        body = {"namespace": sampled_record.namespace, "topK": QUERY_LIMIT, "vector": values}
        response = self._client.read_by_post(b"/query", self._client.connection.api_version, json.dumps(body).encode())
        matches = parse_object(response).get("matches") or []
        try:
            scores_by_id = {str(it["id"]): _to_number(it.get("score")) for it in matches}
        except (AttributeError, KeyError, TypeError):
            scores_by_id = None
        if scores_by_id is None:
            raise MalformedResponseError("the matches cannot be parsed")
        return SampledRecord(sampled_record.namespace, sampled_record.record_id, record, scores_by_id)


def _can_be_queried(record: FetchedRecord, content: FoundContent) -> bool:
    """Return whether a record has a vector that a query accepts; one of zeros has no direction, so no cosine."""
    values = record.values or ()
    if not values or len(values) != (content.dimension or len(values)) or not all(map(math.isfinite, values)):
        return False
    return content.metric != "cosine" or any(values)


def _write_id_parameter(record_id: str) -> str:
    return f"&ids={quote(record_id, safe='')}"


def _parse_ids(document: Mapping[str, Any], key: str, id_key: str) -> list[str]:
    """Return the ids of the rows under a key; those of namespaces can be empty."""
    rows = document.get(key) or []
    try:
        ids = [it[id_key] for it in rows]
    except (KeyError, TypeError):
        ids = [None]
    if not all(isinstance(it, str) and (it or id_key == "name") for it in ids) or not is_encodable(ids):
        raise MalformedResponseError(f'the ids under "{key}" cannot be parsed')
    return ids


def _parse_token(document: Mapping[str, Any]) -> str | None:
    pagination = document.get("pagination")
    token = pagination.get("next") if isinstance(pagination, dict) else None
    return token if isinstance(token, str) and token and is_encodable(token) else None


def _parse_records(document: Mapping[str, Any], key: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the records of the requested ids."""
    rows = document.get(key) or {}
    records = {it: rows[it] for it in ids if it in rows} if isinstance(rows, dict) else None
    if records is None or not all(isinstance(it, dict) for it in records.values()):
        raise MalformedResponseError(f'the records under "{key}" cannot be parsed')
    return records


def _parse_record(values: object, sparse: object) -> FetchedRecord:
    """Return a record with its dense values and its sparse ones, each `None` if it has none."""
    sparse_vector = sparse if isinstance(sparse, dict) else {}
    return FetchedRecord(
        values=_parse_numbers(values),
        sparse_indices=_parse_indices(sparse_vector.get("indices")),
        sparse_values=_parse_numbers(sparse_vector.get("values")),
    )


def _parse_numbers(values: object) -> Sequence[float] | None:
    return array("d", map(_to_number, values)) if isinstance(values, list) else None


def _parse_indices(indices: object) -> Sequence[int] | None:
    """Return the indices that are numbers; one that is not leaves a value without its index."""
    return [it for it in indices if isinstance(it, int)] if isinstance(indices, list) else None


def _to_number(value: Any) -> float:  # noqa: ANN401  JSON
    """Return a number; `NaN` for any other value, such as the `null` that some writers of JSON have for it."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
