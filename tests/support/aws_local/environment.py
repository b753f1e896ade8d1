"""The environment of a function in Lambda: an interpreter without packages, and a folder of runtime packages."""

import importlib.metadata
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from support.aws_local.function import Function

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
"""The packages of the Python 3.13 runtime of Lambda."""
_CLIENT_PACKAGES = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""The packages of the runtime interface client."""
REGION = "eu-central-1"
ACCOUNT = "123456789012"
_HERE = Path(__file__).parent


def find_interpreter() -> str:
    """Return the interpreter that this environment was created from."""
    return str(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))


def make_runtime(folder: Path) -> Path:
    """Link the runtime's packages and the programs that move the clock into a folder."""
    if folder.exists():
        return folder
    new_folder = folder.with_name(f"{folder.name}-{uuid4().hex}")
    new_folder.mkdir(parents=True)
    for program in (_HERE / "sandboxed").glob("*.py"):
        (new_folder / program.name).symlink_to(program)
    for package in (*RUNTIME_PACKAGES, *_CLIENT_PACKAGES):
        for name in _find_top_paths(package):
            (new_folder / name.name).symlink_to(name)
    with suppress(OSError):  # another process was faster
        new_folder.rename(folder)
    return folder


def build_variables(function: Function, *, api: str, key: str, endpoint: str | None, runtime: Path) -> dict[str, str]:
    """Return the environment of a function's process: the variables of its template, overridden by those of Lambda.

    `key` is the access key that identifies the calls of this process.
    """
    task = str(function.task)
    layers = [str(it / "python") for it in function.layers]
    lambda_variables: Mapping[str, str] = {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-role",
        "AWS_SESSION_TOKEN": "token-of-the-role",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON" if function.logs_json else "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": key,
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": REGION,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "LAMBDA_TASK_ROOT": task,
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",  # the file system of a function is read-only
        "PYTHONPATH": ":".join([task, *layers, str(runtime)]),
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
    return {**function.variables, **lambda_variables} | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})


def _find_top_paths(package: str) -> set[Path]:
    """Return the top-level files and folders that a package installs."""
    files = importlib.metadata.files(package) or []
    names = {it.parts[0] for it in files if ".." not in it.parts and it.parts[0] != "__pycache__"}
    root = Path(str(importlib.metadata.distribution(package).locate_file("")))
    return {root / it for it in names}
