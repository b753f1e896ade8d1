"""Test the saved queries of the template, and that the documentation has them."""

import json
import re
from pathlib import Path

import pytest

from backup_auditor.adapters.aws.metrics import emit
from support.aws.template import find_properties, find_resources, list_leaves

ALARMS = (Path(__file__).parents[2] / "docs" / "operations" / "alarms.md").read_text(encoding="utf-8")
QUERIES = {
    it["Properties"]["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}/"): it["Properties"]
    for it in find_resources("AWS::Logs::QueryDefinition").values()
}


def test_the_documentation_lists_every_query() -> None:
    """Each saved query is in the folder of the stack, and has a line in the table of the page about alarms."""
    section = ALARMS.partition("## Saved queries")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE) == list(QUERIES)
    (shown_query,) = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    assert shown_query == QUERIES["errors"]["QueryString"]


def test_errors_are_those_of_every_function() -> None:
    """The query reads every log group, and the reports of invocations that wrote no line of their own."""
    assert {it for it in list_leaves(QUERIES["errors"]["LogGroupNames"]) if it.endswith("Log")} == set(
        find_resources("AWS::Logs::LogGroup")
    )
    assert 'record.status in ["error", "failure", "timeout"]' in QUERIES["errors"]["QueryString"]


def test_open_findings_are_those_of_the_dashboard() -> None:
    """The saved query and the widget of the dashboard show the same."""
    text = find_properties("Dashboard")["DashboardBody"]["Fn::Sub"][0]
    (shown_query,) = re.findall(r"SOURCE '\$\{AuditLog\}' \| ([^\"]+)", text)
    assert QUERIES["open-findings"]["QueryString"].replace("\n", " ").strip() == shown_query


@pytest.mark.parametrize("name", ["slow-audits", "throttled-audits"])
def test_queries_of_metrics_use_the_keys_of_their_lines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys in a query are those of the log line with the metrics of an audit."""
    emit("search", {"AuditDurationMs": 1200.0, "ApiRequests": 412, "ApiThrottles": 3}, stack="backup-auditor")
    line = json.loads(capsys.readouterr().out)
    keys = set(re.findall(r"\b[A-Z]\w+\.0", QUERIES[name]["QueryString"]))
    assert keys
    for key in keys:
        metric, position = key.split(".")
        assert line[metric][int(position)] > 0
    assert line["project"] == "search"
