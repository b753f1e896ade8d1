"""Serves a scenario until it is told to end, for `backup-auditor simulate`."""

import signal
import sys
from datetime import UTC, datetime
from threading import Event

from backup_auditor_simulator.scenarios import scenario
from backup_auditor_simulator.web.server import Server


def _real_now() -> datetime:
    return datetime.now(UTC)


def run(
    scenario_name: str,
    port: int = 0,
    now: datetime | None = None,
    latency: float = 0.0,
    quota: int | None = None,
) -> int:
    """Serve a scenario until SIGINT or SIGTERM, say how many calls were to change it, and return the exit code.

    Without `now` the world follows the real clock. `quota` is how many backups the project may hold, in place of the
    scenario's own; 0 is no limit. Raises `ValueError` where there is no such scenario, and `OSError` where the port is
    taken.
    """
    world = scenario(scenario_name, now=now or _real_now())
    if quota is not None:
        world.conduct.backup_quota = quota or None
    is_over = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_over.set())
    with Server(world, port, latency, clock=None if now else _real_now) as server:
        lines = (f"url {server.url}", f"viewer-key {server.viewer_key}", f"editor-key {server.editor_key}")
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        is_over.wait()
    writes = sum(it.method != "GET" for it in server.requests)
    sys.stdout.write(f"writes {writes}\n")
    return 0
