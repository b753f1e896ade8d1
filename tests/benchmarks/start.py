"""Measure the duration of `backup-auditor --help`, relative to an interpreter that only parses its arguments."""

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, format_table, measure_alternating, measure_seconds

MAX_RATIO = 1.5
ROUNDS = 15
HELP_COMMAND = [str(Path(sys.executable).parent / "backup-auditor"), "--help"]
BARE_COMMAND = [sys.executable, "-c", "import argparse; argparse.ArgumentParser().parse_args(['--help'])"]


def measure() -> list[Figure]:
    """Compare the medians of alternating runs; the warm-up compiles the bytecode of both."""
    medians = measure_alternating(
        {"help": partial(_measure_seconds, HELP_COMMAND), "bare": partial(_measure_seconds, BARE_COMMAND)}, ROUNDS
    )
    ratio = medians["help"] / medians["bare"]
    value = f"{ratio:.2f} × ({medians['help'] * 1000:.0f} ms compared with {medians['bare'] * 1000:.0f} ms)"
    return [
        Figure(
            "start: `--help` compared with the bare interpreter and argparse",
            f"< {MAX_RATIO} ×",
            value,
            ratio < MAX_RATIO,
        )
    ]


def _measure_seconds(command: list[str]) -> float:
    return measure_seconds(partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True))


if __name__ == "__main__":
    print(format_table(measure()))
