"""`backup-auditor controls`: the controls, and the reason of each."""

from argparse import Namespace

from backup_auditor.cli.options import suggest_nearest
from backup_auditor.cli.output import get_terminal_width, print_lines
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError
from backup_auditor.rendering.controls import render_controls_json, render_controls_markdown, render_controls_table


def run(arguments: Namespace) -> int:
    """List the controls in the order of the catalogue, or show one."""
    controls = CATALOG.all_controls
    if arguments.id is not None:
        controls = tuple(it for it in CATALOG.all_controls if it.id == arguments.id)
        if not controls:
            ids = [it.id for it in CATALOG.all_controls]
            hint = suggest_nearest(arguments.id, ids) or "; `backup-auditor controls` lists all"
            raise UsageError(f"unknown control {quote_text(arguments.id, 80)}{hint}")
    if arguments.format == "json":
        text = render_controls_json(controls)
    elif arguments.format == "markdown":
        text = render_controls_markdown(controls)
    else:
        text = render_controls_table(controls, get_terminal_width())
    print_lines([text.removesuffix("\n")])
    return 0
