"""Which schedules are created and changed, which are not, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Backup, Deployment, Frequency, ScheduleSettings
from backup_auditor.domain.policy import Mode, PineconePlan, Rule
from backup_auditor.domain.remediation.plan import (
    ActionKind,
    CreateBackup,
    CreateSchedule,
    SkippedAction,
    UpdateSchedule,
)
from backup_auditor.domain.remediation.planner import QuotaBudget
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


EXEMPTION_TEXT = "Exempted by team until 2027-01-01: rebuilt nightly"
PAUSED_TEXT = "Its schedule nightly is paused; remediation does not override a pause."


def build_new_index(*listed_backups: Backup, **facts: Any) -> IndexCase:
    """Build an index with an enabled schedule that has not run yet."""
    settings = {"listed_backups": listed_backups, "state": "Ready"} | facts
    return rename_index(build_index(schedules=[build_schedule(created_at=ago(HOUR))], runs=(), **settings), "orders")


@pytest.mark.parametrize("fix_mode", list(Mode))
def test_a_compliant_schedule_is_not_skipped(fix_mode: Mode) -> None:
    """A compliant index has neither an action nor a skipped one in any mode."""
    plan = plan_remediation(build_remediation_policy(fix_mode=fix_mode), build_scheduled_index())
    assert (plan.actions, plan.skipped_actions) == ((), ())


@pytest.mark.parametrize(
    "case, reason, is_unknown",
    [
        pytest.param(build_unscheduled_index(state=None), None, False, id="state-unknown"),
        pytest.param(
            rename_index(build_index(schedules=build_failed_listing(), state="Ready"), "orders"),
            None,
            True,
            id="unread",
        ),
        pytest.param(build_scheduled_index(enabled=None), None, True, id="enabled-unknown"),
        pytest.param(build_scheduled_index(enabled=False), PAUSED_TEXT, False, id="paused"),
        pytest.param(
            build_unscheduled_index(deployment=Deployment.POD),
            "The index cannot be backed up: it is a pod index.",
            False,
            id="pod",
        ),
    ],
)
def test_a_skipped_creation_says_whether_a_fact_is_unknown(
    case: IndexCase, reason: str | None, is_unknown: bool
) -> None:
    """A creation is skipped as unknown only if a schedule may exist or be enabled."""
    plan = plan_remediation(build_remediation_policy(fix_mode=Mode.NEVER), case)
    (skipped_action,) = (it for it in plan.skipped_actions if it.kind is ActionKind.CREATE_SCHEDULE)
    assert (skipped_action.index, skipped_action.is_unknown) == ("orders", is_unknown)
    assert reason in {None, skipped_action.reason}


def test_an_exempted_creation_is_not_unknown() -> None:
    """An exempted index is skipped for a known reason."""
    policy = replace(build_remediation_policy(), exemptions=(FULL_EXEMPTION,))
    assert plan_remediation(policy, build_unscheduled_index()).skipped_actions == (
        SkippedAction("orders", ActionKind.CREATE_SCHEDULE, EXEMPTION_TEXT),
    )


def test_an_exempted_change_is_not_unknown() -> None:
    """A schedule with one exempted violation is skipped for a known reason."""
    policy = replace(build_remediation_policy(), exemptions=(FULL_EXEMPTION,))
    slow_index = build_scheduled_index(frequency="weekly", retention=30 * DAY)
    assert plan_remediation(policy, slow_index).skipped_actions == (
        SkippedAction("orders", ActionKind.UPDATE_SCHEDULE, EXEMPTION_TEXT),
    )


def test_a_change_with_an_unknown_fact_is_skipped_as_unknown() -> None:
    """A schedule without a known name is not changed, because the finding is unknown."""
    plan = plan_remediation(build_remediation_policy(), build_scheduled_index(name=None))
    assert plan.skipped_actions == (
        SkippedAction(
            "orders",
            ActionKind.UPDATE_SCHEDULE,
            "The name of schedule orders-schedule-1 is unknown.",
            is_unknown=True,
        ),
    )


def test_a_change_has_the_reasons_of_its_violations() -> None:
    """A change has the name of its schedule, the earlier settings, and the reason of each violation."""
    plan = plan_remediation(build_remediation_policy(), build_scheduled_index(frequency="weekly", retention=2 * DAY))
    (action,) = plan.actions
    assert isinstance(action, UpdateSchedule)
    assert (action.index, action.schedule_id, action.name) == ("orders", "orders-schedule-1", "nightly")
    assert action.changes == ScheduleSettings(frequency=Frequency.DAILY, retention=7 * DAY)
    assert action.before == ScheduleSettings(enabled=True, frequency=Frequency.WEEKLY, retention=2 * DAY)
    assert action.reason == (
        "Schedule nightly runs weekly (required: at least daily). Schedule nightly keeps backups for 2d (minimum: 7d)."
        " Schedule nightly keeps backups for 2d, and its runs are up to 7d apart, so there are times without a backup."
        " Schedule nightly keeps backups for 2d, which guarantees 0 copies (minimum: 2)."
    )


def test_an_exempted_violation_is_no_reason_of_a_change() -> None:
    """The reason of a change leaves out the violations that an exemption accepts."""
    exemption = replace(FULL_EXEMPTION, controls=("schedule-frequency-meets-policy",))
    policy = replace(build_remediation_policy(), exemptions=(exemption,))
    (action,) = plan_remediation(policy, build_scheduled_index(frequency="weekly", retention=10 * DAY)).actions
    assert action.reason == "Schedule nightly keeps backups for 10d, which guarantees 1 copy (minimum: 2)."


def test_an_enabled_schedule_is_changed_beside_a_paused_one() -> None:
    """A paused schedule does not make it unknown which schedule to change."""
    schedules = [
        build_schedule(frequency="weekly", retention=30 * DAY),
        build_schedule("paused", enabled=False),
    ]
    case = rename_index(build_index(schedules=schedules, state="Ready"), "orders")
    assert list_calls(plan_remediation(build_remediation_policy(), case)) == [
        'PATCH /backup-schedules/orders-schedule-1 {"frequency": "daily"}'
    ]


@pytest.mark.parametrize(
    "case, reason, is_unknown",
    [
        pytest.param(
            build_new_index(build_backup(HOUR, name="auditor-first-20261121", status="Failed")),
            "Its first backup auditor-first-20261121 exists already (Failed).",
            False,
            id="failed-first-backup",
        ),
        pytest.param(
            build_new_index(build_backup(HOUR, name="by-hand", status="Initializing")),
            "Its backup by-hand is Initializing.",
            False,
            id="running-backup",
        ),
        pytest.param(
            build_new_index(build_backup(HOUR, backup_id="b1", status="Initializing")),
            "Its backup orders-b1 is Initializing.",
            False,
            id="running-backup-without-a-name",
        ),
        pytest.param(
            build_new_index(state="Initializing"), "The index is not ready (state: 'Initializing').", False, id="index"
        ),
    ],
)
def test_a_skipped_first_backup_has_a_reason(case: IndexCase, reason: str, is_unknown: bool) -> None:
    """A first backup is not taken of an index with a backup or of one that is not ready."""
    plan = plan_remediation(build_remediation_policy(first_backup=True), case)
    assert plan.actions == ()
    assert plan.skipped_actions == (SkippedAction("orders", ActionKind.FIRST_BACKUP, reason, is_unknown),)


def test_a_first_backup_is_unknown_while_the_backups_are_unknown() -> None:
    """Without a complete list of backups, a first backup is skipped as unknown."""
    inventory = build_inventory(build_new_index(), backups=build_failed_listing())
    plan = plan_remediation(build_remediation_policy(first_backup=True), inventory=inventory)
    (skipped_action,) = (it for it in plan.skipped_actions if it.kind is ActionKind.FIRST_BACKUP)
    assert skipped_action.is_unknown
    assert "503 to the end" in skipped_action.reason


def test_a_first_backup_has_its_day_and_its_reason() -> None:
    """A first backup is named after the day of the audit, in UTC."""
    plan = plan_remediation(build_remediation_policy(first_backup=True), build_new_index())
    assert plan.actions == (CreateBackup("orders", "auditor-first-20261122", "The index has no recovery point."),)


@pytest.mark.parametrize(
    "budget, slots, reason",
    [
        pytest.param(QuotaBudget(7, 10, None), 3, None, id="at-limit"),
        pytest.param(
            QuotaBudget(7, 10, None), 4, "It needs 4 backups of the quota; 3 of 10 are free.", id="one-past-the-limit"
        ),
        pytest.param(
            QuotaBudget(12, 10, None), 1, "It needs 1 backups of the quota; 0 of 10 are free.", id="over-the-quota"
        ),
        pytest.param(
            QuotaBudget(0, 10, "whether it runs"),
            1,
            "The usage of the quota of 10 backups is unknown: whether it runs.",
            id="unknown-usage",
        ),
        pytest.param(QuotaBudget(12, 10, "whether it runs"), 0, None, id="nothing-needed"),
        pytest.param(QuotaBudget(12, None, "whether it runs"), 9, None, id="no-quota"),
    ],
)
def test_a_quota_is_short_if_too_little_is_free(budget: QuotaBudget, slots: int, reason: str | None) -> None:
    """An action that needs nothing of the quota always fits, and so does every action without a quota."""
    assert budget.explain_shortage(slots) == reason


def test_backups_that_may_be_manual_use_the_quota() -> None:
    """A listed backup uses the quota although it is unknown whether it expires."""
    case = build_index(schedules=build_failed_listing(), backups=[build_backup(DAY), build_backup(2 * DAY)])
    assert plan_remediation(build_remediation_policy(), case).slots_before == 2


def test_a_plan_has_the_project_and_the_policy_of_the_audit() -> None:
    """A plan names its project, the id of the project if it is known, and the hash of the policy."""
    plan = plan_remediation(
        replace(build_remediation_policy(), sha256="1" * 64), build_scheduled_index(), build_unscheduled_index("carts")
    )
    assert (plan.project, plan.project_id, plan.policy_sha256) == ("default", "project-1", "1" * 64)


def test_an_action_beyond_the_quota_is_not_unknown() -> None:
    """An action that does not fit is skipped for a known reason."""
    plan = plan_remediation(build_remediation_policy(quota=3), build_unscheduled_index())
    assert plan.skipped_actions == (
        SkippedAction(
            "orders", ActionKind.CREATE_SCHEDULE, "It needs 8 backups of the quota; 3 of 3 are free.", is_unknown=False
        ),
    )


def test_an_action_is_unknown_while_the_usage_of_the_quota_is_unknown() -> None:
    """An action that may not fit is skipped as unknown."""
    cases = build_unscheduled_index(), build_scheduled_index("odd", retention=None)
    plan = plan_remediation(build_remediation_policy(), *cases)
    assert [it.is_unknown for it in plan.skipped_actions if it.kind is ActionKind.CREATE_SCHEDULE] == [True]


def test_a_creation_beyond_the_limit_is_not_unknown() -> None:
    """The limit of creations is a known reason, although the usage is unknown where no quota limits it."""
    policy = build_remediation_policy(max_creations=1)
    policy = replace(policy, project=replace(policy.project, plan=PineconePlan.STARTER))
    cases = build_unscheduled_index("a"), build_unscheduled_index("b"), build_scheduled_index("odd", retention=None)
    plan = plan_remediation(policy, *cases)
    assert [it for it in plan.skipped_actions if it.kind is ActionKind.CREATE_SCHEDULE] == [
        SkippedAction(
            "b",
            ActionKind.CREATE_SCHEDULE,
            "The limit of creations per run is 1 (max_creations); the next run continues.",
            is_unknown=False,
        )
    ]


def test_every_creation_of_a_run_counts() -> None:
    """Two creations reach a limit of two, also with a change between creations and first backups."""
    cases = (
        build_unscheduled_index("a"),
        build_unscheduled_index("b"),
        build_unscheduled_index("c"),
        build_scheduled_index("slow", retention=3 * DAY),
    )
    plan = plan_remediation(build_remediation_policy(max_creations=2, first_backup=True), *cases)
    assert [it.key for it in plan.actions] == [
        "create_schedule/a",
        "create_schedule/b",
        "update_schedule/slow-schedule-1",
    ]


def test_a_creation_has_the_reason_of_its_finding() -> None:
    """A created schedule has the name of the policy, and the reason of the finding that it corrects."""
    plan = plan_remediation(build_remediation_policy(schedule_name="by-policy"), build_unscheduled_index())
    assert plan.actions == (
        CreateSchedule("orders", "by-policy", Frequency.DAILY, 7 * DAY, 8, "The index has no backup schedule."),
    )


def test_a_paused_schedule_of_unknown_retention_is_resumed() -> None:
    """Exempted from its frequency and retention, a paused schedule holds the backups that it has."""
    exemption = replace(FULL_EXEMPTION, controls=("schedule-frequency-meets-policy",))
    policy = replace(build_remediation_policy(), exemptions=(exemption,))
    plan = plan_remediation(policy, build_scheduled_index(enabled=False, retention=None))
    assert [(str(it.call), it.slots) for it in plan.actions] == [
        ('PATCH /backup-schedules/orders-schedule-1 {"enabled": true}', 0)
    ]
