"""`backup-auditor audit`: collect, judge, report, once."""

from argparse import Namespace
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from backup_auditor.adapters.inventory_file import save_inventory
from backup_auditor.adapters.replacement import PRIVATE, Replacement
from backup_auditor.cli.asked import asked, audited
from backup_auditor.cli.exit_codes import exit_code
from backup_auditor.cli.output import is_coloured, lines, opened, put, say, terminal_width
from backup_auditor.domain.report import Report
from backup_auditor.rendering.as_json import render_json
from backup_auditor.rendering.as_markdown import render_markdown
from backup_auditor.rendering.as_table import render_table


def run(arguments: Namespace) -> int:
    """Audit one project, or all of a registry."""
    with ExitStack() as stack:  # what cannot be written in the end is found out before anything is read
        output = stack.enter_context(opened(arguments.output))
        saved = None
        if arguments.save_inventory:
            saved = stack.enter_context(Replacement(Path(arguments.save_inventory), PRIVATE))
        audit = audited(asked(arguments))
        for note in audit.notes:
            say(note)
        if saved is not None:
            save_inventory(audit.inventory, saved)
        put(rendered(audit.report, arguments.format, is_for_terminal=output is None), output)
    return exit_code(audit.report, arguments.fail_on)


def rendered(report: Report, form: str, *, is_for_terminal: bool) -> Iterable[str]:
    """Write a report in the form that was asked for."""
    if form == "json":
        return render_json(report)
    if form == "markdown":
        return lines(render_markdown(report))
    if is_for_terminal:
        return lines(render_table(report, width=terminal_width(), is_coloured=is_coloured()))
    return lines(render_table(report))
