"""The calls about indexes, and indexes as each API version writes them."""

from datetime import datetime
from typing import Any

from backup_auditor_simulator.api.responses import Answer, Call
from backup_auditor_simulator.api.schemas import Body, Family, encode
from backup_auditor_simulator.errors import invalid, unreadable
from backup_auditor_simulator.model import Index, Kind

_ON_DEMAND = {"mode": "OnDemand", "status": {"state": "Ready"}}


def index_row(index: Index, family: Family, now: datetime) -> bytes:
    """Write an index. In no family has it an id or a time of creation."""
    state = "Terminating" if index.is_terminating else "Ready" if now >= index.ready_at else "Initializing"
    row: dict[str, Any] = {
        "name": index.name,
        "host": f"{index.name}-{index.id[:7]}.svc.{index.environment}.pinecone.io",
        "status": {"ready": state == "Ready", "state": state},
        "deletion_protection": "enabled" if index.deletion_protection else "disabled",
    }
    row |= _new(index) if family.is_new else _old(index)
    return encode(row)


def _new(index: Index) -> dict[str, Any]:
    row: dict[str, Any] = {
        "deployment": _deployment(index),
        "schema": {"fields": index.fields},
        "tags": index.tags or None,
    }
    if index.kind is not Kind.POD:
        row["read_capacity"] = _ON_DEMAND
    if index.source_backup_id is not None:
        row["source_backup_id"] = index.source_backup_id
    if index.cmek_id is not None:
        row["cmek_id"] = index.cmek_id
    return row


def _deployment(index: Index) -> dict[str, Any]:
    match index.kind:
        case Kind.SERVERLESS:
            return {
                "deployment_type": "managed",
                "cloud": index.cloud,
                "region": index.region,
                "environment": index.environment,
            }
        case Kind.BYOC:
            return {"deployment_type": "byoc", "environment": index.environment}
        case Kind.POD:
            return {
                "deployment_type": "pod",
                "environment": index.environment,
                "pod_type": index.pod_type,
                "replicas": 1,
                "shards": 1,
            }


def _old(index: Index) -> dict[str, Any]:
    vector = index.vector
    row: dict[str, Any] = {
        "metric": vector.get("metric", "dotproduct"),
        "vector_type": "sparse" if vector.get("type") == "sparse_vector" else "dense",
        "spec": _spec(index),
    }
    if index.tags:
        row["tags"] = index.tags
    if "dimension" in vector:
        row["dimension"] = vector["dimension"]
    return row


def _spec(index: Index) -> dict[str, Any]:
    match index.kind:
        case Kind.SERVERLESS:
            return {"serverless": {"cloud": index.cloud, "region": index.region, "read_capacity": _ON_DEMAND}}
        case Kind.BYOC:
            return {"byoc": {"environment": index.environment, "read_capacity": _ON_DEMAND}}
        case Kind.POD:
            return {
                "pod": {
                    "environment": index.environment,
                    "pod_type": index.pod_type,
                    "pods": 1,
                    "replicas": 1,
                    "shards": 1,
                }
            }


_KINDS = {"managed": Kind.SERVERLESS, "byoc": Kind.BYOC, "pod": Kind.POD}


def list_indexes(call: Call) -> Answer:
    """List every live index, in one answer. The key is absent where there is none and the shapes are old."""
    if not call.world.indexes and not call.family.is_new:
        return Answer(200, b"{}")
    return Answer(
        200, b'{"indexes":[' + b",".join(_index_named(call, it) for it in call.world.indexes.values()) + b"]}"
    )


def describe_index(call: Call) -> Answer:
    """Describe an index."""
    return Answer(200, _index_named(call, call.world.index(call.key)))


def create_index(call: Call) -> Answer:
    """Create an index."""
    body = call.body
    traits = _new_traits(body) if call.family.is_new else _old_traits(body)
    name = body.take("name", str, f"index-{call.world.new_id()[:8]}")
    traits |= {"tags": body.texts("tags"), "deletion_protection": _is_protected(body) or False}
    body.end()
    return call.created(_index_named(call, call.world.create_index(name or "", **traits)))


def configure_index(call: Call) -> Answer:
    """Change the tags or the protection of an index."""
    body = call.body
    tags, is_protected = body.texts("tags"), _is_protected(body)
    for ignored in ("spec", "embed", "schema", "deployment", "read_capacity"):
        body.take(ignored, dict)
    body.end()
    index = call.world.configure_index(call.key, tags=tags, deletion_protection=is_protected)
    return Answer(200 if call.family.is_new else 202, _index_named(call, index))


def delete_index(call: Call) -> Answer:
    """Delete an index and its schedules, not its backups."""
    call.world.delete_index(call.key)
    return Answer(202)


def _index_named(call: Call, index: Index) -> bytes:
    return index_row(index, call.family, call.world.now)


def _is_protected(body: Body) -> bool | None:
    text = body.take("deletion_protection", str)
    if text not in {None, "enabled", "disabled"}:
        raise invalid("deletion_protection must be enabled or disabled.")
    return None if text is None else text == "enabled"


def _new_traits(body: Body) -> dict[str, Any]:
    fields = body.inner("schema").need("fields", dict)
    place = body.inner_or_none("deployment") or Body({"deployment_type": "managed"})
    kind = _KINDS.get(place.need("deployment_type", str))
    if kind is None:
        raise invalid("deployment_type must be one of: managed, byoc, pod.")
    body.take("read_capacity", dict)
    traits: dict[str, Any] = {
        "fields": fields,
        "source_backup_id": body.take("source_backup_id", str),
        "cmek_id": body.take("cmek_id", str),
    }
    return traits | _place(kind, place)


def _old_traits(body: Body) -> dict[str, Any]:
    spec = body.inner("spec")
    vector: dict[str, Any] = {"type": "dense_vector", "metric": body.take("metric", str, "cosine")}
    dimension = body.take("dimension", int)
    if body.take("vector_type", str, "dense") == "sparse":
        vector = {"type": "sparse_vector", "metric": "dotproduct"}
    elif dimension is None:
        raise invalid("dimension is required for dense indexes.")
    else:
        vector["dimension"] = dimension
    for key, kind in (("serverless", Kind.SERVERLESS), ("byoc", Kind.BYOC), ("pod", Kind.POD)):
        place = spec.inner_or_none(key)
        if place is not None:
            return {"fields": {"_values": vector}} | _place(kind, place)
    raise unreadable("missing field `spec.serverless` at line 1 column 1")


def _place(kind: Kind, place: Body) -> dict[str, Any]:
    if kind is Kind.SERVERLESS:
        cloud, region = place.take("cloud", str, "aws"), place.take("region", str, "us-east-1")
        return {"kind": kind, "cloud": cloud, "region": region}
    environment = place.need("environment", str)
    cloud, _, region = environment.partition("-")
    traits: dict[str, Any] = {
        "kind": kind,
        "environment": environment,
        "cloud": cloud,
        "region": region.rpartition("-")[0] or region,
    }
    if kind is Kind.POD:
        traits["pod_type"] = place.take("pod_type", str, "p1.x1")
    return traits
