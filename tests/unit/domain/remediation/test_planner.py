"""Which schedules are created and changed, which are not, and why."""

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
    """Build an index without a schedule whose backup is so old."""
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
def test_the_schedule_has_the_lowest_sufficient_frequency_and_retention(
    requirements: dict[str, Any], frequency: str, days: int, slots: int
) -> None:
    """It satisfies the policy with the fewest backups."""
    plan = plan_remediation(build_remediation_policy(**requirements), build_unscheduled_index())
    (action,) = plan.actions
    assert str(action.call) == (
        'POST /indexes/orders/backup-schedules {"name": "auditor", "schedule": {"type": "time-based",'
        f' "frequency": "{frequency}"}}, "retention": {{"expire_after_days": {days}}}}}'
    )
    assert (plan.slots_before, plan.slots_after) == (0, slots)


def test_a_compliant_index_is_not_in_the_plan() -> None:
    """A plan has no action for a compliant index, or for one that requires no schedule."""
    rule = Rule("scratch", ("scratch",), {}, build_policy(required=False).defaults)
    plan = plan_remediation(
        replace(build_remediation_policy(), rules=(rule,)), build_scheduled_index(), build_unscheduled_index("scratch")
    )
    assert (plan.actions, plan.skipped_actions) == ((), ())


