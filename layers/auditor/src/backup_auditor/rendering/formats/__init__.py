"""The formats of a report. Each has one entry in `FORMATS`; its module is imported on first use."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from backup_auditor.domain.evaluation.evaluator import AnyControl
    from backup_auditor.domain.reporting.fleet import Fleet
    from backup_auditor.domain.reporting.report import Report

FULL_REPORT_COMMAND = "backup-auditor audit --format json"
"""The default command that shows what a format leaves out."""


class RenderOptions:
    """Where a document goes, and what it shows besides the reports."""

    def __init__(  # noqa: PLR0913  all are named; dataclasses would slow down every start
        self,
        *,
        controls: "Sequence[AnyControl]" = (),
        full_command: str = FULL_REPORT_COMMAND,
        report_count: int = 1,
        fleet: "Fleet | None" = None,
        is_file: bool = False,
        width: int = 100,
        is_colored: bool = False,
    ) -> None:
        """Take the options.

        `full_command` is the command that shows what a format leaves out. `report_count` is the largest number of
        reports. `fleet` is the summary of a registry's reports. `width` is the columns of the terminal.
        """
        self.controls, self.full_command = controls, full_command
        self.report_count, self.fleet = report_count, fleet
        self.is_file, self.width, self.is_colored = is_file, width, is_colored


class ReportFormat:
    """One format, and the module that writes it."""

    def __init__(
        self,
        module: str,
        *,
        has_timelines: bool = False,
        max_projects: int | None = None,
        has_fleet: bool = False,
        has_fleet_file: bool = False,
    ) -> None:
        """Take the path of the module below `backup_auditor.rendering`.

        `max_projects` is the limit of one file. `has_fleet` says that the document of a registry begins with the fleet;
        `has_fleet_file` says that the module writes the fleet into a file of its own.
        """
        self.has_timelines, self.max_projects = has_timelines, max_projects
        self.has_fleet_file = has_fleet_file
        self.is_worst_first = has_fleet or has_fleet_file
        """Whether the reports of a registry are in the order of the fleet; else they are in that of the registry."""
        self._module = module

    def render(self, reports: "Iterable[Report]", options: "RenderOptions") -> "Iterable[str]":
        """Return the pieces of one document that holds the reports; its last line has no end."""
        module = import_module(f"backup_auditor.rendering.{self._module}")
        pieces: Iterable[str] = module.render_document(reports, options)
        return pieces

    def render_fleet(self, options: "RenderOptions") -> "Iterable[str]":
        """Return the pieces of the file of the fleet. Only formats with `has_fleet_file` have one."""
        module = import_module(f"backup_auditor.rendering.{self._module}")
        pieces: Iterable[str] = module.render_fleet(options)
        return pieces


FORMATS = {
    "table": ReportFormat("formats.table", has_fleet=True),
    "json": ReportFormat("formats.json", has_timelines=True, has_fleet=True),
    "markdown": ReportFormat("formats.markdown", has_fleet=True),
    "csv": ReportFormat("formats.csv", has_fleet_file=True),
    "junit": ReportFormat("formats.junit"),
    "sarif": ReportFormat("formats.sarif", max_projects=20),  # code scanning accepts no more
    "ocsf": ReportFormat("formats.ocsf"),
    "html": ReportFormat("html.page", has_timelines=True, has_fleet=True),
}
"""Every format by the name that `--format` takes."""
