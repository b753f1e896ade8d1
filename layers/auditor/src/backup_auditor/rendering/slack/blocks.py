"""The blocks of Slack that digests are made of, each within its limits.

Names and sentences stand in `plain_text` alone, where nothing is markup; `mrkdwn` holds our own words.
"""

from collections.abc import Iterator, Sequence

from backup_auditor.rendering.slack.escaping import fitted, units

MOST_IN_SECTION = 3000
MOST_IN_HEADER = 150

type Block = dict[str, object]


def header(text: str) -> Block:
    """Return a title over all."""
    return {"type": "header", "text": _plain(text, MOST_IN_HEADER)}


def paragraph(text: str) -> Block:
    """Return a paragraph in which nothing is markup."""
    return {"type": "section", "text": _plain(text, MOST_IN_SECTION)}


def title(own_words: str) -> Block:
    """Return a title over rows."""
    return {"type": "section", "text": _markup(f"*{own_words}*")}


def footnote(*texts: str, link: str | None = None) -> Block:
    """Return small print, and in it a link if there is one."""
    elements = [_plain(it, MOST_IN_SECTION) for it in texts]
    if link is not None:
        elements.append(_markup(f"<{fitted(link.replace('|', '%7C'), MOST_IN_SECTION - 20)}|Open the report>"))
    return {"type": "context", "elements": elements}


def paragraphs(rows: Sequence[str]) -> Iterator[Block]:
    """Return rows in as few paragraphs as hold them; none is torn apart."""
    held: list[str] = []
    room = MOST_IN_SECTION
    for row in rows:
        safe = fitted(row, MOST_IN_SECTION)
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


def _plain(text: str, length: int) -> Block:
    return {"type": "plain_text", "text": fitted(text, length) or " ", "emoji": False}


def _markup(own_words: str) -> Block:
    return {"type": "mrkdwn", "text": own_words, "verbatim": True}
