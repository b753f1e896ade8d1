"""Build the report of one audit: what was evaluated, what was found, and what could not be read."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from backup_auditor.domain.backup_status import is_scheduled_run
from backup_auditor.domain.evaluation.results import AuditFigures, Coverage, Evaluation, IndexDrills, Timeline
from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.inventory import Inventory, hash_inventory
from backup_auditor.domain.lifecycle.state_change import LifecycleResult
from backup_auditor.domain.listing import ReadFailure, list_rows
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, PastAudit, ResolvedFinding, count_open_by_severity
from backup_auditor.domain.remediation.plan import Proposal
from backup_auditor.domain.warnings import find_policy_warnings

SCHEMA_VERSION = "1"


@dataclass(frozen=True, slots=True)
class InventoryCounts:
    """The number of resources that were read."""

    indexes: int
    backups: int
    """Listed backups in any state, without planned runs."""
    recovery_points: int
    schedules: int
    runs: int
    """Rows of all histories, including planned runs."""
    requests: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of findings."""

    findings: Mapping[Compliance, int]
    open: Mapping[Severity, int]
    exempted: int
    coverage_percent: float | None
    """Truncated to one decimal; `None` if no index can be backed up."""


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """The requirements for some live indexes."""

    name: str | None
    """`None` for the defaults, which apply if no rule matches."""
    index_count: int
    requirements: Requirements


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one audit."""

    audit_id: str
    observed_at: datetime
    compliance: Compliance
    project: str
    project_id: str | None
    policy_source: str
    policy_sha256: str
    inventory: InventoryCounts
    summary: Summary
    findings: tuple[Finding, ...]
    resolved_findings: tuple[ResolvedFinding, ...]
    drift: tuple[Drift, ...]
    read_failures: tuple[ReadFailure, ...]
    history: tuple[PastAudit, ...] = ()
    """The audits before this one, the oldest first; empty if there is none."""
    proposals: tuple[Proposal, ...] | None = None
    """The proposed actions; `None` if the policy allows no proposals."""
    rules: tuple[AppliedRule, ...] = ()
    """The requirements of the policy; empty in a report that was read from a file."""
    coverage: Coverage | None = field(default=None, compare=False)
    """The counts that `coverage_percent` is computed from; `None` in a report that was read from a file."""
    figures: AuditFigures = field(default_factory=AuditFigures, compare=False)
    """The figures of metrics and the page; empty in a report that was read from a file."""
    timelines: Iterable[Timeline] = field(default=(), compare=False)
    """The timeline of each index that can be backed up, sorted by name; empty in a report that was read from a file."""
    restore_drills: tuple[IndexDrills, ...] = ()
    """The restore drills of each live index that has some or of which the policy requires one, sorted by name."""
    warnings: tuple[str, ...] = ()
    """Sentences about what is worth checking but is not a finding, sorted. They do not change the exit code."""

    @property
    def is_complete(self) -> bool:
        """Whether there is no read error."""
        return not self.read_failures

    @property
    def has_history(self) -> bool:
        """Whether it knows of an earlier audit; in a first audit everything is new."""
        has_older_findings = any(it.lifecycle in {"reopened", "ongoing"} for it in self.findings)
        return has_older_findings or bool(self.resolved_findings or self.drift or self.history)

    def with_warnings(self, *sentences: str) -> "Report":
        """Return the same report with further warnings, each once, sorted."""
        return replace(self, warnings=tuple(sorted({*self.warnings, *sentences})))


def make_report(
    inventory: Inventory, policy: Policy, evaluation: Evaluation, lifecycle_result: LifecycleResult | None = None
) -> Report:
    """Return the report of an audit, without proposals. The same arguments give the same report.

    Without `lifecycle_result` it says nothing about earlier audits.
    """
    lifecycle = lifecycle_result or LifecycleResult(
        compute_audit_id(inventory, policy), EMPTY_STATE, evaluation.findings
    )
    worst_compliances = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)
    compliances = {it.compliance for it in evaluation.findings if it.exemption is None}
    report = Report(
        audit_id=lifecycle.audit_id,
        observed_at=inventory.observed_at,
        compliance=next((it for it in worst_compliances if it in compliances), Compliance.COMPLIANT),
        project=inventory.project,
        project_id=inventory.project_id,
        policy_source=policy.source,
        policy_sha256=policy.sha256,
        inventory=_count_inventory(inventory, evaluation),
        summary=_summarize(evaluation),
        findings=lifecycle.findings,
        resolved_findings=lifecycle.resolved_findings,
        drift=lifecycle.drift,
        read_failures=inventory.read_failures,
        history=lifecycle.state.find_history_before(inventory.observed_at),
        rules=_build_applied_rules(inventory, policy),
        coverage=evaluation.coverage,
        figures=evaluation.figures,
        timelines=evaluation.timelines,
        restore_drills=evaluation.restore_drills,
    )
    return report.with_warnings(*find_policy_warnings(policy, inventory))


def compute_audit_id(inventory: Inventory, policy: Policy) -> str:
    """Return the id of an audit, which depends on project, time, facts and policy, and not on the state."""
    parts = (inventory.project, inventory.observed_at.isoformat(), hash_inventory(inventory), policy.sha256)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def _build_applied_rules(inventory: Inventory, policy: Policy) -> tuple[AppliedRule, ...]:
    """Return the rules of a policy in their order, and the defaults last, with how many indexes fall under each."""
    index_rules = [policy.find_rule(it.index.name, it.index.tags) for it in inventory.indexes]
    index_counts = Counter(None if it is None else id(it) for it in index_rules)  # two rules may have one name
    rules = [AppliedRule(it.name, index_counts[id(it)], it.requirements) for it in policy.rules]
    return (*rules, AppliedRule(None, index_counts[None], policy.defaults))


def _count_inventory(inventory: Inventory, evaluation: Evaluation) -> InventoryCounts:
    scheduled_count = sum(is_scheduled_run(it, inventory.observed_at) for it in inventory.backups.rows)
    return InventoryCounts(
        indexes=len(inventory.indexes),
        backups=len(inventory.backups.rows) - scheduled_count,
        recovery_points=evaluation.coverage.recovery_points,
        schedules=sum(len(list_rows(facts.schedules)) for facts in inventory.indexes),
        runs=sum(len(history.rows) for history in inventory.histories.values()),
        requests=inventory.requests,
    )


def _summarize(evaluation: Evaluation) -> Summary:
    compliance_counts = Counter(it.compliance for it in evaluation.findings)
    coverage = evaluation.coverage
    return Summary(
        findings={it: compliance_counts[it] for it in Compliance},
        open=count_open_by_severity(evaluation.findings),
        exempted=sum(it.exemption is not None for it in evaluation.findings),
        coverage_percent=coverage.protected_indexes * 1000 // coverage.indexes / 10 if coverage.indexes else None,
    )
