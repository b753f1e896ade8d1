"""How many calls are let through at once."""

from threading import Event, Thread

import pytest

from backup_auditor.adapters.pinecone.flow_control import INITIAL_CONCURRENCY, ConcurrencyLimiter
from backup_auditor.errors import DeadlineError

AT_ONCE = 0.001
LONG = 10.0


def fill(limiter: ConcurrencyLimiter) -> list[int]:
    """Enter as often as the limiter lets through without waiting."""
    return [limiter.acquire(AT_ONCE) for _ in range(limiter.limit)]


def answer(limiter: ConcurrencyLimiter, entered: list[int], *, overloaded: bool = False) -> None:
    """Have all of these calls answered."""
    for it in entered:
        limiter.release(it, is_overloaded=overloaded)


def test_it_starts_at_eight() -> None:
    """Eight calls are let through at first, and the ninth waits."""
    limiter = ConcurrencyLimiter(32)
    assert len(fill(limiter)) == INITIAL_CONCURRENCY
    with pytest.raises(DeadlineError):
        limiter.acquire(AT_ONCE)


def test_a_low_ceiling_is_never_passed() -> None:
    """With a ceiling of 3 it starts at 3 and stays there."""
    limiter = ConcurrencyLimiter(3)
    answer(limiter, fill(limiter))
    assert limiter.limit == 3


def test_it_doubles_with_each_round_trip_up_to_the_ceiling() -> None:
    """While all answers are good: 8, 16, 32, and no further."""
    limiter = ConcurrencyLimiter(32)
    seen = []
    for _ in range(4):
        seen.append(limiter.limit)
        answer(limiter, fill(limiter))
    assert seen == [8, 16, 32, 32]


def test_an_overload_halves_it_once_for_all_calls_in_flight() -> None:
    """Eight refusals of one round are one sign, not eight."""
    limiter = ConcurrencyLimiter(32)
    answer(limiter, fill(limiter), overloaded=True)
    assert limiter.limit == 4


def test_each_round_can_halve_it_again_down_to_one() -> None:
    """It never stops altogether."""
    limiter = ConcurrencyLimiter(32)
    seen = []
    for _ in range(5):
        answer(limiter, fill(limiter), overloaded=True)
        seen.append(limiter.limit)
    assert seen == [4, 2, 1, 1, 1]


def test_after_an_overload_a_round_trip_adds_one() -> None:
    """From the first overload on it grows by one call for a round of good answers."""
    limiter = ConcurrencyLimiter(32)
    answer(limiter, fill(limiter), overloaded=True)
    before = limiter.limit
    answer(limiter, fill(limiter))
    answer(limiter, fill(limiter))
    assert limiter.limit in {before + 1, before + 2}


def queue_up(limiter: ConcurrencyLimiter, order: list[str], name: str, *, urgent: bool = False) -> Thread:
    """Have a thread wait its turn and write its name down."""

    def wait() -> None:
        entered = limiter.acquire(LONG, is_urgent=urgent)
        order.append(name)
        limiter.release(entered, is_overloaded=False)

    waiting = len(limiter._normal_queue) + len(limiter._urgent_queue)
    thread = Thread(target=wait)
    thread.start()
    while len(limiter._normal_queue) + len(limiter._urgent_queue) == waiting:
        Event().wait(AT_ONCE)
    return thread


def test_who_waits_is_let_through_in_order_and_the_urgent_first() -> None:
    """First come, first served; an urgent call passes all that wait."""
    limiter = ConcurrencyLimiter(1)
    entered = limiter.acquire(AT_ONCE)
    order: list[str] = []
    threads = [queue_up(limiter, order, "first"), queue_up(limiter, order, "second")]
    threads.append(queue_up(limiter, order, "urgent", urgent=True))
    limiter.release(entered, is_overloaded=False)
    for thread in threads:
        thread.join()
    assert order == ["urgent", "first", "second"]


def test_who_gives_up_takes_no_room() -> None:
    """A call whose time is over leaves its place in the queue to others."""
    limiter = ConcurrencyLimiter(1)
    entered = limiter.acquire(AT_ONCE)
    with pytest.raises(DeadlineError):
        limiter.acquire(AT_ONCE)
    limiter.release(entered, is_overloaded=False)
    assert limiter.acquire(AT_ONCE) == entered


def test_who_is_asked_to_wait_keeps_its_place() -> None:
    """Waiting counts as a call in flight, so that waits make the calls fewer, down to one at a time."""
    limiter = ConcurrencyLimiter(2)
    first, second = fill(limiter)
    limiter.throttle(first)
    limiter.release(second, is_overloaded=True)
    with pytest.raises(DeadlineError):
        limiter.acquire(AT_ONCE)
    assert limiter.limit == 1


def test_who_waits_again_and_again_halves_it_each_time() -> None:
    """Each refusal after a wait is a sign of its own."""
    limiter = ConcurrencyLimiter(8)
    entered = limiter.acquire(AT_ONCE)
    seen = []
    for _ in range(3):
        entered = limiter.throttle(entered)
        seen.append(limiter.limit)
    assert seen == [4, 2, 1]
