"""The report for a person at a terminal: the verdict, the worst findings with the next step, then the counts.

The fleet comes first: its totals, then each project as a row, the worst first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import measure_width, pluralize
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
    Group,
    fold,
    group_exempted_findings,
    group_open_findings,
    group_unknown_findings,
    label_finding,
    label_group,
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
from backup_auditor.rendering.text import MIN_WIDTH, Style, escape_text, format_columns, join_lines, wrap_text

_MAX_UNFOLDED_FINDINGS = 100
"""The limit of open findings that are shown one by one."""
_MAX_READ_FAILURES = 10


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write the fleet, if there is one, and then one report after the other."""
    separator = ""
    if options.fleet is not None:
        yield from join_lines(
            _render_fleet_table(
                options.fleet,
                width=options.width,
                is_colored=options.is_colored,
                full_command=options.full_command,
            )
        )
        separator = "\n\n"
    for report in reports:
        yield separator
        lines = render_table(
            report, width=options.width, is_colored=options.is_colored, full_command=options.full_command
        )
        yield from join_lines(lines)
        separator = "\n\n"


def render_table(
    report: Report, *, width: int = 100, is_colored: bool = False, full_command: str = FULL_REPORT_COMMAND
) -> Iterator[str]:
    """Write a report as lines of at most `width` columns; `full_command` is the command that shows all."""
    return _Table(report, max(width, 40), Style(is_colored), full_command).render_lines()


