"""Test that the owner of each project whose audits fail is alerted, also while an earlier failure lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.aws_local.application import CANARY, FLEET_PARAMETERS, Application, make_key
from support.aws_local.nights import DAY
from support.aws_local.recipients import DeliveredMessage, list_topic_messages, list_webhook_messages
from support.faults.outage_nights import build_fleet
from support.raw_server import serve_answer

FIRST_NIGHT = datetime(2026, 11, 20, 4, 15, tzinfo=UTC)
OK_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
SLACK_OWNED, TOPIC_OWNED = "team-00", "team-01"
"""The projects that fail: one whose owner has a webhook, and one whose owner has a topic."""
PING_PREFIX = "backup-auditor/pings/all"


@dataclass
class Fleet:
    """Projects of which two have channels and ping URLs of their own; the others have those of the stack."""

    app: Application
    topic_queue: str
    requests: list[bytes]
    """The pings so far."""
    moment: datetime = FIRST_NIGHT - DAY
    _positions: dict[str, int] = field(default_factory=dict)

    def run_night(self, duration: timedelta) -> dict[str, int]:
        """Run the next night, and return how often each ping URL was called in it."""
        self.moment += DAY
        ping_count = len(self.requests)
        self.app.run_night(self.moment, duration)
        paths = [it.split(b" ")[1].decode() for it in self.requests[ping_count:]]
        return {it: paths.count(f"/{it}") for it in (SLACK_OWNED, TOPIC_OWNED, "stack")}

    def revoke_key(self, name: str) -> None:
        """Revoke the key of a project."""
        self.app.pinecone.rotate_key(make_key(name), make_key(name, 2))

    def store_key(self, name: str) -> None:
        """Store the present key of a project."""
        self.app.put_secret(f"backup-auditor/keys/{name}", make_key(name, 2))

    def take_messages(self) -> dict[str, list[str | None]]:
        """Return the notices that each owner and the channels of the stack received since the last call."""
        own_path = f"slack:/services/T0/B1/{CANARY}"
        webhook_messages = list_webhook_messages(self.app)
        messages = {
            SLACK_OWNED: [it for it in webhook_messages if it.channel == own_path],
            TOPIC_OWNED: list_topic_messages(self.app, self.topic_queue),
            "stack": [
                *(it for it in webhook_messages if it.channel != own_path),
                *list_topic_messages(self.app),
            ],
        }
        return {owner: self._take_new(owner, it) for owner, it in messages.items()}

    def _take_new(self, owner: str, messages: list[DeliveredMessage]) -> list[str | None]:
        position, self._positions[owner] = self._positions.get(owner, 0), len(messages)
        assert {it.project for it in messages} <= {owner}
        return [it.notice for it in messages[position:]]


@contextmanager
def deploy_fleet(folder: Path, project_count: int) -> Iterator[Fleet]:
    """Deploy the application with some projects."""
    projects = build_fleet(project_count)
    parameters = {**FLEET_PARAMETERS, "PingUrlSecret": PING_PREFIX}
    start = FIRST_NIGHT - timedelta(hours=1)
    with (
        serve_answer(OK_RESPONSE) as (port, requests),
        Application(folder, projects, start, parameters=parameters) as app,
    ):
        topic = app.open_client("sns").create_topic(Name=f"backup-auditor-{TOPIC_OWNED}")["TopicArn"]
        app.put_secret(f"backup-auditor/webhooks/{SLACK_OWNED}", app.slack.make_webhook(f"T0/B1/{CANARY}"))
        app.put_secret(PING_PREFIX, f"http://127.0.0.1:{port}/stack")
        channels = {
            SLACK_OWNED: {"slack": f"backup-auditor/webhooks/{SLACK_OWNED}", "severity": "critical"},
            TOPIC_OWNED: {"sns": topic},
        }
        for name in channels:
            app.put_secret(f"{PING_PREFIX}-{name}", f"http://127.0.0.1:{port}/{name}")
        app.put_registry(
            [
                app.make_entry(it, alerts=[channels[it]], ping_secret=f"{PING_PREFIX}-{it}")
                if it in channels
                else app.make_entry(it)
                for it in projects
            ]
        )
        yield Fleet(app, app.subscribe_queue(topic, TOPIC_OWNED), requests)


def check_ends(fleet: Fleet) -> None:
    """Check what the whole sequence of nights left behind."""
    app = fleet.app
    events = [it["project"] for it in app.flow.list_details("Backup Audit Failed")]
    assert events == [SLACK_OWNED, TOPIC_OWNED]
    assert [it.alarm for it in app.find_alarm_messages()].count("NewFailureAlarm") == 2
    assert app.aws.denied_permissions == []
    assert app.list_items("outbox") == []


def test_a_second_failure_is_reported_while_the_first_lasts(tmp_path: Path) -> None:
    """Both owners are alerted the same morning and receive the end, and the alarm of the platform starts twice."""
    morning, early = timedelta(hours=5), timedelta(hours=2)
    with deploy_fleet(tmp_path, 3) as fleet:
        pings = fleet.run_night(early)
        assert fleet.take_messages() == {SLACK_OWNED: [], TOPIC_OWNED: [], "stack": []}
        assert min(pings.values()) >= 1
        fleet.revoke_key(SLACK_OWNED)
        fleet.run_night(morning)
        assert fleet.take_messages() == {SLACK_OWNED: ["opened"], TOPIC_OWNED: [], "stack": []}
        fleet.revoke_key(TOPIC_OWNED)
        pings = fleet.run_night(morning)
        assert fleet.take_messages() == {SLACK_OWNED: ["reminder"], TOPIC_OWNED: ["opened"], "stack": []}
        assert (pings[SLACK_OWNED], pings["stack"]) == (0, 0)
        fleet.store_key(SLACK_OWNED)
        fleet.store_key(TOPIC_OWNED)
        pings = fleet.run_night(early)
        assert fleet.take_messages() == {SLACK_OWNED: ["resolved"], TOPIC_OWNED: ["resolved"], "stack": []}
        assert min(pings.values()) >= 1
        check_ends(fleet)


@pytest.mark.soak
def test_a_week_of_24_projects_in_which_two_fail(tmp_path: Path) -> None:
    """Each failure lasts some whole days: each owner has one first notice, one reminder a day, and one end."""
    with deploy_fleet(tmp_path, 24) as fleet:
        expected = {
            0: ([], []),
            1: (["opened"], []),
            2: (["reminder"], []),
            3: (["reminder"], ["opened"]),
            4: (["reminder"], ["reminder"]),
            5: (["resolved"], ["reminder"]),
            6: ([], ["resolved"]),
        }
        for day, (slack_notices, topic_notices) in expected.items():
            if day == 1:
                fleet.revoke_key(SLACK_OWNED)
            if day == 3:
                fleet.revoke_key(TOPIC_OWNED)
            if day == 5:
                fleet.store_key(SLACK_OWNED)
            if day == 6:
                fleet.store_key(TOPIC_OWNED)
            fleet.run_night(DAY - timedelta(minutes=1))
            notices = {SLACK_OWNED: slack_notices, TOPIC_OWNED: topic_notices, "stack": []}
            assert fleet.take_messages() == notices, day
        check_ends(fleet)
