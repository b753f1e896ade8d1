"""CloudWatch on loopback: metrics from logs and from Lambda, the alarms of the template, and their messages."""

import ast
import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from support.aws_local.clock import MovedClock
from support.aws_local.created_template import find_target
from support.aws_local.invocation import Invocation
from support.aws_local.stack import STACK_NAME, Stack

_QUERY_PATTERN = re.compile(
    r"""SELECT (MIN|MAX|SUM)\((\w+)\) FROM SCHEMA\("([\w/]+)"((?:, ?\w+)*)\) WHERE (\w+) = '([^']+)'"""
    r"(?: GROUP BY (\w+))?"
)
_SHARE_PATTERN = re.compile(r"IF\((\w+) >= (\d+), 100 \* \1 / (\w+), 0\)")
_GROWTH_PATTERN = re.compile(r"DIFF\((?:FILL\((?P<filled>\w+), 0\)|(?P<plain>\w+))\)")
_SORTED_SEARCH_PATTERN = re.compile(
    r"""SORT\((?P<factor>\d+) \* FILL\(SEARCH\('\{(?P<namespace>\w+),(?P<keys>[\w,]+)\} MetricName="(?P<name>\w+)\""""
    r""" (?P<key>\w+)="(?P<value>[^"]+)"', '(?P<statistic>\w+)', (?P<period>\d+)\), (?P<missing>\d+)\), AVG,"""
    r""" (?P<order>ASC|DESC), (?P<limit>\d+)\)"""
)
_STEP = timedelta(minutes=5)
"""The time between two evaluations of an alarm."""
_MAX_GAP = 5
"""How many periods without data an expression looks back."""
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


def repeat_counts(counts: Sequence[tuple[datetime, int]]) -> Iterator[tuple[datetime, int]]:
    """Yield a count after each of its changes, and in between as often as CloudWatch evaluates alarms."""
    for (moment, count), (next_moment, _) in pairwise(counts):
        while moment < next_moment:
            yield moment, count
            moment += _STEP  # noqa: PLW2901  the next sample
    yield from counts[-1:]


@dataclass(frozen=True, slots=True)
class AlarmMessage:
    """The message that an alarm sends when it starts."""

    alarm: str
    """The logical name of the alarm."""
    moment: datetime
    contributor: str | None = None
    """The project of an alarm that evaluates each project."""


def find_alarms(stack: Stack, values: Iterable[MetricValue], start: datetime, end: datetime) -> set[str]:
    """Return the logical names of the alarms that these metrics trigger at some time between start and end.

    Periods slide, as in CloudWatch. Missing data is breaching only in periods after the start.
    """
    return {name for name, it in _evaluate_alarms(stack, values, start, end).states.items() if any(it)}


def find_alarm_messages(
    stack: Stack, values: Iterable[MetricValue], start: datetime, end: datetime
) -> list[AlarmMessage]:
    """Return the messages that alarms send when they start, in the order of time."""
    evaluation = _evaluate_alarms(stack, values, start, end)
    messages: list[AlarmMessage] = []
    for name, properties in _list_alarms(stack).items():
        if "AlarmActions" in properties:
            messages += evaluation.list_messages(name, properties)
    return sorted(messages, key=lambda it: (it.moment, it.alarm, it.contributor or ""))


