"""Run the command as a user does: in a process of its own, once or night after night."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch

from backup_auditor.cli.main import main
from backup_auditor.domain.timefmt import format_moment
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.server import Server
from support.builders.reports import check_report
from support.simulator import SIMULATED_NOW, serve

_PASSED_VARIABLES = ("HOME", "PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class CompletedCommand:
    """How a command ended."""

    exit_code: int
    output: str
    error_output: str

    @property
    def report(self) -> Any:
        """The report, checked against the published schema."""
        document = json.loads(self.output)
        check_report(document)
        return document

    def find_lifecycles(self) -> dict[tuple[str, str], str]:
        """Return the lifecycle of each finding that has one, by control and name."""
        findings = self.report["findings"]
        return {(it["control"], it["resource"]["name"]): it["lifecycle"] for it in findings if it["lifecycle"]}

    def find_verdicts(self) -> dict[tuple[str, str], str]:
        """Return the verdict of each finding, by control and name."""
        return {(it["control"], it["resource"]["name"]): it["compliance"] for it in self.report["findings"]}

    def find_resolved(self) -> set[tuple[str, str]]:
        """Return what was resolved, by control and name."""
        return {(it["control"], it["resource"]["name"]) for it in self.report["resolved"]}

    def list_drift(self) -> list[tuple[str, str]]:
        """Return what drifted, and of which index."""
        return [(it["change"], it["resource"]["name"]) for it in self.report["drift"]]


def build_environment(**variables: str) -> dict[str, str]:
    """Return an environment that holds a home, a path and these variables."""
    return {name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ} | variables


def build_access_environment(server: Server, **variables: str) -> dict[str, str]:
    """Return an environment in which the command audits what a server serves, with a viewer's key."""
    access_variables = {"PINECONE_API_KEY": server.viewer_key, "PINECONE_CONTROLLER_HOST": server.url}
    return build_environment(**(access_variables | variables))


def run_command(
    *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> CompletedCommand:
    """Run the command to its end."""
    process = subprocess.run(
        [COMMAND, *map(str, arguments)],
        env=build_environment() if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    return CompletedCommand(process.returncode, process.stdout.decode(), process.stderr.decode())


@dataclass(frozen=True)
class AuditedProject:
    """A project that is audited night after night."""

    simulated_project: SimulatedProject
    server: Server
    home: Path

    @property
    def now_text(self) -> str:
        """The moment of the project's clock."""
        return format_moment(self.simulated_project.now)

    @property
    def state_path(self) -> Path:
        """The state file of the project, unless another file is named."""
        return self.home / "backup-auditor" / "default.sqlite3"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name the project and the folder of its state."""
        access_variables = {"PINECONE_API_KEY": self.server.viewer_key, "PINECONE_CONTROLLER_HOST": self.server.url}
        return {**os.environ, **access_variables, "XDG_STATE_HOME": str(self.home)}

    def start_command(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start the command in a process of its own."""
        command = [str(COMMAND), *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, cwd=self.home, stdout=pipe, stderr=pipe, text=True)

    def run_command(self, *arguments: str | Path) -> CompletedCommand:
        """Run the command to its end, in this process: that saves most of its time."""
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            patch.dict(os.environ, self.environment),
            chdir(self.home),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main([str(it) for it in arguments])
        return CompletedCommand(code, *(_read_stream(it) for it in (out, err)))

    def audit(self, *flags: str | Path) -> CompletedCommand:
        """Audit the project as it is, with a report as JSON."""
        return self.run_command("audit", "--now", self.now_text, "--format", "json", *flags)

    def advance(self, nights: int = 1) -> None:
        """Let nights pass."""
        self.simulated_project.advance(timedelta(days=nights))


def _read_stream(stream: TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def wait_for_command(process: "subprocess.Popen[str]") -> CompletedCommand:
    """Wait for a command to end."""
    out, err = process.communicate(timeout=120)
    return CompletedCommand(process.returncode, out, err)


def build_two_indexes(seed: int = 0) -> SimulatedProject:
    """Build a project in which all is well: `orders` and `carts`, each with a daily schedule, kept for 7 days.

    Its ids come from the seed: another seed is another Pinecone project.
    """
    project = SimulatedProject(SIMULATED_NOW - timedelta(days=10, hours=6), seed=seed)
    for name in ("orders", "carts"):
        project.create_index(name)
        project.create_schedule(name, "nightly", retention_days=7)
    project.advance_to(SIMULATED_NOW)
    return project


@contextmanager
def audit_nightly(home: Path, project: SimulatedProject | None = None) -> Iterator[AuditedProject]:
    """Serve a project, by default one in which all is well."""
    home.mkdir(exist_ok=True)
    served_project = build_two_indexes() if project is None else project
    with serve(served_project) as server:
        yield AuditedProject(served_project, server, home)
