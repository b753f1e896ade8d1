"""What the template lets functions and others do."""

import re
from typing import Any

import pytest

from support.aws.template import FUNCTIONS, TEMPLATE, leaves, made, properties, resources, written

READERS = ("AuditRole", "NotifyRole")
"""The roles that read secrets, and none with a key that may write."""
EDITORS = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${EditorNamePrefix}*"
DENIED = {"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": {"Fn::Sub": EDITORS}}
NO_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""What AWS knows no resource of."""


def statements(role: str) -> list[dict[str, Any]]:
    """Return what a role may do, whatever the parameters are."""
    found = [it for policy in properties(role)["Policies"] for it in policy["PolicyDocument"]["Statement"]]
    return [it["Fn::If"][1] if "Fn::If" in it else it for it in found]


def listed(value: Any) -> list[Any]:
    """Return a list, of one or of many."""
    return value if isinstance(value, list) else [value]


def actions(role: str) -> set[str]:
    """Return every action that a role allows."""
    return {action for it in statements(role) for action in listed(it["Action"])}


def _reads_secrets(statement: dict[str, Any]) -> bool:
    return bool(statement["Effect"] == "Allow" and statement["Action"] == "secretsmanager:GetSecretValue")


@pytest.mark.parametrize("role", sorted(resources("AWS::IAM::Role")))
def test_a_role_names_what_it_may(role: str) -> None:
    """Every statement speaks of named actions on named resources, but for traces, which have no resources."""
    assert "ManagedPolicyArns" not in properties(role)
    for it in statements(role):
        assert it["Effect"] == "Allow" or (role in READERS and it == DENIED)
        assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for action in listed(it["Action"]))
        assert ("*" in listed(it["Resource"])) == (set(listed(it["Action"])) <= NO_RESOURCE)


@pytest.mark.parametrize("role", sorted(resources("AWS::IAM::Role")))
def test_every_statement_says_why(role: str) -> None:
    """Before each statement of a role stands its reason, as a comment."""
    text = TEMPLATE.read_text(encoding="utf-8")
    body = re.split(r"\n  \w+:", text.split(f"\n  {role}:", 1)[1], maxsplit=1)[0]
    policies = body.split("      Policies:", 1)[1]
    begun = re.findall(r"(.*)\n              - (?:Effect: Allow|!If)", policies)
    assert len(begun) == len(statements(role))
    assert [line for line in begun if not line.strip().startswith("# ")] == []


def test_only_those_who_need_it_may() -> None:
    """The audit reads keys and writes reports, the delivery reads webhooks and publishes; nobody else does."""
    may = {verb: actions(f"{verb.capitalize()}Role") for verb in FUNCTIONS}
    assert {verb for verb in FUNCTIONS if "secretsmanager:GetSecretValue" in may[verb]} == {
        "audit",
        "notify",
        "remediate",
    }
    assert {verb for verb in FUNCTIONS if "s3:PutObject" in may[verb]} == {"audit"}
    assert {verb for verb in FUNCTIONS if "sns:Publish" in may[verb]} == {"notify"}
    assert {verb for verb in FUNCTIONS if "events:PutEvents" in may[verb]} == {*FUNCTIONS} - {"watch"}
    assert not {action for some in may.values() for action in some if "Delete" in action} - {"dynamodb:DeleteItem"}


def test_resources_are_of_this_partition() -> None:
    """No ARN of the template names a partition, a region or an account."""
    arns = [it for it in leaves(written()["Resources"]) if isinstance(it, str) and it.startswith("arn:")]
    assert arns
    assert [it for it in arns if not it.startswith("arn:${AWS::Partition}:")] == []
    assert [it for it in arns if re.search(r":\d{12}:|:[a-z]{2}-[a-z]+-\d:", it)] == []


def test_one_project_reads_its_own_secrets() -> None:
    """Without a registry the audit reads the two secrets it was told of; all that share the prefix only with one."""
    (secrets,) = [it for it in statements("AuditRole") if _reads_secrets(it)]
    asked = [(it["Fn::If"][0], leaves(it["Fn::If"][1])) for it in secrets["Resource"]]
    assert [name for name, _ in asked] == ["HasRegistry", "HasOneProject", "HasPing"]
    assert asked[0][1][-1].endswith(":secret:${NamePrefix}*")
    assert asked[1][1][-1].endswith(":secret:${ApiKeySecret}-??????")


def test_only_remediation_reads_keys_that_may_write() -> None:
    """It reads those, and no other secret; all others who read secrets are denied them, however they are named."""
    (secrets,) = [it for it in statements("RemediateRole") if _reads_secrets(it)]
    assert leaves(secrets["Resource"]) == [
        "HasRegistry",
        EDITORS,
        EDITORS.replace("EditorNamePrefix}*", "EditorKeySecret}-??????"),
    ]
    assert [role for role in resources("AWS::IAM::Role") if DENIED in statements(role)] == [*READERS]
    values = {
        it: written()["Parameters"][it]["Default"] for it in ("NamePrefix", "EditorNamePrefix", "EditorKeySecret")
    }
    assert values["EditorKeySecret"].startswith(values["EditorNamePrefix"])
    assert not values["EditorNamePrefix"].startswith(values["NamePrefix"])


def test_remediation_takes_nothing_away() -> None:
    """It records, and changes or deletes no more than what says that an event was given to it already."""
    found = [
        it
        for it in statements("RemediateRole")
        if {"dynamodb:DeleteItem", "dynamodb:UpdateItem"} & {*listed(it["Action"])}
    ]
    keys = [it["Condition"] for it in found]
    assert keys == [{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["idempotency#remediate"]}}]


def test_without_remediation_there_is_none() -> None:
    """Neither its function nor its role, nor anything that speaks of them, is there unless it is asked for."""
    assert written()["Parameters"]["EnableRemediation"]["Default"] == "false"
    found = {name: it for name, it in made()["Resources"].items() if "Remediate" in name or "ScheduleCreation" in name}
    assert {"RemediateFunction", "RemediateRole", "RemediateFunctionCompleted"} <= found.keys()
    assert [name for name, it in found.items() if it.get("Condition") != "RemediationIsEnabled"] == []


def test_what_others_may_do_is_bound_to_them() -> None:
    """A service that acts in this account's name may do so for this stack alone, and nobody without TLS."""
    trusted = properties("SchedulesRole")["AssumeRolePolicyDocument"]["Statement"][0]
    assert set(trusted["Condition"]["StringEquals"]) == {"aws:SourceAccount", "aws:SourceArn"}
    for name in ("DeadLetterQueuePolicy", "AlertTopicPolicy", "EvidenceBucketPolicy"):
        found = properties(name)["PolicyDocument"]["Statement"]
        denied = [it for it in found if it["Effect"] == "Deny" and it.get("Sid") == "DenyInsecureTransport"]
        assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert all(it.get("Condition") for it in found)


def test_a_report_is_written_once() -> None:
    """The bucket refuses whoever writes without asking that there be none of that name."""
    found = {it["Sid"]: it for it in properties("EvidenceBucketPolicy")["PolicyDocument"]["Statement"]}
    assert found["DenyOverwrite"]["Action"] == "s3:PutObject"
    assert found["DenyOverwrite"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    bucket = properties("EvidenceBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_what_is_skipped_is_explained() -> None:
    """Every check of checkov's that is left out says why."""
    skipped = re.findall(r"checkov:skip=(.*)", TEMPLATE.read_text(encoding="utf-8"))
    assert skipped
    assert [it for it in skipped if not re.fullmatch(r"CKV2?_\w+: .{20,}", it)] == []
