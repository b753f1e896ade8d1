"""What a page shows of findings: those that are alike under one heading, the worst of them with all there is to say."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from backup_auditor.domain.finding import Compliance, Finding, ResourceType
from backup_auditor.domain.report import Report
from backup_auditor.rendering.grouping import exempted_groups, open_groups, place, unknown_groups
from backup_auditor.rendering.html.commands import Steps, commands_of, steps_of
from backup_auditor.rendering.html.figures import Figure, figures_of
from backup_auditor.rendering.since import has_past, since

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
            place=place(finding),
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
