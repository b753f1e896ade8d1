"""What the exit code of an audit says."""

from collections.abc import Iterable

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.report import Report

WELL = 0
NON_COMPLIANT = 1
NOTHING_AUDITED = 2
INCOMPLETE = 3

_WORST_FIRST = (NOTHING_AUDITED, INCOMPLETE, NON_COMPLIANT, WELL)


def exit_code(report: Report, fail_on: str) -> int:
    """Return 3 where anything is not known, else 1 where anything at or above `fail_on` is open, else 0."""
    unknown = any(it.compliance is Compliance.INSUFFICIENT_DATA and it.exemption is None for it in report.findings)
    if unknown or not report.is_complete:
        return INCOMPLETE
    if fail_on == "never":
        return WELL
    least = Severity(fail_on).rank
    return NON_COMPLIANT if any(it.is_open and it.severity.rank >= least for it in report.findings) else WELL


def worst(codes: Iterable[int]) -> int:
    """Return the code of several audits: the one that leaves most unknown."""
    return min(codes, key=_WORST_FIRST.index)
