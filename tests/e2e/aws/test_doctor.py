"""Test `doctor --stack` against the built functions, each with the role of the template."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from backup_auditor_simulator.scenarios import build_scenario
from support.aws_local.application import CANARY, SLACK_SECRET, Application
from support.aws_local.callers import Principal
from support.aws_local.environment import REGION
from support.aws_local.iam import parse_statements
from support.aws_local.stack import STACK_NAME
from support.cli import CompletedCommand, build_environment, run_command

FIRST_NIGHT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
MOTO_GAPS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::Scheduler::Schedule")
"""The types of resources that moto's CloudFormation cannot create, and that are created here beside it."""
OPERATOR_KEY = "OPERATOR000000000000"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application for two projects, run a night, and create what moto's CloudFormation cannot."""
    projects = {
        it: build_scenario("fleet:2x3", now=FIRST_NIGHT, seed=seed) for seed, it in enumerate(("search", "shop"))
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        Application(tmp_path_factory.mktemp("cloud"), projects, FIRST_NIGHT - timedelta(hours=1)) as deployed,
    ):
        create_alarms_and_schedules(deployed, patch)
        deployed.open_client("sns").subscribe(
            TopicArn=deployed.stack.physical_ids["AlarmTopic"],
            Protocol="sqs",
            Endpoint="arn:aws:sqs:eu-central-1:123456789012:alerts",
        )
        deployed.run_night(FIRST_NIGHT, timedelta(hours=1))
        yield deployed


def create_alarms_and_schedules(app: Application, patch: pytest.MonkeyPatch) -> None:
    """Create the alarms and schedules of the template, and let CloudFormation list them."""
    support_composite_alarms(patch)
    scheduler = app.open_client("scheduler")
    scheduler.create_schedule_group(Name=STACK_NAME)
    gaps = []
    for resource_type in MOTO_GAPS:
        for logical_name, properties in app.stack.find_by_type(resource_type).items():
            if "AlarmName" in properties:
                name = find_alarm_name(app, logical_name)
                put_alarm(app, logical_name)
            else:
                name = f"{STACK_NAME}-{logical_name}"
                put_schedule(scheduler.create_schedule, name)
            gaps.append(
                SimpleNamespace(
                    logical_resource_id=logical_name, physical_resource_id=name, cf_resource_type=resource_type
                )
            )
    list_resources = CloudFormationBackend.list_stack_resources

    def list_all(backend: CloudFormationBackend, name: str) -> Any:
        stack, resources = list_resources(backend, name)
        return stack, [*resources, *gaps]

    patch.setattr(CloudFormationBackend, "list_stack_resources", list_all)


def support_composite_alarms(patch: pytest.MonkeyPatch) -> None:
    """Let moto create composite alarms, and return them only to a caller that asks for this type."""
    describe_alarms = CloudWatchResponse.describe_alarms

    def describe_types(response: CloudWatchResponse) -> ActionResult:
        types = response._get_param("AlarmTypes", ["MetricAlarm"])
        alarms: Any = describe_alarms(response).result
        return ActionResult({name: it if name.removesuffix("s") in types else [] for name, it in alarms.items()})

    patch.setattr(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm, raising=False)
    patch.setattr(CloudWatchResponse, "describe_alarms", describe_types)


def find_alarm_name(app: Application, logical_name: str) -> str:
    """Return the name of an alarm of the template."""
    template: str = app.stack.template["Resources"][logical_name]["Properties"]["AlarmName"]["Fn::Sub"]
    return template.replace("${AWS::StackName}", STACK_NAME)


def resolve_rule(app: Application, value: Any) -> str:
    """Return the rule of a composite alarm, with its optional parts and with the names of alarms."""
    if isinstance(value, str):
        return value
    if "Fn::If" in value:
        return resolve_rule(app, value["Fn::If"][1])
    text, variables = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})

    def resolve_name(occurrence: re.Match[str]) -> str:
        name = occurrence[1]
        return resolve_rule(app, variables[name]) if name in variables else find_alarm_name(app, name)

    return re.sub(r"\$\{(\w+)\}", resolve_name, text)


