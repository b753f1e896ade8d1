"""A digest as text: its headline, advice and sections, and the link to the report."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.rendering.grouping import place_of, resource_label
from backup_auditor.rendering.summary import INCOMPLETE, incompleteness, read_so_much, verdict
from backup_auditor.rendering.text import escape_text, escape_truncated, format_json

_NAME = 200
_SENTENCE = 500


def headline(digest: Digest) -> str:
    """Return the line that a reader who reads no more must have read."""
    return f"{title(digest)}. {advice(digest)}".rstrip()


def advice(digest: Digest) -> str:
    """Return what follows the shortest: what is worst, what to do about it, and whether anything was not read."""
    worst = _worst(digest)
    unread = None if worst is not None and worst.control == INCOMPLETE else incompleteness(digest.report)
    return " ".join(it for it in (unread, _advice(digest)) if it)


def title(digest: Digest) -> str:
    """Return the shortest that can be said: how bad it is, for which project, and what happened."""
    how_bad, name, what = brief_parts(digest)
    return f"{how_bad}: {name}: {what}"


def brief_parts(digest: Digest) -> tuple[str, str, str]:
    """Return how bad it is, for which project, and what happened."""
    incomplete = "" if digest.report.is_complete else " (audit incomplete)"
    return f"{_how_bad(digest)}{incomplete}", escape_truncated(digest.report.project, _NAME), _what(digest)


def by_severity(findings: Iterable[Finding]) -> str:
    """Count findings by severity, the worst first: `1 critical, 3 high`."""
    counted = Counter(it.severity for it in findings)
    return ", ".join(f"{counted[it]:,} {it}" for it in reversed(Severity) if counted[it])


def nothing_open(severity: Severity) -> str:
    """Say that nothing of the severities that a channel hears of is open."""
    return "nothing is open" if severity is Severity.LOW else f"nothing at or above {severity} is open"


def _how_bad(digest: Digest) -> str:
    told, worst = digest.told, _worst(digest)
    if worst is not None:
        return worst.severity.upper()
    if told.resolved:
        return "RESOLVED"
    return "ALL IS WELL" if told.is_well else "NOT KNOWN"


def _worst(digest: Digest) -> Finding | None:
    """Return what is worst of what is new, or else of what lasts."""
    return next(iter(digest.told.opened or digest.told.lasting), None)


def _what(digest: Digest) -> str:
    told = digest.told
    parts = []
    if told.opened:
        again = sum(it.lifecycle == "reopened" for it in told.opened)
        parts.append(f"{pluralize(len(told.opened), 'finding')} opened{_again(again)} on {_places(told.opened)}")
    if told.resolved:
        where = "" if told.opened else f" on {_named([it.resource for it in told.resolved])}"
        parts.append(f"{pluralize(len(told.resolved), 'finding')} resolved{where}")
    if told.lasting and parts:
        parts.append(f"still open: {by_severity(told.lasting)}")
    elif told.lasting:
        parts.append(f"{pluralize(len(told.lasting), 'finding')} still open on {_places(told.lasting)}")
    elif not told.opened:
        parts.append(nothing_open(told.severity))
    return "; ".join(parts)


def _again(number: int) -> str:
    return f", {number:,} of them again," if number else ""


def _places(findings: Iterable[Finding]) -> str:
    return _named([it.resource for it in findings])


def _named(resources: Sequence[Resource]) -> str:
    different = {place_of(it) for it in resources}
    if len(different) == 1:
        return escape_truncated(different.pop(), _NAME)
    is_index = all(it.type is ResourceType.INDEX for it in resources)
    return pluralize(len(different), "index", "indexes") if is_index else pluralize(len(different), "resource")


def _advice(digest: Digest) -> str:
    """Say what is worst, and what to do about it."""
    told, worst = digest.told, _worst(digest)
    if worst is not None:
        reason, next_step = (escape_truncated(it, _SENTENCE) for it in (worst.reason, worst.remediation))
        is_named = len(told.opened) + len(told.lasting) == 1 and not told.resolved
        first = "" if is_named else f"First: {escape_truncated(resource_label(worst), _NAME)}: "
        stop = "" if reason.endswith((".", "…")) else "."  # it may end with an error of the service
        return f"{first}{reason}{stop}" + (f" Next: {next_step}" if next_step else "")
    if told.unknown:
        return f"{pluralize(len(told.unknown), 'verdict')} could not be given."
    if digest.report.compliance is Compliance.COMPLIANT:
        return verdict(digest.report)
    return ""


_LENGTH = 1000
"""How long one text of a row may be: no name and no reason takes the place of all others."""

_FATES = {"propose": "proposed alone", "apply": "the policy has it carried out"}


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind. The title and what is said of the rest are our own words alone."""

    title: str
    rows: tuple[str, ...]
    rest: str = ""
    """How many more there are, and of what; empty where all are shown."""


def sections(digest: Digest, shown: int) -> tuple[Section, ...]:
    """Return what is new, ended, lasts, is proposed, not known or warned of: of each at most so many rows."""
    told = digest.told
    found = (
        _findings("Opened", told.opened, shown, digest),
        _resolved(told.resolved, shown),
        _findings("Still open", told.still_open, shown, digest),
        _findings("Open before, and not to be judged now", told.out_of_sight, shown, digest),
        _proposals(digest, shown),
        _unread(digest, shown),
        _warnings(digest, shown),
    )
    return tuple(it for it in found if it is not None)


