"""Serve a scenario until a signal ends it, for `backup-auditor simulate`."""

import signal
import sys
from datetime import UTC, datetime
from threading import Event

from backup_auditor_simulator.organization import CLIENT_ID, CLIENT_SECRET
from backup_auditor_simulator.scenarios import build_organization_scenario, build_scenario
from backup_auditor_simulator.web.server import Server


def _read_clock() -> datetime:
    return datetime.now(UTC)


def run(scenario_name: str, port: int = 0, now: datetime | None = None, latency: float = 0.0) -> int:
    """Serve a scenario until SIGINT or SIGTERM, print the number of write calls, and return the exit code.

    Without `now` it follows the real clock. Raises `ValueError` if there is no such scenario, and `OSError` if
    the port is taken.
    """
    start = now or _read_clock()
    organization = build_organization_scenario(scenario_name, now=start)
    source = build_scenario(scenario_name, now=start) if organization is None else organization
    stop_event = Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop_event.set())
    with Server(source, port, latency, clock=None if now else _read_clock) as server:
        lines = [f"url {server.url}"]
        if organization is None:
            lines.append(f"viewer-key {server.viewer_key}")
            lines += [f"editor-key {server.editor_key}", f"drill-key {server.drill_key}"]
        else:
            lines += [f"oauth-url {server.oauth_url}", f"client-id {CLIENT_ID}", f"client-secret {CLIENT_SECRET}"]
            lines += [f"project {it.id} {it.viewer_key} {it.name}" for it in organization.projects]
            lines.append("ready")
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        stop_event.wait()
    write_count = sum(it.is_write for it in server.requests)
    sys.stdout.write(f"writes {write_count}\n")
    return 0
