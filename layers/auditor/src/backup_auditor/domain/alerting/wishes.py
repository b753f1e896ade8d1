"""What somebody may write of a channel: from which severity on it hears, and whether it hears that all is well."""

from backup_auditor.domain.finding import Severity

WEEKLY = "weekly"
NEVER = "never"


def least_severity(text: str) -> Severity:
    """Read a severity. Raises `ValueError`, which does not repeat the text."""
    if text not in set(Severity):
        raise ValueError(f"is no severity; write {', '.join(tuple(Severity)[:-1])} or {tuple(Severity)[-1]}")
    return Severity(text)


def tells_all_is_well(text: str) -> bool:
    """Read whether a channel hears once a week that nothing is open. Raises `ValueError`."""
    if text not in {WEEKLY, NEVER}:
        raise ValueError(f"is neither {WEEKLY} nor {NEVER}; write one of them")
    return text == WEEKLY
