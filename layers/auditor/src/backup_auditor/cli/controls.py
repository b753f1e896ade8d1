"""`backup-auditor controls`: what is judged, and why."""

from argparse import Namespace

from backup_auditor.cli.options import nearest
from backup_auditor.cli.output import terminal_width, write_pieces
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError
from backup_auditor.rendering.controls import controls_json, controls_markdown, controls_table


def run(arguments: Namespace) -> int:
    """List the controls in the order of the catalogue, or show one."""
    chosen = CATALOG.all
    if arguments.id is not None:
        chosen = tuple(it for it in CATALOG.all if it.id == arguments.id)
        if not chosen:
            hint = nearest(arguments.id, [it.id for it in CATALOG.all]) or "; `backup-auditor controls` lists all"
            raise UsageError(f"no control is called {quote_text(arguments.id, 80)}{hint}")
    if arguments.format == "json":
        text = controls_json(chosen)
    elif arguments.format == "markdown":
        text = controls_markdown(chosen)
    else:
        text = controls_table(chosen, terminal_width())
    write_pieces([text.removesuffix("\n")], None)
    return 0
