"""The formats of a report. Each has one entry in `FORMATS`; its module is imported on first use."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from backup_auditor.domain.evaluation.evaluator import AnyControl
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
        is_registry: bool = False,
        is_file: bool = False,
        width: int = 100,
        is_colored: bool = False,
    ) -> None:
        """Take the options.

        `full_command` is the command that shows what a format leaves out. `report_count` is the largest number of
        reports; a registry may have one. `width` is the columns of the terminal.
        """
        self.controls, self.full_command = controls, full_command
        self.report_count, self.is_registry = report_count, is_registry
        self.is_file, self.width, self.is_colored = is_file, width, is_colored


class ReportFormat:
    """One format, and the module that writes it."""

    def __init__(self, module: str, *, has_timelines: bool = False, max_projects: int | None = None) -> None:
        """Take the path of the module below `backup_auditor.rendering`; `max_projects` is the limit of one file."""
        self.has_timelines, self.max_projects = has_timelines, max_projects
        self._module = module

    def render(self, reports: "Iterable[Report]", options: "RenderOptions") -> "Iterable[str]":
        """Return the pieces of one document that holds the reports; its last line has no end."""
        module = import_module(f"backup_auditor.rendering.{self._module}")
        pieces: Iterable[str] = module.render_document(reports, options)
        return pieces


FORMATS = {
    "table": ReportFormat("formats.table"),
    "json": ReportFormat("formats.json", has_timelines=True),
    "markdown": ReportFormat("formats.markdown"),
    "csv": ReportFormat("formats.csv"),
    "junit": ReportFormat("formats.junit"),
    "sarif": ReportFormat("formats.sarif", max_projects=20),  # code scanning accepts no more
    "ocsf": ReportFormat("formats.ocsf"),
    "html": ReportFormat("html.page", has_timelines=True),
}
"""Every format by the name that `--format` takes."""
