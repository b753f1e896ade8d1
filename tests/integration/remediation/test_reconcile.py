"""What a run began and did not live to conclude is found by the next, and recorded as what shows of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.application.remediation.reconcile import settle_open_actions
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import ActionKind
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState
from backup_auditor.ports.stores import RemediationLog
from support.builders.plans import remedial
from support.simulator import Project, empty_world, remedying

pytestmark = pytest.mark.writes
KEYS = ("create_schedule/orders", "first_backup/orders")
WHO = "tester@here"


def done(project: Project) -> dict[str, ActionRecord]:
    """Have everything done, a change among it; return the records by action."""
    world = project.world
    world.create_index("orders")
    world.create_index("slow")
    world.create_schedule("slow", "theirs", "monthly", 100)
    world.advance(timedelta(hours=1))
    outcome = project.run()
    assert {it.state for it in outcome.results} == {ActionState.DONE}
    found = {it.action.key: project.log.find_last_attempt("default", it.action.key) for it in outcome.results}
    return {key: it for key, it in found.items() if it is not None}


def left(log: RemediationLog, record: ActionRecord) -> None:
    """Leave a record as a run leaves it that ended before it could conclude."""
    log.record_result(replace(record, state=ActionState.STARTED, detail="", target_id=None, after={}, ended_at=None))


@pytest.mark.parametrize(
    "who, later, is_taken_up",
    [
        pytest.param(WHO, timedelta(minutes=1), True, id="the same invocation, tried again"),
        pytest.param("another", timedelta(minutes=15), True, id="another-at-limit"),
        pytest.param("another", timedelta(minutes=15, seconds=-1), False, id="another that may be at it"),
        pytest.param(WHO, timedelta(seconds=-1), False, id="begun since the facts were read"),
    ],
)
def test_what_shows_was_done(tmp_path: Path, who: str, later: timedelta, *, is_taken_up: bool) -> None:
    """What was made and how it reads back is recorded, in the name of who began it, by one run and no other."""
    with remedying(empty_world(), tmp_path / "state", remedial(first_backup=True)) as project:
        records = done(project)
        assert {it.partition("/")[0] for it in records} == set(ActionKind)
        for it in records.values():
            left(project.log, it)
        found = project.audited().inventory
        read = replace(found, observed_at=min(it.started_at for it in records.values()) + later)
        earlier = settle_open_actions(read, project.policy, project.log, who)
        settled = {it.key: it for it in earlier}
        assert settled.keys() == (records.keys() if is_taken_up else set())
        for key, it in settled.items():
            assert it == project.log.find_last_attempt("default", key)
            assert (it.state, it.target_id, it.actor) == (ActionState.DONE, records[key].target_id, WHO)
            assert it.after.keys() == records[key].after.keys()
        assert settle_open_actions(read, project.policy, project.log, who) == []
        assert len(project.log.list_unsettled("default")) == (0 if is_taken_up else len(records))


@pytest.mark.parametrize("key", KEYS)
def test_what_does_not_show_stays_open(tmp_path: Path, key: str) -> None:
    """What is gone, or was there before, is nothing that the attempt has made."""
    with remedying(empty_world(), tmp_path / "state", remedial(first_backup=True)) as project:
        record = done(project)[key]
        left(project.log, replace(record, before={str(record.target_id): {}}))
        project.world.advance(timedelta(hours=1))
        assert settle_open_actions(project.audited().inventory, project.policy, project.log, WHO) == []
        assert [it.key for it in project.log.list_unsettled("default")] == [key]


def test_what_nobody_knows_the_plan_of_stays_open(tmp_path: Path) -> None:
    """A plan is kept for a while only."""
    with remedying(empty_world(), tmp_path / "state", remedial(fix=Mode.NEVER)) as project:
        (record,) = done(project).values()
        left(project.log, replace(record, plan_id="forgotten"))
        project.world.advance(timedelta(hours=1))
        assert settle_open_actions(project.audited().inventory, project.policy, project.log, WHO) == []


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_stands_there_at_the_moment_of_acting_settles_what_was_begun(tmp_path: Path, *, is_ours: bool) -> None:
    """It was done if it is what the attempt made, and not if it is somebody else's; either is good enough."""
    with remedying(empty_world(), tmp_path / "state", remedial(fix=Mode.NEVER)) as project:
        (record,) = done(project).values()
        left(project.log, record if is_ours else replace(record, before={str(record.target_id): {}}))
        assert {it.state for it in project.carried_out().results} == {ActionState.ALREADY_SATISFIED}
        found = project.log.find_last_attempt("default", record.key)
        assert found is not None
        its = (ActionState.DONE, record.target_id) if is_ours else (ActionState.FAILED, None)
        assert (found.state, found.target_id, found.after) == (*its, record.after if is_ours else {})
