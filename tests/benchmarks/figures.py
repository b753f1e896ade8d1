"""Figures of benchmarks with their limits, and functions that measure and print them."""

import importlib
import os
import platform
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and its limit."""

    label: str
    target: str
    value: str
    is_met: bool


def measure_benchmark(name: str) -> list[Figure]:
    """Run one benchmark. A failure is a figure that misses its limit, so that it costs no other figure."""
    try:
        return list(importlib.import_module(f"benchmarks.{name}").measure())
    except Exception as error:  # noqa: BLE001  the others must be measured
        traceback.print_exc()
        return [Figure(f"benchmark `{name}`", "no error", f"failed: {type(error).__name__}", is_met=False)]


def measure_alternating[Key](runs: Mapping[Key, Callable[[], float]], rounds: int) -> dict[Key, float]:
    """Run each once as a warm-up, then all in turn for a number of rounds; return the median of each."""
    for run in runs.values():
        run()
    values_by_key: dict[Key, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            values_by_key[key].append(run())
    return {key: median(values) for key, values in values_by_key.items()}


def measure_seconds(action: Callable[[], object]) -> float:
    """Return the duration of an action in seconds."""
    started_at = time.perf_counter()
    action()
    return time.perf_counter() - started_at


def format_table(figures: list[Figure]) -> str:
    """Return figures as a Markdown table, with the day and the kind of machine of the measurement."""
    rows = [f"| {it.label} | {it.target} | {it.value} | {'yes' if it.is_met else '**no**'} |" for it in figures]
    header = ["| figure | limit | measured | reached |", "|---|---|---|---|"]
    return "\n".join([*header, *rows, "", f"{time.strftime('%Y-%m-%d')}, {describe_machine()}"])


def describe_machine() -> str:
    """Return the kind of this machine, without its name."""
    core_count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} on {platform.machine()}, {core_count} cores, Python {platform.python_version()}"
