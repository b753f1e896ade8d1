"""The command in a process that does not import it again: a copy of a process that has imported the audit.

As a program, `python -P warm_start.py COMMAND` runs one request of each line of standard input in a copy of itself, and
writes its exit code. A copy has its own folder, environment and streams, and no standard input.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from threading import Lock, Timer
from typing import Any


class CommandServer:
    """The program below, for one command at a time."""

    def __init__(self, command: Path, environment: Mapping[str, str], timeout_seconds: float) -> None:
        """Start the program with an environment like those of its requests; it ends with this process."""
        self.lock = Lock()
        """The lock of the command that runs."""
        self._timeout_seconds = timeout_seconds
        self._folder = TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(self._stop)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> tuple[int, bytes, bytes]:
        """Run the command, and return its exit code and both outputs. Raises `TimeoutError` if it does not end."""
        paths = {name: Path(self._folder.name, name) for name in ("output", "error_output")}
        texts = {name: str(it) for name, it in paths.items()}
        request = {"arguments": arguments, "environment": environment, "folder": str(folder), **texts}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = Timer(self._timeout_seconds, os.killpg, (self._process.pid, signal.SIGKILL))
        timer.start()
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        code = self._process.stdout.readline()
        timer.cancel()
        if not code:
            raise TimeoutError(f"{arguments} did not end within {self._timeout_seconds} s")
        return int(code), paths["output"].read_bytes(), paths["error_output"].read_bytes()

    def _stop(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


def _prepare_process(request: Mapping[str, Any]) -> None:
    """Give this process the folder, the environment and the streams of a request."""
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["folder"])
    for descriptor, path in ((1, request["output"]), (2, request["error_output"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  it lives as long as the process


def _serve_requests(command: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            request = json.loads(line)
            _prepare_process(request)
            sys.argv = [command, *request["arguments"]]
            runpy.run_path(command, run_name="__main__")  # ends the process
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201  the result of the program


def _import_modules() -> None:
    """Import what the subcommands import, and compile the page that some of them write."""
    for module in iter_modules(import_module("backup_auditor.cli").__path__, "backup_auditor.cli."):
        import_module(module.name)
    import_module("httpcore")  # httpx imports it with the first request
    import_module("backup_auditor.rendering.html.page").load_page_template()


if __name__ == "__main__":
    _import_modules()
    gc.freeze()  # no copy collects what all of them share
    _serve_requests(sys.argv[1])
