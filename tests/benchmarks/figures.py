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

    what: str
    bar: str
    measured: str
    holds: bool


def alternating[Key](runs: Mapping[Key, Callable[[], float]], rounds: int) -> dict[Key, float]:
    """Run each once to warm up, then all in turn so many times; return the median of what each measured."""
    for run in runs.values():
        run()
    measured: dict[Key, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            measured[key].append(run())
    return {key: median(values) for key, values in measured.items()}


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def table(figures: list[Figure]) -> str:
    """Draw figures as a Markdown table, with the day and the kind of machine they were measured on."""
    rows = [f"| {it.what} | {it.bar} | {it.measured} | {'yes' if it.holds else '**no**'} |" for it in figures]
    heading = ["| figure | limit | measured | reached |", "|---|---|---|---|"]
    return "\n".join([*heading, *rows, "", f"{time.strftime('%Y-%m-%d')}, {machine()}"])


def machine() -> str:
    """Say what kind of machine this is, not which one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} on {platform.machine()}, {cores} cores, Python {platform.python_version()}"
