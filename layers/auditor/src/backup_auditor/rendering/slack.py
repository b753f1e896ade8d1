"""A digest or a notice as the body of a Slack incoming webhook, within Slack's limits."""

from collections.abc import Iterator, Mapping, Sequence

from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.text import split_clusters
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.rendering.digest import (
    build_sections,
    find_readable_report,
    format_advice,
    format_headline,
    format_title,
    list_notes,
)
from backup_auditor.rendering.text import escape_text

_MARKUP_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def fit_text(text: str, length: int) -> str:
    """Return a text without markup, of at most a length; one that was cut ends in an ellipsis."""
    lines = "\n".join(map(escape_text, text.split("\n")))  # the ends of lines are kept
    pieces = ["".join(_MARKUP_ENTITIES.get(it, it) for it in cluster) for cluster in split_clusters(lines)]
    if sum(map(count_units, pieces)) <= length:
        return "".join(pieces)
    remaining_length = length - 1
    fitting_pieces = []
    for piece in pieces:
        remaining_length -= count_units(piece)
        if remaining_length < 0:
            break
        fitting_pieces.append(piece)
    return "".join(fitting_pieces) + "…"


def count_units(text: str) -> int:
    """Count a text as JavaScript does, which is never less than its characters."""
    return len(text) + sum(it > "\uffff" for it in text)


MAX_SECTION_LENGTH = 3000
MAX_HEADER_LENGTH = 150

type Block = dict[str, object]


def build_footnote_block(*texts: str, link: str | None = None) -> Block:
    """Return small print, and in it a link if there is one."""
    elements = [_build_plain_text(it, MAX_SECTION_LENGTH) for it in texts]
    if link is not None:
        address = fit_text(link.replace("|", "%7C"), MAX_SECTION_LENGTH - 20)
        elements.append(_build_markup(f"<{address}|Open the report>"))
    return {"type": "context", "elements": elements}


def build_paragraph_blocks(rows: Sequence[str]) -> Iterator[Block]:
    """Return rows in as few paragraphs as possible; no row is split."""
    escaped_rows: list[str] = []
    remaining_length = MAX_SECTION_LENGTH
    for row in rows:
        escaped_row = fit_text(row, MAX_SECTION_LENGTH)
        size = count_units(escaped_row) + 1
        if escaped_rows and size > remaining_length:
            yield _build_section(escaped_rows)
            escaped_rows, remaining_length = [], MAX_SECTION_LENGTH
        escaped_rows.append(escaped_row)
        remaining_length -= size
    if escaped_rows:
        yield _build_section(escaped_rows)


def _build_section(escaped_rows: Sequence[str]) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": "\n".join(escaped_rows), "emoji": False}}


def _build_plain_text(text: str, length: int) -> Block:
    return {"type": "plain_text", "text": fit_text(text, length) or " ", "emoji": False}


def _build_markup(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


MAX_BLOCKS = 50
MAX_CHARACTERS = 13_000
"""Of all texts together."""
_MAX_ROWS = 20
_MAX_TEXT_LENGTH = 1000


def build_slack_payload(digest: Digest) -> Mapping[str, object]:
    """Write a digest with as many rows under each title as there is room for, and with the count of the others."""
    text = fit_text(format_headline(digest), _MAX_TEXT_LENGTH)
    block_lists = (list(_build_blocks(digest, row_limit)) for row_limit in range(_MAX_ROWS, -1, -1))
    remaining_length = MAX_CHARACTERS - count_units(text)
    blocks = next(it for it in block_lists if len(it) <= MAX_BLOCKS and _count_characters(it) <= remaining_length)
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def build_notice_payload(title: str, advice: str, footnotes: Sequence[str]) -> Mapping[str, object]:
    """Write a message of three plain texts: its title, what to do, and small print."""
    blocks = [
        {"type": "header", "text": _build_plain_text(title, MAX_HEADER_LENGTH)},
        {"type": "section", "text": _build_plain_text(advice, MAX_SECTION_LENGTH)},
        build_footnote_block(*footnotes),
    ]
    text = fit_text(f"{title}. {advice}", _MAX_TEXT_LENGTH)
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _build_blocks(digest: Digest, row_limit: int) -> Iterator[Block]:
    yield {"type": "header", "text": _build_plain_text(format_title(digest), MAX_HEADER_LENGTH)}
    advice_text = format_advice(digest)
    if advice_text:
        yield {"type": "section", "text": _build_plain_text(advice_text, MAX_SECTION_LENGTH)}
    sentences = list_notes(digest)
    if sentences:
        yield build_footnote_block(" ".join(sentences))
    for section in build_sections(digest, row_limit):
        yield {"type": "section", "text": _build_markup(f"*{section.title}*")}
        yield from build_paragraph_blocks(section.rows)
        if section.rest:
            yield build_footnote_block(f"{section.rest} The report has all of them.")
    location, link = find_readable_report(digest)
    yield build_footnote_block(
        f"Audited {format_minute(digest.report.observed_at)}. Report: {location}",
        f"Message {digest.message.message_id}",
        link=link,
    )


def _count_characters(value: object) -> int:
    if isinstance(value, dict):
        return sum(_count_characters(it) for name, it in value.items() if name in {"text", "elements"})
    if isinstance(value, list):
        return sum(map(_count_characters, value))
    return count_units(value) if isinstance(value, str) else 0
