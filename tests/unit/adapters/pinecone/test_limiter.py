"""How many calls are let through at once."""

from threading import Event, Thread

import pytest

from backup_auditor.adapters.pinecone.flow_control import INITIAL_CONCURRENCY, ConcurrencyLimiter
from backup_auditor.errors import DeadlineError

SHORT_SECONDS = 0.001
LONG_SECONDS = 10.0


def fill_limiter(limiter: ConcurrencyLimiter) -> list[int]:
    """Enter as often as the limiter lets through without waiting."""
    return [limiter.acquire(SHORT_SECONDS) for _ in range(limiter.limit)]


def release_all(limiter: ConcurrencyLimiter, slots: list[int], *, is_overloaded: bool = False) -> None:
    """Have all of these calls answered."""
    for slot in slots:
        limiter.release(slot, is_overloaded=is_overloaded)


def test_it_starts_at_eight() -> None:
    """Eight calls are let through at first, and the ninth waits."""
    limiter = ConcurrencyLimiter(32)
    assert len(fill_limiter(limiter)) == INITIAL_CONCURRENCY
    with pytest.raises(DeadlineError):
        limiter.acquire(SHORT_SECONDS)


def test_a_low_ceiling_is_never_passed() -> None:
    """With a ceiling of 3 it starts at 3 and stays there."""
    limiter = ConcurrencyLimiter(3)
    release_all(limiter, fill_limiter(limiter))
    assert limiter.limit == 3


def test_it_doubles_with_each_round_trip_up_to_the_ceiling() -> None:
    """While all answers are good: 8, 16, 32, and no further."""
    limiter = ConcurrencyLimiter(32)
    limits = []
    for _ in range(4):
        limits.append(limiter.limit)
        release_all(limiter, fill_limiter(limiter))
    assert limits == [8, 16, 32, 32]


def test_an_overload_halves_it_once_for_all_calls_in_flight() -> None:
    """Eight refusals of one round are one sign, not eight."""
    limiter = ConcurrencyLimiter(32)
    release_all(limiter, fill_limiter(limiter), is_overloaded=True)
    assert limiter.limit == 4


def test_each_round_can_halve_it_again_down_to_one() -> None:
    """It never stops altogether."""
    limiter = ConcurrencyLimiter(32)
    limits = []
    for _ in range(5):
        release_all(limiter, fill_limiter(limiter), is_overloaded=True)
        limits.append(limiter.limit)
    assert limits == [4, 2, 1, 1, 1]


def test_after_an_overload_a_round_trip_adds_one() -> None:
    """From the first overload on it grows by one call for a round of good answers."""
    limiter = ConcurrencyLimiter(32)
    release_all(limiter, fill_limiter(limiter), is_overloaded=True)
    limit_before = limiter.limit
    release_all(limiter, fill_limiter(limiter))
    release_all(limiter, fill_limiter(limiter))
    assert limiter.limit in {limit_before + 1, limit_before + 2}


def start_waiting_thread(
    limiter: ConcurrencyLimiter, order: list[str], name: str, *, is_urgent: bool = False
) -> Thread:
    """Have a thread wait its turn and write its name down."""

    def wait_for_slot() -> None:
        slot = limiter.acquire(LONG_SECONDS, is_urgent=is_urgent)
        order.append(name)
        limiter.release(slot, is_overloaded=False)

    waiting_count = len(limiter._normal_queue) + len(limiter._urgent_queue)
    thread = Thread(target=wait_for_slot)
    thread.start()
    while len(limiter._normal_queue) + len(limiter._urgent_queue) == waiting_count:
        Event().wait(SHORT_SECONDS)
    return thread


def test_who_waits_is_let_through_in_order_and_the_urgent_first() -> None:
    """First come, first served; an urgent call passes all that wait."""
    limiter = ConcurrencyLimiter(1)
    slot = limiter.acquire(SHORT_SECONDS)
    order: list[str] = []
    threads = [start_waiting_thread(limiter, order, "first"), start_waiting_thread(limiter, order, "second")]
    threads.append(start_waiting_thread(limiter, order, "urgent", is_urgent=True))
    limiter.release(slot, is_overloaded=False)
    for thread in threads:
        thread.join()
    assert order == ["urgent", "first", "second"]


def test_who_gives_up_takes_no_room() -> None:
    """A call whose time is over leaves its place in the queue to others."""
    limiter = ConcurrencyLimiter(1)
    slot = limiter.acquire(SHORT_SECONDS)
    with pytest.raises(DeadlineError):
        limiter.acquire(SHORT_SECONDS)
    limiter.release(slot, is_overloaded=False)
    assert limiter.acquire(SHORT_SECONDS) == slot


def test_who_is_asked_to_wait_keeps_its_place() -> None:
    """Waiting counts as a call in flight, so that waits make the calls fewer, down to one at a time."""
    limiter = ConcurrencyLimiter(2)
    first_slot, second_slot = fill_limiter(limiter)
    limiter.throttle(first_slot)
    limiter.release(second_slot, is_overloaded=True)
    with pytest.raises(DeadlineError):
        limiter.acquire(SHORT_SECONDS)
    assert limiter.limit == 1


def test_who_waits_again_and_again_halves_it_each_time() -> None:
    """Each refusal after a wait is a sign of its own."""
    limiter = ConcurrencyLimiter(8)
    slot = limiter.acquire(SHORT_SECONDS)
    limits = []
    for _ in range(3):
        slot = limiter.throttle(slot)
        limits.append(limiter.limit)
    assert limits == [4, 2, 1]
