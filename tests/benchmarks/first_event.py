"""Measure the first event of the built `audit`, relative to a function that imports everything at its start."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from backup_auditor.bootstrap.runtime import now
from benchmarks.built_functions import (
    EVENT,
    MEMORY_MIB,
    Variables,
    build_function,
    serve_audited_project,
    write_function,
)
from benchmarks.figures import Figure, format_table, measure_alternating
from support.aws_local.cgroup import CpuShare
from support.aws_local.function import Function
from support.aws_local.invocation import Invocation
from support.aws_local.sandbox import Sandbox
from support.simulator import add_healthy_index, build_empty_project

CPU_SHARE = MEMORY_MIB / 1769
ROUNDS = 15
MAX_RATIO = 1.0

LISTING_CODE = """
import sys
import original

def lambda_handler(event, context):
    before = frozenset(sys.modules)
    original.lambda_handler(event, context)
    return sorted(it for it in sys.modules if it not in before and not it.startswith("__"))
"""
EAGER_CODE = """
import importlib
import original
from backup_auditor.bootstrap.aws import get_sources

for name in {modules}:
    importlib.import_module(name)
AWS = get_sources("audit").aws
CLIENTS = AWS.secrets, AWS.dynamodb, AWS.s3, AWS.events

def lambda_handler(event, context):
    return original.lambda_handler(event, context)
"""


def measure() -> list[Figure]:
    """Compare the medians of alternating first events, each in a new process."""
    with TemporaryDirectory() as folder:
        return [_measure_first_event(Path(folder))]


def _measure_first_event(folder: Path) -> Figure:
    project = build_empty_project(now())
    add_healthy_index(project, "orders")
    with serve_audited_project(project, "first event") as variables, CpuShare(CPU_SHARE) as share:
        medians = measure_alternating(_prepare_runs(folder, variables, share), ROUNDS)
    ratio = medians["lazy"] / medians["eager"]
    value = f"{ratio:.2f} × ({medians['lazy'] * 1000:.0f} ms compared with {medians['eager'] * 1000:.0f} ms)"
    processor = f"{CPU_SHARE:.2f} of a processor" if share.is_enforced else "a whole processor"
    label = f"first event: `audit` done, with {processor}, compared with all imported before"
    return Figure(label, f"≤ {MAX_RATIO:.2f} ×", value, round(ratio, 2) <= MAX_RATIO)


def _prepare_runs(folder: Path, variables: Variables, share: CpuShare) -> dict[str, Callable[[], float]]:
    listing_function = write_function(folder / "listing", LISTING_CODE, wrapped_name="audit", variables=variables)
    eager_code = EAGER_CODE.format(modules=json.loads(_invoke(listing_function, folder).content))
    functions = {
        "lazy": build_function(folder / "lazy", "audit", variables),
        "eager": write_function(folder / "eager", eager_code, wrapped_name="audit", variables=variables),
    }

    def prepare_run(function: Function) -> Callable[[], float]:
        return lambda: _measure_seconds(function, folder, share)

    return {name: prepare_run(it) for name, it in functions.items()}


def _measure_seconds(function: Function, folder: Path, share: CpuShare) -> float:
    with closing(Sandbox(function, folder)) as sandbox:
        share.add_process(sandbox._process.pid)
        _require_success(sandbox.invoke(EVENT))
        return time.perf_counter() - sandbox.started_at


def _invoke(function: Function, folder: Path) -> Invocation:
    with closing(Sandbox(function, folder)) as sandbox:
        return _require_success(sandbox.invoke(EVENT))


def _require_success(invocation: Invocation) -> Invocation:
    if not invocation.succeeded:
        raise RuntimeError(invocation.log)
    return invocation


if __name__ == "__main__":
    print(format_table(measure()))
