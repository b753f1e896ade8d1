"""A few threads that work a queue off, while one thread alone sees to what the results mean."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Self

type _Callback = Callable[[], None]

_STOP_SECONDS = 1.0
"""Seconds that calls under way are given to end when nobody wants their answers any more."""


class WorkerPool:
    """Does work on up to `size` threads, and hands each result to the thread that calls `finish`.

    Its threads do not keep the interpreter from ending: who interrupts an audit need not wait for answers.
    """

    def __init__(self, size: int) -> None:
        """Begin without a thread; they start as work comes."""
        self._size = size
        self._threads: list[Thread] = []
        self._tasks: SimpleQueue[tuple[int, Callable[[], _Callback]] | None] = SimpleQueue()
        self._callbacks: SimpleQueue[tuple[int, _Callback]] = SimpleQueue()
        self._fallbacks: dict[int, _Callback] = {}
        self._task_count = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Send everybody home; what is queued is not done. Who interrupts an audit does not wait for them."""
        self._is_closed = True
        for _thread in self._threads:
            self._tasks.put(None)
        if error_type is None or issubclass(error_type, Exception):
            deadline = time.monotonic() + _STOP_SECONDS
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def submit[Result](self, work: Callable[[], Result], on_result: Callable[[Result], None], fallback: Result) -> None:
        """Have some work done, and `then` called within `finish`: with its result, or with `instead` if time is up."""

        def run_work() -> _Callback:
            result = work()
            return lambda: on_result(result)

        self._task_count += 1
        self._fallbacks[self._task_count] = lambda: on_result(fallback)
        self._tasks.put((self._task_count, run_work))
        if len(self._threads) < min(self._size, len(self._fallbacks)):
            thread = Thread(target=self._run_tasks, name="backup-auditor", daemon=True)
            thread.start()
            self._threads.append(thread)

    def finish(self, seconds_left: Callable[[], float]) -> None:
        """Take all results, until nothing is under way. What `work` or `then` raised is raised here.

        When no time is left, what has not come is not waited for any longer.
        """
        while self._fallbacks:
            try:
                task_number, callback = self._callbacks.get(timeout=max(0.0, seconds_left()))
            except Empty:
                fallbacks, self._fallbacks = self._fallbacks, {}
                for fallback in fallbacks.values():
                    fallback()
                continue
            if self._fallbacks.pop(task_number, None) is not None:
                callback()

    def _run_tasks(self) -> None:
        while (task := self._tasks.get()) is not None and not self._is_closed:
            task_number, run_work = task
            try:
                callback = run_work()
            except BaseException as error:  # noqa: BLE001  raised on the thread that calls `finish`
                callback = _make_raiser(error)
            self._callbacks.put((task_number, callback))


def _make_raiser(error: BaseException) -> _Callback:
    def raise_error() -> None:
        raise error

    return raise_error
