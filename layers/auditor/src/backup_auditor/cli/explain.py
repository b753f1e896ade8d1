"""`backup-auditor explain`: why an index was judged as it was."""

from argparse import Namespace

from backup_auditor.cli.asked import asked, audited
from backup_auditor.cli.exit_codes import INCOMPLETE
from backup_auditor.cli.nearest import nearest
from backup_auditor.cli.output import is_coloured, lines, put, say, terminal_width
from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.finding import ResourceType
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError
from backup_auditor.rendering.explanation import render_explanation


def run(arguments: Namespace) -> int:
    """Explain the verdicts on one index."""
    control = arguments.control
    known = [it.id for it in CATALOGUE.index]
    if control is not None and control not in known:
        hint = nearest(control, known) or "; `backup-auditor controls` lists all"
        raise UsageError(f"no control of an index is called {quote_text(control, 80)}{hint}")
    wanted = asked(arguments)
    audit = audited(wanted, is_recorded=False)
    for note in audit.notes:
        say(note)
    if audit.inventory.indexes_unread is not None:
        unread = audit.inventory.indexes_unread
        say(f"the indexes could not be read: {unread.what}: {unread.error}; try again")
        return INCOMPLETE
    facts = _facts(audit.inventory, arguments.index)
    subject = IndexSubject(ProjectSubject(audit.inventory, wanted.policy), facts)
    verdicts = {
        it.control: it
        for it in audit.report.findings
        if it.resource.type is ResourceType.INDEX and it.resource.name == facts.index.name
    }
    chosen = [verdicts[it] for it in known if control in (None, it)]
    put(lines(render_explanation(subject, chosen, width=terminal_width(), is_coloured=is_coloured())), None)
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
