"""A few threads that work a queue off, while one thread alone sees to what the results mean."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Self

type _Act = Callable[[], None]

_STOP = 1.0
"""Seconds that calls under way are given to end when nobody wants their answers any more."""


class WorkerPool:
    """Does work on up to `size` threads, and hands each result to the thread that calls `finish`.

    Its threads do not keep the interpreter from ending: who interrupts an audit need not wait for answers.
    """

    def __init__(self, size: int) -> None:
        """Begin without a thread; they start as work comes."""
        self._size = size
        self._threads: list[Thread] = []
        self._orders: SimpleQueue[tuple[int, Callable[[], _Act]] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[int, _Act]] = SimpleQueue()
        self._under_way: dict[int, _Act] = {}
        self._ordered = 0
        self._is_over = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Send everybody home; what is queued is not done. Who interrupts an audit does not wait for them."""
        self._is_over = True
        for _thread in self._threads:
            self._orders.put(None)
        if kind is None or issubclass(kind, Exception):
            end = time.monotonic() + _STOP
            for thread in self._threads:
                thread.join(max(0.0, end - time.monotonic()))

    def do[Result](self, work: Callable[[], Result], then: Callable[[Result], None], instead: Result) -> None:
        """Have some work done, and `then` called within `finish`: with its result, or with `instead` if time is up."""

        def order() -> _Act:
            result = work()
            return lambda: then(result)

        self._ordered += 1
        self._under_way[self._ordered] = lambda: then(instead)
        self._orders.put((self._ordered, order))
        if len(self._threads) < min(self._size, len(self._under_way)):
            thread = Thread(target=self._work, name="backup-auditor", daemon=True)
            thread.start()
            self._threads.append(thread)

    def finish(self, seconds_left: Callable[[], float]) -> None:
        """Take all results, until nothing is under way. What `work` or `then` raised is raised here.

        When no time is left, what has not come is not waited for any longer.
        """
        while self._under_way:
            try:
                number, result = self._results.get(timeout=max(0.0, seconds_left()))
            except Empty:
                given_up, self._under_way = self._under_way, {}
                for act in given_up.values():
                    act()
                continue
            if self._under_way.pop(number, None) is not None:
                result()

    def _work(self) -> None:
        while (ordered := self._orders.get()) is not None and not self._is_over:
            number, order = ordered
            try:
                result = order()
            except BaseException as error:  # noqa: BLE001  it is raised where somebody can see it
                result = _raiser(error)
            self._results.put((number, result))


def _raiser(error: BaseException) -> _Act:
    def raise_it() -> None:
        raise error

    return raise_it
