"""Test the rules and schedules of the template."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from moto.events.models import EventPattern

from backup_auditor.domain.audit_failure import OVERDUE_AFTER
from backup_auditor.domain.events import QUEUE_ATTEMPTS
from support.aws.template import FUNCTIONS, find_properties, find_resources, list_leaves, load_template, name_function

RULE_NAMES = {
    "EveryProjectRequested": "dispatch",
    "ProjectRequested": "audit",
    "NotifyFunctionCompleted": "notify",
    "ProposalsFound": "remediate",
    "DrillRequested": "drill",
}
QUEUES = {verb: f"{verb.capitalize()}Queue" for verb in ("dispatch", "audit", "remediate", "drill")}
"""The queue of each function that has one; the other two repeat their own work."""


def load_pattern(rule: str) -> dict[str, Any]:
    """Return the pattern of a rule, which can be text or YAML."""
    event_pattern = find_properties(rule)["EventPattern"]
    document: dict[str, Any] = json.loads(event_pattern) if isinstance(event_pattern, str) else event_pattern
    return document


def find_started(detail_type: str, detail: dict[str, Any]) -> list[str]:
    """Return the functions that an event of the application starts."""
    event: Any = {"source": "backup-auditor", "detail-type": detail_type, "detail": detail}
    patterns = {verb: json.dumps(load_pattern(rule)) for rule, verb in RULE_NAMES.items()}
    return [verb for verb, text in patterns.items() if EventPattern.load(text).matches_event(event)]


@pytest.mark.parametrize(
    "detail, verb",
    [
        pytest.param({}, "dispatch", id="no-project"),
        pytest.param({"project": None, "reason": "x"}, "dispatch", id="null"),
        pytest.param({"project": "search"}, "audit", id="name"),
        pytest.param({"project": ""}, "audit", id="empty-name"),
        pytest.param({"project": 7}, "audit", id="number"),
        pytest.param({"project": -7}, "audit", id="negative-number"),
        pytest.param({"project": True}, "audit", id="boolean"),
        pytest.param({"project": ["search"]}, "audit", id="list"),
        pytest.param({"project": {"name": "search"}}, "dispatch", id="object"),
    ],
)
def test_every_request_starts_one_function(detail: dict[str, Any], verb: str) -> None:
    """Each request starts exactly one function, even if the request is invalid."""
    assert find_started("Backup Audit Requested", detail) == [verb]


def test_a_completed_audit_starts_the_delivery() -> None:
    """The event of a completed audit starts the delivery, and events of findings and failures start no function."""
    assert find_started("Backup Audit Completed", {"project": "search"}) == ["notify"]
    assert find_started("Backup Finding Opened", {"project": "search"}) == []
    assert find_started("Backup Audit Failed", {"project": "search"}) == []
    assert find_started("Backup Project Unregistered", {"project": "search"}) == []


@pytest.mark.parametrize("count, verbs", [(0, ["notify"]), (1, ["notify", "remediate"])])
def test_an_audit_with_proposals_starts_remediation(count: int, verbs: list[str]) -> None:
    """An audit without proposals does not start remediation, and neither do the events of remediation."""
    assert find_started("Backup Audit Completed", {"project": "search", "proposal_count": count}) == verbs
    assert find_started("Backup Schedule Proposed", {"project": "search", "proposal_count": count}) == []


def test_a_requested_drill_starts_its_function() -> None:
    """The request of a run or of a sweep starts the drill of its project, and the results start no function."""
    assert find_started("Backup Restore Drill Requested", {"project": "search"}) == ["drill"]
    assert find_started("Backup Restore Drill Requested", {"project": "search", "sweep": True}) == ["drill"]
    assert find_started("Backup Restore Drill Completed", {"project": "search"}) == []
    assert find_started("Backup Restore Drill Failed", {"project": "search"}) == []


def test_every_rule_is_complete() -> None:
    """Each rule uses the stack's bus, and sends to a queue that allows it, or to a function that repeats its work."""
    assert set(find_resources("AWS::Events::Rule")) == set(RULE_NAMES)
    for name, verb in RULE_NAMES.items():
        rule = find_properties(name)
        assert rule["EventBusName"] == {"Ref": "Bus"}
        assert load_pattern(name)["source"] == ["backup-auditor"]
        assert all(isinstance(it, (list, dict)) for it in load_pattern(name).values())
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": [QUEUES.get(verb, name_function(verb)), "Arn"]}
        if verb in QUEUES:
            (statement,) = list_allowed(f"{QUEUES[verb]}Policy")
            assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}}
        else:
            assert find_properties(f"{name}Permission")["FunctionName"] == {"Ref": name_function(verb)}


def list_allowed(policy: str) -> list[dict[str, Any]]:
    """Return the statements of a queue policy that allow something."""
    statements: list[dict[str, Any]] = find_properties(policy)["PolicyDocument"]["Statement"]
    return [it for it in statements if it["Effect"] == "Allow"]