def put_alarm(app: Application, logical_name: str, *, is_enabled: bool = True) -> None:
    """Create or replace an alarm of the template, with its actions and its rule."""
    properties: Mapping[str, Any] = app.stack.template["Resources"][logical_name]["Properties"]
    topic = app.stack.physical_ids["AlarmTopic"]
    common = {
        "AlarmName": find_alarm_name(app, logical_name),
        "ActionsEnabled": is_enabled,
        "AlarmActions": [topic for _ in properties.get("AlarmActions", ())],
    }
    cloudwatch = app.open_client("cloudwatch")
    if "AlarmRule" in properties:
        cloudwatch.put_composite_alarm(**common, AlarmRule=resolve_rule(app, properties["AlarmRule"]))
        return
    cloudwatch.put_metric_alarm(
        **common,
        Namespace="AWS/SQS",
        MetricName="any",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Maximum",
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )


def put_schedule(call: Any, name: str, state: str = "ENABLED") -> None:
    """Create or update a schedule."""
    target = {
        "Arn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
    }
    call(
        Name=name,
        GroupName=STACK_NAME,
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        State=state,
    )


def run_doctor(
    app: Application, *flags: str, stack: str = STACK_NAME, key: str = "TESTTESTTESTTESTTEST"
) -> CompletedCommand:
    """Run the command as an operator of the stack."""
    env = build_environment(
        AWS_ENDPOINT_URL=app.aws.endpoint,
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID=key,
        AWS_SECRET_ACCESS_KEY=key[::-1],
    )
    return run_command("doctor", "--stack", stack, "--format", "json", *flags, env=env)


def find_statuses(result: CompletedCommand) -> dict[str, str]:
    """Return the worst status of each check, by function and name."""
    assert result.output, result.error_output
    assert CANARY not in result.output
    statuses: dict[str, str] = {}
    for check in json.loads(result.output)["checks"]:
        label = ": ".join(it for it in (check["function"], check["name"]) if it)
        if statuses.get(label) != "fail":
            statuses[label] = check["status"]
    return statuses


def find_failed(result: CompletedCommand) -> set[str]:
    """Return the failed checks."""
    failed = {name for name, it in find_statuses(result).items() if it == "fail"}
    assert result.exit_code == (1 if failed else 0)
    return failed


def take_snapshot(app: Application) -> object:
    """Return what a check may not change."""
    return (
        sorted(map(repr, app.list_items())),
        app.load_reports(),
        app.load_pages(),
        app.list_published(),
        dict(app.flow.events),
        list(app.slack.posted_messages),
        [len(it.requests) for it in app.pinecone.recorders.values() if any(r.method != "GET" for r in it.requests)],
    )


def test_a_deployed_stack_passes(app: Application) -> None:
    """Each function answers with its own role, nothing is denied, and nothing is changed."""
    before = take_snapshot(app)
    result = run_doctor(app)
    assert find_failed(result) == set()
    assert take_snapshot(app) == before
    assert app.aws.denied_permissions == []
    statuses = find_statuses(result)
    assert {name.partition(":")[0] for name in statuses if ":" in name} == {
        *("dispatch", "audit", "notify", "watch", "remediate")
    }
    assert {name for name, it in statuses.items() if it == "skipped"} == {
        "watch: ping",
        "watch: organization",
        "drill",
    }  # the stack has none of them
    assert "the same as this command's" in result.output


@pytest.mark.parametrize(
    "action, failed",
    [
        ("events:PutEvents", {f"{it}: bus" for it in ("dispatch", "audit", "notify", "remediate")}),
        ("dynamodb:PutItem", {f"{it}: table" for it in ("audit", "notify", "watch", "remediate")}),
        ("dynamodb:BatchGetItem", {"watch: audits"}),
        ("dynamodb:UpdateItem", {f"{it}: table" for it in ("audit", "notify", "watch")}),
        ("s3:PutObject", {"audit: bucket", "watch: bucket"}),
        ("s3:GetObject", {"audit: reports", "notify: reports"}),
        ("sns:GetTopicAttributes", {"notify: topics", "watch: topics"}),
        ("secretsmanager:GetSecretValue", {"audit: keys", "notify: webhooks", "remediate: keys"}),
    ],
)
def test_a_denied_right_fails(app: Application, action: str, failed: set[str]) -> None:
    """A right that a role lacks fails the checks of the functions that need it, and no other."""
    denials = app.aws.denials
    deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
    app.aws.denials = (*denials, *parse_statements([{"Statement": deny}]))
    try:
        assert find_failed(run_doctor(app)) == failed
    finally:
        app.aws.denials = denials
        app.aws.denied_permissions.clear()


