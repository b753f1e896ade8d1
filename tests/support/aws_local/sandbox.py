"""One process that runs a built function, one event after the other, as Lambda would run it."""

import subprocess
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from queue import Empty
from threading import Lock, Thread
from uuid import uuid4

from support.aws_local.cgroup import Limit, peak_of
from support.aws_local.environment import interpreter, make_runtime, variables_of
from support.aws_local.function import Function
from support.aws_local.invocation import Answer, Asked, End, Invocation
from support.aws_local.runtime_api import RuntimeApi
from support.clock import real_now

_KEYS = count(1)
_LONGEST_INIT = 60.0


class Sandbox:
    """A process of a function, from its start until it is closed, or ends by itself."""

    def __init__(
        self, function: Function, folder: Path, *, endpoint: str | None = None, clock: Path | None = None
    ) -> None:
        """Start it; `endpoint` is where its AWS is, and `clock` the file of a clock that was moved."""
        self.function = function
        self.key = f"SANDBOX{next(_KEYS):013d}"
        """The access key of its calls."""
        self._stack = ExitStack()
        self._api = self._stack.enter_context(RuntimeApi())
        self.limit = self._stack.enter_context(Limit(function.memory))
        self._log = folder / f"{self.key}.log"
        self._read = 0
        self._closing = Lock()
        runtime = make_runtime(folder / "runtime")
        words = (interpreter(), "-S", "-s", "-P", "-m", "moved_clock" if clock else "awslambdaric", function.handler)
        variables = variables_of(function, api=self._api.address, key=self.key, endpoint=endpoint, runtime=runtime)
        with self._log.open("wb") as log:
            self.started_at = time.perf_counter()
            self._process = subprocess.Popen(
                self.limit.command(*words),
                cwd=function.task,
                env=variables | ({"MOVED_CLOCK": str(clock)} if clock else {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        Thread(target=self._watch, daemon=True).start()

    @property
    def is_usable(self) -> bool:
        """Whether its process still runs."""
        return self._process.poll() is None

    @property
    def init_seconds(self) -> float:
        """How long it took from the start of the process until it was ready for its first event."""
        self._api.is_ready.wait(_LONGEST_INIT)
        return self._api.ready_at - self.started_at

    def invoke(self, event: bytes, request_id: str | None = None) -> Invocation:
        """Give it an event, and wait for its answer, for as long as the function may take; then it is killed."""
        began = time.perf_counter()
        seconds = self.function.timeout.total_seconds()
        request_id = request_id or str(uuid4())
        self._api.is_ready.wait(_LONGEST_INIT)
        self._api.asked.put(Asked(request_id, event, self.function.arn, int((real_now().timestamp() + seconds) * 1000)))
        try:
            answer = self._api.answers.get(timeout=seconds)
        except Empty:
            answer = Answer(End.TIMEOUT, f"Task timed out after {seconds:.2f} seconds".encode())
        peak = peak_of(self._process.pid)
        if answer.end in {End.TIMEOUT, End.INIT_ERROR}:
            self.kill()
        took = time.perf_counter() - began
        return Invocation(
            self.function.name, answer.end, answer.content, self._new_log(), took, peak, self.key, request_id
        )

    def kill(self) -> None:
        """End its process at once, wherever it is."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, and remove what was made for it."""
        with self._closing:
            self.kill()
            self._stack.close()

    def _watch(self) -> None:
        code = self._process.wait()
        self._api.answers.put(Answer(End.EXIT, f"Runtime exited with {code}".encode()))
        self._api.is_ready.set()

    def _new_log(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._read)
            content = log.read()
        self._read += len(content)
        return content.decode(errors="replace")
