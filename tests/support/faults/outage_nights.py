"""Nights of a fleet in which one service is out for hours, and what each must leave behind."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.application import NIGHT, Application
from support.aws_local.nights import DAY
from support.aws_local.outages import Outage
from support.aws_local.recipients import DeliveredMessage, list_topic_messages, list_webhook_messages
from support.slack_server import UNAVAILABLE_ANSWER

SERVICES = ("pinecone", "s3", "dynamodb", "events", "secretsmanager", "ssm", "sns", "slack")
_FIRST_NIGHT = datetime(2026, 11, 20, 4, 15, tzinfo=UTC)


def build_fleet(count: int) -> dict[str, SimulatedProject]:
    """Build projects with one compliant index each."""
    projects = {}
    for number in range(count):
        project = projects[f"team-{number:02d}"] = SimulatedProject(_FIRST_NIGHT - timedelta(days=9))
        project.create_index("orders")
        project.create_schedule("orders", "nightly")
        project.advance_to(_FIRST_NIGHT - timedelta(hours=1))
    return projects


class OutageNights:
    """A sequence of nights of a fleet. In each, every project has a new finding, so that every channel has an alert."""

    def __init__(self, folder: Path, project_count: int) -> None:
        """Deploy the application and run a night without an outage."""
        self.projects = build_fleet(project_count)
        self.app = Application(folder, self.projects, _FIRST_NIGHT - timedelta(hours=1))
        self.moment = _FIRST_NIGHT - DAY
        self._first_invocation = 0
        self._positions = (0, 0, 0)
        self.run_night(None)
        self.call_counts = {it: self._count_calls(it) for it in SERVICES}
        """How many calls of each service a night without an outage has."""

    def close(self) -> None:
        """Stop the application."""
        self.app.__exit__(None, None, None)

    def make_outage(self, service: str, duration: timedelta, *, after: int = 0) -> Outage:
        """Return an outage of a service, from its call number `after` of the next night on."""
        return Outage(service, self.app.clock, duration, after=after)

    def run_night(self, outage: Outage | None) -> None:
        """Run the next night, with an outage."""
        app = self.app
        self.moment += DAY
        self._first_invocation = len(app.runner.invocations)
        self._positions = (len(list_topic_messages(app)), len(list_webhook_messages(app)), len(app.flow.events))
        app.flow.clear_dead_letters()
        app.flow.dead_letter_counts.clear()
        app.aws.requests.clear()
        app.slack.requested_paths.clear()
        for recorder in app.pinecone.recorders.values():
            recorder.requests.clear()
        app.clock.move_to(self.moment)
        for project in self.projects.values():
            for name in [it for it in project.indexes if it.startswith("bare")]:
                project.delete_index(name)
            project.create_index(f"bare-{self.moment:%m-%d}")
        app.aws.outage = app.pinecone.outage = None
        app.slack.choose_answer = lambda _path, _content: None
        if outage is not None and outage.service == "pinecone":
            app.pinecone.outage = outage
        elif outage is not None and outage.service == "slack":
            app.slack.choose_answer = lambda _path, _content: UNAVAILABLE_ANSWER if outage.refuses_call() else None
        else:
            app.aws.outage = outage
        app.flow.fire_schedule("NightlySchedule", self.moment)
        app.flow.run_until(self.moment + NIGHT)

    def redrive(self) -> None:
        """Send the dead letters to their queues again, and run for an hour."""
        self.app.flow.redrive()
        self.app.flow.run_until(self.app.clock.now() + timedelta(hours=1))

    def find_alarms(self) -> set[str]:
        """Return the alarms of this night."""
        return self.app.find_alarms(self._first_invocation)

    def count_failures(self) -> Counter[tuple[str, str]]:
        """Return how often each project was reported as failing to each kind of channel since the night began."""
        topic, webhook, _ = self._positions
        messages = [*list_topic_messages(self.app)[topic:], *list_webhook_messages(self.app)[webhook:]]
        return Counter((it.project, it.channel.partition(":")[0]) for it in messages if it.notice == "opened")

    def _count_calls(self, service: str) -> int:
        if service == "pinecone":
            return sum(len(it.requests) for it in self.app.pinecone.recorders.values())
        if service == "slack":
            return len(self.app.slack.requested_paths)
        return sum(it.call.service == service for it in self.app.aws.requests)

    def list_records(self) -> list[Any]:
        """Return the audits that were recorded since the night began."""
        start = f"{self.moment:%Y-%m-%dT%H:%M}"
        return [it for it in self.app.list_items() if "complete" in it and it["observed_at"]["S"] >= start]

    def find_violations(self, *, may_repeat: bool) -> Iterator[str]:
        """Yield each violated invariant; `may_repeat` allows repeated messages that say so."""
        records = self.list_records()
        counts = Counter(it["PK"]["S"].partition("#")[2] for it in records)
        if counts != dict.fromkeys(self.projects, 1):
            yield f"audits recorded: {counts}"
        if not all(it["complete"]["BOOL"] for it in records):
            yield "an audit is incomplete"
        topic, webhook, event = self._positions
        for channel, messages in (
            ("sns", list_topic_messages(self.app)[topic:]),
            ("slack", list_webhook_messages(self.app)[webhook:]),
        ):
            yield from self._find_message_violations(channel, messages, may_repeat=may_repeat)
        events = list(self.app.flow.events.values())[event:]
        completed = Counter(it["detail"]["project"] for it in events if it["detail-type"] == "Backup Audit Completed")
        if set(completed) != set(self.projects) or (max(completed.values()) > 1 and not may_repeat):
            yield f"completed audits on the bus: {completed}"

    def _find_message_violations(
        self, channel: str, messages: list[DeliveredMessage], *, may_repeat: bool
    ) -> Iterator[str]:
        if {it.project for it in messages} != set(self.projects):
            yield f"{channel} has alerts about {sorted({it.project for it in messages})}"
        for message_id, count in Counter(it.message_id for it in messages).items():
            repeats = [it for it in messages if it.message_id == message_id and it.is_possible_duplicate]
            if count > 1 and (not may_repeat or len(repeats) < count - 1):
                yield f"{channel} received {message_id} {count} times"
