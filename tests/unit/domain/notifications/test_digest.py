"""A report that is read back from its JSON is the report that was written."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.finding import Compliance, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.project_state import Drift, PastAudit, count_open_by_severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import EvidenceError
from backup_auditor.rendering.formats.json import load_report, render_json
from support.builders.facts import DAY, NOW
from support.builders.notifications import build_alert_report, build_open_finding, build_resolved_finding
from support.builders.reports import BUILT_IN_POLICY, EXEMPTION, build_report
from support.builders.strategies import inventories
from support.fakes.stores import FakeStore

REPORT_LOCATION = "s3://evidence/search/report.json"
PROJECT_RESOURCE = Resource(ResourceType.PROJECT, "search", "search", None)


def render_report(report: Report) -> bytes:
    """Write a report as it is kept."""
    return "".join(render_json(report)).encode()


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(build_alert_report(), id="nothing"),
        pytest.param(
            build_alert_report(build_open_finding(), build_open_finding("carts", lifecycle="reopened", days=9)),
            id="findings",
        ),
        pytest.param(build_alert_report(build_open_finding(exemption=EXEMPTION, lifecycle=None)), id="exempted"),
        pytest.param(
            build_alert_report(
                build_open_finding(compliance=Compliance.INSUFFICIENT_DATA, lifecycle=None), failure_count=2
            ),
            id="unread",
        ),
        pytest.param(
            build_alert_report(resolved=(build_resolved_finding(), build_resolved_finding("carts"))), id="resolved"
        ),
        pytest.param(
            build_alert_report(drift=(Drift("policy changed", PROJECT_RESOURCE, "0", {"a": [1, None]}),)), id="drift"
        ),
        pytest.param(build_alert_report(warnings=("A rule fits nothing.", "Another.")), id="warnings"),
        pytest.param(
            build_alert_report(history=(PastAudit(NOW - DAY, False, count_open_by_severity([build_open_finding()])),)),
            id="history",
        ),
        pytest.param(build_alert_report(observed_at=NOW + timedelta(microseconds=1)), id="a-fraction-of-a-second"),
        pytest.param(
            build_alert_report(build_open_finding("a\x00\u202e\U0001f600é\n"), project="<!channel>"), id="strange-names"
        ),
    ],
)
def test_a_report_is_read_back_as_it_was_written(report: Report) -> None:
    """Writing and reading a report lose nothing."""
    assert list(render_json(load_report(render_report(report), REPORT_LOCATION))) == list(render_json(report))


def test_a_report_without_a_history_has_none() -> None:
    """A report of older code reads as one without earlier audits."""
    document = json.loads(
        render_report(build_alert_report(history=(PastAudit(NOW - DAY, True, count_open_by_severity(())),)))
    )
    del document["history"]
    assert load_report(json.dumps(document).encode(), REPORT_LOCATION).history == ()


@given(inventories())
def test_every_report_can_be_read_back(facts: Inventory) -> None:
    """Any report is read back as written, without rules and timelines."""
    store = FakeStore()
    for report in (
        build_report(facts),
        *(
            evaluate_inventory(replace(facts, observed_at=NOW + it * DAY), BUILT_IN_POLICY, store).report
            for it in (0, 9)
        ),
    ):
        expected = replace(report, rules=(), timelines=())
        assert list(render_json(load_report(render_report(report), REPORT_LOCATION))) == list(render_json(expected))


def test_keys_of_later_versions_are_ignored() -> None:
    """Known keys of a report with unknown ones are read."""
    report = build_alert_report(build_open_finding(), resolved=(build_resolved_finding("carts"),), failure_count=1)
    extended_document = _add_keys(json.loads(render_report(report)))
    assert list(render_json(load_report(json.dumps(extended_document).encode(), REPORT_LOCATION))) == list(
        render_json(report)
    )


def _add_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [_add_keys(it) for it in value]
    if not isinstance(value, dict):
        return value
    extended = {name: it if name == "evidence" else _add_keys(it) for name, it in value.items()}
    return extended if "COMPLIANT" in extended or "critical" in extended else extended | {"later": 1}


def make_removal(*path: str) -> Callable[[Any], bytes]:
    """Take something out of a report."""

    def remove_key(document: Any) -> bytes:
        container = document
        for key in path[:-1]:
            container = container[int(key) if key.isdigit() else key]
        del container[path[-1]]
        return json.dumps(document).encode()

    return remove_key


@pytest.mark.parametrize(
    "document,message",
    [
        pytest.param(lambda _: b"", "is not JSON", id="empty"),
        pytest.param(lambda _: b"{", "is not JSON", id="cut-off"),
        pytest.param(lambda _: b"\xff\xfe\xff", "is not JSON", id="no-text"),
        pytest.param(lambda _: b"[]", "is not a report of schema version 1", id="a-list"),
        pytest.param(lambda it: json.dumps(it | {"schema_version": "2"}).encode(), "schema version 1", id="newer"),
        pytest.param(make_removal("schema_version"), "schema version 1", id="no-version"),
        pytest.param(make_removal("summary", "open", "low"), "is incomplete", id="a-count-is-missing"),
        pytest.param(make_removal("findings", "0", "severity"), "is incomplete", id="a-severity-is-missing"),
        pytest.param(lambda it: json.dumps(it | {"findings": 1}).encode(), "is incomplete", id="no-findings"),
        pytest.param(lambda it: json.dumps(it | {"project": "x"}).encode(), "is incomplete", id="a-project-of-text"),
        pytest.param(lambda it: json.dumps(it | {"observed_at": "x"}).encode(), "is incomplete", id="no-moment"),
    ],
)
def test_an_invalid_report_is_refused(document: Callable[[Any], bytes], message: str) -> None:
    """The error names the place and the remedy, and shows nothing of the content."""
    with pytest.raises(EvidenceError, match=message) as error_info:
        load_report(document(json.loads(render_report(build_alert_report(build_open_finding())))), REPORT_LOCATION)
    assert str(error_info.value).startswith(REPORT_LOCATION)
    assert "\n" not in str(error_info.value)
