"""Test which exported states a store may import."""

from dataclasses import replace
from datetime import datetime

import pytest

from backup_auditor.domain.exported_state import ExportedState, build_import, explain_refusal
from backup_auditor.domain.project_state import EMPTY_STATE
from support.builders.drills import build_drill
from support.builders.exported_states import ATTEMPT, AUDIT, EARLIER_AUDIT, PLAN, PROJECT, build_exported_state
from support.builders.facts import DAY, NOW, SECOND

EXPORTED = build_exported_state()
EMPTY = ExportedState(PROJECT, EMPTY_STATE)
OLDER = replace(EXPORTED, state=replace(EXPORTED.state, observed_at=NOW - DAY, audit_id="a-1"))


def explain(exported: ExportedState, stored: ExportedState, *, may_replace: bool = False) -> str | None:
    """Return why an import is refused."""
    state_import = build_import(exported, stored)
    assert state_import is not None
    return explain_refusal(exported, stored, state_import, may_replace=may_replace)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(EMPTY, id="nothing"),
        pytest.param(replace(EMPTY, audits=(AUDIT,)), id="some-audits"),
        pytest.param(
            replace(EMPTY, state=replace(EMPTY_STATE, drills=EXPORTED.state.drills), drills=EXPORTED.drills),
            id="a-discarded-state",
        ),
        pytest.param(replace(EXPORTED, attempts=()), id="everything-but-attempts"),
        pytest.param(replace(EMPTY, audits=EXPORTED.audits, plans=EXPORTED.plans), id="everything-but-the-state"),
    ],
)
def test_a_store_that_loses_no_record_imports(stored: ExportedState) -> None:
    """An import that only adds records needs no consent, so that it can be repeated after a failure."""
    assert explain(EXPORTED, stored) is None


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(OLDER, id="older-state"),
        pytest.param(replace(EXPORTED, state=replace(EXPORTED.state, findings={})), id="another-state-of-that-time"),
        pytest.param(replace(EMPTY, audits=(replace(EARLIER_AUDIT, audit_id="other"),)), id="another-audit"),
        pytest.param(replace(EMPTY, audits=(replace(AUDIT, is_complete=True),)), id="other-values-of-an-audit"),
        pytest.param(replace(EMPTY, plans=(replace(PLAN, stored_id="other"),)), id="another-plan"),
        pytest.param(replace(EMPTY, attempts=(replace(ATTEMPT, attempt=2),)), id="another-attempt"),
        pytest.param(replace(EMPTY, attempts=(replace(ATTEMPT, detail="other"),)), id="other-values-of-an-attempt"),
        pytest.param(replace(EMPTY, drills=(build_drill(number=9),)), id="another-drill"),
        pytest.param(replace(EMPTY, drills=(build_drill(number=2),)), id="other-values-of-a-drill"),
    ],
)
def test_a_store_that_loses_a_record_needs_consent(stored: ExportedState) -> None:
    """An import that replaces or deletes a record is refused without `--replace`."""
    reason = explain(EXPORTED, stored)
    assert reason is not None
    assert reason.endswith("add --replace to replace them")
    assert explain(EXPORTED, stored, may_replace=True) is None


@pytest.mark.parametrize(
    "exported_at,stored_at,is_refused",
    [
        pytest.param(NOW, NOW, False, id="same-time"),
        pytest.param(NOW, NOW + SECOND, True, id="one-second-newer"),
        pytest.param(None, NOW, True, id="exported-without-audit"),
        pytest.param(NOW, None, False, id="stored-without-audit"),
    ],
)
def test_a_newer_state_is_never_replaced(
    exported_at: datetime | None, stored_at: datetime | None, *, is_refused: bool
) -> None:
    """A store whose last audit is newer refuses the import, also with `--replace`."""
    exported = replace(EXPORTED, state=replace(EXPORTED.state, observed_at=exported_at))
    stored = replace(EXPORTED, state=replace(EXPORTED.state, observed_at=stored_at, audit_id="other"))
    reason = explain(exported, stored, may_replace=True)
    assert (reason is not None) is is_refused
    assert not is_refused or "the stored state is newer (last audit: 20" in str(reason)


@pytest.mark.parametrize(
    "exported_id,stored_id,is_refused",
    [
        pytest.param("p-1", "p-1", False, id="same"),
        pytest.param("p-1", "p-2", True, id="another"),
        pytest.param("p-1", None, False, id="unknown-in-the-store"),
        pytest.param(None, "p-2", False, id="unknown-in-the-file"),
    ],
)
def test_the_state_of_another_pinecone_project_is_refused(
    exported_id: str | None, stored_id: str | None, *, is_refused: bool
) -> None:
    """A state of another Pinecone project is refused, also with `--replace`, and the reason has both ids."""
    exported = replace(EXPORTED, state=replace(EXPORTED.state, pinecone_project_id=exported_id))
    stored = replace(OLDER, state=replace(OLDER.state, pinecone_project_id=stored_id))
    reason = explain(exported, stored, may_replace=True)
    assert (reason is not None) is is_refused
    assert not is_refused or "Pinecone project p-1, and the stored state to p-2" in str(reason)


def test_the_revision_grows() -> None:
    """An import has a revision that no audit of the stored state has, and its own where nothing is stored."""
    for stored, revision in (
        (EMPTY, 12),
        (replace(OLDER, state=replace(OLDER.state, revision=11)), 12),
        (OLDER, 13),
        (replace(OLDER, state=replace(OLDER.state, revision=40)), 41),
    ):
        state_import = build_import(EXPORTED, stored)
        assert state_import is not None
        assert state_import.state_change.revision == revision
