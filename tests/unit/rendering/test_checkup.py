"""Test the table and the JSON document of checks."""

import json
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.checkup import fail_check, pass_check, skip_check
from backup_auditor.domain.text import measure_width
from backup_auditor.rendering.channel_test import build_test_payload, build_test_publication
from backup_auditor.rendering.checkup import render_checks_json, render_checks_table
from backup_auditor.rendering.sns import MAX_SUBJECT_LENGTH
from backup_auditor.rendering.text import join_lines
from support.approval import Approve
from support.slack_server import find_refusal, iterate_elements

LONG_NAME = (
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:backup-auditor/keys/a-project-with-a-long-name-a1B2c3"
)
CHECKS = (
    pass_check("python", "Python 3.13.1 on linux; backup-auditor 0.1.0"),
    skip_check("role", "unknown: Pinecone does not report the role of a key"),
    replace(pass_check("policies", "12 policies can be used"), function="audit"),
    replace(
        fail_check("keys", f"the secret {LONG_NAME}: there is no such secret", "create it, or correct the name"),
        function="audit",
    ),
    replace(
        fail_check("topics", "検索\u202e\x1b[31m has no subscription", "confirm it\nfrom its inbox"), function="notify"
    ),
)


def test_the_table_is_as_approved(approve: Approve) -> None:
    """The table has a line with the counts, and below each failed check its remedy."""
    approve("checks.txt", join_lines(render_checks_table(CHECKS, 80)))


def test_the_document_is_as_approved(approve: Approve) -> None:
    """The JSON document has every check with its function, and the counts."""
    approve("checks.json", [render_checks_json(CHECKS, "backup-auditor")])


@pytest.mark.parametrize("width", [40, 79, 80, 200])
def test_the_table_fits_its_width(width: int) -> None:
    """No line is wider than the terminal, and control characters are escaped."""
    lines = list(render_checks_table(CHECKS, width))
    assert max(map(measure_width, lines)) <= width
    assert all(it.isprintable() for it in lines)


def test_a_test_message_is_marked_for_people_and_machines() -> None:
    """Subject, text and machine-readable part name the stack, and none looks like a finding."""
    publication = build_test_publication("s" * 120, [f"project-{it}" for it in range(9)])
    parts = json.loads(publication.message)
    assert "Test message" in publication.subject
    assert len(publication.subject) <= MAX_SUBJECT_LENGTH
    assert publication.subject.isascii()
    assert "project-0, project-1, project-2, project-3, project-4, 4 more." in parts["email"]
    assert json.loads(parts["sqs"])["event"] == "Backup Channel Test"


def test_a_test_message_for_a_topic_has_the_attributes_of_every_message() -> None:
    """A filter policy on project, severity, compliance or event finds a value of the published format."""
    publication = build_test_publication("backup-auditor", ["search", "shop"])
    assert publication.attributes == {
        "project": "search",
        "severity": "none",
        "compliance": "INSUFFICIENT_DATA",
        "event": "Backup Channel Test",
    }
    document = json.loads(json.loads(publication.message)["sqs"])
    assert document.items() >= publication.attributes.items()


def test_a_test_message_for_slack_has_the_kinds_of_blocks_of_a_digest() -> None:
    """Slack accepts or refuses it for the same reasons; names of projects are literal texts of a list."""
    payload: Any = build_test_payload("backup-auditor", ["<!channel> & *co*", "shop"])
    assert find_refusal("application/json", json.dumps(payload).encode())[0] is None
    header, body, footnote = payload["blocks"]
    assert [it["type"] for it in (header, body, footnote)] == ["header", "rich_text", "context"]
    assert [it["type"] for it in body["elements"]] == [
        *("rich_text_section", "rich_text_list", "rich_text_preformatted")
    ]
    assert [it["text"] for it in iterate_elements(body)] == [
        "Alerts about these projects arrive here. Nothing has to be done.",
        *("<!channel> & *co*", "shop", "backup-auditor doctor --stack backup-auditor"),
    ]
    assert str(payload["text"]).startswith("Test message from backup-auditor. ")
