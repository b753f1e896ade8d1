"""How soon the built `audit` is done with its first event, beside one that imports everything before."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from backup_auditor.bootstrap.runtime import now
from benchmarks.built import EVENT, MEBIBYTES, Variables, audited_by_functions, built, function_of
from benchmarks.figures import Figure, alternating, table
from support.aws_local.cgroup import CpuShare
from support.aws_local.function import Function
from support.aws_local.invocation import Invocation
from support.aws_local.sandbox import Sandbox
from support.simulator import add_healthy_index, empty_world

SHARE = MEBIBYTES / 1769
ROUNDS = 15
MOST = 1.0

TELLING = """
import sys
import as_it_is

def lambda_handler(event, context):
    before = frozenset(sys.modules)
    as_it_is.lambda_handler(event, context)
    return sorted(it for it in sys.modules if it not in before and not it.startswith("__"))
"""
EAGER = """
import importlib
import as_it_is
from backup_auditor.bootstrap.nightly import nightly

for name in {modules}:
    importlib.import_module(name)
AWS = nightly().aws
CLIENTS = AWS.secrets, AWS.dynamodb, AWS.s3, AWS.events

def lambda_handler(event, context):
    return as_it_is.lambda_handler(event, context)
"""


def measure() -> list[Figure]:
    """Compare medians of alternating first events, each in a process of its own."""
    with TemporaryDirectory() as folder:
        return [_first_event(Path(folder))]


def _first_event(folder: Path) -> Figure:
    world = empty_world(now())
    add_healthy_index(world, "orders")
    with audited_by_functions(world, "first event") as variables, CpuShare(SHARE) as share:
        medians = alternating(_ways(folder, variables, share), ROUNDS)
    ratio = medians["lazy"] / medians["eager"]
    shown = f"{ratio:.2f} × ({medians['lazy'] * 1000:.0f} ms beside {medians['eager'] * 1000:.0f} ms)"
    processor = f"{SHARE:.2f} of a processor" if share.holds else "a whole processor"
    what = f"first event: `audit` done, with {processor}, beside all imported before"
    return Figure(what, f"≤ {MOST:.2f} ×", shown, round(ratio, 2) <= MOST)


def _ways(folder: Path, variables: Variables, share: CpuShare) -> dict[str, Callable[[], float]]:
    telling = function_of(folder / "telling", TELLING, beside="audit", variables=variables)
    eager = EAGER.format(modules=json.loads(_invoked(telling, folder).content))
    functions = {
        "lazy": built(folder / "lazy", "audit", variables),
        "eager": function_of(folder / "eager", eager, beside="audit", variables=variables),
    }

    def way(function: Function) -> Callable[[], float]:
        return lambda: _seconds(function, folder, share)

    return {name: way(it) for name, it in functions.items()}


def _seconds(function: Function, folder: Path, share: CpuShare) -> float:
    with closing(Sandbox(function, folder)) as sandbox:
        share.take(sandbox._process.pid)
        _good(sandbox.invoke(EVENT))
        return time.perf_counter() - sandbox.started_at


def _invoked(function: Function, folder: Path) -> Invocation:
    with closing(Sandbox(function, folder)) as sandbox:
        return _good(sandbox.invoke(EVENT))


def _good(invocation: Invocation) -> Invocation:
    if not invocation.succeeded:
        raise RuntimeError(invocation.log)
    return invocation


if __name__ == "__main__":
    print(table(measure()))
