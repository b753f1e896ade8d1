"""Test that each function answers its checks with real boto3, and that a check changes nothing."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import RequestError
from backup_auditor_simulator.organization import CLIENT_ID, CLIENT_SECRET, ServiceAccount
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.scenarios.organization import build_organization
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.aws.moto import open_client, serve_moto
from support.aws.single_project import (
    KEY_SECRET,
    FakeLambdaContext,
    create_resources,
    make_project_variables,
    make_resource_names,
    put_secret,
    take_events,
)
from support.builders.facts import NOW
from support.builders.notifications import build_alert_report, build_open_finding
from support.simulator import SIMULATED_NOW, serve
from support.slack_server import NO_SERVICE_ANSWER, SlackReceiver, serve_slack

ROOT = Path(__file__).parents[3]
FUNCTIONS = ("dispatch", "audit", "notify", "watch", "remediate", "drill")
EDITOR_SECRET = "backup-auditor-editor/search"  # noqa: S105  the name of a secret
DRILL_SECRET = "backup-auditor-drill/search"  # noqa: S105  the name of a secret
SLACK_SECRET = "backup-auditor/webhooks/slack"  # noqa: S105  the name of a secret
CANARY = "xCanaryx" * 3


class Application:
    """An application with one project on moto, in which everything works."""

    def __init__(
        self, patch: pytest.MonkeyPatch, pinecone: Server, slack: SlackReceiver, variables: dict[str, str]
    ) -> None:
        """Create the resources, and a channel of each kind."""
        self.pinecone = pinecone
        self.slack = slack
        self.patch = patch
        self.names = variables
        create_resources(variables)
        self.topic = open_client("sns").create_topic(Name="backup-auditor-alerts")["TopicArn"]
        self.queue = open_client("sqs").create_queue(QueueName="alerts")["QueueUrl"]
        patch.setenv("ALERT_TOPIC", self.topic)
        put_secret(slack.make_webhook(f"T0/B0/{CANARY}"), SLACK_SECRET)

    def subscribe(self) -> None:
        """Subscribe a queue to the topic."""
        arn = open_client("sqs").get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        open_client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    def record_audit(self) -> None:
        """Store a report, and the record of its audit."""
        report = build_alert_report(build_open_finding("orders"), project="search", observed_at=NOW, audit_id="audit")
        stored_report = EvidenceBucket(open_client("s3"), self.names["EVIDENCE_BUCKET"]).store_report(report)
        audit = AuditRecord(report.audit_id, NOW, True, report.compliance, stored_report)
        state = ProjectState(revision=1, audit_id=report.audit_id, observed_at=NOW, complete_at=NOW)
        change = diff_states(EMPTY_STATE, state)
        assert change is not None
        store = DynamoState(open_client("dynamodb"), self.names["STATE_TABLE"])
        store.record("search", replace(change, audit=audit))

    def invoke(self, function: str, payload: object) -> Any:
        """Invoke a handler as Lambda does."""
        get_sources.cache_clear()
        spec = importlib.util.spec_from_file_location("app", ROOT / f"functions/{function}/app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return json.loads(json.dumps(module.lambda_handler(payload, FakeLambdaContext(300.0, function))))

    def check(self, function: str) -> dict[str, str]:
        """Return the status of each check of a function; a check of several items has the worst status."""
        answer = self.invoke(function, {"check": True})
        assert answer["code"] == runtime.compute_code_hash()
        assert CANARY not in json.dumps(answer)
        assert all((it["status"] == "fail") == (it["remedy"] is not None) for it in answer["checks"])
        statuses: dict[str, str] = {}
        for check in answer["checks"]:
            if statuses.get(check["name"]) != "fail":
                statuses[check["name"]] = check["status"]
        return statuses

    def find_failed(self, function: str) -> set[str]:
        """Return the names of the failed checks of a function."""
        return {name for name, it in self.check(function).items() if it == "fail"}

    def take_snapshot(self) -> object:
        """Return everything that a function could have changed."""
        items = open_client("dynamodb").scan(TableName=self.names["STATE_TABLE"])["Items"]
        versions = open_client("s3").list_object_versions(Bucket=self.names["EVIDENCE_BUCKET"]).get("Versions", [])
        messages = open_client("sqs").get_queue_attributes(
            QueueUrl=self.queue, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        keys = sorted((it["Key"], it["VersionId"]) for it in versions)
        return sorted(map(repr, items)), keys, messages, take_events(), list(self.slack.posted_messages)


@pytest.fixture
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """Create a new application for each test."""
    project = build_scenario("fleet:2x3", now=SIMULATED_NOW)
    with serve_moto() as environ, serve(project) as server, serve_slack() as slack:
        names = make_resource_names(request.node.name)
        variables = {**environ, **names, **make_project_variables(server)}
        variables |= {
            "EDITOR_NAME_PREFIX": "backup-auditor-editor/",
            "EDITOR_KEY_SECRET": EDITOR_SECRET,
            "DRILL_NAME_PREFIX": "backup-auditor-drill/",
            "DRILL_KEY_SECRET": DRILL_SECRET,
            "SLACK_SECRET": SLACK_SECRET,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(runtime, "now", lambda: NOW)
        put_secret(server.viewer_key, KEY_SECRET)
        put_secret(server.editor_key, EDITOR_SECRET)
        put_secret(server.drill_key, DRILL_SECRET)
        yield Application(monkeypatch, server, slack, names)
        get_sources.cache_clear()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_check_changes_nothing(app: Application, function: str) -> None:
    """Table, bucket, queue, bus and Slack are the same after a check, before the first audit and after it."""
    app.subscribe()
    for is_audited in (False, True):
        if is_audited:
            app.record_audit()
        before = app.take_snapshot()
        statuses = app.check(function)
        assert app.take_snapshot() == before
        assert "fail" not in statuses.values()


def test_each_function_checks_what_it_uses(app: Application) -> None:
    """The checks of a function are those of its settings, secrets and rights."""
    app.subscribe()
    app.record_audit()
    common = {"settings", "registry"}
    assert {it: set(app.check(it)) - common for it in FUNCTIONS} == {
        "dispatch": {"bus"},
        "audit": {"policies", "keys", "Pinecone", "table", "reports", "bucket", "bus"},
        "notify": {"table", "reports", "bus", "topics", "webhooks"},
        "watch": {"table", "topics", "ping", "organization", "audits"},
        "remediate": {"policies", "keys", "Pinecone", "table", "bus"},
        "drill": {"policies", "keys", "Pinecone", "table", "bucket", "bus"},
    }


@pytest.mark.parametrize(
    "variables, failed",
    [
        pytest.param({"STATE_TABLE": "no-such-table"}, {"table", "reports"}, id="table"),
        pytest.param({"EVIDENCE_BUCKET": "no-such-bucket"}, {"bucket"}, id="bucket"),
        pytest.param({"API_KEY_SECRET": "no-such-secret"}, {"keys"}, id="key"),
        pytest.param({"POLICY": "ssm:/no-such-policy"}, {"policies"}, id="policy"),
        pytest.param({"PINECONE_CONTROLLER_HOST": "http://127.0.0.1:1"}, {"Pinecone"}, id="pinecone"),
        pytest.param({"REGISTRY": "ssm:/no-such-registry"}, {"registry"}, id="registry"),
        pytest.param({"EVENT_BUS": ""}, {"settings"}, id="setting"),
    ],
)
def test_one_fault_fails_its_check(app: Application, variables: dict[str, str], failed: set[str]) -> None:
    """A resource that is missing fails the checks that need it, and the others are made."""
    for name, value in variables.items():
        app.patch.setenv(name, value)
    assert app.find_failed("audit") == failed


def test_a_missing_ping_url_fails(app: Application) -> None:
    """The function that calls the URLs checks their secrets."""
    app.patch.setenv("PING_URL_SECRET", "no-such-secret")
    assert app.find_failed("watch") == {"ping"}


ORGANIZATION_SECRET = "backup-auditor/organization/pinecone"  # noqa: S105  the name of a secret


@pytest.mark.parametrize(
    "secret,visible_ids,status,text",
    [
        pytest.param({}, None, "pass", "the service account lists 5 projects", id="works"),
        pytest.param({}, (), "fail", "the service account sees no project", id="sees-nothing"),
        pytest.param({"client_secret": CANARY}, None, "fail", "does not accept the service account", id="wrong"),
        pytest.param({"client_secret": ""}, None, "fail", "is JSON without a text client_secret", id="incomplete"),
        pytest.param(None, None, "fail", "there is no such secret", id="missing"),
    ],
)
def test_the_service_account_is_tried(
    app: Application,
    secret: dict[str, str] | None,
    visible_ids: tuple[str, ...] | None,
    status: str,
    text: str,
) -> None:
    """The check fetches a token and lists the projects; nothing is stored, and no part of the secret is shown."""
    organization = build_organization(SIMULATED_NOW)
    organization.service_accounts[CLIENT_ID] = ServiceAccount(CLIENT_SECRET, visible_ids)
    name = ORGANIZATION_SECRET if secret is not None else "backup-auditor/organization/missing"
    put_secret(
        json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} | (secret or {})), ORGANIZATION_SECRET
    )
    app.patch.setenv("ORGANIZATION_SECRET", name)
    with serve(organization) as server:
        app.patch.setenv("PINECONE_CONTROLLER_HOST", server.url)
        app.patch.setenv("PINECONE_OAUTH_URL", server.oauth_url)
        before = app.take_snapshot()
        answer = app.invoke("watch", {"check": True})
    assert app.take_snapshot() == before
    (check,) = (it for it in answer["checks"] if it["name"] == "organization")
    assert (check["status"], text in check["detail"]) == (status, True), check
    assert not any(it in json.dumps(answer) for it in (CANARY, CLIENT_SECRET))


def check_organization(app: Application, *faults: Fault, sees_organization: bool = True) -> dict[str, str]:
    """Return the check of the service account of an organization with some faults."""
    organization = build_organization(SIMULATED_NOW)
    organization.service_accounts[CLIENT_ID].sees_organization = sees_organization
    put_secret(json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}), ORGANIZATION_SECRET)
    app.patch.setenv("ORGANIZATION_SECRET", ORGANIZATION_SECRET)
    with serve(organization) as server:
        server.faults += faults
        app.patch.setenv("PINECONE_CONTROLLER_HOST", server.url)
        app.patch.setenv("PINECONE_OAUTH_URL", server.oauth_url)
        checks = app.invoke("watch", {"check": True})["checks"]
    check: dict[str, str] = next(it for it in checks if it["name"] == "organization")
    return check


def test_a_service_account_that_may_not_list_organizations_fails(app: Application) -> None:
    """A failed listing fails the check; an account that sees none passes with a note about payments and plans."""
    check = check_organization(app, sees_organization=False)
    assert (check["status"], "payments and plans are not checked" in check["detail"]) == ("pass", True)
    check = check_organization(app, Fault(path="/admin/organizations", status=403, message="forbidden"))
    assert (check["status"], "403" in check["detail"]) == ("fail", True)


def test_a_registry_without_channels_of_the_fleet_fails_with_an_organization(app: Application) -> None:
    """Nothing would receive an alert about a payment status."""
    assert check_organization(app)["status"] == "pass"
    text = f"version: 1\nprojects: [{{name: search, secret: {KEY_SECRET}}}]\n"
    open_client("ssm").put_parameter(Name="/backup-auditor/fleet", Value=text, Type="String", Overwrite=True)
    app.patch.setenv("REGISTRY", "ssm:/backup-auditor/fleet")
    check = check_organization(app)
    assert (check["status"], check["remedy"]) == ("fail", "add fleet_channels to the registry")


@pytest.mark.parametrize("variable", ["REGISTRY", "EVENT_BUS"])
def test_without_a_registry_the_other_checks_are_skipped(app: Application, variable: str) -> None:
    """The answer says that nothing else was checked."""
    app.patch.setenv(variable, "ssm:/no-such-registry" if variable == "REGISTRY" else "")
    assert app.check("audit")["other checks"] == "skipped"


def test_a_key_that_reads_indexes_only_fails(app: Application) -> None:
    """The audit would be incomplete, so the check names the missing role, of each function's key."""
    for function, secret, role in (
        ("audit", KEY_SECRET, "ControlPlaneViewer"),
        ("remediate", EDITOR_SECRET, "ControlPlaneEditor"),
        ("drill", DRILL_SECRET, "ControlPlaneEditor and DataPlaneViewer"),
    ):
        app.pinecone.faults.append(Fault(path="/backups", status=403, message="control::backups::list is required"))
        checks = app.invoke(function, {"check": True})["checks"]
        (check,) = (it for it in checks if it["status"] == "fail")
        assert check["name"] == "Pinecone"
        assert "403" in check["detail"]
        assert check["remedy"] == (
            f"check that the key in {secret} has the role {role}; after a timeout or a 5xx, run doctor again"
        )


