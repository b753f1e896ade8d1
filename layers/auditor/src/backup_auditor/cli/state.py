"""`backup-auditor state discard | export | import`: repair the state of a project, or move it."""

import os
import sys
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from shlex import quote

from backup_auditor.adapters.documents import parse_source
from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile
from backup_auditor.adapters.sqlite.state_store import open_state, open_state_read_only
from backup_auditor.adapters.sqlite.state_transfer import open_transfer
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.local import open_audits_in_table, open_transfer_in_table
from backup_auditor.cli import NOT_AUDITED, OK
from backup_auditor.cli.options import find_state_file, read_project_name
from backup_auditor.cli.output import (
    ask_for_consent,
    get_terminal_width,
    is_terminal,
    log_stderr,
    print_lines,
    require_output,
    write_pieces,
)
from backup_auditor.domain.exported_state import ExportedState, build_import, explain_refusal
from backup_auditor.domain.lifecycle.discard import Discard, discard_all, discard_future
from backup_auditor.domain.project_state import EMPTY_STATE
from backup_auditor.errors import ConflictingRecordError, StateError, UsageError
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT, StateAndAuditStore, StateTransfer
from backup_auditor.rendering.evidence import describe_records, render_discard
from backup_auditor.rendering.text import join_lines, wrap_text


def run(arguments: Namespace) -> int:
    """Discard audits of one project with consent, or export or import its state."""
    project = read_project_name(arguments)
    match arguments.action:
        case "export":
            return _export(arguments, project)
        case "import":
            return _import(arguments, project)
        case _:
            return _discard(arguments, project)


def _discard(arguments: Namespace, project: str) -> int:
    discard = _find_discard(arguments, project)
    location = _describe_location(arguments, project)
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


def _describe_location(arguments: Namespace, project: str) -> str:
    return str(find_state_file(arguments, project)) if arguments.table is None else f"the table {arguments.table}"


def _open_for_reading(arguments: Namespace, project: str) -> AbstractContextManager[StateAndAuditStore]:
    if arguments.table is not None:
        return open_audits_in_table(arguments.table)
    return open_state_read_only(_find_existing_file(arguments, project))


def _find_existing_file(arguments: Namespace, project: str) -> Path:
    path = find_state_file(arguments, project)
    if not os.path.lexists(path):
        remedy = "choose another state with --state or --table, or another project with --project"
        raise UsageError(f"{path}: there is no state of {project}; {remedy}")
    return path


def _find_discard(arguments: Namespace, project: str) -> Discard | None:
    """Return the audits to discard from the state as it is now."""
    with _open_for_reading(arguments, project) as store:
        state, audits = store.load(project), store.list_audits(project, EARLIEST_OBSERVED_AT)
    return discard_all(state, audits) if arguments.all else discard_future(state, audits, runtime.now())


def _export(arguments: Namespace, project: str) -> int:
    if arguments.table is None:
        path = _find_existing_file(arguments, project)
        if arguments.output is not None and os.path.realpath(arguments.output) == os.path.realpath(path):
            raise UsageError("--output names the file of the state; use another file")
    with _open_private_output(arguments.output) as file:
        with _open_transfer(arguments, project, is_writable=False) as store:
            exported = store.export_state(project)
        if exported.is_empty:
            raise UsageError(
                f"{_describe_location(arguments, project)}: there is no state of {project}; name it with --state,"
                " --table or --project"
            )
        from backup_auditor.adapters.state_file import encode_state  # noqa: PLC0415  pydantic, only to move a state

        version = import_module("importlib.metadata").version("backup-auditor")
        write_pieces(join_lines(encode_state(exported, version)), file)
    if file is not None:
        log_stderr(f"exported {project}: {describe_records(exported)}")
    return OK


def _open_private_output(path: str | None) -> AtomicFile | nullcontext[None]:
    if path is not None and path != "-":
        return AtomicFile(Path(path), PRIVATE_MODE)
    require_output()
    return nullcontext()


def _open_transfer(arguments: Namespace, project: str, *, is_writable: bool) -> AbstractContextManager[StateTransfer]:
    if arguments.table is not None:
        days = getattr(arguments, "retention_days", None)  # an option of import
        return open_transfer_in_table(arguments.table, retention=None if days is None else timedelta(days=days))
    return open_transfer(find_state_file(arguments, project), is_writable=is_writable)


def _import(arguments: Namespace, project: str) -> int:
    from backup_auditor.adapters.state_file import load_exported_state  # noqa: PLC0415  pydantic, only to move a state

    if arguments.retention_days is not None and arguments.table is None:
        raise UsageError("--retention-days needs --table: a file stores audit records forever; leave it out")
    source = parse_source(arguments.file)
    exported = load_exported_state(source)
    location = _describe_location(arguments, project)
    if exported.project != project:
        raise StateError(
            f"{source}: this is the state of {exported.project}, not of {project}; nothing was changed;"
            f" to import it, use --project {quote(exported.project)}"
        )
    stored = _load_stored(arguments, project)
    state_import = build_import(exported, stored)
    if state_import is None:
        print_lines([f"{location} already has this state of {project}; nothing was changed."])
        return OK
    refusal = explain_refusal(exported, stored, state_import, may_replace=arguments.replace)
    if refusal is not None:
        raise StateError(f"{source} was not imported into {location}: {refusal}; nothing was changed")
    with _open_transfer(arguments, project, is_writable=True) as store:
        try:
            store.import_state(state_import)
        except ConflictingRecordError:
            raise StateError(
                f"{location}: an audit of {project} was recorded, or a drill changed, during the import;"
                " import the state again"
            ) from None
    print_lines([f"Imported {project} into {location}: {describe_records(exported)}."])
    return OK


def _load_stored(arguments: Namespace, project: str) -> ExportedState:
    """Return what the target has now, without creating or upgrading it."""
    if arguments.table is None and not os.path.lexists(find_state_file(arguments, project)):
        return ExportedState(project, EMPTY_STATE)
    with _open_transfer(arguments, project, is_writable=False) as store:
        return store.export_state(project)
