"""Build the summary of a fleet: what one run found in each project, the worst first, and the totals."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.discovery_notice import UnregisteredProject
from backup_auditor.domain.evaluation.results import Coverage
from backup_auditor.domain.finding import Compliance, Severity


@dataclass(frozen=True, slots=True)
class RecoveryPointAge:
    """The age of an index's newest recovery point, and its objective."""

    index: str
    age: timedelta
    max_age: timedelta

    @property
    def ratio(self) -> float:
        """The age as a multiple of the objective."""
        return self.age / self.max_age if self.max_age else float("inf")


@dataclass(frozen=True, slots=True)
class RecoveryPointsEnd:
    """When an index has no recovery point left, if none is added; the time of the audit if it has none now."""

    index: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """The use of a project's backup quota, in backups. A number is `None` if it is unknown."""

    quota: int
    used: int | None
    used_when_full: int | None
    """The number of backups when every schedule has filled up."""


@dataclass(frozen=True, slots=True)
class RestoreProof:
    """The last restore drill of a project that passed."""

    index: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """The changes since the previous audit."""

    new: int
    """The number of findings that this audit opened or reopened."""
    resolved: int


@dataclass(frozen=True, slots=True)
class FleetProject:
    """What one audit found in its project."""

    name: str
    project_id: str | None
    audit_id: str
    observed_at: datetime
    compliance: Compliance
    index_count: int
    coverage: Coverage | None
    """`None` if it is unknown."""
    coverage_percent: float | None
    """`None` if no index can be backed up, or if it is unknown."""
    is_coverage_known: bool
    open_counts: Mapping[Severity, int]
    unknown_count: int
    exempted_count: int
    worst_age: RecoveryPointAge | None
    """The age that is the largest multiple of its objective; `None` if there is none, or if it is unknown."""
    is_age_known: bool
    first_end: RecoveryPointsEnd | None
    """When the first index has no recovery point left; `None` if that never happens, or if it is unknown."""
    is_end_known: bool
    quota: QuotaUse | None
    """`None` if the project has no quota."""
    last_proof: RestoreProof | None
    """`None` if no drill is known to have passed, or if it is unknown which drills are those of the live indexes."""
    is_proof_known: bool
    read_error_count: int
    changes: FindingChanges | None
    """`None` if no earlier audit is recorded."""
    report: StoredReport | None = None
    """Its stored report; `None` if the reports of the run are beside the fleet."""

    @property
    def is_complete(self) -> bool:
        """Whether there is no read error."""
        return not self.read_error_count


@dataclass(frozen=True, slots=True)
class UnauditedProject:
    """A project that could not be audited."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnregisteredProjects:
    """The projects of the organization that are neither registered nor ignored."""

    projects: tuple[UnregisteredProject, ...]
    """By name."""
    as_of: datetime | None
    """When the organization was last listed completely; `None` if it never was."""
    is_current: bool
    """Whether that is recent enough to know of all of them."""


@dataclass(frozen=True, slots=True)
class FleetTotals:
    """The sums over all audited projects."""

    compliance: Mapping[Compliance, int]
    """The number of projects by their compliance."""
    incomplete_count: int
    """The number of projects with read errors."""
    index_count: int
    coverage_percent: float | None
    """Of all indexes that can be backed up in projects whose coverage is known, truncated to one decimal; `None` if
    there is none."""
    open_counts: Mapping[Severity, int]
    unknown_count: int
    exempted_count: int
    read_error_count: int
    changes: FindingChanges | None
    """The changes of the projects with an earlier audit; `None` if there is none."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """All registered projects together, the worst first."""

    unaudited: tuple[UnauditedProject, ...]
    """By name."""
    projects: tuple[FleetProject, ...]
    """Non-compliant ones by their open findings, then unknown ones, then compliant ones."""
    totals: FleetTotals
    warnings: tuple[str, ...] = ()
    """Sentences about the registry."""
    unregistered: UnregisteredProjects | None = None
    """`None` if the organization is not compared with the registry."""

    @property
    def is_completely_known(self) -> bool:
        """Whether every project that should be audited is audited, as far as that is checked."""
        has_gap = self.unregistered is not None and bool(self.unregistered.projects or not self.unregistered.is_current)
        return bool(self.projects) and not self.unaudited and not has_gap

    @property
    def project_count(self) -> int:
        """The number of registered projects."""
        return len(self.unaudited) + len(self.projects)

    @property
    def unknown_coverage_count(self) -> int:
        """The number of audited projects whose coverage is unknown."""
        return sum(not it.is_coverage_known for it in self.projects)


def build_fleet(
    projects: Iterable[FleetProject],
    unaudited: Iterable[UnauditedProject],
    warnings: Iterable[str] = (),
    unregistered: UnregisteredProjects | None = None,
) -> Fleet:
    """Return the fleet of one run. The order of the arguments does not matter."""
    sorted_projects = tuple(sorted(projects, key=_rank_project))
    return Fleet(
        unaudited=tuple(sorted(unaudited, key=lambda it: (it.name, it.reason))),
        projects=sorted_projects,
        totals=_sum_projects(sorted_projects),
        warnings=tuple(sorted(warnings)),
        unregistered=unregistered,
    )


_RANKS = {Compliance.NON_COMPLIANT: 0, Compliance.INSUFFICIENT_DATA: 1, Compliance.COMPLIANT: 2}


def _rank_project(project: FleetProject) -> tuple[int, list[int], int, str]:
    """Return the sort key of a project, the worst first."""
    open_counts = [-project.open_counts[it] for it in reversed(Severity)]
    return _RANKS[project.compliance], open_counts, -project.unknown_count, project.name


def _sum_projects(projects: tuple[FleetProject, ...]) -> FleetTotals:
    compliance_counts = Counter(it.compliance for it in projects)
    coverages = [it.coverage for it in projects if it.coverage is not None]
    backed_up_count = sum(it.indexes for it in coverages)
    protected_count = sum(it.protected_indexes for it in coverages)
    changes = [it.changes for it in projects if it.changes is not None]
    return FleetTotals(
        compliance={it: compliance_counts[it] for it in _RANKS},
        incomplete_count=sum(not it.is_complete for it in projects),
        index_count=sum(it.index_count for it in projects),
        coverage_percent=protected_count * 1000 // backed_up_count / 10 if backed_up_count else None,
        open_counts={severity: sum(it.open_counts[severity] for it in projects) for severity in reversed(Severity)},
        unknown_count=sum(it.unknown_count for it in projects),
        exempted_count=sum(it.exempted_count for it in projects),
        read_error_count=sum(it.read_error_count for it in projects),
        changes=FindingChanges(sum(it.new for it in changes), sum(it.resolved for it in changes)) if changes else None,
    )
