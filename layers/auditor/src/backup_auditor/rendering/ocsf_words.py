"""The words of OCSF's Compliance Finding that have numbers, and which of them a finding gets."""

from datetime import datetime
from typing import NamedTuple

from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.history import Resolved


class Word(NamedTuple):
    """A value that OCSF has a number for."""

    number: int
    name: str

    def under(self, key: str, number_key: str | None = None) -> dict[str, object]:
        """Return it as an event has it: the number and the name."""
        return {number_key or f"{key}_id": self.number, key: self.name}


CREATE, UPDATE, CLOSE = Word(1, "Create"), Word(2, "Update"), Word(3, "Close")
NEW, SUPPRESSED, RESOLVED = Word(1, "New"), Word(3, "Suppressed"), Word(4, "Resolved")
SEVERITIES = {
    Severity.LOW: Word(2, "Low"),
    Severity.MEDIUM: Word(3, "Medium"),
    Severity.HIGH: Word(4, "High"),
    Severity.CRITICAL: Word(5, "Critical"),
}
COMPLIANCE = {
    Compliance.COMPLIANT: Word(1, "Pass"),
    Compliance.NON_COMPLIANT: Word(3, "Fail"),
    Compliance.INSUFFICIENT_DATA: Word(2, "Warning"),  # by its words: no result, due to missing information
    Compliance.NOT_APPLICABLE: Word(99, "NOT_APPLICABLE"),  # a word of our own, as OCSF has none
}


def activity_of(finding: Finding, resolved: Resolved | None, observed_at: datetime) -> Word:
    """Tell whether a finding is closed, was known before, or is told for the first time as far as is known."""
    if resolved is not None:
        return CLOSE
    is_known = finding.first_seen is not None and finding.first_seen < observed_at
    return UPDATE if is_known else CREATE


def status_of(finding: Finding, resolved: Resolved | None) -> Word | None:
    """Tell how far a finding has come; one that never was a deviation has no status."""
    if resolved is not None:
        return RESOLVED
    if finding.exemption is not None:
        return SUPPRESSED
    return NEW if finding.compliance in (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA) else None
