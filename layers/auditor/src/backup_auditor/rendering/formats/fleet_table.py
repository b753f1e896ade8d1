"""The fleet for a person at a terminal: the totals, then each project as a row, the worst first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.text import measure_width
from backup_auditor.rendering.fleet import (
    build_total_rows,
    describe_fleet,
    format_age,
    format_coverage,
    format_end,
    format_open_counts,
    format_quota,
    list_remarks,
)
from backup_auditor.rendering.summary import COMPLIANCE_HEADINGS
from backup_auditor.rendering.text import MIN_WIDTH, Style, escape_text, format_columns, wrap_text

_MAX_ROWS = 25
"""The limit of projects under one heading."""
_MIN_NAME_WIDTH = 12
_GAP = "  "
_LEGEND = (
    "Open: critical/high/medium/low. Worst age: of a newest recovery point, and its objective."
    " None in: when the first index has no recovery point, if none is added."
    " Quota: now, and when the schedules are full."
)


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    format_cell: Callable[[FleetProject], str]


_COLUMNS = (
    _Column("open", format_open_counts),
    _Column("covered", format_coverage),
    _Column("worst age", format_age),
    _Column("none in", format_end),
    _Column("quota", format_quota),
)
"""The columns after the name."""


def render_fleet_table(fleet: Fleet, *, width: int, is_colored: bool, full_command: str) -> Iterator[str]:
    """Write the fleet as lines of at most `width` columns; `full_command` is the command that shows all."""
    return _FleetTable(fleet, max(width, MIN_WIDTH), Style(is_colored), full_command).render_lines()


@dataclass(frozen=True, slots=True)
class _FleetTable:
    fleet: Fleet
    width: int
    style: Style
    full_command: str

    def render_lines(self) -> Iterator[str]:
        groups = [(it, list(group)) for it, group in groupby(self.fleet.projects, key=lambda it: it.compliance)]
        layout = _Layout.choose([it for _, projects in groups for it in projects[:_MAX_ROWS]], self.width)
        yield from map(self.style.bold, wrap_text(f"Fleet: {describe_fleet(self.fleet)}", self.width, _GAP))
        yield from format_columns(build_total_rows(self.fleet), self.width)
        yield from self._render_texts("WARNINGS", [("", it) for it in self.fleet.warnings])
        yield from self._render_texts("NOT AUDITED", [(it.name, it.reason) for it in self.fleet.unaudited])
        for compliance, projects in groups:
            heading = f"{COMPLIANCE_HEADINGS[compliance].upper()} ({len(projects):,})"
            yield from ["", self.style.color(compliance, heading)]
            yield from self._render_projects(projects[:_MAX_ROWS], layout)
            yield from self._render_rest(len(projects) - _MAX_ROWS)
        if groups:
            yield ""
            yield from map(self.style.dim, wrap_text(_LEGEND, self.width, _GAP))

    def _render_texts(self, title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
        if not rows:
            return
        heading = f"{title} ({len(rows):,})"
        yield from ["", self.style.color(Compliance.NON_COMPLIANT, heading)]
        for label, text in rows[:_MAX_ROWS]:
            label_clause = f"{escape_text(label)}: " if label else ""
            yield from wrap_text(f"{_GAP}{label_clause}{escape_text(text)}", self.width, _GAP * 2)
        yield from self._render_rest(len(rows) - _MAX_ROWS)

    def _render_projects(self, projects: Sequence[FleetProject], layout: "_Layout") -> Iterator[str]:
        if layout.name_width < _MIN_NAME_WIDTH:
            yield from format_columns([(escape_text(it.name), _describe_figures(it)) for it in projects], self.width)
            return
        yield self.style.dim(layout.lay_out("project", [it.heading for it in _COLUMNS]))
        for project in projects:
            name = escape_text(project.name)
            if measure_width(name) > layout.name_width:
                yield from wrap_text(_GAP + name, self.width, _GAP * 2)
                name = ""
            yield layout.lay_out(name, [it.format_cell(project) for it in _COLUMNS])
            if remarks := "; ".join(list_remarks(project)):
                yield from map(self.style.dim, wrap_text(f"{_GAP * 2}{remarks}", self.width, _GAP * 2))

    def _render_rest(self, count: int) -> Iterator[str]:
        if count > 0:
            text = f"{_GAP}and {count:,} more; all: {self.full_command}"
            yield from map(self.style.dim, wrap_text(text, self.width, _GAP * 2))


@dataclass(frozen=True, slots=True)
class _Layout:
    """The widths of the columns, the same in every group."""

    name_width: int
    widths: tuple[int, ...]

    @classmethod
    def choose(cls, projects: Sequence[FleetProject], width: int) -> "_Layout":
        """Return the least widths of the figures; the name has the rest."""
        widths = tuple(max(map(len, (it.heading, *map(it.format_cell, projects)))) for it in _COLUMNS)
        return cls(width - len(_GAP) - sum(it + len(_GAP) for it in widths), widths)

    def lay_out(self, name: str, cells: Sequence[str]) -> str:
        """Return a line."""
        padded_name = name + " " * (self.name_width - measure_width(name))
        padded_cells = (f"{_GAP}{cell:>{width}}" for cell, width in zip(cells, self.widths, strict=True))
        return f"{_GAP}{padded_name}{''.join(padded_cells)}"


def _describe_figures(project: FleetProject) -> str:
    figures = [f"{it.heading} {it.format_cell(project)}" for it in _COLUMNS]
    return "; ".join([*figures, *list_remarks(project)])
