"""A pool of worker threads whose results are handled on one thread."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Self

_STOP_SECONDS = 1.0
"""Seconds to wait for calls in flight whose results are not needed any more."""


class WorkerPool:
    """Runs work on up to `size` threads, and passes each result to the thread that calls `finish`.

    Its threads do not keep the interpreter from ending: an interrupted audit does not wait for responses.
    """

    def __init__(self, size: int) -> None:
        """Start without threads; they start when work is submitted."""
        self._size = size
        self._threads: list[Thread] = []
        self._tasks: SimpleQueue[tuple[int, Callable[[], Any]] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
        self._open_tasks: dict[int, tuple[Callable[[Any], None], Any]] = {}
        """The function that takes the result of each task, and its fallback, by the number of the task."""
        self._task_count = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Stop the threads and drop queued work. An interrupted audit does not wait for them."""
        self._is_closed = True
        for _thread in self._threads:
            self._tasks.put(None)
        if error_type is None or issubclass(error_type, Exception):
            deadline = time.monotonic() + _STOP_SECONDS
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def submit[Result](self, work: Callable[[], Result], on_result: Callable[[Result], None], fallback: Result) -> None:
        """Queue work. `finish` calls `on_result` with its result, or with `fallback` if no time is left."""
        self._task_count += 1
        self._open_tasks[self._task_count] = on_result, fallback
        self._tasks.put((self._task_count, work))
        if len(self._threads) < min(self._size, len(self._open_tasks)):
            thread = Thread(target=self._run_tasks, name="backup-auditor", daemon=True)
            thread.start()
            self._threads.append(thread)

    def finish(self, seconds_left: Callable[[], float]) -> None:
        """Handle all results until no work is left, or until the time is over. Raises the errors of work."""
        while self._open_tasks:
            try:
                task_number, result, error = self._outcomes.get(timeout=max(0.0, seconds_left()))
            except Empty:
                unfinished_tasks, self._open_tasks = self._open_tasks, {}
                for on_result, fallback in unfinished_tasks.values():
                    on_result(fallback)
                continue
            task = self._open_tasks.pop(task_number, None)
            if task is not None and error is not None:
                raise error
            if task is not None:
                on_result, _ = task
                on_result(result)

    def _run_tasks(self) -> None:
        while (task := self._tasks.get()) is not None and not self._is_closed:
            task_number, work = task
            try:
                self._outcomes.put((task_number, work(), None))
            except BaseException as error:  # noqa: BLE001  raised on the thread that calls `finish`
                self._outcomes.put((task_number, None, error))