def test_what_does_not_run_fails(app: Application) -> None:
    """A disabled schedule, a silent alarm and a dead letter fail, with the command that sends it again."""
    scheduler, sqs = (app.open_client(it) for it in ("scheduler", "sqs"))
    queue = app.stack.physical_ids["DeadLetterQueue"]
    put_schedule(scheduler.update_schedule, f"{STACK_NAME}-SweepSchedule", "DISABLED")
    put_alarm(app, "DeliveryFailuresAlarm", is_enabled=False)
    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    result = run_doctor(app)
    put_schedule(scheduler.update_schedule, f"{STACK_NAME}-SweepSchedule")
    put_alarm(app, "DeliveryFailuresAlarm")
    sqs.purge_queue(QueueUrl=queue)
    assert find_failed(result) == {"schedules", "alarms", "dead letters"}
    assert "aws sqs start-message-move-task --source-arn" in result.output


def test_a_disabled_composite_alarm_fails(app: Application) -> None:
    """Alarms that only it reports send no message either; the remedy names the composite alarm."""
    put_alarm(app, "FunctionFailureAlarm", is_enabled=False)
    result = run_doctor(app)
    put_alarm(app, "FunctionFailureAlarm")
    assert find_failed(result) == {"alarms"}
    (check,) = (it for it in json.loads(result.output)["checks"] if it["name"] == "alarms")
    assert check["detail"] == f"alarms have no action, or their actions are disabled: {STACK_NAME}-function-failure"


def test_a_stack_can_be_named_by_its_arn(app: Application) -> None:
    """Schedules are in the group of the stack's name, whatever the command was given."""
    (stack,) = app.open_client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    result = run_doctor(app, stack=stack["StackId"])
    assert find_failed(result) == set()


def test_a_test_message_reaches_each_channel(app: Application) -> None:
    """The topic and the webhook of both projects get one message each; without the flag they get none."""
    published, posted = len(app.list_published()), len(app.slack.posted_messages)
    result = run_doctor(app, "--send-test")
    checks = [it for it in json.loads(result.output)["checks"] if it["name"] == "test message"]
    assert [it["status"] for it in checks] == ["pass", "pass"]
    assert {it["detail"].split()[0] for it in checks} == {"topic", "webhook"}
    (envelope,) = app.list_published()[published:]
    assert json.loads(envelope["Message"])["projects"] == ["search", "shop"]
    assert len(app.slack.posted_messages) == posted + 1
    app.put_secret(SLACK_SECRET, app.slack.make_webhook(f"T0/B0/{CANARY}"))


def test_an_overdue_project_fails(app: Application) -> None:
    """A day after the missing night, `watch` reports both projects."""
    moment = app.clock.now()
    app.clock.set(moment + timedelta(hours=31))
    result = run_doctor(app)
    app.clock.set(moment)
    assert find_failed(result) == {"watch: audits"}


def test_an_operator_without_permission_gets_no_table(app: Application) -> None:
    """Nothing was checked: exit code 2, and the error names the missing permission."""
    app.aws.principals[OPERATOR_KEY] = Principal("operator", (), lambda: None)
    result = run_doctor(app, key=OPERATOR_KEY)
    app.aws.denied_permissions.clear()
    assert (result.exit_code, result.output) == (2, "")
    assert "allow your role to call cloudformation:DescribeStacks" in result.error_output


def test_an_unknown_stack_is_exit_code_2(app: Application) -> None:
    """The error names the stack, and what to check."""
    env = build_environment(
        AWS_ENDPOINT_URL=app.aws.endpoint,
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="TESTTESTTESTTESTTEST",
        AWS_SECRET_ACCESS_KEY="secret",  # noqa: S106  moto accepts any
    )
    result = run_command("doctor", "--stack", "no-such-stack", env=env)
    assert (result.exit_code, result.output) == (2, "")
    assert "no-such-stack" in result.error_output
    assert "AWS_REGION" in result.error_output
