"""Tests of the functions in the template."""

import ast
import json
import re
from pathlib import Path

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
MAX_TIMEOUTS = {"dispatch": 57, "audit": 100, "notify": 272, "watch": 61, "remediate": 81}
"""The largest resident size of each, in MiB (`make bench ARGS=sizes`)."""


def test_every_function_is_made() -> None:
    """The template makes a function for each verb, and no other."""
    assert set(find_resources("AWS::Lambda::Function")) == {name_function(verb) for verb in FUNCTIONS}
    assert set(VARIABLES_BY_FUNCTION) == set(FUNCTIONS)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_runs_where_the_layer_was_built_for(verb: str) -> None:
    """Every function has the processor, the Python and the layer that is built, and is traced."""
    function_properties = find_properties(name_function(verb))
    assert (function_properties["Architectures"], function_properties["Runtime"]) == (["arm64"], "python3.13")
    assert [layer["Ref"].startswith("AuditorLayer") for layer in function_properties["Layers"]] == [True]
    assert function_properties["TracingConfig"] == {"Mode": "Active"}
    layer = load_template()["Resources"]["AuditorLayer"]
    assert layer["Metadata"]["BuildArchitecture"] == "arm64"
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_handler_is_there_and_thin(verb: str) -> None:
    """The file and the function that the template names exist, in fewer than 40 lines."""
    function_properties = load_template()["Resources"][name_function(verb)]["Properties"]
    module, _, handler = load_template()["Globals"]["Function"]["Handler"].partition(".")
    path = ROOT / function_properties["CodeUri"] / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    assert [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == handler]
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_is_given_what_it_reads(verb: str) -> None:
    """A function's environment holds the variables that its settings read, and no others."""
    variables = find_properties(name_function(verb))["Environment"]["Variables"]
    assert set(variables) == {it.name for it in VARIABLES_BY_FUNCTION[verb]}


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_samples(verb: str) -> None:
    """For each function there is at least one event to try it with, and each is JSON."""
    samples = sorted((ROOT / "events").glob(f"{verb}.*.json"))
    assert samples
    for sample in samples:
        json.loads(sample.read_text(encoding="utf-8"))


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_is_looked_after(verb: str) -> None:
    """Each has a role and a log group of its own, JSON lines, dead letters, and alarms for errors and throttles."""
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
    invoke_config = find_properties(f"{name}EventInvokeConfig")
    assert invoke_config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert invoke_config["MaximumRetryAttempts"] == 2
    for metric in ("Errors", "Throttles"):
        alarm = find_properties(f"{stem}{metric}Alarm")
        metric_stats = [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", ()) if "MetricStat" in it] or [alarm]
        assert metric in {it["MetricName"] for it in metric_stats}
        assert [it["Dimensions"][0]["Value"] for it in metric_stats] == [{"Ref": name}] * len(metric_stats)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_twice_the_memory_that_its_largest_load_takes(verb: str) -> None:
    """The measured memory is documented where the sizes are explained."""
    size = find_properties(name_function(verb))["MemorySize"]
    assert size >= 2 * MAX_TIMEOUTS[verb]
    assert re.search(rf"^\| `{verb}` \| {size:,} MB \| .*\b{MAX_TIMEOUTS[verb]} MB\b", PERFORMANCE, re.MULTILINE)


def test_an_audit_waits_for_no_other() -> None:
    """Concurrency is reserved only if requested, and the longest audit ends before Lambda's limit."""
    reserved_concurrency = find_properties("AuditFunction")["ReservedConcurrentExecutions"]
    assert reserved_concurrency == {"Fn::If": ["HasReserved", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert load_template()["Parameters"]["ReservedConcurrency"]["Default"] == 0
    assert find_properties("AuditFunction")["Timeout"] == 900


def test_what_is_kept_outlives_the_stack() -> None:
    """The table and the bucket stay when the stack is deleted or replaces them."""
    for name in ("StateTable", "EvidenceBucket"):
        resource = load_transformed_template()["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert find_properties("StateTable")["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert find_properties("StateTable")["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    keys = {it["AttributeName"]: it["KeyType"] for it in find_properties("StateTable")["KeySchema"]}
    assert keys == {"PK": "HASH", "SK": "RANGE"}


def test_parameters_explain_themselves() -> None:
    """Every parameter has a group, a label, a description, a default and a limit."""
    interface = load_template()["Metadata"]["AWS::CloudFormation::Interface"]
    parameters = load_template()["Parameters"]
    assert sorted(name for group in interface["ParameterGroups"] for name in group["Parameters"]) == sorted(parameters)
    assert set(interface["ParameterLabels"]) == set(parameters)
    for parameter in parameters.values():
        assert {"Description", "Default"} <= set(parameter)
        assert {"AllowedPattern", "AllowedValues", "MaxValue"} & set(parameter)
