"""Processes for the functions of a stack: idle ones are reused, and each calls AWS with its function's role."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Self

from support.aws_local.aws import LocalAws
from support.aws_local.callers import Principal
from support.aws_local.clock import MovedClock
from support.aws_local.function import Function
from support.aws_local.invocation import Invocation
from support.aws_local.sandbox import Sandbox
from support.aws_local.stack import Stack


class FunctionRunner:
    """The processes of all functions, while its context lasts. Safe to use from many threads."""

    def __init__(self, aws: LocalAws, stack: Stack, folder: Path, clock: MovedClock | None = None) -> None:
        """Start without processes; the functions read `clock` if it is given."""
        self.invocations: list[Invocation] = []
        """Every invocation so far."""
        self._aws = aws
        self._stack = stack
        self._folder = folder
        self._clock = clock
        self._idle_sandboxes: defaultdict[str, list[Sandbox]] = defaultdict(list)
        self._lock = Lock()

    def __enter__(self) -> Self:
        """Return the runner."""
        return self

    def __exit__(self, *_: object) -> None:
        """End every process."""
        self.end_processes()

    def invoke(self, function: str, event: bytes, request_id: str | None = None) -> Invocation:
        """Invoke a function by its logical name, in a process that serves no other event at that time."""
        sandbox = self._take_sandbox(function)
        invocation = sandbox.invoke(event, request_id)
        if self._clock is not None:
            invocation = replace(invocation, ended_at=self._clock.now())
        with self._lock:
            self.invocations.append(invocation)
            if sandbox.is_usable:
                self._idle_sandboxes[function].append(sandbox)
                return invocation
        sandbox.close()
        return invocation

    def end_processes(self) -> None:
        """End idle processes, as Lambda does after some time: the next invocation is a cold start."""
        with self._lock:
            idle_sandboxes = [it for sandboxes in self._idle_sandboxes.values() for it in sandboxes]
            self._idle_sandboxes.clear()
        for sandbox in idle_sandboxes:
            sandbox.close()

    def _take_sandbox(self, function: str) -> Sandbox:
        with self._lock:
            while self._idle_sandboxes[function]:
                sandbox = self._idle_sandboxes[function].pop()
                if sandbox.is_usable:
                    return sandbox
                sandbox.close()
        return self._start_sandbox(self._stack.functions[function])

    def _start_sandbox(self, function: Function) -> Sandbox:
        clock = self._clock.file if self._clock else None
        sandbox = Sandbox(function, self._folder, endpoint=self._aws.endpoint, clock=clock)
        statements = self._stack.statements[function.role]
        self._aws.principals[sandbox.key] = Principal(function.name, statements, sandbox.kill)
        return sandbox
