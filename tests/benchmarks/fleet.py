"""Measure the audit of a registry of 1,000 projects, and the report of a fleet of 1,000 projects."""

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backup_auditor.domain.reporting.fleet import UnauditedProject, build_fleet
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from benchmarks.figures import Figure
from simulator_process import COMMAND
from support.builders.fleets import build_neglected_project
from support.fleet_server import FleetServer, write_registry_text
from support.simulator import SIMULATED_NOW

PROJECTS, INDEXES, BACKUPS_PER_INDEX, LATENCY_SECONDS = 1_000, 20, 5, 0.05
MAX_MB, MAX_RATIO = 400, 1.2
CONCURRENCY = 48
"""The default limit of calls in flight."""
MAX_REPORT_SECONDS, MAX_REPORT_MB = 2.0, 200
BYTES_PER_KIB, BYTES_PER_MB = 1024, 1_000_000


@dataclass(slots=True)
class _Service:
    """The simulated service, in a process of its own."""

    url: str
    requests: int = 0
    cpu_seconds: float = 0.0
    read_counts: tuple[int, ...] = ()


@contextmanager
def _run_service() -> Iterator[_Service]:
    words = [PROJECTS, INDEXES, BACKUPS_PER_INDEX, LATENCY_SECONDS]
    command = [sys.executable, "-m", "benchmarks.fleet_server", *map(str, words)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise TypeError("the streams of the service are no pipes")
        service = _Service(process.stdout.readline().strip())
        try:
            yield service
        finally:
            process.stdin.close()
        requests, seconds, *read_counts = process.stdout.readline().split()
        service.requests, service.cpu_seconds = int(requests), float(seconds)
        service.read_counts = tuple(map(int, read_counts))


def measure() -> list[Figure]:
    """Audit the registry once, and render the fleet in a new process."""
    process = subprocess.run([sys.executable, "-m", "benchmarks.fleet"], capture_output=True, text=True, check=True)
    seconds, memory_mb = map(float, process.stdout.split())
    label = f"fleet report of {PROJECTS:,} projects"
    return [
        *_measure_audit(),
        Figure(
            f"{label}: table, JSON, Markdown, CSV and HTML",
            f"< {MAX_REPORT_SECONDS:g} s of CPU",
            f"{seconds:.2f} s",
            seconds < MAX_REPORT_SECONDS,
        ),
        Figure(f"{label}: memory", f"< {MAX_REPORT_MB} MB", f"{memory_mb:.0f} MB", memory_mb < MAX_REPORT_MB),
    ]


def _measure_audit() -> list[Figure]:
    """Return time and peak memory. The slowest resource is the audit's processor, the service's, or its latency."""
    with tempfile.TemporaryDirectory() as folder, _run_service() as service:
        registry = Path(folder) / "registry.yaml"
        registry.write_text(write_registry_text(PROJECTS), encoding="utf-8")
        keys = {f"KEY_{number}": FleetServer.make_key(number) for number in range(PROJECTS)}
        environment = {**os.environ, **keys, "PINECONE_CONTROLLER_HOST": service.url, "XDG_STATE_HOME": folder}
        output = Path(folder) / "fleet.json"
        command = [str(COMMAND), "audit", "--registry", str(registry), "--format", "json", "--output", str(output)]
        command += ["--now", SIMULATED_NOW.isoformat()]
        started_at = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started_at
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1} or service.read_counts != (1,):
        raise RuntimeError(f"the audit ended with {process.returncode}; reads per project: {service.read_counts}")
    audit_cpu = usage.ru_utime + usage.ru_stime
    waiting = service.requests * LATENCY_SECONDS / CONCURRENCY
    slowest = max(audit_cpu, service.cpu_seconds, waiting)
    peak_mb = usage.ru_maxrss * BYTES_PER_KIB / BYTES_PER_MB
    label = f"registry of {PROJECTS:,} projects of {INDEXES} indexes"
    value = (
        f"{seconds / slowest:.2f} × ({seconds:.0f} s; CPU of the audit {audit_cpu:.0f} s, of the service"
        f" {service.cpu_seconds:.0f} s; {service.requests:,} requests × {LATENCY_SECONDS * 1000:.0f} ms"
        f" / {CONCURRENCY} in flight = {waiting:.0f} s)"
    )
    return [
        Figure(
            f"{label}: time against the slowest resource", f"≤ {MAX_RATIO} ×", value, seconds <= MAX_RATIO * slowest
        ),
        Figure(f"{label}: memory", f"< {MAX_MB} MB", f"{peak_mb:.0f} MB", peak_mb < MAX_MB),
    ]


def _measure_report() -> None:
    """Print the seconds of building and rendering a fleet in every format, and the peak MB of the process."""
    projects = [build_neglected_project(f"project-{it:04}", it % 7, it % 11, it % 13) for it in range(PROJECTS)]
    unaudited = [UnauditedProject(f"unaudited-{it}", "KEY is not set; set it to a key") for it in range(PROJECTS // 20)]
    gc.collect()
    started_at = time.process_time()
    options = RenderOptions(fleet=build_fleet(projects, unaudited), report_count=0, width=80)
    for report_format in FORMATS.values():
        if report_format.is_worst_first:
            for _ in (
                report_format.render_fleet(options)
                if report_format.has_fleet_file
                else report_format.render([], options)
            ):
                pass
    seconds = time.process_time() - started_at
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_PER_KIB / BYTES_PER_MB)


if __name__ == "__main__":
    _measure_report()
