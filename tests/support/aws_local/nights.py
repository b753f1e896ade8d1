"""Nights of twenty projects: what each brings, what changes between them, and what breaks."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault as PineconeFault
from support.aws_local.application import CONFIG, Application, key_of
from support.aws_local.cloudwatch import Datum, metrics_of
from support.aws_local.invocation import Invocation
from support.aws_local.recipients import Told, by_topic, by_webhook
from support.faults.aws_requests import Fault, Kind
from support.slack_server import UNAVAILABLE, busy

FIRST = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


DAY = timedelta(days=1)


FLEET = [f"team-{number:02d}" for number in range(16)]


PROJECTS = ["shop", "search", "mail", "maps", *FLEET]


@dataclass
class Night:
    """What one night brought."""

    moment: datetime
    done: list[Invocation]
    reports: dict[str, Any]
    """By project, those that this night added."""
    pages: dict[str, str]
    """Their pages."""
    topic: list[Told]
    webhook: list[Told]
    events: list[Any]
    ringing: set[str]
    audits: Counter[str] = field(default_factory=Counter)
    """How many audits of a project were recorded."""

    @property
    def metrics(self) -> list[Datum]:
        """What CloudWatch has of it."""
        return metrics_of(self.done)

    def value(self, name: str, project: str) -> set[float]:
        """Return the values of a metric of a project."""
        return {it.value for it in self.metrics if it.name == name and it.dimensions == {"project": project}}

    def events_of(self, detail_type: str, project: str) -> list[Any]:
        """Return what the events of a type said of a project."""
        found = (it["detail"] for it in self.events if it["detail-type"] == detail_type)
        return [it for it in found if it.get("project") == project]


class Nights:
    """One night after the other."""

    def __init__(self, app: Application) -> None:
        """Begin before the first."""
        self.app = app
        self.all: list[Night] = []
        self._seen = (set[str](), 0, 0, 0)

    def come(self, moment: datetime, *, sweeps: int = 0) -> Night:
        """Let a night come, with sweeps and an hourly look after it; return what it brought."""
        app, (keys, topic, webhook, events) = self.app, self._seen
        begun = len(app.runner.done)
        app.night(moment)
        for _ in range(sweeps):
            app.sweep(timedelta(minutes=50))
        app.watch()
        reports, pages = app.reports(), app.pages()
        night = Night(
            moment,
            app.runner.done[begun:],
            {key.partition("/")[0]: json.loads(it) for key, it in reports.items() if key not in keys},
            {key.partition("/")[0]: it.decode() for key, it in pages.items() if key not in keys},
            by_topic(app)[topic:],
            by_webhook(app)[webhook:],
            list(app.flow.events.values())[events:],
            app.ringing(begun),
            Counter(key.partition("/")[0] for key in reports if key not in keys),
        )
        self._seen = (
            {*reports, *pages},
            topic + len(night.topic),
            webhook + len(night.webhook),
            events + len(night.events),
        )
        self.all.append(night)
        return night


def worlds() -> dict[str, SimulatedProject]:
    """Build twenty projects: one that nobody looked after, and nineteen in which all is well."""
    big = {name: build_scenario("healthy", now=FIRST) for name in ("search", "mail", "maps")}
    return {"shop": build_scenario("neglected", now=FIRST), **big} | {
        name: build_scenario("fleet:2x3", now=FIRST) for name in FLEET
    }


def change(app: Application) -> None:
    """Let a day bring changes: something breaks, something is mended, a key is rotated, and the registry grows."""
    (schedule,) = app.worlds["search"].get_index("catalog-search").schedules
    app.worlds["search"].update_schedule(schedule, enabled=False)
    app.worlds["team-01"].create_index("bare")
    for index in list(app.worlds["shop"].indexes.values())[:3]:
        app.worlds["shop"].delete_index(index.name)
    app.projects.rotate(key_of("team-02"), key_of("team-02", 2))
    app.put_secret("backup-auditor/team-02", key_of("team-02", 2))
    entries = [app.entry(name) for name in PROJECTS]
    app.put_registry([*entries, {"name": "broken", "secrets": "backup-auditor/broken"}])


def break_everything(app: Application) -> None:
    """Let something go wrong in every service, once or twice; and leave two projects without a key and a policy."""
    for call, kind in {
        "s3:GetObject": Kind.THROTTLED,
        "secretsmanager:GetSecretValue": Kind.UNAVAILABLE,
        "dynamodb:TransactWriteItems": Kind.LOST,
        "dynamodb:Query": Kind.THROTTLED,
        "s3:PutObject": Kind.LOST,
        "sns:Publish": Kind.THROTTLED,
        "dynamodb:UpdateItem": Kind.UNAVAILABLE,
    }.items():
        app.aws.faults.append(Fault(kind=kind, call=call, times=2))
    # until the audit itself gives up, and a sweep puts its events on the bus
    app.aws.faults.append(
        Fault(kind=Kind.UNAVAILABLE, call="events:PutEvents", function="backup-auditor-audit", times=12)
    )
    app.slack.answers += [busy(1), UNAVAILABLE]
    app.projects.desks["mail"].faults.append(PineconeFault(status=503, times=3))
    app.projects.desks["maps"].faults.append(PineconeFault(status=429, times=5, headers={"Retry-After": "0"}))
    app.projects.desks["team-03"].faults.append(PineconeFault(path="*/history", status=503))
    app.put_secret("backup-auditor/team-04", "{}")
    app.put_document(f"s3://{CONFIG}/backup-auditor/bad.yaml", "version: 1\ndefaults: {require: {max_age: 1h}}\n")
    (schedule,) = app.worlds["search"].get_index("catalog-search").schedules
    app.worlds["search"].update_schedule(schedule, enabled=True)
    entries = [app.entry(name) for name in PROJECTS if name != "team-05"]
    app.put_registry([*entries, app.entry("team-05", policy=f"s3://{CONFIG}/backup-auditor/bad.yaml")])
    for function in ("DispatchFunction", "AuditFunction", "NotifyFunction"):
        app.flow.deliver(function, {"detail-type": "Nonsense", "detail": 1})
