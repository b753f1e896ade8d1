"""The report for a person at a terminal: the verdict, the worst findings with the next step, then the counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.drill_history import build_drill_rows
from backup_auditor.rendering.formats import FULL_REPORT_COMMAND, RenderOptions
from backup_auditor.rendering.formats.fleet_table import render_fleet_table
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
from backup_auditor.rendering.text import Style, escape_text, format_columns, join_lines, wrap_text

_MAX_UNFOLDED_FINDINGS = 100
"""The limit of open findings that are shown one by one."""
_MAX_READ_FAILURES = 10


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write the fleet, if there is one, and then one report after the other."""
    separator = ""
    if options.fleet is not None:
        yield from join_lines(
            render_fleet_table(
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
