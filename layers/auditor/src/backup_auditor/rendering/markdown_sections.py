"""Sections of a Markdown page: so many rows in sight, more of them folded, and of the rest the number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.rendering.since import since
from backup_auditor.rendering.text import clipped, code, markdown

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
    return Section(title, tuple(f"- {named(where)}: {told(text)}" for where, text in rows[:MOST]), len(rows))


def sentences_section(title: str, sentences: Sequence[str]) -> Section:
    """Return a list of sentences."""
    return Section(title, tuple(f"- {told(it)}" for it in sentences[:MOST]), len(sentences))


def told(text: str) -> str:
    """Return a sentence in which nothing is markup; one that is too long is cut, and ends in an ellipsis."""
    return markdown(clipped(text, _TEXT))


def named(name: str) -> str:
    """Return a name as code."""
    return code(clipped(name, _NAME))


def _row(finding: Finding, dated: str) -> str:
    reason = told(finding.reason) + markdown(dated)
    accepted = finding.exemption
    if accepted is not None:
        reason += f" {told(f'Accepted until {accepted.expires} by {accepted.owner}: {accepted.reason}')}"
    return f"| {_resource(finding).replace('|', '\\|')} | {finding.control} | {reason} |"


def _resource(finding: Finding) -> str:
    resource = finding.resource
    if resource.type is ResourceType.DELETED_INDEX:
        return f"{named(resource.name)}, deleted ({named(resource.id or '')})"
    return named(resource.name)
