"""Indexes as the families write them."""

from datetime import datetime
from typing import Any

from backup_auditor_simulator.api.shapes import encode
from backup_auditor_simulator.api.versions import Family
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
