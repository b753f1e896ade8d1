"""Whether the newest recovery point holds far less than those before it: records or namespaces."""

from collections.abc import Callable
from datetime import datetime

from backup_auditor.domain.content import Series, series_of
from backup_auditor.domain.control import InsufficientError, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.facts import Backup
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.moments import format_distance, format_minute, format_moment
from backup_auditor.domain.standing import Standing
from backup_auditor.domain.wording import counted


def judge_decline(
    subject: IndexSubject, percent: float | None, thing: str, held: Callable[[Backup], int | None]
) -> Verdict:
    """Judge how much less of a thing, such as `record`, the newest recovery point holds than is usual."""
    if percent is None:
        return not_applicable(f"The policy sets no limit to how many {thing}s may go.")
    series = series_of(subject, held)
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
        raise InsufficientError(f"How many {thing}s its newest recovery point has is not told.", evidence)
    reason = (
        f"Its newest recovery point has {counted(series.value, thing)}, the median of those before is {series.median:,}"
    )
    if not _is_below(series.value, series.median, percent):
        return compliant(f"{reason}; {percent:g} % fewer are allowed.", evidence)
    healthy = last_healthy(series, percent)
    evidence["last_healthy"] = _evidence_of(subject, healthy, thing, held)
    reason = f"{reason}, {percent:g} % fewer are allowed; the last healthy one, {_told(subject, healthy)}."
    return non_compliant(reason, evidence, rests_on=subject.backups.listings)


def last_healthy(series: Series, percent: float) -> Standing:
    """Return the newest recovery point that is not below what is usual; at least one of them is the median or more."""
    return next(it for it, value in series.before if not _is_below(value, series.median, percent))


def _is_below(value: int, median: float, percent: float) -> bool:
    return value * 100 < median * (100 - percent)  # multiplied out: nothing is rounded at the limit


def _evidence_of(
    subject: IndexSubject, point: Standing, thing: str, held: Callable[[Backup], int | None]
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


def _told(subject: IndexSubject, point: Standing) -> str:
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
