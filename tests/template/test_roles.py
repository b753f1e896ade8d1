"""Tests of the permissions in the template."""

import re
from typing import Any

import pytest

from support.aws.template import (
    FUNCTIONS,
    TEMPLATE,
    find_properties,
    find_resources,
    list_leaves,
    load_template,
    load_transformed_template,
)

READER_ROLES = ("AuditRole", "NotifyRole")
"""The roles that read secrets, but none with write access."""
EDITOR_SECRETS_ARN = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${EditorNamePrefix}*"
DENIED_STATEMENT = {
    "Effect": "Deny",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": {"Fn::Sub": EDITOR_SECRETS_ARN},
}
ACTIONS_WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""Actions that AWS has no resources for."""


def list_statements(role: str) -> list[dict[str, Any]]:
    """Return the statements of a role, for any parameters."""
    role_statements = [
        it for policy in find_properties(role)["Policies"] for it in policy["PolicyDocument"]["Statement"]
    ]
    return [it["Fn::If"][1] if "Fn::If" in it else it for it in role_statements]


def as_list(value: Any) -> list[Any]:
    """Return a list, of one or of many."""
    return value if isinstance(value, list) else [value]


def list_actions(role: str) -> set[str]:
    """Return every action that a role allows."""
    return {action for it in list_statements(role) for action in as_list(it["Action"])}


def _is_secret_reading(statement: dict[str, Any]) -> bool:
    return bool(statement["Effect"] == "Allow" and statement["Action"] == "secretsmanager:GetSecretValue")


@pytest.mark.parametrize("role", sorted(find_resources("AWS::IAM::Role")))
def test_a_role_names_what_it_may(role: str) -> None:
    """Every statement speaks of named actions on named resources, but for traces, which have no resources."""
    assert "ManagedPolicyArns" not in find_properties(role)
    for statement in list_statements(role):
        assert statement["Effect"] == "Allow" or (role in READER_ROLES and statement == DENIED_STATEMENT)
        assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for action in as_list(statement["Action"]))
        assert ("*" in as_list(statement["Resource"])) == (
            set(as_list(statement["Action"])) <= ACTIONS_WITHOUT_RESOURCE
        )


@pytest.mark.parametrize("role", sorted(find_resources("AWS::IAM::Role")))
def test_every_statement_says_why(role: str) -> None:
    """Each statement of a role has a comment with its reason."""
    text = TEMPLATE.read_text(encoding="utf-8")
    body = re.split(r"\n  \w+:", text.split(f"\n  {role}:", 1)[1], maxsplit=1)[0]
    policies = body.split("      Policies:", 1)[1]
    statement_comments = re.findall(r"(.*)\n              - (?:Effect: Allow|!If)", policies)
    assert len(statement_comments) == len(list_statements(role))
    assert [line for line in statement_comments if not line.strip().startswith("# ")] == []


def test_only_those_who_need_it_may() -> None:
    """Only the audit reads keys and writes reports, and only the delivery reads webhooks and publishes to topics."""
    actions_by_verb = {verb: list_actions(f"{verb.capitalize()}Role") for verb in FUNCTIONS}
    assert {verb for verb in FUNCTIONS if "secretsmanager:GetSecretValue" in actions_by_verb[verb]} == {
        "audit",
        "notify",
        "remediate",
    }
    assert {verb for verb in FUNCTIONS if "s3:PutObject" in actions_by_verb[verb]} == {"audit"}
    assert {verb for verb in FUNCTIONS if "sns:Publish" in actions_by_verb[verb]} == {"notify"}
    assert {verb for verb in FUNCTIONS if "events:PutEvents" in actions_by_verb[verb]} == {*FUNCTIONS} - {"watch"}
    assert not {
        action for role_actions in actions_by_verb.values() for action in role_actions if "Delete" in action
    } - {"dynamodb:DeleteItem"}


def test_resources_are_of_this_partition() -> None:
    """No ARN of the template names a partition, a region or an account."""
    arns = [it for it in list_leaves(load_template()["Resources"]) if isinstance(it, str) and it.startswith("arn:")]
    assert arns
    assert [it for it in arns if not it.startswith("arn:${AWS::Partition}:")] == []
    assert [it for it in arns if re.search(r":\d{12}:|:[a-z]{2}-[a-z]+-\d:", it)] == []


def test_one_project_reads_its_own_secrets() -> None:
    """Without a registry the audit reads only its two secrets; with one, all secrets with the prefix."""
    (secrets,) = [it for it in list_statements("AuditRole") if _is_secret_reading(it)]
    conditional_resources = [(it["Fn::If"][0], list_leaves(it["Fn::If"][1])) for it in secrets["Resource"]]
    assert [name for name, _ in conditional_resources] == ["HasRegistry", "HasOneProject", "HasPing"]
    assert conditional_resources[0][1][-1].endswith(":secret:${NamePrefix}*")
    assert conditional_resources[1][1][-1].endswith(":secret:${ApiKeySecret}-??????")


def test_only_remediation_reads_keys_that_may_write() -> None:
    """Remediation reads only editor secrets, and all other functions are denied them, whatever their names are."""
    (secrets,) = [it for it in list_statements("RemediateRole") if _is_secret_reading(it)]
    assert list_leaves(secrets["Resource"]) == [
        "HasRegistry",
        EDITOR_SECRETS_ARN,
        EDITOR_SECRETS_ARN.replace("EditorNamePrefix}*", "EditorKeySecret}-??????"),
    ]
    assert [role for role in find_resources("AWS::IAM::Role") if DENIED_STATEMENT in list_statements(role)] == [
        *READER_ROLES
    ]
    values = {
        it: load_template()["Parameters"][it]["Default"] for it in ("NamePrefix", "EditorNamePrefix", "EditorKeySecret")
    }
    assert values["EditorKeySecret"].startswith(values["EditorNamePrefix"])
    assert not values["EditorNamePrefix"].startswith(values["NamePrefix"])


def test_remediation_takes_nothing_away() -> None:
    """Remediation updates or deletes no items except its own idempotency records."""
    deleting_actions = [
        it
        for it in list_statements("RemediateRole")
        if {"dynamodb:DeleteItem", "dynamodb:UpdateItem"} & {*as_list(it["Action"])}
    ]
    keys = [it["Condition"] for it in deleting_actions]
    assert keys == [{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["idempotency#remediate"]}}]


def test_without_remediation_there_is_none() -> None:
    """Without EnableRemediation, its function, its role and everything that refers to them do not exist."""
    assert load_template()["Parameters"]["EnableRemediation"]["Default"] == "false"
    remediation_resources = {
        name: it
        for name, it in load_transformed_template()["Resources"].items()
        if "Remediate" in name or "ScheduleCreation" in name
    }
    assert {"RemediateFunction", "RemediateRole", "RemediateFunctionCompleted"} <= remediation_resources.keys()
    assert [name for name, it in remediation_resources.items() if it.get("Condition") != "RemediationIsEnabled"] == []


def test_what_others_may_do_is_bound_to_them() -> None:
    """AWS services have access only for this stack, and access without TLS is denied."""
    trust_statement = find_properties("SchedulesRole")["AssumeRolePolicyDocument"]["Statement"][0]
    assert set(trust_statement["Condition"]["StringEquals"]) == {"aws:SourceAccount", "aws:SourceArn"}
    for name in ("DeadLetterQueuePolicy", "AlertTopicPolicy", "EvidenceBucketPolicy"):
        policy_statements = find_properties(name)["PolicyDocument"]["Statement"]
        deny_statements = [
            it for it in policy_statements if it["Effect"] == "Deny" and it.get("Sid") == "DenyInsecureTransport"
        ]
        assert deny_statements[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert all(it.get("Condition") for it in policy_statements)


def test_a_report_is_written_once() -> None:
    """The bucket refuses a write without the condition that the object does not exist."""
    statements_by_id = {it["Sid"]: it for it in find_properties("EvidenceBucketPolicy")["PolicyDocument"]["Statement"]}
    assert statements_by_id["DenyOverwrite"]["Action"] == "s3:PutObject"
    assert statements_by_id["DenyOverwrite"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    bucket = find_properties("EvidenceBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_what_is_skipped_is_explained() -> None:
    """Every skipped checkov check states its reason."""
    skip_comments = re.findall(r"checkov:skip=(.*)", TEMPLATE.read_text(encoding="utf-8"))
    assert skip_comments
    assert [it for it in skip_comments if not re.fullmatch(r"CKV2?_\w+: .{20,}", it)] == []
