"""Compare the cost of HTTP clients in a small function: threads or async, HTTP/1.1 or HTTP/2 (decision 0003).

Each client runs in a new process; as root on Linux also with the CPU share of a function of 256 MB.
"""

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import httpx

from benchmarks.figures import Figure, format_table

LATENCY_SECONDS, MAX_CONCURRENCY, ROUNDS = 0.03, 32, 5
ROWS_BY_SIZE = {"2 KB": 3, "60 KB": 100}
PAGES_BY_SIZE = {"2 KB": 1200, "60 KB": 600}
CPU_SHARE = 256 / 1769
"""The CPU share of a function of 256 MB; a function of 1,769 MB has a whole CPU."""
PERIOD_US = 100_000
CGROUPS = Path("/sys/fs/cgroup/cpu")
HEADERS = {"Api-Key": "key-of-the-benchmark", "X-Pinecone-Api-Version": "2026-07", "Accept": "application/json"}
LIMITS = httpx.Limits(max_connections=MAX_CONCURRENCY, max_keepalive_connections=MAX_CONCURRENCY)


def read_in_threads(read: Callable[[], object], count: int) -> None:
    """Read `count` pages with the maximum number of threads."""
    with ThreadPoolExecutor(MAX_CONCURRENCY) as pool:
        for future in [pool.submit(read) for _ in range(count)]:
            future.result()


def run_client_in_threads(url: str, count: int) -> None:
    """Read with one `httpx.Client` in threads."""
    with httpx.Client(headers=HEADERS, limits=LIMITS, trust_env=False) as client:
        read_in_threads(lambda: client.get(url).content, count)


def run_transport_in_threads(url: str, count: int) -> None:
    """Read with the transport below `httpx.Client` in threads, as the product does."""
    tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    base, headers = httpx.URL(url), httpx.Headers({"Host": "127.0.0.1", **HEADERS})
    timeout = {"connect": 5, "read": 5, "write": 5, "pool": 5}
    with httpx.HTTPTransport(verify=tls_context, limits=LIMITS) as transport:

        def read() -> bytes:
            target = base.copy_with(raw_path=b"/backups?limit=100")
            request = httpx.Request("GET", target, headers=headers, extensions={"timeout": timeout})
            response = transport.handle_request(request)
            try:
                return b"".join(response.stream)  # type: ignore[arg-type]  # the stream of a synchronous transport
            finally:
                response.close()

        read_in_threads(read, count)


def run_async_client(url: str, count: int, *, http2: bool) -> None:
    """Read with `httpx.AsyncClient`."""

    async def run() -> None:
        semaphore = asyncio.Semaphore(MAX_CONCURRENCY)
        async with httpx.AsyncClient(
            headers=HEADERS, limits=LIMITS, trust_env=False, http1=not http2, http2=http2
        ) as client:

            async def read() -> None:
                async with semaphore:
                    (await client.get(url)).raise_for_status()

            await asyncio.gather(*(read() for _ in range(count)))

    asyncio.run(run())


CLIENTS: dict[str, Callable[[str, int], None]] = {
    "transport, threads": run_transport_in_threads,
    "Client, threads": run_client_in_threads,
    "AsyncClient, HTTP/1.1": lambda url, count: run_async_client(url, count, http2=False),
    "AsyncClient, HTTP/2": lambda url, count: run_async_client(url, count, http2=True),
}


def measure() -> list[Figure]:
    """Run every client in turn; the figures support a decision and have no limit."""
    return [_measure_figure(size, share) for share in (None, CPU_SHARE) if _can_limit(share) for size in ROWS_BY_SIZE]


def _measure_figure(size: str, share: float | None) -> Figure:
    runs_by_client: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name in CLIENTS:
            with _serve_pages(ROWS_BY_SIZE[size]) as url, _make_cgroup(share) as group:
                runs_by_client[name].append(_run_client(name, url, PAGES_BY_SIZE[size], group))
    medians = {name: tuple(median(it) for it in zip(*runs, strict=True)) for name, runs in runs_by_client.items()}
    value = "; ".join(
        f"{name} {pages_per_second:.0f} pages/s, {cpu_ms:.2f} ms"
        for name, (pages_per_second, cpu_ms) in medians.items()
    )
    processor = "a whole CPU" if share is None else f"{share:.0%} of a CPU"
    return Figure(f"transports: pages of {size} on {processor}, CPU a page", "none", value, is_met=True)


def _run_client(name: str, url: str, count: int, group: Path | None) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.transports", name, url, str(count), str(group or "")]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    wall_seconds, cpu_seconds = map(float, process.stdout.split())
    return count / wall_seconds, cpu_seconds / count * 1000


def _measure_client(name: str, url: str, count: int, group: str) -> None:
    CLIENTS[name](url, MAX_CONCURRENCY)  # imports, and code that runs for the first time
    if group:
        (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    started_at, cpu_started_at = time.perf_counter(), time.process_time()
    CLIENTS[name](url, count)
    print(time.perf_counter() - started_at, time.process_time() - cpu_started_at)


@contextlib.contextmanager
def _serve_pages(rows: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.pages", str(rows), str(LATENCY_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise TypeError("the server's output is not a pipe")
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/backups?limit=100"
        finally:
            process.terminate()


def _can_limit(share: float | None) -> bool:
    return share is None or os.access(CGROUPS / "cgroup.procs", os.W_OK)


@contextlib.contextmanager
def _make_cgroup(share: float | None) -> Iterator[Path | None]:
    """Create a control group with a share of one CPU."""
    if share is None:
        yield None
        return
    group = CGROUPS / f"backup-auditor-benchmark-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(int(PERIOD_US * share)))
        yield group
    finally:
        group.rmdir()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measure_client(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        print(format_table(measure()))
