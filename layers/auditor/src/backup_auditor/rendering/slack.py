"""A digest or a notice as the body of a Slack incoming webhook, within Slack's limits.

Titles and small print are plain text, in which Slack reads entities. Everything else is rich text, which is literal.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from backup_auditor.domain.finding import Finding
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.text import split_clusters
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.rendering.controls import build_commands
from backup_auditor.rendering.digest import (
    DigestRow,
    DigestSection,
    Span,
    SpanStyle,
    build_advice,
    build_sections,
    find_readable_report,
    find_worst,
    format_headline,
    format_title,
    join_spans,
    list_notes,
)
from backup_auditor.rendering.discovery_notice import DiscoveryMessage
from backup_auditor.rendering.fleet_digest import FleetDigest, build_fleet_sections
from backup_auditor.rendering.text import count_units, escape_text

_MARKUP_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def fit_text(text: str, length: int) -> str:
    """Return a text without markup, of at most a length; one that was cut ends in an ellipsis."""
    lines = "\n".join(map(escape_text, text.split("\n")))  # the ends of lines are kept
    escaped_text = _escape_markup(lines)
    if count_units(escaped_text) <= length:
        return escaped_text
    return _cut_pieces(map(_escape_markup, split_clusters(lines[:length])), length)


def _escape_markup(text: str) -> str:
    return "".join(_MARKUP_ENTITIES.get(it, it) for it in text)


def _cut_pieces(pieces: Iterable[str], length: int) -> str:
    """Join the first pieces that fit, and an ellipsis."""
    remaining_length = length - 1
    fitting_pieces = []
    for piece in pieces:
        remaining_length -= count_units(piece)
        if remaining_length < 0:
            break
        fitting_pieces.append(piece)
    return "".join(fitting_pieces) + "…"


MAX_BLOCKS = 50
MAX_HEADER_LENGTH = 150
MAX_BLOCK_LENGTH = 3000
"""The limit for the texts of one block."""
MAX_BLOCKS_LENGTH = 12_000
"""The limit for all blocks as JSON: Slack counts their texts and, to an extent that it does not document, the rest."""
_MAX_TEXT_LENGTH = 1000
_MAX_LINK_LENGTH = 2000
_MAX_COMMANDS_LENGTH = 1500
"""The limit for the commands of one finding."""
_MAX_ROWS = 20
_MAX_NOTICE_ROWS = 12

type Block = dict[str, object]


def build_footnote_block(*texts: str, link: str | None = None) -> Block:
    """Return small print, and in it a link to the report if there is one."""
    elements = [_build_plain_text(it, _MAX_TEXT_LENGTH) for it in texts]
    if link is not None:
        address = _escape_markup(escape_text(link.replace("|", "%7C")))
        if count_units(address) <= _MAX_LINK_LENGTH:
            elements.append({"type": "mrkdwn", "text": f"<{address}|Open the report>", "verbatim": True})
    return {"type": "context", "elements": elements}


def _build_plain_text(text: str, length: int) -> Block:
    return {"type": "plain_text", "text": fit_text(text, length) or " ", "emoji": False}


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of rich text that is never split."""

    element: Block
    length: int
    """The length of its texts."""
    is_item: bool = False
    """Whether it is an item of a list."""


def build_paragraph_blocks(spans: Iterable[Span], commands: Iterable[str] = ()) -> Iterator[Block]:
    """Return spans as one paragraph of rich text, with commands to copy."""
    return _split_into_blocks((_build_section(spans), *map(_build_command, commands)))


def _build_section(spans: Iterable[Span], *, is_item: bool = False) -> _Part:
    """Return spans as one line or item; longer ones are cut."""
    fitting_spans = list(_fit_spans(_merge_spans(spans), MAX_BLOCK_LENGTH))
    element: Block = {"type": "rich_text_section", "elements": list(map(_build_element, fitting_spans))}
    return _Part(element, sum(count_units(it.text) for it in fitting_spans), is_item)


