"""The content of recovery points compared with earlier ones: records, namespaces and sizes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from backup_auditor.domain.backup_status import BackupRecord
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import InsufficientDataError, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.model import Backup
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_distance, format_minute, format_moment

MAX_COMPARED_POINTS = 7
"""The newest recovery point is compared with at most this many earlier ones."""
NEWEST_UNKNOWN_REASON = "Some Ready backups have no capture time, so it is unknown which is the newest."
NO_EARLIER_POINT_REASON = "The index has no earlier recovery point to compare with."


@dataclass(frozen=True, slots=True)
class ContentTrend:
    """The newest recovery point, and the content of earlier ones."""

    newest_point: BackupRecord
    newest_value: int | None
    """The content of the newest recovery point; `None` if unknown."""
    earlier_points: tuple[tuple[BackupRecord, int], ...]
    """The recovery points that it is compared with, newest first, and the content of each."""

    @property
    def median(self) -> float:
        """The median content of the earlier recovery points."""
        values = sorted(value for _, value in self.earlier_points)
        middle = len(values) // 2
        middle_sum = values[middle] + values[-middle - 1]
        return middle_sum / 2 if middle_sum % 2 else middle_sum // 2

    def describe(self, noun: str) -> str:
        """Return the beginning of a sentence: what the newest recovery point has, and the median of earlier ones."""
        return (
            f"Newest recovery point has {pluralize(self.newest_value or 0, noun)}; the median of"
            f" {pluralize(len(self.earlier_points), 'earlier one')} is {self.median:,}"
        )


def build_content_trend(subject: IndexContext, read_value: Callable[[Backup], int | None]) -> ContentTrend | None:
    """Return the content of recovery points, without those of unknown content; `None` if there is nothing to compare.

    Raises `InsufficientDataError` if it is unknown which is the newest.
    """
    backups = subject.backups
    points = backups.require_recovery_points()
    if backups.require_undated_recovery_points():
        undated_ids = sorted(it.backup.backup_id for it in backups.require_undated_recovery_points())
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
    """Evaluate by how much the newest recovery point is below the median of earlier ones; `noun` as in `record`."""
    if percent is None:
        return not_applicable(f"The policy sets no limit for a drop in {noun}s.")
    trend = build_content_trend(subject, read_value)
    if trend is None:
        return not_applicable(NO_EARLIER_POINT_REASON)
    evidence: dict[str, object] = {
        "backup_id": trend.newest_point.backup.backup_id,
        f"{noun}_count": trend.newest_value,
        "median": trend.median,
        "compared_with": len(trend.earlier_points),
        "max_drop_percent": percent,
    }
    if trend.newest_value is None:
        raise InsufficientDataError(f"The {noun} count of the newest recovery point is unknown.", evidence)
    reason = f"{trend.describe(noun)} (limit: {percent:g}% fewer)"
    if not _is_below(trend.newest_value, trend.median, percent):
        return compliant(f"{reason}.", evidence)
    # at least one is at or above the median
    healthy_point = next(it for it, value in trend.earlier_points if not _is_below(value, trend.median, percent))
    evidence["last_healthy"] = _build_point_evidence(subject, healthy_point, noun, read_value)
    reason = f"{reason}; last healthy recovery point: {_describe_point(subject, healthy_point)}."
    return non_compliant(reason, evidence, depends_on_absence_in=subject.backups.listings)


def _is_below(value: int, median: float, percent: float) -> bool:
    return value * 100 < median * (100 - percent)  # integer arithmetic: nothing is rounded at the limit


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
    text = point.backup.label
    if point.captured_at is not None:
        text += f" from {format_minute(point.captured_at)}"
    if expiry.expires is False:
        return f"{text}, never expires"
    if expiry.expires_at is None:
        return f"{text}, expiry unknown"
    return (
        f"{text}, expires on {format_minute(expiry.expires_at)}"
        f" ({format_distance(expiry.expires_at - subject.observed_at)})"
    )


def _format_optional_moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment is not None else None
