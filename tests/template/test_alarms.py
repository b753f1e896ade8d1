"""Test the alarms and the dashboard of the template."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.aws import metrics
from backup_auditor.application.notifications import dispatcher
from backup_auditor.rendering.digest import _CONSOLE_HOSTS
from support.aws.template import find_properties, find_resources, load_transformed_template, name_function
from support.aws_local.cloudwatch import MetricValue, find_alarms
from support.aws_local.stack import STACK_NAME, Stack

ALARMS = Path(__file__).parents[2] / "docs" / "operations" / "alarms.md"
ROUTED_METRICS = {"ProjectsOverdue", "ProjectsIncomplete"}
EDGE_METRICS = {"ProjectsNewlyFailed"}
"""Metrics that have an alarm and no graph."""
OF_STACK = {"stack": STACK_NAME}
MAX_DURATION = timedelta(minutes=5)
"""The maximum duration of a sweep."""
EMITTED_METRICS = set(metrics.METRIC_UNITS)
AWS_METRICS = {"Errors", "Invocations", "Throttles", "ApproximateNumberOfMessagesVisible"}
MISSING_DATA_TREATMENT = {
    "WatchSilentAlarm": "breaching",
    "ProjectsOverdueAlarm": "ignore",
    "IncompleteAuditAlarm": "ignore",
}
START = datetime(2026, 11, 22, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def load_alarms() -> dict[str, dict[str, Any]]:
    """Return the alarms, by their names in the template."""
    return {name: it["Properties"] for name, it in find_resources("AWS::CloudWatch::Alarm").items()}


def list_metric_stats(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics in the expressions of an alarm."""
    return [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", ()) if "MetricStat" in it]


def list_expressions() -> list[str]:
    """Return the metric expressions of all alarms."""
    return [
        it["Expression"]["Fn::Sub"] if isinstance(it["Expression"], dict) else it["Expression"]
        for alarm in load_alarms().values()
        for it in alarm.get("Metrics", ())
        if "Expression" in it
    ]


def list_queries() -> list[str]:
    """Return the queries over all projects."""
    return [it for it in list_expressions() if it.startswith("SELECT")]


def find_active_alarms(*data: MetricValue, end: datetime = START + HOUR) -> set[str]:
    """Return the alarms that these metrics raise until a time."""
    template = load_transformed_template()
    stack = Stack(template, {}, {name: name for name in template["Resources"]}, {}, {}, {}, {}, (), ())
    return find_alarms(stack, data, START, end)


def make_value(name: str, value: float, hours: float = 0.5, dimensions: Mapping[str, str] | None = None) -> MetricValue:
    """Return a value of the product that is emitted some hours after the start."""
    return MetricValue(metrics.NAMESPACE, name, OF_STACK | dict(dimensions or {}), value, START + hours * HOUR)


def make_stack_metrics(stack: str, value: float) -> list[MetricValue]:
    """Return the data of the metrics of this product that have alarms, for one stack."""
    dimensions_by_name: dict[str, dict[str, str]] = {
        "ProjectsOverdue": {},
        "ProjectsIncomplete": {},
        "ProjectsNewlyFailed": {},
        "DeliveryFailures": {"project": "search"},
        "ScheduleCreationFailures": {"project": "search"},
    }
    return [
        make_value(name, value, dimensions={**dimensions, "stack": stack})
        for name, dimensions in dimensions_by_name.items()
    ]


def make_lambda_metrics(name: str, *, times: int, errors: int, hours: float = 0.5) -> tuple[MetricValue, ...]:
    """Return the data that Lambda emits for a function some hours after the start."""
    dimensions, moment = {"FunctionName": name}, START + hours * HOUR
    return MetricValue("AWS/Lambda", "Invocations", dimensions, times, moment), MetricValue(
        "AWS/Lambda", "Errors", dimensions, errors, moment
    )


def render_dashboard_text() -> str:
    """Return the text of the dashboard, with remediation."""
    text, more = find_properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    condition, remediation_value, none = more["Remediation"]["Fn::If"]
    assert (condition, none) == ("RemediationIsEnabled", "")
    return str(text).replace("${Remediation}", remediation_value["Fn::Sub"])


def load_dashboard() -> dict[str, Any]:
    """Return the dashboard with an example name for each name that is known only after deployment."""
    text = re.sub(r"\$\{(?!!)[^}]+\}", "name", render_dashboard_text())
    document: dict[str, Any] = json.loads(text.replace("${!", "${"))
    return document


def test_every_alarm_publishes_to_the_topic_of_alarms() -> None:
    """Every alarm publishes to the topic of alarms when it starts and ends, and the topic's policy allows this."""
    topic = {"Fn::If": ["OwnsAlarmTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}
    for alarm in load_alarms().values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
        assert alarm["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")
    allow_statement = find_properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"][0]
    assert allow_statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow_statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")


def test_alarms_do_not_depend_on_what_they_watch() -> None:
    """The topic of findings has the customer's key, and the topic of alarms has no key whose policy could fail."""
    resources = load_transformed_template()["Resources"]
    key = {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    assert resources["AlertTopic"]["Properties"] == {"KmsMasterKeyId": key}
    assert "KmsMasterKeyId" not in resources["AlarmTopic"].get("Properties", {})
    assert {resources[it]["Condition"] for it in ("AlarmTopic", "AlarmTopicPolicy")} == {"OwnsAlarmTopic"}


def test_an_email_address_receives_findings_and_alarms() -> None:
    """The address is subscribed to both topics, to that of alarms only if it is the stack's."""
    subscriptions = {
        it["Properties"]["TopicArn"]["Ref"]: it["Condition"] for it in find_resources("AWS::SNS::Subscription").values()
    }
    assert subscriptions == {"AlertTopic": "HasEmail", "AlarmTopic": "EmailsAlarms"}
    conditions = load_transformed_template()["Conditions"]
    assert conditions["EmailsAlarms"] == {"Fn::And": [{"Condition": "HasEmail"}, {"Condition": "OwnsAlarmTopic"}]}


def test_the_outputs_say_that_nobody_is_subscribed() -> None:
    """Without an address, a webhook, a topic for alarms and a registry, an output says that no alert reaches anyone."""
    (condition, warning, _) = load_transformed_template()["Outputs"]["Subscriptions"]["Value"]["Fn::If"]
    assert condition == "NobodyIsSubscribed"
    assert warning.startswith("Nobody is subscribed.")
    (text, empty_text) = load_transformed_template()["Conditions"]["NobodyIsSubscribed"]["Fn::Equals"]
    assert re.findall(r"\$\{(\w+)\}", text["Fn::Sub"]) == ["AlertEmail", "SlackSecret", "AlarmTopicArn", "Registry"]
    assert not empty_text


@pytest.mark.parametrize("name", sorted(find_resources("AWS::CloudWatch::Alarm")))
def test_an_alarm_describes_the_remedy(name: str) -> None:
    """The description of an alarm starts with the remedy and names an existing section of the documentation."""
    text = load_alarms()[name]["AlarmDescription"]
    assert re.match(r"(Fix|Inspect|Raise|Read) ", text)
    (section,) = re.findall(r'docs/operations/alarms\.md, "([a-z-]+)"\.$', text)
    assert f"\n## {section}\n" in ALARMS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(find_resources("AWS::CloudWatch::Alarm")))
def test_missing_data_is_treated_by_kind(name: str) -> None:
    """Missing data is breaching only where it is the fault, and changes no alarm about the last count of projects."""
    assert load_alarms()[name]["TreatMissingData"] == MISSING_DATA_TREATMENT.get(name, "notBreaching")


def test_missing_data_raises_no_alarm_before_the_first_count() -> None:
    """The alarm on missing counts is created after the schedule, whose first count starts immediately."""
    assert load_transformed_template()["Resources"]["WatchSilentAlarm"]["DependsOn"] == "WatchSchedule"
    assert find_properties("WatchSchedule")["ScheduleExpression"] == "rate(1 hour)"
    assert "StartDate" not in find_properties("WatchSchedule")
    assert load_alarms()["ProjectsOverdueAlarm"]["Period"] == 3600


def test_no_project_ends_the_alarm_of_another() -> None:
    """A shared alarm sums failures or counts projects, and a pending message fails at least once per period."""
    assert all(it.startswith("SELECT SUM(") and "Failures) FROM" in it for it in list_queries())
    assert [it["Name"] for it in load_alarms()["IncompleteAuditAlarm"]["Dimensions"]] == ["stack"]
    good_value = make_value("AuditComplete", 1, dimensions={"project": "other"})
    for name, alarm in {
        "ProjectsIncomplete": "IncompleteAuditAlarm",
        "DeliveryFailures": "DeliveryFailuresAlarm",
    }.items():
        dimensions = {"project": "search"} if name == "DeliveryFailures" else {}
        other_value = make_value(name, 0, dimensions={"project": "other"})
        assert find_active_alarms(make_value(name, 1, dimensions=dimensions), other_value, good_value) == {alarm}
    sweep_interval = timedelta(
        minutes=int(re.findall(r"\d+", find_properties("SweepSchedule")["ScheduleExpression"])[0])
    )
    period = timedelta(seconds=load_alarms()["DeliveryFailuresAlarm"]["Metrics"][0]["Period"])
    assert math.ceil(dispatcher._RETRY_WAITS[-1] / sweep_interval) * sweep_interval + MAX_DURATION < period


def test_stacks_side_by_side_have_their_own_alarms() -> None:
    """The failures of another stack raise no alarm, and its zeros end none, also where nothing runs."""
    alarms = {
        *("ProjectsOverdueAlarm", "ProjectsNewlyFailedAlarm", "IncompleteAuditAlarm"),
        *("DeliveryFailuresAlarm", "ScheduleCreationFailuresAlarm"),
    }
    healthy, failing = make_stack_metrics(STACK_NAME, 0), make_stack_metrics(STACK_NAME, 1)
    assert find_active_alarms(*healthy, *make_stack_metrics("staging", 1)) == set()
    assert find_active_alarms(*failing, *make_stack_metrics("staging", 0)) == alarms
    assert find_active_alarms(*make_stack_metrics("staging", 0), end=START + 7 * HOUR) == {"WatchSilentAlarm"}


@pytest.mark.parametrize("verb", ["audit", "remediate"])
@pytest.mark.parametrize(
    "times, errors, is_alarm_expected",
    [
        pytest.param(3, 3, True, id="every-attempt-crashed"),
        pytest.param(3, 2, False, id="third-attempt-succeeded"),
        pytest.param(303, 3, False, id="three-of-300-events-retried"),
        pytest.param(120, 30, True, id="ten-of-100-events-failed"),
        pytest.param(300, 0, False, id="no-errors"),
    ],
)
def test_errors_raise_an_alarm_by_their_share(verb: str, times: int, errors: int, *, is_alarm_expected: bool) -> None:
    """An alarm starts if the share of failed invocations exceeds its threshold."""
    expected_alarms = {f"{verb.capitalize()}ErrorsAlarm"} if is_alarm_expected else set()
    assert find_active_alarms(*make_lambda_metrics(name_function(verb), times=times, errors=errors)) == expected_alarms


@pytest.mark.parametrize("errors, is_alarm_expected", [(2, False), (3, True)])
def test_three_errors_raise_the_alarm_of_the_dispatch(errors: int, *, is_alarm_expected: bool) -> None:
    """Three attempts at a request that crash within an hour raise the alarm."""
    expected_alarms = {"DispatchErrorsAlarm"} if is_alarm_expected else set()
    data = make_lambda_metrics(name_function("dispatch"), times=24, errors=errors)
    assert find_active_alarms(*data) == expected_alarms


@pytest.mark.parametrize("verb", ["notify", "watch"])
@pytest.mark.parametrize(
    "hours, is_alarm_expected",
    [pytest.param(4, False, id="outage-of-three-hours"), pytest.param(7, True, id="broken-function")],
)
def test_errors_for_six_hours_raise_the_alarm_of_a_function_that_repeats_its_work(
    verb: str, hours: int, *, is_alarm_expected: bool
) -> None:
    """Errors in four successive hours raise no alarm, and errors in every hour do."""
    data = [
        it
        for hour in range(hours)
        for it in make_lambda_metrics(name_function(verb), times=4, errors=1, hours=hour + 0.5)
    ]
    counts = [make_value("ProjectsOverdue", 0, hour + 0.5) for hour in range(hours)]
    expected_alarms = {f"{verb.capitalize()}ErrorsAlarm"} if is_alarm_expected else set()
    assert find_active_alarms(*data, *counts, end=START + hours * HOUR) == expected_alarms


@pytest.mark.parametrize("hours, expected_alarms", [(5, set()), (7, {"WatchSilentAlarm"})])
def test_six_hours_without_a_count_raise_an_alarm(hours: int, expected_alarms: set[str]) -> None:
    """Missing counts raise no alarm for five hours, and one after that."""
    assert find_active_alarms(make_value("ProjectsOverdue", 0, 0.1), end=START + hours * HOUR) == expected_alarms


def test_each_metric_in_use_is_emitted() -> None:
    """Every metric of an alarm or the dashboard is emitted by the functions or by AWS."""
    alarm_metrics = {it["MetricName"] for it in load_alarms().values() if "MetricName" in it}
    alarm_metrics |= {metric["MetricName"] for it in load_alarms().values() for metric in list_metric_stats(it)}
    alarm_metrics |= {name for text in list_queries() for name in re.findall(r"SUM\((\w+)\)", text)}
    text = json.dumps(load_dashboard()).replace('\\"', '"')
    shown_metrics = set(re.findall(r'MetricName="(\w+)"', text)) | ROUTED_METRICS
    assert (
        alarm_metrics == ROUTED_METRICS | EDGE_METRICS | {"DeliveryFailures", "ScheduleCreationFailures"} | AWS_METRICS
    )
    assert shown_metrics <= EMITTED_METRICS
    for name in ROUTED_METRICS:
        assert f'"PineconeBackupAuditor", "{name}", "stack", "name"' in text


def test_queries_use_the_emitted_dimensions() -> None:
    """The queries use the namespace and the dimensions of the emitted metrics."""
    assert len(list_queries()) == 2
    for query in list_queries():
        assert query.endswith(
            f"""FROM SCHEMA("{metrics.NAMESPACE}", project, stack) WHERE stack = '${{AWS::StackName}}'"""
        )
    text = json.dumps(load_dashboard()).replace('\\"', '"')
    searches = re.findall(r"""SEARCH\('\{([^}]+)\} MetricName="\w+"([^']*)'""", text)
    assert {schema for schema, _ in searches} == {
        f"{metrics.NAMESPACE},project,stack",
        f"{metrics.NAMESPACE},project,severity,stack",
    }
    assert {condition for _, condition in searches} == {' stack="name"'}
    assert len(searches) == text.count("SEARCH(")


def test_the_dashboard_shows_every_alarm() -> None:
    """The dashboard shows all alarms, and no two widgets overlap."""
    assert set(re.findall(r"\$\{(\w+Alarm)\.Arn\}", render_dashboard_text())) == set(load_alarms())
    placed_alarms = [
        (x, y)
        for it in load_dashboard()["widgets"]
        for x in range(it["x"], it["x"] + it["width"])
        for y in range(it["y"], it["y"] + it["height"])
    ]
    assert len(placed_alarms) == len(set(placed_alarms))
    assert max(x for x, _ in placed_alarms) < 24


def test_the_dashboard_lists_open_findings() -> None:
    """The log query reads the lines that an audit writes about open findings."""
    (query,) = [it["properties"]["query"] for it in load_dashboard()["widgets"] if it["type"] == "log"]
    assert "filter message = 'open finding'" in query
    assert query.startswith("SOURCE 'name' |")


def test_outputs_have_the_next_steps() -> None:
    """The outputs have the commands for an audit and the names of the resources."""
    outputs = load_transformed_template()["Outputs"]
    assert {"AuditNow", "AuditAllNow", "DashboardUrl", "AlertTopicArn", "EvidenceBucketName"} <= set(outputs)
    assert all(it["Description"] for it in outputs.values())


def test_stacks_with_rules_on_the_bus_can_import_its_name() -> None:
    """The name of the bus is exported, so that the bus is not deleted before the rules of other stacks."""
    output = load_transformed_template()["Outputs"]["EventBusName"]
    assert output["Export"] == {"Name": {"Fn::Sub": "${AWS::StackName}-EventBusName"}}


def test_the_dashboard_is_in_the_console_of_its_partition() -> None:
    """China and GovCloud have consoles of their own."""
    url, values = load_transformed_template()["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]
    assert url.startswith("https://${AWS::Region}.${Console}/cloudwatch/")
    condition, host, otherwise = values["Console"]["Fn::If"]
    next_condition, next_host, default_host = otherwise["Fn::If"]
    conditions = load_transformed_template()["Conditions"]
    hosts = {conditions[condition]["Fn::Equals"][1]: host, conditions[next_condition]["Fn::Equals"][1]: next_host}
    assert {(f"{partition.removeprefix('aws-')}-", host) for partition, host in hosts.items()} == {*_CONSOLE_HOSTS}
    assert default_host == "console.aws.amazon.com"
