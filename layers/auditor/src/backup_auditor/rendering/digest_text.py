"""A digest as text that people read: an e-mail."""

from collections.abc import Iterator

from backup_auditor.domain.alerting.digest import Digest
from backup_auditor.domain.moments import format_minute
from backup_auditor.rendering.digest_headline import headline
from backup_auditor.rendering.digest_sections import remarks, sections
from backup_auditor.rendering.report_link import for_people
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.verdict import read_so_much


def digest_text(digest: Digest, shown: int) -> str:
    """Write a digest with at most so many rows under each title, in lines that break only between what they say."""
    return "\n".join(_lines(digest, shown)) + "\n"


def digest_in_short(digest: Digest) -> str:
    """Write the first line of a digest, and where the rest is."""
    return "\n".join((headline(digest), *remarks(digest), *_where(digest))) + "\n"


def _lines(digest: Digest, shown: int) -> Iterator[str]:
    yield headline(digest)
    said = remarks(digest)
    if said:
        yield from ("", *said)
    for section in sections(digest, shown):
        yield from ("", section.title.upper(), *section.rows)
        if section.rest:
            yield section.rest
    yield ""
    yield from _where(digest)


def _where(digest: Digest) -> Iterator[str]:
    report = digest.report
    location, link = for_people(digest)
    yield f"Audited {format_minute(report.observed_at)}: {read_so_much(report.inventory)}."
    yield f"Report: {plain(location)}"
    if link:
        yield f"        {link}"
    yield f"Audit {plain(report.audit_id)}, message {digest.message.message_id}"