@pytest.mark.parametrize(
    "case,reason",
    [
        pytest.param(build_unscheduled_index(deployment=Deployment.POD), "pod index", id="pod"),
        pytest.param(
            build_scheduled_index(enabled=False), "is paused; remediation does not override a pause", id="paused"
        ),
        pytest.param(
            build_scheduled_index(enabled=None), "does not say whether its schedule nightly is enabled", id="perhaps"
        ),
        pytest.param(build_unscheduled_index(state="Initializing"), "'Initializing'", id="not-ready"),
        pytest.param(build_unscheduled_index(state="Terminating"), "'Terminating'", id="being-deleted"),
        pytest.param(build_unscheduled_index(state=None), "whether the index is ready", id="state-unknown"),
        pytest.param(
            rename_index(build_index(schedules=build_failed_listing(), state="Ready"), "orders"), "503", id="unread"
        ),
        pytest.param(
            rename_index(build_index(schedules=build_complete_listing((), 1), state="Ready"), "orders"),
            "read only once",
            id="one-read",
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
def test_a_skipped_creation_has_a_reason(case: IndexCase, reason: str) -> None:
    """The plan has no action for the index."""
    plan = plan_remediation(build_remediation_policy(fix_mode=Mode.NEVER), case)
    assert plan.actions == ()
    assert reason in find_skipped(plan, ActionKind.CREATE_SCHEDULE)["orders"]


def test_an_exempted_index_is_skipped() -> None:
    """The reason names the owner and the reason of the exemption, for changes, too."""
    policy = replace(build_remediation_policy(), exemptions=(FULL_EXEMPTION,))
    plan = plan_remediation(policy, build_unscheduled_index(), build_scheduled_index("slow", frequency="weekly"))
    assert plan.actions == ()
    assert set(find_skipped(plan).values()) == {"Exempted by team until 2027-01-01: rebuilt nightly"}


def test_the_mode_never_skips_every_action() -> None:
    """Every index is skipped with a reason; `propose` and `apply` give the same plan."""
    cases = (build_unscheduled_index(), build_scheduled_index("slow", frequency="weekly"))
    never_plan = plan_remediation(build_remediation_policy(Mode.NEVER, Mode.NEVER), *cases)
    assert never_plan.actions == ()
    assert find_skipped(never_plan) == {
        "orders": "The policy sets create_schedules to never.",
        "slow": "The policy sets fix_schedules to never.",
    }
    proposed_plan = plan_remediation(build_remediation_policy(Mode.PROPOSE, Mode.PROPOSE), *cases)
    applied_plan = plan_remediation(build_remediation_policy(), *cases)
    assert proposed_plan.actions == applied_plan.actions
    assert (len(proposed_plan.applicable_actions), len(applied_plan.applicable_actions)) == (0, 2)
    mixed_plan = plan_remediation(build_remediation_policy(Mode.PROPOSE, Mode.APPLY), *cases)
    assert [it.kind for it in mixed_plan.applicable_actions] == [ActionKind.UPDATE_SCHEDULE]


def test_the_least_protected_indexes_come_first_within_the_quota() -> None:
    """No recovery point comes before an old one, an old one before a new one; the rest is skipped."""
    cases = (
        build_backed_up_index("new", HOUR),
        build_backed_up_index("old", 90 * DAY),
        build_unscheduled_index("none"),
    )
    plan = plan_remediation(build_remediation_policy(quota=19), *cases)
    assert [it.index for it in plan.actions] == ["none", "old"]
    assert find_skipped(plan) == {"new": "It needs 8 backups of the quota; 1 of 19 are free."}
    assert (plan.slots_before, plan.slots_after, plan.quota) == (2, 18, 19)


def test_a_smaller_action_may_still_fit() -> None:
    """An action that does not fit uses no quota."""
    small_rule = Rule("small", ("b-small",), {}, build_policy(frequency=Frequency.WEEKLY).defaults)
    plan = plan_remediation(
        replace(build_remediation_policy(quota=4), rules=(small_rule,)),
        build_unscheduled_index("a-large"),
        build_unscheduled_index("b-small"),
    )
    assert [it.index for it in plan.actions] == ["b-small"]


def test_the_creations_of_one_run_are_limited() -> None:
    """The other ones keep their slots for the next run. First backups count as creations."""
    cases = (
        build_unscheduled_index("a"),
        build_unscheduled_index("b"),
        build_scheduled_index("slow", retention=3 * DAY, run_count=3),
    )
    plan = plan_remediation(build_remediation_policy(quota=4 + 8 + 8, max_creations=1, first_backup=True), *cases)
    assert [it.index for it in plan.actions] == ["a"]
    assert "max_creations" in find_skipped(plan, ActionKind.CREATE_SCHEDULE)["b"]
    assert "4 backups of the quota" in find_skipped(plan, ActionKind.UPDATE_SCHEDULE)["slow"]
    assert find_skipped(plan, ActionKind.FIRST_BACKUP).keys() == {"a", "b"}
    assert "the next run continues" in find_skipped(plan, ActionKind.CREATE_SCHEDULE)["b"]
    none = plan_remediation(build_remediation_policy(max_creations=0), *cases)
    assert none.applicable_actions == plan_remediation(build_remediation_policy(), *cases).actions[2:]
    assert find_skipped(none)["a"] == "The limit of creations per run is 0 (max_creations)."


def test_a_proposal_takes_no_slots_from_an_applied_action() -> None:
    """Proposals come last."""
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


def test_nothing_is_created_while_the_usage_of_the_quota_is_unknown() -> None:
    """Without a quota, the usage does not matter."""
    inventory = build_inventory(build_unscheduled_index(), build_scheduled_index("odd", retention=None))
    assert (
        "how many backups schedule odd-schedule-1 holds"
        in find_skipped(plan_remediation(build_remediation_policy(), inventory=inventory))["orders"]
    )
    failed_inventory = replace(build_inventory(build_unscheduled_index()), backups=build_failed_listing())
    assert (
        "not all backups could be read"
        in find_skipped(plan_remediation(build_remediation_policy(), inventory=failed_inventory))["orders"]
    )


def test_a_first_backup_is_taken_of_an_index_without_recovery_points() -> None:
    """A first backup is taken once: a failed, running or manual backup is enough to skip it."""
    policy = build_remediation_policy(first_backup=True)
    plan = plan_remediation(policy, build_unscheduled_index())
    assert list_calls(plan)[1:] == ['POST /indexes/orders/backups {"name": "auditor-first-20261122"}']
    assert plan.actions[1].build_undo_call("b").path == "/backups/b"
    assert plan.slots_after == 9
    for listed_backups, reason in (
        (build_backup(HOUR, name="auditor-first-20261121", status="Failed"), "Its first backup"),
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


def test_no_first_backup_is_taken_of_a_paused_or_exempted_index() -> None:
    """A paused or exempted index gets no first backup, and none gets one if the policy creates no schedules."""
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


def test_the_id_depends_on_project_policy_and_calls() -> None:
    """It does not depend on the time."""
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


def test_a_plan_is_valid_for_one_day() -> None:
    """The limit is exact, and a plan from the future is invalid."""
    plan = plan_remediation(build_remediation_policy(), build_unscheduled_index())
    assert plan.explain_invalid_age(plan.created_at + DAY) is None
    assert "too old (limit: " in str(plan.explain_invalid_age(plan.created_at + DAY + timedelta(seconds=1)))
    assert "in the future" in str(plan.explain_invalid_age(plan.created_at - HOUR))


@pytest.mark.parametrize(
    "requirements",
    [
        pytest.param({"frequency": Frequency.WEEKLY, "min_copies": 1, "retention_max": 7 * DAY}, id="maximum"),
        pytest.param({"frequency": Frequency.MONTHLY, "min_copies": 13, "retention_max": None}, id="service"),
        pytest.param({"retention_min": 60 * DAY, "max_backup_age": 30 * DAY}, id="erasure"),
    ],
)
def test_a_policy_that_no_schedule_satisfies_is_found(requirements: dict[str, Any]) -> None:
    """It matters only if the policy creates or changes schedules."""
    ((problem_place, text),) = find_unsatisfiable_rules(build_remediation_policy(**requirements))
    assert problem_place is None
    assert "limit" in text
    assert list(find_unsatisfiable_rules(build_remediation_policy(Mode.NEVER, Mode.NEVER, **requirements))) == []
    assert list(find_unsatisfiable_rules(build_remediation_policy(required=False, **requirements))) == []


def test_a_created_schedule_passes_the_controls() -> None:
    """The next audit finds no violation in its settings."""
    for frequency in Frequency:
        policy = build_remediation_policy(frequency=frequency, min_copies=3)
        target = build_target_schedule(policy.defaults)
        target_index = build_scheduled_index(frequency=target.frequency.value, retention=target.retention)
        plan = plan_remediation(policy, target_index)
        assert (plan.actions, plan.skipped_actions) == ((), ())
