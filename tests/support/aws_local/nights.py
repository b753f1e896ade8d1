"""Nights of twenty projects: their results, the changes between them, and the faults."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault as PineconeFault
from support.aws_local.application import CONFIG_BUCKET, Application, make_key
from support.aws_local.cloudwatch import AlarmMessage, MetricValue, collect_metrics
from support.aws_local.invocation import Invocation
from support.aws_local.recipients import DeliveredMessage, list_topic_messages, list_webhook_messages
from support.aws_local.stack import STACK_NAME
from support.faults.aws_requests import AwsFault, AwsFaultKind
from support.slack_server import UNAVAILABLE_ANSWER, make_busy_answer

FIRST_NIGHT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


DAY = timedelta(days=1)


FLEET_PROJECTS = [f"team-{number:02d}" for number in range(16)]


PROJECTS = ["shop", "search", "mail", "maps", *FLEET_PROJECTS]


@dataclass
class NightResult:
    """The results of one night."""

    moment: datetime
    invocations: list[Invocation]
    reports: dict[str, Any]
    """The reports that this night added, by project."""
    pages: dict[str, str]
    """The pages that this night added, by project."""
    topic_messages: list[DeliveredMessage]
    """The digests that the topic received."""
    webhook_messages: list[DeliveredMessage]
    """The digests that the webhook received."""
    notices: list[DeliveredMessage]
    """The messages about failures of both channels."""
    events: list[Any]
    alarms: set[str]
    alarm_messages: list[AlarmMessage]
    """The messages that alarms sent when they started."""
    audit_counts: Counter[str] = field(default_factory=Counter)
    """How many audits of each project were recorded."""

    @property
    def metrics(self) -> list[MetricValue]:
        """The CloudWatch metrics of the night."""
        return collect_metrics(self.invocations)

    def find_values(self, name: str, project: str) -> set[float]:
        """Return the values of a metric of a project."""
        return {
            it.value
            for it in self.metrics
            if it.name == name and it.dimensions == {"stack": STACK_NAME, "project": project}
        }

    def find_events(self, detail_type: str, project: str) -> list[Any]:
        """Return the details of the events of a type about a project."""
        details = (it["detail"] for it in self.events if it["detail-type"] == detail_type)
        return [it for it in details if it.get("project") == project]


class NightlyRuns:
    """A sequence of nights."""

    def __init__(self, app: Application) -> None:
        """Start before the first night."""
        self.app = app
        self.results: list[NightResult] = []
        self._positions = (set[str](), 0, 0, 0)

    def run_night(self, moment: datetime) -> NightResult:
        """Run a night with its sweeps and watches; return its results."""
        app, (keys, topic, webhook, events) = self.app, self._positions
        first_invocation = len(app.runner.invocations)
        app.run_night(moment)
        reports, pages = app.load_reports(), app.load_pages()
        topic_messages, webhook_messages = list_topic_messages(app)[topic:], list_webhook_messages(app)[webhook:]
        night = NightResult(
            moment,
            app.runner.invocations[first_invocation:],
            {key.partition("/")[0]: json.loads(it) for key, it in reports.items() if key not in keys},
            {key.partition("/")[0]: it.decode() for key, it in pages.items() if key not in keys},
            [it for it in topic_messages if it.notice is None],
            [it for it in webhook_messages if it.notice is None],
            [it for it in (*topic_messages, *webhook_messages) if it.notice is not None],
            list(app.flow.events.values())[events:],
            app.find_alarms(first_invocation),
            app.find_alarm_messages(first_invocation),
            Counter(key.partition("/")[0] for key in reports if key not in keys),
        )
        self._positions = (
            {*reports, *pages},
            topic + len(topic_messages),
            webhook + len(webhook_messages),
            events + len(night.events),
        )
        self.results.append(night)
        return night


def build_projects() -> dict[str, SimulatedProject]:
    """Build twenty projects: a neglected one and nineteen compliant ones."""
    large_projects = {name: build_scenario("healthy", now=FIRST_NIGHT) for name in ("search", "mail", "maps")}
    return {"shop": build_scenario("neglected", now=FIRST_NIGHT), **large_projects} | {
        name: build_scenario("fleet:2x3", now=FIRST_NIGHT) for name in FLEET_PROJECTS
    }


def apply_changes(app: Application) -> None:
    """Make the changes of a day: a schedule is disabled, indexes are created and deleted, a key is rotated."""
    (schedule,) = app.simulated_projects["search"].get_index("catalog-search").schedules
    app.simulated_projects["search"].update_schedule(schedule, enabled=False)
    app.simulated_projects["team-01"].create_index("bare")
    for index in list(app.simulated_projects["shop"].indexes.values())[:3]:
        app.simulated_projects["shop"].delete_index(index.name)
    app.pinecone.rotate_key(make_key("team-02"), make_key("team-02", 2))
    app.put_secret("backup-auditor/keys/team-02", make_key("team-02", 2))
    entries = [app.make_entry(name) for name in PROJECTS]
    app.put_registry([*entries, {"name": "broken", "secrets": "backup-auditor/broken"}])


def inject_faults(app: Application) -> None:
    """Inject faults into every service, once or twice, and leave one project without a key and one without a policy."""
    for call, kind in {
        "s3:GetObject": AwsFaultKind.THROTTLED,
        "secretsmanager:GetSecretValue": AwsFaultKind.UNAVAILABLE,
        "dynamodb:TransactWriteItems": AwsFaultKind.LOST,
        "dynamodb:Query": AwsFaultKind.THROTTLED,
        "s3:PutObject": AwsFaultKind.LOST,
        "sns:Publish": AwsFaultKind.THROTTLED,
        "dynamodb:UpdateItem": AwsFaultKind.UNAVAILABLE,
    }.items():
        app.aws.faults.append(AwsFault(kind=kind, call=call, times=2))
    # the audit fails to publish, and a sweep publishes its events
    app.aws.faults.append(
        AwsFault(kind=AwsFaultKind.UNAVAILABLE, call="events:PutEvents", function="backup-auditor-audit", times=12)
    )
    app.slack.answers += [make_busy_answer(1), UNAVAILABLE_ANSWER]
    app.pinecone.recorders["mail"].faults.append(PineconeFault(status=503, times=3))
    app.pinecone.recorders["maps"].faults.append(PineconeFault(status=429, times=5, headers={"Retry-After": "0"}))
    app.pinecone.recorders["team-03"].faults.append(PineconeFault(path="*/history", status=503))
    app.put_secret("backup-auditor/keys/team-04", "{}")
    app.put_document(
        f"s3://{CONFIG_BUCKET}/backup-auditor/bad.yaml", "version: 1\ndefaults: {require: {max_age: 1h}}\n"
    )
    (schedule,) = app.simulated_projects["search"].get_index("catalog-search").schedules
    app.simulated_projects["search"].update_schedule(schedule, enabled=True)
    entries = [app.make_entry(name) for name in PROJECTS if name != "team-05"]
    app.put_registry([*entries, app.make_entry("team-05", policy=f"s3://{CONFIG_BUCKET}/backup-auditor/bad.yaml")])
    for function in ("DispatchFunction", "AuditFunction"):
        app.flow.deliver(function, {"detail-type": "Nonsense", "detail": 1})
