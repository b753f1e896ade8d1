"""Runs the benchmarks and prints one table: bar, figure, and whether it holds. Exit 1 when one does not."""

import argparse
import importlib
import sys

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
)


def main() -> int:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which ones: {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    for name in parser.parse_args().names or BENCHMARKS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"benchmarks.{name}").measure()
    print(table(figures))
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
