"""How much memory an audit of a large project takes at its peak: the auditing process alone."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from backup_auditor_simulator.testing import run_simulator
from benchmarks.figures import Figure, table

BAR_MB = 250
INDEXES, BACKUPS_EACH = 2000, 50
KIB = 1024
MB = 1000 * 1000


def measure() -> list[Figure]:
    """Audit the project by the command a second time, when all is remembered; ask the system for the command's peak."""
    with (
        tempfile.TemporaryDirectory() as folder,
        run_simulator(f"fleet:{INDEXES}x{BACKUPS_EACH}") as environment,
    ):
        report = Path(folder) / "report.json"
        command = [
            str(Path(sys.executable).parent / "backup-auditor"),
            "audit",
            "--format",
            "json",
            "--output",
            str(report),
        ]
        surroundings = {**os.environ, **environment, "XDG_STATE_HOME": folder}
        subprocess.run(command, env=surroundings, cwd=folder, check=False)
        process = subprocess.Popen(command, env=surroundings, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        read = json.loads(report.read_text(encoding="utf-8"))["inventory"]
    if process.returncode > 1 or (read["indexes"], read["backups"]) < (INDEXES, INDEXES * BACKUPS_EACH):
        raise RuntimeError(f"the audit ended with {process.returncode} and read {read}")
    peak = usage.ru_maxrss * KIB / MB
    measured = f"{peak:.0f} MB ({read['requests']:,} requests, {usage.ru_utime + usage.ru_stime:.1f} s of CPU)"
    what = f"memory: {INDEXES:,} indexes and {INDEXES * BACKUPS_EACH:,} backups"
    return [Figure(what, f"< {BAR_MB} MB", measured, peak < BAR_MB)]


if __name__ == "__main__":
    print(table(measure()))
