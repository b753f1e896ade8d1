"""Starts the simulator in a process of its own, for what needs a project to audit."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).parent / "backup-auditor"


@contextmanager
def simulating(scenario: str, *, now: str | None = None, latency: float = 0.0) -> Iterator[Mapping[str, str]]:
    """Serve a scenario on a free port of loopback; yield the environment in which the command audits it.

    Without `now` the simulator follows the real clock. `latency` is in seconds, before every answer.
    """
    command = [str(COMMAND), "simulate", "--scenario", scenario, "--latency", str(latency)]
    if now is not None:
        command += ["--now", now]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _environment(process)
        finally:
            process.terminate()


def _environment(process: subprocess.Popen[str]) -> Mapping[str, str]:
    """Read what the simulator says of itself once it serves: a name and a value a line."""
    if process.stdout is None:
        raise TypeError("the simulator's output goes elsewhere")
    said: dict[str, str] = {}
    while not {"url", "viewer-key"} <= said.keys():
        name, _, value = process.stdout.readline().strip().partition(" ")
        if not name:
            raise RuntimeError("the simulator ended before it served")
        said[name] = value
    return {"PINECONE_CONTROLLER_HOST": said["url"], "PINECONE_API_KEY": said["viewer-key"]}
