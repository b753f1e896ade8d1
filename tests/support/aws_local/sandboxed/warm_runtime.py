"""The start of functions that do not import again what all functions import: `python -m warm_runtime`.

Each line of standard input is a request. Its function runs in a copy of this process, with its own environment, folder
and log. The id of the copy is written to standard output, and its exit code to the named pipe of the request.
"""

import gc
import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from moved_clock import move_clock  # type: ignore[import-not-found]  # in a sandbox it has no package

_PACKAGES = (
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.utilities.idempotency",
    "httpcore",
    "httpx",
    "yaml",
)
_SERVICES = ("dynamodb", "events", "s3", "secretsmanager", "sns", "ssm")
_BOOTSTRAP = "backup_auditor.bootstrap"
"""The package that reads the environment when it is imported, so each copy imports it."""


def _import_packages() -> None:
    """Import what functions import, and parse what botocore and Jinja parse once in each process."""
    import botocore.session  # noqa: PLC0415  the clock is moved first

    setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))  # noqa: B010  it has no type
    session = import_module("boto3").session.Session("key", "secret", region_name=os.environ["AWS_REGION"])
    for service in _SERVICES:
        session.client(service)
    for name in _PACKAGES:
        import_module(name)
    for module in walk_packages(import_module("backup_auditor").__path__, "backup_auditor."):
        if not module.name.startswith(_BOOTSTRAP):
            import_module(module.name)
    import_module("backup_auditor.rendering.html.page").load_page_template()


def _prepare_process(request: Mapping[str, Any]) -> None:
    """Give this process the environment, the folder and the streams of a request."""
    path_length = len(os.environ["PYTHONPATH"].split(":"))
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:path_length] = os.environ["PYTHONPATH"].split(":")
    os.chdir(request["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(request["log"], os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)


def _run_copy(request: Mapping[str, Any]) -> None:
    """Run the function of a request in a copy; write its process id, wait for its end, and write its exit code."""
    pid = os.fork()
    if pid == 0:
        _prepare_process(request)
        sys.argv = ["awslambdaric", request["handler"]]
        sys.exit(import_module("awslambdaric.__main__").main(sys.argv))
    print(pid, flush=True)  # noqa: T201  the result of the program
    _, status = os.waitpid(pid, 0)
    Path(request["exit_code"]).write_text(str(os.waitstatus_to_exitcode(status)), encoding="ascii")
    os._exit(0)


def _serve_requests() -> None:
    for line in sys.stdin:
        if os.fork() == 0:
            _run_copy(json.loads(line))
        _remove_ended_processes()


def _remove_ended_processes() -> None:
    """Release the processes of `_run_copy` that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    move_clock()
    _import_packages()
    gc.collect()
    gc.freeze()  # no copy collects what all of them share
    _serve_requests()
