"""What CloudWatch makes of the functions: metrics of their logs and of Lambda, and the alarms of the template."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloud.invocation import Invocation
from cloud.made import target_of
from cloud.stack import Stack

_SCHEMA = re.compile(r'SELECT (MIN|MAX|SUM)\((\w+)\) FROM SCHEMA\("(\w+)"((?:, ?\w+)*)\)')
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
        found.append(Datum("AWS/Lambda", "Errors", {"FunctionName": done.function}, float(not done.succeeded)))
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
    statistic, fitting = _looked_at(alarm, stack, data)
    if not fitting:
        return bool(alarm.get("TreatMissingData") == "breaching")
    value = _STATISTICS[statistic](it.value for it in fitting)
    return _COMPARISONS[alarm["ComparisonOperator"]](value, float(alarm["Threshold"]))


def _looked_at(alarm: Mapping[str, Any], stack: Stack, data: list[Datum]) -> tuple[str, list[Datum]]:
    """Return the statistic of an alarm, and the values that it is taken of."""
    if "Metrics" in alarm:
        (query,) = alarm["Metrics"]
        parsed = _SCHEMA.fullmatch(query["Expression"])
        if parsed is None:
            raise NotImplementedError(f"nobody can read this query here: {query['Expression']}")
        statistic, name, namespace, keys = parsed.groups()
        wanted = {it.strip() for it in keys.split(",") if it.strip()}
        return statistic, [
            it for it in data if (it.namespace, it.name, set(it.dimensions)) == (namespace, name, wanted)
        ]
    dimensions = {it["Name"]: _value(it["Value"], stack) for it in alarm.get("Dimensions", ())}
    key = (alarm["Namespace"], alarm["MetricName"], dimensions)
    return alarm["Statistic"], [it for it in data if (it.namespace, it.name, it.dimensions) == key]


def _value(value: Any, stack: Stack) -> str:
    if isinstance(value, str):
        return value
    physical = stack.physical[target_of(value)]
    return physical.rpartition("/")[2] if "QueueName" in str(value) else physical
