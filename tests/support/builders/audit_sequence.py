"""Audits one night after the other for tests: the state goes from each audit to the next."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.evaluation.results import Coverage, Evaluation
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import advance
from backup_auditor.domain.lifecycle.state_change import LifecycleResult
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, KnownFinding, ProjectState
from backup_auditor.domain.reporting.report import compute_audit_id
from support.builders.facts import DAY, NOW, READ_FAILURE, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY, build_finding

NON_COMPLIANT = Compliance.NON_COMPLIANT
COMPLIANT = Compliance.COMPLIANT
NOT_APPLICABLE = Compliance.NOT_APPLICABLE
INSUFFICIENT_DATA = Compliance.INSUFFICIENT_DATA
HEALTHY_INVENTORY = build_inventory(build_index("orders"))
INCOMPLETE_INVENTORY = replace(HEALTHY_INVENTORY, indexes_failure=READ_FAILURE)


def build_verdict(compliance: Compliance = NON_COMPLIANT, **facts: Any) -> Finding:
    """Build the finding that one control has on `orders`."""
    return build_finding(compliance=compliance, **facts)


class AuditSequence:
    """Nightly audits of one project: the first at `NOW`, each a day after the one before."""

    def __init__(self) -> None:
        """Start with an empty state."""
        self.state: ProjectState = EMPTY_STATE
        self.audit_count = 0

    def audit_with_findings(
        self,
        *findings: Finding,
        inventory: Inventory = HEALTHY_INVENTORY,
        policy: Policy = BUILT_IN_POLICY,
        audit_id: str | None = None,
        observed_at: datetime | None = None,
    ) -> LifecycleResult:
        """Audit the next night, with these findings whatever was read."""
        if observed_at is None:
            observed_at = NOW + self.audit_count * DAY
            self.audit_count += 1
        evaluation = Evaluation(findings, Coverage(0, 0, 0), frozenset())
        dated_inventory = replace(inventory, observed_at=observed_at)
        result = advance(
            self.state, dated_inventory, policy, evaluation.findings, audit_id or f"audit-{self.audit_count}"
        )
        self.state = result.state
        return result

    def audit(
        self, inventory: Inventory, policy: Policy = BUILT_IN_POLICY, *, observed_at: datetime | None = None
    ) -> LifecycleResult:
        """Audit the next night by the whole catalogue."""
        dated_inventory = replace(inventory, observed_at=observed_at or NOW + self.audit_count * DAY)
        self.audit_count += observed_at is None
        evaluation = evaluate_controls(dated_inventory, policy, CATALOG, self.state)
        result = advance(
            self.state, dated_inventory, policy, evaluation.findings, compute_audit_id(dated_inventory, policy)
        )
        self.state = result.state
        return result

    @property
    def only_finding(self) -> KnownFinding:
        """The only finding that is known."""
        (finding,) = self.state.findings.values()
        return finding


def list_lifecycles(result: LifecycleResult) -> list[str | None]:
    """Return the lifecycle of each finding."""
    return [it.lifecycle for it in result.findings]


def get_audit_time(number: int, offset: timedelta = timedelta()) -> datetime:
    """Return the moment of an audit of `Nights`, the first being 0."""
    return NOW + number * DAY + offset
