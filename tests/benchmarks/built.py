"""Built functions for benchmarks, compiled as they ship, and a project on loopback for them to audit."""

import compileall
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from backup_auditor_simulator.project import SimulatedProject
from support.aws.moto import moto_served
from support.aws.single_project import deploy, names_for, project_at, secret_is
from support.aws_local.function import Function
from support.aws_local.sample_functions import toy
from support.simulator import serving

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "build/layer-x86_64"
MEBIBYTES = 1024
"""The memory of `audit`, which sets its share of a processor."""
TIMEOUT = timedelta(minutes=15)
EVENT = b'{"project": "search"}'

type Variables = Mapping[str, str]


def built(folder: Path, name: str, variables: Variables | None = None) -> Function:
    """Return a function of the application."""
    return function_of(folder, (ROOT / "functions" / name / "app.py").read_text(encoding="utf-8"), variables=variables)


def function_of(
    folder: Path, code: str, *, beside: str | None = None, variables: Variables | None = None, layer: Path = LAYER
) -> Function:
    """Write a function, with another one as `as_it_is.py` beside it, and compile it."""
    conditions = {"layers": (layer,), "memory": MEBIBYTES, "timeout": TIMEOUT, "variables": dict(variables or {})}
    function = toy(folder, code, **conditions)
    if beside is not None:
        shutil.copy(ROOT / "functions" / beside / "app.py", folder / "as_it_is.py")
    if layer == LAYER:
        compileall.compile_dir(str(folder), quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return function


@contextmanager
def audited_by_functions(world: SimulatedProject, application: str) -> Iterator[Variables]:
    """Serve a project and an application's AWS, and return the variables that lead functions there."""
    names = names_for(application)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with serving(world) as server, moto_served() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        deploy(names)
        secret_is(server.viewer_key)
        yield {**environ, **names, **project_at(server)}
