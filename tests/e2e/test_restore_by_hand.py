"""Test that the documented restore by hand works on a simulated project."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor_simulator.web.server import Server
from support.cli import build_environment
from support.clock import read_real_clock
from support.simulator import build_empty_project, serve

pytestmark = pytest.mark.writes
PAGE = Path(__file__).parents[2] / "docs" / "operations" / "restore.md"
STEP_PATTERN = re.compile(r"<!-- restore: (\d) -->\n *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
STEPS = dict(STEP_PATTERN.findall(PAGE.read_text(encoding="utf-8")))
CURL_SCRIPT = """\
import argparse, sys
from http.client import HTTPConnection
from urllib.parse import urlsplit
parser = argparse.ArgumentParser()
parser.add_argument("-sS", action="store_true")
parser.add_argument("--fail-with-body", action="store_true")
parser.add_argument("-X", default="GET")
parser.add_argument("-H", action="append")
parser.add_argument("-d")
parser.add_argument("url")
arguments = parser.parse_args()
url = urlsplit(arguments.url)
connection = HTTPConnection(url.netloc)
path = url.path + (f"?{url.query}" if url.query else "")
connection.request(arguments.X, path, arguments.d, dict(it.split(": ", 1) for it in arguments.H))
response = connection.getresponse()
print(response.read().decode())
sys.exit(22 if response.status >= 400 else 0)
"""
"""A replacement for curl with the options that the page uses, so that the test needs only Python."""


@pytest.fixture
def project() -> Iterator[Server]:
    """Serve an index with one recovery point."""
    simulated_project = build_empty_project(read_real_clock())
    simulated_project.create_index("orders")
    simulated_project.create_backup("orders", "by-hand")
    simulated_project.advance(timedelta(hours=1))
    with serve(simulated_project) as server:
        yield server


def test_the_documented_restore_by_hand_works(project: Server, tmp_path: Path) -> None:
    """Each step prints what the next step needs, and the restored index is deleted at the end."""
    assert sorted(STEPS) == ["1", "2", "3", "4", "6"]
    shim = tmp_path / "curl"
    shim.write_text(f"#!{sys.executable}\n{CURL_SCRIPT}", encoding="utf-8")
    shim.chmod(0o755)
    access = {"PINECONE_CONTROLLER_HOST": project.url, "PINECONE_API_KEY": project.editor_key, "INDEX": "orders"}
    shell_environment = build_environment(**access)
    shell_environment["PATH"] = f"{tmp_path}:{shell_environment['PATH']}"

    def run_step(number: str, **variables: str) -> list[str]:
        """Run one step of the restore, and return the lines that it prints."""
        script = f"set -e\n{STEPS['1']}\n{STEPS[number]}"
        process = subprocess.run(
            ["/bin/sh", "-c", script], env=shell_environment | variables, capture_output=True, text=True, check=True
        )
        return [line for line in process.stdout.splitlines() if line]

    (listed_backup,) = run_step("2")
    (backup,) = json.loads(listed_backup)["data"]
    assert backup["status"] == "Ready"
    started_restore, restored_index = run_step("3", BACKUP=backup["backup_id"])
    assert datetime.fromisoformat(started_restore).tzinfo is UTC
    project.project.advance(timedelta(hours=6))
    job, index, _ = run_step("4", JOB=json.loads(restored_index)["restore_job_id"])
    assert json.loads(job)["status"] == "Completed"
    assert json.loads(index)["tags"] == {"purpose": "restore-check"}
    assert re.fullmatch(r"restore-check-\d{8}", json.loads(index)["name"])
    *_, remaining_indexes = run_step("6")
    assert [it["name"] for it in json.loads(remaining_indexes)["indexes"]] == ["orders"]
