"""The findings on the page, with their figures."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from backup_auditor.domain.finding import Compliance, Finding, ResourceType
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.controls import Steps, build_commands, build_steps
from backup_auditor.rendering.grouping import (
    build_finding_anchor,
    find_cause,
    group_exempted_findings,
    group_open_findings,
    group_unknown_findings,
    label_finding,
)
from backup_auditor.rendering.summary import describe_since


@dataclass(frozen=True, slots=True)
class Figure:
    """One value that a verdict was computed from."""

    name: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """If there are rows, there is no text."""


def build_figures(evidence: Mapping[str, object], prefix: str = "") -> Iterator[Figure]:
    """Return the figures of some evidence, in its order; those of an object within are named after both."""
    for key, value in evidence.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping) and value:
            yield from build_figures(value, f"{name}: ")
        elif isinstance(value, list) and value and all(isinstance(it, Mapping) for it in value):
            yield _build_table_figure(name, value)
        else:
            yield Figure(name, _format_cell(value))


def _format_cell(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(it, str) for it in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)


def _build_table_figure(name: str, rows: list[Mapping[str, object]]) -> Figure:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    cells = tuple(tuple(_format_cell(row[key]) if key in row else "" for key in columns) for row in rows)
    return Figure(name, "", tuple(it.replace("_", " ") for it in columns), cells)


_MAX_DETAILED = 300
"""The limit of findings with evidence and commands."""
_MAX_VISIBLE = 6_000
"""The limit of findings on the page."""
_MAX_EXPANDED = 20
"""The limit of findings that are expanded at first."""


class FindingView:
    """One finding on the page."""

    def __init__(self, finding: Finding, *, is_dated: bool, is_detailed: bool, is_expanded: bool = False) -> None:
        """Take the finding; `is_detailed` adds remediation, evidence and commands."""
        exemption = finding.exemption
        self.anchor = build_finding_anchor(finding)
        self.resource = label_finding(finding)
        self.index = "" if finding.resource.type is ResourceType.PROJECT else finding.resource.name
        """The name for the filter by index."""
        self.control, self.severity, self.reason = finding.control, finding.severity.value, finding.reason
        is_unknown = finding.compliance is Compliance.INSUFFICIENT_DATA
        self.state = "exempted" if exemption else "unknown" if is_unknown else finding.lifecycle or "open"
        """`new`, `ongoing`, `reopened`, or `open` without an earlier audit; `unknown`; `exempted`."""
        self.since = describe_since(finding).strip(" ()") if is_dated else ""
        self.is_detailed, self.is_expanded = is_detailed, is_expanded
        self.remediation = finding.remediation if is_detailed else ""
        self.figures = tuple(build_figures(finding.evidence)) if is_detailed else ()
        self.commands = tuple(build_commands(finding)) if is_detailed and finding.is_open else ()
        self.exemption = "" if exemption is None else f"accepted by {exemption.owner}: {exemption.reason}"
        self.exempted_until = "" if exemption is None else exemption.expires.isoformat()


@dataclass(frozen=True, slots=True)
class GroupView:
    """Findings under one heading."""

    kind: str
    """`open`, `unknown` or `exempted`."""
    severity: str
    title: str
    steps: Steps | None
    findings: Sequence[FindingView]


class FindingViews:
    """The findings of a report in the order of the page: open, unknown, exempted."""

    def __init__(self, report: Report) -> None:
        """Group the findings of one report."""
        self._is_dated = report.has_history
        self._numbers = count()
        self._groups = [
            *(("open", it.severity.value, it.control, it.findings) for it in group_open_findings(report)),
            *(("unknown", "", find_cause(it[0]), it) for it in group_unknown_findings(report)),
            *(
                ("exempted", "", f"until {exemption.expires}, {exemption.owner}: {exemption.reason}", it)
                for it in group_exempted_findings(report)
                if (exemption := it[0].exemption) is not None
            ),
        ]
        self.total = sum(len(findings) for *_, findings in self._groups)
        self.short_count = max(min(self.total, _MAX_VISIBLE) - _MAX_DETAILED, 0)
        """The number of findings without evidence and commands."""
        self.omitted_count = max(self.total - _MAX_VISIBLE, 0)
        """The number of findings that are only counted."""

    def __iter__(self) -> Iterator[GroupView]:
        """Return the groups that have a finding to show."""
        for kind, severity, title, findings in self._groups:
            views = list(self._build_views(findings))
            if views:
                steps = build_steps(title, findings[0] if len(findings) == 1 else None)
                yield GroupView(kind, severity, title, steps, views)

    def _build_views(self, findings: Iterable[Finding]) -> Iterator[FindingView]:
        for finding in findings:
            number = next(self._numbers)
            if number >= _MAX_VISIBLE:
                return
            yield FindingView(
                finding,
                is_dated=self._is_dated,
                is_detailed=number < _MAX_DETAILED,
                is_expanded=number < _MAX_EXPANDED,
            )