@dataclass(frozen=True, slots=True)
class _Table:
    report: Report
    width: int
    style: Style
    full_command: str

    def render_lines(self) -> Iterator[str]:
        yield from self._render_verdict()
        lead_rows = (("first", describe_first_step(self.report)), ("changes", describe_delta(self.report)))
        yield from self._render_rows((label, text) for label, text in lead_rows if text is not None)
        groups = group_open_findings(self.report)
        is_foldable = sum(len(it.findings) for it in groups) > _MAX_UNFOLDED_FINDINGS
        for group in groups:
            yield ""
            yield from self._render_open_group(group, is_foldable=is_foldable)
        yield from self._render_unknown()
        yield from self._render_warnings()
        yield from self._render_exempted()
        yield from self._render_list("RESTORE DRILLS", build_drill_rows(self.report))
        yield from self._render_list("RESOLVED", build_resolved_rows(self.report))
        yield from self._render_list("DRIFT", build_drift_rows(self.report))
        yield ""
        yield from self._render_rows(build_count_rows(self.report))
        yield from self._render_read_failures()

    def _render_verdict(self) -> Iterator[str]:
        report = self.report
        head = f"{COMPLIANCE_HEADINGS[report.compliance]}: "
        incomplete_sentence = describe_incompleteness(report)
        sentence = f"{escape_text(report.project)}: {describe_verdict(report)}" + (
            f" {incomplete_sentence}" if incomplete_sentence else ""
        )
        first, *rest = wrap_text(head + sentence, self.width, "")
        yield self.style.color(report.compliance, head) + self.style.bold(first[len(head) :])
        yield from map(self.style.bold, rest)

    def _render_rows(self, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
        yield from format_columns([(escape_text(label), escape_text(text)) for label, text in rows], self.width)

    def _render_folded(self, count_text: str) -> Iterator[str]:
        yield from map(self.style.dim, wrap_text(f"  and {count_text}; all: {self.full_command}", self.width, "    "))

    def _render_open_group(self, group: Group, *, is_foldable: bool) -> Iterator[str]:
        visible_findings, folded_count = fold(group.findings) if is_foldable else (group.findings, 0)
        has_past_audits = self.report.has_history
        heading = f"{group.severity.upper():8}  "
        count_note = "" if len(group.findings) == 1 else f" ({len(group.findings):,})"
        first, *rest = wrap_text(heading + group.control + count_note, self.width, "  ")
        yield self.style.color(group.severity, first[: len(heading)]) + self.style.bold(first[len(heading) :])
        yield from map(self.style.bold, rest)
        yield from self._render_rows(
            (label_finding(it), it.reason + (describe_since(it) if has_past_audits else "")) for it in visible_findings
        )
        if folded_count:
            yield from self._render_folded(f"{folded_count:,} more")
        next_step = group.findings[0].remediation
        if next_step:
            yield from wrap_text(f"  next: {escape_text(next_step)}", self.width, "        ")

    def _render_unknown(self) -> Iterator[str]:
        groups = group_unknown_findings(self.report)
        if not groups:
            return
        yield ""
        total = sum(map(len, groups))
        heading = f"UNKNOWN ({total:,})"
        first, *rest = wrap_text(f"{heading}  not counted as compliant", self.width, "  ")
        yield self.style.color(Compliance.INSUFFICIENT_DATA, heading) + first[len(heading) :]
        yield from rest
        visible_groups, folded_count = fold(groups)
        yield from self._render_rows((label_group(it), it[0].reason) for it in visible_groups)
        if folded_count:
            yield from self._render_folded(f"{sum(map(len, groups[len(visible_groups) :])):,} more")

    def _render_warnings(self) -> Iterator[str]:
        visible_warnings, folded_count = fold(self.report.warnings)
        if visible_warnings:
            yield from ["", self.style.bold(f"WARNINGS ({len(self.report.warnings):,})")]
        for warning in visible_warnings:
            yield from wrap_text(f"  {escape_text(warning)}", self.width, "    ")
        if folded_count:
            yield from self._render_folded(f"{folded_count:,} more")

    def _render_exempted(self) -> Iterator[str]:
        visible_groups, folded_count = fold(group_exempted_findings(self.report))
        if visible_groups:
            yield from ["", f"EXEMPTED ({self.report.summary.exempted:,})"]
        yield from self._render_rows(
            (label_group(group), f"until {exemption.expires}, {exemption.owner}: {exemption.reason}")
            for group in visible_groups
            if (exemption := group[0].exemption) is not None
        )
        if folded_count:
            yield from self._render_folded(f"under {pluralize(folded_count, 'more exemption')}")

    def _render_list(self, title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
        visible_rows, folded_count = fold(rows)
        if visible_rows:
            yield from ["", self.style.bold(f"{title} ({len(rows):,})")]
        yield from self._render_rows(visible_rows)
        if folded_count:
            yield from self._render_folded(f"{folded_count:,} more")

    def _render_read_failures(self) -> Iterator[str]:
        if self.report.is_complete:
            return
        yield ""
        yield self.style.color(Compliance.INSUFFICIENT_DATA, f"READ ERRORS ({len(self.report.read_failures):,})")
        for failure in self.report.read_failures[:_MAX_READ_FAILURES]:
            yield from wrap_text(f"  {escape_text(failure.call)}: {escape_text(failure.error)}", self.width, "    ")
        if len(self.report.read_failures) > _MAX_READ_FAILURES:
            yield from self._render_folded(f"{len(self.report.read_failures) - _MAX_READ_FAILURES:,} more")


_MAX_ROWS = 25
"""The limit of projects under one heading."""
_MIN_NAME_WIDTH = 12
_GAP = "  "
_LEGEND = (
    "Open: critical/high/medium/low. Worst age: of a newest recovery point, and its objective."
    " None in: when the first index has no recovery point, if none is added."
    " Quota: now, and when the schedules are full."
)


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    format_cell: Callable[[FleetProject], str]


_COLUMNS = (
    _Column("open", format_open_counts),
    _Column("covered", format_coverage),
    _Column("worst age", format_age),
    _Column("none in", format_end),
    _Column("quota", format_quota),
)
"""The columns after the name."""


def _render_fleet_table(fleet: Fleet, *, width: int, is_colored: bool, full_command: str) -> Iterator[str]:
    """Write the fleet as lines of at most `width` columns; `full_command` is the command that shows all."""
    return _FleetTable(fleet, max(width, MIN_WIDTH), Style(is_colored), full_command).render_lines()


@dataclass(frozen=True, slots=True)
class _FleetTable:
    fleet: Fleet
    width: int
    style: Style
    full_command: str

    def render_lines(self) -> Iterator[str]:
        groups = [(it, list(group)) for it, group in groupby(self.fleet.projects, key=lambda it: it.compliance)]
        layout = _Layout.choose([it for _, projects in groups for it in projects[:_MAX_ROWS]], self.width)
        yield from map(self.style.bold, wrap_text(f"Fleet: {describe_fleet(self.fleet)}", self.width, _GAP))
        yield from format_columns(build_total_rows(self.fleet), self.width)
        yield from self._render_texts("WARNINGS", [("", it) for it in self.fleet.warnings])
        yield from self._render_texts("NOT AUDITED", [(it.name, it.reason) for it in self.fleet.unaudited])
        for compliance, projects in groups:
            heading = f"{COMPLIANCE_HEADINGS[compliance].upper()} ({len(projects):,})"
            yield from ["", self.style.color(compliance, heading)]
            yield from self._render_projects(projects[:_MAX_ROWS], layout)
            yield from self._render_rest(len(projects) - _MAX_ROWS)
        if groups:
            yield ""
            yield from map(self.style.dim, wrap_text(_LEGEND, self.width, _GAP))

    def _render_texts(self, title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
        if not rows:
            return
        heading = f"{title} ({len(rows):,})"
        yield from ["", self.style.color(Compliance.NON_COMPLIANT, heading)]
        for label, text in rows[:_MAX_ROWS]:
            label_clause = f"{escape_text(label)}: " if label else ""
            yield from wrap_text(f"{_GAP}{label_clause}{escape_text(text)}", self.width, _GAP * 2)
        yield from self._render_rest(len(rows) - _MAX_ROWS)

    def _render_projects(self, projects: Sequence[FleetProject], layout: "_Layout") -> Iterator[str]:
        if layout.name_width < _MIN_NAME_WIDTH:
            yield from format_columns([(escape_text(it.name), _describe_figures(it)) for it in projects], self.width)
            return
        yield self.style.dim(layout.lay_out("project", [it.heading for it in _COLUMNS]))
        for project in projects:
            name = escape_text(project.name)
            if measure_width(name) > layout.name_width:
                yield from wrap_text(_GAP + name, self.width, _GAP * 2)
                name = ""
            yield layout.lay_out(name, [it.format_cell(project) for it in _COLUMNS])
            if remarks := "; ".join(list_remarks(project)):
                yield from map(self.style.dim, wrap_text(f"{_GAP * 2}{remarks}", self.width, _GAP * 2))

    def _render_rest(self, count: int) -> Iterator[str]:
        if count > 0:
            text = f"{_GAP}and {count:,} more; all: {self.full_command}"
            yield from map(self.style.dim, wrap_text(text, self.width, _GAP * 2))


@dataclass(frozen=True, slots=True)
class _Layout:
    """The widths of the columns, the same in every group."""

    name_width: int
    widths: tuple[int, ...]

    @classmethod
    def choose(cls, projects: Sequence[FleetProject], width: int) -> "_Layout":
        """Return the least widths of the figures; the name has the rest."""
        widths = tuple(max(map(len, (it.heading, *map(it.format_cell, projects)))) for it in _COLUMNS)
        return cls(width - len(_GAP) - sum(it + len(_GAP) for it in widths), widths)

    def lay_out(self, name: str, cells: Sequence[str]) -> str:
        """Return a line."""
        padded_name = name + " " * (self.name_width - measure_width(name))
        padded_cells = (f"{_GAP}{cell:>{width}}" for cell, width in zip(cells, self.widths, strict=True))
        return f"{_GAP}{padded_name}{''.join(padded_cells)}"


def _describe_figures(project: FleetProject) -> str:
    figures = [f"{it.heading} {it.format_cell(project)}" for it in _COLUMNS]
    return "; ".join([*figures, *list_remarks(project)])
