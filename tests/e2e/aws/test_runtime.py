"""Test that a built function runs as in Lambda, with the same environment, limits and outcomes."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.aws_local.application import BUILD_OUTPUT
from support.aws_local.cgroup import MemoryLimit
from support.aws_local.clock import MovedClock
from support.aws_local.function import Function
from support.aws_local.invocation import Invocation, InvocationOutcome
from support.aws_local.sample_functions import write_sample_function
from support.aws_local.sandbox import Sandbox
from support.aws_local.warm_runtime import CopiedProcess

ENVIRONMENT_FUNCTION = """
    import os, sys
    COUNT = [0]

    def lambda_handler(event, context):
        COUNT[0] += 1
        print("received", event)
        return {
            "event": event, "count": COUNT[0], "path": sys.path, "variables": dict(os.environ),
            "request_id": context.aws_request_id, "left": context.get_remaining_time_in_millis(),
            "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn, "cwd": os.getcwd(),
        }
"""


def invoke_once(function: Function, folder: Path, event: object = None) -> Invocation:
    """Run a function once, in a new process."""
    with closing(Sandbox(function, folder)) as sandbox:
        return sandbox.invoke(json.dumps(event).encode())


@pytest.fixture(scope="module")
def environment_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Any, Any]]:
    """Run a function that returns its environment twice in one process, and return both responses."""
    folder = tmp_path_factory.mktemp("environment")
    function = write_sample_function(folder / "task", ENVIRONMENT_FUNCTION, variables={"STATE_TABLE": "a-table"})
    with closing(Sandbox(function, folder)) as sandbox:
        first_invocation, second_invocation = (sandbox.invoke(json.dumps({"n": number}).encode()) for number in (1, 2))
        assert "received {'n': 1}" in first_invocation.log
        assert "received {'n': 2}" in second_invocation.log
        assert "received {'n': 1}" not in second_invocation.log
        yield sandbox, json.loads(first_invocation.content), json.loads(second_invocation.content)


def test_a_process_serves_several_events(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """A global object of the function keeps its value from the first event to the second."""
    _, first_invocation, second_invocation = environment_run
    assert (first_invocation["event"], first_invocation["count"]) == ({"n": 1}, 1)
    assert (second_invocation["event"], second_invocation["count"]) == ({"n": 2}, 2)
    assert first_invocation["request_id"] != second_invocation["request_id"]


def test_a_function_has_the_environment_of_lambda(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """The variables, the directory, the time left and the memory are those of the template and of Lambda."""
    sandbox, first_invocation, _ = environment_run
    variables = first_invocation["variables"]
    assert variables["STATE_TABLE"] == "a-table"
    assert variables["AWS_ACCESS_KEY_ID"] == sandbox.key
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == first_invocation["memory"] == "256"
    assert variables["LAMBDA_TASK_ROOT"] == first_invocation["cwd"] == str(sandbox.function.task)
    assert 15_000 < first_invocation["left"] <= 20_000
    assert first_invocation["arn"] == sandbox.function.arn
    assert not {it for it in variables if it.startswith(("PYTEST", "XDG_", "VIRTUAL_ENV", "HOME"))}


def test_a_function_cannot_import_the_development_environment(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """The import path has only the function's folder, the runtime's folder, and the standard library."""
    _, first_invocation, _ = environment_run
    task, runtime, *other_paths = first_invocation["path"]
    assert task == first_invocation["cwd"]
    assert {it.name for it in Path(runtime).iterdir() if it.suffix != ".dist-info"} >= {"boto3", "awslambdaric"}
    assert not {"pydantic", "httpx", "moto", "aws_lambda_powertools"} & {it.name for it in Path(runtime).iterdir()}
    assert not [it for it in other_paths if "site-packages" in it or ".venv" in it]


def test_the_start_time_of_a_process_is_measured(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """The start time ends when the process requests its first event."""
    assert 0.01 < environment_run[0].init_seconds < 20


def test_an_exception_of_a_handler_is_the_error_of_the_invocation(tmp_path: Path) -> None:
    """The response has the type and the message of the exception, and the process continues."""
    function = write_sample_function(
        tmp_path / "task", "def lambda_handler(event, context): raise ValueError('no such ' + event)"
    )
    with closing(Sandbox(function, tmp_path)) as sandbox:
        invocation = sandbox.invoke(b'"project"')
        assert invocation.outcome is InvocationOutcome.ERROR
        assert json.loads(invocation.content)["errorMessage"] == "no such project"
        assert json.loads(invocation.content)["errorType"] == "ValueError"
        assert sandbox.is_usable


def test_a_function_that_cannot_be_imported_reports_an_init_error(tmp_path: Path) -> None:
    """The error names the missing module, and no event is handled."""
    invocation = invoke_once(write_sample_function(tmp_path / "task", "import pydantic"), tmp_path)
    assert invocation.outcome is InvocationOutcome.INIT_ERROR
    assert "No module named 'pydantic'" in json.loads(invocation.content)["errorMessage"]


def test_a_function_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    """The process is killed at the timeout of the template."""
    code = "import time\ndef lambda_handler(event, context): time.sleep(60)"
    function = write_sample_function(tmp_path / "task", code, timeout=timedelta(seconds=0.5))
    with closing(Sandbox(function, tmp_path)) as sandbox:
        assert sandbox.invoke(b"{}").outcome is InvocationOutcome.TIMEOUT
        assert not sandbox.is_usable


def test_a_process_that_ends_fails_its_invocation(tmp_path: Path) -> None:
    """An invocation fails when the process ends by itself."""
    code = "import os\ndef lambda_handler(event, context): os._exit(event)"
    assert invoke_once(write_sample_function(tmp_path / "task", code), tmp_path, 3).content == b"Runtime exited with 3"


def test_a_function_that_exceeds_its_memory_limit_is_killed(tmp_path: Path) -> None:
    """Control groups enforce the limit; without control groups the peak shows the excess."""
    code = "def lambda_handler(event, context): return len(bytearray(event * 1024 * 1024))"
    function = write_sample_function(tmp_path / "task", code, memory=128)
    assert invoke_once(function, tmp_path, 40).outcome is InvocationOutcome.RESPONSE
    invocation = invoke_once(function, tmp_path, 200)
    with MemoryLimit(64) as limit:
        if limit.is_enforced:
            assert invocation.outcome is InvocationOutcome.EXIT
        else:
            assert invocation.peak_memory > 200 * 1024 * 1024


def test_a_closed_sandbox_ends_its_process(tmp_path: Path) -> None:
    """The process does not exist after its sandbox is closed."""
    sandbox = Sandbox(write_sample_function(tmp_path / "task", ENVIRONMENT_FUNCTION), tmp_path)
    assert sandbox.invoke(b"{}").succeeded
    pid = sandbox._process.pid
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_copied_process_is_like_a_new_one(tmp_path: Path) -> None:
    """The second process of a function with a moved clock is a copy: it has the environment of the first, and no event.

    The exit code of each is that of its invocation.
    """
    clock = MovedClock(tmp_path / "clock", MovedClock.EARLIEST)
    function = write_sample_function(
        tmp_path / "task",
        """
        import os, sys

        def lambda_handler(event, context):
            if event == 3:
                os._exit(event)
            return [os.getcwd(), sys.path, sys.argv[1:], os.read(0, 1).decode(), dict(os.environ)]
        """,
        name=f"toy-{tmp_path.name}",
        layers=(BUILD_OUTPUT.layer,),
        variables={"STATE_TABLE": "a-table"},
    )
    answers = []
    for process_type in (subprocess.Popen, CopiedProcess):
        with closing(Sandbox(function, tmp_path, clock=clock.file)) as sandbox:
            assert type(sandbox._process) is process_type
            *answer, variables = json.loads(sandbox.invoke(b"{}").content)
            assert (variables.pop("AWS_ACCESS_KEY_ID"), variables.pop("AWS_LAMBDA_LOG_STREAM_NAME")) == (
                sandbox.key,
            ) * 2
            assert variables.pop("AWS_LAMBDA_RUNTIME_API") == sandbox._api.address
            answers.append((answer, variables))
            assert sandbox.invoke(b"3").content == b"Runtime exited with 3"
    (new_answer, new_variables), copied_answer_and_variables = answers
    for name in ("LC_CTYPE", "PWD"):  # the interpreter and the shell of a new process can set them
        new_variables.pop(name, None)
    assert copied_answer_and_variables == (new_answer, new_variables)
