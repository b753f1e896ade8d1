"""Measure an evaluation with the lifecycle of every finding and backup, relative to an evaluation alone."""

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import advance
from backup_auditor.domain.lifecycle.state_change import LifecycleResult
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from benchmarks.evaluation import BACKUPS_PER_INDEX, INDEXES, build_demanding_policy, build_inventory
from benchmarks.figures import Figure, format_table, measure_alternating

MAX_RATIO = 2.0
ROUNDS = 5


def measure() -> list[Figure]:
    """Compare the medians of CPU time for the first night, and for the second night, when everything is recorded."""
    first_inventory, policy = build_inventory(INDEXES, BACKUPS_PER_INDEX), build_demanding_policy()
    state = _evaluate_and_advance(EMPTY_STATE, first_inventory, policy).state
    second_inventory = replace(first_inventory, observed_at=first_inventory.observed_at + timedelta(days=1))
    inputs_by_night = {"first night": (EMPTY_STATE, first_inventory), "night after": (state, second_inventory)}
    return [
        _measure_figure(night, *state_and_inventory, policy) for night, state_and_inventory in inputs_by_night.items()
    ]


def _measure_figure(night: str, state: ProjectState, inventory: Inventory, policy: Policy) -> Figure:
    run_evaluation = partial(_measure_cpu_seconds, partial(evaluate_controls, inventory, policy, CATALOG, state))
    run_both = partial(_measure_cpu_seconds, partial(_evaluate_and_advance, state, inventory, policy))
    medians = measure_alternating({"alone": run_evaluation, "both": run_both}, ROUNDS)
    ratio = medians["both"] / medians["alone"]
    value = f"{ratio:.2f} × ({medians['both']:.2f} s of CPU to {medians['alone']:.2f} s)"
    return Figure(
        f"evaluation with lifecycle compared with evaluation alone, {night}",
        f"≤ {MAX_RATIO:g} ×",
        value,
        ratio <= MAX_RATIO,
    )


def _evaluate_and_advance(state: ProjectState, inventory: Inventory, policy: Policy) -> LifecycleResult:
    evaluation = evaluate_controls(inventory, policy, CATALOG, state)
    return advance(state, inventory, policy, evaluation.findings, f"audit of {inventory.observed_at}")


def _measure_cpu_seconds(action: Callable[[], object]) -> float:
    gc.collect()
    started_at = time.process_time()
    action()
    return time.process_time() - started_at


if __name__ == "__main__":
    print(format_table(measure()))
