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
from support.simulator import NOW, serving

_KEPT = ("HOME", "PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_LONGEST = 120


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """The report, checked against the published schema."""
        document = json.loads(self.out)
        check_report(document)
        return document

    def lifecycles(self) -> dict[tuple[str, str], str]:
        """Return the lifecycle of each finding that has one, by control and name."""
        told = self.report["findings"]
        return {(it["control"], it["resource"]["name"]): it["lifecycle"] for it in told if it["lifecycle"]}

    def verdicts(self) -> dict[tuple[str, str], str]:
        """Return the verdict of each finding, by control and name."""
        return {(it["control"], it["resource"]["name"]): it["compliance"] for it in self.report["findings"]}

    def resolved(self) -> set[tuple[str, str]]:
        """Return what was resolved, by control and name."""
        return {(it["control"], it["resource"]["name"]) for it in self.report["resolved"]}

    def drift(self) -> list[tuple[str, str]]:
        """Return what drifted, and of which index."""
        return [(it["change"], it["resource"]["name"]) for it in self.report["drift"]]


def environment(**variables: str) -> dict[str, str]:
    """Return an environment that holds a home, a path and these variables."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | variables


def access(server: Server, **variables: str) -> dict[str, str]:
    """Return an environment in which the command audits what a server serves, with a viewer's key."""
    reach = {"PINECONE_API_KEY": server.viewer_key, "PINECONE_CONTROLLER_HOST": server.url}
    return environment(**(reach | variables))


def command(*arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Run the command to its end."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        env=environment() if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_LONGEST,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Watched:
    """A project that is audited night after night."""

    world: SimulatedProject
    server: Server
    home: Path

    @property
    def now(self) -> str:
        """The moment of the project's clock."""
        return format_moment(self.world.now)

    @property
    def state(self) -> Path:
        """Where the project is remembered, unless another file is named."""
        return self.home / "backup-auditor" / "default.sqlite3"

    @property
    def environment(self) -> dict[str, str]:
        """How the command reaches the project, and where it remembers."""
        reach = {"PINECONE_API_KEY": self.server.viewer_key, "PINECONE_CONTROLLER_HOST": self.server.url}
        return {**os.environ, **reach, "XDG_STATE_HOME": str(self.home)}

    def begin(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start the command in a process of its own."""
        command = [str(COMMAND), *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, cwd=self.home, stdout=pipe, stderr=pipe, text=True)

    def command(self, *arguments: str | Path) -> Done:
        """Run the command to its end, in this process: that saves most of its time."""
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            patch.dict(os.environ, self.environment),
            chdir(self.home),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main([str(it) for it in arguments])
        return Done(code, *(_written(it) for it in (out, err)))

    def audit(self, *flags: str | Path) -> Done:
        """Audit the project as it stands, the report as JSON."""
        return self.command("audit", "--now", self.now, "--format", "json", *flags)

    def sleep(self, nights: int = 1) -> None:
        """Let nights pass."""
        self.world.advance(timedelta(days=nights))


def _written(stream: TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def ended(process: "subprocess.Popen[str]") -> Done:
    """Wait for a command to end."""
    out, err = process.communicate(timeout=120)
    return Done(process.returncode, out, err)


def two_indexes(seed: int = 0) -> SimulatedProject:
    """Build a project in which all is well: `orders` and `carts`, each with a daily schedule, kept for 7 days.

    Its ids come from the seed: another seed is another Pinecone project.
    """
    world = SimulatedProject(NOW - timedelta(days=10, hours=6), seed=seed)
    for name in ("orders", "carts"):
        world.create_index(name)
        world.create_schedule(name, "nightly", retention_days=7)
    world.advance_to(NOW)
    return world


@contextmanager
def watching(home: Path, world: SimulatedProject | None = None) -> Iterator[Watched]:
    """Serve a project, by default one in which all is well."""
    home.mkdir(exist_ok=True)
    project = two_indexes() if world is None else world
    with serving(project) as server:
        yield Watched(project, server, home)
