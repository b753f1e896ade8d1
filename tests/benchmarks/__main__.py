"""Run the benchmarks and print a table of figures and their limits. Exit with 1 if a figure misses its limit."""

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.figures import Figure, format_table, measure_benchmark

BENCHMARKS = (
    "evaluation",
    "lifecycle",
    "reading",
    "command",
    "remediation",
    "verification",
    "memory",
    "fleet",
    "state_moves",
    "growth",
    "start",
    "cold_start",
    "first_event",
    "sizes",
    "page",
)
PAGE = Path(__file__).parents[2] / "docs" / "development" / "performance.md"
_RECORDED_TABLE = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)


def main() -> int:
    """Run the named benchmarks, by default all, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"also write the table into {PAGE.name}")
    parser.add_argument("names", nargs="*", help=f"default: all of {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    if arguments.record and arguments.names:
        parser.error("--record needs the figures of all benchmarks; remove the names")
    figures: list[Figure] = []
    # each in a new process: the peak memory of a command is at least the memory of the process that starts it
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for name in arguments.names or BENCHMARKS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            figures += pool.submit(measure_benchmark, name).result()
    print(format_table(figures))
    if arguments.record:
        _record_table(format_table(figures))
    return 0 if all(figure.is_met for figure in figures) else 1


def _record_table(markdown: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_RECORDED_TABLE.sub(lambda _: f"\n{markdown}\n\n", page, count=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
