"""Measure the peak memory of the commands that move the state of a large project between files and tables."""

import os
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.sqlite.state_transfer import open_transfer
from backup_auditor.domain.exported_state import build_import
from benchmarks.figures import Figure, format_table
from benchmarks.memory import BYTES_PER_KIB, BYTES_PER_MB, MAX_MB
from simulator_process import COMMAND
from support.aws.dynamodb import make_table
from support.aws.moto import serve_moto
from support.builders.exported_states import PROJECT, build_exported_state

BACKUPS = 100_000
TABLE = "state"


def measure() -> list[Figure]:
    """Move a state from a file to a table and to another file, and return the peak memory of the worst command."""
    with tempfile.TemporaryDirectory() as folder, serve_moto() as variables, patch.dict(os.environ, variables):
        make_table(AwsSession().dynamodb, TABLE)
        _store_state(Path(folder) / "first")
        commands = {
            "export from a file": ("export", "--state", "first", "--output", "one"),
            "import into a table": ("import", "one", "--table", TABLE),
            "export from a table": ("export", "--table", TABLE, "--output", "two"),
            "import into a file": ("import", "two", "--state", "second"),
            "repeated import": ("import", "two", "--state", "second"),
        }
        peaks = {name: _run_command(Path(folder), *arguments) for name, arguments in commands.items()}
        if (Path(folder) / "one").read_bytes() != (Path(folder) / "two").read_bytes():
            raise RuntimeError("the table has another state than the file")
    worst = max(peaks, key=lambda name: peaks[name])
    label = f"memory: `state export` and `state import` of {BACKUPS:,} known backups"
    return [Figure(label, f"< {MAX_MB} MB", f"{peaks[worst]:.0f} MB ({worst})", peaks[worst] < MAX_MB)]


def _store_state(path: Path) -> None:
    with open_transfer(path, is_writable=True) as store:
        state_import = build_import(build_exported_state(BACKUPS), store.export_state(PROJECT))
        if state_import is None:
            raise RuntimeError("the file has a state")
        store.import_state(state_import)


def _run_command(folder: Path, *arguments: str) -> float:
    """Run `backup-auditor state`, and return its peak memory in MB."""
    process = subprocess.Popen([COMMAND, "state", *arguments], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"state {arguments[0]} ended with {process.returncode}")
    return usage.ru_maxrss * BYTES_PER_KIB / BYTES_PER_MB


if __name__ == "__main__":
    print(format_table(measure()))
