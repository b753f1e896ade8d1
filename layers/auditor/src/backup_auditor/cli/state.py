"""`backup-auditor state discard`: show what a state would lose, ask, and discard it."""

import os
import sys
from argparse import Namespace
from contextlib import AbstractContextManager

from backup_auditor.adapters.sqlite.state_store import open_state, open_state_read_only
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.local import open_audits_in_table
from backup_auditor.cli import NOT_AUDITED, OK
from backup_auditor.cli.options import find_state_file, read_project_name
from backup_auditor.cli.output import ask_for_consent, get_terminal_width, is_terminal, log_stderr, print_lines
from backup_auditor.domain.lifecycle.discard import Discard, discard_all, discard_future
from backup_auditor.errors import UsageError
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT, StateAndAuditStore
from backup_auditor.rendering.evidence import render_discard
from backup_auditor.rendering.text import wrap_text


def run(arguments: Namespace) -> int:
    """Discard audits of one project, with consent."""
    project = read_project_name(arguments)
    discard = _find_discard(arguments, project)
    location = str(find_state_file(arguments, project)) if arguments.table is None else f"the table {arguments.table}"
    if discard is None:
        subject = "No audit is recorded" if arguments.all else "No audit is recorded in the future"
        print_lines([f"{subject} of {project} in {location}; nothing to discard."])
        return OK
    lines = render_discard(discard, project, location, runtime.now())
    print_lines(line for it in lines for line in wrap_text(it, get_terminal_width(), "    "))
    if not arguments.yes:
        if not is_terminal():
            raise UsageError(
                "state discard needs a terminal to ask for confirmation; nothing was changed; add --yes to confirm"
            )
        sys.stdout.flush()
        if not ask_for_consent("Discard this?"):
            log_stderr("nothing was changed")
            return NOT_AUDITED
    with (
        open_state(find_state_file(arguments, project))
        if arguments.table is None
        else open_audits_in_table(arguments.table)
    ) as store:
        store.record(project, discard.state_change)
    return OK


def _open_for_reading(arguments: Namespace, project: str) -> AbstractContextManager[StateAndAuditStore]:
    if arguments.table is not None:
        return open_audits_in_table(arguments.table)
    path = find_state_file(arguments, project)
    if not os.path.lexists(path):
        remedy = "choose another state with --state or --table, or another project with --project"
        raise UsageError(f"{path}: there is no state of {project}; {remedy}")
    return open_state_read_only(path)


def _find_discard(arguments: Namespace, project: str) -> Discard | None:
    """Return the audits to discard from the state as it is now."""
    with _open_for_reading(arguments, project) as store:
        state, audits = store.load(project), store.list_audits(project, EARLIEST_OBSERVED_AT)
    return discard_all(state, audits) if arguments.all else discard_future(state, audits, runtime.now())
