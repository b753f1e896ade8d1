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

LOOKED_BACK = 7
"""With how many recovery points the newest is compared, at most."""
NEWEST_IS_UNKNOWN = "Some of its Ready backups tell no time at which they were taken: which is the newest is not known."
"""Why nothing can be said of the newest recovery point."""


@dataclass(frozen=True, slots=True)
class ContentTrend:
    """The newest recovery point, and what those before it hold."""

    newest: BackupRecord
    value: int | None
    """What the newest holds; `None` where that is not told."""
    before: tuple[tuple[BackupRecord, int], ...]
    """The recovery points that it is compared with, newest first, and what each holds."""

    @property
    def median(self) -> float:
        """What is usual: the median of those before."""
        held = sorted(value for _, value in self.before)
        middle = len(held) // 2
        twice = held[middle] + held[-middle - 1]
        return twice / 2 if twice % 2 else twice // 2


def content_trend(subject: IndexContext, held: Callable[[Backup], int | None]) -> ContentTrend | None:
    """Return what recovery points hold; `None` where there is nothing to compare. Those that do not tell are skipped.

    Raises `InsufficientDataError` where it is not known which is the newest.
    """
    backups = subject.backups
    points = backups.recovery_points
    if backups.undated_recovery_points:
        undated = sorted(it.backup.backup_id for it in backups.undated_recovery_points)
        raise InsufficientDataError(NEWEST_IS_UNKNOWN, {"undated": undated})
    backups.need_listing()
    told = ((it, value) for it in points[1:] if (value := held(it.backup)) is not None)
    before = tuple(islice(told, LOOKED_BACK))
    if not before:
        return None
    return ContentTrend(points[0], held(points[0].backup), before)


def judge_content_drop(
    subject: IndexContext, percent: float | None, thing: str, held: Callable[[Backup], int | None]
) -> Verdict:
    """Judge how much less of a thing, such as `record`, the newest recovery point holds than is usual."""
    if percent is None:
        return not_applicable(f"The policy sets no limit to how many {thing}s may go.")
    series = content_trend(subject, held)
    if series is None:
        return not_applicable("It has no earlier recovery point to compare the newest with.")
    evidence: dict[str, object] = {
        "backup_id": series.newest.backup.backup_id,
        f"{thing}_count": series.value,
        "median": series.median,
        "compared_with": len(series.before),
        "max_drop_percent": percent,
    }
    if series.value is None:
        raise InsufficientDataError(f"How many {thing}s its newest recovery point has is not told.", evidence)
    newest = pluralize(series.value, thing)
    reason = f"Its newest recovery point has {newest}, the median of those before is {series.median:,}"
    if not _is_below(series.value, series.median, percent):
        return compliant(f"{reason}; {percent:g} % fewer are allowed.", evidence)
    healthy = last_healthy(series, percent)
    evidence["last_healthy"] = _evidence_of(subject, healthy, thing, held)
    reason = f"{reason}, {percent:g} % fewer are allowed; the last healthy one, {_describe(subject, healthy)}."
    return non_compliant(reason, evidence, rests_on=subject.backups.listings)


def last_healthy(series: ContentTrend, percent: float) -> BackupRecord:
    """Return the newest recovery point that is not below what is usual; at least one of them is the median or more."""
    return next(it for it, value in series.before if not _is_below(value, series.median, percent))


def _is_below(value: int, median: float, percent: float) -> bool:
    return value * 100 < median * (100 - percent)  # multiplied out: nothing is rounded at the limit


def _evidence_of(
    subject: IndexContext, point: BackupRecord, thing: str, held: Callable[[Backup], int | None]
) -> dict[str, object]:
    expiry = subject.backups.expiry(point)
    return {
        "backup_id": point.backup.backup_id,
        "name": point.backup.name,
        "captured_at": _shown(point.captured_at),
        f"{thing}_count": held(point.backup),
        "expires": expiry.expires,
        "expires_at": _shown(expiry.at),
    }


def _describe(subject: IndexContext, point: BackupRecord) -> str:
    expiry = subject.backups.expiry(point)
    taken = f"{point.backup.name or point.backup.backup_id}"
    if point.captured_at is not None:
        taken += f" of {format_minute(point.captured_at)}"
    if expiry.expires is False:
        return f"{taken}, never expires"
    if expiry.at is None:
        return f"{taken}, expires at a time that is not known"
    return f"{taken}, expires on {format_minute(expiry.at)}, {format_distance(expiry.at - subject.observed_at)}"


def _shown(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment is not None else None
