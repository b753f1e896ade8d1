"""The content of recovery points compared with earlier ones: records, namespaces and sizes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from backup_auditor.domain.backup_status import BackupRecord
from backup_auditor.domain.control import InsufficientDataError, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.model import Backup
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_distance, format_minute, format_moment

MAX_COMPARED_POINTS = 7
"""With how many recovery points the newest is compared, at most."""
NEWEST_UNKNOWN_REASON = (
    "Some of its Ready backups tell no time at which they were taken: which is the newest is not known."
)
"""Why nothing can be said of the newest recovery point."""


@dataclass(frozen=True, slots=True)
class ContentTrend:
    """The newest recovery point, and what those before it hold."""

    newest_point: BackupRecord
    newest_value: int | None
    """What the newest holds; `None` where that is not told."""
    earlier_points: tuple[tuple[BackupRecord, int], ...]
    """The recovery points that it is compared with, newest first, and what each holds."""

    @property
    def median(self) -> float:
        """What is usual: the median of those before."""
        values = sorted(value for _, value in self.earlier_points)
        middle = len(values) // 2
        middle_sum = values[middle] + values[-middle - 1]
        return middle_sum / 2 if middle_sum % 2 else middle_sum // 2


def build_content_trend(subject: IndexContext, read_value: Callable[[Backup], int | None]) -> ContentTrend | None:
    """Return what recovery points hold; `None` where there is nothing to compare. Those that do not tell are skipped.

    Raises `InsufficientDataError` where it is not known which is the newest.
    """
    backups = subject.backups
    points = backups.recovery_points
    if backups.undated_recovery_points:
        undated_ids = sorted(it.backup.backup_id for it in backups.undated_recovery_points)
        raise InsufficientDataError(NEWEST_UNKNOWN_REASON, {"undated": undated_ids})
    backups.require_backup_listing()
    point_values = ((it, value) for it in points[1:] if (value := read_value(it.backup)) is not None)
    earlier_points = tuple(islice(point_values, MAX_COMPARED_POINTS))
    if not earlier_points:
        return None
    return ContentTrend(points[0], read_value(points[0].backup), earlier_points)


def evaluate_content_drop(
    subject: IndexContext, percent: float | None, noun: str, read_value: Callable[[Backup], int | None]
) -> Verdict:
    """Judge how much less of a thing, such as `record`, the newest recovery point holds than is usual."""
    if percent is None:
        return not_applicable(f"The policy sets no limit to how many {noun}s may go.")
    trend = build_content_trend(subject, read_value)
    if trend is None:
        return not_applicable("It has no earlier recovery point to compare the newest with.")
    evidence: dict[str, object] = {
        "backup_id": trend.newest_point.backup.backup_id,
        f"{noun}_count": trend.newest_value,
        "median": trend.median,
        "compared_with": len(trend.earlier_points),
        "max_drop_percent": percent,
    }
    if trend.newest_value is None:
        raise InsufficientDataError(f"How many {noun}s its newest recovery point has is not told.", evidence)
    newest_text = pluralize(trend.newest_value, noun)
    reason = f"Its newest recovery point has {newest_text}, the median of those before is {trend.median:,}"
    if not _is_below(trend.newest_value, trend.median, percent):
        return compliant(f"{reason}; {percent:g} % fewer are allowed.", evidence)
    healthy_point = find_last_healthy_point(trend, percent)
    evidence["last_healthy"] = _build_point_evidence(subject, healthy_point, noun, read_value)
    reason = (
        f"{reason}, {percent:g} % fewer are allowed; the last healthy one, {_describe_point(subject, healthy_point)}."
    )
    return non_compliant(reason, evidence, depends_on_absence_in=subject.backups.listings)


def find_last_healthy_point(trend: ContentTrend, percent: float) -> BackupRecord:
    """Return the newest recovery point that is not below what is usual; at least one of them is the median or more."""
    return next(it for it, value in trend.earlier_points if not _is_below(value, trend.median, percent))


def _is_below(value: int, median: float, percent: float) -> bool:
    return value * 100 < median * (100 - percent)  # multiplied out: nothing is rounded at the limit


def _build_point_evidence(
    subject: IndexContext, point: BackupRecord, noun: str, read_value: Callable[[Backup], int | None]
) -> dict[str, object]:
    expiry = subject.backups.find_expiry(point)
    return {
        "backup_id": point.backup.backup_id,
        "name": point.backup.name,
        "captured_at": _format_optional_moment(point.captured_at),
        f"{noun}_count": read_value(point.backup),
        "expires": expiry.expires,
        "expires_at": _format_optional_moment(expiry.expires_at),
    }


def _describe_point(subject: IndexContext, point: BackupRecord) -> str:
    expiry = subject.backups.find_expiry(point)
    text = f"{point.backup.name or point.backup.backup_id}"
    if point.captured_at is not None:
        text += f" of {format_minute(point.captured_at)}"
    if expiry.expires is False:
        return f"{text}, never expires"
    if expiry.expires_at is None:
        return f"{text}, expires at a time that is not known"
    return (
        f"{text}, expires on {format_minute(expiry.expires_at)},"
        f" {format_distance(expiry.expires_at - subject.observed_at)}"
    )


def _format_optional_moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment is not None else None
