"""Render reports as one HTML page. The template engine is imported on first use and escapes every text."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from backup_auditor.domain.evaluation.results import Timeline
from backup_auditor.domain.finding import Finding, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.formats.json import build_rule_json
from backup_auditor.rendering.grouping import label_finding
from backup_auditor.rendering.html.findings import Figure, FindingViews, build_anchor, build_figures
from backup_auditor.rendering.html.index_history import IndexHistory, build_index_history, build_sort_key
from backup_auditor.rendering.html.overview import (
    BarChart,
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
    """Let nothing in a name move a cursor or turn the direction of what follows."""
    return escape_text(value) if type(value) is str else value


_MAX_DETAILED_INDEXES, _MAX_DETAILED_FINDINGS = 200, 400
"""Of how many at the most every moment stands on the page as text too."""
_MAX_ROWS = 1_000
"""How many rows a list shows before the rest is counted."""


def render_document(reports: Iterable[Report], _: RenderOptions) -> Iterator[str]:
    """Write all reports as one page."""
    return render_html(reports)


def render_html(reports: Iterable[Report]) -> Iterator[str]:
    """Write reports as one HTML document that asks for nothing. Its policy lets nothing run but its own script."""
    style, script = read_package_file("page.css"), read_package_file("page.js")
    yield from load_page_template().generate(
        style=style,
        script=script,
        style_hash=hash_source(style),
        script_hash=hash_source(script),
        headings=COMPLIANCE_HEADINGS,
        projects=(ProjectView(it) for it in reports),
    )


@dataclass(frozen=True, slots=True)
class FirstStep:
    """What to do first."""

    anchor: str
    resource: str
    reason: str
    remediation: str


class ProjectView:
    """What the page says of one project."""

    def __init__(self, report: Report) -> None:
        """Look at one report."""
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

    @cached_property
    def first_step(self) -> FirstStep | None:
        """The worst of what is open, or else of what is not known, with the next step."""
        finding = find_first_finding(self.report)
        return (
            None
            if finding is None
            else FirstStep(build_anchor(finding), label_finding(finding), finding.reason, finding.remediation)
        )

    @property
    def delta(self) -> str:
        """What changed since the last audit, in one line."""
        changes = describe_delta(self.report)
        return f"Since the last audit: {changes}." if changes else "No previous audit to compare with."

    @cached_property
    def timelines(self) -> list[Timeline]:
        """The nights of each index that can be backed up."""
        return list(self.report.timelines)

    @property
    def age_bars(self) -> BarChart:
        """How old the newest recovery points are."""
        return build_age_bars(self.timelines, self.report)

    @property
    def expiry_bars(self) -> BarChart:
        """How long there are recovery points."""
        return build_expiry_bars(self.timelines, self.report)

    @property
    def is_detailed(self) -> bool:
        """Whether every moment stands on the page as text."""
        return len(self.timelines) <= _MAX_DETAILED_INDEXES and self.findings.total <= _MAX_DETAILED_FINDINGS

    def build_histories(self) -> Iterator[IndexHistory]:
        """Return what is shown of each index, the worst first."""
        findings_by_name: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            if finding.remediation and finding.resource.type is ResourceType.INDEX:
                findings_by_name.setdefault(finding.resource.name, []).append(finding)
        is_detailed, now = self.is_detailed, self.report.observed_at
        histories = [
            build_index_history(finding, now, findings_by_name.get(finding.resource.name, ()), is_detailed=is_detailed)
            for finding in self.timelines
        ]
        return iter(sorted(histories, key=build_sort_key))

    def build_rules(self) -> Iterator[tuple[str, int, list[Figure]]]:
        """Return what the policy requires, rule by rule, and of how many indexes."""
        for rule in self.report.rules:
            limits = {name: value for name, value in build_rule_json(rule).items() if name not in {"name", "indexes"}}
            yield rule.name or "the defaults", rule.index_count, list(build_figures(limits))
