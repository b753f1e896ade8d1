"""Start the simulator in a process of its own, for tests that need a project to audit."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_VARIABLES = {
    "url": "PINECONE_CONTROLLER_HOST",
    "oauth-url": "PINECONE_OAUTH_URL",
    "client-id": "PINECONE_CLIENT_ID",
    "client-secret": "PINECONE_CLIENT_SECRET",
}
"""The variables by the names that the simulator prints after its start."""
_LAST_NAMES = frozenset({"drill-key", "ready"})
COMMAND = Path(sys.executable).parent / "backup-auditor"


@contextmanager
def run_simulator(
    scenario: str,
    *,
    now: str | None = None,
    latency: float = 0.0,
    key: str = "viewer-key",
    allows_writes: bool = False,
) -> Iterator[Mapping[str, str]]:
    """Serve a scenario on a free port of loopback; yield the environment in which the command audits it.

    The key of each project of an organization is in a variable of its own, `PINECONE_API_KEY_NAME`.

    Without `now` the simulator follows the real clock. `latency` is in seconds, before every answer. `key` names the
    key that the command gets. Raises `RuntimeError` after a write call, unless `allows_writes` is set.
    """
    command = [str(COMMAND), "simulate", "--scenario", scenario, "--latency", str(latency)]
    if now is not None:
        command += ["--now", now]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _read_environment(process, key)
        finally:
            process.terminate()
        if not allows_writes and "writes 0" not in _read_lines(process):
            raise RuntimeError(f"the {scenario} project received write calls, or did not report how many")


def _read_environment(process: subprocess.Popen[str], key_name: str) -> Mapping[str, str]:
    """Return the variables with which the command reads what the simulator serves: a project or an organization."""
    variables: dict[str, str] = {}
    for line in _read_lines(process):
        name, _, value = line.partition(" ")
        if name == "project":
            _, key, project = value.split(" ", 2)
            variables[f"PINECONE_API_KEY_{project.upper().replace('-', '_')}"] = key
        elif name == key_name:
            variables["PINECONE_API_KEY"] = value
        elif name in _VARIABLES:
            variables[_VARIABLES[name]] = value
        if name in _LAST_NAMES:
            return variables
    raise RuntimeError("the simulator ended before it served")


def _read_lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the remaining lines of the output."""
    if process.stdout is None:
        raise TypeError("the simulator's output is not a pipe")
    yield from (line.strip() for line in process.stdout)
