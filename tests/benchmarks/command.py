"""Measure the command from the start of its process to the written report, relative to reading with the SDK."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, format_table, measure_alternating, measure_seconds
from simulator_process import COMMAND, run_simulator

INDEXES, BACKUPS_PER_INDEX, LATENCY_SECONDS = 200, 5, 0.05
ROUNDS = 3
MIN_SPEEDUP = 15
_SDK_CODE = """
import os
from benchmarks.sdk_clients import Access, prepare_serial_client
prepare_serial_client(Access(os.environ["PINECONE_API_KEY"], os.environ["PINECONE_CONTROLLER_HOST"], 1))()
"""


def measure() -> list[Figure]:
    """Audit and read the same project in alternating processes, and return the ratio of the medians."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (
        TemporaryDirectory() as folder,
        run_simulator(f"fleet:{INDEXES}x{BACKUPS_PER_INDEX}", latency=LATENCY_SECONDS) as access,
    ):
        environment |= {**access, "PYTHONPATH": os.pathsep.join(sys.path[1:])}
        report = Path(folder) / "report.json"
        audit_command = [str(COMMAND), "audit", "--no-state", "--format", "json", "--output", str(report)]

        def run(command: list[str], *exit_codes: int) -> float:
            def start_and_wait() -> None:
                process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                if process.returncode not in exit_codes:
                    raise RuntimeError(f"{command[0]} ended with exit code {process.returncode}: {process.stderr}")

            return measure_seconds(start_and_wait)

        seconds = measure_alternating(
            {
                "command": lambda: run(audit_command, 0, 1),
                "sdk": lambda: run([sys.executable, "-c", _SDK_CODE], 0),
            },
            ROUNDS,
        )
        if report.stat().st_size == 0:
            raise RuntimeError("the audit wrote no report")
    speedup = seconds["sdk"] / seconds["command"]
    return [
        Figure(
            "command: a whole audit against the SDK's synchronous reads, each from process start to exit",
            f"≥ {MIN_SPEEDUP} ×",
            f"{speedup:.1f} × ({seconds['sdk']:.1f} s to {seconds['command']:.2f} s)",
            speedup >= MIN_SPEEDUP,
        )
    ]


if __name__ == "__main__":
    print(format_table(measure()))
