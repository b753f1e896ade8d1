"""Why an index was judged as it was."""

from dataclasses import replace
from typing import Any

from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.policy import Policy, Requirements, Rule
from backup_auditor.rendering.explanation import render_explanation
from support.builders.facts import (
    DAY,
    HOUR,
    backup,
    broken,
    daily_runs,
    index,
    inventory,
    judged,
    planned_run,
    policy,
    schedule,
    whole,
)
from support.builders.reports import BUILT_IN, EXEMPTION, bare, exempting


def explained(facts: Any, required: Policy = BUILT_IN) -> str:
    """Explain the only index."""
    told = facts if isinstance(facts, Inventory) else inventory(facts)
    subject = IndexContext(ProjectContext(told, required), told.indexes[0])
    findings = [it for it in judged(told, required).findings if it.resource.name == subject.name]
    return "\n".join(render_explanation(subject, findings, width=120))


def test_facts_rule_and_verdicts_are_shown() -> None:
    """The page tells the schedule, the recovery points with their ages, the runs, the rule and the verdicts."""
    shown = explained(index())
    assert "daily, kept 7d, enabled; next run 2026-11-23T06:00:00Z" in shown
    assert "6h old, 1,000 records, expires 2026-11-29T06:00:00Z, id run-20261122T060000" in shown
    assert "nightly  7 Ready, 1 planned" in shown
    assert "none fits: the defaults" in shown
    assert "COMPLIANT  recovery-point-is-recent" in shown


def test_everything_that_is_required_is_told() -> None:
    """Limits that are null, too."""
    shown = " ".join(explained(index()).split())
    assert "at least 2, the newest at most 1d 6h old, some left in 7d whatever happens" in shown
    assert (
        "at most 20 % of the records gone, at most 5 % of the namespaces gone, the size within a factor of 3" in shown
    )
    assert "from deletion not required; backups of any age, lying anywhere; tags required: none" in shown
    strict = policy(horizon=None, max_size_factor=None, allow_empty=True, max_backup_age=30 * DAY, locations=("aws/*",))
    shown = " ".join(explained(index(), strict).split())
    assert "namespaces gone, may be empty" in shown
    assert "backups at most 30d old, lying in aws/*;" in shown


def test_a_recovery_point_that_never_expires_says_so() -> None:
    """And one of which the expiry is not known."""
    assert "never expires, id" in explained(index(backups=[backup(HOUR)]))
    assert "expires at a time that is not known, id" in explained(index(schedules=[schedule(retention=None)]))


def test_every_verdict_has_its_arithmetic() -> None:
    """Under a verdict stand the figures that it was computed from."""
    shown = explained(index(runs=daily_runs(first=40 * HOUR)))
    assert "NON COMPLIANT critical  recovery-point-is-recent" in shown
    assert "age_hours = 40.0, max_age_hours = 30.0" in shown
    assert "next: Take a backup of main now" in shown


def test_the_rule_that_applied_is_named() -> None:
    """An index that a rule fits is shown with the rule's name."""
    rule = Rule("production", ("ma*",), {}, Requirements())
    assert "production, laid over the defaults" in explained(index(), replace(BUILT_IN, rules=(rule,)))


def test_an_accepted_deviation_says_by_whom() -> None:
    """An exempted verdict shows the exemption."""
    shown = explained(bare("scratch-1"), exempting(EXEMPTION))
    assert "accepted until 2027-03-31 by search-team: rebuilt nightly" in shown


def test_what_was_not_read_is_told() -> None:
    """A listing that broke off is told where its rows would stand."""
    assert "not read  GET /somewhere: 503 to the end" in explained(index(schedules=broken()))
    assert "not all read     GET /somewhere: 503 to the end" in explained(inventory(index(), backups=broken()))


def test_a_refusal_is_told() -> None:
    """What the service refuses is shown in its own words."""
    refusal = Denial(DenialReason.PLAN, "Scheduled backups are not available for your plan")
    assert "refused  Scheduled backups are not available for your plan" in explained(index(schedules=refusal))


def test_backups_of_earlier_indexes_are_told_apart() -> None:
    """Backups of another index of the same name are counted, and are no recovery points."""
    earlier = [replace(it, index_id="id-earlier") for it in daily_runs(3)]
    shown = explained(index(runs=[planned_run()], listed=earlier))
    assert "recovery points     0" in shown
    assert "of earlier indexes  3: another index had this name" in shown


def test_an_unknown_id_says_why() -> None:
    """Where it is not known which backups are the index's own, the doubt is told."""
    two = whole([schedule(), schedule("schedule-2", index_id="id-other", enabled=False)])
    assert "own id               not known: The schedules of main name 2 different index ids" in explained(
        index(schedules=two)
    )


def test_null_facts_are_called_not_told() -> None:
    """A fact that Pinecone does not tell is neither invented nor left out."""
    mute = schedule(frequency=None, retention=None, enabled=None, next_run=None, created_at=None)
    shown = explained(index(schedules=[mute]))
    assert "how often is not known, kept for a time that is not known, enabled or paused: not known" in shown
    assert "next run not told; made not told" in " ".join(shown.split())
    strange = explained(index(schedules=[schedule(next_run=None, next_run_unreadable=True)]))
    assert "next run cannot be read" in " ".join(strange.split())


def test_many_recovery_points_are_folded() -> None:
    """The newest five are shown, of the others the number and the oldest."""
    shown = explained(index(schedules=[schedule(retention=30 * DAY)], runs=daily_runs(20)))
    assert "and 15 older" in shown
