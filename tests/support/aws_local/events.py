"""The flow of events: what is put on the bus reaches the functions that rules name, at least once and in any order."""

import json
import random
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

import pytest
from moto.events.models import Rule

from support.aws_local.aws import Aws
from support.aws_local.clients import client
from support.aws_local.dead_letters import put_away
from support.aws_local.iam import allowed
from support.aws_local.invocation import Invocation
from support.aws_local.requests import Need
from support.aws_local.runner import Runner
from support.aws_local.stack import Stack

_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one function."""

    function: str
    """Its logical name."""
    event: Mapping[str, Any]
    failures: int = 0
    request_id: str = field(default_factory=lambda: str(uuid4()))
    """Lambda gives the repetitions of one invocation the same."""


class Flow:
    """EventBridge, Scheduler, and the asynchronous side of Lambda."""

    def __init__(self, aws: Aws, stack: Stack, runner: Runner, *, seed: int = 0, repeats: float = 0.0) -> None:
        """Begin with nothing on its way; `repeats` is how likely an event is delivered twice."""
        self.dead: list[Delivery] = []
        """What was given up, and put into the queue of dead letters."""
        self.events: dict[str, Mapping[str, Any]] = {}
        """Every event that was put on the bus, by its id."""
        self.repeats = repeats
        self.lateness = 1.0
        """How likely the second one of two comes when the first is done, and not at once."""
        self._aws = aws
        self._stack = stack
        self._runner = runner
        self._chance = random.Random(seed)  # noqa: S311  the same each time
        self._waiting: deque[Delivery] = deque()
        self._later: list[Delivery] = []
        """What failed, and is repeated when a minute has passed: when all else is done."""
        self._lock = Lock()

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Put an event on the application's bus, as anybody may."""
        entry = {
            "Source": "backup-auditor",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": self._stack.physical["Bus"],
        }
        client("events", self._aws.endpoint).put_events(Entries=[entry])

    def told(self, detail_type: str) -> list[Mapping[str, Any]]:
        """Return what events of a type said, each time that one was put."""
        return [it["detail"] for it in self.events.values() if it["detail-type"] == detail_type]

    def fire(self, schedule: str, moment: datetime) -> None:
        """Let the clock strike for a schedule."""
        found = self._stack.schedules[schedule]
        function = self._stack.functions[found.function]
        need = Need("lambda:InvokeFunction", function.arn)
        if not allowed(need, self._stack.statements[found.role]):
            raise AssertionError(f"{schedule} may not invoke {found.function}")
        scheduled = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = found.event.replace("<aws.scheduler.scheduled-time>", scheduled)
        if "<aws." in text:
            raise NotImplementedError(f"{schedule} has attributes in its input that nobody knows here: {text}")
        self.deliver(found.function, json.loads(text))

    def deliver(self, function: str, event: Mapping[str, Any]) -> None:
        """Send an event on its way, once or twice."""
        with self._lock:
            self._waiting.append(Delivery(function, event))
            if self._chance.random() < self.repeats:
                again = self._later if self._chance.random() < self.lateness else self._waiting
                again.append(Delivery(function, event))

    def run(self) -> list[Invocation]:
        """Deliver, in any order, until nothing is on its way any more; return what was invoked."""
        before = len(self._runner.done)
        running: set[Future[None]] = set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while True:
                while len(running) < _AT_ONCE and (delivery := self._next()) is not None:
                    running.add(pool.submit(self._invoke, delivery))
                if not running and not self._later:
                    return self._runner.done[before:]
                if not running:
                    self._waiting.extend(self._later)
                    self._later.clear()
                    continue
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for it in done:
                    it.result()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Let the rules of moto's bus hand their events to this."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Rule, "send_to_targets", lambda rule, event, transform_input=True: self._matched(rule, event))  # noqa: ARG005
            yield

    def _matched(self, rule: Rule, event: Any) -> None:
        moment = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = {name: it for name, it in event.items() if name != "ingestion-time"} | {"time": moment}
        self.events[told["id"]] = told
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            return
        for target in rule.targets:
            self.deliver(self._stack.function_of(target["Arn"]), told)

    def _next(self) -> Delivery | None:
        with self._lock:
            if not self._waiting:
                return None
            self._waiting.rotate(self._chance.randrange(len(self._waiting)))
            return self._waiting.popleft()

    def _invoke(self, delivery: Delivery) -> None:
        done = self._runner.invoke(delivery.function, json.dumps(delivery.event).encode(), delivery.request_id)
        if done.succeeded:
            return
        failed = replace(delivery, failures=delivery.failures + 1)
        function = self._stack.functions[delivery.function]
        if failed.failures <= function.retries:
            with self._lock:
                self._later.append(failed)
            return
        self.dead.append(failed)
        put_away(self._aws, function, self._stack.statements[function.role], delivery.event, done)
