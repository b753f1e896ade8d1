"""The nights of one index as JSON."""

from collections.abc import Iterable
from datetime import datetime

from backup_auditor.domain.finding import Resource
from backup_auditor.domain.moments import format_moment, hours
from backup_auditor.domain.periods import Period
from backup_auditor.domain.timeline import Timeline


def timeline_json(timeline: Timeline) -> dict[str, object]:
    """Return the nights of one index."""
    points = (
        {"captured_at": format_moment(it.captured_at), "expires": it.expires, "expires_at": _moment(it.expires_at)}
        for it in timeline.recovery_points
    )
    gaps = (
        {"from": format_moment(it.start), "to": format_moment(it.end), "missing": it.missing} for it in timeline.gaps
    )
    return {
        "resource": resource_json(timeline.resource),
        "rule": timeline.rule,
        "max_age_hours": hours(timeline.max_age),
        "since": format_moment(timeline.since),
        "recovery_points": list(points),
        "earlier_recovery_points": timeline.earlier_recovery_points,
        "earlier_recovery_points_expire_at": _moments(timeline.earlier_expiries),
        "recovery_points_left_known": timeline.is_left_known,
        "zero_recovery_points_at": _moment(timeline.zero_at),
        "past_recovery_points": _moments(timeline.past),
        "failed_runs": _moments(timeline.failed),
        "runs_under_way": _moments(timeline.under_way),
        "planned_runs": _moments(timeline.planned),
        "missing_runs": list(gaps),
        "objective_met": _periods(timeline.met),
        "objective_missed": _periods(timeline.missed),
        "not_known": timeline.not_known,
    }


def resource_json(resource: Resource) -> dict[str, object]:
    """Return what something is about."""
    return {"type": resource.type, "project": resource.project, "name": resource.name, "id": resource.id}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_moment(moment)


def _moments(moments: Iterable[datetime]) -> list[str]:
    return [format_moment(it) for it in moments]


def _periods(periods: Iterable[Period]) -> list[dict[str, str]]:
    return [{"from": format_moment(it.start), "to": format_moment(it.end)} for it in periods]
