"""Verdicts: the results of controls, and the error of a control that lacks a fact."""

from dataclasses import dataclass, field

from backup_auditor.domain.finding import Compliance, Evidence, Exemption, Severity
from backup_auditor.domain.listing import ListingId


class InsufficientDataError(Exception):
    """A fact that a control needs is unknown. The evaluator turns it into the verdict."""

    def __init__(self, reason: str, evidence: Evidence | None = None, exemption: Exemption | None = None) -> None:
        """Take a sentence that says which fact is unknown, and why; `exemption` accepts what the verdict is about."""
        super().__init__(reason)
        self.reason = reason
        self.evidence: Evidence = evidence or {}
        self.exemption = exemption


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one control for one resource."""

    compliance: Compliance
    reason: str
    """One sentence that names the figures."""
    evidence: Evidence = field(default_factory=dict)
    """The JSON values that the verdict was computed from."""
    severity: Severity | None = None
    """The severity, if it differs from the control's default."""
    depends_on_absence_in: tuple[ListingId, ...] = ()
    """The listings in which a further row could change the verdict. It needs a second read that agrees."""
    exemption: Exemption | None = None
    """The exemption that accepts every backup that the verdict is about."""


def compliant(reason: str, evidence: Evidence | None = None) -> Verdict:
    """Return the verdict that the requirement is met."""
    return Verdict(Compliance.COMPLIANT, reason, evidence or {})


def decide(reason: str, evidence: Evidence, *, is_compliant: bool) -> Verdict:
    """Return whether the requirement is met, with the same reason and evidence in both cases."""
    return compliant(reason, evidence) if is_compliant else non_compliant(reason, evidence)


def not_applicable(reason: str, evidence: Evidence | None = None) -> Verdict:
    """Return the verdict that there is nothing to evaluate."""
    return Verdict(Compliance.NOT_APPLICABLE, reason, evidence or {})


def non_compliant(
    reason: str,
    evidence: Evidence | None = None,
    *,
    severity: Severity | None = None,
    depends_on_absence_in: tuple[ListingId, ...] = (),
    exemption: Exemption | None = None,
) -> Verdict:
    """Return the verdict that the requirement is not met. Further rows in `depends_on_absence_in` could change it."""
    return Verdict(Compliance.NON_COMPLIANT, reason, evidence or {}, severity, depends_on_absence_in, exemption)
