"""Test that no test depends on the day on which it runs, and that one module reads the clock."""

import ast
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor.bootstrap import runtime
from conftest import SHIFT_VARIABLE
from shifted_clock import build_variables
from support.clock import read_real_clock

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 22)
DRAWN_VARIABLES = [build_variables(str(seed), TODAY) for seed in range(2000)]
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "ctime"}
ALLOWED_READERS = {
    "layers/auditor/src/backup_auditor/bootstrap/runtime.py": "the clock of the product",
    "layers/auditor/src/backup_auditor/adapters/pinecone/client.py": "a Retry-After can be a date",
    "simulator/src/backup_auditor_simulator/cli.py": "the clock of a simulator in its own process",
    "scripts/shifted_clock.py": "the distance to a drawn day",
    "tests/support/clock.py": "the clock of other processes",
    "tests/conftest.py": "the shift of the clock",
    "tests/architecture/test_clock_readers.py": "the test of the shift",
}
"""The modules that may read the clock, each with the reason."""


def find_drawn_day(variables: dict[str, str]) -> date:
    """Return the day that a seed draws."""
    return TODAY + timedelta(days=int(variables[SHIFT_VARIABLE]))


def test_the_clock_of_this_process_is_shifted() -> None:
    """The clock is shifted by the configured number of days, also in a worker of xdist."""
    shift = timedelta(days=int(os.environ.get(SHIFT_VARIABLE, "0")))
    for now in (runtime.now(), datetime.now(UTC)):
        assert abs(now - read_real_clock() - shift) < timedelta(minutes=1)


@pytest.mark.parametrize("shift", ["tomorrow", "1.5", "99999999999"])
def test_an_invalid_shift_is_refused(shift: str) -> None:
    """An invalid shift stops the test run."""
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


def test_a_seed_gives_the_same_day_on_every_date() -> None:
    """A seed draws the same day and zone on every date."""
    later_variables = build_variables("7", TODAY + timedelta(days=400))
    assert find_drawn_day(build_variables("7", TODAY)) == find_drawn_day(later_variables) + timedelta(days=400)
    assert build_variables("7", TODAY)["TZ"] == later_variables["TZ"]


def test_seeds_cover_leap_days_past_future_and_all_zones() -> None:
    """Seeds cover past and future years, the end of a year, and half-hour zones from UTC−12 to UTC+14."""
    drawn_days = {find_drawn_day(it) for it in DRAWN_VARIABLES}
    assert {(it.month, it.day) for it in drawn_days} >= {(2, 29), (12, 31), (1, 1)}
    assert min(drawn_days) < date(2021, 1, 1) < date(2046, 1, 1) < max(drawn_days)
    zones = {it["TZ"] for it in DRAWN_VARIABLES}
    assert len(zones) == 53
    assert {"<-1200>12:00", "<+1400>-14:00", "<+0530>-5:30", "<-0330>3:30", "<+0000>0:00"} <= zones
    assert {it["LC_ALL"] for it in DRAWN_VARIABLES} == {"C"}


def test_a_zone_has_the_sign_of_posix() -> None:
    """The offset of a drawn POSIX zone is positive to the west."""
    code = "import time; print(-time.timezone // 60)"
    for zone, minutes in (("<-1200>12:00", -720), ("<+1400>-14:00", 840), ("<-0330>3:30", -210)):
        process = subprocess.run(
            [sys.executable, "-c", code], env={"TZ": zone}, capture_output=True, text=True, check=True
        )
        assert int(process.stdout) == minutes


def reads_clock(tree: ast.AST) -> bool:
    """Return whether a module calls a function that returns the present time."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_CALLS
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and ast.unparse(node.func.value).rpartition(".")[2] in {"datetime", "date", "time"}
        for node in ast.walk(tree)
    )


def test_only_listed_modules_read_the_clock() -> None:
    """All other modules receive the time, because the result of a test must not depend on the day."""
    folders = ("functions", "layers/auditor/src", "simulator/src", "scripts", "tests")
    modules = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    clock_readers = {
        str(path.relative_to(ROOT))
        for path in modules
        if "benchmarks" not in path.parts and reads_clock(ast.parse(path.read_bytes()))
    }
    assert clock_readers == set(ALLOWED_READERS)
