"""A digest as Amazon SNS takes it: text for people, JSON for machines, and attributes for filter policies."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backup_auditor.domain.alerting.digest import Digest
from backup_auditor.rendering.digest_headline import brief
from backup_auditor.rendering.digest_json import digest_json
from backup_auditor.rendering.digest_text import digest_in_short, digest_text
from backup_auditor.rendering.text import plain, shortened

MOST_BYTES = 262_144
"""Of one publication, whatever it consists of."""
MOST_IN_SUBJECT = 99
"""ASCII characters: fewer than 100."""
_MOST_IN_ATTRIBUTE = 200
_MOST_ROWS = 100
_FOR_MACHINES = ("firehose", "http", "https", "lambda", "sqs")
_UNFIT = re.compile(r"[^\x20-\x7e]")


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
    ascii_alone = _UNFIT.sub(lambda it: it[0].encode("unicode_escape").decode(), plain(brief(digest)))
    return ascii_alone if len(ascii_alone) <= MOST_IN_SUBJECT else f"{ascii_alone[: MOST_IN_SUBJECT - 3]}..."


def _attributes(digest: Digest) -> Mapping[str, str]:
    return {
        "project": shortened(digest.report.project, _MOST_IN_ATTRIBUTE),
        "severity": digest.severity or "none",
        "compliance": digest.report.compliance,
        "event": digest.event,
        "message_id": digest.message.message_id,
    }
