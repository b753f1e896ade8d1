"""What of a report concerns a channel: the findings at or above its least severity, by what became of them."""

from collections.abc import Iterable
from functools import cached_property

from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.history import Resolved
from backup_auditor.domain.report import Report

_OPENED = ("new", "reopened")
_RANKS = {it: it.rank for it in Severity}


class Selection:
    """The part of a report that a channel hears of. Exempted findings are nobody's alert."""

    def __init__(self, report: Report, severity: Severity) -> None:
        """Leave out what lies below a severity."""
        self.report = report
        self.severity = severity

    @cached_property
    def open(self) -> tuple[Finding, ...]:
        """What is non-compliant, the worst first, otherwise in the order of the report."""
        return _worst_first(it for it in self._heard if it.is_open)

    @cached_property
    def opened(self) -> tuple[Finding, ...]:
        """What this audit opened, for the first time or again."""
        return tuple(it for it in self.open if it.lifecycle in _OPENED)

    @cached_property
    def still_open(self) -> tuple[Finding, ...]:
        """What was open before and was found again."""
        return tuple(it for it in self.open if it.lifecycle not in _OPENED)

    @cached_property
    def out_of_sight(self) -> tuple[Finding, ...]:
        """What was open before and cannot be judged now: it is not resolved."""
        return _worst_first(it for it in self.unknown if it.lifecycle is not None)

    @cached_property
    def lasting(self) -> tuple[Finding, ...]:
        """What was open before and is not resolved."""
        return _worst_first((*self.still_open, *self.out_of_sight))

    @cached_property
    def unknown(self) -> tuple[Finding, ...]:
        """What could not be judged, known before or not."""
        unknown = Compliance.INSUFFICIENT_DATA
        return tuple(it for it in self._heard if it.compliance is unknown and it.exemption is None)

    @cached_property
    def resolved(self) -> tuple[Resolved, ...]:
        """What this audit resolved, the worst first."""
        heard = (it for it in self.report.resolved if _RANKS[it.severity] >= _RANKS[self.severity])
        return tuple(sorted(heard, key=lambda it: -_RANKS[it.severity]))

    @cached_property
    def is_well(self) -> bool:
        """Whether nothing is open and nothing unknown: what could not be read may hide anything."""
        return self.report.is_complete and not self.open and not self.unknown

    @cached_property
    def _heard(self) -> tuple[Finding, ...]:
        least = _RANKS[self.severity]
        return tuple(it for it in self.report.findings if _RANKS[it.severity] >= least)


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda it: -_RANKS[it.severity]))
