"""Run the benchmarks and print a table of figures and their limits. Exit with 1 if a figure misses its limit."""

import argparse
import importlib
import re
import sys
import traceback
from pathlib import Path

from benchmarks.figures import Figure, format_table

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
    for name in arguments.names or BENCHMARKS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += _measure(name)
    print(format_table(figures))
    if arguments.record:
        _record_table(format_table(figures))
    return 0 if all(figure.is_met for figure in figures) else 1


def _measure(name: str) -> list[Figure]:
    """Run one benchmark. A failure is a figure that misses its limit, so that it costs no other figure."""
    try:
        return list(importlib.import_module(f"benchmarks.{name}").measure())
    except Exception as error:  # noqa: BLE001  the others must be measured
        traceback.print_exc()
        return [Figure(f"benchmark `{name}`", "no error", f"failed: {type(error).__name__}", is_met=False)]


def _record_table(markdown: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_RECORDED_TABLE.sub(lambda _: f"\n{markdown}\n\n", page, count=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
