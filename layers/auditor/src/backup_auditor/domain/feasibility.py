"""Whether so many indexes could meet a policy at once within the quota of backups, whatever they are called."""

from dataclasses import dataclass

from backup_auditor.domain.policy import Policy
from backup_auditor.domain.requirements import Requirements
from backup_auditor.domain.slots import Fit, best_fit, least_slots


@dataclass(frozen=True, slots=True)
class Feasibility:
    """How many backups so many indexes take at the least: it depends on which rule each of them falls under."""

    indexes: int
    quota: int | None
    each: tuple[tuple[str, int], ...]
    """What one index takes under each rule that an index may fall under, and under `defaults`."""

    @property
    def least(self) -> int:
        """What they take where each falls under the rule that asks for least."""
        return self.indexes * min(slots for _, slots in self.each)

    @property
    def most(self) -> int:
        """What they take where each falls under the rule that asks for most."""
        return self.indexes * max(slots for _, slots in self.each)

    @property
    def is_impossible(self) -> bool:
        """Whether they cannot fit, whatever rules they fall under."""
        return self.quota is not None and self.least > self.quota

    @property
    def fit(self) -> Fit | None:
        """The best schedule that would fit all of them, if one would."""
        return None if self.quota is None else best_fit(self.indexes, self.quota)


def feasibility(policy: Policy, indexes: int) -> Feasibility:
    """Work out what so many indexes take; the defaults are never reached where a rule fits every index."""
    each: list[tuple[str, int]] = []
    for rule in policy.rules:
        each.append((rule.name, _slots(rule.require)))
        if rule.fits_everything:
            break
    else:
        each.append(("defaults", _slots(policy.defaults)))
    return Feasibility(indexes, policy.project.quota, tuple(each))


def _slots(require: Requirements) -> int:
    return least_slots(require.schedule) if require.schedule.required else 0
