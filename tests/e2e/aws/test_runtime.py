"""A built function runs as in Lambda, with its environment, its limits and its ends."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.aws_local.cgroup import MemoryLimit
from support.aws_local.function import Function
from support.aws_local.invocation import Invocation, InvocationOutcome
from support.aws_local.sample_functions import write_sample_function
from support.aws_local.sandbox import Sandbox

ENVIRONMENT_FUNCTION = """
    import os, sys
    COUNT = [0]

    def lambda_handler(event, context):
        COUNT[0] += 1
        print("told", event)
        return {
            "event": event, "count": COUNT[0], "path": sys.path, "variables": dict(os.environ),
            "request_id": context.aws_request_id, "left": context.get_remaining_time_in_millis(),
            "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn, "cwd": os.getcwd(),
        }
"""


def invoke_once(function: Function, folder: Path, event: object = None) -> Invocation:
    """Run a function once, in a process of its own."""
    with closing(Sandbox(function, folder)) as sandbox:
        return sandbox.invoke(json.dumps(event).encode())


@pytest.fixture(scope="module")
def environment_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Any, Any]]:
    """Run a function that tells of its surroundings twice in one process; hand out what it told."""
    folder = tmp_path_factory.mktemp("telling")
    function = write_sample_function(folder / "task", ENVIRONMENT_FUNCTION, variables={"STATE_TABLE": "a-table"})
    with closing(Sandbox(function, folder)) as sandbox:
        first_invocation, second_invocation = (sandbox.invoke(json.dumps({"n": number}).encode()) for number in (1, 2))
        assert "told {'n': 1}" in first_invocation.log
        assert "told {'n': 2}" in second_invocation.log
        assert "told {'n': 1}" not in second_invocation.log
        yield sandbox, json.loads(first_invocation.content), json.loads(second_invocation.content)


def test_a_process_serves_one_event_after_the_other(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """Objects of the first event are still there at the second."""
    _, first_invocation, second_invocation = environment_run
    assert (first_invocation["event"], first_invocation["count"]) == ({"n": 1}, 1)
    assert (second_invocation["event"], second_invocation["count"]) == ({"n": 2}, 2)
    assert first_invocation["request_id"] != second_invocation["request_id"]


def test_a_function_sees_the_environment_of_lambda(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """Variables, directory, time left and memory are those of the template and Lambda, and no others."""
    sandbox, first_invocation, _ = environment_run
    variables = first_invocation["variables"]
    assert variables["STATE_TABLE"] == "a-table"
    assert variables["AWS_ACCESS_KEY_ID"] == sandbox.key
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == first_invocation["memory"] == "256"
    assert variables["LAMBDA_TASK_ROOT"] == first_invocation["cwd"] == str(sandbox.function.task)
    assert 15_000 < first_invocation["left"] <= 20_000
    assert first_invocation["arn"] == sandbox.function.arn
    assert not {it for it in variables if it.startswith(("PYTEST", "XDG_", "VIRTUAL_ENV", "HOME"))}


def test_a_function_finds_nothing_of_the_development_environment(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """Its path holds its folder, the runtime's, and the interpreter's own modules."""
    _, first_invocation, _ = environment_run
    task, runtime, *other_paths = first_invocation["path"]
    assert task == first_invocation["cwd"]
    assert {it.name for it in Path(runtime).iterdir() if it.suffix != ".dist-info"} >= {"boto3", "awslambdaric"}
    assert not {"pydantic", "httpx", "moto", "aws_lambda_powertools"} & {it.name for it in Path(runtime).iterdir()}
    assert not [it for it in other_paths if "site-packages" in it or ".venv" in it]


def test_the_start_time_of_a_process_is_measured(environment_run: tuple[Sandbox, Any, Any]) -> None:
    """The time runs from the start until the first event is requested."""
    assert 0.01 < environment_run[0].init_seconds < 20


def test_what_a_handler_raises_is_the_error_of_the_invocation(tmp_path: Path) -> None:
    """The answer has the type and the text of the error, and the process continues."""
    function = write_sample_function(
        tmp_path / "task", "def lambda_handler(event, context): raise ValueError('no such ' + event)"
    )
    with closing(Sandbox(function, tmp_path)) as sandbox:
        invocation = sandbox.invoke(b'"project"')
        assert invocation.outcome is InvocationOutcome.ERROR
        assert json.loads(invocation.content)["errorMessage"] == "no such project"
        assert json.loads(invocation.content)["errorType"] == "ValueError"
        assert sandbox.is_usable


def test_a_function_that_cannot_be_imported_says_so(tmp_path: Path) -> None:
    """The error is reported before any event."""
    invocation = invoke_once(write_sample_function(tmp_path / "task", "import pydantic"), tmp_path)
    assert invocation.outcome is InvocationOutcome.INIT_ERROR
    assert "No module named 'pydantic'" in json.loads(invocation.content)["errorMessage"]


def test_a_function_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    """The process ends at the timeout of the template."""
    code = "import time\ndef lambda_handler(event, context): time.sleep(60)"
    function = write_sample_function(tmp_path / "task", code, timeout=timedelta(seconds=0.5))
    with closing(Sandbox(function, tmp_path)) as sandbox:
        assert sandbox.invoke(b"{}").outcome is InvocationOutcome.TIMEOUT
        assert not sandbox.is_usable


def test_a_process_that_ends_fails_its_invocation(tmp_path: Path) -> None:
    """Any end of the process is an error of the invocation."""
    code = "import os\ndef lambda_handler(event, context): os._exit(event)"
    assert invoke_once(write_sample_function(tmp_path / "task", code), tmp_path, 3).content == b"Runtime exited with 3"


def test_a_function_that_wants_more_memory_than_it_has_is_killed(tmp_path: Path) -> None:
    """Control groups enforce the limit, and elsewhere the peak is checked."""
    code = "def lambda_handler(event, context): return len(bytearray(event * 1024 * 1024))"
    function = write_sample_function(tmp_path / "task", code, memory=128)
    assert invoke_once(function, tmp_path, 40).outcome is InvocationOutcome.RESPONSE
    invocation = invoke_once(function, tmp_path, 200)
    with MemoryLimit(64) as limit:
        if limit.is_enforced:
            assert invocation.outcome is InvocationOutcome.EXIT
        else:
            assert invocation.peak_memory > 200 * 1024 * 1024


def test_nothing_is_left_of_a_closed_process(tmp_path: Path) -> None:
    """A closed process leaves no process and no port."""
    sandbox = Sandbox(write_sample_function(tmp_path / "task", ENVIRONMENT_FUNCTION), tmp_path)
    assert sandbox.invoke(b"{}").succeeded
    pid = sandbox._process.pid
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
