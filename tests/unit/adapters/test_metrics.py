"""What the metrics of an audit look like on standard output."""

import json
from typing import Any

import pytest

from backup_auditor.adapters.aws.metrics import emit


def _take_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def _get_directive(line: dict[str, Any]) -> dict[str, Any]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return dict(directive)


def test_the_project_is_the_only_dimension(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that the environment names is no dimension: dashboards and alarms ask for the project alone."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "other")
    emit("search", {"AuditComplete": 1})
    line = _take_line(capsys)
    assert _get_directive(line)["Namespace"] == "PineconeBackupAuditor"
    assert _get_directive(line)["Dimensions"] == [["project"]]
    assert line["project"] == "search"
    assert "service" not in line


def test_a_further_dimension_stands_beside_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    """Findings by severity have project and severity as dimensions."""
    emit("search", {"FindingsOpen": 3}, dimensions={"severity": "high"})
    line = _take_line(capsys)
    assert _get_directive(line)["Dimensions"] == [["project", "severity"]]
    assert line["severity"] == "high"
    assert line["FindingsOpen"] == [3.0]


def test_a_metric_of_no_project_has_no_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    """The number of overdue projects is one figure for the whole application."""
    emit(None, {"ProjectsOverdue": 0})
    assert _get_directive(_take_line(capsys))["Dimensions"] == [[]]


def test_units_say_what_the_figures_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Each metric has the unit that CloudWatch draws it by; hours and days have none there."""
    emit("search", {"BackupStorageBytes": 2**40, "AuditDurationMs": 12, "WorstRecoveryPointAgeHours": 5.5})
    units = {it["Name"]: it["Unit"] for it in _get_directive(_take_line(capsys))["Metrics"]}
    assert units == {
        "BackupStorageBytes": "Bytes",
        "AuditDurationMs": "Milliseconds",
        "WorstRecoveryPointAgeHours": "None",
    }


def test_zero_is_emitted_and_the_unknown_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """A metric that is not known is left out, a true zero is not."""
    emit("search", {"FindingsNew": 0, "CoveragePercent": None})
    line = _take_line(capsys)
    assert line["FindingsNew"] == [0.0]
    assert "CoveragePercent" not in line


def test_where_nothing_is_known_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A line without any metric is not written."""
    emit("search", {"CoveragePercent": None})
    assert capsys.readouterr().out == ""


def test_a_name_is_written_as_cloudwatch_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    """CloudWatch drops metrics whose dimensions are not printable ASCII, or too long."""
    emit("sübst\n" + "x" * 2000, {"AuditComplete": 1})
    name = _take_line(capsys)["project"]
    assert name.startswith(r"s\xfcbst\nxxx")
    assert len(name) == 1024


def test_each_line_tells_its_own_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of one project's metrics is left over in the next one's."""
    emit("one", {"AuditComplete": 1, "FindingsNew": 2})
    emit("two", {"AuditComplete": 0})
    _, second_line = (json.loads(it) for it in capsys.readouterr().out.splitlines())
    assert second_line["project"] == "two"
    assert second_line["AuditComplete"] == [0.0]
    assert "FindingsNew" not in second_line
