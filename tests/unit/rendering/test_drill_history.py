"""The restore drills of each index in words."""

from dataclasses import replace

from backup_auditor.domain.evaluation.results import IndexDrills
from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.project_state import DrillResult, KnownDrill
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.drill_history import build_drill_rows
from support.builders.facts import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    build_drill_state,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
    build_running_drill,
)
from support.builders.reports import build_report

POLICY = build_policy(restore_drill_within=80 * DAY, max_restore_time=HOUR)


def describe_main(*drills: KnownDrill, is_required: bool = True) -> str:
    """Return the text of the only index."""
    policy = POLICY if is_required else build_policy()
    ((name, text),) = build_drill_rows(build_report(build_inventory(build_index()), policy, build_drill_state(*drills)))
    assert name == "main"
    return text


def build_drills_report(*drills: IndexDrills) -> Report:
    """Build a report of these drills."""
    return replace(build_report(), restore_drills=drills)


def test_a_proof_has_its_age_its_limits_and_its_backup() -> None:
    """The restore time stands beside its limit, and the next drill has its time."""
    assert describe_main(build_known_drill(2 * DAY)) == (
        "proven 2d ago (limit: 80d), backup run-1; restored in 10m (limit: 1h); next drill: due 2027-01-19 12:00 UTC"
    )


def test_an_index_without_a_proof_is_due() -> None:
    """It says that no proof is recorded, which is less than that none exists."""
    assert describe_main() == "no recorded proof (limit: 80d); next drill: due now"


def test_without_limits_only_facts_are_shown() -> None:
    """Nothing is due where the policy requires nothing."""
    assert describe_main(build_known_drill(2 * DAY), is_required=False) == (
        "proven 2d ago, backup run-1; restored in 10m"
    )


def test_the_trend_is_the_range_of_the_last_restores() -> None:
    """Its last value is the restore time itself."""
    drills = [build_known_drill(number * DAY, restore_time=number * 5 * MINUTE) for number in (1, 2, 3)]
    assert "restored in 5m (limit: 1h), the last 3 restores in 5m to 15m;" in describe_main(*drills)


def test_a_time_just_past_its_limit_differs_from_it() -> None:
    """Both are exact to the second."""
    text = describe_main(build_known_drill(80 * DAY + SECOND, restore_time=HOUR + SECOND))
    assert text == (
        "proven 80d 1s ago (limit: 80d), backup run-1; restored in 1h 1s (limit: 1h);"
        " next drill: due since 2026-11-02 11:59 UTC"
    )


def test_failed_and_running_drills_are_shown() -> None:
    """A drill that failed after the proof, and one that runs now."""
    failed_drill = build_known_drill(HOUR, result=DrillResult.NOT_VERIFIED, restore_time=None)
    text = describe_main(build_known_drill(2 * DAY), failed_drill, build_running_drill(MINUTE))
    assert "; last drill: not verified 1h ago; running drill: running-drill, since 2026-11-22 11:59 UTC;" in text


def test_leftovers_and_unknown_drills_are_shown() -> None:
    """What is unknown has no proof and no age."""
    resource = Resource(ResourceType.INDEX, "default", "main", None)
    leftover = IndexDrills(resource, leftover_indexes=("drill-main-1", "drill-main-2"))
    assert build_drill_rows(build_drills_report(leftover)) == [
        ("main", "no recorded proof; left behind: drill-main-1, drill-main-2")
    ]
    unknown = IndexDrills(resource, unknown_reason="The id of the live index main is unknown.")
    assert build_drill_rows(build_drills_report(unknown)) == [
        ("main", "unknown: The id of the live index main is unknown")
    ]


def test_required_indexes_come_first_and_of_those_the_oldest_proof() -> None:
    """An index without a proof comes before one with an old proof."""
    proven, other = (build_report(None, POLICY, build_drill_state(build_known_drill(it))) for it in (DAY, 2 * DAY))
    drills = {
        "recent": proven.restore_drills[0],
        "older": other.restore_drills[0],
        "not-required": replace(other.restore_drills[0], restore_drill_within=None),
        "unproven": replace(other.restore_drills[0], last_proof=None),
    }
    report = build_drills_report(
        *(replace(it, resource=replace(it.resource, name=name)) for name, it in drills.items())
    )
    assert [name for name, _ in build_drill_rows(report)] == ["unproven", "older", "recent", "not-required"]
    assert report.observed_at == NOW
