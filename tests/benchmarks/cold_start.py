"""Measure how long built functions take until they are ready for their first event, relative to a short function.

They run as on Lambda: compiled, from the built layer (`make build`), with the client of the runtime.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.built_functions import LAYER, build_function, write_function
from benchmarks.figures import Figure, format_table, measure_alternating
from support.aws_local.function import Function
from support.aws_local.sandbox import Sandbox

ROUNDS = 15
MAX_RATIO_TO_ORDINARY = 0.6
MAX_RATIOS_TO_COMPILED = {"audit": 1.05, "notify": 0.8, "dispatch": 0.8}
"""The maximum ratio of each function to the compiled reference."""

REFERENCE_CODE = """
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
    """Compare the medians of alternating starts, each in a new process."""
    with TemporaryDirectory() as folder:
        return list(_measure_figures(Path(folder)))


def _measure_figures(folder: Path) -> Iterator[Figure]:
    uncompiled = folder / "uncompiled"
    shutil.copytree(LAYER, uncompiled, ignore=shutil.ignore_patterns("__pycache__"))
    functions = {name: build_function(folder / name, name) for name in MAX_RATIOS_TO_COMPILED} | {
        "ordinary": write_function(folder / "ordinary", REFERENCE_CODE, layer=uncompiled),
        "compiled": write_function(folder / "compiled", REFERENCE_CODE),
    }
    medians = measure_alternating(
        {name: partial(_measure_seconds, it, folder) for name, it in functions.items()}, ROUNDS
    )
    comparisons = [
        ("audit", "ordinary", MAX_RATIO_TO_ORDINARY),
        *((name, "compiled", max_ratio) for name, max_ratio in MAX_RATIOS_TO_COMPILED.items()),
    ]
    for name, reference, max_ratio in comparisons:
        ratio = medians[name] / medians[reference]
        value = f"{ratio:.2f} × ({medians[name] * 1000:.0f} ms compared with {medians[reference] * 1000:.0f} ms)"
        label = f"cold start: `{name}` ready, compared with the reference, {reference}"
        yield Figure(label, f"≤ {max_ratio} ×", value, ratio <= max_ratio)


def _measure_seconds(function: Function, folder: Path) -> float:
    with closing(Sandbox(function, folder)) as sandbox:
        return sandbox.init_seconds


if __name__ == "__main__":
    print(format_table(measure()))
