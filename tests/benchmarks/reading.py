"""Measure the time and the CPU of reading a whole project, relative to the same reads by the official SDK."""

import gc
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import median

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.worker_pool import WorkerPool
from benchmarks.figures import Figure, format_table
from benchmarks.growth import SilentProgress
from benchmarks.sdk_clients import (
    Access,
    ReadCounts,
    prepare_async_client,
    prepare_serial_client,
    prepare_threaded_client,
)
from simulator_process import run_simulator

INDEXES, BACKUPS_PER_INDEX, LATENCY_SECONDS, MAX_CONCURRENCY = 200, 5, 0.05, 32
ROUNDS = 7
MIN_SPEEDUP, MAX_TIME_RATIO, MAX_CPU_RATIO = 15, 1.05, 1.25


def measure() -> list[Figure]:
    """Read with each client in turn and compare the medians, without imports, creation of clients and first runs."""
    with run_simulator(f"fleet:{INDEXES}x{BACKUPS_PER_INDEX}", latency=LATENCY_SECONDS) as environment:
        access = Access(environment["PINECONE_API_KEY"], environment["PINECONE_CONTROLLER_HOST"], MAX_CONCURRENCY)
        clients = {
            "ours": prepare_product_client,
            "threads": prepare_threaded_client,
            "async": prepare_async_client,
            "serial": prepare_serial_client,
        }
        wall_seconds, cpu_seconds = _measure_medians(clients, access)
    fastest_client = min(("threads", "async"), key=wall_seconds.__getitem__)
    product_figures = f"ours {wall_seconds['ours']:.2f} s, {cpu_seconds['ours']:.2f} s of CPU"
    client_figures = ", ".join(
        f"{name} {wall_seconds[name]:.2f} s, {cpu_seconds[name]:.2f} s of CPU" for name in ("threads", "async")
    )
    speedup, time_ratio, cpu_ratio = (
        wall_seconds["serial"] / wall_seconds["ours"],
        wall_seconds["ours"] / wall_seconds[fastest_client],
        cpu_seconds["ours"] / cpu_seconds[fastest_client],
    )
    return [
        Figure(
            "speed: against the SDK, one call after the other",
            f"≥ {MIN_SPEEDUP} ×",
            f"{speedup:.1f} × ({wall_seconds['serial']:.1f} s to {wall_seconds['ours']:.2f} s)",
            speedup >= MIN_SPEEDUP,
        ),
        Figure(
            f"speed: time against the SDK's faster concurrent client ({fastest_client})",
            f"≤ {MAX_TIME_RATIO} ×",
            f"{time_ratio:.2f} × ({product_figures}; {client_figures})",
            time_ratio <= MAX_TIME_RATIO,
        ),
        Figure("speed: CPU against the same", f"≤ {MAX_CPU_RATIO} ×", f"{cpu_ratio:.2f} ×", cpu_ratio <= MAX_CPU_RATIO),
    ]


def prepare_product_client(access: Access) -> Callable[[], ReadCounts]:
    """Return a function that reads everything that an audit reads, without the evaluation."""
    reader_context = open_reader(Connection(access.key, access.host, max_concurrency=access.max_concurrency))

    def read() -> ReadCounts:
        with reader_context as reader, WorkerPool(reader.max_concurrency) as pool:
            collector = InventoryCollector(reader, pool, SilentProgress())
            collector.collect()
            inventory = collector.build_inventory("bench", datetime.now(UTC))
        run_count = sum(len(it.rows) for it in inventory.histories.values())
        return ReadCounts(len(inventory.indexes), len(inventory.backups.rows), len(inventory.histories), run_count)

    return read


def _measure_medians(
    clients: Mapping[str, Callable[[Access], Callable[[], ReadCounts]]], access: Access
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    wall_seconds: dict[str, list[float]] = {name: [] for name in clients}
    cpu_seconds: dict[str, list[float]] = {name: [] for name in clients}
    read_counts = {prepare(access)() for prepare in clients.values()}
    if len(read_counts) != 1:
        raise RuntimeError(f"the clients read different projects: {read_counts}")
    for _ in range(ROUNDS):
        for name, prepare in clients.items():
            read = prepare(access)
            gc.collect()
            started_at, cpu_started_at = time.perf_counter(), time.process_time()
            read()
            wall_seconds[name].append(time.perf_counter() - started_at)
            cpu_seconds[name].append(time.process_time() - cpu_started_at)
    return {name: median(it) for name, it in wall_seconds.items()}, {
        name: median(it) for name, it in cpu_seconds.items()
    }


if __name__ == "__main__":
    print(format_table(measure()))
