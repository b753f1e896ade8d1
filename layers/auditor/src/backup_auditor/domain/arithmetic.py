"""The arithmetic of quotas, as findings show it: what each index takes, and what would fit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backup_auditor.domain.moments import days
from backup_auditor.domain.slots import Fit

SHOWN = 20
"""How many indexes are shown one by one, those that take most first."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one index takes of a quota."""

    index: str
    taken: int
    detail: Mapping[str, object]
    """JSON: how that comes about."""


def per_index(shares: Iterable[Share]) -> dict[str, object]:
    """Show what each index takes, and what the rest of many take together."""
    ranked = sorted(shares, key=lambda it: (-it.taken, it.index))
    found: dict[str, object] = {"most": [{"index": it.index, **it.detail} for it in ranked[:SHOWN]]}
    rest = ranked[SHOWN:]
    if rest:
        found["others"] = {"indexes": len(rest), "taken": sum(it.taken for it in rest)}
    return found


def evidence_of_fit(fit: Fit | None, indexes: int) -> dict[str, object] | None:
    """Show which schedule would fit each of so many indexes; `None` where none would."""
    if fit is None:
        return None
    return {
        "indexes": indexes,
        "frequency": fit.frequency.value,
        "retention_days": days(fit.retention),
        "slots": fit.slots,
        "slots_together": fit.slots * indexes,
    }


def told_fit(fit: Fit | None, indexes: int) -> str:
    """Say which schedule would fit."""
    if fit is None:
        return "no schedule for each of them would fit" if indexes else "no schedule takes any of it"
    each = "the scheduled index" if indexes == 1 else f"each of the {indexes:,} scheduled indexes"
    return f"{fit.frequency} backups kept {days(fit.retention)} d would fit, for {each}"
