"""The restore drills of each index in the report."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.drill_indexes import build_drill_tags
from backup_auditor.domain.evaluation.results import MAX_RESTORES, EndedDrill, IndexDrills, RunningDrill
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.project_state import DrillResult, KnownDrill, KnownIndex
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_drill_state,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
    build_running_drill,
    evaluate_facts,
    rename_index,
)
from support.builders.reports import build_exempting_policy

LIMIT = 80 * DAY
DUE_LENGTH = 60 * DAY
"""Three quarters of the limit."""


def summarize(
    *drills: KnownDrill, facts: IndexCase | Inventory | None = None, **requirements: Any
) -> tuple[IndexDrills, ...]:
    """Return the drills of each index of a project, by default of one healthy index `main`."""
    state = build_drill_state(*drills)
    return evaluate_facts(facts or build_index(), build_policy(**requirements), state).restore_drills


def summarize_main(*drills: KnownDrill, **requirements: Any) -> IndexDrills:
    """Return the drills of the only index, of which a drill is required by default."""
    (index_drills,) = summarize(*drills, **{"restore_drill_within": LIMIT, **requirements})
    return index_drills


def test_an_index_without_drills_is_listed_only_if_one_is_required() -> None:
    """A limit of the restore time requires no drill."""
    assert summarize(max_restore_time=HOUR) == ()
    index_drills = summarize_main(max_restore_time=HOUR)
    assert (index_drills.last_proof, index_drills.last_drill, index_drills.restores) == (None, None, ())
    assert (index_drills.restore_drill_within, index_drills.max_restore_time) == (LIMIT, HOUR)


def test_an_index_that_cannot_be_backed_up_is_listed_only_with_drills() -> None:
    """No drill of it is required, whatever the policy says of other indexes."""
    pod_index = build_index(deployment=Deployment.POD)
    assert summarize(facts=pod_index, restore_drill_within=LIMIT) == ()


def test_the_last_proof_and_the_last_drill_can_differ() -> None:
    """A failed drill after a proof does not hide the proof."""
    proof, failed_drill = build_known_drill(2 * DAY), build_known_drill(DAY, result=DrillResult.FAILED)
    index_drills = summarize_main(build_known_drill(3 * DAY), failed_drill, proof)
    assert index_drills.resource.id == "id-main"
    assert index_drills.last_proof == EndedDrill(
        proof.drill_id, "run-1", DrillResult.PASSED, ago(2 * DAY + HOUR), ago(2 * DAY), 10 * MINUTE
    )
    assert index_drills.last_drill is not None
    assert index_drills.last_drill.drill_id == failed_drill.drill_id
    assert index_drills.compute_proof_age(NOW) == 2 * DAY


def test_the_last_completed_restores_are_listed_oldest_first() -> None:
    """A drill whose restore did not complete has no restore time, and is none of them."""
    drills = [build_known_drill(number * DAY, restore_time=number * MINUTE) for number in range(1, MAX_RESTORES + 3)]
    drills[1] = replace(drills[1], result=DrillResult.UNKNOWN, restore_time=None)
    restores = summarize_main(*drills).restores
    expected_numbers = [*range(MAX_RESTORES + 1, 2, -1), 1]
    assert [it.restore_time for it in restores] == [number * MINUTE for number in expected_numbers]


@pytest.mark.parametrize(
    "future_offset,is_counted",
    [
        pytest.param(CLOCK_TOLERANCE, True, id="at-limit"),
        pytest.param(CLOCK_TOLERANCE + SECOND, False, id="one-second-past"),
    ],
)
def test_drills_after_the_audit_do_not_count(future_offset: timedelta, is_counted: bool) -> None:
    """A later drill changes nothing in the report of an earlier audit; clocks may differ by 15 minutes."""
    ended_drill = build_known_drill(-future_offset)
    running_drill = build_running_drill(-future_offset, target_name="drill-main-other")
    index_drills = summarize_main(ended_drill, running_drill)
    assert (index_drills.last_proof is not None) is is_counted
    assert (index_drills.running_drill is not None) is is_counted
    assert index_drills.compute_proof_age(NOW) == (timedelta() if is_counted else None)


def test_the_drill_that_started_last_is_the_running_one() -> None:
    """A drill whose temporary index is deleted does not run."""
    running_drill = build_running_drill(HOUR)
    drills = (running_drill, build_running_drill(2 * HOUR, drill_id="earlier-drill"), build_known_drill(MINUTE))
    assert summarize_main(*drills).running_drill == RunningDrill(
        running_drill.drill_id, "run-1", running_drill.target_name, ago(HOUR), running_drill.ends_by
    )
    assert summarize_main(build_known_drill()).running_drill is None


def test_an_index_without_a_proof_is_due_now() -> None:
    """A drill with another result is no proof."""
    assert summarize_main().due_at == NOW
    assert summarize_main(build_known_drill(result=DrillResult.NOT_VERIFIED)).due_at == NOW


def test_a_proven_index_is_due_before_its_proof_is_too_old() -> None:
    """It is due after three quarters of the limit, as the plan of drills says."""
    assert summarize_main(build_known_drill(DAY)).due_at == ago(DAY) + DUE_LENGTH
    assert summarize_main(build_known_drill(70 * DAY)).due_at == ago(70 * DAY) + DUE_LENGTH


def test_an_index_that_cannot_be_read_from_here_is_due_by_its_last_completed_restore() -> None:
    """No drill of a BYOC index passes, so one that restored it is enough for a while, and is no proof."""
    byoc_index = build_index(deployment=Deployment.BYOC)
    drill = build_known_drill(DAY, result=DrillResult.NOT_VERIFIED)
    (restored,) = summarize(drill, facts=byoc_index, restore_drill_within=LIMIT)
    assert (restored.due_at, restored.last_proof) == (ago(DAY) + DUE_LENGTH, None)
    failed_drill = replace(drill, result=DrillResult.FAILED, restore_time=None)
    (failed,) = summarize(failed_drill, facts=byoc_index, restore_drill_within=LIMIT)
    assert failed.due_at == NOW


def test_an_index_is_not_due_if_no_drill_is_required_of_it() -> None:
    """Neither without a limit nor with an exemption."""
    assert summarize_main(build_known_drill(), restore_drill_within=None).due_at is None
    exemption = Exemption(("main",), ("restore-is-proven",), "search-team", "rebuilt nightly", NOW.date())
    policy = build_policy(base=build_exempting_policy(exemption), restore_drill_within=LIMIT)
    (index_drills,) = evaluate_facts(build_index(), policy, build_drill_state()).restore_drills
    assert (index_drills.due_at, index_drills.restore_drill_within) == (None, LIMIT)


def test_an_index_that_a_drill_left_behind_is_named() -> None:
    """No drill of it is required, although it is audited."""
    drill = build_running_drill(10 * HOUR)
    target = build_index(
        drill.target_name, schedules=(), source_backup_id="run-1", tags=build_drill_tags(drill.drill_id)
    )
    inventory = build_inventory(build_index(), target)
    (index_drills,) = summarize(drill, facts=inventory, restore_drill_within=LIMIT)
    assert index_drills.leftover_indexes == (drill.target_name,)
    assert index_drills.running_drill is None


def test_drills_belong_to_an_index_by_its_id() -> None:
    """A drill of an earlier index of the name proves nothing; an unknown id makes the drills unknown."""
    assert summarize(build_known_drill(index_id="id-earlier")) == ()
    unknown_index = build_index(schedules=(), backups=[build_backup(HOUR)])
    index_drills = summarize_main(build_known_drill(), facts=unknown_index)
    assert index_drills.unknown_reason is not None
    assert index_drills.unknown_reason.startswith("The id of the live index main is unknown")
    assert (index_drills.last_proof, index_drills.due_at) == (None, None)


def test_an_index_that_lost_its_last_backup_keeps_its_drills() -> None:
    """Its last known id is still its own."""
    known_index = KnownIndex("main", "id-main", ago(100 * DAY), None)
    state = build_drill_state(build_known_drill(), indexes={"main": known_index})
    bare_index = build_index(schedules=(), backups=())
    (index_drills,) = evaluate_facts(bare_index, build_policy(), state).restore_drills
    assert index_drills.last_proof is not None


def test_indexes_are_sorted_by_name() -> None:
    """The order of the inventory does not matter."""
    drills = [build_known_drill(drill_id=it, index_id=f"id-{it}", index_name=it) for it in ("b", "a")]
    inventory = build_inventory(*(rename_index(build_index(), it) for it in ("b", "a")))
    assert [it.resource.name for it in summarize(*drills, facts=inventory)] == ["a", "b"]
