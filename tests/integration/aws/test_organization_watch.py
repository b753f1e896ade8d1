"""Test that `watch` finds unregistered projects on loopback, and `notify` sends what it found, without a secret."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.discovery_store import DynamoDiscoveryStore
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.audit_failure import FailedAudit
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.errors import BackupAuditorError, StateError
from backup_auditor_simulator.organization import CLIENT_ID, ServiceAccount, SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.aws.moto import serve_moto
from support.aws.single_project import (
    FakeLambdaContext,
    create_resources,
    load_handler,
    make_resource_names,
    put_secret,
    take_events,
)
from support.builders.facts import DAY, HOUR, NOW
from support.simulator import SIMULATED_NOW, serve
from support.slack_server import SlackReceiver, serve_slack

ROOT = Path(__file__).parents[3]
SAMPLES = {
    verb: json.loads((ROOT / f"events/{verb}.{case}.json").read_text(encoding="utf-8"))
    for verb, case in (("watch", "scheduled"), ("notify", "sweep"))
}
ORGANIZATION_SECRET = "backup-auditor/organization/pinecone"  # noqa: S105  the name of a secret
SLACK_SECRET = "backup-auditor/webhooks/fleet"  # noqa: S105  the name of a secret
CLIENT_SECRET = "canary-of-the-client-secret"  # noqa: S105  the canary
REGISTRY_KEY = "backup-auditor/registry.yaml"
MAX_ITEM_BYTES = 400 * 1024
"""The limit of one item of a table."""


def add_project(organization: SimulatedOrganization, name: str) -> str:
    """Add a project to an organization, and return its id."""
    project = SimulatedProject(SIMULATED_NOW, seed=len(organization.projects))
    return organization.add_project(name, project, age=9 * DAY).id


@dataclass
class Fleet:
    """An application on moto, an organization, and the channels of the fleet."""

    organization: SimulatedOrganization
    server: Server
    slack: SlackReceiver
    topic: str
    queue: str
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    log: pytest.LogCaptureFixture
    registered: dict[str, str] = field(default_factory=dict)
    """Pinecone's ids of the registered projects by the names of their entries."""
    now: datetime = NOW
    output: str = ""
    """What the functions printed and logged, and what the channels got."""
    counts: list[float] = field(default_factory=list)
    """The values of the metric."""

    def watch(self, wait: timedelta = DAY) -> Any:
        """Store the registry, and invoke the function after a wait."""
        self.now += wait
        entries = [
            {"name": name, "secret": f"backup-auditor/keys/{name}", "project_id": it, "alerts": []}
            for name, it in self.registered.items()
        ]
        channels = [{"sns": self.topic}, {"slack": SLACK_SECRET}]
        document = json.dumps({"version": 1, "fleet_channels": channels, "projects": entries}).encode()
        boto3.client("s3").put_object(Bucket=os.environ["EVIDENCE_BUCKET"], Key=REGISTRY_KEY, Body=document)
        return self._invoke("watch")

    def _invoke(self, verb: str) -> Any:
        self.patch.setattr(runtime, "now", lambda: self.now)
        get_sources.cache_clear()
        try:
            return load_handler(verb)(SAMPLES[verb], FakeLambdaContext(300.0, verb))
        finally:
            text = self.capture.readouterr().out
            metrics = [json.loads(it) for it in text.splitlines() if '"ProjectsUnregistered"' in it and "_aws" in it]
            self.counts += [it["ProjectsUnregistered"][0] for it in metrics]
            self.output += text + self.log.text

    def deliver(self) -> dict[str, list[Any]]:
        """Deliver what is pending, and return what each channel got about the organization."""
        self._invoke("notify")
        sqs, bodies = boto3.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(json.loads(it["Body"])["Message"]) for it in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        posted = [payload for _, payload in self.slack.posted_messages]
        self.slack.posted_messages.clear()
        received = {
            "sns": [it for it in bodies if it["event"] == "Backup Project Unregistered"],
            "slack": [it for it in posted if "register" in it["text"]],
            "events": [it for it in take_events() if it["detail-type"] == "Backup Project Unregistered"],
        }
        self.output += json.dumps([received, bodies, posted])
        return received

    def count_delivered(self) -> dict[str, int]:
        """Deliver what is pending, and return how many messages each channel got about the organization."""
        return {name: len(it) for name, it in self.deliver().items()}

    def load_state(self) -> DiscoveryState:
        """Return what is stored about the organization."""
        return DynamoDiscoveryStore(AwsSession().dynamodb, os.environ["STATE_TABLE"]).load()

    def check_confidentiality(self) -> None:
        """Check that no secret is in what left the functions, or in the table."""
        items = boto3.client("dynamodb").scan(TableName=os.environ["STATE_TABLE"])["Items"]
        texts = (self.output, repr(items), repr(self.load_state()))
        assert len(self.output) > 1000
        tokens = list(self.organization._tokens)
        assert tokens
        assert not [secret for secret in (CLIENT_SECRET, *tokens) for text in texts if secret in text]


