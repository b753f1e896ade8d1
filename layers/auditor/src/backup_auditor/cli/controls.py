"""`backup-auditor controls`: what is judged, and why."""

from argparse import Namespace

from backup_auditor.cli.nearest import nearest
from backup_auditor.cli.output import put, terminal_width
from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError
from backup_auditor.rendering.controls import controls_json, controls_markdown, controls_table


def run(arguments: Namespace) -> int:
    """List the controls in the order of the catalogue, or show one."""
    chosen = CATALOGUE.all
    if arguments.id is not None:
        chosen = tuple(it for it in CATALOGUE.all if it.id == arguments.id)
        if not chosen:
            hint = nearest(arguments.id, [it.id for it in CATALOGUE.all]) or "; `backup-auditor controls` lists all"
            raise UsageError(f"no control is called {quote_text(arguments.id, 80)}{hint}")
    if arguments.format == "json":
        text = controls_json(chosen)
    elif arguments.format == "markdown":
        text = controls_markdown(chosen)
    else:
        text = controls_table(chosen, terminal_width())
    put([text.removesuffix("\n")], None)
    return 0
