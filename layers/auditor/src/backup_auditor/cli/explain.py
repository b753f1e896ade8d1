"""`backup-auditor explain`: the facts and the findings of one index."""

from argparse import Namespace

from backup_auditor.cli import INCOMPLETE
from backup_auditor.cli.options import read_options, run_with_options, suggest_nearest
from backup_auditor.cli.output import get_terminal_width, is_colored, log_stderr, print_lines
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
    control_ids = [it.id for it in CATALOG.index_controls]
    if control is not None and control not in control_ids:
        hint = suggest_nearest(control, control_ids) or "; `backup-auditor controls` lists all"
        raise UsageError(f"unknown index control {quote_text(control, 80)}{hint}")
    options = read_options(arguments)
    audit = run_with_options(options, is_recorded=False)
    for note in audit.notes:
        log_stderr(note)
    if audit.inventory.indexes_failure is not None:
        failure = audit.inventory.indexes_failure
        log_stderr(f"the indexes could not be read: {failure.call}: {failure.error}; try again")
        return INCOMPLETE
    facts = _find_index_facts(audit.inventory, arguments.index)
    context = IndexContext(ProjectContext(audit.inventory, options.policy), facts)
    findings_by_control = {
        finding.control: finding
        for finding in audit.report.findings
        if finding.resource.type is ResourceType.INDEX and finding.resource.name == facts.index.name
    }
    findings = [findings_by_control[it] for it in control_ids if control in (None, it)]
    drills = next((it for it in audit.report.restore_drills if it.resource.name == facts.index.name), None)
    print_lines(render_explanation(context, findings, drills, width=get_terminal_width(), is_colored=is_colored()))
    return 0


def _find_index_facts(inventory: Inventory, name: str) -> IndexFacts:
    facts_by_name = {it.index.name: it for it in inventory.indexes}
    if name in facts_by_name:
        return facts_by_name[name]
    if name in inventory.unaudited_names:
        is_of_drill = any(it.index.name == name for it in inventory.drill_indexes)
        reason = "of a running restore drill" if is_of_drill else "being deleted (state Terminating)"
        raise UsageError(f"the index {name!r} is {reason}, and is not audited; choose another index")
    suggestion = suggest_nearest(name, facts_by_name) or "; `backup-auditor audit` lists indexes with findings"
    hint = suggestion if facts_by_name else "; the project has no indexes"
    raise UsageError(f"unknown index {quote_text(name, 120)}{hint}")
