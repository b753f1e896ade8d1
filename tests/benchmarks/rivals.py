"""The same reads by the official SDK: one after the other, in threads, and asynchronously."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pinecone import AsyncPinecone, Pinecone
from pinecone.models.backups.list import BackupList

from backup_auditor.adapters.pinecone.flow_control import INITIAL_CONCURRENCY, ConcurrencyLimiter

PAGE = 100
LONG = 60.0


@dataclass(frozen=True, slots=True)
class Access:
    """Where the project is, and how many calls may be in flight."""

    key: str
    host: str
    ceiling: int


@dataclass(frozen=True, slots=True)
class Read:
    """How much was read: rows of each kind."""

    indexes: int
    backups: int
    schedules: int
    runs: int


def one_after_the_other(access: Access) -> Callable[[], Read]:
    """Prepare to read with the synchronous client, one call at a time."""
    return partial(_one_after_the_other, Pinecone(access.key, host=access.host))


def _one_after_the_other(opened: Pinecone) -> Read:
    with opened as client:
        names = [it.name for it in client.indexes.list()]
        backups = _backups(client, lambda call: call())
        schedules = [it for name in names for it in client.backup_schedules.list(index_name=name, limit=PAGE)]
        runs = [len(client.backup_schedules.history(schedule_id=it.schedule_id, limit=PAGE)) for it in schedules]
    return Read(len(names), backups, len(schedules), sum(runs))


def in_threads(access: Access) -> Callable[[], Read]:
    """Prepare to read with the synchronous client in a pool of threads, under the limiter that the product uses."""
    client = Pinecone(access.key, host=access.host, connection_pool_maxsize=access.ceiling)
    return partial(_in_threads, client, access)


def _in_threads(opened: Pinecone, access: Access) -> Read:
    limiter = ConcurrencyLimiter(access.ceiling)

    def limited[Result](call: Callable[[], Result], *, urgent: bool = False) -> Result:
        entered = limiter.acquire(LONG, is_urgent=urgent)
        try:
            return call()
        finally:
            limiter.release(entered, is_overloaded=False)

    with opened as client, ThreadPoolExecutor(access.ceiling) as pool:

        def index(name: str) -> list[Future[int]]:
            found = limited(lambda: client.backup_schedules.list(index_name=name, limit=PAGE))
            return [pool.submit(history, it.schedule_id) for it in found]

        def history(schedule_id: str) -> int:
            return len(limited(lambda: client.backup_schedules.history(schedule_id=schedule_id, limit=PAGE)))

        backups = pool.submit(_backups, client, lambda call: limited(call, urgent=True))
        names = limited(lambda: [it.name for it in client.indexes.list()])
        histories = [run for it in [pool.submit(index, name) for name in names] for run in it.result()]
        runs = [it.result() for it in histories]
        return Read(len(names), backups.result(), len(histories), sum(runs))


def asynchronously(access: Access) -> Callable[[], Read]:
    """Prepare to read with the asynchronous client, under a limiter that grows as the product's does."""
    client = AsyncPinecone(access.key, host=access.host, connection_pool_maxsize=access.ceiling)
    return lambda: asyncio.run(_asynchronously(client, access))


async def _asynchronously(opened: AsyncPinecone, access: Access) -> Read:
    limiter = _AsyncLimiter(access.ceiling)
    async with opened as client:

        async def backups() -> int:
            count, token = 0, None
            while True:
                page = await limiter.run(client.backups.list(limit=PAGE, pagination_token=token))
                count += len(page)
                if page.pagination is None or not page.pagination.next:
                    return count
                token = page.pagination.next

        async def index(name: str) -> list[int]:
            found = await limiter.run(client.backup_schedules.list(index_name=name, limit=PAGE))
            return await asyncio.gather(*(history(it.schedule_id) for it in found))

        async def history(schedule_id: str) -> int:
            return len(await limiter.run(client.backup_schedules.history(schedule_id=schedule_id, limit=PAGE)))

        all_backups = asyncio.create_task(backups())
        names = await limiter.run(_names(client))
        runs = await asyncio.gather(*(index(name) for name in names))
        return Read(len(names), await all_backups, sum(len(it) for it in runs), sum(map(sum, runs)))


async def _names(client: AsyncPinecone) -> list[str]:
    return [it.name async for it in client.indexes.list()]


def _backups(client: Pinecone, limited: Callable[[Callable[[], BackupList]], BackupList]) -> int:
    count = 0
    call = partial(client.backups.list, limit=PAGE)
    while True:
        page = limited(call)
        count += len(page)
        if page.pagination is None or not page.pagination.next:
            return count
        call = partial(client.backups.list, limit=PAGE, pagination_token=page.pagination.next)


class _AsyncLimiter:
    """As many calls at once as have been answered, from `START` up to the ceiling."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._limit = min(INITIAL_CONCURRENCY, ceiling)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run[Result](self, call: Awaitable[Result]) -> Result:
        if self._in_flight >= self._limit or self._waiting:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._in_flight += 1
        try:
            return await call
        finally:
            self._in_flight -= 1
            self._limit = min(self._ceiling, self._limit + 1)
            while self._waiting and self._in_flight < self._limit:
                self._in_flight += 1
                self._waiting.popleft().set_result(None)
