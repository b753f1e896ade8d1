"""Serve a scenario until a signal ends it, for `backup-auditor simulate`."""

import signal
import sys
from datetime import UTC, datetime
from threading import Event

from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.server import Server


def _read_clock() -> datetime:
    return datetime.now(UTC)


def run(scenario_name: str, port: int = 0, now: datetime | None = None, latency: float = 0.0) -> int:
    """Serve a scenario until SIGINT or SIGTERM, print the number of write calls, and return the exit code.

    Without `now` the project follows the real clock. Raises `ValueError` if there is no such scenario, and `OSError` if
    the port is taken.
    """
    project = build_scenario(scenario_name, now=now or _read_clock())
    stop_event = Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop_event.set())
    with Server(project, port, latency, clock=None if now else _read_clock) as server:
        lines = (
            f"url {server.url}",
            f"viewer-key {server.viewer_key}",
            f"editor-key {server.editor_key}",
            f"drill-key {server.drill_key}",
        )
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        stop_event.wait()
    write_count = sum(it.is_write for it in server.requests)
    sys.stdout.write(f"writes {write_count}\n")
    return 0
