"""What of a report concerns a channel: the findings at or above its least severity, by what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.history import Resolved
from backup_auditor.domain.report import Report

_OPENED = ("new", "reopened")


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a report that a channel hears of. Exempted findings are nobody's alert."""

    report: Report
    severity: Severity
    """Findings below it are left out."""

    @property
    def open(self) -> tuple[Finding, ...]:
        """What is non-compliant, the worst first, otherwise in the order of the report."""
        return _worst_first(it for it in self._heard if it.is_open)

    @property
    def opened(self) -> tuple[Finding, ...]:
        """What this audit opened, for the first time or again."""
        return tuple(it for it in self.open if it.lifecycle in _OPENED)

    @property
    def still_open(self) -> tuple[Finding, ...]:
        """What was open before and was found again."""
        return tuple(it for it in self.open if it.lifecycle not in _OPENED)

    @property
    def out_of_sight(self) -> tuple[Finding, ...]:
        """What was open before and cannot be judged now: it is not resolved."""
        return _worst_first(it for it in self._unknown if it.lifecycle is not None)

    @property
    def lasting(self) -> tuple[Finding, ...]:
        """What was open before and is not resolved."""
        return _worst_first((*self.still_open, *self.out_of_sight))

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """What could not be judged, known before or not."""
        return _worst_first(self._unknown)

    @property
    def resolved(self) -> tuple[Resolved, ...]:
        """What this audit resolved, the worst first."""
        heard = (it for it in self.report.resolved if it.severity.rank >= self.severity.rank)
        return tuple(sorted(heard, key=lambda it: -it.severity.rank))

    @property
    def is_well(self) -> bool:
        """Whether nothing is open and nothing unknown: what could not be read may hide anything."""
        return self.report.is_complete and not any(it.is_open for it in self._heard) and not any(self._unknown)

    @property
    def _heard(self) -> Iterable[Finding]:
        return (it for it in self.report.findings if it.severity.rank >= self.severity.rank)

    @property
    def _unknown(self) -> Iterable[Finding]:
        unknown = Compliance.INSUFFICIENT_DATA
        return (it for it in self._heard if it.compliance is unknown and it.exemption is None)


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda it: -it.severity.rank))
