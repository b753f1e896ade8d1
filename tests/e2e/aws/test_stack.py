"""Test that the stack on loopback is that of the template, and that each type that moto cannot create is listed."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from support.aws_local.application import BUILD_OUTPUT, CONFIG_BUCKET, FLEET_PARAMETERS
from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.iam import is_allowed
from support.aws_local.requests import Permission
from support.aws_local.stack import Stack, create_stack
from support.aws_local.templates import read_template

REMOVED_TYPES = {
    "AWS::CloudWatch::Alarm": "evaluated by support.aws_local.cloudwatch",
    "AWS::CloudWatch::CompositeAlarm": "evaluated by support.aws_local.cloudwatch",
    "AWS::Logs::QueryDefinition": "asserted on the template",
    "AWS::S3::BucketPolicy": "enforced by support.aws_local.aws",
    "AWS::SNS::Subscription": "not needed: only an e-mail address",
    "AWS::SNS::TopicPolicy": "asserted on the template",
    "AWS::SQS::QueuePolicy": "asserted on the template",
    "AWS::Scheduler::Schedule": "fired by support.aws_local.events",
    "AWS::Scheduler::ScheduleGroup": "not needed: only a name for schedules",
}
"""The resource types that moto cannot create, each with what replaces it."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Create the stack."""
    with LocalAws() as aws:
        open_client("s3", aws.endpoint)
        yield create_stack(aws, BUILD_OUTPUT, {**FLEET_PARAMETERS, "EnableRestoreDrills": "true"}, {})


def test_the_resources_that_moto_cannot_create_are_known(stack: Stack) -> None:
    """A new kind of resource in the template fails this test."""
    assert set(stack.removed_resources.values()) <= REMOVED_TYPES.keys()


def test_functions_have_the_properties_of_the_template(stack: Stack) -> None:
    """Each built function has its name, limits, role and layer."""
    resources = read_template(BUILD_OUTPUT.template)["Resources"]
    for name, function in stack.functions.items():
        properties = resources[name]["Properties"]
        assert function.timeout == timedelta(seconds=properties["Timeout"])
        assert function.memory == properties["MemorySize"]
        assert (function.task / "app.py").exists()
        assert function.layers == (BUILD_OUTPUT.layer,)
        assert function.logs_json
    assert len({it.role for it in stack.functions.values()}) == len(stack.functions)


def test_variables_name_the_resources_of_the_stack(stack: Stack) -> None:
    """The variables name the table, bucket, bus and topic of the stack."""
    variables = stack.functions["AuditFunction"].variables
    assert variables["STATE_TABLE"] == stack.physical_ids["StateTable"]
    assert variables["EVIDENCE_BUCKET"] == stack.physical_ids["EvidenceBucket"]
    assert variables["EVENT_BUS"] == stack.physical_ids["Bus"]
    assert variables["ALERT_TOPIC"] == stack.physical_ids["AlertTopic"]
    assert variables["REGISTRY"] == FLEET_PARAMETERS["Registry"]


def test_no_report_can_be_overwritten(stack: Stack) -> None:
    """The bucket's policy and the audit's role allow only writes with the condition that no object exists."""
    report = f"arn:aws:s3:::{stack.physical_ids['EvidenceBucket']}/search/2026-11-20/a/report.json"
    statements = (*stack.statements["AuditRole"], *stack.denials)
    secure_context = {"aws:SecureTransport": ("true",)}
    assert not is_allowed(Permission("s3:PutObject", report, secure_context), statements)
    assert is_allowed(Permission("s3:PutObject", report, secure_context | {"s3:if-none-match": ("*",)}), statements)
    assert not is_allowed(Permission("s3:DeleteObject", report, secure_context), statements)


def test_a_rule_can_invoke_its_target(stack: Stack) -> None:
    """A rule sends to a queue whose policy allows that rule, or has the permission to invoke its function."""
    policies = stack.find_by_type("AWS::SQS::QueuePolicy").values()
    permissions = stack.find_by_type("AWS::Lambda::Permission").values()
    for name, rule in stack.find_by_type("AWS::Events::Rule").items():
        (target,) = rule["Targets"]
        name_of_target, source = target["Arn"]["Fn::GetAtt"][0], {"Fn::GetAtt": [name, "Arn"]}
        if name_of_target in stack.queues:
            (policy,) = (it for it in policies if it["Queues"] == [{"Ref": name_of_target}])
            statement = policy["PolicyDocument"]["Statement"][0]
            assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": source}}
            continue
        (permission,) = (it for it in permissions if it["SourceArn"] == source)
        assert permission["Principal"] == "events.amazonaws.com"
        assert permission["FunctionName"] == {"Ref": name_of_target}


