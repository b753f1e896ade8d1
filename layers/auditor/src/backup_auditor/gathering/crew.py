"""A few threads that work a queue off, while one thread alone sees to what the results mean."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Self


class Crew:
    """Does work on up to `size` threads, and hands each result to the thread that calls `finish`.

    The threads do not keep the interpreter from ending: whoever interrupts an audit need not wait for answers.
    """

    def __init__(self, size: int) -> None:
        """Begin without a thread; they start as work comes."""
        self._size = size
        self._threads: list[Thread] = []
        self._orders: SimpleQueue[Callable[[], Callable[[], None]] | None] = SimpleQueue()
        self._results: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._under_way = 0
        self._is_over = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Send everybody home; what is queued is not done."""
        self._is_over = True
        for _thread in self._threads:
            self._orders.put(None)

    def do[Result](self, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Have some work done, and `then` be called with its result within `finish`."""

        def order() -> Callable[[], None]:
            result = work()
            return lambda: then(result)

        self._under_way += 1
        self._orders.put(order)
        if len(self._threads) < min(self._size, self._under_way):
            thread = Thread(target=self._work, name="backup-auditor", daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Take all results, until nothing is under way. What `work` or `then` raised is raised here."""
        while self._under_way:
            result = self._results.get()
            self._under_way -= 1
            result()

    def _work(self) -> None:
        while (order := self._orders.get()) is not None and not self._is_over:
            try:
                result = order()
            except BaseException as error:  # noqa: BLE001  it is raised where somebody can see it
                result = _raiser(error)
            self._results.put(result)


def _raiser(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it
