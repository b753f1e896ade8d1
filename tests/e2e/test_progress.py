"""Test that a terminal shows the progress of each project, and nothing else does."""

import os
import pty
import re
import subprocess
from pathlib import Path

from simulator_process import COMMAND
from support.cli import build_environment
from support.fleet_server import FleetServer, build_projects, write_registry_text
from support.simulator import SIMULATED_NOW


def audit_on_a_terminal(server: FleetServer, folder: Path, *, name: str = "project-0000", **variables: str) -> str:
    """Return what the audit of a registry writes to a terminal as its standard error; `name` is the first project."""
    registry = folder / "registry.yaml"
    text = write_registry_text(len(server.projects) + 1)  # the last one has no key
    registry.write_text(text.replace("project-0000", name))
    reader, writer = pty.openpty()
    environment = build_environment(**server.environment, TERM="xterm", COLUMNS="100") | variables
    command = [str(COMMAND), "audit", "--no-state", "--now", SIMULATED_NOW.isoformat(), "--registry", str(registry)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    chunks = []
    while True:
        try:
            chunk = os.read(reader, 65_536)
        except OSError:  # Linux reports the end of a terminal as an error
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(reader)
    process.wait(timeout=60)
    return b"".join(chunks).decode()


def test_a_terminal_shows_each_project(tmp_path: Path) -> None:
    """A bar counts the projects, each project has a bar of its own, and messages are lines of their own."""
    with FleetServer(build_projects(3, indexes=2, backups=2), latency=0.2) as server:
        text = audit_on_a_terminal(server, tmp_path)
    assert "audited projects" in text
    for number in range(3):
        assert f"reading project-000{number}" in text
    assert "project-0003: KEY_3 is not set" in text


def test_a_long_name_leaves_room_for_the_bars(tmp_path: Path) -> None:
    """In 80 columns, a project of 100 wide characters has a shortened name, and each line still has its bar."""
    with FleetServer(build_projects(1, indexes=2, backups=2), latency=0.2) as server:
        text = audit_on_a_terminal(server, tmp_path, name="検" * 100, COLUMNS="80")
    lines = [it for it in re.split(r"[\r\n]+", text) if "検" in it and "KEY_" not in it]
    assert lines
    assert all("━" in it and "…" in it for it in lines)


def test_a_terminal_without_cursor_control_shows_only_messages(tmp_path: Path) -> None:
    """A dumb terminal gets the message of the project that could not be audited, and no bar."""
    with FleetServer(build_projects(1, indexes=1, backups=1)) as server:
        text = audit_on_a_terminal(server, tmp_path, TERM="dumb")
    assert text.startswith("backup-auditor: project-0001: KEY_1 is not set")
    assert text.count("\n") == 1
