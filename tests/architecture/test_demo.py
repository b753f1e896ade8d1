"""Test that `make demo` reports every planted fault and no other finding."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import demo
from simulator_process import COMMAND, run_simulator
from support.neglected import (
    FAILED_CONTROLS,
    FAILED_DELETED_INDEX_CONTROLS,
    FAILED_PROJECT_CONTROLS,
)


def test_the_demonstration_succeeds() -> None:
    """The demonstration succeeds if the audit finds a violation, and prints the verdict and the next steps."""
    process = subprocess.run([sys.executable, demo.__file__], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    assert "Non-compliant" in process.stdout
    assert "next: " in process.stdout
    assert "Exit code 1: " in process.stdout


def test_the_demonstration_fails_without_violations(capfd: pytest.CaptureFixture[str]) -> None:
    """The demonstration fails if the audit finds no violation."""
    assert demo.main("healthy") == 1
    assert "--project healthy --now 2026-11-02T06:00:00Z --no-state` ended with 0, not 1" in capfd.readouterr().err


def test_the_fleet_shows_the_unregistered_project() -> None:
    """`make demo ARGS=fleet` audits the registered projects and finds the unregistered one."""
    command = [sys.executable, demo.__file__, "fleet"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    assert "Non-compliant: support" in process.stdout
    assert "1 unregistered, 3 registered, 1 ignored" in process.stdout
    assert "unregistered:\n  payments" in process.stdout


def test_the_findings_are_the_planted_faults(tmp_path: Path) -> None:
    """The non-compliant findings equal the planted faults, and no finding is unknown."""
    report = tmp_path / "report.json"
    with run_simulator("neglected", now=demo.NOW) as environment:
        command = [str(COMMAND), "audit", "--now", demo.NOW, "--format", "json", "--output", str(report)]
        process = subprocess.run(command, cwd=tmp_path, env={**os.environ, **environment}, check=False)
    assert process.returncode == demo.NON_COMPLIANT_EXIT_CODE
    document = json.loads(report.read_text(encoding="utf-8"))
    failed_by_scope: dict[str, dict[str, set[str]]] = {"index": {}, "deleted_index": {}, "project": {}}
    for finding in document["findings"]:
        if finding["compliance"] == "NON_COMPLIANT":
            resource = finding["resource"]
            failed_by_scope[resource["type"]].setdefault(resource["name"], set()).add(finding["control"])
    assert failed_by_scope == {
        "index": {name: controls for name, controls in FAILED_CONTROLS.items() if controls},
        "deleted_index": FAILED_DELETED_INDEX_CONTROLS,
        "project": {"default": FAILED_PROJECT_CONTROLS},
    }
    assert document["summary"]["findings"]["INSUFFICIENT_DATA"] == 0
    assert document["read_errors"] == []
