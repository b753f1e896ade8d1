"""Work done by a few threads, and its results taken by one."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from backup_auditor.worker_pool import WorkerPool

LONG = 60.0


def plenty() -> float:
    """Leave plenty of time."""
    return LONG


def give(result: object) -> Callable[[], object]:
    """Return work with a result."""
    return lambda: result


def test_all_results_are_taken_on_the_thread_that_waits() -> None:
    """What a result means is seen to by one thread alone, work that it brings included."""
    taken: list[tuple[object, str]] = []

    def take(result: object) -> None:
        taken.append((result, threading.current_thread().name))
        if isinstance(result, int) and result < 3:
            crew.submit(give(result + 10), take, None)

    with WorkerPool(4) as crew:
        for number in range(6):
            crew.submit(give(number), take, None)
        crew.finish(plenty)
    assert sorted(taken, key=repr) == sorted(
        ((it, threading.current_thread().name) for it in [*range(6), 10, 11, 12]), key=repr
    )


def test_no_more_threads_work_than_may() -> None:
    """With a size of two, two calls are under way at once."""
    lock, at_once, most = threading.Lock(), 0, 0
    both = threading.Barrier(2, timeout=LONG)

    def work() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        both.wait()
        with lock:
            at_once -= 1

    with WorkerPool(2) as crew:
        for _ in range(6):
            crew.submit(work, lambda _result: None, None)
        crew.finish(plenty)
    assert most == 2


def test_what_work_raises_is_raised_where_it_is_waited_for() -> None:
    """Nothing that was not expected is swallowed."""

    def work() -> None:
        raise ZeroDivisionError("unexpected")

    with WorkerPool(2) as crew:
        crew.submit(work, lambda _result: None, None)
        with pytest.raises(ZeroDivisionError, match="unexpected"):
            crew.finish(plenty)


def test_a_thread_that_cannot_be_started_is_the_error_that_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it to end."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("no more threads")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="no more threads"), WorkerPool(2) as crew:
        crew.submit(give(1), lambda _result: None, None)


def test_what_does_not_come_in_time_is_replaced() -> None:
    """When no time is left the stand-in is taken, and the late result is not."""
    taken: list[str] = []
    is_over = threading.Event()

    def late() -> str:
        is_over.wait(LONG)
        return "late"

    with WorkerPool(1) as crew:
        crew.submit(late, taken.append, "instead")
        crew.finish(lambda: 0.0)
        assert taken == ["instead"]
        is_over.set()
        crew.submit(lambda: "next", taken.append, "no")
        crew.finish(plenty)
    assert taken == ["instead", "next"]


def test_who_interrupts_does_not_wait_for_answers() -> None:
    """The threads are left alone, and do not keep the interpreter from ending."""
    is_over = threading.Event()
    crew = WorkerPool(1)
    crew.submit(partial(is_over.wait, LONG), lambda _result: None, True)
    (thread,) = crew._threads
    with pytest.raises(KeyboardInterrupt), crew:
        raise KeyboardInterrupt
    assert thread.daemon
    assert thread.is_alive()
    is_over.set()
    thread.join()


def test_what_is_queued_when_it_ends_is_not_done() -> None:
    """Work that has not begun is dropped."""
    begun: list[int] = []
    started, is_over = threading.Event(), threading.Event()

    def first() -> None:
        started.set()
        is_over.wait(LONG)

    crew = WorkerPool(1)
    crew.submit(first, lambda _result: None, None)
    crew.submit(lambda: begun.append(1), lambda _result: None, None)
    (thread,) = crew._threads
    started.wait(LONG)
    with pytest.raises(KeyboardInterrupt), crew:
        raise KeyboardInterrupt
    is_over.set()
    thread.join()
    assert begun == []