def test_every_queue_starts_its_function() -> None:
    """A queue sends single messages, of which the function reports each that failed."""
    sources = {
        it["Properties"]["FunctionName"]["Ref"]: it["Properties"]
        for it in find_resources("AWS::Lambda::EventSourceMapping").values()
    }
    assert set(sources) == {name_function(verb) for verb in QUEUES}
    for verb, queue in QUEUES.items():
        source = sources[name_function(verb)]
        assert source["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
        assert (source["BatchSize"], source["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])


def test_every_dead_letter_is_of_a_queue() -> None:
    """Only queues send to the dead-letter queue, after as many attempts as the code counts, so redriving works."""
    assert set(find_resources("AWS::SQS::Queue")) == {*QUEUES.values(), "DeadLetterQueue"}
    dead_letter_queue = {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    for queue in QUEUES.values():
        redrive = find_properties(queue)["RedrivePolicy"]
        assert redrive == {"deadLetterTargetArn": dead_letter_queue, "maxReceiveCount": QUEUE_ATTEMPTS}
    assert list_allowed("DeadLetterQueuePolicy") == []
    assert not find_resources("AWS::Lambda::EventInvokeConfig")
    targets = [find_properties(it)["Targets"][0] for it in RULE_NAMES]
    targets += [it["Properties"]["Target"] for it in find_resources("AWS::Scheduler::Schedule").values()]
    assert [it for it in targets if "DeadLetterConfig" in it] == []


def test_the_attempts_outlast_an_outage_of_three_hours() -> None:
    """A request is tried every 16 minutes, after any earlier attempt has ended, and once more after three hours."""
    for verb, queue in QUEUES.items():
        visibility = find_properties(queue)["VisibilityTimeout"]
        assert visibility > find_properties(name_function(verb))["Timeout"]
        assert (QUEUE_ATTEMPTS - 1) * timedelta(seconds=visibility) > timedelta(hours=3)


@pytest.mark.parametrize("name", [*QUEUES.values(), "DeadLetterQueue"])
def test_a_queue_is_encrypted_without_the_customers_key(name: str) -> None:
    """Requests are not lost if the policy of the customer's key is wrong."""
    properties = find_properties(name)
    assert properties["SqsManagedSseEnabled"] is True
    assert "KmsMasterKeyId" not in properties


def test_every_schedule_starts_its_function() -> None:
    """The schedules of audits and drills send to the queues of their functions, and the others start theirs."""
    targets = {}
    for name, schedule in find_resources("AWS::Scheduler::Schedule").items():
        target = schedule["Properties"]["Target"]
        targets[name] = (target["Arn"]["Fn::GetAtt"][0], json.loads(target["Input"]))
    assert targets == {
        "NightlySchedule": ("DispatchQueue", {"request_id": "<aws.scheduler.scheduled-time>"}),
        "SweepSchedule": ("NotifyFunction", {"sweep": True}),
        "WatchSchedule": ("WatchFunction", {}),
        "DrillSchedule": ("DrillQueue", {"request_id": "<aws.scheduler.scheduled-time>"}),
        "DrillSweepSchedule": ("DrillFunction", {"sweep": True}),
    }
    statements = find_properties("SchedulesRole")["Policies"][0]["PolicyDocument"]["Statement"]
    assert {it["Action"]: list_targets(it) for it in statements} == {
        "sqs:SendMessage": {"DispatchQueue": None, "DrillQueue": "RestoreDrillsAreEnabled"},
        "lambda:InvokeFunction": {
            "NotifyFunction": None,
            "WatchFunction": None,
            "DrillFunction": "RestoreDrillsAreEnabled",
        },
    }


def list_targets(statement: dict[str, Any]) -> dict[str, str | None]:
    """Return the resources of a statement, each with its condition."""
    targets = {}
    for resource in statement["Resource"]:
        condition, target, _ = resource.get("Fn::If", (None, resource, None))
        targets[target["Fn::GetAtt"][0]] = condition
    return targets


@pytest.mark.parametrize(
    "text, is_accepted",
    [
        pytest.param("cron(15 9 ? * MON *)", True, id="default"),
        pytest.param("rate(1 day)", True, id="rate"),
        pytest.param("rate(7 days)", True, id="week"),
        pytest.param("rate(1 hour)", False, id="too-often"),
        pytest.param("cron(15 9 ? * MON)", False, id="five-fields"),
    ],
)
def test_invalid_schedules_of_drills_are_refused(text: str, *, is_accepted: bool) -> None:
    """The parameter refuses expressions that EventBridge Scheduler refuses."""
    pattern = load_template()["Parameters"]["RestoreDrillSchedule"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, text)) is is_accepted


@pytest.mark.parametrize(
    "text, is_accepted",
    [
        pytest.param("cron(15 4 * * ? *)", True, id="default"),
        pytest.param("cron(0/30 8-17 ? * MON-FRI *)", True, id="working-days"),
        pytest.param("cron(15 2 L * ? 2026-2030)", True, id="last-day"),
        pytest.param("rate(1 day)", True, id="rate"),
        pytest.param("rate(12 hours)", True, id="hours"),
        pytest.param("cron(15 2 * *)", False, id="four-fields"),
        pytest.param("cron(15 2 * * ?)", False, id="five-fields"),
        pytest.param("cron(0 15 2 * * ? *)", False, id="seven-fields"),
        pytest.param("rate(2 days)", False, id="interval-too-long"),
        pytest.param("rate(1 hours)", False, id="plural-of-one"),
        pytest.param("15 2 * * ? *", False, id="no-function"),
    ],
)
def test_invalid_schedule_expressions_are_refused(text: str, is_accepted: bool) -> None:
    """The parameter refuses expressions that EventBridge Scheduler refuses or that make projects overdue."""
    pattern = load_template()["Parameters"]["ScheduleExpression"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, text)) is is_accepted


def test_the_largest_window_makes_no_project_overdue() -> None:
    """A day of 25 hours plus the longest window and all attempts at an audit is at most the overdue limit."""
    max_window = timedelta(minutes=load_template()["Parameters"]["FlexibleWindowMinutes"]["MaxValue"])
    retry_time = (QUEUE_ATTEMPTS - 1) * timedelta(seconds=find_properties("AuditQueue")["VisibilityTimeout"])
    max_duration = timedelta(seconds=find_properties(name_function("audit"))["Timeout"])
    assert timedelta(hours=25) + max_window + retry_time + max_duration <= OVERDUE_AFTER


def test_the_default_time_exists_every_day() -> None:
    """The default time is outside 22:00–04:00, when clocks are set forward."""
    minute, hour, *days = re.findall(r"[^ ()]+", load_template()["Parameters"]["ScheduleExpression"]["Default"])[1:]
    assert (days, minute.isdigit()) == (["*", "*", "?", "*"], True)
    assert 4 <= int(hour) < 22


def test_defaults_are_values() -> None:
    """Each default is a valid value of its parameter."""
    for name, parameter in load_template()["Parameters"].items():
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(parameter["Default"])), name
        assert parameter["Default"] in parameter.get("AllowedValues", [parameter["Default"]])


def test_a_url_is_not_a_secret_name() -> None:
    """A URL instead of a secret's name is refused before it is stored."""
    for name in ("SlackSecret", "PingUrlSecret", "OrganizationSecret"):
        pattern = load_template()["Parameters"][name]["AllowedPattern"]
        assert re.fullmatch(pattern, "backup-auditor/webhooks/slack")
        assert re.fullmatch(pattern, "ssm:/backup-auditor/webhooks/slack")
        assert not re.fullmatch(pattern, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:slack")
        assert re.fullmatch(pattern, "arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:slack-AbCdEf")
        assert not re.fullmatch(pattern, "https://hooks.example.com/services/a/b")


@pytest.mark.parametrize(
    "name, value, is_accepted",
    [
        pytest.param("PermissionsBoundaryArn", "arn:aws:iam::111122223333:policy/teams/boundary", True, id="policy"),
        pytest.param("PermissionsBoundaryArn", "arn:aws-cn:iam::aws:policy/PowerUserAccess", True, id="aws-policy"),
        pytest.param("PermissionsBoundaryArn", "arn:aws:iam::111122223333:role/boundary", False, id="role"),
        pytest.param("PermissionsBoundaryArn", "boundary", False, id="name"),
        pytest.param("RolePath", "/teams/platform/", True, id="path"),
        pytest.param("RolePath", "teams/", False, id="no-first-slash"),
        pytest.param("RolePath", "/teams", False, id="no-last-slash"),
        pytest.param("VpcSubnetIds", "subnet-0a1b2c3d4e5f60718", True, id="subnet"),
        pytest.param("VpcSubnetIds", "sg-0a1b2c3d4e5f60718", False, id="group-as-subnet"),
        pytest.param("VpcSecurityGroupIds", "sg-0a1b2c3d", True, id="group"),
        pytest.param("AlarmTopicArn", "arn:aws:sns:eu-central-1:111122223333:incidents", True, id="topic"),
        pytest.param("AlarmTopicArn", "arn:aws:sns:eu-central-1:111122223333:incidents.fifo", False, id="fifo-topic"),
        pytest.param("ConfigKmsKeyArns", "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-1111", True, id="key"),
        pytest.param("ConfigKmsKeyArns", "arn:aws:kms:eu-central-1:111122223333:alias/config", False, id="alias"),
        pytest.param("KmsKeyArn", "arn:aws:kms:eu-central-1:111122223333:alias/config", False, id="alias-as-key"),
    ],
)
def test_an_invalid_reference_is_refused(name: str, value: str, *, is_accepted: bool) -> None:
    """A parameter refuses what is not the resource that it names, and says what it expects."""
    parameter = load_template()["Parameters"][name]
    assert bool(re.fullmatch(parameter["AllowedPattern"], value)) is is_accepted
    assert parameter["ConstraintDescription"]


def test_no_value_is_null() -> None:
    """No value of the template is null, because CloudFormation refuses null and no linter reports it."""
    assert None not in list_leaves(load_template())


def test_the_tests_have_every_function() -> None:
    """The functions in the tests are those of the template."""
    assert {name_function(verb) for verb in FUNCTIONS} == set(find_resources("AWS::Lambda::Function"))
