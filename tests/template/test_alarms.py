"""Test the alarms and the dashboard of the template."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.aws import metrics
from backup_auditor.application.notifications import dispatcher
from backup_auditor.rendering.digest import _CONSOLE_HOSTS
from support.aws.template import find_properties, find_resources, load_transformed_template, name_function
from support.aws_local.cloudwatch import MetricValue, find_alarm_messages, find_alarms, sort_search
from support.aws_local.stack import STACK_NAME, Stack

ALARMS = Path(__file__).parents[2] / "docs" / "operations" / "alarms.md"
ROUTED_METRICS = {"ProjectsOverdue", "ProjectsIncomplete", "ProjectsNewlyFailed"}
FAILURE_METRICS = {"DeliveryFailures", "ScheduleCreationFailures", "RestoreDrillsFailed"}
"""The metrics of each project that have an alarm."""
OF_STACK = {"stack": STACK_NAME}
MAX_DURATION = timedelta(minutes=5)
"""The maximum duration of a sweep."""
EMITTED_METRICS = set(metrics.METRIC_UNITS)
AWS_METRICS = {
    "Errors",
    "Invocations",
    "Throttles",
    "ApproximateNumberOfMessagesVisible",
    "InvocationDroppedCount",
    "FailedInvocations",
}
SENDERS = {
    "NewFailureAlarm",
    "NeedsAttentionAlarm",
    "FunctionFailureAlarm",
    "DeliveryFailuresAlarm",
    "ScheduleCreationFailuresAlarm",
    "RestoreDrillFailuresAlarm",
}
"""The alarms that send messages."""
CONDITIONS = {"Remediation": "RemediationIsEnabled", "Drill": "RestoreDrillsAreEnabled"}
"""The conditions of optional parts of the dashboard."""
MISSING_DATA_TREATMENT = {
    "WatchSilentAlarm": "breaching",
    "ProjectsOverdueAlarm": "ignore",
    "IncompleteAuditAlarm": "ignore",
}
START = datetime(2026, 11, 22, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def load_alarms() -> dict[str, dict[str, Any]]:
    """Return the alarms on metrics, by their names in the template."""
    return {name: it["Properties"] for name, it in find_resources("AWS::CloudWatch::Alarm").items()}


def load_all_alarms() -> dict[str, dict[str, Any]]:
    """Return the alarms on metrics and the composite alarms, by their names in the template."""
    composite_alarms = find_resources("AWS::CloudWatch::CompositeAlarm").items()
    return load_alarms() | {name: it["Properties"] for name, it in composite_alarms}


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


@cache
def load_stack() -> Stack:
    """Return the stack of the template, whose resources have their logical names."""
    template = load_transformed_template()
    return Stack(template, {}, {name: name for name in template["Resources"]}, {}, {}, {}, {}, (), ())


def find_active_alarms(*data: MetricValue, end: datetime = START + HOUR) -> set[str]:
    """Return the alarms on metrics that these metrics raise until a time."""
    return find_alarms(load_stack(), data, START, end) & set(load_alarms())


def list_messages(*data: MetricValue, end: datetime) -> list[tuple[str, float]]:
    """Return the alarms that send a message when they start, each with the hours since the start."""
    return [
        (it.alarm, round((it.moment - START) / HOUR, 1)) for it in find_alarm_messages(load_stack(), data, START, end)
    ]


def make_counts(
    hours: float, *, overdue: float = 0, incomplete: float = 0, newly_failed: float = 0, first: float = 0
) -> list[MetricValue]:
    """Return the hourly counts of `watch` between two hours; `newly_failed` is in the first one."""
    counts = []
    for number in range(int(hours - first)):
        moment = first + number + 0.2
        counts += [
            make_value("ProjectsOverdue", overdue, moment),
            make_value("ProjectsIncomplete", incomplete, moment),
            make_value("ProjectsNewlyFailed", 0 if number else newly_failed, moment),
        ]
    return counts


def make_dead_letters(count: int, hours: float, *, first: float) -> list[MetricValue]:
    """Return the number of dead letters between two hours, as often as SQS sends it."""
    queue = {"QueueName": "DeadLetterQueue"}
    return [
        MetricValue(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, count, START + first * HOUR + number * MINUTE
        )
        for number in range(0, int((hours - first) * 60), 5)
    ]


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
        "RestoreDrillsFailed": {"project": "search"},
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
    """Return the text of the dashboard, with remediation and restore drills."""
    text, more = find_properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    for name, value in more.items():
        condition, optional_value, none = value["Fn::If"]
        assert (condition, none) == (CONDITIONS[name.removesuffix("Alarms").removesuffix("Widgets")], "")
        text = text.replace(f"${{{name}}}", optional_value["Fn::Sub"])
    return str(text)


def load_dashboard() -> dict[str, Any]:
    """Return the dashboard with an example name for each name that is known only after deployment."""
    text = re.sub(r"\$\{(?!!)[^}]+\}", "name", render_dashboard_text())
    document: dict[str, Any] = json.loads(text.replace("${!", "${"))
    return document


def test_only_alarms_that_name_a_cause_send_messages() -> None:
    """An alarm that sends messages does so when it starts and ends, except an edge, which has no end."""
    topic = {"Fn::If": ["OwnsAlarmTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}
    for name, alarm in load_all_alarms().items():
        assert alarm.get("AlarmActions") == ([topic] if name in SENDERS else None)
        assert alarm.get("OKActions") == ([topic] if name in SENDERS - {"NewFailureAlarm"} else None)
        assert alarm["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")
    allow_statement = find_properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"][0]
    assert allow_statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow_statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")


def test_every_alarm_is_in_a_message() -> None:
    """An alarm that sends no messages is part of a composite alarm that does."""
    rules = json.dumps([it["Properties"] for it in find_resources("AWS::CloudWatch::CompositeAlarm").values()])
    assert set(re.findall(r'ALARM\(\\*"\$\{(\w+)\}\\*"\)', rules)) == set(load_alarms()) - SENDERS


def test_alarms_do_not_depend_on_what_they_watch() -> None:
    """The topic of findings has the customer's key, and the topic of alarms has no key whose policy could fail."""
    resources = load_transformed_template()["Resources"]
    key = {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    assert resources["AlertTopic"]["Properties"]["KmsMasterKeyId"] == key
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


@pytest.mark.parametrize("name", sorted(load_all_alarms()))
def test_an_alarm_describes_the_remedy(name: str) -> None:
    """The description of an alarm starts with the remedy and names an existing section of the documentation."""
    text = load_all_alarms()[name]["AlarmDescription"]
    assert re.match(r"(Fix|Inspect|Raise|Read) ", text)
    (section,) = re.findall(r'docs/operations/alarms\.md, "([a-z-]+)"\.$', text)
    assert f"\n## {section}\n" in ALARMS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(find_resources("AWS::CloudWatch::Alarm")))
