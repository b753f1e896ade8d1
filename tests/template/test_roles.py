"""Test the permissions of the template."""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from backup_auditor.adapters.aws.evidence_bucket import DRILL_CHECK_FOLDER, FLEET_CHECK_FOLDER
from backup_auditor.adapters.dynamodb.items import DRILLS_IN_PROGRESS_PARTITION, Partition
from backup_auditor.domain.identifiers import parse_project_name
from backup_auditor.domain.outbox import FLEET
from support.aws.template import (
    FUNCTIONS,
    TEMPLATE,
    as_list,
    find_properties,
    find_resources,
    list_allowed_actions,
    list_leaves,
    list_statements,
    load_template,
    load_transformed_template,
)

EDITOR_SECRETS_ARN = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${EditorNamePrefix}*"
EDITOR_PARAMETERS_ARN = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${EditorNamePrefix}*"
DRILL_SECRETS_ARN, DRILL_PARAMETERS_ARN = (
    it.replace("EditorNamePrefix", "DrillNamePrefix") for it in (EDITOR_SECRETS_ARN, EDITOR_PARAMETERS_ARN)
)


def build_denial(*arns: str) -> dict[str, Any]:
    """Return the statement that denies reading some secrets and parameters."""
    return {
        "Effect": "Deny",
        "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter"],
        "Resource": [{"Fn::Sub": it} for it in arns],
    }


EDITOR_DENIAL = build_denial(EDITOR_SECRETS_ARN, EDITOR_PARAMETERS_ARN)
DRILL_DENIAL = build_denial(DRILL_SECRETS_ARN, DRILL_PARAMETERS_ARN)
LEDGER_DENIAL = {
    "Effect": "Deny",
    "Action": ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
    "Resource": {"Fn::GetAtt": ["StateTable", "Arn"]},
    "Condition": {
        "ForAnyValue:StringLike": {
            "dynamodb:LeadingKeys": [f"{Partition.DRILLS}#*", DRILLS_IN_PROGRESS_PARTITION],
        }
    },
}
DENIALS = {
    "AuditRole": [EDITOR_DENIAL, DRILL_DENIAL, LEDGER_DENIAL],
    "NotifyRole": [EDITOR_DENIAL, DRILL_DENIAL, LEDGER_DENIAL],
    "WatchRole": [EDITOR_DENIAL, DRILL_DENIAL],
    "RemediateRole": [DRILL_DENIAL],
}
"""What each role is denied: keys that may write, and the records of restore drills."""
NETWORK_POLICIES = {
    "Fn::If": [
        "HasVpc",
        [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"}],
        {"Ref": "AWS::NoValue"},
    ]
}
"""What Lambda needs to connect a function to a VPC."""


def _is_secret_reading(statement: dict[str, Any]) -> bool:
    return bool(statement["Effect"] == "Allow" and statement["Action"] == "secretsmanager:GetSecretValue")


@pytest.mark.parametrize("role", sorted(find_resources("AWS::IAM::Role")))
def test_a_role_allows_named_actions_on_named_resources(role: str) -> None:
    """Each statement names actions and resources."""
    managed_policies = find_properties(role).get("ManagedPolicyArns")
    assert managed_policies == (None if role == "SchedulesRole" else NETWORK_POLICIES)
    statements = list_statements(role)
    assert [it for it in statements if it["Effect"] != "Allow"] == DENIALS.get(role, [])
    for statement in statements:
        assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for action in as_list(statement["Action"]))
        assert "*" not in as_list(statement["Resource"])


@pytest.mark.parametrize("role", sorted(find_resources("AWS::IAM::Role")))
def test_a_role_has_the_path_and_the_boundary_of_the_account(role: str) -> None:
    """Each role has the path and, on request, the permissions boundary that an account can require."""
    assert find_properties(role)["Path"] == {"Ref": "RolePath"}
    boundary = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    assert find_properties(role)["PermissionsBoundary"] == boundary


