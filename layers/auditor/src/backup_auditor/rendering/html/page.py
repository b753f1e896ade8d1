"""Render reports as one HTML page. The template engine is imported on first use and escapes every text."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from backup_auditor.domain.evaluation.timeline import Timeline
from backup_auditor.domain.finding import Finding, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.grouping import resource_label
from backup_auditor.rendering.html.findings import Figure, FindingViews, anchor, figures_of
from backup_auditor.rendering.html.index_history import IndexHistory, index_history, index_status
from backup_auditor.rendering.html.overview import Bars, ages, endings, open_since, slots, trend
from backup_auditor.rendering.json_fragments import rule_json
from backup_auditor.rendering.summary import (
    delta,
    drift_rows,
    first_finding,
    incompleteness,
    read_so_much,
    resolved_rows,
    verdict,
)
from backup_auditor.rendering.text import escape_text

if TYPE_CHECKING:
    from jinja2 import Template

_PAGE = "page.html.jinja"


@cache
def page_template() -> "Template":
    """Return the page's template, compiled."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415  an audit that draws no page pays nothing

    environment = Environment(
        autoescape=True,
        finalize=_printable,
        loader=DictLoader({it: read(it) for it in (_PAGE, "parts.html.jinja")}),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(_PAGE)


@cache
def read(name: str) -> str:
    """Return the text of a file of this package."""
    return files("backup_auditor.rendering.html").joinpath(name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """Return what a Content-Security-Policy calls a style or a script by."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _printable(value: object) -> object:
    """Let nothing in a name move a cursor or turn the direction of what follows."""
    return escape_text(value) if type(value) is str else value


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
        return None if found is None else First(anchor(found), resource_label(found), found.reason, found.remediation)

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

    def indexes(self) -> Iterator[IndexHistory]:
        """Return what is shown of each index, the worst first."""
        by_name: dict[str, list[Finding]] = {}
        for it in self.report.findings:
            if it.remediation and it.resource.type is ResourceType.INDEX:
                by_name.setdefault(it.resource.name, []).append(it)
        is_told_whole, now = self.is_told_whole, self.report.observed_at
        views = [
            index_history(it, now, by_name.get(it.resource.name, ()), is_told_whole=is_told_whole)
            for it in self.timelines
        ]
        return iter(sorted(views, key=index_status))

    def rules(self) -> Iterator[tuple[str, int, list[Figure]]]:
        """Return what the policy requires, rule by rule, and of how many indexes."""
        for it in self.report.rules:
            limits = {name: value for name, value in rule_json(it).items() if name not in {"name", "indexes"}}
            yield it.name or "the defaults", it.indexes, list(figures_of(limits))
