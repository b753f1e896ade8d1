"""What `backup-auditor state discard` does: shows what a state would lose, asks, and discards it."""

import os
import sys
from argparse import Namespace
from contextlib import AbstractContextManager
from pathlib import Path

from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.local import audits_in_file, audits_in_table, open_local_state
from backup_auditor.cli.exit_codes import NOT_AUDITED, OK
from backup_auditor.cli.options import PROJECT, check_name
from backup_auditor.cli.output import join_lines, log_stderr, terminal_width, write_pieces
from backup_auditor.cli.remediate import is_terminal
from backup_auditor.cli.state_path import state_file
from backup_auditor.domain.lifecycle.discard import Discard, discard_of_all, discard_of_future
from backup_auditor.errors import UsageError
from backup_auditor.ports.stores import EVER, RecordedState, StateStore
from backup_auditor.rendering.discard import discard_text
from backup_auditor.rendering.text import hanging


def run(arguments: Namespace) -> int:
    """Discard audits of one project, once somebody agreed."""
    project = PROJECT if arguments.project is None else arguments.project
    check_name(project)
    found = _discard(arguments, project)
    if found is None:
        none = "No audit is recorded" if arguments.all else "No audit is recorded in the future"
        write_pieces([f"{none} of {project} in {_place(arguments, project)}; nothing to discard."], None)
        return OK
    told = discard_text(found, project, _place(arguments, project), runtime.now())
    write_pieces(join_lines(line for it in told for line in hanging(it, terminal_width(), "    ")), None)
    if not arguments.yes and not _is_agreed():
        log_stderr("nothing was changed")
        return NOT_AUDITED
    with _open(arguments, project) as store:
        store.record(project, found.recording)
    return OK


def _discard(arguments: Namespace, project: str) -> Discard | None:
    """Return what is to be discarded, by the state as it is now."""
    with _read(arguments, project) as store:
        memory, audits = store.load(project), store.audits(project, EVER)
    return discard_of_all(memory, audits) if arguments.all else discard_of_future(memory, audits, runtime.now())


def _is_agreed() -> bool:
    """Ask on the terminal. Raises `UsageError` where there is none. Anything but yes is no."""
    if not is_terminal():
        raise UsageError("state discard asks on a terminal, and there is none; nothing was changed; add --yes")
    sys.stdout.flush()
    sys.stderr.write("Discard this? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def _read(arguments: Namespace, project: str) -> AbstractContextManager[RecordedState]:
    if arguments.table is not None:
        return audits_in_table(arguments.table)
    path = _file(arguments, project)
    if not os.path.lexists(path):
        raise UsageError(f"{path}: there is no state of {project}; name it with --state, --table or --project")
    return audits_in_file(path)


def _open(arguments: Namespace, project: str) -> AbstractContextManager[StateStore]:
    return open_local_state(_file(arguments, project)) if arguments.table is None else audits_in_table(arguments.table)


def _file(arguments: Namespace, project: str) -> Path:
    return Path(arguments.state) if arguments.state is not None else state_file(os.environ, project)


def _place(arguments: Namespace, project: str) -> str:
    return f"the table {arguments.table}" if arguments.table is not None else str(_file(arguments, project))