@pytest.fixture
def fleet(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Fleet]:
    """Build an application whose organization has one registered and one unregistered project."""
    names = make_resource_names(request.node.name)
    organization = SimulatedOrganization(SIMULATED_NOW)
    organization.service_accounts = {CLIENT_ID: ServiceAccount(CLIENT_SECRET)}
    search, _ = (add_project(organization, it) for it in ("search", "payments"))
    with serve_moto() as environ, serve_slack() as slack, serve(organization) as server:
        for name, value in {
            **environ,
            **names,
            "REGISTRY": f"s3://{names['EVIDENCE_BUCKET']}/{REGISTRY_KEY}",
            "NAME_PREFIX": "backup-auditor/",
            "TOPIC_PREFIX": "arn:aws:sns:eu-central-1:123456789012:backup-auditor-",
            "STACK_NAME": "stack",
            "ORGANIZATION_SECRET": ORGANIZATION_SECRET,
            "PINECONE_CONTROLLER_HOST": server.url,
            "PINECONE_OAUTH_URL": server.oauth_url,
        }.items():
            monkeypatch.setenv(name, value)
        create_resources(names)
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        topic = sns.create_topic(Name="backup-auditor-fleet")["TopicArn"]
        queue = sqs.create_queue(QueueName=f"{names['STATE_TABLE']}-fleet")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
        put_secret(json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}), ORGANIZATION_SECRET)
        put_secret(slack.make_webhook("T0/B0/fleet"), SLACK_SECRET)
        registered = {"entry-of-search": search}
        yield Fleet(organization, server, slack, topic, queue, monkeypatch, capsys, caplog, registered)
        get_sources.cache_clear()
        sns.unsubscribe(SubscriptionArn=subscription)


def test_an_unregistered_project_is_reported_once_and_resolved_once(fleet: Fleet) -> None:
    """Each channel of the fleet hears of its beginning and its end, and the bus of its beginning."""
    assert fleet.watch()["unregistered"] == 1
    received = fleet.deliver()
    (event,), (message,), (payload,) = received["events"], received["sns"], received["slack"]
    assert (event["detail"]["project"], event["detail"]["project_id"]) == (
        "payments",
        fleet.organization.projects[1].id,
    )
    assert message["headline"].startswith("HIGH: fleet: 1 project unregistered. Next: register or ignore each project;")
    assert payload["text"] == message["headline"]
    assert "unregistered" not in fleet.watch(HOUR)
    assert fleet.watch()["unregistered"] == 1
    assert fleet.count_delivered() == {"sns": 0, "slack": 0, "events": 0}
    fleet.registered["any-name"] = fleet.organization.projects[1].id
    assert fleet.watch()["unregistered"] == 0
    received = fleet.deliver()
    assert [it["notice"] for it in received["sns"]] == ["resolved"]
    assert (len(received["slack"]), received["events"]) == (1, [])
    assert fleet.counts == [1.0, 1.0, 0.0]
    assert not any(it.is_write and it.path != "/oauth/token" for it in fleet.server.requests)
    fleet.check_confidentiality()


def test_400_new_projects_of_500_are_one_message_to_each_channel(fleet: Fleet) -> None:
    """The lists are folded to what SNS and Slack accept, the state is small, and the bus accepts all events."""
    boto3.client("events").remove_targets(Rule="all", EventBusName=os.environ["EVENT_BUS"], Ids=["queue"])  # slow
    for number in range(498):
        project_id = add_project(fleet.organization, f"team-{number:03d}")
        if number >= 399:
            fleet.registered[f"entry-{number}"] = project_id
    assert fleet.watch()["unregistered"] == 400
    items = boto3.client("dynamodb").scan(TableName=os.environ["STATE_TABLE"])["Items"]
    assert max(len(repr(it)) for it in items) < MAX_ITEM_BYTES / 4
    received = fleet.deliver()
    assert [len(received[it]) for it in ("sns", "slack")] == [1, 1]
    assert received["sns"][0]["omitted"] == 300
    assert "388 more; registry discover lists all" in json.dumps(received["slack"])
    assert DynamoOutbox(AwsSession().dynamodb, os.environ["STATE_TABLE"]).list_pending(None, fleet.now + DAY) == []


def test_without_a_registry_the_channels_of_the_stack_hear_of_it(fleet: Fleet) -> None:
    """A stack of one project has no channels of the fleet of its own."""
    fleet.patch.delenv("REGISTRY")
    for name, value in {
        "PROJECT_NAME": "search",
        "API_KEY_SECRET": "backup-auditor/keys/search",
        "ALERT_TOPIC": fleet.topic,
        "SLACK_SECRET": SLACK_SECRET,
    }.items():
        fleet.patch.setenv(name, value)
    assert fleet.watch()["unregistered"] == 1
    assert fleet.count_delivered() == {"sns": 1, "slack": 1, "events": 1}


