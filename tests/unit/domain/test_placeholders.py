"""What is to be done about a finding is told with what is known of it."""

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
        pytest.param("{last.id}", {"last": "b-1"}, "LAST_ID", id="not-told"),
        pytest.param(
            "PATCH {schedule_id}.", {}, f"PATCH SCHEDULE_ID. {LOOKUP_SENTENCE}", id="a-schedule-to-be-looked-up"
        ),
    ],
)
def test_blanks_are_filled(step: str, evidence: Evidence, expected: str) -> None:
    """A blank has the figure of its name; where there is none it is in capitals, as in a command to be completed."""
    assert fill_step(step, build_placeholder_values(INDEX_RESOURCE, {}, evidence)) == expected


def test_a_figure_is_written_as_its_place_asks_for() -> None:
    """Capitals, which the reader is to find, stay as they are."""
    assert fill_placeholders("/{name}/{schedule_id}", {"name": "orders"}, str.title) == "/Orders/SCHEDULE_ID"


def test_evidence_is_before_what_else_is_known() -> None:
    """The schedule that the verdict was computed from is the one to put right."""
    placeholders = build_placeholder_values(
        INDEX_RESOURCE, {"schedule_id": "s-1", "schedule": "nightly"}, {"schedule_id": "s-2"}
    )
    assert placeholders == {"name": "orders", "schedule": "nightly", "schedule_id": "s-2"}


@pytest.mark.parametrize("control", [pytest.param(it, id=it.id) for it in CATALOG.all_controls])
def test_no_blank_reaches_a_reader(control: AnyControl) -> None:
    """Whatever is known: nothing in braces is left but JSON."""
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
    """Where the evidence names none, but the index has one and no more, it is that one."""
    case = build_index(schedules=[build_schedule(it, retention=DAY) for it in ids], runs=[])
    findings_by_control = {it.control: it for it in evaluate_facts(case).findings}
    assert findings_by_control["recovery-points-meet-minimum-copies"].remediation.endswith(shown_text)


def test_what_is_not_known_is_not_remediated() -> None:
    """Nobody is told to resume a schedule that may not be paused, or to create one that may be there."""
    findings_by_control = {
        it.control: it for it in evaluate_facts(build_index(schedules=build_failed_listing())).findings
    }
    for control in ("index-has-schedule", "schedule-is-enabled"):
        assert findings_by_control[control].remediation.startswith("No violation is known.")
