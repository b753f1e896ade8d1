"""The fleet on the page: a row for each project that leads to its section."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.rendering.fleet import (
    build_total_rows,
    describe_changes,
    describe_fleet,
    describe_unregistered_project,
    format_age,
    format_coverage,
    format_end,
    format_proof,
    format_quota,
)
from backup_auditor.rendering.summary import COMPLIANCE_HEADINGS

_MAX_DETAILED_BYTES = 1_500_000
"""The size of a page from which projects are brief: with the worst first, those have most of the details."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value in a row, and the number that it is sorted by."""

    text: str
    rank: float
    """The larger, the worse."""
    kind: str = ""
    """A word for the style."""


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One project."""

    name: str
    link: str | None
    """The URL of its page; `None` if its section is on this page, or it has no page."""
    result: str
    cells: tuple[Cell, ...]


_UNKNOWN_RANK = 1e9
"""The rank of an unknown figure: worse than any known one."""
_RESULT_RANKS = {Compliance.NON_COMPLIANT: 2, Compliance.INSUFFICIENT_DATA: 1, Compliance.COMPLIANT: 0}
_HEADINGS = (
    "result",
    *(it.value for it in reversed(Severity)),
    "unknown",
    "coverage",
    "worst age",
    "none left in",
    "quota",
    "last restore proof",
    "read errors",
    "changes",
)
"""The headings of the cells."""


@dataclass(frozen=True, slots=True)
class NightPages:
    """The page of one night: which night and revision it is, and how the pages of its projects are linked."""

    night: datetime
    revision: int
    build_link: Callable[[str], str | None]
    """Returns the URL of a stored file."""

    @property
    def label(self) -> str:
        """The night and the revision."""
        correction = "" if self.revision == 1 else f", correction {self.revision - 1}"
        return f"Night of {format_minute(self.night)}{correction}"


class FleetView:
    """The fleet of one run, or of one night."""

    def __init__(self, fleet: Fleet, *, has_sections: bool, pages: NightPages | None = None) -> None:
        """Take the fleet; with sections, each row leads to that of its project, and with pages to its page."""
        self.label = pages and pages.label
        self.sentence = describe_fleet(fleet)
        self.totals = build_total_rows(fleet)
        self.warnings = fleet.warnings
        self.unaudited = fleet.unaudited
        self.unregistered = () if fleet.unregistered is None else fleet.unregistered.projects
        self.describe_project = describe_unregistered_project
        self.headings = _HEADINGS if pages is None else (*_HEADINGS, "audited")
        self.rows = [_build_row(it, pages) for it in fleet.projects]
        self.results = list(dict.fromkeys(it.result for it in self.rows))
        self.has_sections = has_sections


def _find_page_link(project: FleetProject, pages: NightPages) -> str | None:
    if project.report is None:
        return None
    return pages.build_link((project.report.page or project.report).location)


def _build_row(project: FleetProject, pages: NightPages | None) -> FleetRow:
    result, compliance = COMPLIANCE_HEADINGS[project.compliance], project.compliance.value
    coverage, age, end, quota = project.coverage_percent, project.worst_age, project.first_end, project.quota
    used = None if quota is None else quota.used_when_full
    seconds_left = (end.at - project.observed_at).total_seconds() if end is not None else None
    changes = project.changes
    return FleetRow(
        project.name,
        None if pages is None else _find_page_link(project, pages),
        result,
        (
            Cell(result, _RESULT_RANKS[project.compliance], compliance),
            *(
                Cell(f"{count:,}", count, severity.value if count else "")
                for severity, count in project.open_counts.items()
            ),
            Cell(f"{project.unknown_count:,}", project.unknown_count, "unknown" if project.unknown_count else ""),
            Cell(
                format_coverage(project),
                _rank_extreme(None if coverage is None else 100 - coverage, is_known=project.is_coverage_known),
            ),
            Cell(format_age(project), _rank_extreme(None if age is None else age.ratio, is_known=project.is_age_known)),
            Cell(
                format_end(project),
                _rank_extreme(None if seconds_left is None else 1 / (1 + seconds_left), is_known=project.is_end_known),
            ),
            Cell(
                format_quota(project),
                _rank_extreme(
                    None if quota is None or used is None else used / quota.quota,
                    is_known=quota is None or used is not None,
                ),
            ),
            Cell(format_proof(project), _rank_proof(project)),
            Cell(f"{project.read_error_count:,}", project.read_error_count),
            Cell(describe_changes(changes) or "first audit", -1.0 if changes is None else changes.new),
            *([] if pages is None else [Cell(format_minute(project.observed_at), -project.observed_at.timestamp())]),
        ),
    )


def _rank_extreme(rank: float | None, *, is_known: bool) -> float:
    """Return the rank of a figure; none is best."""
    if not is_known:
        return _UNKNOWN_RANK
    return -1.0 if rank is None else round(min(rank, _UNKNOWN_RANK / 10), 9)


def _rank_proof(project: FleetProject) -> float:
    """Return the rank of the last restore proof: the older, the worse, and none is worst."""
    proof = project.last_proof
    return _UNKNOWN_RANK if proof is None else (project.observed_at - proof.ended_at).total_seconds()


class PageSize:
    """Counts what was written of a page, and says whether the next project has room for its details."""

    def __init__(self) -> None:
        """Start an empty page."""
        self._bytes = 0

    def count_pieces(self, pieces: Iterable[str]) -> Iterator[str]:
        """Return the pieces, and count them."""
        for piece in pieces:
            self._bytes += len(piece.encode(errors="backslashreplace"))
            yield piece

    @property
    def is_full(self) -> bool:
        """Whether the projects that follow are brief."""
        return self._bytes > _MAX_DETAILED_BYTES
