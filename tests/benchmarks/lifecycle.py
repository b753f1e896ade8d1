"""What it costs to remember: judging with the lifecycle of every finding and backup, beside judging alone."""

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import LifecycleResult, advance
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from benchmarks.evaluation import BACKUPS_EACH, INDEXES, demanding, fleet
from benchmarks.figures import Figure, alternating, table

BAR = 2.0
ROUNDS = 5


def measure() -> list[Figure]:
    """Compare medians of the processor's time: the first night, and the one after it, on which everything is known."""
    first, policy = fleet(INDEXES, BACKUPS_EACH), demanding()
    memory = _both(EMPTY_STATE, first, policy).state
    second = replace(first, observed_at=first.observed_at + timedelta(days=1))
    nights = {"first night": (EMPTY_STATE, first), "night after": (memory, second)}
    return [_figure(night, *known, policy) for night, known in nights.items()]


def _figure(night: str, memory: ProjectState, inventory: Inventory, policy: Policy) -> Figure:
    alone = partial(_cost, partial(evaluate_controls, inventory, policy, CATALOG, memory))
    both = partial(_cost, partial(_both, memory, inventory, policy))
    medians = alternating({"alone": alone, "both": both}, ROUNDS)
    ratio = medians["both"] / medians["alone"]
    measured = f"{ratio:.2f} × ({medians['both']:.2f} s of CPU to {medians['alone']:.2f} s)"
    return Figure(f"judging with lifecycle beside judging alone, {night}", f"≤ {BAR:g} ×", measured, ratio <= BAR)


def _both(memory: ProjectState, inventory: Inventory, policy: Policy) -> LifecycleResult:
    judgement = evaluate_controls(inventory, policy, CATALOG, memory)
    return advance(memory, inventory, policy, judgement, f"audit of {inventory.observed_at}")


def _cost(action: Callable[[], object]) -> float:
    gc.collect()
    begun = time.process_time()
    action()
    return time.process_time() - begun


if __name__ == "__main__":
    print(table(measure()))
