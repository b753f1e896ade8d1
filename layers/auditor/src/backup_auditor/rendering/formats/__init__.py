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
    """One format: its readers, its content, and the module that writes it."""

    def __init__(  # noqa: PLR0913  all are named; dataclasses would slow down every start
        self,
        name: str,
        *,
        readers: str,
        content: str,
        counted_only: str,
        extension: str,
        many_projects: str,
        module: str | None = None,
        has_timelines: bool = False,
        max_projects: int | None = None,
    ) -> None:
        """Take the description of a format.

        `counted_only` is what it counts and leaves to the JSON report. `many_projects` is how it holds a registry.
        `module` is its path below `backup_auditor.rendering`, if it is not `formats.NAME`.
        `max_projects` is the limit of one file; `None` is no limit.
        """
        self.name = name
        self.extension = extension
        self.readers, self.content, self.counted_only = readers, content, counted_only
        self.many_projects, self.max_projects = many_projects, max_projects
        self.has_timelines = has_timelines
        self._module = module

    def render(self, reports: "Iterable[Report]", options: "RenderOptions") -> "Iterable[str]":
        """Return the pieces of one document that holds the reports; its last line has no end."""
        module = import_module(f"backup_auditor.rendering.{self._module or f'formats.{self.name}'}")
        pieces: Iterable[str] = module.render_document(reports, options)
        return pieces


_ALL_FORMATS = (
    ReportFormat(
        "table",
        readers="a terminal",
        content="result, first step, changes, open findings (worst first), unknown, warnings, exempted, resolved,"
        " drift, counts, read errors",
        counted_only="proposals; long lists, with the command that shows them",
        extension=".txt",
        many_projects="one report after the other",
    ),
    ReportFormat(
        "json",
        readers="programs",
        content="everything",
        counted_only="nothing",
        extension=".json",
        many_projects="an array of reports",
        has_timelines=True,
    ),
    ReportFormat(
        "markdown",
        readers="pull requests, tickets",
        content="as `table`",
        counted_only="proposals; rows that do not fit one GitHub comment (65,536 characters), or more than 50 under a"
        " heading",
        extension=".md",
        many_projects="one report after the other, in one comment",
    ),
    ReportFormat(
        "csv",
        readers="spreadsheets",
        content="every finding, warnings",
        counted_only="read errors, resolved, drift, proposals",
        extension=".csv",
        many_projects="one table",
    ),
    ReportFormat(
        "junit",
        readers="CI servers",
        content="every finding, warnings",
        counted_only="read errors, resolved, drift, proposals",
        extension=".junit.xml",
        many_projects="one document",
    ),
    ReportFormat(
        "sarif",
        readers="code scanning",
        content="non-compliant, unknown and resolved findings, read errors, warnings",
        counted_only="compliant and not applicable findings, drift, proposals",
        extension=".sarif",
        many_projects="one run for each project, at most 20 in a file",
        max_projects=20,  # code scanning accepts no more
    ),
    ReportFormat(
        "ocsf",
        readers="security lakes",
        content="every finding, resolved findings, warnings",
        counted_only="read errors, drift, proposals",
        extension=".ocsf.ndjson",
        many_projects="one list of events",
    ),
    ReportFormat(
        "html",
        readers="browsers and printers",
        content="as `table`, and evidence, API calls, the policy, a timeline of each index, and past audits",
        counted_only="compliant and not applicable findings; evidence and single times of large projects",
        extension=".html",
        many_projects="one page",
        module="html.page",
        has_timelines=True,
    ),
)
FORMATS = {it.name: it for it in _ALL_FORMATS}
"""Every format by the name that `--format` takes."""
