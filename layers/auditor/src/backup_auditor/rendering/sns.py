"""A digest as Amazon SNS takes it: text for people, JSON for machines, and attributes for filter policies."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from unicodedata import normalize

from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.rendering.digest import brief_parts, digest_in_short, digest_text
from backup_auditor.rendering.digest_json import digest_json
from backup_auditor.rendering.text import escape_text, escape_truncated

MOST_BYTES = 262_144
"""Of one publication, whatever it consists of."""
MOST_IN_SUBJECT = 99
"""ASCII characters: fewer than 100."""
_MOST_IN_ATTRIBUTE = 200
_MOST_ROWS = 100
_FOR_MACHINES = ("firehose", "http", "https", "lambda", "sqs")
_UNFIT = re.compile(r"[^\x20-\x7e]+")
_MARKS = re.compile("[\u0300-\u036f]")
_LEAST_OF_NAME = 30
"""How many characters of a project's name have room, however long what follows is."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What one call of `Publish` is given, with `MessageStructure` `json`."""

    subject: str
    message: str
    attributes: Mapping[str, str]
    """Each a `String`."""

    @property
    def size(self) -> int:
        """How many bytes SNS counts, and the subject."""
        attributes = sum(len(part.encode()) for it in self.attributes.items() for part in (*it, "String"))
        return len(self.message.encode()) + len(self.subject) + attributes


def publication_of(digest: Digest) -> Publication:
    """Write a digest with as many rows as there is room for, all parts together, and with the count of the others."""
    written = (_written(digest, shown) for shown in _fewer_and_fewer())
    return next(it for it in written if it.size <= MOST_BYTES)


def _fewer_and_fewer() -> Iterator[int]:
    shown = _MOST_ROWS
    while shown:
        yield shown
        shown = shown * 3 // 4
    yield 0


def _written(digest: Digest, shown: int) -> Publication:
    text = digest_text(digest, shown)
    document = json.dumps(digest_json(digest, shown), separators=(",", ":"))
    parts = {"default": digest_in_short(digest), "email": text, **dict.fromkeys(_FOR_MACHINES, document)}
    return Publication(_subject(digest), json.dumps(parts), _attributes(digest))


def _subject(digest: Digest) -> str:
    """Return how bad it is and what happened in ASCII, with as much of the project's name as has room beside it."""
    how_bad, name, what = (_in_ascii(it) for it in brief_parts(digest))
    room = max(MOST_IN_SUBJECT - len(f"{how_bad}: : {what}"), _LEAST_OF_NAME)
    has_name = any(it.isalnum() for it in name)
    subject = f"{how_bad}: {_cut(name, room)}: {what}" if has_name else f"{how_bad}: {what}"
    return _cut(subject, MOST_IN_SUBJECT)


def _in_ascii(text: str) -> str:
    """Return a text with its letters without accents and of ordinary width, and a question mark for any other."""
    return _UNFIT.sub("?", _MARKS.sub("", normalize("NFKD", escape_text(text))))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _attributes(digest: Digest) -> Mapping[str, str]:
    return {
        "project": escape_truncated(digest.report.project, _MOST_IN_ATTRIBUTE),
        "severity": digest.severity or "none",
        "compliance": digest.report.compliance,
        "event": digest.event,
        "message_id": digest.message.message_id,
    }
