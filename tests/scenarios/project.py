"""Worlds in which something is wrong with the project as a whole, or with what an index must carry."""

from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    BY_HAND,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    by_hand,
    created,
    deleted,
    done,
    edge,
    life,
    on,
    on_project,
)
from support.simulator import NOW

ROOM = "backup-quota-has-headroom"
SCHEDULES = "schedules-fit-quota"
POLICY = "policy-fits-quota"
EXEMPTIONS = "exemptions-are-current"
IDS = "project-is-expected"
WEEK = life(retention_days=7)
"""An index that takes 8 slots, and holds 7 backups 5 hours after the last run."""
ID = SimulatedProject(NOW).project_id
MIDNIGHT = NOW.replace(hour=23, minute=59, second=59)


def quota(count: int, more: str = "") -> str:
    """Write a policy for a project that may hold so many backups."""
    return f"project: {{backup_quota: {count}{more}}}"


def exempt(names: str, controls: str = "'*'", expires: str = "2026-11-20") -> str:
    """Write a policy with one exemption."""
    who = f"owner: search-team, reason: rebuilt nightly, expires: {expires}"
    return f"exemptions: [{{names: [{names}], controls: [{controls}], {who}}}]"


def downgraded(world: SimulatedProject) -> None:
    """Put the organization on a plan without schedules."""
    world.conduct.plan = "starter"
    world.conduct.plan_refuses_listings = True


CASES = (
    Case(label="70 percent of the quota", happen=(WEEK,), policy=quota(10)),
    Case(label="80 percent of the quota", happen=(WEEK, by_hand(DAY)), policy=quota(10), fails=on_project(ROOM)),
    Case(
        label="79.9 percent of the quota, planned runs beside",
        happen=(WEEK, by_hand(DAY)),
        policy=quota(10, ", quota_warn_percent: 80.1"),
        conduct={"planned_in_listing": True},
    ),
    Case(
        label="95 percent of the quota",
        happen=(life(retention_days=18), by_hand(DAY)),
        policy=quota(20),
        severities={ROOM: "high"},
        fails=on_project(ROOM),
    ),
    Case(
        label="backups of deleted indexes fill the quota",
        happen=(created(25 * DAY), by_hand(*(20 * DAY + it * HOUR for it in range(8))), deleted(9 * DAY)),
        policy=quota(10),
        fails=on_project(ROOM),
    ),
    Case(label="schedules take the quota", happen=(life(days=5, retention_days=30),), policy=quota(31)),
    Case(
        label="schedules take more than the quota",
        happen=(life(days=5, retention_days=30),),
        policy=quota(30),
        fails=on_project(SCHEDULES),
    ),
    Case(
        label="schedules and manual backups take more than the quota",
        happen=(life(days=5, retention_days=30), by_hand(DAY)),
        policy=quota(31),
        fails=on_project(SCHEDULES),
    ),
    Case(
        label="the policy asks for the quota",
        happen=(created(HOUR),),
        policy=quota(8),
        fails=on("index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(
        label="the policy asks for more than the quota",
        happen=BY_HAND,
        policy=quota(7),
        fails=on("index-has-schedule") | on_project(POLICY),
    ),
    Case(
        label="the policy and the schedules ask for more than the quota",
        happen=(life(days=5, retention_days=8),),
        policy=quota(7),
        fails=on_project(POLICY, SCHEDULES),
    ),
    Case(label="a plan without a quota", happen=(WEEK,), policy="project: {plan: builder}"),
    *edge(
        "an exemption ends with its day",
        life(),
        now=MIDNIGHT,
        policy=exempt("orders"),
        then=on_project(EXEMPTIONS),
    ),
    Case(
        label="an exemption of what is wrong, in its last second",
        happen=BY_HAND,
        now=MIDNIGHT,
        policy=exempt("orders", "index-has-*"),
        fails=on("index-has-schedule"),
        exempted=on("index-has-schedule"),
    ),
    Case(
        label="an exemption of what is wrong, a second after its end",
        happen=BY_HAND,
        now=MIDNIGHT,
        later=SECOND,
        policy=exempt("orders", "index-has-*"),
        fails=on("index-has-schedule") | on_project(EXEMPTIONS),
    ),
    Case(
        label="an exemption fits nothing",
        happen=(life(),),
        policy=exempt("order", expires="2027-01-31"),
        fails=on_project(EXEMPTIONS),
    ),
    Case(
        label="an exemption fits a deleted index alone",
        happen=(life(), created(9 * DAY, "gone"), by_hand(8 * DAY, name="gone"), deleted(7 * DAY, "gone")),
        policy=exempt("'go*'", expires="2027-01-31"),
    ),
    Case(
        label="the plan has no schedules",
        happen=(*BY_HAND, done(HOUR, downgraded)),
        fails=on_project("plan-allows-schedules"),
    ),
    Case(label="another project", happen=(life(),), policy="project: {expected_id: another}", fails=on_project(IDS)),
    Case(label="the expected project", happen=(life(),), policy=f"project: {{expected_id: {ID}}}"),
    Case(
        label="the second page of an index's own backups is garbage",
        happen=(created(DAY), by_hand(*(HOUR + it * MINUTE for it in range(101)))),
        policy="defaults: {schedule: {required: false}}",
        faults=({"kind": "garbage", "path": "/indexes/*/backups", "after": 1},),
        fails=on_project("inventory-is-complete"),
    ),
    Case(
        label="the history of a schedule is refused",
        happen=(life(),),
        faults=({"status": 403, "path": "/backup-schedules/*/history"},),
        fails=on_project("inventory-is-complete"),
        insufficient=on(
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
        happen=(life(),),
        policy="defaults: {protection: {deletion_protection: true}}",
        fails=on("deletion-protection-is-enabled"),
    ),
    Case(
        label="protected from deletion",
        happen=(life(traits={"deletion_protection": True}),),
        policy="defaults: {protection: {deletion_protection: true}}",
    ),
    Case(
        label="backups where none may lie",
        happen=(life(),),
        policy="defaults: {protection: {locations: ['gcp/*', 'aws/us-east-']}}",
        fails=on("backup-location-is-allowed"),
    ),
    Case(
        label="backups where they may lie",
        happen=(life(),),
        policy="defaults: {protection: {locations: ['gcp/*', 'aws/us-east-?']}}",
    ),
    Case(
        label="a tag is missing",
        happen=(life(traits={"tags": {"env": "prod"}}),),
        policy="defaults: {protection: {required_tags: [env, owner]}}",
        fails=on("index-has-required-tags"),
    ),
    Case(
        label="no tag is missing",
        happen=(life(traits={"tags": {"env": "prod", "owner": "shop"}}),),
        policy="defaults: {protection: {required_tags: [env, owner]}}",
    ),
)
