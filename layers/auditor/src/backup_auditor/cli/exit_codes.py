"""The exit code of a result. The codes themselves are in `backup_auditor.cli`, which every start imports."""

from collections.abc import Collection, Iterable

from backup_auditor.cli import INCOMPLETE, NON_COMPLIANT, NOT_AUDITED, OK
from backup_auditor.domain.checkup import Check, CheckStatus, count_checks
from backup_auditor.domain.discovery import Discovery
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.drills.selection import SkippedDrill
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.remediation.plan import APPLIED_STATES, ActionResult, ActionState, SkippedAction
from backup_auditor.domain.reporting.report import Report

_CODES_WORST_FIRST = (NOT_AUDITED, INCOMPLETE, NON_COMPLIANT, OK)


def choose_audit_exit_code(report: Report, fail_on: str, *, has_record_error: bool = False) -> int:
    """Return 3 if anything is unknown or not recorded, else 1 if any finding at or above `fail_on` is open, else 0."""
    if has_record_error or any(it.is_unknown for it in report.findings) or not report.is_complete:
        return INCOMPLETE
    if fail_on == "never":
        return OK
    min_rank = Severity(fail_on).rank
    return NON_COMPLIANT if any(it.is_open and it.severity.rank >= min_rank for it in report.findings) else OK


def choose_worst_exit_code(codes: Iterable[int]) -> int:
    """Return the code of several audits: the one that leaves most unknown."""
    return min(codes, key=_CODES_WORST_FIRST.index)


def choose_doctor_exit_code(checks: Collection[Check]) -> int:
    """Return 1 if a check failed, else 0. A skipped check does not count: its reason needs no correction."""
    return NON_COMPLIANT if count_checks(checks, CheckStatus.FAIL) else OK


def choose_discovery_exit_code(discovery: Discovery) -> int:
    """Return 3 if anything is unknown, else 1 if a project is not registered or gone, else 0."""
    if not discovery.is_complete:
        return INCOMPLETE
    return NON_COMPLIANT if discovery.has_differences else OK


def choose_plan_exit_code(skipped: Iterable[SkippedAction | SkippedDrill]) -> int:
    """Return 3 if a plan skips something because of a read error, else 0."""
    return INCOMPLETE if any(it.is_unknown for it in skipped) else OK


def choose_drill_exit_code(records: Iterable[DrillRecord]) -> int:
    """Return 3 if a drill is not finished or has no known result, 1 if one did not pass or leaves an index, else 0."""
    codes = [OK]
    for record in records:
        if record.result in {None, DrillResult.UNKNOWN} or record.is_in_progress:
            codes.append(INCOMPLETE)
        elif record.result is not DrillResult.PASSED or record.is_open:
            codes.append(NON_COMPLIANT)
    return choose_worst_exit_code(codes)


def choose_remediation_exit_code(results: Collection[ActionResult], *, is_refused: bool) -> int:
    """Return 3 if an outcome is unknown, 2 if the project refused before the first write, else 0 or 1.

    0 means that every action of the plan was successful.
    """
    states = {it.state for it in results}
    if ActionState.UNKNOWN in states:
        return INCOMPLETE
    if is_refused and not states & APPLIED_STATES:
        return NOT_AUDITED
    return OK if all(it.is_successful for it in results) else NON_COMPLIANT
