"""Group the findings of a report for people: equal facts appear once."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from backup_auditor.domain.finding import Finding, Resource, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize

MAX_VISIBLE_ROWS = 5
"""The limit of rows before the rest is folded; a single further row is shown too."""


def fold[Row](rows: tuple[Row, ...] | list[Row]) -> tuple[tuple[Row, ...] | list[Row], int]:
    """Return the rows to show, and the number of the others; a single one is never folded."""
    if len(rows) <= MAX_VISIBLE_ROWS + 1:
        return rows, 0
    return rows[:MAX_VISIBLE_ROWS], len(rows) - MAX_VISIBLE_ROWS


_NO_RESTORE_CONTROLS = frozenset(
    {"index-has-recovery-point", "recovery-points-belong-to-index", "recovery-point-is-not-empty"}
)
"""Controls whose open finding means that an index cannot be restored."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that one heading covers."""

    severity: Severity
    control: str
    findings: tuple[Finding, ...]


def group_open_findings(report: Report) -> list[Group]:
    """Return the open findings by severity and control: the worst first, then those of most resources.

    With equal severity, indexes that cannot be restored come before those that can.
    """
    finding_lists = _group_findings((it for it in report.findings if it.is_open), lambda it: (it.severity, it.control))
    groups = [Group(it[0].severity, it[0].control, tuple(it)) for it in finding_lists]
    return sorted(
        groups,
        key=lambda it: (-it.severity.rank, it.control not in _NO_RESTORE_CONTROLS, -len(it.findings), it.control),
    )


def group_unknown_findings(report: Report) -> list[tuple[Finding, ...]]:
    """Return the unknown findings that are not exempted, by what was not read: the largest group first."""
    unknown_findings = (it for it in report.findings if it.is_unknown)
    return sorted(map(tuple, _group_findings(unknown_findings, find_cause)), key=lambda it: (-len(it), it[0].reason))


def group_exempted_findings(report: Report) -> list[tuple[Finding, ...]]:
    """Return the exempted findings by exemption: the one that expires next first."""
    exempted_findings = (it for it in report.findings if it.exemption is not None)
    groups = map(tuple, _group_findings(exempted_findings, lambda it: it.exemption))
    return sorted(groups, key=lambda it: (it[0].exemption.expires if it[0].exemption else date.max, it[0].control))


def count_indexes(findings: Iterable[Finding]) -> int:
    """Count the live indexes that findings are about."""
    return len({it.resource.name for it in findings if it.resource.type is ResourceType.INDEX})


def count_deleted_indexes(findings: Iterable[Finding]) -> int:
    """Count the deleted indexes that findings are about."""
    return len({it.resource.id for it in findings if it.resource.type is ResourceType.DELETED_INDEX})


def build_finding_anchor(finding: Finding) -> str:
    """Return the fragment of a finding on the page, which is the same in every audit."""
    return f"finding-{finding.fingerprint}"


def label_finding(finding: Finding) -> str:
    """Name what a finding is about."""
    return label_resource(finding.resource)


def label_resource(resource: Resource) -> str:
    """Name a resource; a deleted index by its id, too, as its name may have been used more than once."""
    match resource.type:
        case ResourceType.PROJECT:
            return "the project"
        case ResourceType.DELETED_INDEX:
            return f"{resource.name}, deleted ({resource.id})"
        case _:
            return resource.name


def label_group(findings: Sequence[Finding]) -> str:
    """Name the resources and the controls that findings share: `orders, 7 controls`."""
    labels = {label_finding(it) for it in findings}
    controls = {it.control for it in findings}
    label = label_finding(findings[0]) if len(labels) == 1 else pluralize(len(labels), "index", "indexes")
    return f"{label}, {findings[0].control if len(controls) == 1 else pluralize(len(controls), 'control')}"


def find_cause(finding: Finding) -> str:
    """Return why a finding is unknown: the failed call, if there is one, else its reason."""
    return str(finding.evidence.get("call", finding.reason))


def _group_findings(findings: Iterable[Finding], key: Callable[[Finding], Hashable]) -> Iterable[list[Finding]]:
    groups: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(key(finding), []).append(finding)
    return groups.values()
