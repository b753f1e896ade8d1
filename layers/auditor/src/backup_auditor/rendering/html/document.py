"""Writes reports as one page, piece by piece."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from backup_auditor.domain.finding import Finding, ResourceType, Severity
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report
from backup_auditor.domain.timeline import Timeline
from backup_auditor.rendering.grouping import place
from backup_auditor.rendering.html.engine import page_template, read, source_hash
from backup_auditor.rendering.html.figures import Figure, figures_of
from backup_auditor.rendering.html.findings import FindingViews, anchor
from backup_auditor.rendering.html.glance import Bars, ages, endings, open_since, slots
from backup_auditor.rendering.html.nights import IndexNights, index_nights, standing
from backup_auditor.rendering.html.trend import trend
from backup_auditor.rendering.lead import delta, first_finding
from backup_auditor.rendering.rules_json import rule_json
from backup_auditor.rendering.since import drift_rows, resolved_rows
from backup_auditor.rendering.verdict import incompleteness, read_so_much, verdict

_FEW_INDEXES, _FEW_FINDINGS = 200, 400
"""Of how many at the most every moment stands on the page as text too."""
_ROWS = 1_000
"""How many rows a list shows before the rest is counted."""
_COMPLIANCE = {"COMPLIANT": "As required", "NON_COMPLIANT": "Not as required", "INSUFFICIENT_DATA": "Not known"}


def render_html(reports: Iterable[Report]) -> Iterator[str]:
    """Write reports as one HTML document that asks for nothing. Its policy lets nothing run but its own script."""
    style, script = read("page.css"), read("page.js")
    yield from page_template().generate(
        style=style,
        script=script,
        style_hash=source_hash(style),
        script_hash=source_hash(script),
        projects=(ProjectView(it) for it in reports),
    )


@dataclass(frozen=True, slots=True)
class First:
    """What to do first."""

    anchor: str
    place: str
    reason: str
    remediation: str


class ProjectView:
    """What the page says of one project."""

    def __init__(self, report: Report) -> None:
        """Look at one report."""
        self.report = report
        self.observed_at = format_moment(report.observed_at)
        self.heading = _COMPLIANCE[report.compliance]
        self.verdict = verdict(report)
        self.incompleteness = incompleteness(report)
        self.findings = FindingViews(report)
        self.severities = list(reversed(Severity))
        self.read_so_much = read_so_much(report.inventory)
        self.open_since = open_since(report)
        self.trend = trend(report)
        self.slot_bars, self.slot_reasons = slots(report)
        self.resolved = resolved_rows(report)
        self.drift = drift_rows(report)
        self.most_rows = _ROWS

    @cached_property
    def first(self) -> First | None:
        """The worst of what is open, or else of what is not known, with the next step."""
        found = first_finding(self.report)
        return None if found is None else First(anchor(found), place(found), found.reason, found.remediation)

    @property
    def delta(self) -> str:
        """What changed since the last audit, in one line."""
        changed = delta(self.report)
        return f"Since the last audit: {changed}." if changed else "No audit before this one is remembered."

    @cached_property
    def timelines(self) -> list[Timeline]:
        """The nights of each index that can be backed up."""
        return list(self.report.timelines)

    @property
    def ages(self) -> Bars:
        """How old the newest recovery points are."""
        return ages(self.timelines, self.report)

    @property
    def endings(self) -> Bars:
        """How long there are recovery points."""
        return endings(self.timelines, self.report)

    @property
    def is_told_whole(self) -> bool:
        """Whether every moment stands on the page as text."""
        return len(self.timelines) <= _FEW_INDEXES and self.findings.total <= _FEW_FINDINGS

    def indexes(self) -> Iterator[IndexNights]:
        """Return what is shown of each index, the worst first."""
        by_name: dict[str, list[Finding]] = {}
        for it in self.report.findings:
            if it.remediation and it.resource.type is ResourceType.INDEX:
                by_name.setdefault(it.resource.name, []).append(it)
        is_told_whole, now = self.is_told_whole, self.report.observed_at
        views = [
            index_nights(it, now, by_name.get(it.resource.name, ()), is_told_whole=is_told_whole)
            for it in self.timelines
        ]
        return iter(sorted(views, key=standing))

    def rules(self) -> Iterator[tuple[str, int, list[Figure]]]:
        """Return what the policy requires, rule by rule, and of how many indexes."""
        for it in self.report.rules:
            limits = {name: value for name, value in rule_json(it).items() if name not in {"name", "indexes"}}
            yield it.name or "the defaults", it.indexes, list(figures_of(limits))