@pytest.mark.parametrize("role", sorted(find_resources("AWS::IAM::Role")))
def test_every_statement_has_a_reason(role: str) -> None:
    """Each statement of a role has a comment with its reason."""
    text = TEMPLATE.read_text(encoding="utf-8")
    body = re.split(r"\n  \w+:", text.split(f"\n  {role}:", 1)[1], maxsplit=1)[0]
    policies = body.split("      Policies:", 1)[1]
    statement_comments = re.findall(r"(.*)\n              - (?:Effect: (?:Allow|Deny)|!If)", policies)
    assert len(statement_comments) == len(list_statements(role))
    assert [line for line in statement_comments if not line.strip().startswith("# ")] == []


def test_only_functions_that_need_an_action_allow_it() -> None:
    """Only functions that need secrets, reports, topics or events have the permissions for them."""
    actions_by_verb = {verb: list_allowed_actions(verb) for verb in FUNCTIONS}
    assert {verb for verb in FUNCTIONS if "secretsmanager:GetSecretValue" in actions_by_verb[verb]} == {
        "audit",
        "notify",
        "watch",
        "remediate",
        "drill",
    }
    assert {verb for verb in FUNCTIONS if "s3:PutObject" in actions_by_verb[verb]} == {
        "audit",
        "drill",
        "watch",
    }
    assert {verb for verb in FUNCTIONS if "sns:Publish" in actions_by_verb[verb]} == {"notify"}
    assert {verb for verb in FUNCTIONS if "events:PutEvents" in actions_by_verb[verb]} == {*FUNCTIONS} - {"watch"}
    assert not {
        action for role_actions in actions_by_verb.values() for action in role_actions if "Delete" in action
    } - {"dynamodb:DeleteItem", "sqs:DeleteMessage"}


def test_resources_are_in_the_stacks_partition() -> None:
    """No ARN of the template has a fixed partition, region or account."""
    arns = [it for it in list_leaves(load_template()["Resources"]) if isinstance(it, str) and it.startswith("arn:")]
    assert arns
    assert [it for it in arns if not it.startswith("arn:${AWS::Partition}:")] == []
    assert [it for it in arns if re.search(r":\d{12}:|:[a-z]{2}-[a-z]+-\d:", it)] == []


def test_a_stack_with_one_project_reads_only_its_secrets() -> None:
    """Without a registry the audit reads only the project's key; with one, all secrets with the prefix."""
    (secrets,) = [it for it in list_statements("AuditRole") if _is_secret_reading(it)]
    conditional_resources = [(it["Fn::If"][0], list_leaves(it["Fn::If"][1])) for it in secrets["Resource"]]
    assert [name for name, _ in conditional_resources] == ["HasRegistry", "HasOneProject"]
    assert conditional_resources[0][1][-1].endswith(":secret:${NamePrefix}keys/*")
    assert conditional_resources[1][1][-1].endswith(":secret:${ApiKeySecret}-??????")


def test_only_remediation_reads_keys_with_write_access() -> None:
    """Remediation reads only editor secrets, and a deny statement keeps them from the readers."""
    (secrets,) = [it for it in list_statements("RemediateRole") if _is_secret_reading(it)]
    assert list_leaves(secrets["Resource"]) == [
        "HasRegistry",
        EDITOR_SECRETS_ARN,
        EDITOR_SECRETS_ARN.replace("EditorNamePrefix}*", "EditorKeySecret}-??????"),
    ]
    values = {
        it: load_template()["Parameters"][it]["Default"] for it in ("NamePrefix", "EditorNamePrefix", "EditorKeySecret")
    }
    assert values["EditorKeySecret"].startswith(values["EditorNamePrefix"])
    assert not values["EditorNamePrefix"].startswith(values["NamePrefix"])


def test_only_drills_read_keys_for_restore_drills() -> None:
    """Drills read only their own secrets, and a deny statement keeps them from all other functions with secrets."""
    (secrets,) = [it for it in list_statements("DrillRole") if _is_secret_reading(it)]
    assert list_leaves(secrets["Resource"]) == [
        "HasRegistry",
        DRILL_SECRETS_ARN,
        DRILL_SECRETS_ARN.replace("DrillNamePrefix}*", "DrillKeySecret}-??????"),
    ]
    parameters = load_template()["Parameters"]
    names = {it: parameters[it]["Default"] for it in ("NamePrefix", "EditorNamePrefix", "DrillNamePrefix")}
    assert parameters["DrillKeySecret"]["Default"].startswith(names["DrillNamePrefix"])
    assert not any(one.startswith(other) for one in names.values() for other in names.values() if one != other)


