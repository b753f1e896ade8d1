"""Processes of functions that do not import again what all functions import: that takes most of a short run."""

import atexit
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread

from support.aws_local.environment import build_variables, find_interpreter, make_runtime
from support.aws_local.function import Function


class CopiedProcess:
    """A process that `WarmRuntime` started; it has the methods of `subprocess.Popen` that sandboxes call."""

    def __init__(self, pid: int, exit_code_pipe: Path) -> None:
        """Wait for its exit code in another thread."""
        self.pid = pid
        self._exit_code_pipe = exit_code_pipe
        self._exit_code: int | None = None
        self._thread = Thread(target=self._read_exit_code, daemon=True)
        self._thread.start()

    def poll(self) -> int | None:
        """Return the exit code; `None` while the process runs."""
        return self._exit_code

    def wait(self) -> int:
        """Return the exit code once the process has ended."""
        self._thread.join()
        if self._exit_code is None:
            raise RuntimeError(f"the exit code of process {self.pid} is unknown; its warm runtime ended before it")
        return self._exit_code

    def kill(self) -> None:
        """Kill the process."""
        if self._exit_code is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return  # it has just ended

    def _read_exit_code(self) -> None:
        text = self._exit_code_pipe.read_text(encoding="ascii")
        self._exit_code = int(text) if text else None


class WarmRuntime:
    """A process that has imported what functions import, and starts functions as copies of itself."""

    def __init__(self, layers: tuple[Path, ...]) -> None:
        """Start the process; it ends with this one."""
        self._lock = Lock()
        self._folder = TemporaryDirectory()
        function = Function(name="", arn="", role="", handler="", task=Path(self._folder.name), layers=layers)
        runtime = make_runtime(Path(self._folder.name, "runtime"))
        self._process = subprocess.Popen(
            [find_interpreter(), "-S", "-s", "-P", "-m", "warm_runtime"],
            env=build_variables(function, api="", key="", endpoint=None, runtime=runtime),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._stop)

    def start_process(self, function: Function, environment: Mapping[str, str], log: Path) -> CopiedProcess:
        """Start the process of a function, whose output is appended to a log that exists."""
        exit_code_pipe = log.with_suffix(".exit")
        os.mkfifo(exit_code_pipe)
        request = {
            "environment": environment,
            "exit_code": str(exit_code_pipe),
            "folder": str(function.task),
            "handler": function.handler,
            "log": str(log),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(f"{json.dumps(request)}\n")
            self._process.stdin.flush()
            pid = self._process.stdout.readline()
        if not pid:
            raise RuntimeError("the warm runtime ended; its error is in the standard error of this process")
        return CopiedProcess(int(pid), exit_code_pipe)

    def _stop(self) -> None:
        with self._process:  # closes its standard input, which ends it
            self._folder.cleanup()


start_warm_runtime = cache(WarmRuntime)