def test_the_detail_names_what_was_tried_on_the_table(app: Application) -> None:
    """The role of no function is called more than what its check showed."""
    details = {
        function: next(it["detail"] for it in app.invoke(function, {"check": True})["checks"] if it["name"] == "table")
        for function in ("audit", "notify", "remediate", "drill", "watch")
    }
    assert details == {
        "audit": "the role may get, put and update items",
        "notify": "the role may get, put and update items",
        "remediate": "the role may get and put items",
        "drill": "the role may get and put items",
        "watch": "the role may put and update items",
    }


def test_a_refused_key_fails(app: Application) -> None:
    """A key that Pinecone does not accept fails, and the key is not shown."""
    put_secret(f"wrong-key-{CANARY}", KEY_SECRET)
    assert app.find_failed("audit") == {"Pinecone"}


@pytest.mark.parametrize("value", ["https://example.com/services/T0", "not a URL", " "])
def test_an_invalid_webhook_fails(app: Application, value: str) -> None:
    """A webhook must be one of Slack; it is not called."""
    app.subscribe()
    put_secret(value, SLACK_SECRET)
    assert app.find_failed("notify") == {"webhooks"}
    assert app.slack.requested_paths == []


def test_without_an_address_and_a_webhook_it_fails(app: Application) -> None:
    """A topic without a subscription fails if it is the only channel of the project."""
    assert app.find_failed("notify") == set()  # Slack receives the findings
    app.patch.delenv("SLACK_SECRET")
    assert app.find_failed("notify") == {"topics"}
    app.subscribe()
    assert app.find_failed("notify") == set()


