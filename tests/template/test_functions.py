"""Test the functions of the template."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.settings.variables import VARIABLES_BY_FUNCTION
from support.aws.template import (
    FUNCTIONS,
    find_properties,
    find_resources,
    load_template,
    load_transformed_template,
    name_function,
)

ROOT = Path(__file__).parents[2]
PERFORMANCE = (ROOT / "docs" / "development" / "performance.md").read_text(encoding="utf-8")
MEASURED_MEMORY_MIB = {"dispatch": 57, "audit": 100, "notify": 272, "watch": 61, "remediate": 81, "drill": 90}
"""The largest resident size of each function (`make bench ARGS=sizes`)."""


def test_every_function_is_in_the_template() -> None:
    """The template has one function for each verb, and no other function."""
    assert set(find_resources("AWS::Lambda::Function")) == {name_function(verb) for verb in FUNCTIONS}
    assert set(VARIABLES_BY_FUNCTION) == set(FUNCTIONS)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_matches_the_layer(verb: str) -> None:
    """Each function has the processor and the Python version of the layer, and uses the layer."""
    function_properties = find_properties(name_function(verb))
    assert (function_properties["Architectures"], function_properties["Runtime"]) == (["arm64"], "python3.13")
    assert [layer["Ref"].startswith("AuditorLayer") for layer in function_properties["Layers"]] == [True]
    layer = load_template()["Resources"]["AuditorLayer"]
    assert layer["Metadata"]["BuildArchitecture"] == "arm64"
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_handler_exists_and_is_short(verb: str) -> None:
    """The file and the function that the template names exist, and the file has fewer than 40 lines."""
    function_properties = load_template()["Resources"][name_function(verb)]["Properties"]
    module, _, handler = load_template()["Globals"]["Function"]["Handler"].partition(".")
    path = ROOT / function_properties["CodeUri"] / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    assert [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == handler]
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_the_variables_that_it_reads(verb: str) -> None:
    """A function's environment has exactly the variables that its settings read."""
    variables = find_properties(name_function(verb))["Environment"]["Variables"]
    assert set(variables) == {it.name for it in VARIABLES_BY_FUNCTION[verb]}


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_samples(verb: str) -> None:
    """Each function has at least one sample event, and each sample is JSON."""
    samples = sorted((ROOT / "events").glob(f"{verb}.*.json"))
    assert samples
    for sample in samples:
        json.loads(sample.read_text(encoding="utf-8"))


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_logs_and_alarms(verb: str) -> None:
    """Each function has its own role and log group, JSON logs, and alarms on errors and throttles."""
    name = name_function(verb)
    function_properties = find_properties(name)
    stem = verb.capitalize()
    assert function_properties["Role"] == {"Fn::GetAtt": [f"{stem}Role", "Arn"]}
    assert function_properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{stem}Log"}
    assert function_properties["LoggingConfig"]["LogFormat"] == "JSON"
    assert find_properties(f"{stem}Log")["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert (
        find_properties(f"{stem}Log")["LogGroupName"]["Fn::Sub"]
        == f"/aws/lambda/{function_properties['FunctionName']['Fn::Sub']}"
    )
    throttle_alarm = find_properties("ThrottlesAlarm")
    throttle_metrics = [it["Fn::If"][1] if "Fn::If" in it else it for it in throttle_alarm["Metrics"]]
    assert {"Ref": name} in [
        it["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for it in throttle_metrics if "MetricStat" in it
    ]
    if verb == "watch":  # a watch that fails does not count, which has an alarm
        assert find_properties("WatchSilentAlarm")["MetricName"] == "ProjectsOverdue"
        return
    alarm = find_properties(f"{stem}ErrorsAlarm")
    metric_stats = [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", ()) if "MetricStat" in it] or [alarm]
    assert "Errors" in {it["MetricName"] for it in metric_stats}
    assert [it["Dimensions"][0]["Value"] for it in metric_stats] == [{"Ref": name}] * len(metric_stats)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_twice_the_measured_memory(verb: str) -> None:
    """Each function has at least twice the memory of its largest load, which the documentation states."""
    size = find_properties(name_function(verb))["MemorySize"]
    assert size >= 2 * MEASURED_MEMORY_MIB[verb]
    assert re.search(rf"^\| `{verb}` \| {size:,} MB \| .*\b{MEASURED_MEMORY_MIB[verb]} MB\b", PERFORMANCE, re.MULTILINE)


def test_audits_run_concurrently_and_reserve_nothing() -> None:
    """The queue limits concurrent audits, no concurrency is reserved, and the timeout of an audit is Lambda's limit."""
    limits = {
        name: it["Properties"].get("ScalingConfig")
        for name, it in find_resources("AWS::Lambda::EventSourceMapping").items()
    }
    assert limits.pop("AuditFunctionQueued") == {"MaximumConcurrency": {"Ref": "AuditConcurrency"}}
    assert limits.pop("DrillFunctionQueued") == {"MaximumConcurrency": 10}
    assert set(limits.values()) == {None}
    assert load_template()["Parameters"]["AuditConcurrency"]["Default"] == 10
    assert not any("ReservedConcurrentExecutions" in find_properties(name_function(verb)) for verb in FUNCTIONS)
    assert find_properties("AuditFunction")["Timeout"] == 900


def test_the_table_and_the_bucket_outlast_the_stack() -> None:
    """Table, bucket and bucket policy stay after the stack; a failed first deployment deletes what it can."""
    resources = load_transformed_template()["Resources"]
    assert {
        name: it["DeletionPolicy"] for name, it in resources.items() if it.get("UpdateReplacePolicy") == "Retain"
    } == {
        "StateTable": "Retain",  # it is protected against deletion, so a rollback that deletes it would fail
        "EvidenceBucket": "RetainExceptOnCreate",
        "EvidenceBucketPolicy": "RetainExceptOnCreate",
        "DeadLetterQueue": "Delete",
    }
    assert find_properties("StateTable")["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert find_properties("StateTable")["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    keys = {it["AttributeName"]: it["KeyType"] for it in find_properties("StateTable")["KeySchema"]}
    assert keys == {"PK": "HASH", "SK": "RANGE"}


def test_reports_are_locked_on_request() -> None:
    """Object Lock has the mode and the days of the parameters, and is absent without days."""
    bucket = find_properties("EvidenceBucket")
    assert bucket["ObjectLockEnabled"] == {"Fn::If": ["HasLock", True, {"Ref": "AWS::NoValue"}]}
    condition, lock, otherwise = bucket["ObjectLockConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("HasLock", {"Ref": "AWS::NoValue"})
    assert lock["Rule"]["DefaultRetention"] == {"Mode": {"Ref": "ObjectLockMode"}, "Days": {"Ref": "ObjectLockDays"}}


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_is_in_a_network_on_request(verb: str) -> None:
    """A function is in the subnets of the parameters, and in no VPC without them."""
    assert find_properties(name_function(verb))["VpcConfig"] == {
        "Fn::If": [
            "HasVpc",
            {"SubnetIds": {"Ref": "VpcSubnetIds"}, "SecurityGroupIds": {"Ref": "VpcSecurityGroupIds"}},
            {"Ref": "AWS::NoValue"},
        ]
    }


def evaluate_rule(assertion: Any, values: dict[str, list[str]]) -> bool:
    """Evaluate a rule of the template with values of its parameters, as CloudFormation does."""
    ((function, arguments),) = assertion.items()
    match function:
        case "Fn::EachMemberEquals":
            return all(it == arguments[1] for it in values[arguments[0]["Ref"]])
        case "Fn::And":
            return all(evaluate_rule(it, values) for it in arguments)
        case "Fn::Or":
            return any(evaluate_rule(it, values) for it in arguments)
        case "Fn::Not":
            return not evaluate_rule(arguments[0], values)
    raise NotImplementedError(function)


@pytest.mark.parametrize(
    "subnets, groups, is_accepted",
    [
        pytest.param("", "", True, id="no-network"),
        pytest.param("subnet-11112222,subnet-33334444", "sg-11112222", True, id="both"),
        pytest.param("subnet-11112222", "", False, id="no-security-group"),
        pytest.param("", "sg-11112222", False, id="no-subnet"),
    ],
)
def test_a_network_has_subnets_and_security_groups(subnets: str, groups: str, *, is_accepted: bool) -> None:
    """Subnets without security groups, or the other way round, are refused before anything is deployed."""
    ((assertion,),) = [it["Assertions"] for it in load_template()["Rules"].values()]
    values = {"VpcSubnetIds": subnets.split(","), "VpcSecurityGroupIds": groups.split(",")}
    assert evaluate_rule(assertion["Assert"], values) is is_accepted
    assert assertion["AssertDescription"].startswith("VpcSubnetIds needs VpcSecurityGroupIds")


def test_parameters_are_documented() -> None:
    """Every parameter has a group, a label, a description, a default and a limit."""
    interface = load_template()["Metadata"]["AWS::CloudFormation::Interface"]
    parameters = load_template()["Parameters"]
    assert sorted(name for group in interface["ParameterGroups"] for name in group["Parameters"]) == sorted(parameters)
    assert set(interface["ParameterLabels"]) == set(parameters)
    for parameter in parameters.values():
        assert {"Description", "Default"} <= set(parameter)
        assert {"AllowedPattern", "AllowedValues", "MaxValue"} & set(parameter)
