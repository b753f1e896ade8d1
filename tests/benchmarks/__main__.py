"""Runs the benchmarks and prints one table: bar, figure, and whether it holds. Exit 1 when one does not."""

import argparse
import importlib
import re
import sys
from pathlib import Path

from benchmarks.figures import Figure, table

BENCHMARKS = (
    "judging",
    "lifecycle",
    "reading",
    "remediating",
    "memory",
    "growth",
    "start",
    "cold_start",
    "first_event",
    "sizes",
    "drawing",
)
PAGE = Path(__file__).parents[2] / "docs" / "development" / "performance.md"
_RECORDED = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)


def main() -> int:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write the table into {PAGE.name} as well")
    parser.add_argument("names", nargs="*", help=f"which ones: {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    if arguments.record and arguments.names:
        parser.error("only the figures of all benchmarks are recorded; name none")
    figures: list[Figure] = []
    for name in arguments.names or BENCHMARKS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"benchmarks.{name}").measure()
    print(table(figures))
    if arguments.record:
        _record(table(figures))
    return 0 if all(figure.holds for figure in figures) else 1


def _record(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_RECORDED.sub(lambda _: f"\n{text}\n\n", page, count=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