def _merge_spans(spans: Iterable[Span]) -> Iterator[Span]:
    """Join neighbors of the same style: Slack refuses empty texts, and each element takes room."""
    visible_spans = (it for it in spans if it.text)
    for (style, link), group in groupby(visible_spans, key=lambda it: (it.style, it.link)):
        yield Span(join_spans(group), style, link)


def _fit_spans(spans: Iterable[Span], length: int) -> Iterator[Span]:
    for span in spans:
        size = count_units(span.text)
        if size > length:
            if length:
                yield replace(span, text=_cut_pieces(split_clusters(span.text[:length]), length))
            return
        yield span
        length -= size


def _build_element(span: Span) -> Block:
    """Return a span as an element. Slack reads no markup, mentions or addresses in its text."""
    style = {} if span.style is None else {"style": {span.style.value: True}}
    if span.link is None or len(span.link) > _MAX_LINK_LENGTH:
        return {"type": "text", "text": span.text, **style}
    return {"type": "link", "url": span.link, "text": span.text, **style}


def _build_command(command: str) -> _Part:
    element: Block = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": command}]}
    return _Part(element, count_units(command))


def _build_rich_text(parts: Iterable[_Part]) -> Block:
    elements: list[Block] = []
    for is_item, group in groupby(parts, key=lambda it: it.is_item):
        group_elements = [it.element for it in group]
        if is_item:
            elements.append({"type": "rich_text_list", "style": "bullet", "elements": group_elements})
        else:
            elements += group_elements
    return {"type": "rich_text", "elements": elements}


def _split_into_blocks(parts: Iterable[_Part]) -> Iterator[Block]:
    """Return parts in as few blocks as possible."""
    block_parts: list[_Part] = []
    remaining_length = MAX_BLOCK_LENGTH
    for part in parts:
        if block_parts and part.length > remaining_length:
            yield _build_rich_text(block_parts)
            block_parts, remaining_length = [], MAX_BLOCK_LENGTH
        block_parts.append(part)
        remaining_length -= part.length
    yield _build_rich_text(block_parts)


@dataclass(frozen=True, slots=True)
class _SectionParts:
    """The rows of a section, each rendered once."""

    section: DigestSection
    title: _Part
    rows: tuple[_Part, ...]
    commands: tuple[tuple[_Part, ...], ...]
    """The commands of each row; empty for rows without any."""
    source: str = "report"
    """What has all rows."""

    def build_blocks(self, row_limit: int, command_limit: int) -> Iterator[Block]:
        """Return the title, the first rows, the commands of the first of these, and the count of the others."""
        rows = self.rows[:row_limit]
        commands = (it if number < command_limit else () for number, it in enumerate(self.commands))
        parts = (part for row, row_commands in zip(rows, commands, strict=False) for part in (row, *row_commands))
        yield from _split_into_blocks((self.title, *parts))
        rest = self.section.describe_rest(len(rows))
        if rest:
            yield build_footnote_block(f"{rest} The {self.source} has all of them.")


def build_slack_payload(digest: Digest) -> Mapping[str, object]:
    """Write a digest with as many rows under each title, and then as many commands, as there is room for."""
    sections = [_build_section_parts(it, digest) for it in build_sections(digest, _MAX_ROWS)]
    return _fit_payload(format_headline(digest), tuple(_build_head(digest)), sections, _build_footer(digest))


def build_fleet_payload(digest: FleetDigest) -> Mapping[str, object]:
    """Write a digest of the fleet with as many rows under each title as there is room for."""
    head: list[Block] = [
        {"type": "header", "text": _build_plain_text(digest.title, MAX_HEADER_LENGTH)},
        *build_paragraph_blocks((Span(escape_text(digest.advice)),)),
        build_footnote_block(" ".join(digest.notes)),
    ]
    sections = [
        _SectionParts(
            it,
            _build_section((Span(it.title, SpanStyle.BOLD),)),
            tuple(_build_section(_join_lines(row), is_item=True) for row in it.rows),
            ((),) * len(it.rows),
            "page",
        )
        for it in build_fleet_sections(digest, _MAX_ROWS)
    ]
    footer = build_footnote_block(digest.footer, f"Message {digest.message.message_id}", link=digest.page[1])
    return _fit_payload(f"{digest.title}. {digest.advice}", head, sections, footer)