def break_secret(_fleet: Fleet) -> None:
    """Store a client secret that Pinecone does not accept."""
    put_secret(json.dumps({"client_id": CLIENT_ID, "client_secret": f"{CLIENT_SECRET}-of-before"}), ORGANIZATION_SECRET)


def break_service(fleet: Fleet) -> None:
    """Let Pinecone refuse, with the client secret in its answer."""
    fleet.server.faults.append(Fault(status=404, body=f"no service for {CLIENT_SECRET}", path="/oauth/token"))


def hide_projects(fleet: Fleet) -> None:
    """Let the service account see no project."""
    fleet.organization.service_accounts[CLIENT_ID] = ServiceAccount(CLIENT_SECRET, ())


@pytest.mark.parametrize(
    "damage,text",
    [
        pytest.param(
            break_secret, f"copy client_id and client_secret in the secret {ORGANIZATION_SECRET}", id="secret"
        ),
        pytest.param(break_service, "no service for [key]", id="service"),
        pytest.param(hide_projects, "sees no project; give it a role in the organization", id="no-access"),
    ],
)
def test_a_failed_look_between_two_good_ones_changes_nothing(fleet: Fleet, damage: Any, text: str) -> None:
    """It is raised after everything else was done, has its next step, and is repeated by the next hour."""
    fleet.watch()
    fleet.deliver()
    state = fleet.load_state()
    damage(fleet)
    table = DynamoWatchStore(AwsSession().dynamodb, os.environ["STATE_TABLE"])
    table.record_failed_audit("entry-of-search", FailedAudit(fleet.now + DAY, "401: Invalid API key"))
    with pytest.raises(BackupAuditorError) as error_info:
        fleet.watch()
    assert text in str(error_info.value)
    assert fleet.load_state() == state
    assert fleet.counts == [1.0]
    assert table.load_projects(["entry-of-search"])["entry-of-search"].last_notice is not None, "it delays no notice"
    assert fleet.count_delivered() == {"sns": 0, "slack": 0, "events": 0}
    fleet.server.faults.clear()
    fleet.organization.service_accounts[CLIENT_ID] = ServiceAccount(CLIENT_SECRET)
    put_secret(json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}), ORGANIZATION_SECRET)
    assert fleet.watch(HOUR)["unregistered"] == 1
    assert fleet.count_delivered() == {"sns": 0, "slack": 0, "events": 0}
    fleet.check_confidentiality()


def test_a_token_that_a_name_repeats_leaves_no_function(fleet: Fleet) -> None:
    """A name in a response that holds the access token is shown without it."""
    fleet.watch()
    (token,) = fleet.organization._tokens
    fleet.patch.setattr(fleet.organization, "issue_token", lambda _account: token)
    fleet.organization.projects[1].name = f"name-{token}"
    add_project(fleet.organization, f"new-{token}")
    fleet.watch()
    assert len(fleet.deliver()["events"]) == 2
    fleet.check_confidentiality()


def test_a_failure_of_the_audits_keeps_no_look_at_the_organization(fleet: Fleet) -> None:
    """If notices cannot be recorded, the organization is read all the same, and the error is raised."""
    table = DynamoWatchStore(AwsSession().dynamodb, os.environ["STATE_TABLE"])
    table.record_failed_audit("entry-of-search", FailedAudit(fleet.now + DAY, "401: Invalid API key"))

    def refuse(*_given: object) -> None:
        raise StateError("the table cannot be written")

    fleet.patch.setattr(DynamoWatchStore, "record_notice", refuse)
    with pytest.raises(StateError, match="the table cannot be written"):
        fleet.watch()
    assert fleet.counts == [1.0]
    break_secret(fleet)
    with pytest.raises(StateError, match="the table cannot be written"):
        fleet.watch()
    assert "does not accept the service account" in fleet.output


def test_the_plan_of_each_policy_is_compared(fleet: Fleet) -> None:
    """A policy of another plan is an alert; it ends when the policy is corrected."""
    policy = "/backup-auditor/policies/plan-of-the-organization"
    fleet.patch.setenv("POLICY", f"ssm:{policy}")
    fleet.registered["payments"] = fleet.organization.projects[1].id
    ssm = boto3.client("ssm")
    notices = []
    for plan in ("enterprise", "standard"):
        ssm.put_parameter(Name=policy, Value=f"version: 1\nproject: {{plan: {plan}}}", Type="String", Overwrite=True)
        fleet.watch()
        notices.append([(it["notice"], [alert["subject"] for alert in it["alerts"]]) for it in fleet.deliver()["sns"]])
    assert notices == [[("opened", ["plan"])], [("resolved", ["plan"])]]
