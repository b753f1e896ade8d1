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
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    build_schedule,
    rename_index,
)
from support.builders.plans import (
    FULL_EXEMPTION,
    build_remediation_policy,
    build_scheduled_index,
    build_unscheduled_index,
    find_skipped,
    list_calls,
    plan_remediation,
)


def build_backed_up_index(name: str, age: timedelta) -> IndexCase:
    """Build an index without a schedule that was backed up so long ago."""
    manual_backup = build_backup(age, backup_id=f"by-hand-{name}", index_id=f"id-{name}", index_name=name)
    return build_index(
        name,
        schedules=(),
        listed_backups=[manual_backup],
        own_backups=build_complete_listing([manual_backup]),
        state="Ready",
    )


@pytest.mark.parametrize(
    "requirements,frequency,days,slots",
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
    requirements: dict[str, Any], frequency: str, days: int, slots: int
) -> None:
    """It runs as seldom as the policy lets it, and keeps no longer than it must."""
    plan = plan_remediation(build_remediation_policy(**requirements), build_unscheduled_index())
    (action,) = plan.actions
    assert str(action.call) == (
        'POST /indexes/orders/backup-schedules {"name": "auditor", "schedule": {"type": "time-based",'
        f' "frequency": "{frequency}"}}, "retention": {{"expire_after_days": {days}}}}}'
    )
    assert (plan.slots_before, plan.slots_after) == (0, slots)


def test_an_index_that_is_well_is_not_spoken_of() -> None:
    """Nor one of which no schedule is required."""
    rule = Rule("scratch", ("scratch",), {}, build_policy(required=False).defaults)
    plan = plan_remediation(
        replace(build_remediation_policy(), rules=(rule,)), build_scheduled_index(), build_unscheduled_index("scratch")
    )
    assert (plan.actions, plan.skipped_actions) == ((), ())


@pytest.mark.parametrize(
    "case,reason",
    [
        pytest.param(build_unscheduled_index(deployment=Deployment.POD), "pod index", id="pod"),
        pytest.param(build_scheduled_index(enabled=False), "a pause is somebody's decision", id="paused"),
        pytest.param(
            build_scheduled_index(enabled=None), "does not say whether its schedule nightly is enabled", id="perhaps"
        ),
        pytest.param(build_unscheduled_index(state="Initializing"), "'Initializing'", id="not-ready"),
        pytest.param(build_unscheduled_index(state="Terminating"), "'Terminating'", id="being-deleted"),
        pytest.param(build_unscheduled_index(state=None), "does not say whether it is ready", id="state-unknown"),
        pytest.param(
            rename_index(build_index(schedules=build_failed_listing(), state="Ready"), "orders"), "503", id="unread"
        ),
        pytest.param(
            rename_index(build_index(schedules=build_complete_listing((), 1), state="Ready"), "orders"),
            "read only once",
            id="one-walk",
        ),
        pytest.param(
            rename_index(build_index(schedules=Denial(DenialReason.UNSUPPORTED, "400: no"), state="Ready"), "orders"),
            "cannot be backed up",
            id="unsupported",
        ),
        pytest.param(
            rename_index(build_index(schedules=Denial(DenialReason.PLAN, "403: the plan"), state="Ready"), "orders"),
            "plan has no backup schedules",
            id="plan",
        ),
    ],
)
def test_what_gets_no_schedule_says_why(case: IndexCase, reason: str) -> None:
    """Nothing is made of it."""
    plan = plan_remediation(build_remediation_policy(fix_mode=Mode.NEVER), case)
    assert plan.actions == ()
    assert reason in find_skipped(plan, ActionKind.CREATE_SCHEDULE)["orders"]


def test_an_exempted_index_is_left_as_it_is() -> None:
    """With who accepted that, and why; changes are held to the same."""
    policy = replace(build_remediation_policy(), exemptions=(FULL_EXEMPTION,))
    plan = plan_remediation(policy, build_unscheduled_index(), build_scheduled_index("slow", frequency="weekly"))
    assert plan.actions == ()
    assert set(find_skipped(plan).values()) == {"It is exempted until 2027-01-01 by team: rebuilt nightly"}


