"""The explanation of the findings of an index."""

from dataclasses import replace
from typing import Any

from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.policy import Policy, Requirements, Rule
from backup_auditor.domain.project_state import EMPTY_STATE, DrillResult, ProjectState
from backup_auditor.rendering.explanation import render_explanation
from support.builders.facts import (
    DAY,
    HOUR,
    build_backup,
    build_complete_listing,
    build_daily_runs,
    build_drill_state,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_drill,
    build_planned_run,
    build_policy,
    build_schedule,
    evaluate_facts,
)
from support.builders.reports import BUILT_IN_POLICY, EXEMPTION, build_bare_index, build_exempting_policy


def explain(facts: Any, policy: Policy = BUILT_IN_POLICY, state: ProjectState = EMPTY_STATE) -> str:
    """Explain the only index."""
    inventory = facts if isinstance(facts, Inventory) else build_inventory(facts)
    subject = IndexContext(ProjectContext(inventory, policy), inventory.indexes[0])
    evaluation = evaluate_facts(inventory, policy, state)
    findings = [it for it in evaluation.findings if it.resource.name == subject.name]
    drills = next(iter(evaluation.restore_drills), None)
    return "\n".join(render_explanation(subject, findings, drills, width=120))


def test_facts_rule_and_verdicts_are_shown() -> None:
    """The text shows the schedule, the recovery points with their ages, the runs, the rule and the verdicts."""
    rendered_text = explain(build_index())
    assert "daily, retention 7d, enabled; next run 2026-11-23T06:00:00Z" in rendered_text
    assert "6h old, 1,000 records, expires 2026-11-29T06:00:00Z, id run-20261122T060000" in rendered_text
    assert "nightly  7 Ready, 1 scheduled" in rendered_text
    assert "defaults (no rule matches)" in rendered_text
    assert "Compliant  recovery-point-is-recent" in rendered_text


def test_everything_that_is_required_is_reported() -> None:
    """Limits that are null, too."""
    rendered_text = " ".join(explain(build_index()).split())
    assert "at least 2; newest at most 1d 6h old; one must outlast the next 7d" in rendered_text
    assert "at most 20 % fewer records, at most 5 % fewer namespaces, size within a factor of 3" in rendered_text
    assert "deletion protection not required; backups of any age, in any location; required tags: none" in rendered_text
    strict_policy = build_policy(
        horizon=None, max_size_factor=None, allow_empty=True, max_backup_age=30 * DAY, locations=("aws/*",)
    )
    rendered_text = " ".join(explain(build_index(), strict_policy).split())
    assert "fewer namespaces, may be empty" in rendered_text
    assert "backups at most 30d old, in aws/*;" in rendered_text


def test_a_recovery_point_that_never_expires_says_so() -> None:
    """And one of which the expiry is not known."""
    assert "never expires, id" in explain(build_index(backups=[build_backup(HOUR)]))
    assert "expiry unknown, id" in explain(build_index(schedules=[build_schedule(retention=None)]))


def test_every_verdict_has_its_arithmetic() -> None:
    """Every verdict is followed by the values that it was computed from."""
    rendered_text = explain(build_index(runs=build_daily_runs(newest_age=40 * HOUR)))
    assert "Non-compliant critical  recovery-point-is-recent" in rendered_text
    assert "age_hours = 40.0, max_age_hours = 30.0" in rendered_text
    assert "next: Take a backup of main now" in rendered_text


def test_the_rule_that_applied_is_named() -> None:
    """An index that a rule fits is shown with the rule's name."""
    rule = Rule("production", ("ma*",), {}, Requirements())
    assert "production, over the defaults" in explain(build_index(), replace(BUILT_IN_POLICY, rules=(rule,)))


def test_an_accepted_deviation_says_by_whom() -> None:
    """An exempted verdict shows the exemption."""
    rendered_text = explain(build_bare_index("scratch-1"), build_exempting_policy(EXEMPTION))
    assert "accepted until 2027-03-31 by search-team: rebuilt nightly" in rendered_text


def test_what_was_not_read_is_reported() -> None:
    """A read error is shown in place of the rows of the listing."""
    assert "read error  GET /somewhere: 503 to the end" in explain(build_index(schedules=build_failed_listing()))
    assert "read error       GET /somewhere: 503 to the end" in explain(
        build_inventory(build_index(), backups=build_failed_listing())
    )


def test_a_refusal_is_reported() -> None:
    """What the service refuses is shown in its own words."""
    denial = Denial(DenialReason.PLAN, "Scheduled backups are not available for your plan")
    assert "refused  Scheduled backups are not available for your plan" in explain(build_index(schedules=denial))


def test_backups_of_earlier_indexes_are_distinguished() -> None:
    """Backups of another index of the same name are counted, and are no recovery points."""
    earlier_runs = [replace(it, index_id="id-earlier") for it in build_daily_runs(3)]
    rendered_text = explain(build_index(runs=[build_planned_run()], listed_backups=earlier_runs))
    assert "recovery points     0" in rendered_text
    assert "of earlier indexes  3: another index had this name" in rendered_text


def test_an_unknown_id_says_why() -> None:
    """An unknown own id is shown with the reason."""
    two_schedules = build_complete_listing(
        [build_schedule(), build_schedule("schedule-2", index_id="id-other", enabled=False)]
    )
    assert "own id               unknown: The schedules of main report 2 different index ids" in explain(
        build_index(schedules=two_schedules)
    )


def test_null_facts_are_shown_as_unknown() -> None:
    """A fact that Pinecone does not tell is neither invented nor left out."""
    unknown_schedule = build_schedule(frequency=None, retention=None, enabled=None, next_run=None, created_at=None)
    rendered_text = explain(build_index(schedules=[unknown_schedule]))
    assert "unknown frequency, retention unknown, enabled or paused: unknown" in rendered_text
    assert "next run unknown; created unknown" in " ".join(rendered_text.split())
    unreadable_text = explain(build_index(schedules=[build_schedule(next_run=None, next_run_unreadable=True)]))
    assert "next run cannot be read" in " ".join(unreadable_text.split())


def test_many_recovery_points_are_folded() -> None:
    """The newest five are shown, of the others the number and the oldest."""
    rendered_text = explain(build_index(schedules=[build_schedule(retention=30 * DAY)], runs=build_daily_runs(20)))
    assert "and 15 older" in rendered_text


def test_restore_drills_are_explained() -> None:
    """The last proof, every restore time and the last drill of the index; without drills there is no section."""
    policy = build_policy(restore_drill_within=80 * DAY, max_restore_time=HOUR)
    state = build_drill_state(
        build_known_drill(2 * DAY), build_known_drill(DAY, result=DrillResult.FAILED, restore_time=2 * HOUR)
    )
    lines = explain(build_index(), policy, state).splitlines()
    start = lines.index("Restore drills")
    assert lines[start + 1 : start + 6] == [
        "  last proof     2d ago (limit: 80d), at 2026-11-20 12:00 UTC; backup run-1, drill drill-172800",
        "  restore times  10m, 2h (limit: 1h)",
        "  last drill     failed 1d ago",
        "  next drill     due 2027-01-19 12:00 UTC",
        "",
    ]
    assert "  restore drills   one must have passed in the last 80d; restore in at most 1h" in lines
    lines = explain(build_index()).splitlines()
    assert "Restore drills" not in lines
    assert "  restore drills   not required; restore in any time" in lines
