"""Scenarios with violations on the project, or on the required attributes of an index."""

from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MANUAL_BACKUPS_ONLY,
    MINUTE,
    SECOND,
    Case,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    delete_index,
    make_limit_cases,
    on,
    on_project,
)
from support.simulator import SIMULATED_NOW

HEADROOM = "backup-quota-has-headroom"
SCHEDULES = "schedules-fit-quota"
POLICY = "policy-fits-quota"
EXEMPTIONS = "exemptions-are-current"
EXPECTED_PROJECT = "project-is-expected"
WEEK_OF_BACKUPS = create_scheduled_index(retention_days=7)
"""An index that needs 8 slots of the quota, with 7 backups 5 hours after the last run."""
PROJECT_ID = SimulatedProject(SIMULATED_NOW).project_id
MIDNIGHT = SIMULATED_NOW.replace(hour=23, minute=59, second=59)


def write_quota_policy(count: int, extra_keys: str = "") -> str:
    """Return a policy with this backup quota."""
    return f"project: {{backup_quota: {count}{extra_keys}}}"


def write_exemption_policy(names: str, controls: str = "'*'", expires: str = "2026-11-20") -> str:
    """Return a policy with one exemption."""
    acceptance = f"owner: search-team, reason: rebuilt nightly, expires: {expires}"
    return f"exemptions: [{{names: [{names}], controls: [{controls}], {acceptance}}}]"


def downgrade_plan(project: SimulatedProject) -> None:
    """Move the organization to a plan without schedules."""
    project.options.plan = "starter"
    project.options.plan_denies_listings = True


