"""Test that an audit that is killed while it is recorded is stored completely or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import crash

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize("instants", [12, pytest.param(200, marks=pytest.mark.soak)])
def test_an_audit_that_is_killed_is_recorded_completely_or_not_at_all(tmp_path: Path, instants: int) -> None:
    """A kill at any time, also during the creation of the file, leaves a valid state for the next audit."""
    command = [sys.executable, crash.__file__, str(tmp_path), str(instants), "1"]
    process = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True, check=False
    )
    assert process.stderr == ""
    revisions = [int(line) for line in process.stdout.split()]
    assert len(revisions) == instants
    assert len(set(revisions)) > 3
