"""No seeded fault loses a message or repeats an accepted one."""

from collections import Counter
from datetime import timedelta

import pytest

from support.faults.deliveries import DeliverySimulation

SWEEP_INTERVAL = timedelta(minutes=15)
HEALING_TIME = timedelta(hours=4)
SWEEPS_PER_NIGHT = 8
"""Sweeps while things go wrong: the longest wait and the longest lease have passed by then."""


def run_sweep(simulation: DeliverySimulation) -> None:
    """Let a process deliver, a quarter of an hour after the last."""
    simulation.run()
    simulation.now += SWEEP_INTERVAL


def check_seed(seed: int) -> Counter[str]:
    """Let things go wrong for a night, then mend them; raise unless all is as promised."""
    simulation = DeliverySimulation(seed)
    for _ in range(SWEEPS_PER_NIGHT):
        run_sweep(simulation)
    unsettled_projects = {it.message.project for it in simulation.outbox.pending_by_id.values()}
    failures_by_project = dict(simulation.failures_by_project)
    if unsettled_projects and any(it.times > 1000 for it in simulation.faults):
        failure_counts = []
        simulation.now += HEALING_TIME  # before, a retry may still succeed
        for _ in range(4):  # within an hour at the latest
            run_sweep(simulation)
            failure_counts.append(simulation.failures_by_project)
        stuck_projects = {it.message.project for it in simulation.outbox.pending_by_id.values() if it.attempts > 1}
        for project in stuck_projects:
            # a process that ends by itself, or is ended, is counted by Lambda
            assert any(it.get(project, 0) or not it for it in [*failure_counts, failures_by_project]), (
                seed,
                project,
                simulation.faults,
            )
    simulation.faults.clear()
    for _ in range(SWEEPS_PER_NIGHT):
        run_sweep(simulation)
    receipt_counts = Counter(part for _, part, _ in simulation.received_parts)
    expected = {part for message in simulation.messages for part in simulation.list_expected_parts(message)}
    assert receipt_counts.keys() == expected, (seed, "lost")
    assert not simulation.outbox.pending_by_id, (seed, "never settled")
    assert not simulation.sent_after_settled, (seed, "sent though known to be accepted")
    first_receipts: set[str] = set()
    for _, part, is_repeat in simulation.received_parts:
        assert part not in first_receipts or is_repeat, (
            seed,
            "a repeat that does not say so",
            simulation.triggered_faults,
        )
        first_receipts.add(part)
    triggered_faults = set(simulation.triggered_faults)
    if not {it.split()[1] for it in triggered_faults} & {"lost", "late", "killed"}:
        is_progress_lost = bool(triggered_faults & {"record_progress fails", "record_progress refused"})
        is_repeat_explained = any(it.startswith(("mark_sent", "events")) for it in triggered_faults)
        assert max(receipt_counts.values()) == 1 or (is_progress_lost and is_repeat_explained), (
            seed,
            "sent twice",
            triggered_faults,
        )
    return Counter(set(simulation.triggered_faults))


def test_nights_with_faults() -> None:
    """The guarantees hold for each seed."""
    triggered_counts: Counter[str] = Counter()
    for seed in range(150):
        triggered_counts += check_seed(seed)
    assert len(triggered_counts) > 30, "too little went wrong for this to show anything"


@pytest.mark.soak
def test_many_nights_with_faults() -> None:
    """Every kind of call failed in every way."""
    triggered_counts: Counter[str] = Counter()
    for seed in range(1000, 4000):
        triggered_counts += check_seed(seed)
    assert len(triggered_counts) == 10 * 5
