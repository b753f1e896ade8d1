"""The findings on the page: steps, commands to copy and figures."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from shlex import quote
from urllib.parse import quote as quoted_path

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Compliance, Evidence, Finding, ResourceType
from backup_auditor.domain.placeholders import fill_placeholders, placeholder_values
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.grouping import exempted_groups, open_groups, resource_label, unknown_groups
from backup_auditor.rendering.summary import has_past, since
from backup_auditor.rendering.text import format_json

_CONTROLS = {it.id: it for it in CATALOG.all}
_CALL = re.compile(r"(GET|POST|PATCH) (/(?:\{[^\s}]+\}|[^\s.,{])+)(?: with (\{.*\}))?(?=\.$|, | for | until )")
_KEY = '-H "Api-Key: $PINECONE_API_KEY" -H X-Pinecone-Api-Version:${PINECONE_API_VERSION:-2026-07}'
_HOST = "${PINECONE_CONTROLLER_HOST:-https://api.pinecone.io}"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do about a control, in words."""

    title: str
    risk: str
    console: tuple[str, ...]
    api: tuple[str, ...]


def steps_of(control_id: str, finding: Finding | None) -> Steps | None:
    """Return the steps of a control for that finding, or for any; `None` for a control that is not known."""
    control = _CONTROLS.get(control_id)
    if control is None:
        return None
    told = {} if finding is None else _told(finding)
    console, api = (
        tuple(fill_placeholders(it, told) for it in way) for way in (control.guidance.console, control.guidance.api)
    )
    return Steps(control.title, control.rationale, console, api)


def commands_of(finding: Finding) -> list[str]:
    """Return the calls that a shell can make as they stand, but for what is written in capitals: none that deletes."""
    control = _CONTROLS.get(finding.control)
    calls = [] if control is None else [found for step in control.guidance.api if (found := _CALL.match(step))]
    told = _told(finding)
    return [command for call in calls if (command := _command(call, told))]


def _told(finding: Finding) -> Evidence:
    return placeholder_values(finding.resource, finding.known, finding.evidence)


def _command(call: re.Match[str], told: Evidence) -> str | None:
    verb, path, body = call.groups()
    if verb != "GET" and body is None and not path.endswith("/backups"):
        return None  # the step says in words what to send
    path = fill_placeholders(path, told, lambda it: quoted_path(it, safe=""))
    sent = fill_placeholders(body or "{}", told, lambda it: format_json(it)[1:-1])
    given = "" if verb == "GET" else f" -H Content-Type:application/json -d {quote(sent)}"
    method = "" if verb == "GET" else f" -X {verb}"
    return f"curl -sS{method} {_HOST}{quote(path)} {_KEY}{given}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that a verdict was computed from."""

    name: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Where there are rows, there is no text."""


def figures_of(evidence: Mapping[str, object], before: str = "") -> Iterator[Figure]:
    """Return the figures of some evidence, in its order; those of an object within are named after both."""
    for key, value in evidence.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, Mapping) and value:
            yield from figures_of(value, f"{name}: ")
        elif isinstance(value, list) and value and all(isinstance(it, Mapping) for it in value):
            yield _table(name, value)
        else:
            yield Figure(name, shown(value))


def shown(value: object) -> str:
    """Write a value of JSON for people: text as it is, `none` for null, several with commas between."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(it, str) for it in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)


def _table(name: str, rows: list[Mapping[str, object]]) -> Figure:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    cells = tuple(tuple(shown(row[key]) if key in row else "" for key in columns) for row in rows)
    return Figure(name, "", tuple(it.replace("_", " ") for it in columns), cells)


_IN_FULL = 300
"""How many findings are shown with evidence and commands."""
_SHOWN = 6_000
"""How many are shown at all."""
_OPENED = 20
"""How many stand open when the page is."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding on the page."""

    anchor: str
    place: str
    index: str
    """What the filter by index looks at."""
    control: str
    severity: str
    state: str
    """`new`, `ongoing`, `reopened`, or `open` where nothing is remembered; `not-known`; `exempted`."""
    reason: str
    since: str
    remediation: str
    is_whole: bool
    is_opened: bool
    figures: tuple[Figure, ...]
    commands: tuple[str, ...]
    accepted: str
    """By whom it was accepted and why; empty where it was not."""
    until: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """Findings under one heading."""

    kind: str
    """`open`, `not-known` or `exempted`."""
    severity: str
    title: str
    steps: Steps | None
    findings: Sequence[FindingView]


class FindingViews:
    """The findings of a report in the order of the page: open ones, those not known, those accepted."""

    def __init__(self, report: Report) -> None:
        """Look at the findings of one report."""
        self._is_dated = has_past(report)
        self._numbers = count()
        self._groups = [
            *(("open", it.severity.value, it.control, it.findings) for it in open_groups(report)),
            *(("not-known", "", _cause(it), it) for it in unknown_groups(report)),
            *(("exempted", "", _exemption(it[0]), it) for it in exempted_groups(report)),
        ]
        self.total = sum(len(findings) for *_, findings in self._groups)

    @property
    def short(self) -> int:
        """How many are shown without evidence and commands."""
        return max(min(self.total, _SHOWN) - _IN_FULL, 0)

    @property
    def left_out(self) -> int:
        """How many are only counted."""
        return max(self.total - _SHOWN, 0)

    def __iter__(self) -> Iterator[GroupView]:
        """Return the groups that have a finding to show."""
        for kind, severity, title, findings in self._groups:
            views = list(self._views(findings))
            if views:
                steps = steps_of(title, findings[0] if len(findings) == 1 else None)
                yield GroupView(kind, severity, title, steps, views)

    def _views(self, findings: Iterable[Finding]) -> Iterator[FindingView]:
        for finding in findings:
            number = next(self._numbers)
            if number >= _SHOWN:
                return
            yield self._view(finding, is_whole=number < _IN_FULL, is_opened=number < _OPENED)

    def _view(self, finding: Finding, *, is_whole: bool, is_opened: bool) -> FindingView:
        exemption = finding.exemption
        return FindingView(
            anchor=anchor(finding),
            place=resource_label(finding),
            index="" if finding.resource.type is ResourceType.PROJECT else finding.resource.name,
            control=finding.control,
            severity=finding.severity,
            state=state(finding),
            reason=finding.reason,
            since=since(finding).strip(" ()") if self._is_dated else "",
            remediation=finding.remediation if is_whole else "",
            is_whole=is_whole,
            is_opened=is_opened,
            figures=tuple(figures_of(finding.evidence)) if is_whole else (),
            commands=tuple(commands_of(finding)) if is_whole and finding.is_open else (),
            accepted="" if exemption is None else f"accepted by {exemption.owner}: {exemption.reason}",
            until="" if exemption is None else exemption.expires.isoformat(),
        )


def anchor(finding: Finding) -> str:
    """Return the fragment of a finding, which is the same in every audit."""
    return f"finding-{finding.fingerprint}"


def state(finding: Finding) -> str:
    """Return where a finding stands, as the filter by state says it."""
    if finding.exemption is not None:
        return "exempted"
    if finding.compliance is Compliance.INSUFFICIENT_DATA:
        return "not-known"
    return finding.lifecycle or "open"


def _cause(findings: Sequence[Finding]) -> str:
    return str(findings[0].evidence.get("unread", findings[0].reason))


def _exemption(finding: Finding) -> str:
    exemption = finding.exemption
    return "" if exemption is None else f"until {exemption.expires}, {exemption.owner}: {exemption.reason}"
