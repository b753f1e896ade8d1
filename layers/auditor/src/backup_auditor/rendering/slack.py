"""A digest as the body of a Slack incoming webhook, within Slack's limits."""

from collections.abc import Iterator, Mapping, Sequence

from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.text import split_clusters
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.rendering.digest import advice, for_people, headline, notes, sections, title
from backup_auditor.rendering.text import escape_text

_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def fit_text(text: str, length: int) -> str:
    """Return a text on lines of its own, harmless, of at most a length; one that was cut ends in an ellipsis."""
    pieces = ["".join(_MARKUP.get(it, it) for it in cluster) for cluster in split_clusters(visible_text(text))]
    if sum(map(units, pieces)) <= length:
        return "".join(pieces)
    left = length - 1
    kept = []
    for piece in pieces:
        left -= units(piece)
        if left < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def visible_text(text: str) -> str:
    """Return a text with every control character escaped, but for the ends of lines."""
    return "\n".join(map(escape_text, text.split("\n")))


def units(text: str) -> int:
    """Count a text as JavaScript does, which is never less than its characters."""
    return len(text) + sum(it > "\uffff" for it in text)


MOST_IN_SECTION = 3000
MOST_IN_HEADER = 150

type Block = dict[str, object]


def header_block(text: str) -> Block:
    """Return a title over all."""
    return {"type": "header", "text": _plain_text(text, MOST_IN_HEADER)}


def paragraph_block(text: str) -> Block:
    """Return a paragraph in which nothing is markup."""
    return {"type": "section", "text": _plain_text(text, MOST_IN_SECTION)}


def title_block(own_words: str) -> Block:
    """Return a title over rows."""
    return {"type": "section", "text": _markup(f"*{own_words}*")}


def footnote_block(*texts: str, link: str | None = None) -> Block:
    """Return small print, and in it a link if there is one."""
    elements = [_plain_text(it, MOST_IN_SECTION) for it in texts]
    if link is not None:
        elements.append(_markup(f"<{fit_text(link.replace('|', '%7C'), MOST_IN_SECTION - 20)}|Open the report>"))
    return {"type": "context", "elements": elements}


def paragraph_blocks(rows: Sequence[str]) -> Iterator[Block]:
    """Return rows in as few paragraphs as hold them; none is torn apart."""
    held: list[str] = []
    room = MOST_IN_SECTION
    for row in rows:
        safe = fit_text(row, MOST_IN_SECTION)
        size = units(safe) + 1
        if held and size > room:
            yield _section_of(held)
            held, room = [], MOST_IN_SECTION
        held.append(safe)
        room -= size
    if held:
        yield _section_of(held)


def _section_of(safe: Sequence[str]) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": "\n".join(safe), "emoji": False}}


def _plain_text(text: str, length: int) -> Block:
    return {"type": "plain_text", "text": fit_text(text, length) or " ", "emoji": False}


def _markup(own_words: str) -> Block:
    return {"type": "mrkdwn", "text": own_words, "verbatim": True}


MOST_BLOCKS = 50
MOST_CHARACTERS = 13_000
"""Of all texts together."""
_MOST_ROWS = 20
_MOST_IN_TEXT = 1000


def slack_payload(digest: Digest) -> Mapping[str, object]:
    """Write a digest with as many rows under each title as there is room for, and with the count of the others."""
    text = fit_text(headline(digest), _MOST_IN_TEXT)
    written = (list(_blocks(digest, shown)) for shown in range(_MOST_ROWS, -1, -1))
    room = MOST_CHARACTERS - units(text)
    blocks = next(it for it in written if len(it) <= MOST_BLOCKS and _characters(it) <= room)
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _blocks(digest: Digest, shown: int) -> Iterator[Block]:
    yield header_block(title(digest))
    explained = advice(digest)
    if explained:
        yield paragraph_block(explained)
    said = notes(digest)
    if said:
        yield footnote_block(" ".join(said))
    for section in sections(digest, shown):
        yield title_block(section.title)
        yield from paragraph_blocks(section.rows)
        if section.rest:
            yield footnote_block(f"{section.rest} The report has all of them.")
    location, link = for_people(digest)
    yield footnote_block(
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
