"""What reached the recipients, by topic, webhook and bus."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.aws_local.application import Application

_MESSAGE_PATTERN = re.compile(r"Message ([0-9a-f]{16,64})")
_LINK_PATTERN = re.compile(r"<(https://[^|>]+)\|Open the report>")
_PROJECT_PATTERN = re.compile(r"Report: s3://[^/]+/([^/]+)/")


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """One message that a channel accepted."""

    channel: str
    project: str
    message_id: str
    text: str
    """All of it."""
    is_possible_duplicate: bool
    document: Mapping[str, Any]
    """The attributes for machines; empty for Slack."""


def list_topic_messages(app: Application) -> list[DeliveredMessage]:
    """Return every message of the stack's topic."""
    messages = []
    for envelope in app.list_published():
        document = json.loads(envelope["Message"])
        attribute = envelope["MessageAttributes"]["message_id"]["Value"]
        assert attribute == document["message_id"]
        messages.append(
            DeliveredMessage(
                "sns", document["project"], attribute, envelope["Message"], document["possible_duplicate"], document
            )
        )
    return messages


def list_webhook_messages(app: Application) -> list[DeliveredMessage]:
    """Return every message that Slack shows."""
    messages = []
    for path, payload in app.slack.posted_messages:
        text = json.dumps(payload, ensure_ascii=False)
        (message_id,), (project,) = set(_MESSAGE_PATTERN.findall(text)), set(_PROJECT_PATTERN.findall(text))
        messages.append(DeliveredMessage(f"slack:{path}", project, message_id, text, "duplicate" in text, {}))
    return messages


def find_linked_key(message: DeliveredMessage) -> str:
    """Return the key of the object that a message leads people to."""
    link = (
        message.document["report"]["page"]["link"]
        if message.document
        else html.unescape(_LINK_PATTERN.findall(message.text)[0])
    )
    return parse_qs(urlsplit(link).query)["prefix"][0]


def find_changes(report: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the fingerprints of what a report opened, reopened and resolved, by the types of events."""
    open_findings = [it for it in report["findings"] if it["compliance"] == "NON_COMPLIANT" and not it["exemption"]]
    return {
        "Backup Finding Opened": {it["fingerprint"] for it in open_findings if it["lifecycle"] == "new"},
        "Backup Finding Reopened": {it["fingerprint"] for it in open_findings if it["lifecycle"] == "reopened"},
        "Backup Finding Resolved": {it["fingerprint"] for it in report["resolved"]},
    }
