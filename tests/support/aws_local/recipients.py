"""What reached those who are to be told, by topic, webhook and bus."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.aws_local.application import Application

_MESSAGE = re.compile(r"Message ([0-9a-f]{16,64})")
_LINK = re.compile(r"<(https://[^|>]+)\|Open the report>")
_PROJECT = re.compile(r"Report: s3://[^/]+/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Told:
    """One message that a channel accepted."""

    channel: str
    project: str
    message_id: str
    text: str
    """All of it."""
    may_be_repeat: bool
    document: Mapping[str, Any]
    """What machines are told; empty for Slack."""


def by_topic(app: Application) -> list[Told]:
    """Return every message of the stack's topic."""
    found = []
    for envelope in app.published():
        document = json.loads(envelope["Message"])
        attribute = envelope["MessageAttributes"]["message_id"]["Value"]
        assert attribute == document["message_id"]
        found.append(
            Told("sns", document["project"], attribute, envelope["Message"], document["possible_duplicate"], document)
        )
    return found


def by_webhook(app: Application) -> list[Told]:
    """Return every message that Slack shows."""
    found = []
    for path, payload in app.slack.posted:
        text = json.dumps(payload, ensure_ascii=False)
        (message_id,), (project,) = set(_MESSAGE.findall(text)), set(_PROJECT.findall(text))
        found.append(Told(f"slack:{path}", project, message_id, text, "repeat" in text, {}))
    return found


def linked(told: Told) -> str:
    """Return the key of the object that a message leads people to."""
    link = told.document["report"]["page"]["link"] if told.document else html.unescape(_LINK.findall(told.text)[0])
    return parse_qs(urlsplit(link).query)["prefix"][0]


def changes(report: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the fingerprints of what a report opened, reopened and resolved, by the types of events."""
    found = [it for it in report["findings"] if it["compliance"] == "NON_COMPLIANT" and not it["exemption"]]
    return {
        "Backup Finding Opened": {it["fingerprint"] for it in found if it["lifecycle"] == "new"},
        "Backup Finding Reopened": {it["fingerprint"] for it in found if it["lifecycle"] == "reopened"},
        "Backup Finding Resolved": {it["fingerprint"] for it in report["resolved"]},
    }