def _fit_payload(
    headline: str, head: Sequence[Block], sections: Sequence[_SectionParts], footer: Block
) -> Mapping[str, object]:
    """Return a payload with as many rows under each title, and then as many commands, as there is room for."""

    def build_blocks(row_limit: int, command_limit: int) -> list[Block]:
        return [*head, *(block for it in sections for block in it.build_blocks(row_limit, command_limit)), footer]

    row_limit = next((it for it in range(_MAX_ROWS, 0, -1) if _is_accepted(build_blocks(it, 0))), 0)
    command_limit = next((it for it in range(row_limit, 0, -1) if _is_accepted(build_blocks(row_limit, it))), 0)
    return {
        "text": fit_text(headline, _MAX_TEXT_LENGTH),
        "blocks": build_blocks(row_limit, command_limit),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def build_notice_payload(
    title: str, advice: str, footnotes: Sequence[str], *, items: Iterable[str] = (), commands: Iterable[str] = ()
) -> Mapping[str, object]:
    """Write a message of plain texts: its title, what to do, a list, commands to copy, and small print."""
    list_parts = (_build_section((Span(escape_text(it), SpanStyle.BOLD),), is_item=True) for it in items)
    advice_part = _build_section((Span(escape_text(advice)),))
    blocks = [
        {"type": "header", "text": _build_plain_text(title, MAX_HEADER_LENGTH)},
        *_split_into_blocks((advice_part, *list_parts, *map(_build_command, commands))),
        build_footnote_block(*footnotes),
    ]
    text = fit_text(f"{title}. {advice}", _MAX_TEXT_LENGTH)
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def build_discovery_payload(message: DiscoveryMessage) -> Mapping[str, object]:
    """Write a message about the organization: the first rows, and the number of the others."""
    items = message.list_rows(_MAX_NOTICE_ROWS)
    return build_notice_payload(message.title, message.advice, message.footnotes, items=items)


def _is_accepted(blocks: Sequence[Block]) -> bool:
    text = json.dumps(blocks, separators=(",", ":"), ensure_ascii=False)
    return len(blocks) <= MAX_BLOCKS and count_units(text) <= MAX_BLOCKS_LENGTH


def _build_head(digest: Digest) -> Iterator[Block]:
    yield {"type": "header", "text": _build_plain_text(format_title(digest), MAX_HEADER_LENGTH)}
    advice = build_advice(digest)
    if advice:
        yield from build_paragraph_blocks(advice, _list_commands(find_worst(digest)))
    sentences = list_notes(digest)
    if sentences:
        yield build_footnote_block(" ".join(sentences))


def _build_footer(digest: Digest) -> Block:
    location, link = find_readable_report(digest)
    return build_footnote_block(
        f"Audited {format_minute(digest.report.observed_at)}. Report: {location}",
        f"Message {digest.message.message_id}",
        link=link,
    )


def _build_section_parts(section: DigestSection, digest: Digest) -> _SectionParts:
    worst = find_worst(digest)  # its commands are in the head
    return _SectionParts(
        section,
        _build_section((Span(section.title, SpanStyle.BOLD),)),
        tuple(_build_section(_join_lines(it), is_item=True) for it in section.rows),
        tuple(
            tuple(map(_build_command, _list_commands(it.finding)))
            if it.finding and it.finding.is_opened and it.finding is not worst
            else ()
            for it in section.rows
        ),
    )


def _join_lines(row: DigestRow) -> Iterator[Span]:
    for number, line in enumerate(row.lines):
        if number:
            yield Span("\n")
        yield from line


def _list_commands(finding: Finding | None) -> Iterator[str]:
    """Yield the commands of an open finding. One that is too long is left out, because no part of it can be run."""
    remaining_length = _MAX_COMMANDS_LENGTH
    for command in build_commands(finding) if finding and finding.is_open else ():
        length = count_units(command)
        if length <= remaining_length:
            yield command
            remaining_length -= length
