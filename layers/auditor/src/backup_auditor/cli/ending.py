"""What the exit code of an audit says, and that of a plan that was carried out."""

from collections.abc import Collection, Iterable

from backup_auditor.cli.exit_codes import INCOMPLETE, NON_COMPLIANT, NOTHING_AUDITED, WELL
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import WRITTEN, ActionState, Result
from backup_auditor.domain.report import Report

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


def plan_code(plan: Plan) -> int:
    """Return 3 where a plan leaves something out because it could not be read, else 0."""
    return INCOMPLETE if any(it.is_unknown for it in plan.left_out) else WELL


def remediation_code(results: Collection[Result], *, is_refused: bool) -> int:
    """Return 3 where an outcome is unknown, 2 where the project refused before anything was written, else 0 or 1.

    0 says that the policy is satisfied by what stands there, as far as the actions of the plan go.
    """
    states = {it.state for it in results}
    if ActionState.UNKNOWN in states:
        return INCOMPLETE
    if is_refused and not states & WRITTEN:
        return NOTHING_AUDITED
    return WELL if all(it.is_well for it in results) else NON_COMPLIANT
