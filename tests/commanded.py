"""Runs the command as a user does: in a process of its own, whose environment holds what a test puts there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup_auditor_simulator.web.server import Server
from reports import check_report

COMMAND = Path(sys.executable).parent / "backup-auditor"
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
        """Standard output as a report, checked against the published schema."""
        document = json.loads(self.out)
        check_report(document)
        return document

    def verdicts(self) -> dict[tuple[str, str], str]:
        """Return the verdicts of the report by control and name."""
        return {(it["control"], it["resource"]["name"]): it["compliance"] for it in self.report["findings"]}


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
