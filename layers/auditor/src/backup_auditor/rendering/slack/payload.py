"""The body of a call of a webhook: blocks for those who look, a text for notifications."""

from collections.abc import Iterator, Mapping

from backup_auditor.domain.alerting.digest import Digest
from backup_auditor.domain.moments import format_minute
from backup_auditor.rendering.digest_headline import brief, explanation, headline
from backup_auditor.rendering.digest_sections import remarks, sections
from backup_auditor.rendering.report_link import for_people
from backup_auditor.rendering.slack.blocks import Block, footnote, header, paragraph, paragraphs, title
from backup_auditor.rendering.slack.escaping import fitted, units

MOST_BLOCKS = 50
MOST_CHARACTERS = 13_000
"""Of all texts together."""
_MOST_ROWS = 20
_MOST_IN_TEXT = 1000


def slack_payload(digest: Digest) -> Mapping[str, object]:
    """Write a digest with as many rows under each title as there is room for, and with the count of the others."""
    text = fitted(headline(digest), _MOST_IN_TEXT)
    written = (list(_blocks(digest, shown)) for shown in range(_MOST_ROWS, -1, -1))
    room = MOST_CHARACTERS - units(text)
    blocks = next(it for it in written if len(it) <= MOST_BLOCKS and _characters(it) <= room)
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _blocks(digest: Digest, shown: int) -> Iterator[Block]:
    yield header(brief(digest))
    explained = explanation(digest)
    if explained:
        yield paragraph(explained)
    said = remarks(digest)
    if said:
        yield footnote(" ".join(said))
    for section in sections(digest, shown):
        yield title(section.title)
        yield from paragraphs(section.rows)
        if section.rest:
            yield footnote(f"{section.rest} The report has all of them.")
    location, link = for_people(digest)
    yield footnote(
        f"Audited {format_minute(digest.report.observed_at)}. Report: {location}",
        f"Message {digest.message.message_id}",
        link=link,
    )


def _characters(blocks: list[Block]) -> int:
    return sum(map(_characters_of, blocks))


def _characters_of(value: object) -> int:
    if isinstance(value, dict):
        inner = [it for name, it in value.items() if name in {"text", "elements"}]
        return sum(map(_characters_of, inner))
    if isinstance(value, list):
        return sum(map(_characters_of, value))
    return units(value) if isinstance(value, str) else 0