def test_only_the_watch_reads_the_service_account() -> None:
    """It reads exactly the secret of the parameter; the example in its description is no key, webhook or ping URL."""
    readers = {
        verb: [
            list_leaves(it["Resource"])
            for it in list_statements(f"{verb.capitalize()}Role")
            if _is_secret_reading(it) and "OrganizationSecret" in str(it["Resource"])
        ]
        for verb in FUNCTIONS
    }
    (leaves,) = readers.pop("watch")
    assert leaves[0] == "OrganizationByArn"
    assert leaves[-1].endswith(":secret:${OrganizationSecret}-??????")
    assert not any(readers.values())
    parameters = load_template()["Parameters"]
    example = f"{parameters['NamePrefix']['Default']}organization/pinecone"
    assert example in parameters["OrganizationSecret"]["Description"]
    patterns = (it for it in list_leaves(load_template()["Resources"]) if "${NamePrefix}" in str(it))
    names = (str(it).rpartition(":")[2].removeprefix("parameter/") for it in patterns)
    filled_names = {it.replace("secret:", "").replace("${NamePrefix}", "backup-auditor/") for it in names if "*" in it}
    assert not [it for it in filled_names if fnmatchcase(example, it)]


def test_the_service_account_is_read_from_one_place() -> None:
    """As a parameter it is not granted as a secret, which could not exist."""
    statements = find_properties("WatchRole")["Policies"][0]["PolicyDocument"]["Statement"]
    (condition,) = (
        it["Fn::If"][0] for it in statements if "Fn::If" in it and "OrganizationByArn" in list_leaves(it["Fn::If"][1])
    )
    assert load_template()["Conditions"][condition] == {
        "Fn::And": [{"Condition": "HasOrganization"}, {"Fn::Not": [{"Condition": "OrganizationIsParameter"}]}]
    }


def find_writable_partitions(role: str) -> set[str]:
    """Return the partitions of the table that a role can write; `*` for the whole table."""
    statements = [
        it
        for it in list_statements(role)
        if it["Effect"] == "Allow"
        and {"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"} & {*as_list(it["Action"])}
    ]
    conditions = [next(iter(it["Condition"].values())) if "Condition" in it else {} for it in statements]
    return {partition for it in conditions for partition in it.get("dynamodb:LeadingKeys", ["*"])}


def test_only_the_audit_and_its_deliveries_write_the_state() -> None:
    """The others write partitions without heads and audit records, so they cannot overwrite those."""
    assert find_writable_partitions("RemediateRole") == {"remediation#*", "idempotency#remediate"}
    assert find_writable_partitions("WatchRole") == {"watch#*", "outbox"}
    assert find_writable_partitions("DrillRole") == {f"{Partition.DRILLS}#*", DRILLS_IN_PROGRESS_PARTITION}
    assert {it for it in FUNCTIONS if find_writable_partitions(f"{it.capitalize()}Role") == {"*"}} == {
        "audit",
        "notify",
    }


def test_remediation_resources_exist_only_on_request() -> None:
    """The function and the role of remediation, and all resources that refer to them, require EnableRemediation."""
    assert load_template()["Parameters"]["EnableRemediation"]["Default"] == "false"
    remediation_resources = {
        name: it
        for name, it in load_transformed_template()["Resources"].items()
        if "Remediate" in name or "ScheduleCreation" in name
    }
    assert {
        "RemediateFunction",
        "RemediateRole",
        "RemediateQueue",
        "RemediateFunctionQueued",
    } <= remediation_resources.keys()
    assert [name for name, it in remediation_resources.items() if it.get("Condition") != "RemediationIsEnabled"] == []


