"""Group the findings of a report for people: what is alike appears once."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize

SHOWN = 5
"""How many of more than that, and one, are shown before the rest is folded."""
IN_FULL = "backup-auditor audit --format json"
"""What shows all, where nothing else is said."""


def fold[Row](rows: tuple[Row, ...] | list[Row]) -> tuple[tuple[Row, ...] | list[Row], int]:
    """Return the rows to be shown, and how many are not; a single one is never folded away."""
    if len(rows) <= SHOWN + 1:
        return rows, 0
    return rows[:SHOWN], len(rows) - SHOWN


_NOTHING_LEFT = frozenset(
    {"index-has-recovery-point", "recovery-points-belong-to-index", "recovery-point-is-not-empty"}
)
"""Controls without which there is nothing to restore an index from."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that one heading covers."""

    severity: Severity
    control: str
    findings: tuple[Finding, ...]


def open_groups(report: Report) -> list[Group]:
    """Return what is non-compliant and not exempted, by severity and control: worst first, then what strikes most.

    Of what is equally severe, indexes of which nothing can be restored come before those of which something can.
    """
    grouped = _grouped((it for it in report.findings if it.is_open), lambda it: (it.severity, it.control))
    found = [Group(it[0].severity, it[0].control, tuple(it)) for it in grouped]
    return sorted(
        found, key=lambda it: (-it.severity.rank, it.control not in _NOTHING_LEFT, -len(it.findings), it.control)
    )


def unknown_groups(report: Report) -> list[tuple[Finding, ...]]:
    """Return what could not be judged and is not exempted, by what was not read: what leaves most unknown first."""
    unknown = (it for it in report.findings if it.compliance is Compliance.INSUFFICIENT_DATA and it.exemption is None)
    return sorted(map(tuple, _grouped(unknown, _cause)), key=lambda it: (-len(it), it[0].reason))


def exempted_groups(report: Report) -> list[tuple[Finding, ...]]:
    """Return what deviates and was accepted, by the exemption: what expires next first."""
    exempted = (it for it in report.findings if it.exemption is not None)
    groups = map(tuple, _grouped(exempted, lambda it: it.exemption))
    return sorted(groups, key=lambda it: (it[0].exemption.expires if it[0].exemption else date.max, it[0].control))


def indexes_in(findings: Iterable[Finding]) -> int:
    """Count the live indexes that findings are about."""
    return len({it.resource.name for it in findings if it.resource.type is ResourceType.INDEX})


def deleted_indexes_in(findings: Iterable[Finding]) -> int:
    """Count the deleted indexes that findings are about."""
    return len({it.resource.id for it in findings if it.resource.type is ResourceType.DELETED_INDEX})


def resource_label(finding: Finding) -> str:
    """Name what a finding is about."""
    return place_of(finding.resource)


def place_of(resource: Resource) -> str:
    """Name a resource; a deleted index by its id, too, as its name may have been used more than once."""
    match resource.type:
        case ResourceType.PROJECT:
            return "the project"
        case ResourceType.DELETED_INDEX:
            return f"{resource.name}, deleted ({resource.id})"
        case _:
            return resource.name


def scope(findings: Sequence[Finding]) -> str:
    """Name the resources and the controls that findings share: `orders, 7 controls`."""
    places = {resource_label(it) for it in findings}
    controls = {it.control for it in findings}
    where = resource_label(findings[0]) if len(places) == 1 else pluralize(len(places), "index", "indexes")
    return f"{where}, {findings[0].control if len(controls) == 1 else pluralize(len(controls), 'control')}"


def _cause(finding: Finding) -> Hashable:
    """Return the call that was not read, where one was not; otherwise the reason itself."""
    return str(finding.evidence.get("unread", finding.reason))


def _grouped(findings: Iterable[Finding], key: Callable[[Finding], Hashable]) -> Iterable[list[Finding]]:
    found: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        found.setdefault(key(finding), []).append(finding)
    return found.values()