def sort_search(
    expression: str, values: Iterable[MetricValue], start: datetime, end: datetime
) -> list[tuple[Mapping[str, str], float]]:
    """Return the dimensions and the average of each metric that an expression of the dashboard finds and sorts."""
    match = _SORTED_SEARCH_PATTERN.fullmatch(expression)
    if match is None:
        raise NotImplementedError(f"this expression is not supported here: {expression}")
    expected = (match["namespace"], match["name"], {*match["keys"].split(",")})
    data_by_metric: dict[tuple[tuple[str, str], ...], list[MetricValue]] = defaultdict(list)
    for it in sorted(values, key=lambda it: it.moment):
        if (it.namespace, it.name, set(it.dimensions)) == expected and it.dimensions[match["key"]] == match["value"]:
            data_by_metric[tuple(it.dimensions.items())].append(it)
    period = timedelta(seconds=int(match["period"]))
    ends = [start + number * period for number in range(1, (end - start) // period + 1)]
    averages: list[tuple[Mapping[str, str], float]] = []
    for dimensions, data in data_by_metric.items():
        known_values = [_Series(data, match["statistic"]).compute(it, period) for it in ends]
        filled_values = [float(match["missing"]) if it is None else it for it in known_values]
        averages.append((dict(dimensions), sum(int(match["factor"]) * it for it in filled_values) / len(ends)))
    return sorted(averages, key=lambda it: it[1], reverse=match["order"] == "DESC")[: int(match["limit"])]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Whether each alarm is on at each time."""

    times: Sequence[datetime]
    states: Mapping[str, Sequence[bool]]
    contributors: Mapping[str, Mapping[str, Sequence[bool]]]
    """The states of each contributor of the alarms that evaluate each project."""

    def list_messages(self, name: str, properties: Mapping[str, Any]) -> Iterator[AlarmMessage]:
        """Yield the messages that one alarm sends when it starts."""
        for contributor, states in self.contributors.get(name, {}).items():
            yield from (AlarmMessage(name, it, contributor) for it in self._find_starts(states))
        if name not in self.contributors and "ActionsSuppressor" not in properties:
            yield from (AlarmMessage(name, it) for it in self._find_starts(self.states[name]))
        if "ActionsSuppressor" in properties:
            yield from self._list_unsuppressed_messages(name, properties)

    def _find_starts(self, states: Sequence[bool]) -> Iterator[datetime]:
        is_earlier_on = False
        for moment, is_on in zip(self.times, states, strict=True):
            if is_on and not is_earlier_on:
                yield moment
            is_earlier_on = is_on

    def _list_unsuppressed_messages(self, name: str, properties: Mapping[str, Any]) -> Iterator[AlarmMessage]:
        """Yield the messages of an alarm that waits until another alarm, which suppresses it, begins or has ended."""
        suppressor = self.states[find_target(properties["ActionsSuppressor"])]
        wait = timedelta(seconds=properties["ActionsSuppressorWaitPeriod"])
        extension = timedelta(seconds=properties["ActionsSuppressorExtensionPeriod"])
        started_at: datetime | None = None
        suppressed_at: datetime | None = None
        is_sent = False
        for moment, is_on, is_suppressed in zip(self.times, self.states[name], suppressor, strict=True):
            suppressed_at = moment if is_suppressed else suppressed_at
            if not is_on:
                started_at, is_sent = None, False
                continue
            started_at = started_at or moment
            is_waiting = moment - started_at < wait and (suppressed_at is None or suppressed_at < started_at)
            is_extended = suppressed_at is not None and moment - suppressed_at <= extension
            if not (is_sent or is_waiting or is_extended):
                is_sent = True
                yield AlarmMessage(name, moment)


@dataclass(frozen=True, slots=True)
class _Series:
    """The values of one metric in the order of time, and the statistic of each period."""

    data: Sequence[MetricValue]
    statistic: str

    def compute(self, end: datetime, period: timedelta) -> float | None:
        """Return the statistic of the period until a time; `None` without data."""
        first = bisect_right(self.data, end - period, key=lambda it: it.moment)
        last = bisect_right(self.data, end, key=lambda it: it.moment)
        return _STATISTICS[self.statistic]([it.value for it in self.data[first:last]]) if last > first else None


type _Compute = Callable[[datetime], float | None]
"""The value of an alarm in the period until a time."""


@dataclass(frozen=True, slots=True)
class _MetricAlarm:
    """One alarm on metrics, with the data since a time."""

    properties: Mapping[str, Any]
    stack: Stack
    values: Sequence[MetricValue]
    start: datetime

    @property
    def _metrics(self) -> Sequence[Any]:
        """The metrics and expressions, with the optional ones."""
        return [it["Fn::If"][1] if "Fn::If" in it else it for it in self.properties.get("Metrics", ())]

    @property
    def _period(self) -> timedelta:
        periods = [it["MetricStat"]["Period"] if "MetricStat" in it else it.get("Period", 0) for it in self._metrics]
        return timedelta(seconds=max([self.properties.get("Period", 0), *periods]))

    def evaluate(self, times: Sequence[datetime]) -> Mapping[str | None, Sequence[bool]]:
        """Return whether the alarm is on at each time, by contributor; `None` for an alarm without contributors."""
        return {key: self._evaluate_states(compute, times) for key, compute in self._list_computations().items()}

    def _evaluate_states(self, compute: _Compute, times: Sequence[datetime]) -> Sequence[bool]:
        count = self.properties["EvaluationPeriods"]
        required = self.properties.get("DatapointsToAlarm", count)
        states, is_on = [], False
        for moment in times:
            verdicts = [self._is_breaching(compute, moment - self._period * number) for number in range(count)]
            if any(it is not None for it in verdicts):  # without data, `ignore` keeps the state
                is_on = sum(it is True for it in verdicts) >= required
            states.append(is_on)
        return states

    def _is_breaching(self, compute: _Compute, period_end: datetime) -> bool | None:
        """Return whether a period is breaching; `None` if its data is missing and missing data is ignored."""
        value, treatment = compute(period_end), self.properties["TreatMissingData"]
        if value is not None:
            return _COMPARISONS[self.properties["ComparisonOperator"]](value, float(self.properties["Threshold"]))
        if treatment == "ignore":
            return None
        return bool(treatment == "breaching") and period_end - self._period >= self.start

    def _list_computations(self) -> Mapping[str | None, _Compute]:
        period = self._period
        if not self._metrics:
            series = self._find_series(self.properties, self.properties["Statistic"])
            return {None: partial(series.compute, period=period)}
        (expression,) = [_resolve_value(it["Expression"], self.stack) for it in self._metrics if "Expression" in it]
        if query := _QUERY_PATTERN.fullmatch(expression):
            return {key: partial(it.compute, period=period) for key, it in self._query(query).items()}
        series_by_id = {
            it["Id"]: self._find_series(it["MetricStat"]["Metric"], it["MetricStat"]["Stat"])
            for it in self._metrics
            if "MetricStat" in it
        }
        return {None: _build_math(expression, series_by_id, period)}

    def _find_series(self, metric: Mapping[str, Any], statistic: str) -> _Series:
        """Return one metric with all its dimensions."""
        dimensions = {it["Name"]: _resolve_value(it["Value"], self.stack) for it in metric.get("Dimensions", ())}
        expected = (metric["Namespace"], metric["MetricName"], dimensions)
        return _Series([it for it in self.values if (it.namespace, it.name, it.dimensions) == expected], statistic)

    def _query(self, query: re.Match[str]) -> Mapping[str | None, _Series]:
        """Return the results of a query over all projects: one, or one for each value of a dimension."""
        statistic, name, namespace, keys, key, value, group = query.groups()
        expected = (namespace, name, {it.strip() for it in keys.split(",") if it.strip()})
        data_by_group: dict[str | None, list[MetricValue]] = defaultdict(list)
        for it in self.values:
            if (it.namespace, it.name, set(it.dimensions)) == expected and it.dimensions[key] == value:
                data_by_group[it.dimensions[group] if group else None].append(it)
        return {key: _Series(data, statistic) for key, data in data_by_group.items()}


def _build_math(expression: str, series: Mapping[str, _Series], period: timedelta) -> _Compute:
    """Return the value of an expression over several metrics."""
    if share := _SHARE_PATTERN.fullmatch(expression):
        numerator, denominator, minimum = series[share[1]], series[share[3]], float(share[2])
        return lambda end: _compute_share(numerator.compute(end, period), denominator.compute(end, period), minimum)
    if growth := _GROWTH_PATTERN.fullmatch(expression):
        metric, missing = series[growth["filled"] or growth["plain"]], 0.0 if growth["filled"] else None
        return lambda end: _compute_growth(metric, end, period, missing)
    if expression == "SUM(METRICS())":
        return lambda end: _sum_known(it.compute(end, period) for it in series.values())
    raise NotImplementedError(f"this expression is not supported here: {expression}")


def _compute_share(numerator: float | None, denominator: float | None, minimum: float) -> float | None:
    if numerator is None or denominator is None:
        return None
    return 100 * numerator / denominator if numerator >= minimum else 0


def _compute_growth(metric: _Series, end: datetime, period: timedelta, missing: float | None) -> float | None:
    """Return the difference from the previous period that has a value."""
    value = metric.compute(end, period)
    value = missing if value is None else value
    for number in range(1, _MAX_GAP + 1):
        earlier_value = metric.compute(end - number * period, period)
        earlier_value = missing if earlier_value is None else earlier_value
        if earlier_value is not None:
            return None if value is None else value - earlier_value
    return None


def _sum_known(values: Iterable[float | None]) -> float | None:
    known_values = [it for it in values if it is not None]
    return sum(known_values) if known_values else None


def _list_alarms(stack: Stack) -> Mapping[str, Mapping[str, Any]]:
    return stack.find_by_type("AWS::CloudWatch::Alarm") | stack.find_by_type("AWS::CloudWatch::CompositeAlarm")


def _evaluate_alarms(stack: Stack, values: Iterable[MetricValue], start: datetime, end: datetime) -> _Evaluation:
    sorted_values = sorted(values, key=lambda it: it.moment)
    times = [*(start + _STEP * number for number in range(1, (end - start) // _STEP + 1)), end]
    states: dict[str, Sequence[bool]] = {}
    contributors: dict[str, dict[str, Sequence[bool]]] = {}
    for name, properties in stack.find_by_type("AWS::CloudWatch::Alarm").items():
        states_by_key = _MetricAlarm(properties, stack, sorted_values, start).evaluate(times)
        states[name] = [any(it) for it in zip(*states_by_key.values(), strict=True)] or [False] * len(times)
        if "GROUP BY" in json.dumps(properties):
            contributors[name] = {str(key): it for key, it in states_by_key.items()}
    for name, properties in stack.find_by_type("AWS::CloudWatch::CompositeAlarm").items():
        rule = _parse_rule(_resolve_value(properties["AlarmRule"], stack))
        states[name] = [
            _evaluate_rule(rule, {key: it[number] for key, it in states.items()}) for number in range(len(times))
        ]
    return _Evaluation(times, states, contributors)


def _parse_rule(text: str) -> ast.expr:
    """Parse the rule of a composite alarm; each name is the logical name of an alarm."""
    expression = re.sub(r'ALARM\("\$\{(\w+)\}"\)', r"\1", text)
    return ast.parse(re.sub(r"\b(AND|OR|NOT)\b", lambda it: it[0].lower(), expression), mode="eval").body


def _evaluate_rule(rule: ast.expr, states: Mapping[str, bool]) -> bool:
    match rule:
        case ast.Name():
            return states[rule.id]
        case ast.UnaryOp(op=ast.Not()):
            return not _evaluate_rule(rule.operand, states)
        case ast.BoolOp():
            results = [_evaluate_rule(it, states) for it in rule.values]
            return all(results) if isinstance(rule.op, ast.And) else any(results)
    raise NotImplementedError(f"this rule is not supported here: {ast.unparse(rule)}")


def _parse_emf(line: Mapping[str, Any], moment: datetime) -> Iterator[MetricValue]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                for number in value if isinstance(value, list) else [value]:
                    dimensions = {name: str(line[name]) for name in names}
                    yield MetricValue(directive["Namespace"], metric["Name"], dimensions, float(number), moment)


def _resolve_value(value: Any, stack: Stack) -> str:
    """Return the text of a value; optional parts are included, and references within a text stay."""
    if isinstance(value, str):
        return value.replace("${AWS::StackName}", STACK_NAME).replace("${Bus}", STACK_NAME)
    if "Fn::If" in value:
        return _resolve_value(value["Fn::If"][1], stack)
    if "Fn::Sub" in value:
        text, variables = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        for name, replacement in variables.items():
            text = text.replace(f"${{{name}}}", _resolve_value(replacement, stack))
        return _resolve_value(text, stack)
    if value.get("Ref") == "AWS::StackName":
        return STACK_NAME
    name = find_target(value)
    physical_id = stack.physical_ids.get(name, name)  # moto creates no group of schedules
    return physical_id.rpartition("/")[2] if "QueueName" in str(value) else physical_id
