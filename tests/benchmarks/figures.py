"""What a benchmark hands over: a figure beside its bar."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured, and what it has to reach."""

    label: str
    target: str
    value: str
    is_met: bool


def measure_alternating[Key](runs: Mapping[Key, Callable[[], float]], rounds: int) -> dict[Key, float]:
    """Run each once to warm up, then all in turn so many times; return the median of what each measured."""
    for run in runs.values():
        run()
    values_by_key: dict[Key, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            values_by_key[key].append(run())
    return {key: median(values) for key, values in values_by_key.items()}


def measure_seconds(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    started_at = time.perf_counter()
    action()
    return time.perf_counter() - started_at


def format_table(figures: list[Figure]) -> str:
    """Draw figures as a Markdown table, with the day and the kind of machine they were measured on."""
    rows = [f"| {it.label} | {it.target} | {it.value} | {'yes' if it.is_met else '**no**'} |" for it in figures]
    header = ["| figure | limit | measured | reached |", "|---|---|---|---|"]
    return "\n".join([*header, *rows, "", f"{time.strftime('%Y-%m-%d')}, {describe_machine()}"])


def describe_machine() -> str:
    """Say what kind of machine this is, not which one."""
    core_count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} on {platform.machine()}, {core_count} cores, Python {platform.python_version()}"