CASES = (
    Case(label="70 percent of the quota", steps=(WEEK_OF_BACKUPS,), policy=write_quota_policy(10)),
    Case(
        label="80 percent of the quota",
        steps=(WEEK_OF_BACKUPS, back_up(DAY)),
        policy=write_quota_policy(10),
        violations=on_project(HEADROOM),
    ),
    Case(
        label="80 percent of the quota where 80.1 is the limit, with planned runs listed",
        steps=(WEEK_OF_BACKUPS, back_up(DAY)),
        policy=write_quota_policy(10, ", quota_warn_percent: 80.1"),
        options={"lists_scheduled_runs": True},
    ),
    Case(
        label="95 percent of the quota",
        steps=(create_scheduled_index(retention_days=18), back_up(DAY)),
        policy=write_quota_policy(20),
        severities={HEADROOM: "high"},
        violations=on_project(HEADROOM),
    ),
    Case(
        label="backups of deleted indexes fill the quota",
        steps=(create_index(25 * DAY), back_up(*(20 * DAY + it * HOUR for it in range(8))), delete_index(9 * DAY)),
        policy=write_quota_policy(10),
        violations=on_project(HEADROOM),
    ),
    Case(
        label="schedules need the whole quota",
        steps=(create_scheduled_index(days=5, retention_days=30),),
        policy=write_quota_policy(31),
    ),
    Case(
        label="schedules need more than the quota",
        steps=(create_scheduled_index(days=5, retention_days=30),),
        policy=write_quota_policy(30),
        violations=on_project(SCHEDULES),
    ),
    Case(
        label="schedules and manual backups need more than the quota",
        steps=(create_scheduled_index(days=5, retention_days=30), back_up(DAY)),
        policy=write_quota_policy(31),
        violations=on_project(SCHEDULES),
    ),
    Case(
        label="the policy needs the whole quota",
        steps=(create_index(HOUR),),
        policy=write_quota_policy(8),
        violations=on("index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(
        label="the policy needs more than the quota",
        steps=MANUAL_BACKUPS_ONLY,
        policy=write_quota_policy(7),
        violations=on("index-has-schedule") | on_project(POLICY),
    ),
    Case(
        label="the policy and the schedules need more than the quota",
        steps=(create_scheduled_index(days=5, retention_days=8),),
        policy=write_quota_policy(7),
        violations=on_project(POLICY, SCHEDULES),
    ),
    Case(label="a plan without a quota", steps=(WEEK_OF_BACKUPS,), policy="project: {plan: builder}"),
    *make_limit_cases(
        "an exemption ends with its day",
        create_scheduled_index(),
        now=MIDNIGHT,
        policy=write_exemption_policy("orders"),
        violations_after=on_project(EXEMPTIONS),
    ),
    Case(
        label="an exemption of a violation, in its last second",
        steps=MANUAL_BACKUPS_ONLY,
        now=MIDNIGHT,
        policy=write_exemption_policy("orders", "index-has-*"),
        violations=on("index-has-schedule"),
        exempted_violations=on("index-has-schedule"),
    ),
    Case(
        label="an exemption of a violation, a second after its end",
        steps=MANUAL_BACKUPS_ONLY,
        now=MIDNIGHT,
        audit_delay=SECOND,
        policy=write_exemption_policy("orders", "index-has-*"),
        violations=on("index-has-schedule") | on_project(EXEMPTIONS),
    ),
    Case(
        label="an exemption matches no index",
        steps=(create_scheduled_index(),),
        policy=write_exemption_policy("order", expires="2027-01-31"),
        violations=on_project(EXEMPTIONS),
    ),
    Case(
        label="an exemption matches only a deleted index",
        steps=(
            create_scheduled_index(),
            create_index(9 * DAY, "gone"),
            back_up(8 * DAY, name="gone"),
            delete_index(7 * DAY, "gone"),
        ),
        policy=write_exemption_policy("'go*'", expires="2027-01-31"),
    ),
    Case(
        label="the plan has no schedules",
        steps=(*MANUAL_BACKUPS_ONLY, change_project(HOUR, downgrade_plan)),
        violations=on_project("plan-allows-schedules"),
    ),
    Case(
        label="another project",
        steps=(create_scheduled_index(),),
        policy="project: {expected_id: another}",
        violations=on_project(EXPECTED_PROJECT),
    ),
    Case(
        label="the expected project",
        steps=(create_scheduled_index(),),
        policy=f"project: {{expected_id: {PROJECT_ID}}}",
    ),
    Case(
        label="the second page of an index's own backups is invalid",
        steps=(create_index(DAY), back_up(*(HOUR + it * MINUTE for it in range(101)))),
        policy="defaults: {schedule: {required: false}}",
        faults=({"kind": "garbage", "path": "/indexes/*/backups", "after": 1},),
        violations=on_project("inventory-is-complete"),
    ),
    Case(
        label="the history of a schedule is forbidden",
        steps=(create_scheduled_index(),),
        faults=({"status": 403, "path": "/backup-schedules/*/history"},),
        violations=on_project("inventory-is-complete"),
        unknown_checks=on(
            "backup-status-is-known",
            "backups-expire-on-time",
            "latest-run-succeeded",
            "no-run-is-stuck",
            "planned-run-started-on-time",
            "scheduled-runs-are-continuous",
        ),
    ),
    Case(
        label="not protected from deletion",
        steps=(create_scheduled_index(),),
        policy="defaults: {protection: {deletion_protection: true}}",
        violations=on("deletion-protection-is-enabled"),
    ),
    Case(
        label="protected from deletion",
        steps=(create_scheduled_index(traits={"deletion_protection": True}),),
        policy="defaults: {protection: {deletion_protection: true}}",
    ),
    Case(
        label="backups in a forbidden location",
        steps=(create_scheduled_index(),),
        policy="defaults: {protection: {locations: ['gcp/*', 'aws/us-east-']}}",
        violations=on("backup-location-is-allowed"),
    ),
    Case(
        label="backups in an allowed location",
        steps=(create_scheduled_index(),),
        policy="defaults: {protection: {locations: ['gcp/*', 'aws/us-east-?']}}",
    ),
    Case(
        label="a tag is missing",
        steps=(create_scheduled_index(traits={"tags": {"env": "prod"}}),),
        policy="defaults: {protection: {required_tags: [env, owner]}}",
        violations=on("index-has-required-tags"),
    ),
    Case(
        label="no tag is missing",
        steps=(create_scheduled_index(traits={"tags": {"env": "prod", "owner": "shop"}}),),
        policy="defaults: {protection: {required_tags: [env, owner]}}",
    ),
)
