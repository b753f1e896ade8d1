"""Test that the bill in the documentation counts what the template has."""

import json

from docs import cost
from support.aws.template import find_resources

CONDITIONS = (None, cost.REMEDIATION, cost.DRILL)
"""The conditions of what is charged for; `None` for what is in every stack."""


def test_the_bill_has_every_metric_of_an_alarm() -> None:
    """Each metric of an alarm is counted once, for every stack or for an option, and each query of projects too."""
    alarms = [it["Properties"] for it in find_resources("AWS::CloudWatch::Alarm").values()]
    text = json.dumps(alarms)
    counts = [cost._count_alarms(it) for it in CONDITIONS]
    assert sum(it.metrics for it in counts) == text.count('"MetricStat"') + sum("MetricName" in it for it in alarms)
    assert sum(it.queries for it in counts) == text.count("GROUP BY project")
    assert [it.composites for it in counts] == [len(find_resources("AWS::CloudWatch::CompositeAlarm")), 0, 0]


def test_the_bill_has_every_queue_that_lambda_polls() -> None:
    """The queues of functions are counted, the dead-letter queue is not."""
    counts = [cost._count_queues(it) for it in CONDITIONS]
    assert sum(counts) == len(find_resources("AWS::Lambda::EventSourceMapping"))


def test_the_total_is_the_sum_of_the_lines() -> None:
    """The table has the cost of each number of projects, and its last line is the sum of the others."""
    cells = [line.strip("| ").split(" | ") for line in cost.list_costs().splitlines()]
    values = [[float(it.strip("* ")) for it in row[-3:]] for row in cells[2:]]
    for column, projects in enumerate(cost.PROJECTS):
        assert abs(sum(row[column] for row in values[:-1]) - values[-1][column]) < 0.01 * len(values)
        assert abs(values[-1][column] - cost.compute_total(projects)) < 0.01