def test_keys_of_different_secrets_must_differ(app: Application) -> None:
    """Two entries whose secrets hold the same key fail; a hundred entries are checked within one answer."""
    entries = [f"  - {{name: p{it}, secret: backup-auditor/keys/p{it}}}\n" for it in range(100)]
    open_client("ssm").put_parameter(
        Name="/registry", Value="version: 1\nprojects:\n" + "".join(entries), Type="String"
    )
    app.patch.setenv("REGISTRY", "ssm:/registry")
    for number in range(100):
        put_secret(f"key-{number // 2}_{CANARY}", f"backup-auditor/keys/p{number}")
    answer = app.invoke("audit", {"check": True})
    assert [it["status"] for it in answer["checks"] if it["name"] == "keys"] == ["fail"] * 50
    assert len([it for it in answer["checks"] if it["name"] == "Pinecone"]) == 21
    assert CANARY not in json.dumps(answer)


def test_a_test_message_reaches_each_channel_once(app: Application) -> None:
    """Topic and webhook get one marked message each; a channel that refuses it fails."""
    app.subscribe()
    for _ in range(2):
        answer = app.invoke("notify", {"check": True, "send_test": True})
        assert [it["status"] for it in answer["checks"] if it["name"] == "test message"] == ["pass", "pass"]
    assert len(app.slack.posted_messages) == 2
    assert "Stack stack" in str(app.slack.posted_messages[0])
    messages = open_client("sqs").receive_message(QueueUrl=app.queue, MaxNumberOfMessages=10)["Messages"]
    assert len(messages) == 2
    assert json.loads(json.loads(messages[0]["Body"])["Message"])["projects"] == ["search"]
    app.slack.answers = [NO_SERVICE_ANSWER]
    answer = app.invoke("notify", {"check": True, "send_test": True})
    assert sorted(it["status"] for it in answer["checks"] if it["name"] == "test message") == ["fail", "pass"]


@pytest.mark.parametrize("function", ["audit", "dispatch", "notify", "remediate", "drill"])
@pytest.mark.parametrize(
    "payload", [{"check": 1}, {"check": True, "project": "search"}, {"check": True, "send_test": 1}]
)
def test_another_payload_keeps_its_error(app: Application, function: str, payload: object) -> None:
    """Only the exact payload is a check: every other one is refused as before."""
    with pytest.raises(RequestError):
        app.invoke(function, payload)
