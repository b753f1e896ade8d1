"""Which way of sending costs a small function least: threads or async, HTTP/1.1 or HTTP/2 (decision 0003).

Each client runs in a process of its own; as root on Linux also with the CPU share of a function of 256 MB.
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

from benchmarks.figures import Figure, table

LATENCY, IN_FLIGHT, ROUNDS = 0.03, 32, 5
SIZES = {"2 KB": 3, "60 KB": 100}
PAGES = {"2 KB": 1200, "60 KB": 600}
SHARE = 256 / 1769
"""The part of one CPU that a function of 256 MB has; one of 1,769 MB has a whole one."""
PERIOD_US = 100_000
GROUPS = Path("/sys/fs/cgroup/cpu")
HEADERS = {"Api-Key": "key-of-the-benchmark", "X-Pinecone-Api-Version": "2026-07", "Accept": "application/json"}
LIMITS = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)


def in_threads(read: Callable[[], object], count: int) -> None:
    """Read so many pages with as many threads as may be in flight."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for done in [pool.submit(read) for _ in range(count)]:
            done.result()


def client_in_threads(url: str, count: int) -> None:
    """Use one `httpx.Client`."""
    with httpx.Client(headers=HEADERS, limits=LIMITS, trust_env=False) as client:
        in_threads(lambda: client.get(url).content, count)


def transport_in_threads(url: str, count: int) -> None:
    """Use the transport below `httpx.Client`, as the product does."""
    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    base, headers = httpx.URL(url), httpx.Headers({"Host": "127.0.0.1", **HEADERS})
    timeout = {"connect": 5, "read": 5, "write": 5, "pool": 5}
    with httpx.HTTPTransport(verify=unused, limits=LIMITS) as transport:

        def read() -> bytes:
            target = base.copy_with(raw_path=b"/backups?limit=100")
            request = httpx.Request("GET", target, headers=headers, extensions={"timeout": timeout})
            response = transport.handle_request(request)
            try:
                return b"".join(response.stream)  # type: ignore[arg-type]  # a synchronous transport streams so
            finally:
                response.close()

        in_threads(read, count)


def asynchronously(url: str, count: int, *, http2: bool) -> None:
    """Use `httpx.AsyncClient`."""

    async def run() -> None:
        gate = asyncio.Semaphore(IN_FLIGHT)
        async with httpx.AsyncClient(
            headers=HEADERS, limits=LIMITS, trust_env=False, http1=not http2, http2=http2
        ) as client:

            async def read() -> None:
                async with gate:
                    (await client.get(url)).raise_for_status()

            await asyncio.gather(*(read() for _ in range(count)))

    asyncio.run(run())


CLIENTS: dict[str, Callable[[str, int], None]] = {
    "transport, threads": transport_in_threads,
    "Client, threads": client_in_threads,
    "AsyncClient, HTTP/1.1": lambda url, count: asynchronously(url, count, http2=False),
    "AsyncClient, HTTP/2": lambda url, count: asynchronously(url, count, http2=True),
}


def measure() -> list[Figure]:
    """Run every client in turn; there is no bar, only a choice to be made."""
    return [_figure(size, share) for share in (None, SHARE) if _can_limit(share) for size in SIZES]


def _figure(size: str, share: float | None) -> Figure:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name in CLIENTS:
            with _serving(SIZES[size]) as url, _group(share) as group:
                found[name].append(_run(name, url, PAGES[size], group))
    medians = {name: tuple(median(it) for it in zip(*runs, strict=True)) for name, runs in found.items()}
    told = "; ".join(f"{name} {speed:.0f} pages/s, {cpu:.2f} ms" for name, (speed, cpu) in medians.items())
    where = "a whole CPU" if share is None else f"{share:.0%} of a CPU"
    return Figure(f"transports: pages of {size} on {where}, CPU a page", "none", told, holds=True)


def _run(name: str, url: str, count: int, group: Path | None) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.transports", name, url, str(count), str(group or "")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    wall, cpu = map(float, done.stdout.split())
    return count / wall, cpu / count * 1000


def _measured(name: str, url: str, count: int, group: str) -> None:
    CLIENTS[name](url, IN_FLIGHT)  # imports, and code that runs for the first time
    if group:
        (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    begun, begun_cpu = time.perf_counter(), time.process_time()
    CLIENTS[name](url, count)
    print(time.perf_counter() - begun, time.process_time() - begun_cpu)


@contextlib.contextmanager
def _serving(rows: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.pages", str(rows), str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise TypeError("the server's output goes elsewhere")
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/backups?limit=100"
        finally:
            process.terminate()


def _can_limit(share: float | None) -> bool:
    return share is None or os.access(GROUPS / "cgroup.procs", os.W_OK)


@contextlib.contextmanager
def _group(share: float | None) -> Iterator[Path | None]:
    """Make a control group with a share of one CPU."""
    if share is None:
        yield None
        return
    group = GROUPS / f"backup-auditor-benchmark-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(int(PERIOD_US * share)))
        yield group
    finally:
        group.rmdir()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measured(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        print(table(measure()))
