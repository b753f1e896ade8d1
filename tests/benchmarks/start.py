"""How long `backup-auditor --help` takes, beside an interpreter that only parses its arguments."""

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, alternating, table, timed

BAR = 1.5
ROUNDS = 15
COMMAND = [str(Path(sys.executable).parent / "backup-auditor"), "--help"]
BARE = [sys.executable, "-c", "import argparse; argparse.ArgumentParser().parse_args(['--help'])"]


def measure() -> list[Figure]:
    """Compare medians of alternating runs; the run that warms up compiles the bytecode of both."""
    medians = alternating({"help": partial(_seconds, COMMAND), "bare": partial(_seconds, BARE)}, ROUNDS)
    ratio = medians["help"] / medians["bare"]
    measured = f"{ratio:.2f} × ({medians['help'] * 1000:.0f} ms beside {medians['bare'] * 1000:.0f} ms)"
    return [Figure("start: `--help` beside the bare interpreter and argparse", f"< {BAR} ×", measured, ratio < BAR)]


def _seconds(command: list[str]) -> float:
    return timed(partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True))


if __name__ == "__main__":
    print(table(measure()))
