"""The report as GitHub-flavoured Markdown that fits a comment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.drill_history import build_drill_rows
from backup_auditor.rendering.fleet import (
    build_total_rows,
    describe_fleet,
    format_age,
    format_coverage,
    format_end,
    format_open_counts,
    format_quota,
    list_remarks,
)
from backup_auditor.rendering.formats import FULL_REPORT_COMMAND, RenderOptions
from backup_auditor.rendering.grouping import (
    group_exempted_findings,
    group_open_findings,
    group_unknown_findings,
)
from backup_auditor.rendering.summary import (
    COMPLIANCE_HEADINGS,
    build_count_rows,
    build_drift_rows,
    build_resolved_rows,
    describe_delta,
    describe_first_step,
    describe_incompleteness,
    describe_since,
    describe_verdict,
)
from backup_auditor.rendering.text import escape_markdown, format_code, join_lines, truncate

MAX_ROWS = 50
"""The limit of rows in a section."""
_VISIBLE_ROWS = 10
_MAX_NAME_LENGTH = 200
_MAX_TEXT_LENGTH = 500
_FINDINGS_HEADER = ("| resource | control | reason |", "|---|---|---|")
_PROJECTS_HEADER = (
    "| project | result | open | coverage | worst age | no recovery point in | quota | notes |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class MarkdownSection:
    """The first rows under a title, and the number of all."""

    title: str
    rows: tuple[str, ...]
    total: int
    header: tuple[str, ...] = ()
    """The first lines of a table; empty for a list."""
    footer: str = ""

    def render_lines(self, row_limit: int, full_command: str) -> Iterator[str]:
        """Write the section with at most so many rows; `full_command` is the command that shows all."""
        limited_rows = self.rows[:row_limit]
        yield from ["", f"## {self.title} ({self.total:,})", "", *self.header, *limited_rows[:_VISIBLE_ROWS]]
        folded_rows = limited_rows[_VISIBLE_ROWS:]
        if folded_rows:
            yield from ["", f"<details><summary>{len(folded_rows):,} more</summary>", ""]
            yield from [*self.header, *folded_rows, "", "</details>"]
        if self.total > len(limited_rows):
            yield from ["", f"And {self.total - len(limited_rows):,} more; all: {full_command}"]
        if self.footer:
            yield from ["", self.footer]


def build_findings_section(
    title: str, findings: Sequence[Finding], *, is_dated: bool = False, footer: str = ""
) -> MarkdownSection:
    """Return a table of findings; `is_dated` adds to each since when it is open."""
    rows = (_format_row(it, describe_since(it) if is_dated else "") for it in findings[:MAX_ROWS])
    return MarkdownSection(title, tuple(rows), len(findings), _FINDINGS_HEADER, footer)


def build_list_section(title: str, rows: Sequence[tuple[str, str]]) -> MarkdownSection:
    """Return a list of resources, each with what happened to it."""
    lines = (f"- {format_name(resource)}: {format_text(text)}" for resource, text in rows[:MAX_ROWS])
    return MarkdownSection(title, tuple(lines), len(rows))


def format_text(text: str) -> str:
    """Return a sentence without markup; one that is too long is cut, and ends in an ellipsis."""
    return escape_markdown(truncate(text, _MAX_TEXT_LENGTH))


def format_name(name: str) -> str:
    """Return a name as code."""
    return format_code(truncate(name, _MAX_NAME_LENGTH))


def _format_row(finding: Finding, age_note: str) -> str:
    reason = format_text(finding.reason) + escape_markdown(age_note)
    exemption = finding.exemption
    if exemption is not None:
        reason += f" {format_text(f'Accepted until {exemption.expires} by {exemption.owner}: {exemption.reason}')}"
    resource = finding.resource
    id_note = f", deleted ({format_name(resource.id or '')})" if resource.type is ResourceType.DELETED_INDEX else ""
    return f"| {(format_name(resource.name) + id_note).replace('|', '\\|')} | {finding.control} | {reason} |"


_MAX_LENGTH = 65_536
"""The limit of a comment on GitHub, in characters; counted here in bytes, of which there are never fewer."""
_ROW_LIMITS = (MAX_ROWS, 20, 10, 5, 2, 1)
"""The limits of rows in a section; the first with which all fits is used."""


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write one report, or a fleet and its reports, which fit one comment together."""
    if options.fleet is not None:
        return join_lines(render_markdown_of_fleet(options.fleet, reports, full_command=options.full_command))
    return join_lines(line for it in reports for line in render_markdown(it, full_command=options.full_command))


def render_markdown(
    report: Report, *, full_command: str = FULL_REPORT_COMMAND, max_length: int = _MAX_LENGTH
) -> Iterator[str]:
    """Write a report as lines of Markdown of at most a length; `full_command` shows what is left out."""
    command = format_code(full_command)
    fixed_lines = [*_render_head(report), *_render_counts(report)]
    sections = _build_sections(report)
    max_size = max_length - _count_bytes(fixed_lines)
    if max_size < _count_bytes(_describe_rest(sections, command)):
        yield from [*_render_verdict(report), "", f"All: {command}"]
        return
    yield from [*_render_head(report), *_fit_sections(sections, max_size, command), *_render_counts(report)]


