"""`backup-auditor explain`: why an index was judged as it was."""

from argparse import Namespace

from backup_auditor.cli.exit_codes import INCOMPLETE
from backup_auditor.cli.options import nearest, read_options, run_options
from backup_auditor.cli.output import is_coloured, join_lines, log_stderr, terminal_width, write_pieces
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError
from backup_auditor.rendering.explanation import render_explanation


def run(arguments: Namespace) -> int:
    """Explain the verdicts on one index."""
    control = arguments.control
    known = [it.id for it in CATALOG.index]
    if control is not None and control not in known:
        hint = nearest(control, known) or "; `backup-auditor controls` lists all"
        raise UsageError(f"no control of an index is called {quote_text(control, 80)}{hint}")
    wanted = read_options(arguments)
    audit = run_options(wanted, is_recorded=False)
    for note in audit.notes:
        log_stderr(note)
    if audit.inventory.indexes_unread is not None:
        unread = audit.inventory.indexes_unread
        log_stderr(f"the indexes could not be read: {unread.what}: {unread.error}; try again")
        return INCOMPLETE
    facts = _facts(audit.inventory, arguments.index)
    subject = IndexContext(ProjectContext(audit.inventory, wanted.policy), facts)
    verdicts = {
        it.control: it
        for it in audit.report.findings
        if it.resource.type is ResourceType.INDEX and it.resource.name == facts.index.name
    }
    chosen = [verdicts[it] for it in known if control in (None, it)]
    write_pieces(
        join_lines(render_explanation(subject, chosen, width=terminal_width(), is_coloured=is_coloured())), None
    )
    return 0


def _facts(inventory: Inventory, name: str) -> IndexFacts:
    found = {it.index.name: it for it in inventory.indexes}
    if name in found:
        return found[name]
    if name in inventory.terminating_names:
        raise UsageError(
            f"the index {name!r} is being deleted (state Terminating), and is not audited; name another one"
        )
    others = nearest(name, found) or "; `backup-auditor audit` names those it finds fault with"
    hint = others if found else "; the project has no indexes"
    raise UsageError(f"no live index is called {quote_text(name, 120)}{hint}")
