"""Writes drift as one text, and reads it back."""

import json

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.history import Drift


def drift_text(drift: tuple[Drift, ...]) -> str:
    """Write drift as JSON."""
    rows = [
        {
            "what": it.what,
            "resource": [it.resource.type, it.resource.project, it.resource.name, it.resource.id],
            "before": it.before,
            "after": it.after,
        }
        for it in drift
    ]
    return json.dumps(rows)


def drift_of(text: str) -> tuple[Drift, ...]:
    """Read drift that was written so."""
    found = []
    for row in json.loads(text):
        kind, project, name, resource_id = row["resource"]
        resource = Resource(ResourceType(kind), project, name, resource_id)
        found.append(Drift(row["what"], resource, row["before"], row["after"]))
    return tuple(found)
