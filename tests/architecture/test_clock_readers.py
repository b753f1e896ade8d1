"""No test depends on the day it runs on: the clock of tests can be moved, and nothing reads another."""

import ast
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor.bootstrap import runtime
from conftest import SHIFT_VARIABLE
from draw_clock import build_variables
from support.clock import read_real_clock

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 22)
DRAWN_VARIABLES = [build_variables(str(seed), TODAY) for seed in range(2000)]
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "ctime"}
ALLOWED_READERS = {
    "layers/auditor/src/backup_auditor/bootstrap/runtime.py": "it is the clock",
    "layers/auditor/src/backup_auditor/adapters/pinecone/client.py": "a Retry-After that is a date",
    "simulator/src/backup_auditor_simulator/cli.py": "a simulator that is a process of its own",
    "scripts/draw_clock.py": "how far away a drawn day is",
    "tests/support/clock.py": "the clock of other processes",
    "tests/conftest.py": "where the clock is moved",
    "tests/architecture/test_clock_readers.py": "whether it was moved",
}
"""The modules that read the clock, and why each may."""


def count_days_ahead(variables: dict[str, str]) -> date:
    """Return the day that was drawn."""
    return TODAY + timedelta(days=int(variables[SHIFT_VARIABLE]))


def test_this_process_runs_as_far_from_the_real_clock_as_it_is_told() -> None:
    """A worker of xdist too; the clock of the product is the one that is moved."""
    ahead = timedelta(days=int(os.environ.get(SHIFT_VARIABLE, "0")))
    for now in (runtime.now(), datetime.now(UTC)):
        assert abs(now - read_real_clock() - ahead) < timedelta(minutes=1)


@pytest.mark.parametrize("shift", ["tomorrow", "1.5", "99999999999"])
def test_a_shift_that_is_none_is_refused(shift: str) -> None:
    """Rather than to test nothing but today."""
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__],
        env=os.environ | {SHIFT_VARIABLE: shift},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"invalid {SHIFT_VARIABLE} {shift!r}" in process.stderr


def test_a_seed_draws_the_same_day_whenever_it_is_given() -> None:
    """Only the distance to it depends on today."""
    later_variables = build_variables("7", TODAY + timedelta(days=400))
    assert count_days_ahead(build_variables("7", TODAY)) == count_days_ahead(later_variables) + timedelta(days=400)
    assert build_variables("7", TODAY)["TZ"] == later_variables["TZ"]


def test_seeds_reach_leap_days_both_sides_of_today_and_every_zone() -> None:
    """Years back and ahead, the end of a year, and half hours from UTC−12 to UTC+14."""
    day_offsets = {count_days_ahead(it) for it in DRAWN_VARIABLES}
    assert {(it.month, it.day) for it in day_offsets} >= {(2, 29), (12, 31), (1, 1)}
    assert min(day_offsets) < date(2021, 1, 1) < date(2046, 1, 1) < max(day_offsets)
    zones = {it["TZ"] for it in DRAWN_VARIABLES}
    assert len(zones) == 53
    assert {"<-1200>12:00", "<+1400>-14:00", "<+0530>-5:30", "<-0330>3:30", "<+0000>0:00"} <= zones
    assert {it["LC_ALL"] for it in DRAWN_VARIABLES} == {"C"}


def test_a_zone_is_understood_as_it_is_meant() -> None:
    """POSIX counts to the west."""
    code = "import time; print(-time.timezone // 60)"
    for zone, minutes in (("<-1200>12:00", -720), ("<+1400>-14:00", 840), ("<-0330>3:30", -210)):
        process = subprocess.run(
            [sys.executable, "-c", code], env={"TZ": zone}, capture_output=True, text=True, check=True
        )
        assert int(process.stdout) == minutes


def reads_clock(tree: ast.AST) -> bool:
    """Tell whether a module calls for the present moment, of whichever module or class."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_CALLS
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and ast.unparse(node.func.value).rpartition(".")[2] in {"datetime", "date", "time"}
        for node in ast.walk(tree)
    )


def test_nothing_reads_the_clock_but_what_has_to() -> None:
    """Everything else is handed a moment: a test that read one would pass or fail by the day."""
    folders = ("functions", "layers/auditor/src", "simulator/src", "scripts", "tests")
    modules = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    clock_readers = {
        str(path.relative_to(ROOT))
        for path in modules
        if "benchmarks" not in path.parts and reads_clock(ast.parse(path.read_bytes()))
    }
    assert clock_readers == set(ALLOWED_READERS)
