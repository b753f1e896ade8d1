"""Where the nights of an index lie on a line."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given

from backup_auditor.domain.evaluation.results import RecoveryPoint, Timeline
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.timefmt import Period
from backup_auditor.rendering.html.index_history import TimelinePicture
from backup_auditor.rendering.timeline_text import NOW_POSITION as AUDIT
from backup_auditor.rendering.timeline_text import TimelineLayout
from support.builders.facts import DAY, HOUR, NOW, ago, build_index, evaluate_facts
from support.builders.strategies import inventories


def build_healthy_timeline() -> Timeline:
    """Tell the nights of a healthy index."""
    (timeline,) = evaluate_facts(build_index()).timelines
    return timeline


def test_past_and_future_have_one_scale() -> None:
    """Three quarters are the last 30 nights, and the rest the next ten."""
    line = TimelineLayout(build_healthy_timeline(), NOW)
    assert line.period == Period(NOW - 30 * DAY, NOW + 10 * DAY)
    assert line.scheduled_runs == pytest.approx((AUDIT + 18 / 960,))
    assert line.recovery_points[-1] == pytest.approx(AUDIT - 6 / 960)
    [objective_met] = line.objective_met
    assert objective_met == pytest.approx((AUDIT - 150 / 960, AUDIT))


def test_each_expiry_is_a_step() -> None:
    """Seven points go one by one; where the last is gone, none is left."""
    line = TimelineLayout(build_healthy_timeline(), NOW)
    assert [count for _, count in line.remaining] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert line.remaining[-1][0] == pytest.approx(line.last_expiry)


def test_points_of_before_expire_too() -> None:
    """They are counted until then, though they have no place of their own."""
    earlier_expiries = (NOW + HOUR, NOW + 30 * DAY)
    line = TimelineLayout(
        replace(build_healthy_timeline(), earlier_recovery_point_count=3, earlier_expiries=earlier_expiries), NOW
    )
    assert [count for _, count in line.remaining] == [10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert line.remaining[1][0] == pytest.approx(AUDIT + 1 / 960)


def test_what_is_not_known_has_no_steps() -> None:
    """A picture that went down only where expiries are known would show too many."""
    line = TimelineLayout(replace(build_healthy_timeline(), is_remaining_known=False), NOW)
    assert (line.remaining, TimelinePicture(line).remaining) == ((), "")


def test_stairs_end_where_none_is_left() -> None:
    """Otherwise they reach to the end of what is shown."""
    assert TimelinePicture(TimelineLayout(build_healthy_timeline(), NOW)).remaining.endswith("H919V62Z")
    lasting_timeline = replace(build_healthy_timeline(), earlier_recovery_point_count=1, last_expires_at=None)
    assert TimelinePicture(TimelineLayout(lasting_timeline, NOW)).remaining.endswith("H1000V62Z")


def test_what_lies_beyond_is_not_shown() -> None:
    """A moment after the end, or before the beginning, has no place."""
    far_timeline = replace(
        build_healthy_timeline(),
        last_expires_at=NOW + 11 * DAY,
        scheduled_runs=(NOW + 11 * DAY,),
        failed_runs=(ago(31 * DAY),),
    )
    line = TimelineLayout(far_timeline, NOW)
    assert (line.last_expiry, line.scheduled_runs, line.failed_runs) == (None, (), ())


@pytest.mark.parametrize(
    "timeline,expected",
    [
        pytest.param(
            replace(build_healthy_timeline(), recovery_points=(), last_expires_at=None), AUDIT, id="there-is-none"
        ),
        pytest.param(
            replace(build_healthy_timeline(), recovery_points=(), last_expires_at=None, is_remaining_known=False),
            None,
            id="not-known",
        ),
        pytest.param(
            replace(build_healthy_timeline(), recovery_points=(), last_expires_at=None, earlier_recovery_point_count=1),
            None,
            id="an-earlier-one",
        ),
        pytest.param(replace(build_healthy_timeline(), last_expires_at=ago(HOUR)), AUDIT, id="over-already"),
        pytest.param(
            replace(
                build_healthy_timeline(),
                recovery_points=(RecoveryPoint(ago(DAY), expires=False, expires_at=None),),
                last_expires_at=None,
            ),
            None,
            id="never-expires",
        ),
    ],
)
def test_where_none_is_left(timeline: Timeline, expected: float | None) -> None:
    """It is the audit itself where there is none, and nowhere where that is not known."""
    assert TimelineLayout(timeline, NOW).last_expiry == expected


@given(inventories())
def test_everything_lies_on_the_line(facts: Inventory) -> None:
    """Whatever a project holds, places lie between 0 and 1, steps go down, and the picture can be drawn."""
    for timeline in evaluate_facts(facts).timelines:
        line = TimelineLayout(timeline, facts.observed_at)
        for position_groups in (
            line.recovery_points,
            line.past_runs,
            line.failed_runs,
            line.runs_in_progress,
            line.scheduled_runs,
        ):
            assert all(0 <= it <= 1 for it in position_groups)
        assert all(0 <= a < b <= AUDIT + 1e-9 for a, b in (*line.objective_met, *line.objective_missed))
        assert all(a[1] > b[1] and a[0] <= b[0] for a, b in pairwise(line.remaining))
        assert "-" not in "".join(vars(TimelinePicture(line)).values())
