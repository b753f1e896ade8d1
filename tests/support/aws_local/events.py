"""The flow of events in time: schedules and rules send events to queues and functions, at least once, in any order."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any
from uuid import uuid4

import pytest
from moto.events.models import Rule

from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.clock import MovedClock
from support.aws_local.iam import is_allowed
from support.aws_local.invocation import Invocation
from support.aws_local.queues import QueueMessage, QueueTrigger, SimulatedQueues
from support.aws_local.requests import Permission
from support.aws_local.runner import FunctionRunner
from support.aws_local.stack import Stack

_MAX_CONCURRENCY = 3
"""How many functions run at once on the machine of the tests."""
_ASYNC_RETRY_WAITS = (timedelta(minutes=1), timedelta(minutes=2))
"""The waits before Lambda's retries of a failed asynchronous invocation."""
_DUPLICATE_WAIT = timedelta(minutes=1)
"""The wait before a late duplicate."""
_QUIET_SCHEDULES = frozenset(("NightlySchedule", "DrillSchedule"))
"""The schedules that only tests fire: each test chooses its nights, and its runs of restore drills."""
_POLL_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""The actions that Lambda needs for the queue of a function."""
_RATE = re.compile(r"rate\((\d+) (minute|hour)s?\)")


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """One asynchronous delivery of an event to a function."""

    function: str
    """The logical name of the function."""
    event: Mapping[str, Any]
    due_at: datetime
    failures: int = 0
    request_id: str = field(default_factory=lambda: str(uuid4()))
    """The request id; Lambda uses the same id for all retries of an invocation."""


class EventFlow:
    """EventBridge, Scheduler, the queues, and the asynchronous invocations of Lambda, on a clock that tests move."""

    def __init__(
        self,
        aws: LocalAws,
        stack: Stack,
        runner: FunctionRunner,
        clock: MovedClock,
        *,
        repeat_probability: float = 0.0,
    ) -> None:
        """Start without pending events; each event is delivered twice with `repeat_probability`."""
        self.events: dict[str, Mapping[str, Any]] = {}
        """Every event on the bus, by id."""
        self.dead_letter_counts: list[tuple[datetime, int]] = []
        """The number of dead letters after each change."""
        self.max_concurrency = _MAX_CONCURRENCY
        self.repeat_probability = repeat_probability
        self.late_repeat_probability = 1.0
        """The probability that a duplicate arrives after the first event is processed, and not at once."""
        self.peaks: Counter[str] = Counter()
        """How many messages of each queue were processed at once at most."""
        self._aws = aws
        self._stack = stack
        self._runner = runner
        self._clock = clock
        self._rng = random.Random(0)  # noqa: S311  a seeded choice, not a secret
        self._queues = SimulatedQueues(stack.queues)
        self._triggers = {it.function: it for it in stack.triggers}
        self._deliveries: list[EventDelivery] = []
        self._running: Counter[str] = Counter()
        self._lock = Lock()
        self._intervals = {
            name: _parse_rate(it.expression) for name, it in stack.schedules.items() if name not in _QUIET_SCHEDULES
        }
        self._due_times = {name: clock.now() + it for name, it in self._intervals.items()}
        self._check_poll_permissions()

    @property
    def dead_letters(self) -> list[QueueMessage]:
        """The messages in the dead-letter queue."""
        return list(self._queues.messages[self._stack.dead_letter_queue])

    def clear_dead_letters(self) -> None:
        """Empty the dead-letter queue, as an operator does."""
        self._queues.messages[self._stack.dead_letter_queue].clear()
        self.dead_letter_counts.append((self._clock.now(), 0))

    def redrive(self) -> None:
        """Send all dead letters to their queues again."""
        self._queues.redrive(self._stack.dead_letter_queue, self._clock.now())
        self.dead_letter_counts.append((self._clock.now(), 0))

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
        if schedule.target in self._stack.queues:
            permission = Permission("sqs:SendMessage", self._stack.queues[schedule.target].arn)
        else:
            permission = Permission("lambda:InvokeFunction", self._stack.functions[schedule.target].arn)
        if not is_allowed(permission, self._stack.statements[schedule.role]):
            raise AssertionError(f"{schedule_name} may not use {schedule.target}")
        scheduled_text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = schedule.event.replace("<aws.scheduler.scheduled-time>", scheduled_text)
        if "<aws." in text:
            raise NotImplementedError(f"{schedule_name} has unknown attributes in its input: {text}")
        self._send(schedule.target, json.loads(text))

    def deliver(self, function: str, event: Mapping[str, Any]) -> None:
        """Send an event to the queue of a function, or to the function if it has none, once or twice."""
        trigger = self._triggers.get(function)
        self._send(function if trigger is None else trigger.queue, event)

    def deliver_all(self) -> list[Invocation]:
        """Deliver events until none is pending, without schedules; the clock moves to each retry."""
        return self._run(None)

    def run_until(self, moment: datetime) -> list[Invocation]:
        """Deliver events, and fire sweep and watch, until a time; the clock moves from one to the next."""
        return self._run(moment)

    @contextmanager
    def connect_rules(self) -> Iterator[None]:
        """Send the events that match the rules of moto's bus to this flow."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Rule, "send_to_targets", lambda rule, event, **_: self._deliver_matched(rule, event))
            yield

    def _run(self, end: datetime | None) -> list[Invocation]:
        first_invocation = len(self._runner.invocations)
        if end is not None:
            self._skip_missed_schedules()
        with ThreadPoolExecutor(self.max_concurrency) as pool:
            while True:
                self._work_off(pool)
                next_time = self._find_next_time(has_schedules=end is not None)
                if next_time is None or (end is not None and next_time > end):
                    break
                self._clock.move_to(next_time)
                if end is not None:
                    self._fire_due_schedules()
        if end is not None:
            self._clock.move_to(end)
        return self._runner.invocations[first_invocation:]

    def _work_off(self, pool: ThreadPoolExecutor) -> None:
        """Do everything that is due, in any order."""
        futures: set[Future[None]] = set()
        while True:
            while len(futures) < self.max_concurrency and (step := self._take_next()) is not None:
                futures.add(pool.submit(step))
            if not futures:
                return
            finished, futures = wait(futures, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()

    def _take_next(self) -> Callable[[], None] | None:
        """Return a step that is due, chosen at random; `None` if nothing is due or all queues are at their limit."""
        now = self._clock.now()
        with self._lock:
            deliveries = [it for it in self._deliveries if it.due_at <= now]
            triggers = [it for it in self._stack.triggers if self._has_visible(it, now)]
            choice = self._rng.randrange(len(deliveries) + len(triggers)) if deliveries or triggers else -1
            if choice < 0:
                return None
            if choice < len(deliveries):
                self._deliveries.remove(deliveries[choice])
                return partial(self._invoke, deliveries[choice])
            trigger = triggers[choice - len(deliveries)]
            self._rng.shuffle(self._queues.messages[trigger.queue])
            message = self._queues.receive(trigger.queue, now)
            self._count_dead_letters(now)
            if message is None:
                return lambda: None
            self._running[trigger.queue] += 1
            self.peaks[trigger.queue] = max(self.peaks[trigger.queue], self._running[trigger.queue])
            # the event has the receive count of this attempt
            return partial(self._process, trigger, message, message.build_event(self._stack.queues[trigger.queue]))

    def _has_visible(self, trigger: QueueTrigger, now: datetime) -> bool:
        limit = trigger.max_concurrency
        has_capacity = limit is None or self._running[trigger.queue] < limit
        return has_capacity and any(it.visible_at <= now for it in self._queues.messages[trigger.queue])

    def _find_next_time(self, *, has_schedules: bool) -> datetime | None:
        times = [it.due_at for it in self._deliveries]
        times += [it.visible_at for trigger in self._stack.triggers for it in self._queues.messages[trigger.queue]]
        return min([*times, *(self._due_times.values() if has_schedules else ())], default=None)

    def _fire_due_schedules(self) -> None:
        now = self._clock.now()
        for name, due_at in self._due_times.items():
            if due_at <= now:
                self.fire_schedule(name, due_at)
                self._due_times[name] = due_at + self._intervals[name]

    def _skip_missed_schedules(self) -> None:
        """Skip the runs before the present: a test that sets the clock does not want them."""
        now = self._clock.now()
        for name, interval in self._intervals.items():
            missed_count = (now - self._due_times[name]) // interval
            self._due_times[name] += (missed_count + 1) * interval if missed_count >= 0 else timedelta()

    def _deliver_matched(self, rule: Rule, event: Any) -> None:
        moment = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        delivered_event = {name: it for name, it in event.items() if name != "ingestion-time"} | {"time": moment}
        self.events[delivered_event["id"]] = delivered_event
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            return
        for target in rule.targets:
            self._send(self._stack.find_target(target["Arn"]), delivered_event)

    def _send(self, target: str, event: Mapping[str, Any]) -> None:
        """Send an event to a queue or, asynchronously, to a function."""
        with self._lock:
            now = self._clock.now()
            copies_at: tuple[datetime, ...] = ()
            if self._rng.random() < self.repeat_probability:
                is_late = self._rng.random() < self.late_repeat_probability
                copies_at = (now + (_DUPLICATE_WAIT if is_late else timedelta()),)
            if target in self._stack.queues:
                self._queues.send(target, json.dumps(event), now, copies_at)
            else:
                self._deliveries += [EventDelivery(target, event, it) for it in (now, *copies_at)]

    def _process(self, trigger: QueueTrigger, message: QueueMessage, event: Mapping[str, Any]) -> None:
        """Pass a message to the function of its queue, and delete it if the function answers it."""
        invocation = self._runner.invoke(trigger.function, json.dumps(event).encode())
        failed_ids = set()
        if invocation.succeeded:
            failures = json.loads(invocation.content)["batchItemFailures"]
            failed_ids = {it["itemIdentifier"] for it in failures}
        with self._lock:
            self._running[trigger.queue] -= 1
            if invocation.succeeded and message.message_id not in failed_ids:
                self._queues.delete(trigger.queue, message)

    def _invoke(self, delivery: EventDelivery) -> None:
        invocation = self._runner.invoke(delivery.function, json.dumps(delivery.event).encode(), delivery.request_id)
        if not invocation.succeeded and delivery.failures < len(_ASYNC_RETRY_WAITS):
            due_at = self._clock.now() + _ASYNC_RETRY_WAITS[delivery.failures]
            with self._lock:
                self._deliveries.append(replace(delivery, due_at=due_at, failures=delivery.failures + 1))

    def _count_dead_letters(self, now: datetime) -> None:
        count = len(self._queues.messages[self._stack.dead_letter_queue])
        if count != (self.dead_letter_counts[-1][1] if self.dead_letter_counts else 0):
            self.dead_letter_counts.append((now, count))

    def _check_poll_permissions(self) -> None:
        """Check that Lambda may poll each queue with the role of its function."""
        for trigger in self._stack.triggers:
            statements = self._stack.statements[self._stack.functions[trigger.function].role]
            for action in _POLL_ACTIONS:
                if not is_allowed(Permission(action, self._stack.queues[trigger.queue].arn), statements):
                    raise AssertionError(f"the role of {trigger.function} does not allow {action}")


def _parse_rate(expression: str) -> timedelta:
    match = _RATE.fullmatch(expression)
    if match is None:
        raise NotImplementedError(f"this schedule is not supported here: {expression}")
    return int(match[1]) * (timedelta(minutes=1) if match[2] == "minute" else timedelta(hours=1))