def notes(digest: Digest) -> tuple[str, ...]:
    """Return what else is to be known of the audit, a sentence each, in our own words alone."""
    report, told = digest.report, digest.told
    said = []
    if digest.may_be_repeat:
        said.append("This may be a repeat: whether an earlier attempt reached you is not known.")
    below = sum(report.summary.open.values()) - len(told.open)
    if below:
        is_or_are = "is" if below == 1 else "are"
        said.append(f"{pluralize(below, 'finding')} below {told.severity} {is_or_are} open and not told here.")
    new_unknown = len(told.unknown) - len(told.out_of_sight)
    if new_unknown:
        said.append(
            f"{pluralize(new_unknown, 'further verdict' if told.out_of_sight else 'verdict')} could not be given."
        )
    if report.summary.exempted:
        said.append(f"Accepted by exemptions: {pluralize(report.summary.exempted, 'finding')}.")
    if report.drift:
        said.append(
            f"{pluralize(len(report.drift), 'setting')} changed since the last complete audit; the report names them."
        )
    return tuple(said)


def _findings(title: str, findings: Sequence[Finding], shown: int, digest: Digest) -> Section | None:
    if not findings:
        return None
    title = f"{title} ({len(findings):,}: {by_severity(findings)})"
    rows = tuple(_finding(it, digest) for it in findings[:shown])
    return Section(title, rows, _rest(findings[shown:]))


def _rest(findings: Sequence[Finding]) -> str:
    return f"And {len(findings):,} more: {by_severity(findings)}." if findings else ""


def _finding(finding: Finding, digest: Digest) -> str:
    resource = _short(resource_label(finding))
    head = f"{finding.severity.upper()} {resource}: {_short(finding.control)}{_since(finding, digest)}"
    lines = [head, f"  {_short(finding.reason)}"]
    if finding.remediation:
        lines.append(f"  Next: {_short(finding.remediation)}")
    return "\n".join(lines)


def _since(finding: Finding, digest: Digest) -> str:
    if finding.first_seen is None or finding.lifecycle == "new":
        return ""
    day = finding.first_seen.date()
    if finding.lifecycle == "reopened":
        return f" (reopened, first seen {day})"
    return f" (since {day}; reminder)" if digest.is_reminder(finding) else f" (since {day})"


def _resolved(resolved: Sequence[ResolvedFinding], shown: int) -> Section | None:
    rows = (f"{_ended(it)}\n  {_short(it.because)}" for it in resolved[:shown])
    return _plain_section("Resolved", rows, len(resolved), shown)


def _ended(resolved: ResolvedFinding) -> str:
    return f"{_short(place_of(resolved.resource))}: {_short(resolved.control)} (was {resolved.severity})"


def _unread(digest: Digest, shown: int) -> Section | None:
    unread = digest.report.unread
    rows = (f"{_short(it.what)}: {_short(it.error)}" for it in unread[:shown])
    return _plain_section("Could not be read", rows, len(unread), shown)


def _warnings(digest: Digest, shown: int) -> Section | None:
    warnings = digest.report.warnings
    return _plain_section("Warnings", map(_short, warnings[:shown]), len(warnings), shown)


def _proposals(digest: Digest, shown: int) -> Section | None:
    proposals = digest.report.proposals or ()
    rows = (
        f"{_short(it.index)}: {it.kind} ({_FATES[it.mode]})\n  {_short(it.because)}\n"
        f"  {it.method} {_short(it.path)} {_short(format_json(dict(it.body)))}"
        for it in proposals[:shown]
    )
    return _plain_section("Proposed", rows, len(proposals), shown)


def _plain_section(title: str, rows: Iterable[str], total: int, shown: int) -> Section | None:
    if not total:
        return None
    rest = f"And {total - shown:,} more." if total > shown else ""
    return Section(f"{title} ({total:,})", tuple(rows), rest)


def _short(text: str) -> str:
    return escape_truncated(text, _LENGTH)


_S3 = "s3://"
_CONSOLES = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
"""The consoles of the partitions that have their own, by how the names of their regions begin."""


def report_link(location: str, region: str) -> str | None:
    """Return the address of a kept file in the console of a region; `None` where it is not kept on S3."""
    if not location.startswith(_S3):
        return None
    bucket, _, key = location.removeprefix(_S3).partition("/")
    host = next((host for start, host in _CONSOLES if region.startswith(start)), "console.aws.amazon.com")
    return f"https://{host}/s3/object/{quote(bucket)}?region={quote(region)}&prefix={quote(key)}"


def for_people(digest: Digest) -> tuple[str, str | None]:
    """Return where a report is to be read, and the link there: its page, or the report itself where it has none."""
    kept = digest.message.report
    return (kept.page.location, digest.page_link) if kept.page else (kept.location, digest.report_link)


def digest_text(digest: Digest, shown: int) -> str:
    """Write a digest with at most so many rows under each title, in lines that break only between what they say."""
    return "\n".join(_lines(digest, shown)) + "\n"


def digest_in_short(digest: Digest) -> str:
    """Write the first line of a digest, and where the rest is."""
    return "\n".join((headline(digest), *notes(digest), *_where(digest))) + "\n"


def _lines(digest: Digest, shown: int) -> Iterator[str]:
    yield headline(digest)
    said = notes(digest)
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
    yield f"Report: {escape_text(location)}"
    if link:
        yield f"        {link}"
    yield f"Audit {escape_text(report.audit_id)}, message {digest.message.message_id}"
