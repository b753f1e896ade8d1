"""Render reports as one HTML page. The template engine is imported on first use and escapes every text."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from backup_auditor.domain.finding import Finding, ResourceType, Severity
from backup_auditor.domain.reporting.fleet import Fleet
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.formats.json import build_rule_json
from backup_auditor.rendering.grouping import group_open_findings, group_unknown_findings
from backup_auditor.rendering.html.findings import Figure, FindingView, FindingViews, build_figures
from backup_auditor.rendering.html.fleet import FleetView, NightPages, PageSize
from backup_auditor.rendering.html.index_history import IndexHistory, build_drill_histories
from backup_auditor.rendering.html.overview import (
    build_age_bars,
    build_expiry_bars,
    build_slot_bars,
    build_trend,
    count_open_by_age,
)
from backup_auditor.rendering.summary import (
    COMPLIANCE_HEADINGS,
    build_drift_rows,
    build_resolved_rows,
    describe_delta,
    describe_incompleteness,
    describe_reads,
    describe_verdict,
    find_first_finding,
)
from backup_auditor.rendering.text import escape_text

if TYPE_CHECKING:
    from jinja2 import Template

_PAGE_TEMPLATE = "page.html.jinja"


@cache
def load_page_template() -> "Template":
    """Return the page's template, compiled."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415  an audit that draws no page pays nothing

    environment = Environment(
        autoescape=True,
        finalize=_escape_value,
        loader=DictLoader({it: read_package_file(it) for it in (_PAGE_TEMPLATE, "parts.html.jinja")}),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(_PAGE_TEMPLATE)


@cache
def read_package_file(name: str) -> str:
    """Return the text of a file of this package."""
    return files("backup_auditor.rendering.html").joinpath(name).read_text(encoding="utf-8")


def hash_source(text: str) -> str:
    """Return what a Content-Security-Policy calls a style or a script by."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _escape_value(value: object) -> object:
    """Escape characters that would move a cursor or change the direction of text."""
    return escape_text(value) if type(value) is str else value


_MAX_DETAILED_INDEXES, _MAX_DETAILED_FINDINGS = 200, 400
"""The limits up to which the page lists every moment as text."""
_MAX_BRIEF_FINDINGS = 5
"""The limit of findings in a brief section."""
_MAX_ROWS = 1_000
"""The limit of rows in a list; the rest is counted."""


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write all reports as one page, below their fleet if there is one."""
    return render_html(reports, fleet=options.fleet, has_sections=options.report_count > 0)


def render_html(
    reports: Iterable[Report],
    *,
    fleet: Fleet | None = None,
    has_sections: bool = True,
    pages: NightPages | None = None,
) -> Iterator[str]:
    """Write reports as one HTML document without requests. Its policy allows no script but its own.

    The reports of a fleet have its order. Without `has_sections` there are none, and the fleet leads to none; with
    `pages` it leads to the stored pages of its projects.
    """
    style, script = read_package_file("page.css"), read_package_file("page.js")
    size = PageSize()
    yield from size.count_pieces(
        load_page_template().generate(
            style=style,
            script=script,
            style_hash=hash_source(style),
            script_hash=hash_source(script),
            headings=COMPLIANCE_HEADINGS,
            fleet=fleet and FleetView(fleet, has_sections=has_sections, pages=pages),
            projects=((BriefView if fleet and size.is_full else ProjectView)(it) for it in reports),
        )
    )


class ProjectHead:
    """The head of a project's section."""

    is_brief = False
    """Whether the section has only its head and the worst findings."""

    def __init__(self, report: Report) -> None:
        """Take one report."""
        self.report = report
        self.observed_at = format_moment(report.observed_at)
        self.heading = COMPLIANCE_HEADINGS[report.compliance]
        self.verdict = describe_verdict(report)
        self.incompleteness = describe_incompleteness(report)
        first_finding = find_first_finding(report)
        self.first_step = first_finding and FindingView(first_finding, is_dated=False, is_detailed=True)
        changes = describe_delta(report)
        self.delta = f"Since the last audit: {changes}." if changes else "No previous audit to compare with."


class BriefView(ProjectHead):
    """One project of a fleet on a page without room for its details."""

    is_brief = True

    def __init__(self, report: Report) -> None:
        """Take one report."""
        super().__init__(report)
        groups = (*(it.findings for it in group_open_findings(report)), *group_unknown_findings(report))
        findings = [finding for group in groups for finding in group]
        self.worst_findings = [
            FindingView(it, is_dated=report.has_history, is_detailed=False) for it in findings[:_MAX_BRIEF_FINDINGS]
        ]
        self.omitted_count = len(findings) - len(self.worst_findings)


class ProjectView(ProjectHead):
    """One project on the page."""

    def __init__(self, report: Report) -> None:
        """Take one report."""
        super().__init__(report)
        self.findings = FindingViews(report)
        self.severities = list(reversed(Severity))
        self.read_counts = describe_reads(report.inventory)
        self.open_by_age = count_open_by_age(report)
        self.trend = build_trend(report)
        self.slot_bars, self.slot_reasons = build_slot_bars(report)
        self.resolved_rows = build_resolved_rows(report)
        self.drift_rows = build_drift_rows(report)
        self.max_rows = _MAX_ROWS
        self.timelines = list(report.timelines)
        self.drill_histories = build_drill_histories(report, self.timelines)
        self.age_bars = build_age_bars(self.timelines, report)
        self.expiry_bars = build_expiry_bars(self.timelines, report)
        self.is_detailed = (
            len(self.timelines) <= _MAX_DETAILED_INDEXES and self.findings.total <= _MAX_DETAILED_FINDINGS
        )
        """Whether the page lists every moment as text."""

    def build_histories(self) -> Iterator[IndexHistory]:
        """Return the history of each index, the worst first."""
        findings_by_name: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            if finding.remediation and finding.resource.type is ResourceType.INDEX:
                findings_by_name.setdefault(finding.resource.name, []).append(finding)
        is_detailed, now = self.is_detailed, self.report.observed_at
        histories = [
            IndexHistory(timeline, now, findings_by_name.get(timeline.resource.name, ()), is_detailed=is_detailed)
            for timeline in self.timelines
        ]
        return iter(sorted(histories, key=lambda it: it.sort_key))

    def build_rules(self) -> Iterator[tuple[str, str, list[Figure]]]:
        """Return the limits of each rule of the policy, and the number of its indexes."""
        for rule in self.report.rules:
            limits = {name: value for name, value in build_rule_json(rule).items() if name not in {"name", "indexes"}}
            yield (
                rule.name or "the defaults",
                pluralize(rule.index_count, "index", "indexes"),
                list(build_figures(limits)),
            )