def render_markdown_of_fleet(
    fleet: Fleet, reports: Iterable[Report], *, full_command: str = FULL_REPORT_COMMAND
) -> Iterator[str]:
    """Write a fleet and its reports, in their order, as lines of Markdown that fit one comment together.

    The fleet comes first. Each report has an even share of the room that it leaves, and the unused rest of the shares
    before it. Projects without room are counted.
    """
    command = format_code(full_command)
    report_count = len(fleet.projects)
    fleet_lines = list(render_fleet_markdown(fleet, command, max_length=_MAX_LENGTH // 3))
    yield from fleet_lines
    remaining_size = _MAX_LENGTH - _count_bytes([*fleet_lines, "", _describe_omitted_projects(report_count, command)])
    omitted_count = 0
    for position, report in enumerate(reports):
        share = remaining_size // max(report_count - position, 1)
        lines = ["", *render_markdown(report, full_command=full_command, max_length=share - 1)]
        if _count_bytes(lines) > remaining_size:
            omitted_count += 1
            continue
        yield from lines
        remaining_size -= _count_bytes(lines)
    if omitted_count:
        yield from ["", _describe_omitted_projects(omitted_count, command)]


def render_fleet_markdown(fleet: Fleet, command: str, *, max_length: int) -> Iterator[str]:
    """Write a fleet as lines of Markdown of at most a length: the totals, then as many of the worst projects as fit."""
    head = ["# Backup audit: fleet", "", f"**{describe_fleet(fleet)}**", "", "| item | value |", "|---|---|"]
    head += [f"| {label} | {format_text(text)} |" for label, text in build_total_rows(fleet)]
    sections = [
        MarkdownSection(
            "Warnings", tuple(f"- {format_text(it)}" for it in fleet.warnings[:MAX_ROWS]), len(fleet.warnings)
        ),
        build_list_section("Not audited", [(it.name, it.reason) for it in fleet.unaudited]),
        MarkdownSection(
            "Projects",
            tuple(map(_format_project_row, fleet.projects[:MAX_ROWS])),
            len(fleet.projects),
            _PROJECTS_HEADER,
            "Open: critical/high/medium/low. Worst age: of a newest recovery point, and its objective.",
        ),
    ]
    sections = [it for it in sections if it.rows]
    yield from [*head, *_fit_sections(sections, max_length - _count_bytes(head), command)]


def _format_project_row(project: FleetProject) -> str:
    cells = (
        format_name(project.name).replace("|", "\\|"),
        COMPLIANCE_HEADINGS[project.compliance],
        format_open_counts(project),
        format_coverage(project),
        format_age(project),
        format_end(project),
        format_quota(project),
        "; ".join(list_remarks(project)),
    )
    return f"| {' | '.join(cells)} |"


def _describe_omitted_projects(count: int, command: str) -> str:
    return f"And {pluralize(count, 'more project')}; all: {command}"


def _count_bytes(lines: list[str]) -> int:
    return sum(len(line.encode(errors="backslashreplace")) + 1 for line in lines)


def _fit_sections(sections: list[MarkdownSection], max_size: int, command: str) -> list[str]:
    """Return the sections with as many rows as fit; if that is not one each, the first sections, and count the rest."""
    for row_limit in _ROW_LIMITS:
        lines = [line for it in sections for line in it.render_lines(row_limit, command)]
        if _count_bytes(lines) <= max_size:
            return lines
    lines = []
    for position, section in enumerate(sections):
        rest_lines = _describe_rest(sections[position:], command)
        section_lines = list(section.render_lines(1, command))
        if _count_bytes([*lines, *section_lines, *rest_lines]) > max_size:
            return [*lines, *rest_lines]
        lines += section_lines
    return lines


def _describe_rest(sections: list[MarkdownSection], command: str) -> list[str]:
    row_count = sum(it.total for it in sections)
    return ["", f"And {row_count:,} more rows under {len(sections):,} more headings; all: {command}"]


def _render_verdict(report: Report) -> Iterator[str]:
    yield f"# Backup audit of {format_text(report.project)}"
    yield ""
    incomplete_sentence = describe_incompleteness(report)
    yield f"**{COMPLIANCE_HEADINGS[report.compliance]}**: {describe_verdict(report)}" + (
        f" **{incomplete_sentence}**" if incomplete_sentence else ""
    )


def _render_head(report: Report) -> Iterator[str]:
    yield from _render_verdict(report)
    for label, text in (("First", describe_first_step(report)), ("Changes", describe_delta(report))):
        if text is not None:
            yield from ["", f"{label}: {format_text(text)}"]


def _build_sections(report: Report) -> list[MarkdownSection]:
    """Return the sections of the report, the worst finding first."""
    sections = []
    for group in group_open_findings(report):
        next_step = group.findings[0].remediation
        title = f"{group.severity.capitalize()}: {group.control}"
        footer = f"Next: {format_text(next_step)}" if next_step else ""
        sections.append(build_findings_section(title, group.findings, is_dated=report.has_history, footer=footer))
    warnings = report.warnings
    sections += [
        build_findings_section("Unknown", list(chain.from_iterable(group_unknown_findings(report)))),
        MarkdownSection("Warnings", tuple(f"- {format_text(it)}" for it in warnings[:MAX_ROWS]), len(warnings)),
        build_findings_section("Exempted", list(chain.from_iterable(group_exempted_findings(report)))),
        build_list_section("Read errors", [(it.call, it.error) for it in report.read_failures]),
        build_list_section("Restore drills", build_drill_rows(report)),
        build_list_section("Resolved", build_resolved_rows(report)),
        build_list_section("Drift", build_drift_rows(report)),
    ]
    return [it for it in sections if it.rows]


def _render_counts(report: Report) -> Iterator[str]:
    yield from ["", "## Counts", "", "| item | value |", "|---|---|"]
    for label, text in build_count_rows(report):
        yield f"| {label} | {format_text(text)} |"
