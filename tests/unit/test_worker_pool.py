"""Tasks run on a few threads, and their callbacks on one."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from backup_auditor.worker_pool import WorkerPool

LONG_SECONDS = 60.0


def return_long_time() -> float:
    """Return plenty of time."""
    return LONG_SECONDS


def make_work(result: object) -> Callable[[], object]:
    """Return a task with a result."""
    return lambda: result


def test_all_callbacks_run_on_the_waiting_thread() -> None:
    """Callbacks of tasks that a callback submits run there, too."""
    taken_results: list[tuple[object, str]] = []

    def take_result(result: object) -> None:
        taken_results.append((result, threading.current_thread().name))
        if isinstance(result, int) and result < 3:
            pool.submit(make_work(result + 10), take_result, None)

    with WorkerPool(4) as pool:
        for number in range(6):
            pool.submit(make_work(number), take_result, None)
        pool.finish(return_long_time)
    assert sorted(taken_results, key=repr) == sorted(
        ((it, threading.current_thread().name) for it in [*range(6), 10, 11, 12]), key=repr
    )


def test_the_number_of_threads_is_limited() -> None:
    """With a size of two, two tasks run at once."""
    lock, active_count, max_active = threading.Lock(), 0, 0
    barrier = threading.Barrier(2, timeout=LONG_SECONDS)

    def work() -> None:
        nonlocal active_count, max_active
        with lock:
            active_count += 1
            max_active = max(max_active, active_count)
        barrier.wait()
        with lock:
            active_count -= 1

    with WorkerPool(2) as pool:
        for _ in range(6):
            pool.submit(work, lambda _result: None, None)
        pool.finish(return_long_time)
    assert max_active == 2


def test_the_error_of_a_task_is_raised_on_the_waiting_thread() -> None:
    """No unexpected error is lost."""

    def work() -> None:
        raise ZeroDivisionError("unexpected")

    with WorkerPool(2) as pool:
        pool.submit(work, lambda _result: None, None)
        with pytest.raises(ZeroDivisionError, match="unexpected"):
            pool.finish(return_long_time)


def test_the_error_of_a_thread_that_cannot_start_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool does not wait for that thread."""

    def refuse_thread(_: threading.Thread) -> None:
        raise RuntimeError("no more threads")

    monkeypatch.setattr(threading.Thread, "start", refuse_thread)
    with pytest.raises(RuntimeError, match="no more threads"), WorkerPool(2) as pool:
        pool.submit(make_work(1), lambda _result: None, None)


def test_a_late_result_is_replaced_by_the_fallback() -> None:
    """After the time limit the late result is ignored."""
    taken_results: list[str] = []
    is_finished = threading.Event()

    def wait_too_long() -> str:
        is_finished.wait(LONG_SECONDS)
        return "late"

    with WorkerPool(1) as pool:
        pool.submit(wait_too_long, taken_results.append, "instead")
        pool.finish(lambda: 0.0)
        assert taken_results == ["instead"]
        is_finished.set()
        pool.submit(lambda: "next", taken_results.append, "no")
        pool.finish(return_long_time)
    assert taken_results == ["instead", "next"]


def test_an_interruption_does_not_wait_for_running_tasks() -> None:
    """The threads do not keep the interpreter from exiting."""
    is_finished = threading.Event()
    pool = WorkerPool(1)
    pool.submit(partial(is_finished.wait, LONG_SECONDS), lambda _result: None, True)
    (thread,) = pool._threads
    with pytest.raises(KeyboardInterrupt), pool:
        raise KeyboardInterrupt
    assert thread.daemon
    assert thread.is_alive()
    is_finished.set()
    thread.join()


def test_queued_tasks_do_not_run_after_the_end() -> None:
    """Only running tasks are finished."""
    started_numbers: list[int] = []
    has_started, is_finished = threading.Event(), threading.Event()

    def run_first() -> None:
        has_started.set()
        is_finished.wait(LONG_SECONDS)

    pool = WorkerPool(1)
    pool.submit(run_first, lambda _result: None, None)
    pool.submit(lambda: started_numbers.append(1), lambda _result: None, None)
    (thread,) = pool._threads
    has_started.wait(LONG_SECONDS)
    with pytest.raises(KeyboardInterrupt), pool:
        raise KeyboardInterrupt
    is_finished.set()
    thread.join()
    assert started_numbers == []
