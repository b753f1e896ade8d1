"""Built functions for benchmarks, compiled as they are deployed, and a project on loopback that they audit."""

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
from support.aws.moto import serve_moto
from support.aws.single_project import create_resources, make_project_variables, make_resource_names, put_secret
from support.aws_local.function import Function
from support.aws_local.sample_functions import write_sample_function
from support.simulator import serve

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "build/layer-x86_64"
MEMORY_MIB = 1024
"""The memory of `audit`, which determines its share of a CPU."""
TIMEOUT = timedelta(minutes=15)
EVENT = b'{"project": "search"}'

type Variables = Mapping[str, str]


def build_function(folder: Path, name: str, variables: Variables | None = None) -> Function:
    """Return a function of the application."""
    return write_function(
        folder, (ROOT / "functions" / name / "app.py").read_text(encoding="utf-8"), variables=variables
    )


def write_function(
    folder: Path, code: str, *, wrapped_name: str | None = None, variables: Variables | None = None, layer: Path = LAYER
) -> Function:
    """Write and compile a function; a wrapped function is `original.py` in the same folder."""
    settings = {"layers": (layer,), "memory": MEMORY_MIB, "timeout": TIMEOUT, "variables": dict(variables or {})}
    function = write_sample_function(folder, code, **settings)
    if wrapped_name is not None:
        shutil.copy(ROOT / "functions" / wrapped_name / "app.py", folder / "original.py")
    if layer == LAYER:
        compileall.compile_dir(str(folder), quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return function


@contextmanager
def serve_audited_project(project: SimulatedProject, application: str) -> Iterator[Variables]:
    """Serve a project and the AWS of an application, and yield the variables of a function that uses them."""
    names = make_resource_names(application)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with serve(project) as server, serve_moto() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        create_resources(names)
        put_secret(server.viewer_key)
        yield {**environ, **names, **make_project_variables(server)}
