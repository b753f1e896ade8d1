"""Test that docs/reference/events.md describes the events."""

import json
import re
from pathlib import Path

from backup_auditor.domain.events import AuditRequest, EventType, read_audit_request
from backup_auditor.rendering.drill_json import DrillEventType
from backup_auditor.rendering.events import RemediationEventType
from docs import events as events_document

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


def test_each_event_has_a_sample() -> None:
    """The document has a section and a sample for each type of event."""
    samples = [
        *events_document.sample_events(),
        events_document.sample_failure_event(),
        events_document.sample_discovery_event(),
        *events_document.sample_remediation_events(),
        *events_document.sample_drill_events(),
    ]
    event_types = [*EventType, *RemediationEventType, *DrillEventType]
    assert [it["detail-type"] for it in samples] == event_types
    assert all(f"\n### {it}\n" in DOCUMENT for it in event_types)


def test_the_request_of_the_document_is_valid() -> None:
    """The request in the document is a valid request to audit a project."""
    [entries] = re.findall(r"put-events --entries '(.*?)'\n", DOCUMENT, re.DOTALL)
    [entry] = json.loads(entries)
    detail = json.loads(entry["Detail"])
    request = read_audit_request(
        {"source": entry["Source"], "detail-type": entry["DetailType"], "id": "given by the bus", "detail": detail}
    )
    assert request == AuditRequest("search", "after a migration", "given by the bus")
