"""Writes every document that is made from code, and the transcripts of the README; `--check` only compares."""

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from backup_auditor_simulator.testing import run_simulator
from docs import configuration, controls, events, policy
from docs.transcripts import run_transcripts

ROOT = Path(__file__).parents[2]
NOW = "2026-11-02T06:00:00Z"
"""The moment at which the README's audits happen."""


def _readme() -> str:
    with run_simulator("neglected", now=NOW) as environment:
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        return run_transcripts(text, {**environment, "COLUMNS": "110", "NO_COLOR": "1"})


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "docs/reference/controls.md": controls.render,
    "docs/reference/configuration.md": configuration.render,
    "docs/reference/events.md": events.render,
    "docs/reference/policy.md": policy.render,
    "README.md": _readme,
}


def main() -> int:
    """Write what is stale, or say how it differs; exit 1 when something is stale and was only compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("documents", nargs="*", help=f"which ones; all when none is named: {', '.join(DOCUMENTS)}")
    arguments = parser.parse_args()
    stale = 0
    for name in arguments.documents or DOCUMENTS:
        path, made = ROOT / name, DOCUMENTS[name]()
        stands = path.read_text(encoding="utf-8") if path.exists() else ""
        if made == stands:
            continue
        stale += 1
        if arguments.check:
            print(f"{name} is stale; make docs writes it anew:")
            print(
                *difflib.unified_diff(stands.splitlines(), made.splitlines(), "stands", "made", n=0, lineterm=""),
                sep="\n",
            )
        else:
            path.write_text(made, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
