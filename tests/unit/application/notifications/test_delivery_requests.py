"""The payloads that `notify` accepts and refuses."""

import json
from pathlib import Path

import pytest

from backup_auditor.domain.events import read_delivery_request
from backup_auditor.errors import RequestError

EVENTS_FOLDER = Path(__file__).parents[4] / "events"


def load_sample(case: str) -> object:
    """Read one of the samples that people try the function with."""
    return json.loads((EVENTS_FOLDER / f"notify.{case}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case,project", [("completed", "search"), ("sweep", None), ("project", "search")])
def test_each_sample_is_understood(case: str, project: str | None) -> None:
    """A sweep is for all projects, and any other payload for one project."""
    assert read_delivery_request(load_sample(case)) == project


def test_an_envelope_may_hold_anything_else() -> None:
    """Unknown fields in the envelope of an event are ignored."""
    event = {"source": "backup-auditor", "detail-type": "Backup Audit Completed", "detail": {"project": "a"}, "new": 1}
    assert read_delivery_request(event) == "a"


@pytest.mark.parametrize(
    "payload,reason",
    [
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ({}, "not a known request"),
        ({"sweep": False}, "not a known request"),
        ({"sweep": 1}, "not a known request"),
        ({"sweep": True, "project": "search"}, "not a known request"),
        ({"projects": ["search"]}, "not a known request"),
        ({"project": None}, "names no project"),
        ({"project": " "}, "names no project"),
        (
            {"source": "backup-auditor", "detail-type": "Backup Audit Requested", "detail": {}},
            "does not request a delivery",
        ),
        ({"source": "else", "detail-type": "Backup Audit Completed", "detail": {}}, "does not request a delivery"),
        ({"source": "backup-auditor", "detail-type": "Backup Audit Completed"}, "names no project"),
        ({"source": "backup-auditor", "detail-type": "Backup Audit Completed", "detail": {}}, "names no project"),
    ],
)
def test_anything_else_is_refused(payload: object, reason: str) -> None:
    """A refused payload gets a message that names the accepted ones."""
    with pytest.raises(RequestError, match=reason):
        read_delivery_request(payload)
