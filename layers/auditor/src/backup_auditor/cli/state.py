"""What `backup-auditor state discard` does: shows what a state would lose, asks, and discards it."""

import os
import sys
from argparse import Namespace
from contextlib import AbstractContextManager
from pathlib import Path

from backup_auditor.adapters.sqlite.state_store import open_state, open_state_read_only
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.local import open_audits_in_table
from backup_auditor.cli.exit_codes import NOT_AUDITED, OK
from backup_auditor.cli.options import DEFAULT_PROJECT, check_project_name
from backup_auditor.cli.output import get_terminal_width, log_stderr, write_pieces
from backup_auditor.cli.remediate import is_terminal
from backup_auditor.cli.state_path import find_default_state_file
from backup_auditor.domain.lifecycle.discard import Discard, discard_all, discard_future
from backup_auditor.errors import UsageError
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT, StateAndAuditStore, StateStore
from backup_auditor.rendering.discard import render_discard
from backup_auditor.rendering.text import join_lines, wrap_text


def run(arguments: Namespace) -> int:
    """Discard audits of one project, once somebody agreed."""
    project = DEFAULT_PROJECT if arguments.project is None else arguments.project
    check_project_name(project)
    discard = _find_discard(arguments, project)
    if discard is None:
        subject = "No audit is recorded" if arguments.all else "No audit is recorded in the future"
        write_pieces([f"{subject} of {project} in {_describe_store(arguments, project)}; nothing to discard."], None)
        return OK
    lines = render_discard(discard, project, _describe_store(arguments, project), runtime.now())
    write_pieces(join_lines(line for it in lines for line in wrap_text(it, get_terminal_width(), "    ")), None)
    if not arguments.yes and not _ask_for_consent():
        log_stderr("nothing was changed")
        return NOT_AUDITED
    with _open_for_writing(arguments, project) as store:
        store.record(project, discard.state_change)
    return OK


def _find_discard(arguments: Namespace, project: str) -> Discard | None:
    """Return what is to be discarded, by the state as it is now."""
    with _open_for_reading(arguments, project) as store:
        state, audits = store.load(project), store.list_audits(project, EARLIEST_OBSERVED_AT)
    return discard_all(state, audits) if arguments.all else discard_future(state, audits, runtime.now())


def _ask_for_consent() -> bool:
    """Ask on the terminal. Raises `UsageError` where there is none. Anything but yes is no."""
    if not is_terminal():
        raise UsageError("state discard needs a terminal to ask on; nothing was changed; add --yes")
    sys.stdout.flush()
    sys.stderr.write("Discard this? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def _open_for_reading(arguments: Namespace, project: str) -> AbstractContextManager[StateAndAuditStore]:
    if arguments.table is not None:
        return open_audits_in_table(arguments.table)
    path = _choose_state_file(arguments, project)
    if not os.path.lexists(path):
        raise UsageError(f"{path}: there is no state of {project}; name it with --state, --table or --project")
    return open_state_read_only(path)


def _open_for_writing(arguments: Namespace, project: str) -> AbstractContextManager[StateStore]:
    return (
        open_state(_choose_state_file(arguments, project))
        if arguments.table is None
        else open_audits_in_table(arguments.table)
    )


def _choose_state_file(arguments: Namespace, project: str) -> Path:
    return Path(arguments.state) if arguments.state is not None else find_default_state_file(os.environ, project)


def _describe_store(arguments: Namespace, project: str) -> str:
    return (
        f"the table {arguments.table}" if arguments.table is not None else str(_choose_state_file(arguments, project))
    )
