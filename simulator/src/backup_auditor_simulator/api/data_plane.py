"""The calls of the data plane, which read the records of one index at the index's host.

All indexes are served at one address. The host of an index is a path of it, so that clients need no name resolution.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backup_auditor_simulator.api.messages import (
    MAX_PAGE_SIZE,
    Body,
    Family,
    ParsedRequest,
    Response,
    encode_error,
    encode_json,
    parse_limit,
    parse_token,
    write_token,
)
from backup_auditor_simulator.damages import DamageKind
from backup_auditor_simulator.model import ApiError, Index, IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.records import DEFAULT_NAMESPACE, RecordSet, build_record_set

_ROOT_PATH = "/data/"
_GATEWAY_STATUSES = frozenset({400, 401, 403, 429})
_GRPC_CODES = {400: 3, 404: 5, 503: 14}
_UNKNOWN_GRPC_CODE = 2
_NAMESPACE_PART = 4
"""Where the path of a call about documents names its namespace: /data/LABEL/namespaces/NAMESPACE/documents/list."""
_MAX_IDS = 1000
_MAX_TOP_K = 10_000
_MAX_FLOAT = 3.4e38


def write_host(server_url: str, index: Index) -> str:
    """Return the host of an index. It has a scheme, because a client of a host without one would encrypt."""
    return f"{server_url}{_ROOT_PATH}{index.host_label}"


def is_data_path(path: str) -> bool:
    """Return whether a path is at the host of an index."""
    return path.startswith(_ROOT_PATH)


@dataclass(frozen=True, slots=True)
class DataCall:
    """A call of the data plane."""

    project: SimulatedProject
    index: Index
    records: RecordSet
    family: Family
    request: ParsedRequest
    body: Body
    namespace: str
    """The namespace that the path, the query or the body names; `__default__` if none does."""

    def build_response(self, **members: object) -> Response:
        """Answer with members, and with the namespace and what the call costs."""
        usage = {"read_units" if self.index.holds_documents else "readUnits": 1}
        return Response(
            200, encode_json({**members, "namespace": self.write_namespace(self.namespace), "usage": usage})
        )

    def write_namespace(self, name: str) -> str:
        """Return the name of a namespace as answers have it."""
        return self.project.options.default_namespace if name == DEFAULT_NAMESPACE else name


type _Handler = Callable[[DataCall], Response]


def find_data_handler(method: str, path: str) -> _Handler | None:
    """Return what answers a call at the host of an index; `None` if there is no such call. All of them only read."""
    if not is_data_path(path):
        return None
    _, _, call_path = path.removeprefix(_ROOT_PATH).partition("/")
    parts = call_path.split("/")
    if parts[0] == "namespaces" and len(parts) > 1:
        parts[1] = "*"
    return _HANDLERS.get(f"{method} {'/'.join(parts)}")


def respond_with_records(project: SimulatedProject, request: ParsedRequest, family: Family) -> Response:
    """Answer a call of the data plane whose key is accepted. Raises what the gateway before the indexes refuses."""
    label = request.path.removeprefix(_ROOT_PATH).partition("/")[0]
    index = project.find_index_by_label(label)
    if index is not None and index.kind is IndexKind.BYOC:
        raise ApiError(401, "Unauthorized")
    handler = find_data_handler(request.method, request.path)
    is_document_call = handler in _DOCUMENT_HANDLERS
    is_in_family = family.is_new or not is_document_call
    if index is None or handler is None or not is_in_family or not index.has_host(project.now):
        raise ApiError(404, f"Resource {request.path} not found.")
    try:
        _require_kind(index, handler)
        body = Body.parse(request.content)
        path_name = request.path.split("/")[_NAMESPACE_PART] if is_document_call else None
        name = path_name or request.query.get("namespace") or body.take("namespace", str) or DEFAULT_NAMESPACE
        return handler(DataCall(project, index, build_record_set(index), family, request, body, name))
    except ApiError as error:
        content = encode_error(error) if is_document_call else _encode_vector_error(error)
        return Response(error.status, content)


def _require_kind(index: Index, handler: _Handler) -> None:
    """Refuse with 400 a call about vectors to an index of documents, and the reverse."""
    if handler in _VECTOR_HANDLERS and index.holds_documents:
        raise ApiError(400, "Vector operations are not supported for indexes with a document schema.")
    if handler in _DOCUMENT_HANDLERS and not index.holds_documents:
        raise ApiError(400, "Document operations are not supported for indexes without a document schema.")


def build_gateway_response(error: ApiError) -> Response:
    """Answer that the gateway before the indexes refuses a call: some refusals are plain text."""
    if error.status in _GATEWAY_STATUSES:
        return Response(error.status, error.message.encode(), "text/plain; charset=utf-8")
    return Response(error.status, _encode_vector_error(error))


def _encode_vector_error(error: ApiError) -> bytes:
    code = _GRPC_CODES.get(error.status, _UNKNOWN_GRPC_CODE)
    return encode_json({"code": code, "message": error.message, "details": []})


def _describe_stats(call: DataCall) -> Response:
    """Count the records of each namespace."""
    if call.body.take("filter", dict):
        raise ApiError(
            400, "Serverless and Starter indexes do not support describing index stats with metadata filtering"
        )
    counts = _count_records(call)
    vector = call.index.vector_field
    stats = {
        "namespaces": {call.write_namespace(name): {"vectorCount": count} for name, count in counts.items()},
        "indexFullness": 0.0,
        "totalVectorCount": sum(counts.values()),
    }
    if vector:
        stats |= {"metric": vector["metric"], "vectorType": vector["type"].removesuffix("_vector")}
    if "dimension" in vector:
        stats["dimension"] = vector["dimension"]
    return Response(200, encode_json(stats))


def _list_namespaces(call: DataCall) -> Response:
    """List the namespaces and their counts; these are text in the newest shapes."""
    counts = _count_records(call)
    names = [it for it in counts if it.startswith(call.request.query.get("prefix", ""))]
    page_names, pagination = _read_query_page(call, names)
    write_count: Callable[[int], object] = str if call.family.is_new else int
    rows = [{"name": call.write_namespace(it), "record_count": write_count(counts[it])} for it in page_names]
    return Response(200, encode_json({"namespaces": rows, "total_count": len(names), **pagination}))


def _count_records(call: DataCall) -> dict[str, int]:
    """Return the count of each namespace, or half of it while the counts are late."""
    divisor = 2 if _are_stats_late(call) else 1
    return {name: count // divisor for name, count in call.records.counts.items()}


def _are_stats_late(call: DataCall) -> bool:
    index = call.index
    damage = index.get_damage(DamageKind.LATE_STATS)
    if damage is None:
        return False
    index.counted_polls += 1
    if damage.polls is not None:
        return index.counted_polls <= damage.polls
    return damage.seconds is None or (call.project.now - index.ready_at).total_seconds() < damage.seconds


def _list_vectors(call: DataCall) -> Response:
    """List the ids of a namespace."""
    ids = call.records.list_ids(call.namespace, call.request.query.get("prefix", ""))
    page_ids, pagination = _read_query_page(call, ids)
    return call.build_response(vectors=[{"id": it} for it in page_ids], **pagination)


def _fetch_vectors(call: DataCall) -> Response:
    """Return the vectors of some ids; those that do not exist are absent."""
    _require_ids(call.request.ids)
    records = {it: call.records.read_record(call.namespace, it) for it in call.request.ids}
    return call.build_response(vectors={key: record for key, record in records.items() if record})


def _query_vectors(call: DataCall) -> Response:
    """Return the records nearest to a vector or to a record, the best one first."""
    body, records = call.body, call.records
    top_k, record_id = body.require("topK", int), body.take("id", str)
    values, sparse = body.take("vector", list), body.take_object("sparseVector")
    includes_values = body.take("includeValues", bool)
    body.take("includeMetadata", bool)  # no record has metadata
    body.reject_unknown_fields()
    if not 1 <= top_k <= _MAX_TOP_K:
        raise ApiError(400, f"topK must be between 1 and {_MAX_TOP_K}.")
    if [record_id, values, sparse].count(None) != 2:  # noqa: PLR2004  one of three is given
        raise ApiError(400, "Exactly one of id, vector and sparseVector is required.")
    if (values and records.dimension is None) or (sparse and records.dimension is not None):
        raise ApiError(400, "The type of the vector does not match the vector type of the index.")
    if record_id is not None:
        matches = records.search_near_record(call.namespace, record_id, top_k)
    elif sparse is not None:
        indices, weights = (_parse_numbers(sparse.require(it, list)) for it in ("indices", "values"))
        if len(indices) != len(weights):
            raise ApiError(400, "Sparse indices and values must have the same length.")
        matches = records.search_sparse(call.namespace, [int(it) for it in indices], weights, top_k)
    else:
        numbers = _parse_numbers(values or [])
        if len(numbers) != records.dimension:
            raise ApiError(
                400, f"Vector dimension {len(numbers)} does not match the dimension of the index {records.dimension}"
            )
        matches = records.search_dense(call.namespace, numbers, top_k)
    rows: list[dict[str, Any]] = [{"id": match_id, "score": score} for match_id, score in matches]
    if includes_values:
        rows = [row | (records.read_record(call.namespace, row["id"]) or {}) for row in rows]
    return call.build_response(matches=rows)


def _list_documents(call: DataCall) -> Response:
    """List the ids of the documents of a namespace."""
    body = call.body
    prefix, limit, token = body.take("prefix", str, ""), body.take("limit", int), body.take("pagination_token", str)
    body.reject_unknown_fields()
    ids = call.records.list_ids(call.namespace, prefix or "")
    page_ids, pagination = _read_page(ids, None if limit is None else str(limit), token)
    return call.build_response(documents=[{"_id": it} for it in page_ids], **pagination)


def _fetch_documents(call: DataCall) -> Response:
    """Return the documents of some ids; those that do not exist are absent."""
    ids, included_fields = call.body.require("ids", list), call.body.take("include_fields", list)
    call.body.reject_unknown_fields()
    _require_ids(ids)
    documents = {it: call.records.read_document(call.namespace, it) for it in ids}
    if included_fields is not None:
        names = {"_id", *included_fields}
        documents = {
            record_id: {name: value for name, value in (document or {}).items() if name in names}
            for record_id, document in documents.items()
        }
    return call.build_response(documents={key: document for key, document in documents.items() if document})


def _require_ids(ids: Sequence[object]) -> None:
    if not 1 <= len(ids) <= _MAX_IDS or not all(isinstance(it, str) and it for it in ids):
        raise ApiError(400, f"Between 1 and {_MAX_IDS} ids are required.")


def _parse_numbers(values: Sequence[Any]) -> list[float]:
    are_numbers = all(isinstance(it, int | float) and abs(it) <= _MAX_FLOAT for it in values)
    if not values or not are_numbers:
        raise ApiError(400, "A vector must have at least one value, and all of its values must be finite numbers.")
    return [float(it) for it in values]


def _read_page(ids: Sequence[str], limit_text: str | None, token: str | None) -> tuple[Sequence[str], dict[str, Any]]:
    """Return one page of ids, and its token as a member of the answer; a full page always has one."""
    limit = parse_limit(limit_text) or MAX_PAGE_SIZE
    start, _ = (0, 0) if token is None else parse_token(token)
    page_ids = ids[start : start + limit]
    is_full = len(page_ids) == limit
    return page_ids, {"pagination": {"next": write_token(start + limit, limit)}} if is_full else {}


def _read_query_page(call: DataCall, ids: Sequence[str]) -> tuple[Sequence[str], dict[str, Any]]:
    return _read_page(ids, call.request.query.get("limit"), call.request.query.get("paginationToken"))


_HANDLERS: dict[str, _Handler] = {
    "POST describe_index_stats": _describe_stats,
    "GET namespaces": _list_namespaces,
    "GET vectors/list": _list_vectors,
    "GET vectors/fetch": _fetch_vectors,
    "POST query": _query_vectors,
    "POST namespaces/*/documents/list": _list_documents,
    "POST namespaces/*/documents/fetch": _fetch_documents,
}
_VECTOR_HANDLERS = frozenset({_list_vectors, _fetch_vectors, _query_vectors})
_DOCUMENT_HANDLERS = frozenset({_list_documents, _fetch_documents})