def test_the_policy_may_want_nothing_done() -> None:
    """The plan says so of each index, and a mode of proposing makes the same plan as one of applying."""
    cases = (build_unscheduled_index(), build_scheduled_index("slow", frequency="weekly"))
    never_plan = plan_remediation(build_remediation_policy(Mode.NEVER, Mode.NEVER), *cases)
    assert never_plan.actions == ()
    assert find_skipped(never_plan) == {
        "orders": "The policy says create_schedules: never.",
        "slow": "The policy says fix_schedules: never.",
    }
    proposed_plan = plan_remediation(build_remediation_policy(Mode.PROPOSE, Mode.PROPOSE), *cases)
    applied_plan = plan_remediation(build_remediation_policy(), *cases)
    assert proposed_plan.actions == applied_plan.actions
    assert (len(proposed_plan.applicable_actions), len(applied_plan.applicable_actions)) == (0, 2)
    mixed_plan = plan_remediation(build_remediation_policy(Mode.PROPOSE, Mode.APPLY), *cases)
    assert [it.kind for it in mixed_plan.applicable_actions] == [ActionKind.UPDATE_SCHEDULE]


def test_the_worst_protected_come_first_while_the_quota_lasts() -> None:
    """No recovery point before an old one, an old one before a new one; what does not fit says so."""
    cases = (
        build_backed_up_index("new", HOUR),
        build_backed_up_index("old", 90 * DAY),
        build_unscheduled_index("none"),
    )
    plan = plan_remediation(build_remediation_policy(quota=19), *cases)
    assert [it.index for it in plan.actions] == ["none", "old"]
    assert find_skipped(plan) == {"new": "It takes 8 of the quota of 19 backups, and 1 are left."}
    assert (plan.slots_before, plan.slots_after, plan.quota) == (2, 18, 19)


def test_a_smaller_one_may_still_fit() -> None:
    """What does not fit takes no room from what does."""
    small_rule = Rule("small", ("b-small",), {}, build_policy(frequency=Frequency.WEEKLY).defaults)
    plan = plan_remediation(
        replace(build_remediation_policy(quota=4), rules=(small_rule,)),
        build_unscheduled_index("a-large"),
        build_unscheduled_index("b-small"),
    )
    assert [it.index for it in plan.actions] == ["b-small"]


def test_one_run_creates_no_more_than_it_may() -> None:
    """The rest waits, and keeps its room: no change takes it. Backups count too."""
    cases = (
        build_unscheduled_index("a"),
        build_unscheduled_index("b"),
        build_scheduled_index("slow", retention=3 * DAY, run_count=3),
    )
    plan = plan_remediation(build_remediation_policy(quota=4 + 8 + 8, max_creations=1, first_backup=True), *cases)
    assert [it.index for it in plan.actions] == ["a"]
    assert "max_creations" in find_skipped(plan, ActionKind.CREATE_SCHEDULE)["b"]
    assert "4 of the quota" in find_skipped(plan, ActionKind.UPDATE_SCHEDULE)["slow"]
    assert find_skipped(plan, ActionKind.FIRST_BACKUP).keys() == {"a", "b"}
    assert "the next run goes on" in find_skipped(plan, ActionKind.CREATE_SCHEDULE)["b"]
    none = plan_remediation(build_remediation_policy(max_creations=0), *cases)
    assert none.applicable_actions == plan_remediation(build_remediation_policy(), *cases).actions[2:]
    assert find_skipped(none)["a"] == "One run creates no more than 0 (max_creations)."


def test_what_is_only_proposed_takes_no_room_from_what_is_executed() -> None:
    """It comes last."""
    cases = (build_unscheduled_index(), build_scheduled_index("slow", retention=3 * DAY, run_count=3))
    quota = 4 + 8
    assert [
        it.index
        for it in plan_remediation(build_remediation_policy(Mode.APPLY, Mode.PROPOSE, quota=quota), *cases).actions
    ] == ["orders"]
    assert [
        it.index
        for it in plan_remediation(build_remediation_policy(Mode.PROPOSE, Mode.APPLY, quota=quota), *cases).actions
    ] == ["slow"]


def test_nothing_is_made_while_it_is_not_known_what_fills_the_quota() -> None:
    """Without a quota, it does not matter."""
    inventory = build_inventory(build_unscheduled_index(), build_scheduled_index("odd", retention=None))
    assert (
        "what schedule odd-schedule-1 holds"
        in find_skipped(plan_remediation(build_remediation_policy(), inventory=inventory))["orders"]
    )
    failed_inventory = replace(build_inventory(build_unscheduled_index()), backups=build_failed_listing())
    assert (
        "What fills the quota"
        in find_skipped(plan_remediation(build_remediation_policy(), inventory=failed_inventory))["orders"]
    )


