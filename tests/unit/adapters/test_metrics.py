"""What the metrics of an audit look like on standard output."""

import json
from functools import partial
from typing import Any

import pytest

from backup_auditor.adapters.aws.metrics import emit

emit_metrics = partial(emit, stack="production")


def _take_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def _get_directive(line: dict[str, Any]) -> dict[str, Any]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return dict(directive)


def test_stack_and_project_are_the_only_dimensions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service name in the environment adds no dimension: dashboards and alarms query stack and project."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "other")
    emit_metrics("search", {"AuditComplete": 1})
    line = _take_line(capsys)
    assert _get_directive(line)["Namespace"] == "PineconeBackupAuditor"
    assert _get_directive(line)["Dimensions"] == [["stack", "project"]]
    assert line["stack"] == "production"
    assert line["project"] == "search"
    assert "service" not in line


def test_a_metric_may_have_a_further_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    """Findings by severity have the dimensions stack, project and severity."""
    emit_metrics("search", {"FindingsOpen": 3}, dimensions={"severity": "high"})
    line = _take_line(capsys)
    assert _get_directive(line)["Dimensions"] == [["stack", "project", "severity"]]
    assert line["severity"] == "high"
    assert line["FindingsOpen"] == [3.0]


def test_a_metric_of_no_project_has_the_stack_as_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    """The number of overdue projects is one figure for each stack."""
    emit_metrics(None, {"ProjectsOverdue": 0})
    assert _get_directive(_take_line(capsys))["Dimensions"] == [["stack"]]


def test_metrics_have_units(capsys: pytest.CaptureFixture[str]) -> None:
    """Each metric has its CloudWatch unit; hours and days have none."""
    emit_metrics("search", {"BackupStorageBytes": 2**40, "AuditDurationMs": 12, "WorstRecoveryPointAgeHours": 5.5})
    units = {it["Name"]: it["Unit"] for it in _get_directive(_take_line(capsys))["Metrics"]}
    assert units == {
        "BackupStorageBytes": "Bytes",
        "AuditDurationMs": "Milliseconds",
        "WorstRecoveryPointAgeHours": "None",
    }


def test_zero_is_emitted_and_the_unknown_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown metric is omitted, a zero is not."""
    emit_metrics("search", {"FindingsNew": 0, "CoveragePercent": None})
    line = _take_line(capsys)
    assert line["FindingsNew"] == [0.0]
    assert "CoveragePercent" not in line


def test_a_line_without_metrics_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """If all metrics are unknown, no line is written."""
    emit_metrics("search", {"CoveragePercent": None})
    assert capsys.readouterr().out == ""


def test_dimension_values_are_valid_for_cloudwatch(capsys: pytest.CaptureFixture[str]) -> None:
    """CloudWatch drops metrics with dimension values that are too long or not printable ASCII."""
    emit_metrics("sübst\n" + "x" * 2000, {"AuditComplete": 1})
    name = _take_line(capsys)["project"]
    assert name.startswith(r"s\xfcbst\nxxx")
    assert len(name) == 1024


def test_each_line_has_only_its_own_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """The metrics of one project do not appear in the line of the next."""
    emit_metrics("one", {"AuditComplete": 1, "FindingsNew": 2})
    emit_metrics("two", {"AuditComplete": 0})
    _, second_line = (json.loads(it) for it in capsys.readouterr().out.splitlines())
    assert second_line["project"] == "two"
    assert second_line["AuditComplete"] == [0.0]
    assert "FindingsNew" not in second_line
