"""The report as GitHub-flavoured Markdown that fits a comment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.grouping import IN_FULL, exempted_groups, open_groups, unknown_groups
from backup_auditor.rendering.summary import (
    count_rows,
    delta,
    drift_rows,
    first_step,
    has_past,
    incompleteness,
    resolved_rows,
    since,
    verdict,
)
from backup_auditor.rendering.text import code, markdown, truncate

MOST = 50
"""How many rows a section may have at all."""
_IN_SIGHT = 10
_NAME = 200
_TEXT = 500
_FINDINGS = ("| resource | control | reason |", "|---|---|---|")


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title: the first of however many there are."""

    title: str
    rows: tuple[str, ...]
    total: int
    head: tuple[str, ...] = ()
    """What begins a table; empty for a list."""
    after: str = ""

    def lines(self, most: int, in_full: str) -> Iterator[str]:
        """Write the section with at most so many rows; `in_full` is the command that shows all."""
        shown = self.rows[:most]
        yield from ["", f"## {self.title} ({self.total:,})", "", *self.head, *shown[:_IN_SIGHT]]
        folded = shown[_IN_SIGHT:]
        if folded:
            yield from ["", f"<details><summary>{len(folded):,} more</summary>", ""]
            yield from [*self.head, *folded, "", "</details>"]
        if self.total > len(shown):
            yield from ["", f"And {self.total - len(shown):,} more; all: {in_full}"]
        if self.after:
            yield from ["", self.after]


def findings_section(title: str, findings: Sequence[Finding], *, is_dated: bool = False, after: str = "") -> Section:
    """Return a table of findings; `is_dated` where each is to tell since when it is."""
    rows = (_row(it, since(it) if is_dated else "") for it in findings[:MOST])
    return Section(title, tuple(rows), len(findings), _FINDINGS, after)


def list_section(title: str, rows: Sequence[tuple[str, str]]) -> Section:
    """Return a list of what happened where."""
    return Section(title, tuple(f"- {named(where)}: {markdown_text(text)}" for where, text in rows[:MOST]), len(rows))


def sentences_section(title: str, sentences: Sequence[str]) -> Section:
    """Return a list of sentences."""
    return Section(title, tuple(f"- {markdown_text(it)}" for it in sentences[:MOST]), len(sentences))


def markdown_text(text: str) -> str:
    """Return a sentence in which nothing is markup; one that is too long is cut, and ends in an ellipsis."""
    return markdown(truncate(text, _TEXT))


def named(name: str) -> str:
    """Return a name as code."""
    return code(truncate(name, _NAME))


def _row(finding: Finding, dated: str) -> str:
    reason = markdown_text(finding.reason) + markdown(dated)
    accepted = finding.exemption
    if accepted is not None:
        reason += f" {markdown_text(f'Accepted until {accepted.expires} by {accepted.owner}: {accepted.reason}')}"
    return f"| {_resource(finding).replace('|', '\\|')} | {finding.control} | {reason} |"


def _resource(finding: Finding) -> str:
    resource = finding.resource
    if resource.type is ResourceType.DELETED_INDEX:
        return f"{named(resource.name)}, deleted ({named(resource.id or '')})"
    return named(resource.name)


_LONGEST = 65_536
"""How long a comment on GitHub may be, in characters; counted here in bytes, of which there are never fewer."""
_MOST = (MOST, 20, 10, 5, 2, 1)
"""How many rows a section may have: the first of these with which all fits."""


def render_markdown(report: Report, *, in_full: str = IN_FULL, longest: int = _LONGEST) -> Iterator[str]:
    """Write a report as lines of Markdown of a length; `in_full` is the command that shows what is left out."""
    command = code(in_full)
    frame = [*_head(report), *_counts(report)]
    sections = _sections(report)
    room = longest - _size(frame)
    if room < _size(_rest(sections, command)):
        yield from [*_verdict(report), "", f"All: {command}"]
        return
    for most in _MOST:
        lines = [line for it in sections for line in it.lines(most, command)]
        if _size(lines) <= room:
            break
    else:
        lines = _as_many_as_fit(sections, room, command)
    yield from [*_head(report), *lines, *_counts(report)]


def render_markdown_of_many(reports: Iterable[Report], number: int, *, in_full: str = IN_FULL) -> Iterator[str]:
    """Write the reports of a registry of so many projects as lines of Markdown that fit one comment together.

    Each has an even share of the room, and what those before it left of theirs. Projects that have no room are counted.
    """
    left = _LONGEST - _size(["", _left_out(number, code(in_full))])
    left_out = 0
    separator: list[str] = []
    for position, report in enumerate(reports):
        share = left // max(number - position, 1)
        lines = [*separator, *render_markdown(report, in_full=in_full, longest=share - 1)]
        if _size(lines) > left:
            left_out += 1
            continue
        yield from lines
        left -= _size(lines)
        separator = [""]
    if left_out:
        yield from [*separator, _left_out(left_out, code(in_full))]


def _left_out(number: int, command: str) -> str:
    return f"And {pluralize(number, 'more project')}; all: {command}"


def _size(lines: list[str]) -> int:
    return sum(len(line.encode(errors="backslashreplace")) + 1 for line in lines)


def _as_many_as_fit(sections: list[Section], room: int, command: str) -> list[str]:
    """Return the first sections, the worst, with a row each, and count the rest."""
    lines: list[str] = []
    for number, section in enumerate(sections):
        rest = _rest(sections[number:], command)
        more = list(section.lines(1, command))
        if _size([*lines, *more, *rest]) > room:
            return [*lines, *rest]
        lines += more
    return lines


def _rest(left_out: list[Section], command: str) -> list[str]:
    rows = sum(it.total for it in left_out)
    return ["", f"And {rows:,} more rows under {len(left_out):,} more headings; all: {command}"]


def _verdict(report: Report) -> Iterator[str]:
    yield f"# Backup audit of {markdown_text(report.project)}"
    yield ""
    missing = incompleteness(report)
    yield f"**{report.compliance.replace('_', ' ')}**: {verdict(report)}" + (f" **{missing}**" if missing else "")


def _head(report: Report) -> Iterator[str]:
    yield from _verdict(report)
    for label, text in (("First", first_step(report)), ("Changes", delta(report))):
        if text is not None:
            yield from ["", f"{label}: {markdown_text(text)}"]


def _sections(report: Report) -> list[Section]:
    """Return what was found, the worst first."""
    sections = []
    for group in open_groups(report):
        next_step = group.findings[0].remediation
        title = f"{group.severity.capitalize()}: {group.control}"
        after = f"Next: {markdown_text(next_step)}" if next_step else ""
        sections.append(findings_section(title, group.findings, is_dated=has_past(report), after=after))
    sections.append(findings_section("Not known", [it for group in unknown_groups(report) for it in group]))
    sections.append(sentences_section("Warnings", report.warnings))
    sections.append(findings_section("Exempted", [it for group in exempted_groups(report) for it in group]))
    unread = [(it.what, it.error) for it in report.unread]
    for title, rows in (
        ("Could not be read", unread),
        ("Resolved", resolved_rows(report)),
        ("Drift", drift_rows(report)),
    ):
        sections.append(list_section(title, rows))
    return [it for it in sections if it.rows]


def _counts(report: Report) -> Iterator[str]:
    yield from ["", "## Counts", "", "| | |", "|---|---|"]
    for label, text in count_rows(report):
        yield f"| {label} | {markdown_text(text)} |"
