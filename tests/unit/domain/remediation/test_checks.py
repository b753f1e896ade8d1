"""Test the checks of an action before its call, and of the result after it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from backup_auditor.domain.model import Backup, Deployment, Frequency, Index, Schedule, ScheduleSettings
from backup_auditor.domain.policy import DocumentIndexes, Policy, Rule
from backup_auditor.domain.remediation.checks import (
    IndexSnapshot,
    ScheduleDemand,
    build_schedule_demand,
    check_precondition,
    describe_result,
    explain_project_mismatch,
    find_later_change,
    find_mismatch,
    find_results,
    get_resource_id,
)
from backup_auditor.domain.remediation.plan import (
    Action,
    ActionResult,
    ActionState,
    CreateBackup,
    CreateSchedule,
    UpdateSchedule,
)
from support.builders.facts import DAY, HOUR, NOW, build_backup, build_planned_run, build_run, build_schedule
from support.builders.plans import FULL_EXEMPTION, build_remediation_policy

INDEX = Index("orders", Deployment.SERVERLESS, state="Ready")
CREATION = CreateSchedule("orders", "nightly", Frequency.DAILY, 7 * DAY, 7, "It has no schedule.")
CHANGE = UpdateSchedule(
    "orders",
    "schedule-1",
    "nightly",
    ScheduleSettings(enabled=True),
    ScheduleSettings(enabled=False, frequency=Frequency.DAILY, retention=7 * DAY),
    0,
    "Its schedule nightly is paused.",
)
FIRST_BACKUP = CreateBackup("orders", "auditor-first-orders", "It has no recovery point.")
HEALTHY_SCHEDULE = build_schedule()
PAUSED_SCHEDULE = build_schedule(enabled=False)
MANUAL_BACKUP = build_backup(HOUR, backup_id="manual-1", name="before-migration")
CREATED_BACKUP = build_backup(HOUR, backup_id="first-1", name="auditor-first-orders", status="Initializing")


def build_snapshot(
    *schedules: Schedule, backups: tuple[Backup, ...] = (), index: Index = INDEX, read_at: datetime = NOW
) -> IndexSnapshot:
    """Build what was read about the index `orders`."""
    return IndexSnapshot(read_at, index, schedules, backups)


def check(action: Action, snapshot: IndexSnapshot, policy: Policy | None = None) -> ActionResult | None:
    """Check an action under a policy that requires a daily schedule with a retention of at least 7 days."""
    return check_precondition(action, snapshot, policy or build_policy())


def build_policy(**requirements: Any) -> Policy:
    """Build a policy that allows every action and has these requirements."""
    return build_remediation_policy(**requirements)


@pytest.mark.parametrize(
    "action, snapshot",
    [
        pytest.param(CREATION, build_snapshot(), id="no-schedule"),
        pytest.param(CHANGE, build_snapshot(PAUSED_SCHEDULE), id="schedule-with-the-planned-settings"),
        pytest.param(
            CHANGE,
            build_snapshot(PAUSED_SCHEDULE, build_schedule("schedule-2", enabled=False)),
            id="second-schedule-is-paused",
        ),
        pytest.param(FIRST_BACKUP, build_snapshot(), id="no-backup"),
        pytest.param(FIRST_BACKUP, build_snapshot(HEALTHY_SCHEDULE), id="schedule-without-a-run"),
        pytest.param(FIRST_BACKUP, build_snapshot(backups=(build_planned_run(),)), id="only-a-planned-run"),
        pytest.param(
            FIRST_BACKUP, build_snapshot(backups=(build_planned_run(status="Initializing"),)), id="run-before-its-time"
        ),
        pytest.param(
            FIRST_BACKUP, build_snapshot(backups=(replace(MANUAL_BACKUP, status="Failed"),)), id="failed-manual-backup"
        ),
    ],
)
def test_a_needed_action_is_applied(action: Action, snapshot: IndexSnapshot) -> None:
    """An action whose index is as planned has no reason to be skipped."""
    assert check(action, snapshot) is None


@pytest.mark.parametrize(
    "action, snapshot, detail",
    [
        pytest.param(
            CREATION,
            build_snapshot(HEALTHY_SCHEDULE),
            "Its schedule nightly satisfies the policy.",
            id="schedule-was-created",
        ),
        pytest.param(
            CHANGE, build_snapshot(HEALTHY_SCHEDULE), "Its schedule nightly satisfies the policy.", id="was-resumed"
        ),
        pytest.param(
            CREATION,
            build_snapshot(build_schedule("schedule-0", name="old", enabled=False), HEALTHY_SCHEDULE),
            "Its schedule nightly satisfies the policy.",
            id="the-enabled-one-is-named",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(MANUAL_BACKUP,)),
            "The index has a backup now: before-migration (Ready).",
            id="manual-backup",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(replace(MANUAL_BACKUP, name=None),)),
            "The index has a backup now: manual-1 (Ready).",
            id="backup-without-a-name",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(build_run(HOUR),)),
            "The index has a backup now: nightly-20261122T110000Z (Ready).",
            id="finished-run",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(CREATED_BACKUP,)),
            "The index has a backup now: auditor-first-orders (Initializing).",
            id="first-backup-in-progress",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(replace(MANUAL_BACKUP, status="Failed"), build_run(HOUR))),
            "The index has a backup now: nightly-20261122T110000Z (Ready).",
            id="after-a-failed-one",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(replace(CREATED_BACKUP, status="Scheduled"),)),
            "The index has a backup now: auditor-first-orders (Scheduled).",
            id="first-backup-that-looks-planned",
        ),
    ],
)
def test_a_satisfied_action_is_not_sent(action: Action, snapshot: IndexSnapshot, detail: str) -> None:
    """An action whose aim is reached is already satisfied, and names what satisfies it."""
    assert check(action, snapshot) == ActionResult(action, ActionState.ALREADY_SATISFIED, detail)


@pytest.mark.parametrize(
    "action, snapshot, detail",
    [
        pytest.param(
            CREATION,
            build_snapshot(PAUSED_SCHEDULE),
            "The index has a schedule now. Its schedule nightly is paused.",
            id="violating-schedule-was-created",
        ),
        pytest.param(
            CHANGE,
            build_snapshot(),
            "Its schedule nightly no longer exists. It has no schedule.",
            id="schedule-was-deleted",
        ),
        pytest.param(
            CHANGE,
            build_snapshot(build_schedule(enabled=False, retention=3 * DAY)),
            'Its schedule nightly has other settings now: {"enabled": false, "frequency": "daily",'
            ' "retention": {"expire_after_days": 3}}. Its schedule nightly is paused.',
            id="schedule-was-changed",
        ),
        pytest.param(
            CHANGE,
            build_snapshot(PAUSED_SCHEDULE, build_schedule("schedule-2", name="weekly", frequency="weekly")),
            "The index has another schedule now: weekly.",
            id="second-schedule",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(backups=(replace(CREATED_BACKUP, status="Failed"),)),
            "Its first backup auditor-first-orders exists already (Failed).",
            id="first-backup-failed",
        ),
        pytest.param(
            CREATION,
            build_snapshot(index=replace(INDEX, state=None)),
            "Pinecone does not say whether the index is ready.",
            id="unknown-state",
        ),
        pytest.param(
            CREATION,
            build_snapshot(index=replace(INDEX, state="Initializing")),
            "The index is not ready (state: 'Initializing').",
            id="index-is-initializing",
        ),
        pytest.param(
            FIRST_BACKUP,
            build_snapshot(index=replace(INDEX, deployment=Deployment.POD)),
            "The index cannot be backed up: it is a pod index.",
            id="pod-index",
        ),
    ],
)
def test_an_outdated_action_is_skipped(action: Action, snapshot: IndexSnapshot, detail: str) -> None:
    """An action that no longer fits its index is skipped, and the reason says what changed."""
    reason = check(action, snapshot)
    assert reason is not None
    assert (reason.state, reason.is_satisfied) == (ActionState.SKIPPED, False)
    assert reason.detail.startswith(detail)


@pytest.mark.parametrize("action", [CREATION, CHANGE, FIRST_BACKUP], ids=["creation", "change", "first-backup"])
def test_an_index_that_needs_no_schedule_is_skipped(action: Action) -> None:
    """An index whose tags select a rule without a schedule satisfies the policy."""
    assert check(action, build_snapshot(), build_policy(required=False)) == ActionResult(
        action,
        ActionState.SKIPPED,
        "The policy no longer requires a schedule, because the tags of the index changed.",
        is_satisfied=True,
    )


def test_an_index_that_is_being_deleted_satisfies_the_policy() -> None:
    """The policy requires nothing of an index that is being deleted."""
    reason = check(CREATION, build_snapshot(index=replace(INDEX, state="Terminating")))
    assert reason == ActionResult(
        CREATION, ActionState.SKIPPED, "The index is not ready (state: 'Terminating').", is_satisfied=True
    )


def test_an_excluded_index_is_skipped() -> None:
    """A document index that the policy excludes gets no schedule."""
    policy = build_policy()
    policy = replace(policy, project=replace(policy.project, document_indexes=DocumentIndexes.EXCLUDED))
    reason = check(CREATION, build_snapshot(index=replace(INDEX, holds_documents=True)), policy)
    assert reason == ActionResult(
        CREATION, ActionState.SKIPPED, "The index has document fields, and the policy excludes document indexes."
    )
    assert check(CREATION, build_snapshot(index=replace(INDEX, holds_documents=True))) is None


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(build_policy(frequency=Frequency.WEEKLY), id="other-frequency"),
        pytest.param(build_policy(retention_min=30 * DAY), id="other-retention"),
    ],
)
def test_a_creation_with_outdated_settings_is_skipped(policy: Policy) -> None:
    """A planned schedule that differs from the one the policy requires now is not created."""
    assert check(CREATION, build_snapshot(), policy) == ActionResult(
        CREATION,
        ActionState.SKIPPED,
        "The policy requires another schedule now, because the tags of the index changed.",
    )


def test_a_change_that_no_longer_suffices_is_skipped() -> None:
    """A change after which the schedule would still violate the policy is not sent."""
    reason = check(CHANGE, build_snapshot(PAUSED_SCHEDULE), build_policy(retention_min=30 * DAY))
    assert reason is not None
    assert reason.state is ActionState.SKIPPED
    assert reason.detail.startswith("The policy requires other settings now. After this change: Its schedule nightly ")


@pytest.mark.parametrize(
    "project_ids, expected_id, message",
    [
        pytest.param(("project-1",), "project-1", None, id="same"),
        pytest.param(("project-2",), None, None, id="nothing-expected"),
        pytest.param((None,), "project-1", None, id="unknown"),
        pytest.param((), "project-1", None, id="no-schedule"),
        pytest.param(
            ("project-3", "project-1", "project-2"),
            "project-1",
            "The API key belongs to Pinecone project project-2, not to project-1; use a key of that project.",
            id="others",
        ),
    ],
)
def test_the_key_of_another_project_is_refused(
    project_ids: tuple[str | None, ...], expected_id: str | None, message: str | None
) -> None:
    """A schedule of another Pinecone project shows that the key belongs to it."""
    schedules = [build_schedule(project_id=it) for it in project_ids]
    assert explain_project_mismatch(schedules, expected_id) == message


@pytest.mark.parametrize(
    "before, after, message",
    [
        pytest.param((), (HEALTHY_SCHEDULE,), None, id="created"),
        pytest.param((), (), "Schedule schedule-1 is not listed. It has no schedule.", id="not-listed"),
        pytest.param(
            (),
            (build_schedule("schedule-2"),),
            "Schedule schedule-1 is not listed.",
            id="another-one-satisfies-the-policy",
        ),
        pytest.param((), (PAUSED_SCHEDULE,), "Its schedule nightly is paused.", id="paused"),
        pytest.param(
            (), (build_schedule(next_run=None),), "Its schedule nightly has no planned run.", id="no-planned-run"
        ),
        pytest.param(
            (),
            (HEALTHY_SCHEDULE, build_schedule("schedule-2", name="weekly", enabled=False)),
            "Another schedule appeared at the same time: weekly (schedule-2, paused).",
            id="another-paused-one-appeared",
        ),
        pytest.param(
            (),
            (HEALTHY_SCHEDULE, build_schedule("schedule-2", name="weekly")),
            "Another schedule appeared at the same time: weekly (schedule-2, enabled).",
            id="another-enabled-one-appeared",
        ),
        pytest.param(
            (build_schedule("schedule-2"),),
            (PAUSED_SCHEDULE, build_schedule("schedule-2")),
            "Its schedule nightly is paused.",
            id="paused-beside-an-enabled-one",
        ),
        pytest.param(
            (),
            (HEALTHY_SCHEDULE, build_schedule("schedule-2", name="weekly", enabled=None)),
            "Another schedule appeared at the same time: weekly (schedule-2, unknown state).",
            id="another-one-of-unknown-state-appeared",
        ),
        pytest.param(
            (build_schedule("schedule-2", enabled=False),),
            (HEALTHY_SCHEDULE, build_schedule("schedule-2", enabled=False)),
            None,
            id="another-one-existed-before",
        ),
        pytest.param(
            (build_schedule("schedule-2", enabled=False),),
            (HEALTHY_SCHEDULE, build_schedule("schedule-2")),
            "It has 2 enabled schedules.",
            id="another-one-was-resumed",
        ),
    ],
)
@pytest.mark.parametrize("action", [CREATION, CHANGE], ids=["creation", "change"])
def test_a_schedule_is_verified_by_reading(
    action: Action, before: tuple[Schedule, ...], after: tuple[Schedule, ...], message: str | None
) -> None:
    """A schedule is verified if it is listed, planned, alone, and satisfies the policy."""
    mismatch = find_mismatch(action, "schedule-1", build_snapshot(*before), build_snapshot(*after), build_policy())
    assert mismatch == message


@pytest.mark.parametrize(
    "before, after, message",
    [
        pytest.param((), (CREATED_BACKUP,), None, id="listed"),
        pytest.param((), (), "Backup first-1 is not listed.", id="not-listed"),
        pytest.param(
            (),
            (CREATED_BACKUP, MANUAL_BACKUP),
            "Another backup appeared at the same time: before-migration.",
            id="another-one-appeared",
        ),
        pytest.param(
            (),
            (CREATED_BACKUP, replace(MANUAL_BACKUP, name=None)),
            "Another backup appeared at the same time: manual-1.",
            id="another-one-without-a-name-appeared",
        ),
        pytest.param((MANUAL_BACKUP,), (CREATED_BACKUP, MANUAL_BACKUP), None, id="another-one-existed-before"),
        pytest.param((), (CREATED_BACKUP, build_planned_run()), None, id="planned-run"),
        pytest.param((), (CREATED_BACKUP, build_planned_run(status="Initializing")), None, id="run-before-its-time"),
    ],
)
def test_a_first_backup_is_verified_by_reading(
    before: tuple[Backup, ...], after: tuple[Backup, ...], message: str | None
) -> None:
    """A first backup is verified if it is listed and no other backup appeared."""
    mismatch = find_mismatch(
        FIRST_BACKUP, "first-1", build_snapshot(backups=before), build_snapshot(backups=after), build_policy()
    )
    assert mismatch == message


@pytest.mark.parametrize(
    "action, schedules, expected",
    [
        pytest.param(CREATION, (HEALTHY_SCHEDULE,), None, id="as-created"),
        pytest.param(CREATION, (PAUSED_SCHEDULE,), PAUSED_SCHEDULE, id="paused-after-its-creation"),
        pytest.param(
            CREATION,
            (build_schedule(retention=8 * DAY),),
            build_schedule(retention=8 * DAY),
            id="other-retention-after-its-creation",
        ),
        pytest.param(
            CREATION,
            (build_schedule(frequency="weekly"),),
            build_schedule(frequency="weekly"),
            id="other-frequency-after-its-creation",
        ),
        pytest.param(CHANGE, (HEALTHY_SCHEDULE,), None, id="as-changed"),
        pytest.param(CHANGE, (build_schedule(frequency="weekly"),), None, id="a-setting-that-the-change-leaves"),
        pytest.param(CHANGE, (PAUSED_SCHEDULE,), PAUSED_SCHEDULE, id="paused-again"),
        pytest.param(CREATION, (build_schedule("schedule-2", enabled=False),), None, id="another-schedule"),
        pytest.param(FIRST_BACKUP, (PAUSED_SCHEDULE,), None, id="first-backup"),
    ],
)
def test_a_later_change_is_found(action: Action, schedules: tuple[Schedule, ...], expected: Schedule | None) -> None:
    """A schedule whose settings differ from those of its action was changed after it."""
    assert find_later_change(action, "schedule-1", build_snapshot(*schedules)) == expected


@pytest.mark.parametrize(
    "action, existing_ids, expected_ids",
    [
        pytest.param(CREATION, set[str](), ["schedule-1"], id="creation"),
        pytest.param(CREATION, {"schedule-1"}, [], id="existed-before-the-creation"),
        pytest.param(replace(CREATION, name="other"), set[str](), [], id="other-name"),
        pytest.param(replace(CREATION, retention=8 * DAY), set[str](), [], id="other-retention"),
        pytest.param(replace(CREATION, frequency=Frequency.WEEKLY), set[str](), [], id="other-frequency"),
        pytest.param(CHANGE, {"schedule-1"}, ["schedule-1"], id="change"),
        pytest.param(replace(CHANGE, schedule_id="schedule-2"), set[str](), [], id="change-of-another-schedule"),
        pytest.param(
            replace(CHANGE, changes=ScheduleSettings(enabled=False)), {"schedule-1"}, [], id="change-not-visible"
        ),
        pytest.param(FIRST_BACKUP, set[str](), ["first-1"], id="first-backup"),
        pytest.param(FIRST_BACKUP, {"first-1"}, [], id="existed-before-the-first-backup"),
    ],
)
def test_results_of_an_action_are_found(action: Action, existing_ids: set[str], expected_ids: list[str]) -> None:
    """The results of an action have its name and settings, and did not exist before it."""
    results = find_results(action, existing_ids, [HEALTHY_SCHEDULE], [CREATED_BACKUP, MANUAL_BACKUP])
    assert [get_resource_id(it) for it in results] == expected_ids


def test_a_result_is_described() -> None:
    """The description of a result has the name, and the settings or the status."""
    assert describe_result(HEALTHY_SCHEDULE) == {
        "name": "nightly",
        "enabled": True,
        "frequency": "daily",
        "retention": {"expire_after_days": 7},
    }
    assert describe_result(CREATED_BACKUP) == {"name": "auditor-first-orders", "status": "Initializing"}


def test_an_exempted_violation_satisfies_the_policy() -> None:
    """A paused schedule satisfies the policy if an exemption accepts the pause."""
    exemption = replace(FULL_EXEMPTION, controls=("schedule-is-enabled",))
    policy = replace(build_policy(), exemptions=(exemption,))
    assert check(CREATION, build_snapshot(PAUSED_SCHEDULE), policy) == ActionResult(
        CREATION, ActionState.ALREADY_SATISFIED, "Its schedule nightly satisfies the policy."
    )


@pytest.mark.parametrize(
    "index, frequency",
    [
        pytest.param(Index("orders", tags={"env": "dev"}), Frequency.WEEKLY, id="name-and-tag"),
        pytest.param(Index("orders", tags={"env": "prod"}), Frequency.DAILY, id="other-tag"),
        pytest.param(Index("carts", tags={"env": "dev"}), Frequency.DAILY, id="other-name"),
    ],
)
def test_the_rule_of_an_index_is_its_demand(index: Index, frequency: Frequency) -> None:
    """The first rule that matches the name and the tags of an index decides, else the defaults."""
    requirements = build_policy(frequency=Frequency.WEEKLY).defaults
    policy = replace(build_policy(), rules=(Rule("dev", ("orders",), {"env": ("dev",)}, requirements),))
    assert build_schedule_demand(index, policy, NOW).requirements.schedule.frequency is frequency


@pytest.mark.parametrize(
    "schedules, message",
    [
        pytest.param([], "It has no schedule.", id="none"),
        pytest.param([build_schedule()], None, id="compliant"),
        pytest.param([build_schedule(), build_schedule("two", enabled=False)], None, id="second-is-paused"),
        pytest.param([build_schedule(enabled=False)], "Its schedule nightly is paused.", id="only-a-paused-one"),
        pytest.param([build_schedule(), build_schedule("two")], "It has 2 enabled schedules.", id="two-enabled"),
        pytest.param(
            [build_schedule(), build_schedule("two", name=None)],
            "Its schedule two has an unknown name.",
            id="second-without-a-name",
        ),
    ],
)
def test_a_violation_names_the_schedule(schedules: list[Schedule], message: str | None) -> None:
    """A violation is a sentence about one enabled schedule, or about the number of schedules."""
    assert ScheduleDemand(build_policy().defaults, frozenset()).explain_violation(schedules) == message


def test_two_schedules_are_accepted_by_an_exemption() -> None:
    """An exemption of the control `schedule-is-unique` accepts a second enabled schedule."""
    schedules = [build_schedule(), build_schedule("two")]
    assert (
        ScheduleDemand(build_policy().defaults, frozenset({"schedule-is-unique"})).explain_violation(schedules) is None
    )
