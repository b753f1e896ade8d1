"""What the template says of the functions."""

import ast
import json
import re
from pathlib import Path

import pytest

from backup_auditor.settings.variables import VARIABLES_BY_FUNCTION
from support.aws.template import FUNCTIONS, function, made, properties, resources, written

ROOT = Path(__file__).parents[2]
PERFORMANCE = (ROOT / "docs" / "development" / "performance.md").read_text(encoding="utf-8")
TAKEN = {"dispatch": 57, "audit": 100, "notify": 272, "watch": 61, "remediate": 81}
"""The largest resident size of each, in MiB (`make bench ARGS=sizes`)."""


def test_every_function_is_made() -> None:
    """The template makes a function for each verb, and no other."""
    assert set(resources("AWS::Lambda::Function")) == {function(verb) for verb in FUNCTIONS}
    assert set(VARIABLES_BY_FUNCTION) == set(FUNCTIONS)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_runs_where_the_layer_was_built_for(verb: str) -> None:
    """Every function has the processor, the Python and the layer that is built, and is traced."""
    it = properties(function(verb))
    assert (it["Architectures"], it["Runtime"]) == (["arm64"], "python3.13")
    assert [layer["Ref"].startswith("AuditorLayer") for layer in it["Layers"]] == [True]
    assert it["TracingConfig"] == {"Mode": "Active"}
    layer = written()["Resources"]["AuditorLayer"]
    assert layer["Metadata"]["BuildArchitecture"] == "arm64"
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_handler_is_there_and_thin(verb: str) -> None:
    """The file and the function that the template names exist, in fewer than 40 lines."""
    it = written()["Resources"][function(verb)]["Properties"]
    module, _, handler = written()["Globals"]["Function"]["Handler"].partition(".")
    path = ROOT / it["CodeUri"] / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    assert [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == handler]
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_is_given_what_it_reads(verb: str) -> None:
    """A function's environment holds the variables that its settings read, and no others."""
    variables = properties(function(verb))["Environment"]["Variables"]
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
    name = function(verb)
    it = properties(name)
    stem = verb.capitalize()
    assert it["Role"] == {"Fn::GetAtt": [f"{stem}Role", "Arn"]}
    assert it["LoggingConfig"]["LogGroup"] == {"Ref": f"{stem}Log"}
    assert it["LoggingConfig"]["LogFormat"] == "JSON"
    assert properties(f"{stem}Log")["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert properties(f"{stem}Log")["LogGroupName"]["Fn::Sub"] == f"/aws/lambda/{it['FunctionName']['Fn::Sub']}"
    invoked = properties(f"{name}EventInvokeConfig")
    assert invoked["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert invoked["MaximumRetryAttempts"] == 2
    for metric in ("Errors", "Throttles"):
        alarm = properties(f"{stem}{metric}Alarm")
        asked = [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", ()) if "MetricStat" in it] or [alarm]
        assert metric in {it["MetricName"] for it in asked}
        assert [it["Dimensions"][0]["Value"] for it in asked] == [{"Ref": name}] * len(asked)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_has_twice_the_memory_that_its_largest_load_takes(verb: str) -> None:
    """What was measured is told where the sizes are explained."""
    size = properties(function(verb))["MemorySize"]
    assert size >= 2 * TAKEN[verb]
    assert re.search(rf"^\| `{verb}` \| {size:,} MB \| .*\b{TAKEN[verb]} MB\b", PERFORMANCE, re.MULTILINE)


def test_an_audit_waits_for_no_other() -> None:
    """Concurrency is reserved where it is asked for, and the longest audit ends well before Lambda's limit."""
    reserved = properties("AuditFunction")["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["HasReserved", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert written()["Parameters"]["ReservedConcurrency"]["Default"] == 0
    assert properties("AuditFunction")["Timeout"] == 900


def test_what_is_kept_outlives_the_stack() -> None:
    """The table and the bucket stay when the stack is deleted or replaces them."""
    for name in ("StateTable", "EvidenceBucket"):
        it = made()["Resources"][name]
        assert (it["DeletionPolicy"], it["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties("StateTable")["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert properties("StateTable")["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    keys = {it["AttributeName"]: it["KeyType"] for it in properties("StateTable")["KeySchema"]}
    assert keys == {"PK": "HASH", "SK": "RANGE"}


def test_parameters_explain_themselves() -> None:
    """Every parameter has a group, a label, a description, a default and a limit."""
    shown = written()["Metadata"]["AWS::CloudFormation::Interface"]
    parameters = written()["Parameters"]
    assert sorted(name for group in shown["ParameterGroups"] for name in group["Parameters"]) == sorted(parameters)
    assert set(shown["ParameterLabels"]) == set(parameters)
    for it in parameters.values():
        assert {"Description", "Default"} <= set(it)
        assert {"AllowedPattern", "AllowedValues", "MaxValue"} & set(it)
