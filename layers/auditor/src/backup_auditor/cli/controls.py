"""`backup-auditor controls`: what is judged, and why."""

from argparse import Namespace

from backup_auditor.cli.options import suggest_nearest
from backup_auditor.cli.output import get_terminal_width, write_pieces
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
            hint = (
                suggest_nearest(arguments.id, [it.id for it in CATALOG.all_controls])
                or "; `backup-auditor controls` lists all"
            )
            raise UsageError(f"unknown control {quote_text(arguments.id, 80)}{hint}")
    if arguments.format == "json":
        text = render_controls_json(controls)
    elif arguments.format == "markdown":
        text = render_controls_markdown(controls)
    else:
        text = render_controls_table(controls, get_terminal_width())
    write_pieces([text.removesuffix("\n")], None)
    return 0