REGION_AND_ACCOUNT = "eu-central-1:123456789012"
NAMES_BY_ROLE = {
    "AuditRole": {"backup-auditor/keys/search"},
    "DispatchRole": set[str](),
    "NotifyRole": {"backup-auditor/webhooks/search"},
    "RemediateRole": {"backup-auditor-editor/search"},
    "WatchRole": {"backup-auditor/pings/search"},
    "DrillRole": {"backup-auditor-drill/search"},
}
"""The secrets that each function reads, one of each kind."""


@pytest.mark.parametrize("role", sorted(NAMES_BY_ROLE))
def test_a_role_reads_only_its_kind_of_secret(stack: Stack, role: str) -> None:
    """No function reads the secrets of another kind, neither from Secrets Manager nor from Parameter Store."""
    names = {name for it in NAMES_BY_ROLE.values() for name in it}
    secrets = {it: f"arn:aws:secretsmanager:{REGION_AND_ACCOUNT}:secret:{it}-a1B2c3" for it in names}
    parameters = {it: f"arn:aws:ssm:{REGION_AND_ACCOUNT}:parameter/{it}" for it in names}
    for action, arns in {"secretsmanager:GetSecretValue": secrets, "ssm:GetParameter": parameters}.items():
        allowed_names = {
            name for name, arn in arns.items() if is_allowed(Permission(action, arn), stack.statements[role])
        }
        assert allowed_names == NAMES_BY_ROLE[role], action


def test_only_an_audit_can_overwrite_its_record(stack: Stack) -> None:
    """Neither remediation nor drills nor the watch can write a head or an audit record."""
    table = f"arn:aws:dynamodb:{REGION_AND_ACCOUNT}:table/{stack.physical_ids['StateTable']}"
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"):
        permission = Permission(action, table, {"dynamodb:LeadingKeys": ("project#search",)})
        assert is_allowed(permission, stack.statements["AuditRole"])
        assert not is_allowed(permission, stack.statements["RemediateRole"])
        assert not is_allowed(permission, stack.statements["WatchRole"])
        assert not is_allowed(permission, stack.statements["DrillRole"])


@pytest.mark.parametrize("partition", ["drills#search", "drills-in-progress"])
def test_only_drills_write_their_records(stack: Stack, partition: str) -> None:
    """No other function can write the record of a restore drill, by itself or in a batch with others."""
    table = f"arn:aws:dynamodb:{REGION_AND_ACCOUNT}:table/{stack.physical_ids['StateTable']}"
    for action in ("dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"):
        permission = Permission(action, table, {"dynamodb:LeadingKeys": (partition, "project#search")})
        assert not any(is_allowed(permission, it) for it in stack.statements.values())
    permission = Permission("dynamodb:PutItem", table, {"dynamodb:LeadingKeys": (partition,)})
    allowed_roles = [role for role, it in stack.statements.items() if is_allowed(permission, it)]
    assert allowed_roles == ["DrillRole"]


def test_each_role_reaches_only_its_own_resources(stack: Stack) -> None:
    """No role reaches a secret, document or topic with another prefix."""
    for role, statements in stack.statements.items():
        assert not is_allowed(
            Permission(
                "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION_AND_ACCOUNT}:secret:other-a1B2c3"
            ),
            statements,
        ), role
        assert not is_allowed(
            Permission("ssm:GetParameter", f"arn:aws:ssm:{REGION_AND_ACCOUNT}:parameter/other"), statements
        ), role
        assert not is_allowed(Permission("s3:GetObject", f"arn:aws:s3:::{CONFIG_BUCKET}/other"), statements), role
        assert not is_allowed(Permission("sns:Publish", f"arn:aws:sns:{REGION_AND_ACCOUNT}:other"), statements), role
        assert not is_allowed(
            Permission("dynamodb:DeleteTable", f"arn:aws:dynamodb:{REGION_AND_ACCOUNT}:table/x"), statements
        ), role
