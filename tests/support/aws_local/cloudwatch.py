"""CloudWatch on loopback: metrics from the logs of functions and from Lambda, and the alarms of the template."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from support.aws_local.clock import MovedClock
from support.aws_local.created_template import find_target
from support.aws_local.invocation import Invocation
from support.aws_local.stack import STACK_NAME, Stack

_QUERY_PATTERN = re.compile(
    r"""SELECT (MIN|MAX|SUM)\((\w+)\) FROM SCHEMA\("(\w+)"((?:, ?\w+)*)\) WHERE (\w+) = '([^']+)'"""
)
_SHARE_PATTERN = re.compile(r"IF\((\w+) >= (\d+), 100 \* \1 / (\w+), 0\)")
_MAX_STEP = timedelta(minutes=15)
"""The longest time between two evaluations of an alarm."""
_STATISTICS: Mapping[str, Callable[[Collection[float]], float]] = {
    "MIN": min,
    "MAX": max,
    "SUM": sum,
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
    "SampleCount": len,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One value of one metric."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    value: float
    moment: datetime = MovedClock.EARLIEST


def parse_log_lines(invocation: Invocation) -> Iterator[Any]:
    """Yield the lines of a log that are JSON."""
    for line in invocation.log.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def collect_metrics(invocations: Iterable[Invocation]) -> list[MetricValue]:
    """Return the metrics in the logs of invocations, and the ones that Lambda counts."""
    values = []
    for invocation in invocations:
        values += [
            datum
            for line in parse_log_lines(invocation)
            if isinstance(line, dict) and "_aws" in line
            for datum in _parse_emf(line, invocation.ended_at)
        ]
        dimensions, moment = {"FunctionName": invocation.function}, invocation.ended_at
        values.append(MetricValue("AWS/Lambda", "Errors", dimensions, float(not invocation.succeeded), moment))
        values.append(MetricValue("AWS/Lambda", "Invocations", dimensions, 1.0, moment))
    return values


def find_alarms(stack: Stack, values: Iterable[MetricValue], start: datetime, end: datetime) -> set[str]:
    """Return the logical names of the alarms that these metrics trigger at some time between start and end.

    Periods slide, as in CloudWatch. Missing data is breaching only in periods after the start.
    """
    value_list = list(values)
    alarms = stack.find_by_type("AWS::CloudWatch::Alarm").items()
    return {name for name, it in alarms if _AlarmHistory(it, stack, value_list, start).has_alarm(end)}


def count_alarm_starts(stack: Stack, name: str, values: Iterable[MetricValue], start: datetime, end: datetime) -> int:
    """Return how often the alarm with a logical name starts between start and end: each time it acts."""
    alarm = stack.find_by_type("AWS::CloudWatch::Alarm")[name]
    metric_values = [it for it in values if it.name == alarm.get("MetricName")]
    return _AlarmHistory(alarm, stack, metric_values, start).count_starts(end)


@dataclass(frozen=True, slots=True)
class _AlarmHistory:
    """The data of one alarm since a time."""

    alarm: Mapping[str, Any]
    stack: Stack
    values: Sequence[MetricValue]
    start: datetime

    def has_alarm(self, end: datetime) -> bool:
        """Return whether the alarm was on at some time until the end."""
        return any(map(self._is_on, self._list_times(end)))

    def count_starts(self, end: datetime) -> int:
        """Return how often the alarm turned on until the end."""
        states = [False, *map(self._is_on, self._list_times(end))]
        return sum(is_on and not was_on for was_on, is_on in pairwise(states))

    def _list_times(self, end: datetime) -> list[datetime]:
        """Return the times of the evaluations until the end."""
        step = min(self._period, _MAX_STEP)
        return [*(self.start + step * number for number in range(1, (end - self.start) // step + 1)), end]

    @property
    def _period(self) -> timedelta:
        metrics = self.alarm.get("Metrics", ())
        periods = [it["MetricStat"]["Period"] if "MetricStat" in it else it.get("Period", 0) for it in metrics]
        return timedelta(seconds=max([self.alarm.get("Period", 0), *periods]))

    def _is_on(self, moment: datetime) -> bool:
        """Return whether each period before a time is breaching."""
        count = self.alarm["EvaluationPeriods"]
        return all(self._is_breaching(moment - self._period * number) for number in range(count))

    def _is_breaching(self, period_end: datetime) -> bool:
        period_start = period_end - self._period
        data = [it for it in self.values if period_start < it.moment <= period_end]
        alarm = self.alarm
        value = (
            _evaluate_expression(alarm, self.stack, data)
            if "Metrics" in alarm
            else _compute_metric(alarm, alarm["Statistic"], self.stack, data)
        )
        if value is None:
            return bool(alarm["TreatMissingData"] == "breaching") and period_start >= self.start
        return _COMPARISONS[alarm["ComparisonOperator"]](value, float(alarm["Threshold"]))


def _parse_emf(line: Mapping[str, Any], moment: datetime) -> Iterator[MetricValue]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                for number in value if isinstance(value, list) else [value]:
                    dimensions = {name: str(line[name]) for name in names}
                    yield MetricValue(directive["Namespace"], metric["Name"], dimensions, float(number), moment)


def _evaluate_expression(alarm: Mapping[str, Any], stack: Stack, data: list[MetricValue]) -> float | None:
    """Return the value of an alarm's expression: of a query over all projects, or of a percentage."""
    (expression,) = [_resolve_value(it["Expression"], stack) for it in alarm["Metrics"] if "Expression" in it]
    if query := _QUERY_PATTERN.fullmatch(expression):
        statistic, name, namespace, keys, key, value = query.groups()
        expected = (namespace, name, {it.strip() for it in keys.split(",") if it.strip()})
        matching_data = [it for it in data if (it.namespace, it.name, set(it.dimensions)) == expected]
        return _compute_statistic(statistic, [it for it in matching_data if it.dimensions[key] == value])
    if share := _SHARE_PATTERN.fullmatch(expression):
        metric_stats = {it["Id"]: it["MetricStat"] for it in alarm["Metrics"] if "MetricStat" in it}
        values = {key: _compute_metric(it["Metric"], it["Stat"], stack, data) for key, it in metric_stats.items()}
        numerator, denominator = values[share[1]], values[share[3]]
        if numerator is None or denominator is None:
            return None
        return 100 * numerator / denominator if numerator >= float(share[2]) else 0
    raise NotImplementedError(f"this expression is not supported here: {expression}")


def _compute_metric(metric: Mapping[str, Any], statistic: str, stack: Stack, data: list[MetricValue]) -> float | None:
    """Return a statistic of one metric with all its dimensions."""
    dimensions = {it["Name"]: _resolve_value(it["Value"], stack) for it in metric.get("Dimensions", ())}
    expected = (metric["Namespace"], metric["MetricName"], dimensions)
    return _compute_statistic(statistic, [it for it in data if (it.namespace, it.name, it.dimensions) == expected])


def _compute_statistic(name: str, data: list[MetricValue]) -> float | None:
    return _STATISTICS[name]([it.value for it in data]) if data else None


def _resolve_value(value: Any, stack: Stack) -> str:
    if isinstance(value, str):
        return value
    if "Fn::Sub" in value:
        return str(value["Fn::Sub"]).replace("${AWS::StackName}", STACK_NAME)
    if value.get("Ref") == "AWS::StackName":
        return STACK_NAME
    physical_id = stack.physical_ids[find_target(value)]
    return physical_id.rpartition("/")[2] if "QueueName" in str(value) else physical_id
