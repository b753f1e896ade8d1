"""Test the placeholders in remediation steps."""

import re

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.control import build_placeholder_values, fill_placeholders, fill_step
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Evidence, Resource, ResourceType
from support.builders.facts import DAY, build_failed_listing, build_index, build_schedule, evaluate_facts

INDEX_RESOURCE = Resource(ResourceType.INDEX, "default", "orders", "id-orders")
LOOKUP_SENTENCE = "GET /indexes/orders/backup-schedules returns SCHEDULE_ID."


@pytest.mark.parametrize(
    "step,evidence,expected",
    [
        pytest.param("Look at {name}.", {"name": "other"}, "Look at orders.", id="the-name-is-the-resource's"),
        pytest.param("PATCH {schedule_id}.", {"schedule_id": "s-1"}, "PATCH s-1.", id="a-text"),
        pytest.param('{"days": {min_days}}', {"min_days": 7}, '{"days": 7}', id="a-number-in-json"),
        pytest.param("{last.id}", {"last": {"id": "b-1"}}, "b-1", id="within-an-object"),
        pytest.param("{schedule_id}", {"schedule_id": "{name}"}, "{name}", id="what-is-filled-in-is-no-blank"),
        pytest.param("{last.id}", {"last": "b-1"}, "LAST_ID", id="unknown"),
        pytest.param(
            "PATCH {schedule_id}.", {}, f"PATCH SCHEDULE_ID. {LOOKUP_SENTENCE}", id="a-schedule-to-be-looked-up"
        ),
    ],
)
def test_placeholders_are_filled(step: str, evidence: Evidence, expected: str) -> None:
    """A placeholder becomes the value of its name; without a value it becomes its name in capitals."""
    assert fill_step(step, build_placeholder_values(INDEX_RESOURCE, {}, evidence)) == expected


def test_values_are_formatted_but_missing_names_are_not() -> None:
    """The format function applies to values, not to names in capitals."""
    assert fill_placeholders("/{name}/{schedule_id}", {"name": "orders"}, str.title) == "/Orders/SCHEDULE_ID"


def test_evidence_takes_precedence_over_other_values() -> None:
    """The schedule in the evidence is the one that the remediation names."""
    placeholders = build_placeholder_values(
        INDEX_RESOURCE, {"schedule_id": "s-1", "schedule": "nightly"}, {"schedule_id": "s-2"}
    )
    assert placeholders == {"name": "orders", "schedule": "nightly", "schedule_id": "s-2"}


@pytest.mark.parametrize("control", [pytest.param(it, id=it.id) for it in CATALOG.all_controls])
def test_no_placeholder_is_left(control: AnyControl) -> None:
    """No text of a control has a placeholder left after it is filled."""
    assert not re.search(r"\{[^\s\"{}]*\}", fill_placeholders(control.remediation, {}))


@pytest.mark.parametrize(
    "ids,shown_text",
    [
        pytest.param(["s-1"], "/backup-schedules/s-1/history why no schedule made more.", id="one"),
        pytest.param(
            [],
            f"SCHEDULE_ID/history why no schedule made more. {LOOKUP_SENTENCE.replace('orders', 'main')}",
            id="none",
        ),
        pytest.param(
            ["s-1", "s-2"],
            f"SCHEDULE_ID/history why no schedule made more. {LOOKUP_SENTENCE.replace('orders', 'main')}",
            id="two",
        ),
    ],
)
def test_the_only_schedule_is_named(ids: list[str], shown_text: str) -> None:
    """If the evidence names no schedule and the index has exactly one, the remediation names that one."""
    case = build_index(schedules=[build_schedule(it, retention=DAY) for it in ids], runs=[])
    findings_by_control = {it.control: it for it in evaluate_facts(case).findings}
    assert findings_by_control["recovery-points-meet-minimum-copies"].remediation.endswith(shown_text)


def test_an_unknown_verdict_has_no_remediation_of_its_control() -> None:
    """An unknown verdict does not tell the reader to resume or create a schedule."""
    findings_by_control = {
        it.control: it for it in evaluate_facts(build_index(schedules=build_failed_listing())).findings
    }
    for control in ("index-has-schedule", "schedule-is-enabled"):
        assert findings_by_control[control].remediation.startswith("No violation is known.")
