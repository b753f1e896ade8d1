"""Render reports as one HTML page. The template engine is imported on first use and escapes every text."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from backup_auditor.domain.finding import Finding, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.formats.json import build_rule_json
from backup_auditor.rendering.html.drill_history import build_drill_histories
from backup_auditor.rendering.html.findings import Figure, FindingView, FindingViews, build_figures
from backup_auditor.rendering.html.index_history import IndexHistory
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
_MAX_ROWS = 1_000
"""The limit of rows in a list; the rest is counted."""


def render_document(reports: Iterable[Report], _: RenderOptions) -> Iterator[str]:
    """Write all reports as one page."""
    return render_html(reports)


def render_html(reports: Iterable[Report]) -> Iterator[str]:
    """Write reports as one HTML document without requests. Its policy allows no script but its own."""
    style, script = read_package_file("page.css"), read_package_file("page.js")
    yield from load_page_template().generate(
        style=style,
        script=script,
        style_hash=hash_source(style),
        script_hash=hash_source(script),
        headings=COMPLIANCE_HEADINGS,
        projects=(ProjectView(it) for it in reports),
    )


class ProjectView:
    """One project on the page."""

    def __init__(self, report: Report) -> None:
        """Take one report."""
        self.report = report
        self.observed_at = format_moment(report.observed_at)
        self.heading = COMPLIANCE_HEADINGS[report.compliance]
        self.verdict = describe_verdict(report)
        self.incompleteness = describe_incompleteness(report)
        self.findings = FindingViews(report)
        self.severities = list(reversed(Severity))
        self.read_counts = describe_reads(report.inventory)
        self.open_by_age = count_open_by_age(report)
        self.trend = build_trend(report)
        self.slot_bars, self.slot_reasons = build_slot_bars(report)
        self.resolved_rows = build_resolved_rows(report)
        self.drift_rows = build_drift_rows(report)
        self.max_rows = _MAX_ROWS
        first_finding = find_first_finding(report)
        self.first_step = first_finding and FindingView(first_finding, is_dated=False, is_detailed=True)
        changes = describe_delta(report)
        self.delta = f"Since the last audit: {changes}." if changes else "No previous audit to compare with."
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
