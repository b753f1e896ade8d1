"""How soon built functions are ready for their first event, beside a function of a few lines.

They run as Lambda runs them: compiled, from the built layer (`make build`), under the runtime's own client.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.built import LAYER, built, function_of
from benchmarks.figures import Figure, alternating, table
from support.aws_local.function import Function
from support.aws_local.sandbox import Sandbox

ROUNDS = 15
OF_ORDINARY = 0.6
BARS = {"audit": 1.05, "notify": 0.8, "dispatch": 0.8}
"""Of the reference, compiled."""

REFERENCE = """
import boto3
import httpx
from aws_lambda_powertools import Logger, Metrics
from pydantic import BaseModel

class Model(BaseModel):
    name: str
    count: int

CLIENT = boto3.client("dynamodb")
LOGGER = Logger(service="reference")
METRICS = Metrics(namespace="Reference", service="reference")

def lambda_handler(event, context):
    return {}
"""


def measure() -> list[Figure]:
    """Compare medians of alternating starts, each in a process of its own."""
    with TemporaryDirectory() as folder:
        return list(_figures(Path(folder)))


def _figures(folder: Path) -> Iterator[Figure]:
    uncompiled = folder / "uncompiled"
    shutil.copytree(LAYER, uncompiled, ignore=shutil.ignore_patterns("__pycache__"))
    functions = {name: built(folder / name, name) for name in BARS} | {
        "ordinary": function_of(folder / "ordinary", REFERENCE, layer=uncompiled),
        "compiled": function_of(folder / "compiled", REFERENCE),
    }
    medians = alternating({name: partial(_seconds, it, folder) for name, it in functions.items()}, ROUNDS)
    bars = [("audit", "ordinary", OF_ORDINARY), *((name, "compiled", bar) for name, bar in BARS.items())]
    for name, reference, bar in bars:
        ratio = medians[name] / medians[reference]
        shown = f"{ratio:.2f} × ({medians[name] * 1000:.0f} ms beside {medians[reference] * 1000:.0f} ms)"
        what = f"cold start: `{name}` ready, beside the reference, {reference}"
        yield Figure(what, f"≤ {bar} ×", shown, ratio <= bar)


def _seconds(function: Function, folder: Path) -> float:
    with closing(Sandbox(function, folder)) as sandbox:
        return sandbox.init_seconds


if __name__ == "__main__":
    print(table(measure()))
