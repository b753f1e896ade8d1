"""`backup-auditor audit`: collect, evaluate, record, report, for one project or a registry."""

from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile, EvidenceFile
from backup_auditor.cli.exit_codes import choose_audit_exit_code
from backup_auditor.cli.options import (
    DEFAULT_POLICY_FILE,
    read_options,
    refuse_shared_output_file,
    refuse_used_files,
    run_with_options,
)
from backup_auditor.cli.output import describe_notes, log_stderr, make_render_options, open_output, write_pieces
from backup_auditor.ports.stores import EvidenceStore
from backup_auditor.rendering.formats import FORMATS


def run(arguments: Namespace) -> int:
    """Audit one project, or all of a registry."""
    if arguments.registry is None:
        return _run_one(arguments)
    from backup_auditor.cli.registry_audit import run_registry_audit  # noqa: PLC0415  only for a registry

    return run_registry_audit(arguments)


def _run_one(arguments: Namespace) -> int:
    with ExitStack() as stack:  # what cannot be written in the end is found out before anything is read
        refuse_shared_output_file(arguments)
        output = stack.enter_context(open_output(arguments.output))
        inventory_file = None
        if arguments.save_inventory is not None:
            inventory_file = stack.enter_context(AtomicFile(Path(arguments.save_inventory), PRIVATE_MODE))
        options = read_options(arguments)
        if output is not None:
            used_files = (DEFAULT_POLICY_FILE, options.state)
            refuse_used_files([arguments.output], (it for it in used_files if it is not None))
        audit = run_with_options(options, evidence=_choose_evidence_store(arguments))
        for note in describe_notes(audit):
            log_stderr(note)
        if inventory_file is not None:
            from backup_auditor.adapters.inventory_file import save_inventory  # noqa: PLC0415  only on request

            save_inventory(audit.inventory, inventory_file)
        render_options = make_render_options(arguments, is_file=output is not None)
        write_pieces(FORMATS[arguments.format].render([audit.report], render_options), output)
        return choose_audit_exit_code(audit.report, arguments.fail_on, has_record_error=audit.record_error is not None)


def _choose_evidence_store(arguments: Namespace) -> EvidenceStore | None:
    """Return the file that `evidence verify` can read later: a JSON report that is no pipe or device."""
    if arguments.format != "json" or arguments.output in (None, "-"):
        return None
    path = Path(arguments.output)
    return EvidenceFile(path) if path.is_file() or not path.exists() else None
