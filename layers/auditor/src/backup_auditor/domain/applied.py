"""What a policy requires of the indexes of a project, rule by rule, and of how many of them."""

from collections import Counter
from dataclasses import dataclass

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.requirements import Requirements


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """What is required of some live indexes."""

    name: str | None
    """`None` for the defaults, which hold where no rule fits."""
    indexes: int
    require: Requirements


def applied_rules(inventory: Inventory, policy: Policy) -> tuple[AppliedRule, ...]:
    """Return the rules of a policy in their order, and the defaults last, with how many indexes fall under each."""
    chosen = [policy.rule_for(it.index.name, it.index.tags) for it in inventory.indexes]
    found = Counter(None if it is None else id(it) for it in chosen)  # two rules may have one name
    rules = [AppliedRule(it.name, found[id(it)], it.require) for it in policy.rules]
    return (*rules, AppliedRule(None, found[None], policy.defaults))
