"""How many recovery points an index has, as far as that is known."""

from dataclasses import dataclass

from backup_auditor.domain.index_backups import IndexBackups
from backup_auditor.domain.wording import counted


@dataclass(frozen=True, slots=True)
class Copies:
    """How many recovery points an index has among the backups that are known."""

    at_least: int
    at_most: int
    doubt: str
    """Why the two differ, if they do; without its stop."""

    @property
    def shown(self) -> str:
        """The number, with its noun."""
        if self.at_least == self.at_most:
            return counted(self.at_least, "recovery point")
        return f"{self.at_least} to {self.at_most} recovery points"

    @property
    def evidence(self) -> dict[str, object]:
        """The number as evidence; `recovery_points` is the sure ones."""
        return {"recovery_points": self.at_least, "recovery_points_at_most": self.at_most}


def copies_of(backups: IndexBackups) -> Copies:
    """Count the recovery points: those without any time, or of an index that is in doubt, may be some or none."""
    if backups.identity.doubt is not None and not backups.has_none:
        return Copies(0, len(backups.candidates), backups.identity.doubt)
    sure = len(backups.recovery_points)
    undated = len(backups.undated_recovery_points)
    return Copies(sure, sure + undated, "some of its Ready backups tell no time at which they were taken")
