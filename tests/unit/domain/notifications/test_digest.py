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
from support.builders.notifications import ended, found, told
from support.builders.reports import BUILT_IN, EXEMPTION, report
from support.builders.strategies import projects
from support.fakes.stores import FakeStore

WHERE = "s3://evidence/search/report.json"
PROJECT = Resource(ResourceType.PROJECT, "search", "search", None)


def written(shown: Report) -> bytes:
    """Write a report as it is kept."""
    return "".join(render_json(shown)).encode()


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(told(), id="nothing"),
        pytest.param(told(found(), found("carts", lifecycle="reopened", days=9)), id="findings"),
        pytest.param(told(found(exemption=EXEMPTION, lifecycle=None)), id="exempted"),
        pytest.param(told(found(compliance=Compliance.INSUFFICIENT_DATA, lifecycle=None), unread=2), id="unread"),
        pytest.param(told(resolved=(ended(), ended("carts"))), id="resolved"),
        pytest.param(told(drift=(Drift("policy changed", PROJECT, "0", {"a": [1, None]}),)), id="drift"),
        pytest.param(told(warnings=("A rule fits nothing.", "Another.")), id="warnings"),
        pytest.param(told(history=(PastAudit(NOW - DAY, False, count_open_by_severity([found()])),)), id="history"),
        pytest.param(told(observed_at=NOW + timedelta(microseconds=1)), id="a-fraction-of-a-second"),
        pytest.param(told(found("a\x00\u202e\U0001f600é\n"), project="<!channel>"), id="strange-names"),
    ],
)
def test_it_is_the_report_that_was_written(shown: Report) -> None:
    """Nothing is lost between writing and telling."""
    assert list(render_json(load_report(written(shown), WHERE))) == list(render_json(shown))


def test_a_report_of_before_history_was_told_knows_none() -> None:
    """It reads as one without audits before it."""
    document = json.loads(written(told(history=(PastAudit(NOW - DAY, True, count_open_by_severity(())),))))
    del document["history"]
    assert load_report(json.dumps(document).encode(), WHERE).history == ()


@given(projects())
def test_every_report_can_be_read_back(facts: Inventory) -> None:
    """Whatever a project holds and is remembered of it, it reads back as written, but for rules and timelines."""
    store = FakeStore()
    for shown in (
        report(facts),
        *(evaluate_inventory(replace(facts, observed_at=NOW + it * DAY), BUILT_IN, store).report for it in (0, 9)),
    ):
        expected = replace(shown, rules=(), timelines=())
        assert list(render_json(load_report(written(shown), WHERE))) == list(render_json(expected))


def test_keys_of_later_versions_are_passed_over() -> None:
    """A report that says more is read for what is known."""
    shown = told(found(), resolved=(ended("carts"),), unread=1)
    more = _more(json.loads(written(shown)))
    assert list(render_json(load_report(json.dumps(more).encode(), WHERE))) == list(render_json(shown))


def _more(value: Any) -> Any:
    if isinstance(value, list):
        return [_more(it) for it in value]
    if not isinstance(value, dict):
        return value
    kept = {name: it if name == "evidence" else _more(it) for name, it in value.items()}
    return kept if "COMPLIANT" in kept or "critical" in kept else kept | {"later": 1}


def without(*path: str) -> Callable[[Any], bytes]:
    """Take something out of a report."""

    def cut(document: Any) -> bytes:
        place = document
        for it in path[:-1]:
            place = place[int(it) if it.isdigit() else it]
        del place[path[-1]]
        return json.dumps(document).encode()

    return cut


@pytest.mark.parametrize(
    "document,said",
    [
        pytest.param(lambda _: b"", "is not JSON", id="empty"),
        pytest.param(lambda _: b"{", "is not JSON", id="cut-off"),
        pytest.param(lambda _: b"\xff\xfe\xff", "is not JSON", id="no-text"),
        pytest.param(lambda _: b"[]", "is no report of schema version 1", id="a-list"),
        pytest.param(lambda it: json.dumps(it | {"schema_version": "2"}).encode(), "schema version 1", id="newer"),
        pytest.param(without("schema_version"), "schema version 1", id="no-version"),
        pytest.param(
            lambda it: json.dumps({"unread" if key == "read_errors" else key: it[key] for key in it}).encode(),
            "is a report of an older version .*`unread`.*: audit the project again",
            id="former-keys",
        ),
        pytest.param(without("summary", "open", "low"), "does not hold all", id="a-count-is-missing"),
        pytest.param(without("findings", "0", "severity"), "does not hold all", id="a-severity-is-missing"),
        pytest.param(lambda it: json.dumps(it | {"findings": 1}).encode(), "does not hold all", id="no-findings"),
        pytest.param(
            lambda it: json.dumps(it | {"project": "x"}).encode(), "does not hold all", id="a-project-of-text"
        ),
        pytest.param(lambda it: json.dumps(it | {"observed_at": "x"}).encode(), "does not hold all", id="no-moment"),
    ],
)
def test_what_is_no_report_is_refused(document: Callable[[Any], bytes], said: str) -> None:
    """The refusal names the place and says what to do; it repeats nothing of the content."""
    with pytest.raises(EvidenceError, match=said) as raised:
        load_report(document(json.loads(written(told(found())))), WHERE)
    assert str(raised.value).startswith(WHERE)
    assert "\n" not in str(raised.value)
