"""The calls about indexes, and the format of an index in each API version."""

from typing import Any

from backup_auditor_simulator.api.data_plane import write_host
from backup_auditor_simulator.api.messages import Body, Call, Response, build_body_error, encode_json
from backup_auditor_simulator.model import ApiError, Index, IndexKind

_TYPES_BY_KIND = {IndexKind.SERVERLESS: "managed", IndexKind.BYOC: "byoc", IndexKind.POD: "pod"}
_KINDS_BY_TYPE = {text: kind for kind, text in _TYPES_BY_KIND.items()}
_ON_DEMAND = {"mode": "OnDemand", "status": {"state": "Ready"}}


def _write_index(call: Call, index: Index) -> bytes:
    """Write an index. No API family returns its id or its creation time; one that is new has no host yet."""
    state = index.find_state(call.project.now)
    row: dict[str, Any] = {
        "name": index.name,
        "status": {"ready": state == "Ready", "state": state},
        "deletion_protection": "enabled" if index.deletion_protection else "disabled",
    }
    if index.has_host(call.project.now):
        row["host"] = write_host(call.server_url, index)
    if index.kind is IndexKind.BYOC:
        row["private_host"] = f"{index.host_label}.svc.private.{index.environment}.pinecone.io"
    return encode_json(row | (_build_new_row(index) if call.family.is_new else _build_old_row(index)))


def _build_new_row(index: Index) -> dict[str, Any]:
    optional_fields = {
        "read_capacity": None if index.kind is IndexKind.POD else _ON_DEMAND,
        "source_backup_id": index.source_backup_id,
        "cmek_id": index.cmek_id,
    }
    return {
        "deployment": _build_deployment(index),
        "schema": {"fields": index.fields},
        "tags": index.tags or None,
    } | {key: value for key, value in optional_fields.items() if value is not None}


def _build_deployment(index: Index) -> dict[str, Any]:
    deployment: dict[str, Any] = {"deployment_type": _TYPES_BY_KIND[index.kind]}
    if index.kind is IndexKind.SERVERLESS:
        deployment |= {"cloud": index.cloud, "region": index.region}
    deployment["environment"] = index.environment
    if index.kind is IndexKind.POD:
        deployment |= {"pod_type": index.pod_type, "replicas": 1, "shards": 1}
    return deployment


def _build_old_row(index: Index) -> dict[str, Any]:
    vector = index.vector_field
    row: dict[str, Any] = {
        "metric": vector.get("metric", "dotproduct"),
        "vector_type": "sparse" if vector.get("type") == "sparse_vector" else "dense",
        "spec": _build_spec(index),
    }
    if index.tags:
        row["tags"] = index.tags
    if "dimension" in vector:
        row["dimension"] = vector["dimension"]
    return row


def _build_spec(index: Index) -> dict[str, Any]:
    spec: dict[str, Any] = {"environment": index.environment}
    match index.kind:
        case IndexKind.SERVERLESS:
            spec = {"cloud": index.cloud, "region": index.region, "read_capacity": _ON_DEMAND}
        case IndexKind.BYOC:
            spec["read_capacity"] = _ON_DEMAND
        case IndexKind.POD:
            spec |= {"pod_type": index.pod_type, "pods": 1, "replicas": 1, "shards": 1}
    return {index.kind.value: spec}


def list_indexes(call: Call) -> Response:
    """List every live index in one answer. In the old format, the key is absent when there is no index."""
    if not call.project.indexes and not call.family.is_new:
        return Response(200, b"{}")
    rows = b",".join(_write_index(call, it) for it in call.project.indexes.values())
    return Response(200, b'{"indexes":[' + rows + b"]}")


def describe_index(call: Call) -> Response:
    """Describe an index."""
    return Response(200, _write_index(call, call.project.get_index(call.resource_key)))


def create_index(call: Call) -> Response:
    """Create an index."""
    body = call.body
    traits = _parse_new_traits(body) if call.family.is_new else _parse_old_traits(body)
    name = body.take("name", str, f"index-{call.project.make_id()[:8]}")
    traits |= {"tags": body.take_texts("tags"), "deletion_protection": take_protection(body) or False}
    body.reject_unknown_fields()
    call.project.require_index_slot()
    return call.build_created_response(_write_index(call, call.project.create_index(name or "", **traits)))


def configure_index(call: Call) -> Response:
    """Change the tags or the protection of an index."""
    body = call.body
    tags, is_protected = body.take_texts("tags"), take_protection(body)
    for ignored_field in ("spec", "embed", "schema", "deployment", "read_capacity"):
        body.take(ignored_field, dict)
    body.reject_unknown_fields()
    index = call.project.configure_index(call.resource_key, tags=tags, deletion_protection=is_protected)
    return Response(200 if call.family.is_new else 202, _write_index(call, index))


def delete_index(call: Call) -> Response:
    """Delete an index and its schedules, but not its backups."""
    call.project.delete_index(call.resource_key)
    return Response(202)


def take_protection(body: Body) -> bool | None:
    """Take whether an index is protected from deletion; `None` if the body does not say it."""
    text = body.take("deletion_protection", str)
    if text not in {None, "enabled", "disabled"}:
        raise ApiError(400, "deletion_protection must be enabled or disabled.")
    return None if text is None else text == "enabled"


def _parse_new_traits(body: Body) -> dict[str, Any]:
    fields = body.require_object("schema").require("fields", dict)
    deployment = body.take_object("deployment") or Body({"deployment_type": "managed"})
    kind = _KINDS_BY_TYPE.get(deployment.require("deployment_type", str))
    if kind is None:
        raise ApiError(400, "deployment_type must be one of: managed, byoc, pod.")
    body.take("read_capacity", dict)
    ids = {key: body.take(key, str) for key in ("source_backup_id", "cmek_id")}
    return {"fields": fields, **ids, **_parse_location(kind, deployment)}


def _parse_old_traits(body: Body) -> dict[str, Any]:
    spec = body.require_object("spec")
    vector: dict[str, Any] = {"type": "dense_vector", "metric": body.take("metric", str, "cosine")}
    dimension = body.take("dimension", int)
    if body.take("vector_type", str, "dense") == "sparse":
        vector = {"type": "sparse_vector", "metric": "dotproduct"}
    elif dimension is None:
        raise ApiError(400, "dimension is required for dense indexes.")
    else:
        vector["dimension"] = dimension
    for kind in IndexKind:
        location = spec.take_object(kind.value)
        if location is not None:
            return {"fields": {"_values": vector}} | _parse_location(kind, location)
    raise build_body_error("missing field `spec.serverless` at line 1 column 1")


def _parse_location(kind: IndexKind, location: Body) -> dict[str, Any]:
    if kind is IndexKind.SERVERLESS:
        cloud, region = location.take("cloud", str, "aws"), location.take("region", str, "us-east-1")
        return {"kind": kind, "cloud": cloud, "region": region}
    environment = location.require("environment", str)
    cloud, _, region = environment.partition("-")
    region = region.rpartition("-")[0] or region
    traits: dict[str, Any] = {"kind": kind, "environment": environment, "cloud": cloud, "region": region}
    if kind is IndexKind.POD:
        traits["pod_type"] = location.take("pod_type", str, "p1.x1")
    return traits
