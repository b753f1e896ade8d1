"""The controls as the rules of a SARIF log."""

from collections.abc import Sequence

from backup_auditor.domain.evaluation import AnyControl
from backup_auditor.domain.finding import Severity
from backup_auditor.rendering.controls import controls_markdown

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""In the middle of what GitHub shows as critical, high, medium and low."""


def level_of(severity: Severity) -> str:
    """Return the level of a result, of which SARIF has one fewer than there are severities."""
    return _LEVELS[severity]


def rules(controls: Sequence[AnyControl]) -> list[dict[str, object]]:
    """Describe each control as a rule."""
    return [
        {
            "id": it.id,
            "shortDescription": {"text": f"{it.title}."},
            "fullDescription": {"text": f"Non-compliant when: {it.fails_when}"},
            "help": {"text": f"{it.rationale} {it.remediation}", "markdown": controls_markdown([it])},
            "defaultConfiguration": {"level": level_of(it.severity)},
            "properties": {
                "severity": it.severity,
                "security-severity": _SCORES[it.severity],
                "tags": ["security", it.family, *it.guidance.frameworks],
            },
        }
        for it in controls
    ]
