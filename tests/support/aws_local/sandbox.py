"""One process of a built function, which handles one event after another, as in Lambda."""

import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from queue import Empty
from threading import Lock, Thread
from uuid import uuid4

from support.aws_local.cgroup import MemoryLimit, read_peak_memory
from support.aws_local.environment import build_variables, find_interpreter, make_runtime
from support.aws_local.function import Function
from support.aws_local.invocation import Invocation, InvocationOutcome, InvocationRequest, InvocationResponse
from support.aws_local.runtime_api import RuntimeApi
from support.aws_local.warm_runtime import CopiedProcess, start_warm_runtime
from support.clock import read_real_clock

_KEY_NUMBERS = count(1)
_MAX_INIT_SECONDS = 60.0
_STARTED_FUNCTIONS: set[str] = set()
"""The functions with a moved clock that this process has started in a new process."""


class Sandbox:
    """A process of a function, from its start until it ends or is closed."""

    def __init__(
        self, function: Function, folder: Path, *, endpoint: str | None = None, clock: Path | None = None
    ) -> None:
        """Start the process; `endpoint` is the URL of AWS, and `clock` the file with the offset of its clock."""
        self.function = function
        self.key = f"SANDBOX{next(_KEY_NUMBERS):013d}"
        """The access key of its calls."""
        self._stack = ExitStack()
        self._api = self._stack.enter_context(RuntimeApi())
        self.memory_limit = self._stack.enter_context(MemoryLimit(function.memory))
        self._log = folder / f"{self.key}.log"
        self._log_offset = 0
        self._close_lock = Lock()
        runtime = make_runtime(folder / "runtime")
        variables = build_variables(function, api=self._api.address, key=self.key, endpoint=endpoint, runtime=runtime)
        self._log.touch()
        self.started_at = time.perf_counter()
        self._process: subprocess.Popen[bytes] | CopiedProcess = (
            self._start_process("awslambdaric", variables)
            if clock is None
            else self._start_with_clock(variables | {"MOVED_CLOCK": str(clock)})
        )
        Thread(target=self._wait_for_exit, daemon=True).start()

    @property
    def is_usable(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def init_seconds(self) -> float:
        """The seconds from the start of the process until it requested its first event."""
        self._api.is_ready.wait(_MAX_INIT_SECONDS)
        return self._api.ready_at - self.started_at

    def invoke(self, event: bytes, request_id: str | None = None) -> Invocation:
        """Send an event, and wait for the response until the function's timeout; then kill the process."""
        invoked_at = time.perf_counter()
        timeout_seconds = self.function.timeout.total_seconds()
        request_id = request_id or str(uuid4())
        self._api.is_ready.wait(_MAX_INIT_SECONDS)
        self._api.requests.put(
            InvocationRequest(
                request_id, event, self.function.arn, int((read_real_clock().timestamp() + timeout_seconds) * 1000)
            )
        )
        try:
            response = self._api.responses.get(timeout=timeout_seconds)
        except Empty:
            response = InvocationResponse(
                InvocationOutcome.TIMEOUT, f"Task timed out after {timeout_seconds:.2f} seconds".encode()
            )
        peak_memory = read_peak_memory(self._process.pid)
        if response.outcome in {InvocationOutcome.TIMEOUT, InvocationOutcome.INIT_ERROR}:
            self.kill()
        elapsed_seconds = time.perf_counter() - invoked_at
        return Invocation(
            self.function.name,
            response.outcome,
            response.content,
            self._read_new_log(),
            elapsed_seconds,
            peak_memory,
            self.key,
            request_id,
        )

    def _start_with_clock(self, variables: Mapping[str, str]) -> "subprocess.Popen[bytes] | CopiedProcess":
        """Start a process whose clock is moved.

        The first process of each function imports all its modules. The next ones are copies of a process that has
        imported what functions share, because that takes most of a short run.
        """
        if self.function.name not in _STARTED_FUNCTIONS:
            _STARTED_FUNCTIONS.add(self.function.name)
            return self._start_process("moved_clock", variables)
        process = start_warm_runtime(self.function.layers).start_process(self.function, variables, self._log)
        self.memory_limit.add_process(process.pid)
        return process

    def _start_process(self, module: str, variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        command = (find_interpreter(), "-S", "-s", "-P", "-m", module, self.function.handler)
        with self._log.open("wb") as log:
            return subprocess.Popen(
                self.memory_limit.wrap_command(*command),
                cwd=self.function.task,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill the process, and remove its resources."""
        with self._close_lock:
            self.kill()
            self._stack.close()

    def _wait_for_exit(self) -> None:
        exit_code = self._process.wait()
        self._api.responses.put(InvocationResponse(InvocationOutcome.EXIT, f"Runtime exited with {exit_code}".encode()))
        self._api.is_ready.set()

    def _read_new_log(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._log_offset)
            content = log.read()
        self._log_offset += len(content)
        return content.decode(errors="replace")
