"""Test which indexes a run drills, from which recovery point, and what is left out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.drills.drill import RestoreState
from backup_auditor.domain.drills.selection import (
    DrillPlan,
    DrillRequest,
    DurationClass,
    SkippedDrill,
    build_target_name,
    create_record,
    estimate_duration,
    make_drill_plan,
)
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Deployment, Index
from backup_auditor.domain.policy import PineconePlan, PointChoice, Policy, RestoreDrillPolicy
from backup_auditor.domain.project_state import DrillResult, ProjectState
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.drills import EXPECTED
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    build_backup,
    build_drill_state,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
    build_run,
    build_running_drill,
    evaluate_facts,
    rename_index,
)

LIMIT = 80 * DAY
DUE_AGE = 60 * DAY
"""Three quarters of the limit."""
GIB = 1 << 30
MAIN = build_index()


def build_drill_policy(*, within: timedelta | None = LIMIT, **limits: Any) -> Policy:
    """Build a policy that requires drills, with these limits."""
    return replace(build_policy(restore_drill_within=within), restore_drills=RestoreDrillPolicy(**limits))


def plan_drills(
    *cases: IndexCase,
    state: ProjectState | None = None,
    policy: Policy | None = None,
    inventory: Inventory | None = None,
    request: DrillRequest | None = None,
    seed: str = "seed",
) -> DrillPlan:
    """Plan the drills of some indexes."""
    facts = inventory or build_inventory(*cases)
    drill_policy, drill_state = policy or build_drill_policy(), state or build_drill_state()
    findings = evaluate_facts(facts, drill_policy, drill_state).findings
    return make_drill_plan(facts, drill_policy, drill_state, findings, seed=seed, request=request)


def find_skipped(plan: DrillPlan) -> SkippedDrill:
    """Return the only index that a plan leaves out, without a drill."""
    assert plan.drills == ()
    (skipped_drill,) = plan.skipped_drills
    return skipped_drill


def test_an_index_without_a_proof_is_due() -> None:
    """The plan names the recovery point, its size, and the temporary index."""
    plan = plan_drills(MAIN, policy=build_drill_policy(price_per_gib=1024.0))
    (drill,) = plan.drills
    assert (drill.index, drill.index_id, drill.reason) == ("main", "id-main", "No drill of the index has passed.")
    assert (drill.point.backup_id, drill.point.captured_at) == ("run-20261122T060000", NOW - 6 * HOUR)
    assert (drill.duration, drill.cost) == (DurationClass.MINUTES, 1_000_000 * 1024 / GIB)
    assert drill.target_name.startswith("drill-main-")
    assert (plan.skipped_drills, plan.index_count, plan.index_quota) == ((), 1, 20)


@pytest.mark.parametrize(
    "age,is_due",
    [
        pytest.param(DUE_AGE - SECOND, False, id="one-second-before"),
        pytest.param(DUE_AGE, True, id="at-limit"),
    ],
)
def test_an_index_is_due_before_its_proof_is_too_old(age: timedelta, is_due: bool) -> None:
    """A quarter of the time is left to try again."""
    plan = plan_drills(MAIN, state=build_drill_state(build_known_drill(age)))
    assert bool(plan.drills) is is_due
    if not is_due:
        assert find_skipped(plan).reason == (
            "It is not due before 2026-11-22 12:00 UTC: its last proof is of 2026-09-23 12:00 UTC."
        )


def test_a_drill_after_the_audit_is_no_proof() -> None:
    """A plan counts the drills that the report counts: clocks may differ by 15 minutes."""
    assert find_skipped(plan_drills(MAIN, state=build_drill_state(build_known_drill(-CLOCK_TOLERANCE)))).is_due is False
    (drill,) = plan_drills(MAIN, state=build_drill_state(build_known_drill(-CLOCK_TOLERANCE - SECOND))).drills
    assert drill.reason == "No drill of the index has passed."


@pytest.mark.parametrize(
    "age,is_due",
    [
        pytest.param(DUE_AGE - SECOND, False, id="one-second-before"),
        pytest.param(DUE_AGE, True, id="at-limit"),
    ],
)
def test_an_index_that_cannot_be_read_from_here_is_due_after_its_last_restore(age: timedelta, is_due: bool) -> None:
    """A restore that is not verified counts only for an index that can never be verified."""
    state = build_drill_state(build_known_drill(age, result=DrillResult.NOT_VERIFIED))
    plan = plan_drills(build_index(deployment=Deployment.BYOC), state=state)
    assert bool(plan.drills) is is_due
    if is_due:
        assert plan.drills[0].reason == (
            "The index is due: its last completed restore is of 2026-09-23 12:00 UTC (limit: 80d)."
        )
    else:
        assert find_skipped(plan).reason == (
            "It is not due before 2026-11-22 12:00 UTC: its last completed restore is of 2026-09-23 12:00 UTC."
        )
    assert plan_drills(MAIN, state=state).drills


def test_an_index_whose_restores_fail_stays_due_also_if_it_cannot_be_read_from_here() -> None:
    """A drill whose restore did not complete shows nothing."""
    state = build_drill_state(build_known_drill(DAY, result=DrillResult.FAILED, restore_time=None))
    (drill,) = plan_drills(build_index(deployment=Deployment.BYOC), state=state).drills
    assert drill.reason == "No restore of the index has completed."


def build_many(*names: str) -> list[IndexCase]:
    """Build healthy indexes with these names."""
    return [rename_index(MAIN, name) for name in names]


def test_the_index_that_was_drilled_longest_ago_comes_first() -> None:
    """An index that was never drilled comes before all others, and one that failed waits for its turn."""
    state = build_drill_state(
        build_known_drill(70 * DAY, drill_id="old", index_id="id-old"),
        build_known_drill(65 * DAY, drill_id="newer", index_id="id-newer"),
        build_known_drill(DAY, drill_id="failed", index_id="id-failed", result=DrillResult.FAILED),
    )
    plan = plan_drills(
        *build_many("failed", "never", "newer", "old"), state=state, policy=build_drill_policy(max_per_run=4)
    )
    assert [it.index for it in plan.drills] == ["never", "old", "newer", "failed"]


def test_of_equal_indexes_the_one_with_the_severest_finding_comes_first() -> None:
    """A recovery point of another index is not worth less, but its name comes later."""
    late_index = rename_index(build_index(runs=[build_run(5 * DAY), build_run(6 * DAY)]), "late")
    plan = plan_drills(rename_index(MAIN, "a"), late_index, policy=build_drill_policy(max_per_run=2))
    assert [it.index for it in plan.drills] == ["late", "a"]


def test_a_run_has_a_limit_of_drills() -> None:
    """The next run continues with what is left out."""
    plan = plan_drills(*build_many("a", "b"))
    assert [it.index for it in plan.drills] == ["a"]
    (skipped_drill,) = plan.skipped_drills
    assert skipped_drill.reason == "The limit of drills per run is 1 (max_per_run); the next run continues."
    assert (skipped_drill.is_due, skipped_drill.violates_policy, plan.obstacle) == (True, False, None)


@pytest.mark.parametrize(
    "choose,backup_id",
    [(PointChoice.NEWEST, "run-20261122T060000"), (PointChoice.OLDEST, "run-20261116T060000")],
)
def test_the_policy_chooses_the_recovery_point(choose: PointChoice, backup_id: str) -> None:
    """The newest or the oldest one is restored."""
    (drill,) = plan_drills(MAIN, policy=build_drill_policy(choose=choose)).drills
    assert drill.point.backup_id == backup_id


def test_a_random_recovery_point_depends_on_the_seed() -> None:
    """The same seed gives the same plan; some seed gives each recovery point."""
    policy = build_drill_policy(choose=PointChoice.RANDOM)
    plans = [plan_drills(MAIN, policy=policy, seed=f"seed-{number}") for number in range(60)]
    assert plans[0] == plan_drills(MAIN, policy=policy, seed="seed-0")
    assert len({it.drills[0].point.backup_id for it in plans}) == 7


def test_a_recovery_point_that_a_drill_can_outlast_is_not_restored() -> None:
    """The oldest one may expire while it is restored."""
    expiring_runs = [build_run(7 * DAY - 6 * HOUR), build_run(DAY)]
    policy = build_drill_policy(choose=PointChoice.OLDEST)
    (drill,) = plan_drills(build_index(runs=expiring_runs), policy=policy).drills
    assert drill.point.backup_id == expiring_runs[1].backup_id
    plan = plan_drills(build_index(runs=expiring_runs[:1]), policy=policy)
    skipped_drill = find_skipped(plan)
    assert skipped_drill.reason == "Every recovery point expires within 6h (max_duration)."
    assert (skipped_drill.is_due, plan.obstacle) == (True, None)


@pytest.mark.parametrize(
    "size_bytes,reason",
    [
        pytest.param(20 * GIB, None, id="at-limit"),
        pytest.param(21 * GIB, "The backup copy has 21.0 GiB (limit: 20.0 GiB, max_size_gib).", id="over-the-limit"),
        pytest.param(
            20 * GIB + 1,
            "The backup copy has 21,474,836,481 bytes (limit: 21,474,836,480 bytes, max_size_gib).",
            id="one-byte-past",
        ),
        pytest.param(None, "The size of the backup copy is unknown.", id="unknown"),
    ],
)
def test_a_large_backup_is_left_out(size_bytes: int | None, reason: str | None) -> None:
    """A backup of an unknown size may be too large."""
    backup = build_backup(HOUR, backup_id="copy", size_bytes=size_bytes)
    plan = plan_drills(build_index(runs=[], backups=[backup]))
    if reason is None:
        assert len(plan.drills) == 1
    else:
        assert find_skipped(plan) == SkippedDrill("main", reason, is_unknown=size_bytes is None, is_due=True)


@pytest.mark.parametrize(
    "age,violates_policy",
    [
        pytest.param(LIMIT, False, id="at-limit"),
        pytest.param(LIMIT + SECOND, True, id="one-second-past"),
    ],
)
def test_an_index_that_is_left_out_violates_the_policy_once_its_proof_is_too_old(
    age: timedelta, violates_policy: bool
) -> None:
    """Before that it is due, and its last proof still counts."""
    state, policy = build_drill_state(build_known_drill(age)), build_drill_policy(max_size_gib=0.0001)
    skipped_drill = find_skipped(plan_drills(MAIN, state=state, policy=policy))
    assert (skipped_drill.is_due, skipped_drill.violates_policy) == (True, violates_policy)


@pytest.mark.parametrize(
    "case,reason,is_unknown",
    [
        pytest.param(build_index(runs=[]), "The index has no recovery point.", False, id="no-recovery-point"),
        pytest.param(
            build_index(schedules=None, deployment=Deployment.POD),
            "The index cannot be backed up: it is a pod index.",
            False,
            id="pod",
        ),
        pytest.param(
            build_index(schedules=Denial(DenialReason.UNSUPPORTED, "400: no")),
            "The index cannot be backed up: Pinecone answered 400: no",
            False,
            id="unsupported",
        ),
        pytest.param(
            build_index(schedules=(), backups=[build_backup(HOUR)]),
            "The id of the live index main is unknown: its own backup listing was not read.",
            True,
            id="unknown-id",
        ),
    ],
)
def test_an_index_that_cannot_be_restored_is_left_out(case: IndexCase, reason: str, is_unknown: bool) -> None:
    """The reason says whether something is unknown."""
    assert find_skipped(plan_drills(case)) == SkippedDrill("main", reason, is_unknown)


def test_a_listing_that_was_not_read_leaves_the_recovery_points_unknown() -> None:
    """A recovery point may be missing."""
    inventory = build_inventory(build_index(runs=[]), backups=build_failed_listing())
    assert find_skipped(plan_drills(inventory=inventory)).is_unknown


def test_an_index_without_a_requirement_is_left_out() -> None:
    """Only what the policy requires is drilled."""
    plan = plan_drills(MAIN, policy=build_drill_policy(within=None))
    assert find_skipped(plan).reason == "The policy requires no restore drill of it."


def test_an_exempted_index_is_left_out() -> None:
    """An exemption from the control is one from the drills, too."""
    day = (NOW + DAY).date()
    exemption = Exemption(("main",), ("restore-is-proven",), "search-team", "rebuilt nightly", day)
    plan = plan_drills(MAIN, policy=replace(build_drill_policy(), exemptions=(exemption,)))
    assert find_skipped(plan).reason == "Exempted by search-team until 2026-11-23: rebuilt nightly"


def test_a_byoc_index_is_restored_and_not_read() -> None:
    """Its records are read only from its own network."""
    (drill,) = plan_drills(build_index(deployment=Deployment.BYOC)).drills
    assert drill.unreadable_reason == (
        "A BYOC index is read only from its own network, so it is restored and not read."
    )


def test_only_one_drill_of_a_project_runs() -> None:
    """A drill whose index is not deleted yet is running until it is due to end."""
    plan = plan_drills(MAIN, state=build_drill_state(build_running_drill()))
    skipped_drill = find_skipped(plan)
    assert skipped_drill.reason == "Restore drill running-drill of main is running, since 2026-11-22 11:00 UTC."
    assert (skipped_drill.violates_policy, plan.obstacle) == (False, skipped_drill.reason)
    assert plan_drills(MAIN, state=build_drill_state(build_running_drill(8 * HOUR))).drills


@pytest.mark.parametrize(
    "count,is_planned", [pytest.param(3, True, id="one-free"), pytest.param(4, False, id="none-free")]
)
def test_one_index_must_be_free_beside_that_of_the_drill(count: int, is_planned: bool) -> None:
    """The quota is that of the plan: 5 indexes on Starter."""
    policy = build_drill_policy()
    policy = replace(policy, project=replace(policy.project, plan=PineconePlan.STARTER))
    plan = plan_drills(*build_many(*(f"index-{number}" for number in range(count))), policy=policy)
    assert bool(plan.drills) is is_planned
    if not is_planned:
        skipped_drill = plan.skipped_drills[0]
        assert skipped_drill.reason == "The project has 4 of 5 indexes; one must be free beside that of a drill."
        assert (skipped_drill.is_due, plan.obstacle) == (True, skipped_drill.reason)


def test_every_kind_of_index_counts_against_the_quota() -> None:
    """The temporary index of another drill takes a place, and one that is being deleted too."""
    inventory = build_inventory(*build_many("a", "b"))
    inventory = replace(inventory, drill_indexes=(build_index("drill-x").facts,), terminating=(Index("old"),))
    assert plan_drills(inventory=inventory).index_count == 4


def test_each_drill_of_a_run_needs_a_free_index() -> None:
    """A plan never fills the quota."""
    policy = build_drill_policy(max_per_run=9)
    policy = replace(policy, project=replace(policy.project, plan=PineconePlan.STARTER))
    assert len(plan_drills(*build_many("a", "b"), policy=policy).drills) == 2
    plan = plan_drills(*build_many("a", "b", "c"), policy=policy)
    assert [(it.index, it.is_due, it.violates_policy) for it in plan.skipped_drills] == [
        ("b", True, False),
        ("c", True, False),
    ]


@pytest.mark.parametrize(
    "request_,skipped",
    [
        pytest.param(
            DrillRequest(index="other"), SkippedDrill("other", "The project has no such index."), id="unknown-index"
        ),
        pytest.param(
            DrillRequest(backup_id="other"),
            SkippedDrill("", "The project has no such backup.", backup_id="other"),
            id="unknown",
        ),
        pytest.param(
            DrillRequest(backup_id="failed"),
            SkippedDrill("main", "The backup failed is not Ready (status: 'Failed')."),
            id="not-ready",
        ),
        pytest.param(
            DrillRequest(backup_id="earlier"),
            SkippedDrill("main", "The backup earlier belongs to an earlier index of this name (id-earlier)."),
            id="earlier-index",
        ),
        pytest.param(
            DrillRequest(backup_id="orphan"),
            SkippedDrill("gone", "The backup orphan belongs to an index that is not live."),
            id="deleted-index",
        ),
        pytest.param(
            DrillRequest(backup_id="future"),
            SkippedDrill("main", "The backup future has no capture time, or one in the future."),
            id="from-the-future",
        ),
    ],
)
def test_a_request_that_names_no_recovery_point_is_refused(request_: DrillRequest, skipped: SkippedDrill) -> None:
    """The reason says why the backup is no recovery point of the live index."""
    backups = [
        build_backup(HOUR, backup_id="failed", status="Failed"),
        build_backup(HOUR, backup_id="earlier", index_id="id-earlier"),
        build_backup(-HOUR, backup_id="future"),
    ]
    orphan = build_backup(HOUR, backup_id="orphan", index_id="id-gone", index_name="gone")
    inventory = build_inventory(build_index(backups=backups), extra_backups=[orphan])
    assert find_skipped(plan_drills(inventory=inventory, request=request_)) == skipped


def test_a_request_ignores_whether_the_index_is_due() -> None:
    """Neither the requirement nor the last proof matters; the limits do."""
    state, policy = build_drill_state(build_known_drill()), build_drill_policy(within=None)
    (drill,) = plan_drills(MAIN, state=state, policy=policy, request=DrillRequest(index="main")).drills
    assert drill.reason == "The index main was requested."
    backup_id = "run-20261118T060000"
    (drill,) = plan_drills(MAIN, state=state, policy=policy, request=DrillRequest(backup_id=backup_id)).drills
    assert (drill.point.backup_id, drill.reason) == (backup_id, f"The backup {backup_id} was requested.")
    small_policy = build_drill_policy(max_size_gib=0.0001)
    assert (
        "(limit: 104.9 KiB"
        in find_skipped(plan_drills(MAIN, policy=small_policy, request=DrillRequest(index="main"))).reason
    )


def test_a_request_waits_for_a_running_drill() -> None:
    """One drill of a project runs at a time."""
    state = build_drill_state(build_running_drill())
    assert "is running" in find_skipped(plan_drills(MAIN, state=state, request=DrillRequest(index="main"))).reason


def test_indexes_that_could_not_be_read_leave_the_quota_unknown() -> None:
    """No index is created while it is unknown how many there are."""
    failure = build_failed_listing().failure
    inventory = build_inventory(MAIN, indexes_failure=failure)
    skipped_drill = find_skipped(plan_drills(inventory=inventory))
    assert skipped_drill.is_unknown
    assert skipped_drill.reason.startswith("It is unknown whether an index is free: GET /somewhere")


@pytest.mark.parametrize(
    "index,name",
    [
        pytest.param("main", "drill-main-1a2b3c4d", id="short"),
        pytest.param("x" * 30, f"drill-{'x' * 30}-1a2b3c4d", id="at-limit"),
        pytest.param("x" * 45, f"drill-{'x' * 30}-1a2b3c4d", id="shortened"),
        pytest.param(f"{'x' * 29}-y", f"drill-{'x' * 29}-1a2b3c4d", id="cut-at-a-hyphen"),
        pytest.param("Main_index", "drill-main-index-1a2b3c4d", id="other-characters"),
        pytest.param("---", "drill-1a2b3c4d", id="nothing-left"),
    ],
)
def test_the_name_of_a_temporary_index_fits(index: str, name: str) -> None:
    """It has at most 45 characters of those that names of indexes have."""
    assert build_target_name("drill", index, "1a2b3c4d") == name
    assert len(build_target_name("p" * 20, index, "1a2b3c4d")) <= 45


@pytest.mark.parametrize(
    "record_count,duration",
    [(None, "unknown"), (0, "minutes"), (999_999, "minutes"), (1_000_000, "hours")],
)
def test_the_duration_depends_on_the_number_of_records(record_count: int | None, duration: str) -> None:
    """Pinecone documents about 10 minutes below a million records."""
    assert estimate_duration(record_count) == duration


def test_the_id_of_a_plan_depends_on_what_is_restored() -> None:
    """Another seed gives other names, and the same id; another backup gives another id."""
    plan, other_plan = plan_drills(MAIN), plan_drills(MAIN, seed="other")
    assert plan.drills[0].target_name != other_plan.drills[0].target_name
    assert plan.plan_id == other_plan.plan_id
    assert plan.plan_id != plan_drills(MAIN, policy=build_drill_policy(choose=PointChoice.OLDEST)).plan_id


def test_a_record_has_what_the_plan_decided() -> None:
    """The figures of the backup are those that a run reads before it starts."""
    plan = plan_drills(MAIN, policy=build_drill_policy(sample_records=7, max_duration=2 * HOUR))
    record = create_record(plan, plan.drills[0], EXPECTED, number=3, actor="tester@here", now=NOW + HOUR)
    assert (record.restore, record.point.expected, record.chosen_at) == (
        RestoreState.NOT_REQUESTED,
        EXPECTED,
        NOW + HOUR,
    )
    assert (record.sample_size, record.max_duration, record.plan_id) == (7, 2 * HOUR, plan.plan_id)
    assert (record.index_name, record.target_name) == ("main", plan.drills[0].target_name)
    assert len(record.drill_id) == 16
