"""Audits one night after the other for tests: what is remembered goes from each to the next."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import Coverage, Evaluation, evaluate_controls
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import LifecycleResult, advance
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, KnownFinding, ProjectState
from backup_auditor.domain.reporting.report import compute_audit_id
from support.builders.facts import BROKEN, DAY, NOW, index, inventory
from support.builders.reports import BUILT_IN, finding

NON_COMPLIANT = Compliance.NON_COMPLIANT
COMPLIANT = Compliance.COMPLIANT
NOT_APPLICABLE = Compliance.NOT_APPLICABLE
INSUFFICIENT = Compliance.INSUFFICIENT_DATA
USUAL = inventory(index("orders"))
INCOMPLETE = replace(USUAL, indexes_failure=BROKEN)


def verdict(compliance: Compliance = NON_COMPLIANT, **facts: Any) -> Finding:
    """Build the finding that one control has on `orders`."""
    return finding(compliance=compliance, **facts)


class Nights:
    """Nightly audits of one project: the first at `NOW`, each a day after the one before."""

    def __init__(self) -> None:
        """Remember nothing."""
        self.memory: ProjectState = EMPTY_STATE
        self.count = 0

    def judged(
        self,
        *findings: Finding,
        told: Inventory = USUAL,
        policy: Policy = BUILT_IN,
        audit_id: str | None = None,
        at: datetime | None = None,
    ) -> LifecycleResult:
        """Audit the next night, with these findings whatever was read."""
        if at is None:
            at = NOW + self.count * DAY
            self.count += 1
        judgement = Evaluation(findings, Coverage(0, 0, 0), frozenset())
        inventory_then = replace(told, observed_at=at)
        outcome = advance(self.memory, inventory_then, policy, judgement, audit_id or f"audit-{self.count}")
        self.memory = outcome.state
        return outcome

    def audited(self, told: Inventory, policy: Policy = BUILT_IN, *, at: datetime | None = None) -> LifecycleResult:
        """Audit the next night by the whole catalogue."""
        inventory_then = replace(told, observed_at=at or NOW + self.count * DAY)
        self.count += at is None
        judgement = evaluate_controls(inventory_then, policy, CATALOG, self.memory)
        outcome = advance(self.memory, inventory_then, policy, judgement, compute_audit_id(inventory_then, policy))
        self.memory = outcome.state
        return outcome

    @property
    def known(self) -> KnownFinding:
        """The only finding that is known."""
        (known,) = self.memory.findings.values()
        return known


def lifecycles(outcome: LifecycleResult) -> list[str | None]:
    """Return the lifecycle of each finding."""
    return [it.lifecycle for it in outcome.findings]


def night(number: int, further: timedelta = timedelta()) -> datetime:
    """Return the moment of an audit of `Nights`, the first being 0."""
    return NOW + number * DAY + further
