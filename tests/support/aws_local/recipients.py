"""The messages and events that topic, webhook and bus received."""

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
_NOTICE_PATTERN = re.compile(
    r"(?:CRITICAL|RESOLVED): ([^:]+): (audit failed|audit overdue|audited again)( \(reminder\))?"
)


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """One message that a channel accepted."""

    channel: str
    project: str
    message_id: str
    text: str
    """The whole message."""
    is_possible_duplicate: bool
    document: Mapping[str, Any]
    """The machine-readable part; empty for Slack."""
    notice: str | None = None
    """What the message says about a failure: `opened`, `reminder` or `resolved`; `None` for a digest."""


def list_topic_messages(app: Application, queue_url: str | None = None) -> list[DeliveredMessage]:
    """Return all messages of the stack's topic, or of the topic that a queue is subscribed to."""
    messages = []
    for envelope in app.list_published(queue_url):
        document = json.loads(envelope["Message"])
        attribute = envelope["MessageAttributes"]["message_id"]["Value"]
        assert attribute == document["message_id"]
        messages.append(
            DeliveredMessage(
                "sns",
                document["project"],
                attribute,
                envelope["Message"],
                document["possible_duplicate"],
                document,
                document.get("notice"),
            )
        )
    return messages


def list_webhook_messages(app: Application) -> list[DeliveredMessage]:
    """Return all messages that Slack shows."""
    messages = []
    for path, payload in app.slack.posted_messages:
        text = json.dumps(payload, ensure_ascii=False)
        (message_id,) = set(_MESSAGE_PATTERN.findall(text))
        notice_match = _NOTICE_PATTERN.search(text)
        (project,) = {notice_match[1]} if notice_match else set(_PROJECT_PATTERN.findall(text))
        notice = notice_match and _find_notice(notice_match)
        messages.append(DeliveredMessage(f"slack:{path}", project, message_id, text, "duplicate" in text, {}, notice))
    return messages


def _find_notice(match: re.Match[str]) -> str:
    """Return what a title says about a failure."""
    if match[2] == "audited again":
        return "resolved"
    return "reminder" if match[3] else "opened"


def find_linked_key(message: DeliveredMessage) -> str:
    """Return the key of the object that a message links to."""
    link = (
        message.document["report"]["page"]["link"]
        if message.document
        else html.unescape(_LINK_PATTERN.findall(message.text)[0])
    )
    return parse_qs(urlsplit(link).query)["prefix"][0]


def find_changes(report: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the fingerprints that a report opened, reopened and resolved, by event type."""
    open_findings = [it for it in report["findings"] if it["compliance"] == "NON_COMPLIANT" and not it["exemption"]]
    return {
        "Backup Finding Opened": {it["fingerprint"] for it in open_findings if it["lifecycle"] == "new"},
        "Backup Finding Reopened": {it["fingerprint"] for it in open_findings if it["lifecycle"] == "reopened"},
        "Backup Finding Resolved": {it["fingerprint"] for it in report["resolved"]},
    }
