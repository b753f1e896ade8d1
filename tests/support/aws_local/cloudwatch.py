"""What CloudWatch makes of the functions: metrics of their logs and of Lambda, and the alarms of the template."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.aws_local.created_template import target_of
from support.aws_local.invocation import Invocation
from support.aws_local.stack import Stack

_SCHEMA = re.compile(r'SELECT (MIN|MAX|SUM)\((\w+)\) FROM SCHEMA\("(\w+)"((?:, ?\w+)*)\)')
_SHARE = re.compile(r"IF\((\w+) >= (\d+), 100 \* \1 / (\w+), 0\)")
_STATISTICS: Mapping[str, Callable[[Iterable[float]], float]] = {
    "MIN": min,
    "MAX": max,
    "SUM": sum,
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of one metric."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    value: float


def lines_of(invocation: Invocation) -> Iterator[Any]:
    """Yield the lines of a log that are JSON."""
    for line in invocation.log.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def metrics_of(invocations: Iterable[Invocation]) -> list[Datum]:
    """Return what CloudWatch makes of the logs, and what Lambda counts."""
    found = []
    for done in invocations:
        found += [datum for line in lines_of(done) if isinstance(line, dict) and "_aws" in line for datum in _emf(line)]
        dimensions = {"FunctionName": done.function}
        found.append(Datum("AWS/Lambda", "Errors", dimensions, float(not done.succeeded)))
        found.append(Datum("AWS/Lambda", "Invocations", dimensions, 1.0))
    return found


def ringing(stack: Stack, data: Iterable[Datum]) -> set[str]:
    """Return the logical names of the alarms that these metrics, all of one period, would set off."""
    known = list(data)
    return {name for name, it in stack.of_type("AWS::CloudWatch::Alarm").items() if _rings(it, stack, known)}


def _emf(line: Mapping[str, Any]) -> Iterator[Datum]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                for single in value if isinstance(value, list) else [value]:
                    dimensions = {name: str(line[name]) for name in names}
                    yield Datum(directive["Namespace"], metric["Name"], dimensions, float(single))


def _rings(alarm: Mapping[str, Any], stack: Stack, data: list[Datum]) -> bool:
    figure = (
        _calculated(alarm, stack, data) if "Metrics" in alarm else _measured(alarm, alarm["Statistic"], stack, data)
    )
    if figure is None:
        return bool(alarm.get("TreatMissingData") == "breaching")
    return _COMPARISONS[alarm["ComparisonOperator"]](figure, float(alarm["Threshold"]))


def _calculated(alarm: Mapping[str, Any], stack: Stack, data: list[Datum]) -> float | None:
    """Return what an alarm's expression makes of the metrics: a query over all projects, or a share of a hundred."""
    (expression,) = [it["Expression"] for it in alarm["Metrics"] if "Expression" in it]
    if query := _SCHEMA.fullmatch(expression):
        statistic, name, namespace, keys = query.groups()
        wanted = (namespace, name, {it.strip() for it in keys.split(",") if it.strip()})
        return _statistic(statistic, [it for it in data if (it.namespace, it.name, set(it.dimensions)) == wanted])
    if share := _SHARE.fullmatch(expression):
        asked = {it["Id"]: it["MetricStat"] for it in alarm["Metrics"] if "MetricStat" in it}
        figures = {key: _measured(it["Metric"], it["Stat"], stack, data) for key, it in asked.items()}
        part, whole = figures[share[1]], figures[share[3]]
        if part is None or whole is None:
            return None
        return 100 * part / whole if part >= float(share[2]) else 0
    raise NotImplementedError(f"nobody can read this expression here: {expression}")


def _measured(metric: Mapping[str, Any], statistic: str, stack: Stack, data: list[Datum]) -> float | None:
    """Return a statistic of one metric, which is named with all its dimensions."""
    dimensions = {it["Name"]: _value(it["Value"], stack) for it in metric.get("Dimensions", ())}
    wanted = (metric["Namespace"], metric["MetricName"], dimensions)
    return _statistic(statistic, [it for it in data if (it.namespace, it.name, it.dimensions) == wanted])


def _statistic(name: str, data: list[Datum]) -> float | None:
    return _STATISTICS[name](it.value for it in data) if data else None


def _value(value: Any, stack: Stack) -> str:
    if isinstance(value, str):
        return value
    physical = stack.physical[target_of(value)]
    return physical.rpartition("/")[2] if "QueueName" in str(value) else physical
