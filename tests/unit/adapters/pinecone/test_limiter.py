"""How many calls may be in flight at once."""

from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from time import monotonic

import pytest

from backup_auditor.adapters.pinecone.flow_control import (
    INITIAL_CONCURRENCY,
    CallSlots,
    ConcurrencyLimiter,
    Deadline,
)
from backup_auditor.errors import DeadlineError, UnavailableError

SHORT_SECONDS = 0.001
LONG_SECONDS = 10.0


def fill_limiter(limiter: ConcurrencyLimiter) -> list[int]:
    """Acquire places until the next one would have to wait."""
    return [limiter.acquire(SHORT_SECONDS) for _ in range(limiter.limit)]


def release_all(limiter: ConcurrencyLimiter, slots: list[int], *, is_overloaded: bool = False) -> None:
    """Release all places as successful calls or as overloads."""
    for slot in slots:
        limiter.release(slot, is_overloaded=is_overloaded)


def test_the_limit_starts_at_eight() -> None:
    """Eight calls get a place at first, and the ninth waits."""
    limiter = ConcurrencyLimiter(32)
    assert len(fill_limiter(limiter)) == INITIAL_CONCURRENCY
    with pytest.raises(DeadlineError):
        limiter.acquire(SHORT_SECONDS)


def test_a_low_maximum_is_never_exceeded() -> None:
    """With a maximum of 3 the limit starts at 3 and stays there."""
    limiter = ConcurrencyLimiter(3)
    release_all(limiter, fill_limiter(limiter))
    assert limiter.limit == 3


def test_the_limit_doubles_with_each_round_trip_up_to_the_maximum() -> None:
    """While all calls succeed, the limit is 8, 16, 32, and no higher."""
    limiter = ConcurrencyLimiter(32)
    limits = []
    for _ in range(4):
        limits.append(limiter.limit)
        release_all(limiter, fill_limiter(limiter))
    assert limits == [8, 16, 32, 32]


def test_an_overload_halves_the_limit_once_for_all_calls_in_flight() -> None:
    """Eight throttled calls of one round count once."""
    limiter = ConcurrencyLimiter(32)
    release_all(limiter, fill_limiter(limiter), is_overloaded=True)
    assert limiter.limit == 4


def test_each_round_can_halve_the_limit_down_to_one() -> None:
    """The limit never reaches zero."""
    limiter = ConcurrencyLimiter(32)
    limits = []
    for _ in range(5):
        release_all(limiter, fill_limiter(limiter), is_overloaded=True)
        limits.append(limiter.limit)
    assert limits == [4, 2, 1, 1, 1]


def test_after_an_overload_a_round_trip_adds_one() -> None:
    """After the first overload the limit grows by one per round of successful calls."""
    limiter = ConcurrencyLimiter(32)
    release_all(limiter, fill_limiter(limiter), is_overloaded=True)
    limit_before = limiter.limit
    release_all(limiter, fill_limiter(limiter))
    release_all(limiter, fill_limiter(limiter))
    assert limiter.limit in {limit_before + 1, limit_before + 2}


def start_waiting_thread(
    limiter: ConcurrencyLimiter, order: list[str], name: str, *, is_urgent: bool = False
) -> Thread:
    """Start a thread that waits for a place and records its name."""

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


def test_waiting_calls_get_places_in_order_with_urgent_calls_first() -> None:
    """An urgent call overtakes all calls that wait."""
    limiter = ConcurrencyLimiter(1)
    slot = limiter.acquire(SHORT_SECONDS)
    order: list[str] = []
    threads = [start_waiting_thread(limiter, order, "first"), start_waiting_thread(limiter, order, "second")]
    threads.append(start_waiting_thread(limiter, order, "urgent", is_urgent=True))
    limiter.release(slot, is_overloaded=False)
    for thread in threads:
        thread.join()
    assert order == ["urgent", "first", "second"]


def test_a_call_that_stops_waiting_uses_no_place() -> None:
    """A call that reaches its deadline leaves the queue."""
    limiter = ConcurrencyLimiter(1)
    slot = limiter.acquire(SHORT_SECONDS)
    with pytest.raises(DeadlineError):
        limiter.acquire(SHORT_SECONDS)
    limiter.release(slot, is_overloaded=False)
    assert limiter.acquire(SHORT_SECONDS) == slot


def test_a_throttled_call_keeps_its_place() -> None:
    """A throttled call counts as in flight, so that waits reduce the calls in flight, down to one."""
    limiter = ConcurrencyLimiter(2)
    first_slot, second_slot = fill_limiter(limiter)
    limiter.throttle(first_slot)
    limiter.release(second_slot, is_overloaded=True)
    with pytest.raises(DeadlineError):
        limiter.acquire(SHORT_SECONDS)
    assert limiter.limit == 1


def test_each_throttled_attempt_halves_the_limit() -> None:
    """A call that is throttled again after a wait halves the limit again."""
    limiter = ConcurrencyLimiter(8)
    slot = limiter.acquire(SHORT_SECONDS)
    limits = []
    for _ in range(3):
        slot = limiter.throttle(slot)
        limits.append(limiter.limit)
    assert limits == [4, 2, 1]


def test_slots_are_the_limit_of_all_calls_together() -> None:
    """While two calls hold both slots, a third is not sent; it is once one of them has ended."""
    slots = CallSlots(2)
    with slots.hold_slot(make_deadline(LONG_SECONDS)):
        with slots.hold_slot(make_deadline(LONG_SECONDS)), pytest.raises(DeadlineError):
            slots.hold_slot(make_deadline(SHORT_SECONDS)).__enter__()
        with slots.hold_slot(make_deadline(LONG_SECONDS)):
            pass


def test_a_failed_call_returns_its_slot() -> None:
    """The only slot is free after an error."""
    slots = CallSlots(1)
    with suppress(UnavailableError), slots.hold_slot(make_deadline(LONG_SECONDS)):
        raise UnavailableError("no response")
    with slots.hold_slot(make_deadline(SHORT_SECONDS)):
        pass


def test_no_slot_is_given_after_the_deadline() -> None:
    """A call whose time is over is not sent, although a slot is free."""
    with pytest.raises(DeadlineError):
        CallSlots(1).hold_slot(make_deadline(-1.0)).__enter__()


def make_deadline(seconds: float) -> Deadline:
    """Return a deadline so many seconds from now."""
    return Deadline(timedelta(seconds=seconds), monotonic)
