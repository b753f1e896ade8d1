"""The reads of an audit with the official SDK: one at a time, in threads, and asynchronously."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pinecone import AsyncPinecone, Pinecone
from pinecone.models.backups.list import BackupList

from backup_auditor.adapters.pinecone.flow_control import INITIAL_CONCURRENCY, ConcurrencyLimiter

PAGE_SIZE = 100
MAX_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Access:
    """The host and the key of a project, and the maximum number of concurrent calls."""

    key: str
    host: str
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """The number of rows of each kind that were read."""

    indexes: int
    backups: int
    schedules: int
    runs: int


def prepare_serial_client(access: Access) -> Callable[[], ReadCounts]:
    """Return a function that reads with the synchronous client, one call at a time."""
    return partial(_read_serially, Pinecone(access.key, host=access.host))


def _read_serially(client_context: Pinecone) -> ReadCounts:
    with client_context as client:
        names = [it.name for it in client.indexes.list()]
        backup_count = _count_backups(client, lambda call: call())
        schedules = [it for name in names for it in client.backup_schedules.list(index_name=name, limit=PAGE_SIZE)]
        run_counts = [
            len(client.backup_schedules.history(schedule_id=it.schedule_id, limit=PAGE_SIZE)) for it in schedules
        ]
    return ReadCounts(len(names), backup_count, len(schedules), sum(run_counts))


def prepare_threaded_client(access: Access) -> Callable[[], ReadCounts]:
    """Return a function that reads with the synchronous client in threads, under the limiter of the product."""
    client = Pinecone(access.key, host=access.host, connection_pool_maxsize=access.max_concurrency)
    return partial(_read_in_threads, client, access)


def _read_in_threads(client_context: Pinecone, access: Access) -> ReadCounts:
    limiter = ConcurrencyLimiter(access.max_concurrency)

    def call_limited[Result](call: Callable[[], Result], *, urgent: bool = False) -> Result:
        round_number = limiter.acquire(MAX_WAIT_SECONDS, is_urgent=urgent)
        try:
            return call()
        finally:
            limiter.release(round_number, is_overloaded=False)

    with client_context as client, ThreadPoolExecutor(access.max_concurrency) as pool:

        def read_index(name: str) -> list[Future[int]]:
            schedules = call_limited(lambda: client.backup_schedules.list(index_name=name, limit=PAGE_SIZE))
            return [pool.submit(count_runs, it.schedule_id) for it in schedules]

        def count_runs(schedule_id: str) -> int:
            return len(call_limited(lambda: client.backup_schedules.history(schedule_id=schedule_id, limit=PAGE_SIZE)))

        backup_count_future = pool.submit(_count_backups, client, lambda call: call_limited(call, urgent=True))
        names = call_limited(lambda: [it.name for it in client.indexes.list()])
        run_count_futures = [run for it in [pool.submit(read_index, name) for name in names] for run in it.result()]
        run_counts = [it.result() for it in run_count_futures]
        return ReadCounts(len(names), backup_count_future.result(), len(run_count_futures), sum(run_counts))


def prepare_async_client(access: Access) -> Callable[[], ReadCounts]:
    """Return a function that reads with the asynchronous client, under a limiter that grows like the product's."""
    client = AsyncPinecone(access.key, host=access.host, connection_pool_maxsize=access.max_concurrency)
    return lambda: asyncio.run(_read_asynchronously(client, access))


async def _read_asynchronously(client_context: AsyncPinecone, access: Access) -> ReadCounts:
    limiter = _AsyncLimiter(access.max_concurrency)
    async with client_context as client:

        async def count_backups() -> int:
            count, token = 0, None
            while True:
                page = await limiter.run(client.backups.list(limit=PAGE_SIZE, pagination_token=token))
                count += len(page)
                if page.pagination is None or not page.pagination.next:
                    return count
                token = page.pagination.next

        async def read_index(name: str) -> list[int]:
            schedules = await limiter.run(client.backup_schedules.list(index_name=name, limit=PAGE_SIZE))
            return await asyncio.gather(*(count_runs(it.schedule_id) for it in schedules))

        async def count_runs(schedule_id: str) -> int:
            return len(await limiter.run(client.backup_schedules.history(schedule_id=schedule_id, limit=PAGE_SIZE)))

        backup_count_task = asyncio.create_task(count_backups())
        names = await limiter.run(_read_names(client))
        run_counts = await asyncio.gather(*(read_index(name) for name in names))
        return ReadCounts(
            len(names), await backup_count_task, sum(len(it) for it in run_counts), sum(map(sum, run_counts))
        )


async def _read_names(client: AsyncPinecone) -> list[str]:
    return [it.name async for it in client.indexes.list()]


def _count_backups(client: Pinecone, call_limited: Callable[[Callable[[], BackupList]], BackupList]) -> int:
    count = 0
    call = partial(client.backups.list, limit=PAGE_SIZE)
    while True:
        page = call_limited(call)
        count += len(page)
        if page.pagination is None or not page.pagination.next:
            return count
        call = partial(client.backups.list, limit=PAGE_SIZE, pagination_token=page.pagination.next)


class _AsyncLimiter:
    """A limit of concurrent calls that starts at `INITIAL_CONCURRENCY` and grows by one with each response."""

    def __init__(self, max_concurrency: int) -> None:
        self._max_concurrency = max_concurrency
        self._limit = min(INITIAL_CONCURRENCY, max_concurrency)
        self._in_flight = 0
        self._waiting_calls: deque[asyncio.Future[None]] = deque()

    async def run[Result](self, call: Awaitable[Result]) -> Result:
        if self._in_flight >= self._limit or self._waiting_calls:
            turn = asyncio.get_running_loop().create_future()
            self._waiting_calls.append(turn)
            await turn
        else:
            self._in_flight += 1
        try:
            return await call
        finally:
            self._in_flight -= 1
            self._limit = min(self._max_concurrency, self._limit + 1)
            while self._waiting_calls and self._in_flight < self._limit:
                self._in_flight += 1
                self._waiting_calls.popleft().set_result(None)
