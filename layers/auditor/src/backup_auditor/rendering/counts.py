"""The counts of a whole audit, as rows of a label and a text."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.verdict import read_so_much

_WORDS = {
    Compliance.NON_COMPLIANT: "non-compliant",
    Compliance.INSUFFICIENT_DATA: "not known",
    Compliance.COMPLIANT: "compliant",
    Compliance.NOT_APPLICABLE: "not applicable",
}


def count_rows(report: Report) -> list[tuple[str, str]]:
    """Count what was found, and tell how much it rests on."""
    found, opened = report.summary.findings, report.summary.open
    verdicts = ", ".join(f"{found[it]:,} {word}" for it, word in _WORDS.items())
    return [
        ("open", ", ".join(f"{number:,} {severity}" for severity, number in opened.items())),
        ("findings", f"{verdicts}; {report.summary.exempted:,} exempted"),
        ("coverage", _coverage(report.summary.coverage_percent)),
        *([("proposals", _proposals(len(report.proposals)))] if report.proposals is not None else []),
        ("read", read_so_much(report.inventory)),
        ("audited", f"{format_moment(report.observed_at)}, policy {report.policy_source}"),
    ]


def _proposals(count: int) -> str:
    return f"{counted(count, 'action')} would put something right; backup-auditor remediate shows which"


def _coverage(percent: float | None) -> str:
    if percent is None:
        return "none of what was read can be backed up"
    return f"{percent:g} % of what can be backed up has an enabled schedule and a recent recovery point"
