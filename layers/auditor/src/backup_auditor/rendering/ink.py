"""Colours for a terminal, or none."""

from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance, Severity

_CODES = {
    Severity.CRITICAL: "1;31",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Compliance.NON_COMPLIANT: "1;31",
    Compliance.INSUFFICIENT_DATA: "1;33",
    Compliance.COMPLIANT: "1;32",
    Compliance.NOT_APPLICABLE: "2",
}


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours a text, where colours are wanted."""

    is_coloured: bool

    def of(self, meaning: Severity | Compliance, text: str) -> str:
        """Return a text in the colour of a severity or a verdict."""
        return self._in(_CODES[meaning], text)

    def strong(self, text: str) -> str:
        """Return a text that stands out."""
        return self._in("1", text)

    def faint(self, text: str) -> str:
        """Return a text that stands back."""
        return self._in("2", text)

    def _in(self, codes: str, text: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.is_coloured and text else text
