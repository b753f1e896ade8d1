"""How fast a whole project is read, and with how much CPU, beside the same reads by the official SDK."""

import gc
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import median

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.worker_pool import WorkerPool
from backup_auditor_simulator.testing import run_simulator
from benchmarks.figures import Figure, table
from benchmarks.growth import Silence
from benchmarks.rivals import Access, Read, asynchronously, in_threads, one_after_the_other

INDEXES, BACKUPS_EACH, LATENCY, CEILING = 200, 5, 0.05, 32
ROUNDS = 7
FASTER, TIME, CPU = 15, 1.05, 1.25


def measure() -> list[Figure]:
    """Read with each client in turn and compare medians; imports, making a client, and first runs are left out."""
    with run_simulator(f"fleet:{INDEXES}x{BACKUPS_EACH}", latency=LATENCY) as environment:
        access = Access(environment["PINECONE_API_KEY"], environment["PINECONE_CONTROLLER_HOST"], CEILING)
        readers = {"ours": ours, "threads": in_threads, "async": asynchronously, "serial": one_after_the_other}
        wall, cpu = _medians(readers, access)
    rival = min(("threads", "async"), key=wall.__getitem__)
    shown = f"ours {wall['ours']:.2f} s, {cpu['ours']:.2f} s of CPU"
    others = ", ".join(f"{name} {wall[name]:.2f} s, {cpu[name]:.2f} s of CPU" for name in ("threads", "async"))
    speed, time_ratio, cpu_ratio = wall["serial"] / wall["ours"], wall["ours"] / wall[rival], cpu["ours"] / cpu[rival]
    return [
        Figure(
            "speed: against the SDK, one call after the other",
            f"≥ {FASTER} ×",
            f"{speed:.1f} × ({wall['serial']:.1f} s to {wall['ours']:.2f} s)",
            speed >= FASTER,
        ),
        Figure(
            f"speed: time against the SDK's faster concurrent client ({rival})",
            f"≤ {TIME} ×",
            f"{time_ratio:.2f} × ({shown}; {others})",
            time_ratio <= TIME,
        ),
        Figure("speed: CPU against the same", f"≤ {CPU} ×", f"{cpu_ratio:.2f} ×", cpu_ratio <= CPU),
    ]


def ours(access: Access) -> Callable[[], Read]:
    """Prepare to read everything as an audit does, up to where it would be judged."""
    opened = open_reader(Connection(access.key, access.host, max_concurrency=access.ceiling))

    def read() -> Read:
        with opened as reader, WorkerPool(reader.max_concurrency) as crew:
            gatherer = InventoryCollector(reader, crew, Silence())
            gatherer.collect()
            found = gatherer.build_inventory("bench", datetime.now(UTC))
        runs = sum(len(it.rows) for it in found.histories.values())
        return Read(len(found.indexes), len(found.backups.rows), len(found.histories), runs)

    return read


def _medians(
    readers: Mapping[str, Callable[[Access], Callable[[], Read]]], access: Access
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    wall: dict[str, list[float]] = {name: [] for name in readers}
    cpu: dict[str, list[float]] = {name: [] for name in readers}
    reads = {prepare(access)() for prepare in readers.values()}
    if len(reads) != 1:
        raise RuntimeError(f"the clients read different projects: {reads}")
    for _ in range(ROUNDS):
        for name, prepare in readers.items():
            read = prepare(access)
            gc.collect()
            begun, begun_cpu = time.perf_counter(), time.process_time()
            read()
            wall[name].append(time.perf_counter() - begun)
            cpu[name].append(time.process_time() - begun_cpu)
    return {name: median(it) for name, it in wall.items()}, {name: median(it) for name, it in cpu.items()}


if __name__ == "__main__":
    print(table(measure()))