def test_missing_data_is_treated_by_kind(name: str) -> None:
    """Missing data is breaching only where it is the fault, and changes no alarm about the last count of projects."""
    assert load_alarms()[name]["TreatMissingData"] == MISSING_DATA_TREATMENT.get(name, "notBreaching")


def test_missing_data_raises_no_alarm_before_the_first_count() -> None:
    """The alarm on missing counts is not evaluated before its periods can have counts."""
    alarm = load_alarms()["WatchSilentAlarm"]
    warm_up = alarm["WarmUpConfiguration"]
    assert warm_up == {"WarmUpPeriodDurationInMinutes": alarm["EvaluationPeriods"] * alarm["Period"] // 60}
    assert find_properties("WatchSchedule")["ScheduleExpression"] == "rate(1 hour)"
    assert load_alarms()["ProjectsOverdueAlarm"]["Period"] == 3600


def test_no_project_ends_the_alarm_of_another() -> None:
    """A shared alarm sums failures or counts projects, and a pending message fails at least once per period."""
    assert all(it.startswith("SELECT SUM(") for it in list_queries())
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
        "ProjectsOverdueAlarm",
        "ProjectsRecentlyOverdueAlarm",
        "ProjectsNewlyFailedAlarm",
        "IncompleteAuditAlarm",
        "DeliveryFailuresAlarm",
        "ScheduleCreationFailuresAlarm",
        "RestoreDrillFailuresAlarm",
    }
    healthy, failing = make_stack_metrics(STACK_NAME, 0), make_stack_metrics(STACK_NAME, 1)
    assert find_active_alarms(*healthy, *make_stack_metrics("staging", 1)) == set()
    assert find_active_alarms(*failing, *make_stack_metrics("staging", 0)) == alarms
    assert find_active_alarms(*make_stack_metrics("staging", 0), end=START + 7 * HOUR) == {"WatchSilentAlarm"}


