"""Which schedules are made and changed, which are not, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Deployment, Frequency
from backup_auditor.domain.policy import Mode, Rule
from backup_auditor.domain.remediation.actions import ActionKind
from backup_auditor.domain.target_schedule import build_target_schedule, find_unsatisfiable_rules
from support.builders.facts import (
    DAY,
    HOUR,
    IndexCase,
    ago,
    backup,
    broken,
    index,
    inventory,
    policy,
    renamed,
    schedule,
    whole,
)
from support.builders.plans import ACCEPTED, bare, calls, left_out, planned, remedial, scheduled


def backed_up(name: str, age: timedelta) -> IndexCase:
    """Build an index without a schedule that was backed up so long ago."""
    made = backup(age, backup_id=f"by-hand-{name}", index_id=f"id-{name}", index_name=name)
    return index(name, schedules=(), listed=[made], own=whole([made]), state="Ready")


@pytest.mark.parametrize(
    "required,frequency,days,slots",
    [
        pytest.param({}, "daily", 7, 8, id="built-in"),
        pytest.param({"retention_min": None, "min_copies": None}, "daily", 2, 3, id="outlives-the-interval"),
        pytest.param({"min_copies": 14}, "daily", 14, 15, id="holds-the-copies"),
        pytest.param({"frequency": Frequency.WEEKLY}, "weekly", 14, 3, id="weekly-copies"),
        pytest.param({"frequency": Frequency.WEEKLY, "min_copies": 1}, "weekly", 8, 2, id="weekly-outlives"),
        pytest.param({"frequency": Frequency.MONTHLY, "min_copies": None}, "monthly", 32, 2, id="monthly"),
        pytest.param({"frequency": Frequency.MONTHLY, "retention_min": 90 * DAY}, "monthly", 90, 3, id="minimum"),
    ],
)
def test_the_schedule_is_the_slowest_and_the_shortest_kept_that_is_enough(
    required: dict[str, Any], frequency: str, days: int, slots: int
) -> None:
    """It runs as seldom as the policy lets it, and keeps no longer than it must."""
    plan = planned(remedial(**required), bare())
    (action,) = plan.actions
    assert str(action.call) == (
        'POST /indexes/orders/backup-schedules {"name": "auditor", "schedule": {"type": "time-based",'
        f' "frequency": "{frequency}"}}, "retention": {{"expire_after_days": {days}}}}}'
    )
    assert (plan.slots_before, plan.slots_after) == (0, slots)


def test_an_index_that_is_well_is_not_spoken_of() -> None:
    """Nor one of which no schedule is required."""
    rule = Rule("scratch", ("scratch",), {}, policy(required=False).defaults)
    plan = planned(replace(remedial(), rules=(rule,)), scheduled(), bare("scratch"))
    assert (plan.actions, plan.skipped_actions) == ((), ())


@pytest.mark.parametrize(
    "case,why",
    [
        pytest.param(bare(deployment=Deployment.POD), "pod index", id="pod"),
        pytest.param(scheduled(enabled=False), "a pause is somebody's decision", id="paused"),
        pytest.param(scheduled(enabled=None), "does not say whether its schedule nightly is enabled", id="perhaps"),
        pytest.param(bare(state="Initializing"), "'Initializing'", id="not-ready"),
        pytest.param(bare(state="Terminating"), "'Terminating'", id="being-deleted"),
        pytest.param(bare(state=None), "does not say whether it is ready", id="state-unknown"),
        pytest.param(renamed(index(schedules=broken(), state="Ready"), "orders"), "503", id="unread"),
        pytest.param(renamed(index(schedules=whole((), 1), state="Ready"), "orders"), "second walk", id="one-walk"),
        pytest.param(
            renamed(index(schedules=Denial(DenialReason.UNSUPPORTED, "400: no"), state="Ready"), "orders"),
            "cannot be backed up",
            id="unsupported",
        ),
        pytest.param(
            renamed(index(schedules=Denial(DenialReason.PLAN, "403: the plan"), state="Ready"), "orders"),
            "plan has no backup schedules",
            id="plan",
        ),
    ],
)
def test_what_gets_no_schedule_says_why(case: IndexCase, why: str) -> None:
    """Nothing is made of it."""
    plan = planned(remedial(fix=Mode.NEVER), case)
    assert plan.actions == ()
    assert why in left_out(plan, ActionKind.CREATE_SCHEDULE)["orders"]


def test_an_exempted_index_is_left_as_it_is() -> None:
    """With who accepted that, and why; changes are held to the same."""
    required = replace(remedial(), exemptions=(ACCEPTED,))
    plan = planned(required, bare(), scheduled("slow", frequency="weekly"))
    assert plan.actions == ()
    assert set(left_out(plan).values()) == {"It is exempted until 2027-01-01 by team: rebuilt nightly"}


def test_the_policy_may_want_nothing_done() -> None:
    """The plan says so of each index, and a mode of proposing makes the same plan as one of applying."""
    cases = (bare(), scheduled("slow", frequency="weekly"))
    never = planned(remedial(Mode.NEVER, Mode.NEVER), *cases)
    assert never.actions == ()
    assert left_out(never) == {
        "orders": "The policy says create_schedules: never.",
        "slow": "The policy says fix_schedules: never.",
    }
    proposed = planned(remedial(Mode.PROPOSE, Mode.PROPOSE), *cases)
    applied = planned(remedial(), *cases)
    assert proposed.actions == applied.actions
    assert (len(proposed.applicable_actions), len(applied.applicable_actions)) == (0, 2)
    mixed = planned(remedial(Mode.PROPOSE, Mode.APPLY), *cases)
    assert [it.kind for it in mixed.applicable_actions] == [ActionKind.UPDATE_SCHEDULE]


def test_the_worst_protected_come_first_while_the_quota_lasts() -> None:
    """No recovery point before an old one, an old one before a new one; what does not fit says so."""
    cases = (
        backed_up("new", HOUR),
        backed_up("old", 90 * DAY),
        bare("none"),
    )
    plan = planned(remedial(quota=19), *cases)
    assert [it.index for it in plan.actions] == ["none", "old"]
    assert left_out(plan) == {"new": "It takes 8 of the quota of 19 backups, and 1 are left."}
    assert (plan.slots_before, plan.slots_after, plan.quota) == (2, 18, 19)


def test_a_smaller_one_may_still_fit() -> None:
    """What does not fit takes no room from what does."""
    small = Rule("small", ("b-small",), {}, policy(frequency=Frequency.WEEKLY).defaults)
    plan = planned(replace(remedial(quota=4), rules=(small,)), bare("a-large"), bare("b-small"))
    assert [it.index for it in plan.actions] == ["b-small"]


def test_one_run_creates_no_more_than_it_may() -> None:
    """The rest waits, and keeps its room: no change takes it. Backups count too."""
    cases = (bare("a"), bare("b"), scheduled("slow", retention=3 * DAY, held=3))
    plan = planned(remedial(quota=4 + 8 + 8, max_creations=1, first_backup=True), *cases)
    assert [it.index for it in plan.actions] == ["a"]
    assert "max_creations" in left_out(plan, ActionKind.CREATE_SCHEDULE)["b"]
    assert "4 of the quota" in left_out(plan, ActionKind.UPDATE_SCHEDULE)["slow"]
    assert left_out(plan, ActionKind.FIRST_BACKUP).keys() == {"a", "b"}
    assert "the next run goes on" in left_out(plan, ActionKind.CREATE_SCHEDULE)["b"]
    none = planned(remedial(max_creations=0), *cases)
    assert none.applicable_actions == planned(remedial(), *cases).actions[2:]
    assert left_out(none)["a"] == "One run creates no more than 0 (max_creations)."


def test_what_is_only_proposed_takes_no_room_from_what_is_carried_out() -> None:
    """It comes last."""
    cases = (bare(), scheduled("slow", retention=3 * DAY, held=3))
    twelve = 4 + 8
    assert [it.index for it in planned(remedial(Mode.APPLY, Mode.PROPOSE, quota=twelve), *cases).actions] == ["orders"]
    assert [it.index for it in planned(remedial(Mode.PROPOSE, Mode.APPLY, quota=twelve), *cases).actions] == ["slow"]


def test_nothing_is_made_while_it_is_not_known_what_fills_the_quota() -> None:
    """Without a quota, it does not matter."""
    told = inventory(bare(), scheduled("odd", retention=None))
    assert "what schedule odd-schedule-1 holds" in left_out(planned(remedial(), told=told))["orders"]
    unread = replace(inventory(bare()), backups=broken())
    assert "What fills the quota" in left_out(planned(remedial(), told=unread))["orders"]


def test_a_first_backup_is_taken_of_what_has_none() -> None:
    """Once: one that failed, or is under way, is enough; so is one taken by hand."""
    required = remedial(first_backup=True)
    plan = planned(required, bare())
    assert calls(plan)[1:] == ['POST /indexes/orders/backups {"name": "auditor-first-20261122"}']
    assert plan.actions[1].build_undo_call("b").path == "/backups/b"
    assert plan.slots_after == 9
    for listed, why in (
        (backup(HOUR, name="auditor-first-20261121", status="Failed"), "A first backup was taken of it"),
        (backup(HOUR, status="Initializing"), "is Initializing"),
        (backup(HOUR, status="Exotic"), "is Exotic"),
    ):
        schedules = [schedule(created_at=ago(HOUR))]
        case = renamed(index(schedules=schedules, runs=(), listed=[listed], state="Ready"), "orders")
        other = planned(required, case)
        assert other.actions == ()
        assert why in left_out(other, ActionKind.FIRST_BACKUP)["orders"]
    enabled = renamed(index(schedules=[schedule(created_at=ago(HOUR))], runs=(), listed=[], state="Ready"), "orders")
    assert [it.kind for it in planned(required, enabled).actions] == [ActionKind.FIRST_BACKUP]
    assert planned(required, scheduled()).actions == ()


def test_no_first_backup_is_taken_beside_a_pause_or_an_exemption() -> None:
    """Nor where schedules are not to be made."""
    required = remedial(fix=Mode.NEVER, first_backup=True)
    paused = renamed(index(schedules=[schedule(enabled=False)], runs=(), listed=[], state="Ready"), "orders")
    assert planned(required, paused).actions == ()
    accepted = replace(ACCEPTED, controls=("index-has-recovery-point",))
    assert len(planned(replace(required, exemptions=(accepted,)), bare()).actions) == 1
    assert planned(remedial(Mode.NEVER, first_backup=True), bare()).actions == ()


def test_the_id_tells_the_same_plan_from_another() -> None:
    """It is made of project, policy and actions, and not of the moment."""
    plan = planned(remedial(), bare())
    later = planned(remedial(), told=replace(inventory(bare()), observed_at=plan.created_at + HOUR))
    assert later.created_at != plan.created_at
    assert later.plan_id == plan.plan_id
    others = [
        planned(remedial(), bare("carts")),
        planned(remedial(min_copies=9), bare()),
        replace(plan, policy_sha256="1" * 64),
        replace(plan, project="other"),
    ]
    assert len({plan.plan_id, *(it.plan_id for it in others)}) == 5


def test_a_plan_is_good_for_a_day() -> None:
    """To the second; and not before its time."""
    plan = planned(remedial(), bare())
    assert plan.explain_invalid_age(plan.created_at + DAY) is None
    assert "24 hours" in str(plan.explain_invalid_age(plan.created_at + DAY + timedelta(seconds=1)))
    assert "to come" in str(plan.explain_invalid_age(plan.created_at - HOUR))


@pytest.mark.parametrize(
    "required",
    [
        pytest.param({"frequency": Frequency.WEEKLY, "min_copies": 1, "retention_max": 7 * DAY}, id="maximum"),
        pytest.param({"frequency": Frequency.MONTHLY, "min_copies": 13, "retention_max": None}, id="service"),
        pytest.param({"retention_min": 60 * DAY, "max_backup_age": 30 * DAY}, id="erasure"),
    ],
)
def test_a_policy_that_no_schedule_satisfies_is_known_for_that(required: dict[str, Any]) -> None:
    """It matters only to one that wants something done."""
    ((place, text),) = find_unsatisfiable_rules(remedial(**required))
    assert place is None
    assert "allowed" in text
    assert list(find_unsatisfiable_rules(remedial(Mode.NEVER, Mode.NEVER, **required))) == []
    assert list(find_unsatisfiable_rules(remedial(required=False, **required))) == []


def test_what_the_policy_wants_is_what_the_controls_find_enough() -> None:
    """The audit after a creation finds nothing wrong with its settings."""
    for frequency in Frequency:
        required = remedial(frequency=frequency, min_copies=3)
        wanted = build_target_schedule(required.defaults)
        made = scheduled(frequency=wanted.frequency.value, retention=wanted.retention)
        plan = planned(required, made)
        assert (plan.actions, plan.skipped_actions) == ((), ())
