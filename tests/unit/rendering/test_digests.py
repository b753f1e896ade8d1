"""What people are told, held against what was approved: `digests/` has a file for each kind of night.

Whoever changes a sentence on purpose writes the files anew by
`pytest tests/unit/rendering/test_digests.py --approve`, and reads what changed.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import Drift
from backup_auditor.rendering.slack import build_slack_payload
from backup_auditor.rendering.sns import build_publication
from support.builders.notifications import KEPT, SLACK, TOPIC, digest, ended, found, told
from support.builders.reports import EXEMPTION

FOLDER = Path(__file__).parent / "digests"
LAST = found(
    control="recovery-points-outlast-horizon",
    severity=Severity.CRITICAL,
    reason="Its last recovery point expires on 2026-11-25 12:00 UTC, in 3 days, and nothing makes new ones.",
    remediation="Resume the schedule, or take a backup by hand.",
)
GONE = Resource(ResourceType.DELETED_INDEX, "search", "orders", "id-earlier")
PROJECT = Resource(ResourceType.PROJECT, "search", "search", "project-1")
UNREAD = found(
    control="inventory-is-complete",
    resource=PROJECT,
    reason="1 fact could not be read, first GET /backup-schedules/0/history: 503",
    remediation="Look at `read_errors` in the report of search.",
)
UNKNOWN = Compliance.INSUFFICIENT_DATA
CASES: Mapping[str, Digest] = {
    "one-finding-opened": digest(told(LAST)),
    "many-things-changed": digest(
        told(
            LAST,
            found("carts", lifecycle="reopened", days=9),
            found("users", lifecycle="ongoing", days=3),
            found("pages", Severity.MEDIUM, "ongoing", days=2),
            found("scratch-1", exemption=EXEMPTION, lifecycle=None),
            resolved=(ended("images", Severity.CRITICAL), ended("tags", because="the index is gone")),
            drift=(Drift("policy changed", PROJECT, "0", "1"),),
        )
    ),
    "a-reminder": digest(told(found("users", lifecycle="ongoing", days=3), found("pages", Severity.LOW, "ongoing"))),
    "resolved": digest(told(resolved=(ended(), ended("carts")))),
    "resolved-while-others-last": digest(told(found("carts", lifecycle="ongoing", days=4), resolved=(ended(),))),
    "incomplete": digest(
        told(
            UNREAD,
            found("carts", Severity.CRITICAL, "ongoing", days=2, compliance=UNKNOWN),
            found("users", lifecycle=None, compliance=UNKNOWN),
            unread=1,
        )
    ),
    "only-the-reading-failed": digest(told(UNREAD, found("users", lifecycle=None, compliance=UNKNOWN), unread=1)),
    "all-is-well": digest(told(), replace(TOPIC, has_weekly_summary=True), previous_at=None),
    "all-is-well-above-low": digest(
        told(found(severity=Severity.LOW, lifecycle="ongoing", days=1)),
        replace(TOPIC, has_weekly_summary=True, min_severity=Severity.HIGH),
        previous_at=None,
    ),
    "a-deleted-index": digest(told(found(resource=GONE, control="backups-have-live-source", severity=Severity.LOW))),
    "may-be-a-repeat": digest(told(LAST), SLACK, may_be_repeat=True),
    "kept-nowhere-that-has-an-address": digest(told(LAST), SLACK, link_to=lambda _: None),
    "without-a-page": digest(told(LAST), SLACK, kept=replace(KEPT, page=None)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_told_was_approved(case: str, request: pytest.FixtureRequest) -> None:
    """Every word of it: subject, e-mail, the short text, the JSON, and what Slack shows."""
    shown, path = _shown(CASES[case]), FOLDER / f"{case}.txt"
    if request.config.getoption("--approve"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def _shown(it: Digest) -> str:
    publication = build_publication(it)
    parts = json.loads(publication.message)
    sections = {
        "subject": publication.subject,
        "attributes": json.dumps(dict(publication.attributes), indent=1),
        "email": parts["email"],
        "default": parts["default"],
        "sqs": json.dumps(json.loads(parts["sqs"]), indent=1),
        "slack": json.dumps(build_slack_payload(it), indent=1, ensure_ascii=False),
    }
    return "\n".join(f"=== {name}\n{text.rstrip()}\n" for name, text in sections.items())
