"""Whatever goes wrong, and however often: nothing is lost, nothing is sent again that is known to be accepted."""

from collections import Counter
from datetime import timedelta

import pytest

from support.faults.deliveries import World

SWEEP = timedelta(minutes=15)
NIGHT = 8
"""Sweeps while things go wrong: the longest wait and the longest lease have passed by then."""


def sweep(world: World) -> None:
    """Let a process deliver, a quarter of an hour after the last."""
    world.run()
    world.now += SWEEP


def check(seed: int) -> Counter[str]:
    """Let things go wrong for a night, then mend them; raise unless all is as promised."""
    world = World(seed)
    for _ in range(NIGHT):
        sweep(world)
    unsettled = {it.message.project for it in world.outbox.waiting.values()}
    shown = dict(world.failures)
    if unsettled and any(it.times > 1000 for it in world.mishaps):
        seen = []
        for _ in range(4):  # within an hour at the latest
            sweep(world)
            seen.append(world.failures)
        stuck = {it.message.project for it in world.outbox.waiting.values() if it.attempts > 1}
        for project in stuck:
            # a process that ends by itself, or is ended, is counted by Lambda
            assert any(it.get(project, 0) or not it for it in [*seen, shown]), (seed, project, world.mishaps)
    world.mishaps.clear()
    for _ in range(NIGHT):
        sweep(world)
    heard = Counter(part for _, part, _ in world.heard)
    expected = {part for message in world.messages for part in world.parts(message)}
    assert heard.keys() == expected, (seed, "lost")
    assert not world.outbox.waiting, (seed, "never settled")
    assert not world.after_settled, (seed, "sent though known to be accepted")
    first: set[str] = set()
    for _, part, is_repeat in world.heard:
        assert part not in first or is_repeat, (seed, "a repeat that does not say so", world.struck)
        first.add(part)
    struck = set(world.struck)
    if not {it.split()[1] for it in struck} & {"lost", "late", "killed"}:
        is_unnoted = bool(struck & {"record_progress fails", "record_progress refused"})
        was_needed = any(it.startswith(("mark_sent", "events")) for it in struck)
        assert max(heard.values()) == 1 or (is_unnoted and was_needed), (seed, "sent twice", struck)
    return Counter(set(world.struck))


def test_a_few_nights_in_which_things_go_wrong() -> None:
    """Each by its own seed."""
    struck: Counter[str] = Counter()
    for seed in range(150):
        struck += check(seed)
    assert len(struck) > 30, "too little went wrong for this to show anything"


@pytest.mark.soak
def test_many_nights_in_which_things_go_wrong() -> None:
    """Every sort of call went wrong in every way."""
    struck: Counter[str] = Counter()
    for seed in range(1000, 4000):
        struck += check(seed)
    assert len(struck) == 10 * 5
