"""The command as a user runs it: in its own process, once or every night."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch

from backup_auditor.cli.main import main
from backup_auditor.domain.timefmt import format_moment
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.builders.reports import check_report
from support.simulator import SIMULATED_NOW, serve
from support.warm_start import CommandServer

_PASSED_VARIABLES = ("HOME", "PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_TIMEOUT_SECONDS = 120
_STARTED_SUBCOMMANDS: set[str] = set()
"""The subcommands that this process has run in a new process."""
_START_PREFIXES = ("LANG", "LC_", "PYTHON")
"""The prefixes of the variables that Python reads when it starts."""


@dataclass(frozen=True)
class CompletedCommand:
    """The exit code and the output of a command."""

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
        """Return the resolved findings, by control and name."""
        return {(it["control"], it["resource"]["name"]) for it in self.report["resolved"]}

    def list_drift(self) -> list[tuple[str, str]]:
        """Return each drift with the name of its index."""
        return [(it["change"], it["resource"]["name"]) for it in self.report["drift"]]


def build_environment(**variables: str) -> dict[str, str]:
    """Return an environment with a home, a path and these variables."""
    return {name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ} | variables


def build_access_environment(server: Server, **variables: str) -> dict[str, str]:
    """Return an environment in which the command audits the project of a server, with a viewer's key."""
    access_variables = {"PINECONE_API_KEY": server.viewer_key, "PINECONE_CONTROLLER_HOST": server.url}
    return build_environment(**(access_variables | variables))


def run_command(
    *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> CompletedCommand:
    """Run the command in a process of its own until it ends.

    The first run of each subcommand is a new process. The next ones are copies of a process that has imported the
    audit, because that takes most of a short run.
    """
    environment, texts = build_environment() if env is None else dict(env), [str(it) for it in arguments]
    server = _choose_server(texts, environment)
    if server is not None and server.lock.acquire(blocking=False):
        try:
            code, output, error_output = server.run(texts, environment, cwd or Path.cwd())
        finally:
            server.lock.release()
        return CompletedCommand(code, output.decode(), error_output.decode())
    process = subprocess.run(
        [COMMAND, *texts],
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    return CompletedCommand(process.returncode, process.stdout.decode(), process.stderr.decode())


@cache
def _start_server() -> CommandServer:
    return CommandServer(COMMAND, build_environment(), _TIMEOUT_SECONDS)


def _choose_server(arguments: Sequence[str], environment: Mapping[str, str]) -> CommandServer | None:
    """Return what runs a command in a copy; `None` for a first run, and for one that Python starts differently."""
    subcommand = arguments[0] if arguments else ""
    if subcommand not in _STARTED_SUBCOMMANDS or any(it.startswith(_START_PREFIXES) for it in environment):
        _STARTED_SUBCOMMANDS.add(subcommand)
        return None
    return _start_server()


@dataclass(frozen=True)
class AuditedProject:
    """A project that is audited every night."""

    simulated_project: SimulatedProject
    server: Server
    home: Path

    @property
    def now_text(self) -> str:
        """The time of the project's clock."""
        return format_moment(self.simulated_project.now)

    @property
    def state_path(self) -> Path:
        """The default state file of the project."""
        return self.home / "backup-auditor" / "default.sqlite3"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which the command finds the project and its state."""
        access_variables = {"PINECONE_API_KEY": self.server.viewer_key, "PINECONE_CONTROLLER_HOST": self.server.url}
        return {**os.environ, **access_variables, "XDG_STATE_HOME": str(self.home)}

    def start_command(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start the command in its own process."""
        command = [str(COMMAND), *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, cwd=self.home, stdout=pipe, stderr=pipe, text=True)

    def run_command(self, *arguments: str | Path) -> CompletedCommand:
        """Run the command until it ends, in this process: that is much faster than a new process."""
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
        """Audit the project at its current time, with a JSON report."""
        return self.run_command("audit", "--now", self.now_text, "--format", "json", *flags)

    def advance(self, nights: int = 1) -> None:
        """Advance the project by some nights."""
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
    """Build a compliant project: `orders` and `carts`, each with a daily schedule and 7 days of retention.

    The ids come from the seed: another seed is another Pinecone project.
    """
    project = SimulatedProject(SIMULATED_NOW - timedelta(days=10, hours=6), seed=seed)
    for name in ("orders", "carts"):
        project.create_index(name)
        project.create_schedule(name, "nightly", retention_days=7)
    project.advance_to(SIMULATED_NOW)
    return project


@contextmanager
def audit_nightly(home: Path, project: SimulatedProject | None = None) -> Iterator[AuditedProject]:
    """Serve a project, by default a compliant one."""
    home.mkdir(exist_ok=True)
    served_project = build_two_indexes() if project is None else project
    with serve(served_project) as server:
        yield AuditedProject(served_project, server, home)
