"""What the template says of alarms and the dashboard."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters import metrics
from described import made, properties, resources

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
EMITTED = set(metrics._UNITS)
OF_AWS = {"Errors", "Throttles", "ApproximateNumberOfMessagesVisible"}
TREATED = {
    "ProjectsOverdueAlarm": "breaching",
    "IncompleteAuditAlarm": "ignore",
    "DeliveryFailuresAlarm": "ignore",
}


def alarms() -> dict[str, dict[str, Any]]:
    """Return the alarms, by their names in the template."""
    return {name: it["Properties"] for name, it in resources("AWS::CloudWatch::Alarm").items()}


def body() -> str:
    """Return the text of the dashboard, remediation included."""
    text, more = properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    condition, its, none = more["Remediation"]["Fn::If"]
    assert (condition, none) == ("RemediationIsEnabled", "")
    return str(text).replace("${Remediation}", its["Fn::Sub"])


def dashboard() -> dict[str, Any]:
    """Return the dashboard with made-up names in the places of those that are known once it is deployed."""
    text = re.sub(r"\$\{(?!!)[^}]+\}", "name", body())
    found: dict[str, Any] = json.loads(text.replace("${!", "${"))
    return found


def test_every_alarm_reaches_somebody() -> None:
    """Every alarm publishes on the topic, when it begins and when it ends, and the topic lets it."""
    for it in alarms().values():
        assert it["AlarmActions"] == it["OKActions"] == [{"Ref": "AlertTopic"}]
        assert it["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")
    allowed = properties("AlertTopicPolicy")["PolicyDocument"]["Statement"][0]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")


def test_alarms_can_publish_under_the_topics_key() -> None:
    """The topic is under the customer's key or none: AWS's own key for topics keeps alarms from publishing."""
    key = properties("AlertTopic")["KmsMasterKeyId"]
    assert key == {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize("name", sorted(resources("AWS::CloudWatch::Alarm")))
def test_an_alarm_says_what_to_do(name: str) -> None:
    """A description begins with what to do, and names the section of the runbook that goes on from there."""
    text = alarms()[name]["AlarmDescription"]
    assert re.match(r"(Look|Read|Mend|Raise) ", text)
    (section,) = re.findall(r'docs/runbook\.md, "([a-z-]+)"\.$', text)
    assert f"\n### {section}\n" in RUNBOOK.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(resources("AWS::CloudWatch::Alarm")))
def test_silence_is_taken_rightly(name: str) -> None:
    """Only the count of overdue projects is missed; what is measured once a night stays as it was, the rest is well."""
    assert alarms()[name]["TreatMissingData"] == TREATED.get(name, "notBreaching")


def test_metrics_are_those_that_are_emitted() -> None:
    """Every metric that an alarm or the dashboard asks for is one that the functions or AWS emit."""
    asked = {it["MetricName"] for it in alarms().values() if "MetricName" in it}
    queries = [it["Metrics"][0]["Expression"] for it in alarms().values() if "Metrics" in it]
    asked |= {name for text in queries for name in re.findall(r"(?:MIN|SUM)\((\w+)\)", text)}
    text = json.dumps(dashboard()).replace('\\"', '"')
    shown = set(re.findall(r'MetricName="(\w+)"', text)) | {"ProjectsOverdue"}
    assert asked == {"ProjectsOverdue", "AuditComplete", "DeliveryFailures", "ScheduleCreationFailures"} | OF_AWS
    assert shown <= EMITTED
    assert '"PineconeBackupAuditor", "ProjectsOverdue"' in text


def test_queries_ask_for_the_dimensions_that_are_emitted() -> None:
    """The queries name the namespace, and the dimensions with which the metrics are emitted."""
    queries = [it["Metrics"][0] for it in alarms().values() if "Metrics" in it]
    assert len(queries) == 3
    for it in queries:
        assert it["Expression"].endswith(f'FROM SCHEMA("{metrics.NAMESPACE}", project)')
    text = json.dumps(dashboard()).replace('\\"', '"')
    schemas = set(re.findall(r"SEARCH\('\{([^}]+)\} MetricName", text))
    assert schemas == {f"{metrics.NAMESPACE},project", f"{metrics.NAMESPACE},project,severity"}


def test_the_dashboard_shows_every_alarm() -> None:
    """The dashboard begins with all alarms; no two widgets lie upon each other."""
    assert set(re.findall(r"\$\{(\w+Alarm)\.Arn\}", body())) == set(alarms())
    taken = [
        (x, y)
        for it in dashboard()["widgets"]
        for x in range(it["x"], it["x"] + it["width"])
        for y in range(it["y"], it["y"] + it["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_the_dashboard_lists_open_findings() -> None:
    """The log query reads the lines that an audit writes of open findings."""
    (query,) = [it["properties"]["query"] for it in dashboard()["widgets"] if it["type"] == "log"]
    assert "filter message = 'open finding'" in query
    assert query.startswith("SOURCE 'name' |")


def test_outputs_say_how_to_go_on() -> None:
    """Whoever deployed is told how to audit now, and the names of what can be looked at."""
    outputs = made()["Outputs"]
    assert {"AuditNow", "AuditAllNow", "DashboardUrl", "AlertTopicArn", "EvidenceBucketName"} <= set(outputs)
    assert all(it["Description"] for it in outputs.values())
