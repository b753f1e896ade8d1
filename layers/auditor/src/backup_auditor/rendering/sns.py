"""A digest or a notice as Amazon SNS takes it: text for people, JSON for machines, attributes for filter policies."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from unicodedata import normalize

from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.notifications.failures import FAILURE_SEVERITY
from backup_auditor.domain.outbox import FLEET
from backup_auditor.rendering.digest import (
    build_digest_json,
    format_title_parts,
    render_digest_summary,
    render_digest_text,
)
from backup_auditor.rendering.discovery_notice import (
    DiscoveryMessage,
    build_discovery_json,
    render_discovery_text,
)
from backup_auditor.rendering.failure_notice import NoticeMessage, build_notice_json, render_notice_text
from backup_auditor.rendering.fleet_digest import (
    FLEET_EVENT,
    FleetDigest,
    build_fleet_digest_json,
    render_fleet_summary,
    render_fleet_text,
)
from backup_auditor.rendering.text import escape_text, escape_truncated

MAX_PUBLICATION_BYTES = 262_144
"""The limit of one publication."""
MAX_SUBJECT_LENGTH = 99
"""ASCII characters: fewer than 100."""
MAX_ATTRIBUTE_LENGTH = 200
_MAX_ROWS = 100
MACHINE_PROTOCOLS = ("firehose", "http", "https", "lambda", "sqs")
_NON_ASCII = re.compile(r"[^\x20-\x7e]+")
_COMBINING_MARKS = re.compile("[\u0300-\u036f]")
_MIN_NAME_LENGTH = 30
"""The least number of characters for a project's name, however long the rest is."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The arguments of one call of `Publish`, with `MessageStructure` `json`."""

    subject: str
    message: str
    attributes: Mapping[str, str]
    """Each a `String`."""

    @property
    def size(self) -> int:
        """The bytes that SNS counts, and the subject."""
        attributes = sum(len(part.encode()) for it in self.attributes.items() for part in (*it, "String"))
        return len(self.message.encode()) + len(self.subject) + attributes


def build_publication(digest: Digest) -> Publication:
    """Write a digest with as many rows as there is room for, and with the number of the others."""
    return _fit_publication(lambda row_limit: _build_limited_publication(digest, row_limit))


def build_fleet_publication(digest: FleetDigest) -> Publication:
    """Write a digest of the fleet with as many rows as there is room for, and with the number of the others."""
    attributes = {
        "project": FLEET,
        "severity": digest.severity or "none",
        "compliance": digest.compliance,
        "event": FLEET_EVENT,
        "message_id": digest.message.message_id,
    }

    def build(row_limit: int) -> Publication:
        texts = render_fleet_summary(digest), render_fleet_text(digest, row_limit)
        message = _build_parts(*texts, build_fleet_digest_json(digest, row_limit))
        return Publication(_build_subject(digest.title_parts), message, attributes)

    return _fit_publication(build)


def _fit_publication(build: Callable[[int], Publication]) -> Publication:
    """Return the publication with the most rows that has room."""
    row_limits = [_MAX_ROWS]
    while row_limits[-1]:
        row_limits.append(row_limits[-1] * 3 // 4)
    return next(it for it in map(build, row_limits) if it.size <= MAX_PUBLICATION_BYTES)


def build_notice_publication(message: NoticeMessage) -> Publication:
    """Write a message about a failure, which always has room."""
    text = render_notice_text(message)
    attributes = {
        "project": escape_truncated(message.message.project, MAX_ATTRIBUTE_LENGTH),
        "severity": FAILURE_SEVERITY,
        "compliance": Compliance.INSUFFICIENT_DATA,
        "event": message.event_type,
        "message_id": message.message.message_id,
    }
    return Publication(
        _build_subject(message.title_parts), _build_parts(text, text, build_notice_json(message)), attributes
    )


def build_discovery_publication(message: DiscoveryMessage) -> Publication:
    """Write a message about the organization with as many rows as there is room for, and the number of the others."""
    return _fit_publication(lambda row_limit: _build_limited_discovery(message, row_limit))


def _build_limited_discovery(message: DiscoveryMessage, row_limit: int) -> Publication:
    attributes = {
        "project": FLEET,
        "severity": message.severity,
        "compliance": Compliance.INSUFFICIENT_DATA,
        "event": EventType.PROJECT_UNREGISTERED,
        "message_id": message.message.message_id,
    }
    text, document = render_discovery_text(message, row_limit), build_discovery_json(message, row_limit)
    return Publication(_build_subject(message.title_parts), _build_parts(message.headline, text, document), attributes)


def _build_limited_publication(digest: Digest, row_limit: int) -> Publication:
    text, summary = render_digest_text(digest, row_limit), render_digest_summary(digest)
    message = _build_parts(summary, text, build_digest_json(digest, row_limit))
    return Publication(_build_subject(format_title_parts(digest)), message, _build_attributes(digest))


def _build_parts(summary: str, text: str, document: Mapping[str, object]) -> str:
    """Return one text for each protocol, as JSON."""
    machine_text = json.dumps(document, separators=(",", ":"))
    return json.dumps({"default": summary, "email": text, **dict.fromkeys(MACHINE_PROTOCOLS, machine_text)})


def _build_subject(title_parts: tuple[str, str, str]) -> str:
    """Return status and changes in ASCII, with as much of the project's name as there is room for."""
    status, project, changes = map(_convert_to_ascii, title_parts)
    name_length = max(MAX_SUBJECT_LENGTH - len(f"{status}: : {changes}"), _MIN_NAME_LENGTH)
    has_name = any(it.isalnum() for it in project)
    subject = f"{status}: {_truncate(project, name_length)}: {changes}" if has_name else f"{status}: {changes}"
    return _truncate(subject, MAX_SUBJECT_LENGTH)


def _convert_to_ascii(text: str) -> str:
    """Return a text without accents and wide characters, and a question mark for any other character."""
    return _NON_ASCII.sub("?", _COMBINING_MARKS.sub("", normalize("NFKD", escape_text(text))))


def _truncate(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _build_attributes(digest: Digest) -> Mapping[str, str]:
    return {
        "project": escape_truncated(digest.report.project, MAX_ATTRIBUTE_LENGTH),
        "severity": digest.severity or "none",
        "compliance": digest.report.compliance,
        "event": digest.event_type,
        "message_id": digest.message.message_id,
    }
