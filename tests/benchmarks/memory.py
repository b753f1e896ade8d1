"""Measure the peak memory of an audit of a large project, in the process of the audit."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, format_table
from simulator_process import run_simulator

MAX_MB = 250
INDEXES, BACKUPS_PER_INDEX = 2000, 50
BYTES_PER_KIB = 1024
BYTES_PER_MB = 1000 * 1000


def measure() -> list[Figure]:
    """Audit the project twice with the command, and return the peak memory of the second audit, which has a state."""
    with (
        tempfile.TemporaryDirectory() as folder,
        run_simulator(f"fleet:{INDEXES}x{BACKUPS_PER_INDEX}") as environment,
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
        process_environment = {**os.environ, **environment, "XDG_STATE_HOME": folder}
        subprocess.run(command, env=process_environment, cwd=folder, check=False)
        process = subprocess.Popen(command, env=process_environment, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        counts = json.loads(report.read_text(encoding="utf-8"))["inventory"]
    if process.returncode > 1 or (counts["indexes"], counts["backups"]) < (INDEXES, INDEXES * BACKUPS_PER_INDEX):
        raise RuntimeError(f"the audit ended with {process.returncode} and read {counts}")
    peak_mb = usage.ru_maxrss * BYTES_PER_KIB / BYTES_PER_MB
    value = f"{peak_mb:.0f} MB ({counts['requests']:,} requests, {usage.ru_utime + usage.ru_stime:.1f} s of CPU)"
    label = f"memory: {INDEXES:,} indexes and {INDEXES * BACKUPS_PER_INDEX:,} backups"
    return [Figure(label, f"< {MAX_MB} MB", value, peak_mb < MAX_MB)]


if __name__ == "__main__":
    print(format_table(measure()))