def test_a_first_backup_is_taken_of_what_has_none() -> None:
    """Once: one that failed, or is under way, is enough; so is one taken by hand."""
    policy = build_remediation_policy(first_backup=True)
    plan = plan_remediation(policy, build_unscheduled_index())
    assert list_calls(plan)[1:] == ['POST /indexes/orders/backups {"name": "auditor-first-20261122"}']
    assert plan.actions[1].build_undo_call("b").path == "/backups/b"
    assert plan.slots_after == 9
    for listed_backups, reason in (
        (build_backup(HOUR, name="auditor-first-20261121", status="Failed"), "A first backup was taken of it"),
        (build_backup(HOUR, status="Initializing"), "is Initializing"),
        (build_backup(HOUR, status="Exotic"), "is Exotic"),
    ):
        schedules = [build_schedule(created_at=ago(HOUR))]
        case = rename_index(
            build_index(schedules=schedules, runs=(), listed_backups=[listed_backups], state="Ready"), "orders"
        )
        other_plan = plan_remediation(policy, case)
        assert other_plan.actions == ()
        assert reason in find_skipped(other_plan, ActionKind.FIRST_BACKUP)["orders"]
    enabled_index = rename_index(
        build_index(schedules=[build_schedule(created_at=ago(HOUR))], runs=(), listed_backups=[], state="Ready"),
        "orders",
    )
    assert [it.kind for it in plan_remediation(policy, enabled_index).actions] == [ActionKind.FIRST_BACKUP]
    assert plan_remediation(policy, build_scheduled_index()).actions == ()


def test_no_first_backup_is_taken_beside_a_pause_or_an_exemption() -> None:
    """Nor where schedules are not to be made."""
    policy = build_remediation_policy(fix_mode=Mode.NEVER, first_backup=True)
    paused_index = rename_index(
        build_index(schedules=[build_schedule(enabled=False)], runs=(), listed_backups=[], state="Ready"), "orders"
    )
    assert plan_remediation(policy, paused_index).actions == ()
    exemption = replace(FULL_EXEMPTION, controls=("index-has-recovery-point",))
    assert len(plan_remediation(replace(policy, exemptions=(exemption,)), build_unscheduled_index()).actions) == 1
    assert (
        plan_remediation(build_remediation_policy(Mode.NEVER, first_backup=True), build_unscheduled_index()).actions
        == ()
    )


def test_the_id_tells_the_same_plan_from_another() -> None:
    """It is made of project, policy and actions, and not of the moment."""
    plan = plan_remediation(build_remediation_policy(), build_unscheduled_index())
    later_plan = plan_remediation(
        build_remediation_policy(),
        inventory=replace(build_inventory(build_unscheduled_index()), observed_at=plan.created_at + HOUR),
    )
    assert later_plan.created_at != plan.created_at
    assert later_plan.plan_id == plan.plan_id
    other_plans = [
        plan_remediation(build_remediation_policy(), build_unscheduled_index("carts")),
        plan_remediation(build_remediation_policy(min_copies=9), build_unscheduled_index()),
        replace(plan, policy_sha256="1" * 64),
        replace(plan, project="other"),
    ]
    assert len({plan.plan_id, *(it.plan_id for it in other_plans)}) == 5


def test_a_plan_is_good_for_a_day() -> None:
    """To the second; and not before its time."""
    plan = plan_remediation(build_remediation_policy(), build_unscheduled_index())
    assert plan.explain_invalid_age(plan.created_at + DAY) is None
    assert "24 hours" in str(plan.explain_invalid_age(plan.created_at + DAY + timedelta(seconds=1)))
    assert "to come" in str(plan.explain_invalid_age(plan.created_at - HOUR))


@pytest.mark.parametrize(
    "requirements",
    [
        pytest.param({"frequency": Frequency.WEEKLY, "min_copies": 1, "retention_max": 7 * DAY}, id="maximum"),
        pytest.param({"frequency": Frequency.MONTHLY, "min_copies": 13, "retention_max": None}, id="service"),
        pytest.param({"retention_min": 60 * DAY, "max_backup_age": 30 * DAY}, id="erasure"),
    ],
)
def test_a_policy_that_no_schedule_satisfies_is_known_for_that(requirements: dict[str, Any]) -> None:
    """It matters only to one that wants something done."""
    ((problem_place, text),) = find_unsatisfiable_rules(build_remediation_policy(**requirements))
    assert problem_place is None
    assert "limit" in text
    assert list(find_unsatisfiable_rules(build_remediation_policy(Mode.NEVER, Mode.NEVER, **requirements))) == []
    assert list(find_unsatisfiable_rules(build_remediation_policy(required=False, **requirements))) == []


def test_what_the_policy_wants_is_what_the_controls_find_enough() -> None:
    """The audit after a creation finds nothing wrong with its settings."""
    for frequency in Frequency:
        policy = build_remediation_policy(frequency=frequency, min_copies=3)
        target = build_target_schedule(policy.defaults)
        target_index = build_scheduled_index(frequency=target.frequency.value, retention=target.retention)
        plan = plan_remediation(policy, target_index)
        assert (plan.actions, plan.skipped_actions) == ((), ())
