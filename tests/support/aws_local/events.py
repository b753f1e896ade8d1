"""The flow of events: rules send events to functions, at least once and in any order."""

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

from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.dead_letters import send_dead_letter
from support.aws_local.iam import is_allowed
from support.aws_local.invocation import Invocation
from support.aws_local.requests import Permission
from support.aws_local.runner import FunctionRunner
from support.aws_local.stack import Stack

_MAX_CONCURRENCY = 3


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """One delivery of an event to a function."""

    function: str
    """The logical name of the function."""
    event: Mapping[str, Any]
    failures: int = 0
    request_id: str = field(default_factory=lambda: str(uuid4()))
    """The request id; Lambda uses the same id for all retries of an invocation."""


class EventFlow:
    """EventBridge, Scheduler, and the asynchronous invocations of Lambda."""

    def __init__(
        self, aws: LocalAws, stack: Stack, runner: FunctionRunner, *, seed: int = 0, repeat_probability: float = 0.0
    ) -> None:
        """Start without pending events; each event is delivered twice with `repeat_probability`."""
        self.dead_letters: list[EventDelivery] = []
        """The deliveries that failed in all attempts and went to the dead-letter queue."""
        self.events: dict[str, Mapping[str, Any]] = {}
        """Every event on the bus, by id."""
        self.repeat_probability = repeat_probability
        self.late_repeat_probability = 1.0
        """The probability that a duplicate arrives after the first event is processed, and not at once."""
        self._aws = aws
        self._stack = stack
        self._runner = runner
        self._rng = random.Random(seed)  # noqa: S311  a seeded choice, not a secret
        self._pending: deque[EventDelivery] = deque()
        self._delayed: list[EventDelivery] = []
        """Failed deliveries, which are retried after a minute: when all other deliveries are done."""
        self._lock = Lock()

    def put_event(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Put an event on the application's bus."""
        entry = {
            "Source": "backup-auditor",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": self._stack.physical_ids["Bus"],
        }
        open_client("events", self._aws.endpoint).put_events(Entries=[entry])

    def list_details(self, detail_type: str) -> list[Mapping[str, Any]]:
        """Return the details of all events of a type."""
        return [it["detail"] for it in self.events.values() if it["detail-type"] == detail_type]

    def fire_schedule(self, schedule_name: str, moment: datetime) -> None:
        """Run a schedule at a time."""
        schedule = self._stack.schedules[schedule_name]
        function = self._stack.functions[schedule.function]
        permission = Permission("lambda:InvokeFunction", function.arn)
        if not is_allowed(permission, self._stack.statements[schedule.role]):
            raise AssertionError(f"{schedule_name} may not invoke {schedule.function}")
        scheduled_text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = schedule.event.replace("<aws.scheduler.scheduled-time>", scheduled_text)
        if "<aws." in text:
            raise NotImplementedError(f"{schedule_name} has unknown attributes in its input: {text}")
        self.deliver(schedule.function, json.loads(text))

    def deliver(self, function: str, event: Mapping[str, Any]) -> None:
        """Queue an event for delivery, once or twice."""
        with self._lock:
            self._pending.append(EventDelivery(function, event))
            if self._rng.random() < self.repeat_probability:
                target = self._delayed if self._rng.random() < self.late_repeat_probability else self._pending
                target.append(EventDelivery(function, event))

    def deliver_all(self) -> list[Invocation]:
        """Deliver events in any order until none is pending; return the invocations."""
        first_invocation = len(self._runner.invocations)
        futures: set[Future[None]] = set()
        with ThreadPoolExecutor(_MAX_CONCURRENCY) as pool:
            while True:
                while len(futures) < _MAX_CONCURRENCY and (delivery := self._take_next()) is not None:
                    futures.add(pool.submit(self._invoke, delivery))
                if not futures and not self._delayed:
                    return self._runner.invocations[first_invocation:]
                if not futures:
                    self._pending.extend(self._delayed)
                    self._delayed.clear()
                    continue
                finished, futures = wait(futures, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()

    @contextmanager
    def connect_rules(self) -> Iterator[None]:
        """Send the events that match the rules of moto's bus to this flow."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Rule, "send_to_targets", lambda rule, event, **_: self._deliver_matched(rule, event))
            yield

    def _deliver_matched(self, rule: Rule, event: Any) -> None:
        moment = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        delivered_event = {name: it for name, it in event.items() if name != "ingestion-time"} | {"time": moment}
        self.events[delivered_event["id"]] = delivered_event
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            return
        for target in rule.targets:
            self.deliver(self._stack.find_function(target["Arn"]), delivered_event)

    def _take_next(self) -> EventDelivery | None:
        with self._lock:
            if not self._pending:
                return None
            self._pending.rotate(self._rng.randrange(len(self._pending)))
            return self._pending.popleft()

    def _invoke(self, delivery: EventDelivery) -> None:
        invocation = self._runner.invoke(delivery.function, json.dumps(delivery.event).encode(), delivery.request_id)
        if invocation.succeeded:
            return
        failed_delivery = replace(delivery, failures=delivery.failures + 1)
        function = self._stack.functions[delivery.function]
        if failed_delivery.failures <= function.retries:
            with self._lock:
                self._delayed.append(failed_delivery)
            return
        self.dead_letters.append(failed_delivery)
        send_dead_letter(self._aws, function, self._stack.statements[function.role], delivery.event, invocation)
