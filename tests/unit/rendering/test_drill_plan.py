"""Test the tables and the JSON document of restore drills, and the clause about what a drill does now."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreState, ValidationState
from backup_auditor.domain.drills.selection import DrillPlan, DurationClass, PlannedDrill, SkippedDrill
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.domain.policy import Mode, RestoreDrillPolicy
from backup_auditor.domain.project_state import KnownDrill
from backup_auditor.domain.text import measure_width
from backup_auditor.rendering.drill_plan import (
    describe_phase,
    render_drill_plan_table,
    render_drill_results_table,
    render_drills_json,
    render_open_drills_table,
)
from backup_auditor.rendering.text import join_lines
from support.approval import Approve
from support.builders.drills import POINT, TARGET_NAME, build_checked, build_drill, build_job
from support.builders.facts import HOUR, MINUTE, NOW, build_running_drill

FORMATS_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "formats.md"
DRILLS = (
    PlannedDrill(
        "main", "id-main", POINT, TARGET_NAME, DurationClass.MINUTES, 0.15, "No drill of the index has passed."
    ),
    PlannedDrill(
        "検索\u202e",
        "id-other",
        replace(POINT, captured_at=None, size_bytes=30 << 30),
        "drill-other-1a2b3c4d",
        DurationClass.HOURS,
        None,
        "The index is due: its last proof is of 2026-09-01 06:00 UTC (limit: 90d).",
        "A BYOC index is read only from its own network, so it is restored and not read.",
    ),
)
SKIPPED = (
    SkippedDrill("", "Not all backups could be read: 503.", is_unknown=True, backup_id="copy-1"),
    SkippedDrill("articles", "The policy requires no restore drill of it."),
    SkippedDrill("orders", "The backups could not be read.", is_unknown=True),
)


def build_plan(mode: Mode = Mode.APPLY, **facts: Any) -> DrillPlan:
    """Build a plan with two drills."""
    defaults: dict[str, Any] = {
        "project": "default",
        "policy_sha256": "0" * 64,
        "created_at": NOW,
        "restore_drills": RestoreDrillPolicy(mode=mode),
        "drills": DRILLS,
        "skipped_drills": SKIPPED,
        "index_count": 4,
        "index_quota": 20,
    }
    return DrillPlan(**(defaults | facts))


def build_ended_drill(state: CheckState, **facts: Any) -> DrillRecord:
    """Build a drill that ended with this result, and whose index is deleted."""
    verification = build_checked(state)
    defaults: dict[str, Any] = {
        "restore": RestoreState.COMPLETED,
        "validation": ValidationState(state.value),
        "validation_detail": " ".join(verification.reasons),
        "verification": verification,
        "deletion": DeletionState.CONFIRMED,
        "requested_at": NOW,
        "restored_at": NOW + 11 * MINUTE,
        "verified_at": NOW + 12 * MINUTE,
        "job": build_job(),
        "evidence": StoredFile("/state/default-drills/5f5f5f5f5f5f5f5f-7.json", "0" * 64),
        "published_at": NOW,
    }
    return build_drill(**(defaults | facts))


OPEN_DRILLS: tuple[KnownDrill, ...] = (build_running_drill(),)
RECORDS = (
    build_ended_drill(CheckState.PASSED),
    build_ended_drill(CheckState.FAILED, index_name="orders", number=2),
    build_ended_drill(
        CheckState.NOT_VERIFIED,
        index_name="ledgers",
        number=3,
        deletion=DeletionState.FAILED,
        deletion_detail="Pinecone refused to delete the index: 412.",
    ),
    build_drill(
        index_name="unknown",
        number=4,
        restore=RestoreState.UNKNOWN,
        restore_detail="The answer to the request was lost, and no index appeared.",
        validation=ValidationState.SKIPPED,
        deletion=DeletionState.CONFIRMED,
    ),
    build_drill(index_name="running", number=5, restore=RestoreState.REQUESTED, requested_at=NOW),
)


def test_the_plan_is_as_approved(approve: Approve) -> None:
    """The table has the drills with their reasons, the unfinished one, and what is skipped."""
    approve("drill-plan.txt", join_lines(render_drill_plan_table(build_plan(Mode.PROPOSE), OPEN_DRILLS, 80)))


def test_the_results_are_as_approved(approve: Approve) -> None:
    """The table has each result with its figures, what became of the index, and the document."""
    approve("drill-results.txt", join_lines(render_drill_results_table("default", RECORDS, 80)))


def test_the_document_is_as_approved(approve: Approve) -> None:
    """The JSON document has the plan, the unfinished drills, and every result with its stored document."""
    approve("drills.json", [render_drills_json(build_plan(), OPEN_DRILLS, RECORDS[:1])])


def list_keys(value: object) -> set[str]:
    """Return every key at any depth of a JSON value; the request and the response of Pinecone have their own."""
    if isinstance(value, list):
        return {key for it in value for key in list_keys(it)}
    if not isinstance(value, dict):
        return set()
    own_values = [it for key, it in value.items() if key not in {"body", "document"}]
    return {*value, *list_keys(own_values)}


def test_every_key_is_documented() -> None:
    """The reference names each key of a plan, of an open drill and of a result."""
    text = FORMATS_PAGE.read_text(encoding="utf-8").partition("## JSON of restore drills")[2].partition("\n## ")[0]
    documented_keys = set(re.findall(r"`(?:\w+(?:\[\])?\.)*(\w+)(?:\[\])?`", text))
    document = json.loads(render_drills_json(build_plan(), OPEN_DRILLS, RECORDS))
    assert list_keys(document) - documented_keys == set()


def test_a_document_can_lack_plan_and_results() -> None:
    """A refused plan and a plan that was only shown are null."""
    assert json.loads(render_drills_json(None, (), None)) == {
        "schema_version": "1",
        "plan": None,
        "open_drills": [],
        "results": None,
    }


def test_an_empty_plan_says_so() -> None:
    """Nothing to do is one line, and the indexes are counted."""
    plan = build_plan(drills=(), skipped_drills=())
    assert list(render_drill_plan_table(plan, (), 80)) == [
        f"default: plan {plan.plan_id} of 2026-11-22 12:00 UTC: nothing to do",
        "indexes: 4 of 20 now",
    ]


@pytest.mark.parametrize(
    "mode,note",
    [
        pytest.param(Mode.NEVER, "  (not allowed to run: restore_drills.mode is never)", id="never"),
        pytest.param(Mode.PROPOSE, "  (proposed only: restore_drills.mode is propose)", id="propose"),
        pytest.param(Mode.APPLY, "", id="apply"),
    ],
)
def test_a_plan_says_what_the_policy_allows(mode: Mode, note: str) -> None:
    """The note is beside the heading of the drills."""
    assert f"RESTORE DRILLS (2){note}" in list(render_drill_plan_table(build_plan(mode), (), 80))


@pytest.mark.parametrize(
    "cost,text",
    [
        pytest.param(0.0, ", cost 0.00", id="free"),
        pytest.param(0.00001, ", cost below 0.01", id="small"),
        pytest.param(0.01, ", cost 0.01", id="smallest-that-shows"),
        pytest.param(1234.567, ", cost 1,234.57", id="large"),
        pytest.param(None, "about 10 minutes", id="unknown"),
    ],
)
def test_a_cost_is_rounded_only_when_it_is_shown(cost: float | None, text: str) -> None:
    """A small cost does not look like none, and the document has the exact one."""
    plan = build_plan(drills=(replace(DRILLS[0], cost=cost),))
    (line,) = [it for it in render_drill_plan_table(plan, (), 200) if it.startswith("  main  backup")]
    assert line.endswith(text)
    assert json.loads(render_drills_json(plan, (), None))["plan"]["drills"][0]["cost"] == cost


def test_only_a_shown_plan_says_that_the_next_run_continues() -> None:
    """The run that continues does not, and an index that is deleted is not named."""
    (drill,) = OPEN_DRILLS
    text = f"  main  drill {drill.drill_id} since 2026-11-22 11:00 UTC, no result yet"
    assert list(render_open_drills_table(OPEN_DRILLS, 200)) == [
        "",
        "NOT FINISHED (1)",
        f"{text}, temporary index {drill.target_name}",
    ]
    deleted_drill = replace(drill, is_target_deleted=True)
    shown_lines = list(render_drill_plan_table(build_plan(), [deleted_drill], 200))
    assert shown_lines[3:5] == ["NOT FINISHED (1)  (the next run with --apply continues)", text]


@pytest.mark.parametrize("width", [40, 79, 80, 200])
def test_the_tables_fit_their_width(width: int) -> None:
    """No line is wider than the terminal, and control characters are escaped."""
    lines = [
        *render_drill_plan_table(build_plan(), OPEN_DRILLS, width),
        *render_drill_results_table("default", RECORDS, width),
    ]
    assert max(map(measure_width, lines)) <= width
    assert all(it.isprintable() for it in lines)


@pytest.mark.parametrize(
    "facts,phase",
    [
        pytest.param({}, "recorded as drill 5f5f5f5f5f5f5f5f", id="recorded"),
        pytest.param(
            {"restore": RestoreState.REQUESTED, "requested_at": NOW + HOUR},
            f"restoring run-1 into {TARGET_NAME} (deadline 2026-11-22 19:00 UTC)",
            id="restoring",
        ),
        pytest.param(
            {"restore": RestoreState.COMPLETED},
            f"verifying {TARGET_NAME} (deadline 2026-11-22 18:00 UTC)",
            id="verifying",
        ),
        pytest.param(
            {"validation": ValidationState.FAILED}, f"failed; deleting the temporary index {TARGET_NAME}", id="deleting"
        ),
        pytest.param(
            {"validation": ValidationState.PASSED, "deletion": DeletionState.CONFIRMED},
            "passed; the temporary index is deleted",
            id="deleted",
        ),
        pytest.param(
            {"validation": ValidationState.PASSED, "deletion": DeletionState.FAILED},
            f"passed; the temporary index {TARGET_NAME} is left to the next run",
            id="left",
        ),
    ],
)
def test_the_phase_follows_from_the_record(facts: dict[str, Any], phase: str) -> None:
    """A log and a progress bar show what a drill does now, or how it ended."""
    assert describe_phase(build_drill(**facts)) == phase