@pytest.mark.parametrize("verb", ["audit", "remediate", "drill"])
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
def test_errors_for_six_hours_raise_the_alarm_of_repeated_work(
    verb: str, hours: int, *, is_alarm_expected: bool
) -> None:
    """Errors in four successive hours raise no alarm, and errors in every hour do, also of a `watch` that counts."""
    data = [
        it
        for hour in range(hours)
        for it in make_lambda_metrics(name_function(verb), times=4, errors=1, hours=hour + 0.5)
    ]
    counts = [make_value("ProjectsOverdue", 0, hour + 0.5) for hour in range(hours)]
    end = START + hours * HOUR
    assert find_active_alarms(*data, *counts, end=end) == (
        {f"{verb.capitalize()}ErrorsAlarm"} if is_alarm_expected else set()
    )
    messages = [name for name, _ in list_messages(*data, *counts, end=end)]
    assert messages == (["FunctionFailureAlarm"] if is_alarm_expected else [])


@pytest.mark.parametrize("minutes, is_alarm_expected", [(30, False), (75, True)])
def test_throttling_for_an_hour_raises_an_alarm(minutes: int, *, is_alarm_expected: bool) -> None:
    """Throttles of any function in each quarter of an hour raise the alarm after an hour."""
    functions = [name_function(verb) for verb in ("audit", "notify", "watch")]
    data = [
        MetricValue("AWS/Lambda", "Throttles", {"FunctionName": functions[number % 3]}, 2, START + number * 5 * MINUTE)
        for number in range(1, minutes // 5)
    ]
    expected_alarms = {"ThrottlesAlarm"} if is_alarm_expected else set()
    assert find_active_alarms(*data, end=START + 2 * HOUR) == expected_alarms


@pytest.mark.parametrize(
    "namespace, name, dimensions, alarm",
    [
        ("AWS/Scheduler", "InvocationDroppedCount", {"ScheduleGroup": "Schedules"}, "ScheduleInvocationsDroppedAlarm"),
        (
            "AWS/Events",
            "FailedInvocations",
            {"EventBusName": STACK_NAME, "RuleName": "x"},
            "RuleInvocationsFailedAlarm",
        ),
    ],
)
def test_a_request_that_is_given_up_raises_an_alarm(
    namespace: str, name: str, dimensions: dict[str, str], alarm: str
) -> None:
    """What Scheduler or EventBridge could not deliver is one message."""
    value = MetricValue(namespace, name, dimensions, 1, START + HOUR / 2)
    assert find_active_alarms(value) == {alarm}
    assert list_messages(value, end=START + HOUR) == [("FunctionFailureAlarm", 0.5)]


@pytest.mark.parametrize("hours, expected_alarms", [(5, set()), (7, {"WatchSilentAlarm"})])
def test_six_hours_without_a_count_raise_an_alarm(hours: int, expected_alarms: set[str]) -> None:
    """Missing counts raise no alarm for five hours, and one after that."""
    assert find_active_alarms(make_value("ProjectsOverdue", 0, 0.1), end=START + hours * HOUR) == expected_alarms


NIGHT_FAILED = 3.75
"""The hours after which a request of a night becomes a dead letter."""


def make_failed_night(day: int, *, letters: int, overdue: int, is_new: bool = True) -> list[MetricValue]:
    """Return the data of a night in which an audit fails in all attempts, and of the day after it.

    `letters` and `overdue` are the numbers before that night; six hours after it began, a new failure is overdue too.
    """
    hour = day * 24
    return [
        *make_counts(hour + 4, overdue=overdue, first=hour),
        *make_counts(hour + 6, overdue=overdue, newly_failed=int(is_new), first=hour + 4),
        *make_counts(hour + 24, overdue=overdue + is_new, first=hour + 6),
        *make_dead_letters(letters, hour + NIGHT_FAILED, first=hour),
        *make_dead_letters(letters + 1, hour + 24, first=hour + NIGHT_FAILED),
    ]


def test_one_cause_is_one_message() -> None:
    """A refused key causes dead letters, a failure and an overdue project, and one message on that morning."""
    (message, reminder) = list_messages(*make_failed_night(0, letters=0, overdue=0), end=START + DAY)
    assert message == ("NewFailureAlarm", 3.8)
    name, hours = reminder
    assert name == "NeedsAttentionAlarm"
    assert hours > 8, "the project is not fixed, hours after the message"


def test_a_failure_that_is_fixed_is_not_repeated() -> None:
    """After the cause is fixed and the request is sent again, no second message follows."""
    data = [
        *make_counts(4),
        *make_counts(5, newly_failed=1, first=4),
        *make_counts(24, first=5),
        *make_dead_letters(0, NIGHT_FAILED, first=0),
        *make_dead_letters(1, 5, first=NIGHT_FAILED),
        *make_dead_letters(0, 24, first=5),
    ]
    assert list_messages(*data, end=START + DAY) == [("NewFailureAlarm", 3.8)]


def make_fixed_night(day: int, fixed_at: float) -> list[MetricValue]:
    """Return the data of a night whose failed audit is complete after some hours, and of the day after it.

    On the first day the failure is new; on a later one the project was overdue before.
    """
    fixed_moment = START + (day * 24 + fixed_at) * HOUR
    return [
        replace(it, value=0) if it.name == "ProjectsOverdue" and it.moment > fixed_moment else it
        for it in make_failed_night(day, letters=day, overdue=int(day > 0), is_new=day == 0)
    ]


@pytest.mark.parametrize("fixed_at", [6.5, 7, 8, 8.5, 10])
def test_the_end_of_a_failure_is_no_new_failure(fixed_at: float) -> None:
    """An overdue project that is audited again, while its dead letter still waits, causes no second message."""
    messages = list_messages(*make_fixed_night(0, fixed_at), end=START + DAY)
    assert [it for it in messages if it[0] == "NewFailureAlarm"] == [("NewFailureAlarm", 3.8)]


def test_a_failure_that_is_fixed_on_the_second_morning_has_two_messages() -> None:
    """The failure is a message, and that it stands is one; its dead letter of the second night and its end are none."""
    nights = [*make_failed_night(0, letters=0, overdue=0), *make_fixed_night(1, 5)]
    assert list_messages(*nights, end=START + 2 * DAY) == [("NewFailureAlarm", 3.8), ("NeedsAttentionAlarm", 10.2)]


@pytest.mark.parametrize("verb", ["dispatch", "remediate", "drill"])
def test_an_overdue_project_hides_no_errors_of_other_functions(verb: str) -> None:
    """The nightly requests of an overdue project reach none of these functions, so their errors are new."""
    data = [
        *make_failed_night(0, letters=0, overdue=0),
        *(
            it
            for number in range(3)
            for it in make_lambda_metrics(name_function(verb), times=1, errors=1, hours=18 + number / 10)
        ),
    ]
    messages = list_messages(*data, end=START + DAY)
    assert [name for name, _ in messages] == ["NewFailureAlarm", "NeedsAttentionAlarm", "NewFailureAlarm"]
    assert messages[-1][1] == pytest.approx(18.2, abs=0.1)


def test_a_failure_that_stays_is_not_repeated_every_night() -> None:
    """The nightly requests of a project that is overdue fail every night without a further message."""
    nights = [
        it for day in range(4) for it in make_failed_night(day, letters=day, overdue=min(day, 1), is_new=day == 0)
    ]
    assert [name for name, _ in list_messages(*nights, end=START + 4 * DAY)] == [
        "NewFailureAlarm",
        "NeedsAttentionAlarm",
    ]


def test_a_second_failure_is_a_message_while_the_first_stands() -> None:
    """Another project that fails three days later is a message of its own, although the first is still overdue."""
    nights = [
        *make_failed_night(0, letters=0, overdue=0),
        *make_failed_night(1, letters=1, overdue=1, is_new=False),
        *make_failed_night(2, letters=2, overdue=1, is_new=False),
        *make_failed_night(3, letters=4, overdue=1),
    ]
    messages = list_messages(*nights, end=START + 4 * DAY)
    assert [name for name, _ in messages] == ["NewFailureAlarm", "NeedsAttentionAlarm", "NewFailureAlarm"]
    assert 3 * 24 < messages[-1][1] < 3 * 24 + 6


def test_crashes_until_the_last_attempt_are_one_message() -> None:
    """A function that crashes in every attempt is a message within the hour; the dead letter and the delay are not."""
    crashes = [
        it
        for number in range(14)
        for it in make_lambda_metrics(name_function("audit"), times=1, errors=1, hours=0.1 + number * 16 / 60)
    ]
    data = [
        *crashes,
        *make_counts(6),
        *make_counts(7, overdue=1, newly_failed=1, first=6),
        *make_counts(12, overdue=1, first=7),
        *make_dead_letters(0, NIGHT_FAILED, first=0),
        *make_dead_letters(1, 12, first=NIGHT_FAILED),
    ]
    messages = list_messages(*data, end=START + 10 * HOUR)
    assert [name for name, _ in messages] == ["NewFailureAlarm"]
    assert messages[0][1] < 1


def test_an_incomplete_audit_that_becomes_overdue_is_one_message() -> None:
    """An audit that could not read everything is a message when it is recorded, and none when it is overdue."""
    data = [
        *make_counts(4),
        *make_counts(6, incomplete=1, first=4),
        *make_counts(7, incomplete=1, overdue=1, newly_failed=1, first=6),
        *make_counts(12, incomplete=1, overdue=1, first=7),
    ]
    assert list_messages(*data, end=START + 12 * HOUR) == [("NewFailureAlarm", 4.2)]


def test_a_failure_that_was_not_counted_as_new_is_a_message_an_hour_later() -> None:
    """If the count of a new failure is lost, the number of overdue projects still is a message."""
    data = [*make_counts(2), *make_counts(8, overdue=1, first=2)]
    assert list_messages(*data, end=START + 8 * HOUR) == [("NeedsAttentionAlarm", 3.2)]


def test_reading_a_dead_letter_is_no_new_dead_letter() -> None:
    """A message that is invisible for a minute while a person reads it, and a redrive, are no growth."""
    data = [
        *make_dead_letters(1, 6, first=0),
        *make_dead_letters(0, 6.1, first=6),
        *make_dead_letters(1, 12, first=6.1),
        *make_dead_letters(0, 13, first=12),
    ]
    assert "DeadLettersAddedAlarm" not in find_alarms(load_stack(), data, START + 6 * HOUR, START + 13 * HOUR)


def test_a_dead_letter_in_an_idle_queue_is_growth() -> None:
    """A queue that sent no metrics, because nothing used it for hours, has grown with its first message."""
    assert "DeadLettersAddedAlarm" in find_active_alarms(*make_dead_letters(1, 8, first=7), end=START + 8 * HOUR)


def test_each_project_whose_alert_fails_is_a_message() -> None:
    """A second project whose channel fails is a message while that of the first still fails."""
    data = [
        make_value("DeliveryFailures", 1, first + number * 0.75, {"project": project})
        for project, first in {"search": 0.1, "shop": 3.1}.items()
        for number in range(8)
    ]
    data += make_counts(9)
    messages = [it.contributor for it in find_alarm_messages(load_stack(), data, START, START + 9 * HOUR)]
    assert messages == ["search", "shop"]


def test_a_failed_delivery_that_is_not_repeated_ends_its_alarm() -> None:
    """The alarm is on for an hour after the last failure, also if no zero follows it."""
    data = make_value("DeliveryFailures", 1, 0.1, {"project": "search"})
    assert find_active_alarms(data, end=START + HOUR) == {"DeliveryFailuresAlarm"}
    assert "DeliveryFailuresAlarm" not in find_alarms(load_stack(), [data], START + 1.2 * HOUR, START + 3 * HOUR)


def test_each_metric_in_use_is_emitted() -> None:
    """Every metric of an alarm or the dashboard is emitted by the functions or by AWS."""
    alarm_metrics = {it["MetricName"] for it in load_alarms().values() if "MetricName" in it}
    alarm_metrics |= {metric["MetricName"] for it in load_alarms().values() for metric in list_metric_stats(it)}
    alarm_metrics |= {name for text in list_queries() for name in re.findall(r"SUM\((\w+)\)", text)}
    text = json.dumps(load_dashboard()).replace('\\"', '"')
    shown_metrics = set(re.findall(r'MetricName="(\w+)"', text)) | ROUTED_METRICS
    assert alarm_metrics == ROUTED_METRICS | FAILURE_METRICS | AWS_METRICS
    shown_metrics |= set(re.findall(r"SELECT \w+\((\w+)\)", text))
    assert shown_metrics <= EMITTED_METRICS
    for name in ROUTED_METRICS:
        assert f'"PineconeBackupAuditor", "{name}", "stack", "name"' in text


def test_queries_use_the_emitted_dimensions() -> None:
    """The queries use the namespace and the dimensions of the emitted metrics."""
    condition = f"""FROM SCHEMA("{metrics.NAMESPACE}", project, stack) WHERE stack = '${{AWS::StackName}}'"""
    assert sorted(it.partition("FROM")[2] for it in list_queries()) == sorted(
        [
            *[f"{condition} GROUP BY project".removeprefix("FROM")] * len(FAILURE_METRICS),
            """ SCHEMA("AWS/Events", EventBusName, RuleName) WHERE EventBusName = '${Bus}'""",
        ]
    )
    text = json.dumps(load_dashboard()).replace('\\"', '"')
    searches = re.findall(r"""SEARCH\('\{([^}]+)\} MetricName="\w+"([^']*)'""", text)
    assert {schema for schema, _ in searches} == {
        f"{metrics.NAMESPACE},project,stack",
        f"{metrics.NAMESPACE},project,severity,stack",
    }
    assert {re.sub(r' severity="\w+"', "", condition) for _, condition in searches} == {' stack="name"'}
    assert len(searches) == text.count("SEARCH(")
    shown_queries = re.findall(r"SELECT [^}]*?(?=\", \"id\")", text)
    assert all(condition.replace("${AWS::StackName}", "name") in it for it in shown_queries)
    assert len(shown_queries) == text.count("SELECT ")


def list_metric_widgets() -> list[dict[str, Any]]:
    """Return the properties of the widgets of the dashboard that show metrics."""
    return [it["properties"] for it in load_dashboard()["widgets"] if it["type"] == "metric"]


@pytest.mark.parametrize("properties", list_metric_widgets(), ids=lambda it: it["title"])
def test_a_widget_shows_at_most_ten_lines(properties: dict[str, Any]) -> None:
    """A widget shows numbers, sums, or the ten worst projects, however many projects there are."""
    lines = 0
    for metric in properties["metrics"]:
        expression = metric[0]["expression"] if isinstance(metric[0], dict) else ""
        limits = re.findall(r"LIMIT (\d+)$|ASC, (\d+)\)$", expression)
        is_sum = not expression or (expression.startswith(("SUM(SEARCH(", "SELECT")) and "GROUP BY" not in expression)
        assert is_sum or limits, expression
        lines += int("".join(limits[0])) if limits else 1
    assert lines <= 10
    assert sum("SELECT" in json.dumps(it) for it in properties["metrics"]) <= 1, "a widget has one query at most"


def test_queries_of_the_dashboard_read_at_most_two_weeks() -> None:
    """A query over metrics covers two weeks; only a search covers the thirty days of the share of nights."""
    assert load_dashboard()["start"] == "-P14D"
    longer_widgets = [it for it in list_metric_widgets() if "start" in it]
    assert [(it["start"], "SELECT" in json.dumps(it)) for it in longer_widgets] == [("-P30D", False)]


def compute_shares(values: Mapping[str, Sequence[tuple[int, int]]], days: int) -> list[tuple[str, float]]:
    """Return the lowest shares of complete nights: the expression of the dashboard, for values of `AuditComplete`."""
    (widget,) = [it for it in list_metric_widgets() if it["view"] == "table"]
    ((metric,),) = widget["metrics"]
    assert (widget["start"], widget["table"]["summaryColumns"]) == (f"-P{days}D", ["AVG"])
    data = [
        make_value("AuditComplete", factor * value, day * 24 + 2.5, {"project": project, "stack": stack})
        for stack, factor in {"name": 1, "staging": 0}.items()
        for project, nights in values.items()
        for day, value in nights
    ]
    averages = sort_search(metric["expression"], data, START, START + days * DAY)
    return [(dimensions["project"], average) for dimensions, average in averages]


def test_the_share_of_nights_counts_missing_nights() -> None:
    """A night without an audit counts as not complete, and one whose retry was complete counts as complete."""
    every_night = [(day, 1) for day in range(30)]
    shares = compute_shares(
        {
            "complete": every_night,
            "retried": [(0, 0), *every_night],
            "incomplete-once": [(0, 0), *every_night[1:]],
            "missing-thrice": every_night[3:],
            **{f"other-{number}": every_night for number in range(10)},
        },
        30,
    )
    assert shares[:2] == [("missing-thrice", 90), ("incomplete-once", pytest.approx(96.7, abs=0.1))]
    assert dict(shares[2:]).keys() >= {"complete", "retried"}
    assert {share for _, share in shares[2:]} == {100}
    assert len(shares) == 10


def test_the_dashboard_shows_every_alarm() -> None:
    """The dashboard shows all alarms, and no two widgets overlap."""
    assert set(re.findall(r"\$\{(\w+Alarm)\.Arn\}", render_dashboard_text())) == set(load_all_alarms())
    placed_alarms = [
        (x, y)
        for it in load_dashboard()["widgets"]
        for x in range(it["x"], it["x"] + it["width"])
        for y in range(it["y"], it["y"] + it["height"])
    ]
    assert len(placed_alarms) == len(set(placed_alarms))
    assert max(x for x, _ in placed_alarms) < 24


def test_the_dashboard_is_optional() -> None:
    """Without the parameter there is no dashboard, which costs money, and no output with its address."""
    template = load_transformed_template()
    assert template["Resources"]["Dashboard"]["Condition"] == "HasDashboard"
    assert template["Outputs"]["DashboardUrl"]["Condition"] == "HasDashboard"
    assert template["Conditions"]["HasDashboard"] == {"Fn::Equals": [{"Ref": "EnableDashboard"}, "true"]}
    assert [name for name in template["Outputs"] if "Dashboard" in json.dumps(template["Outputs"][name])] == [
        "DashboardUrl"
    ]


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