def test_drill_resources_exist_only_on_request() -> None:
    """The function and the role of restore drills, and all resources with them, require EnableRestoreDrills."""
    assert load_template()["Parameters"]["EnableRestoreDrills"]["Default"] == "false"
    drill_resources = {name: it for name, it in load_transformed_template()["Resources"].items() if "Drill" in name}
    assert {
        *("DrillFunction", "DrillFunctionQueued", "DrillRole", "DrillLog", "DrillQueue", "DrillQueuePolicy"),
        *("DrillRequested", "DrillSchedule", "DrillSweepSchedule", "DrillErrorsAlarm", "RestoreDrillFailuresAlarm"),
    } <= drill_resources.keys()
    assert [name for name, it in drill_resources.items() if it.get("Condition") != "RestoreDrillsAreEnabled"] == []


def test_documents_of_drills_have_a_folder_of_their_own() -> None:
    """The role of drills writes and reads only the folder of their documents, in which no report is."""
    (statement,) = [it for it in list_statements("DrillRole") if "s3:PutObject" in it["Action"]]
    pattern = statement["Resource"]["Fn::Sub"].removeprefix("${EvidenceBucket.Arn}/")
    assert fnmatchcase("search/drills/5f5f5f5f5f5f5f5f/9.json", pattern)
    assert fnmatchcase(f"{DRILL_CHECK_FOLDER}/refused", pattern)
    assert not fnmatchcase("drills/2026-11-22/4c1f0a52e6d9478b/report.json", pattern)
    with pytest.raises(ValueError, match="slash"):
        parse_project_name("search/drills")


def test_pages_of_the_fleet_have_a_folder_of_their_own() -> None:
    """The role of `watch` writes and reads only the folder of pages, which no project can have."""
    (statement,) = [it for it in list_statements("WatchRole") if "s3:PutObject" in it["Action"]]
    pattern = statement["Resource"]["Fn::Sub"].removeprefix("${EvidenceBucket.Arn}/")
    assert fnmatchcase(f"{FLEET}/2026-11-22/041500Z/fleet.1.json", pattern)
    assert fnmatchcase(f"{FLEET_CHECK_FOLDER}/refused", pattern)
    assert not fnmatchcase("search/2026-11-22/4c1f0a52e6d9478b/report.json", pattern)
    with pytest.raises(ValueError, match="do not start with a dot"):
        parse_project_name(FLEET)


def test_access_of_aws_services_is_restricted() -> None:
    """AWS services have access only on behalf of this stack, and access without TLS is denied."""
    trust_statement = find_properties("SchedulesRole")["AssumeRolePolicyDocument"]["Statement"][0]
    assert set(trust_statement["Condition"]["StringEquals"]) == {"aws:SourceAccount", "aws:SourceArn"}
    for name in (
        "AlertTopicPolicy",
        "AlarmTopicPolicy",
        "EvidenceBucketPolicy",
        *find_resources("AWS::SQS::QueuePolicy"),
    ):
        policy_statements = find_properties(name)["PolicyDocument"]["Statement"]
        deny_statements = [
            it for it in policy_statements if it["Effect"] == "Deny" and it.get("Sid") == "DenyInsecureTransport"
        ]
        assert deny_statements[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert all(it.get("Condition") for it in policy_statements)


def test_a_report_is_written_once() -> None:
    """The bucket refuses each write without the condition that the object does not exist."""
    statements_by_id = {it["Sid"]: it for it in find_properties("EvidenceBucketPolicy")["PolicyDocument"]["Statement"]}
    assert statements_by_id["DenyOverwrite"]["Action"] == "s3:PutObject"
    assert statements_by_id["DenyOverwrite"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    bucket = find_properties("EvidenceBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_skipped_checks_have_a_reason() -> None:
    """Each skipped checkov check has a reason."""
    skip_comments = re.findall(r"checkov:skip=(.*)", TEMPLATE.read_text(encoding="utf-8"))
    assert skip_comments
    assert [it for it in skip_comments if not re.fullmatch(r"CKV2?_\w+: .{20,}", it)] == []
