"""When somebody is told again of what is still open: the worse it is, the more often."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from backup_auditor.domain.finding import Finding, Severity

EVERY_DAYS: Mapping[Severity, int] = {Severity.CRITICAL: 1, Severity.HIGH: 3, Severity.MEDIUM: 7}
"""The days between two reminders of one finding; a severity that is not here has none."""
_DAY = timedelta(days=1)


def has_reminder(findings: Iterable[Finding], observed_at: datetime, previous_at: datetime | None) -> bool:
    """Tell whether a reminder of any finding is due."""
    return any(is_due(it, observed_at, previous_at) for it in findings)


def is_due(finding: Finding, observed_at: datetime, previous_at: datetime | None) -> bool:
    """Tell whether this audit is the first since a finding's next reminder was due.

    Counted in days since the finding was first seen, to the nearest, so that an audit that comes late, or twice,
    reminds once, and a night that begins some minutes earlier than the one before, or later, reminds all the same.
    """
    period = EVERY_DAYS.get(finding.severity)
    if period is None or finding.first_seen is None or previous_at is None:
        return False
    first = finding.first_seen
    return _days(first, observed_at) // period > _days(first, previous_at) // period


def _days(first: datetime, moment: datetime) -> int:
    return (moment - first + _DAY / 2) // _DAY
