"""Audit one registered project on AWS: record, measure and publish."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from shlex import quote
from typing import Protocol

from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.domain.audit_failure import FailedAudit
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.events import AuditRequest
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry, build_warnings, find_shared_by_secret
from backup_auditor.domain.reporting.metrics import compute_audit_metrics, compute_open_by_severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    EntryMismatchError,
    FutureAuditError,
    ProjectMismatchError,
    describe_failure,
)
from backup_auditor.ports.messaging import ContextLog, MetricEmitter
from backup_auditor.ports.pinecone import NoProgress, ProjectReader
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.rendering.events import build_audit_events
from backup_auditor.rendering.formats.json import load_report


class ProjectDependencies(Protocol):
    """What an audit and a remediation on AWS need from outside. Nothing is loaded or opened before it is needed."""

    log: ContextLog

    @property
    def emit(self) -> MetricEmitter:
        """The emitter of metrics."""

    def load_registry(self, name: str | None) -> Registry:
        """Return the registry that has a project. Raises `RegistryError` and `DocumentError`."""

    def load_policy(self, project: RegisteredProject) -> Policy:
        """Return the policy of a project. Raises `PolicyError` and `DocumentError`."""

    def open_reader(self, key: str) -> AbstractContextManager[ProjectReader]:
        """Open the project of a key for reading, with a deadline that fits the time left."""

    def now(self) -> datetime:
        """Return the present time."""


class AuditDependencies(ProjectDependencies, Protocol):
    """What one audit on AWS needs from outside."""

    def load_key(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        """Return the key of a project; with `fresh` not from a cache. Raises `SecretError`."""

    def open_store(self) -> StateStore:
        """Open the state store."""

    def open_evidence(self) -> EvidenceStore:
        """Open the evidence store."""

    def find_recorded_report(self, project: str) -> StoredReport | None:
        """Return the stored report of the audit that was recorded for the request; `None` if there is none."""

    def publish_events(self, project: str) -> None:
        """Publish the events of a project's audits."""

    def record_failure(self, project: str, failed_audit: FailedAudit) -> None:
        """Record that the request failed in all attempts, so that `watch` notifies the project. Raises `StateError`."""

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""


_FAILURE_METRICS = {"AuditCompleted": 0}
"""Without `AuditComplete`, which would stay at 0 until the next night even if a retry succeeds."""
_OTHER_KEY_ERRORS = (BadKeyError, EntryMismatchError, ProjectMismatchError)
"""Errors after which the secret may have another key by now."""
_MAX_REASON_LENGTH = 1000
_MAX_LOGGED_FINDINGS = 500
"""Number of findings that are logged, the most severe first. The report has all findings."""


def audit_project(request: AuditRequest, deps: AuditDependencies) -> dict[str, object]:
    """Audit a project, and return the summary of its report.

    An error that prevents the audit or its recording is raised, so that the request is retried. If nothing retries it,
    it is measured, and recorded for `watch`, unless the caller of a direct invocation gets the error. A request whose
    audit was recorded before its invocation was stopped gets the summary of that audit. An audit whose registry entry
    shares its secret with another entry counts as incomplete: one of the two projects is not audited.
    """
    started_at, requested_at = deps.monotonic(), deps.now()
    registry = deps.load_registry(request.project)
    name = _find_metric_name(request, registry)
    deps.log.append_keys(project=name or request.project, request_reason=request.reason)
    try:
        project = registry.find(request.project)
        warnings = build_warnings(find_shared_by_secret(registry.projects)).get(project.name, ())
        audit = _ProjectAudit(project, request, deps, warnings)
        summary = audit.find_recorded_summary() or audit.run(started_at)
    except Exception as error:
        if name is not None and request.is_final:
            deps.emit(name, _FAILURE_METRICS)
            if request.request_id is not None:
                reason = describe_failure(error)[:_MAX_REASON_LENGTH]
                failed_audit = FailedAudit(requested_at, reason, request.request_id)
                warning = "failure not recorded; the function watch reports the project when it is overdue"
                _try_optional(partial(deps.record_failure, name, failed_audit), warning, deps.log)
        raise
    for warning in warnings:
        deps.log.error(warning, extra={})
    if summary["report"] is not None:
        warning = "events not published; the function notify retries them within 15m"
        _try_optional(lambda: deps.publish_events(project.name), warning, deps.log)
    return summary


def _find_metric_name(request: AuditRequest, registry: Registry) -> str | None:
    """Return the registered name for the metrics of a failure; `None` for an unknown project."""
    if request.project is None:
        return registry.names[0] if len(registry.names) == 1 else None
    return request.project if request.project in registry.names else None


@dataclass(frozen=True, slots=True)
class _ProjectAudit:
    """The audit of one registered project for one request."""

    project: RegisteredProject
    request: AuditRequest
    deps: AuditDependencies
    warnings: tuple[str, ...]
    """The warnings of the registry about the project."""

    def find_recorded_summary(self) -> dict[str, object] | None:
        """Return the summary of the audit that an earlier attempt recorded for the request; `None` if there is none.

        Its metrics may be missing: only those that alarms and the dashboard's nights need are emitted again.
        """
        stored_report = self.deps.find_recorded_report(self.project.name)
        if stored_report is None:
            return None
        report = load_report(self.deps.open_evidence().read(stored_report), stored_report.location)
        self.deps.log.append_keys(audit_id=report.audit_id)
        self.deps.emit(
            report.project, {"AuditCompleted": 1, "AuditComplete": int(report.is_complete and not self.warnings)}
        )
        self.deps.log.info("an earlier attempt at the request recorded its audit", extra={})
        return _summarize(report, stored_report)

    def run(self, started_at: float) -> dict[str, object]:
        """Audit the project, record and measure the audit, and return its summary."""
        result, throttles = self._audit_with_current_key()
        report, deps = result.report, self.deps
        deps.log.append_keys(audit_id=report.audit_id)
        if isinstance(result.record_error, FutureAuditError):
            raise result.record_error.with_state_flag("--table", "TABLE")
        if result.record_error is not None:
            raise result.record_error
        metrics = {
            **compute_audit_metrics(result.inventory, report),
            "ApiThrottles": throttles,
            "AuditDurationMs": (deps.monotonic() - started_at) * 1000,
        }
        deps.emit(report.project, metrics | ({"AuditComplete": 0} if self.warnings else {}))
        for severity, count in compute_open_by_severity(result.inventory, report).items():
            deps.emit(report.project, {"FindingsOpen": count}, dimensions={"severity": severity})
        summary = _summarize(report, result.record.report if result.record else None)
        _log_result(result, summary, deps.log)
        return summary

    def _audit_with_current_key(self) -> tuple[AuditResult, int]:
        """Audit with the cached key. If it is refused, or opens another project, retry with the current key."""
        policy, key = self.deps.load_policy(self.project), self.deps.load_key(self.project)
        try:
            return self._audit(policy, key)
        except _OTHER_KEY_ERRORS as error:
            fresh_key = self.deps.load_key(self.project, fresh=True)
            if fresh_key == key:
                raise _add_remedy(error, self.project) from None
        self.deps.log.info("the cached key was refused; retrying with the current key of its secret", extra={})
        try:
            return self._audit(policy, fresh_key)
        except _OTHER_KEY_ERRORS as error:
            raise _add_remedy(error, self.project) from None

    def _audit(self, policy: Policy, key: str) -> tuple[AuditResult, int]:
        with self.deps.open_reader(key) as reader:
            result = run_audit(
                reader,
                policy,
                project=self.project.name,
                observed_at=self.deps.now(),
                progress=NoProgress(),
                store=self.deps.open_store(),
                evidence=self.deps.open_evidence(),
                channels=self.project.channels,
                clock=self.deps.now,
                warnings=self.warnings,
                retries_incomplete=not self.request.is_final,
                registered_id=self.project.project_id,
            )
            return result, reader.throttles


def _add_remedy(
    error: BadKeyError | EntryMismatchError | ProjectMismatchError, project: RegisteredProject
) -> BackupAuditorError:
    if isinstance(error, EntryMismatchError):
        return error.with_key_place(f"secret {project.secret}")
    if isinstance(error, ProjectMismatchError):
        return error.with_remedy(
            f"store a key of {error.recorded_id} in secret {project.secret}, or register {error.found_id} under another"
            " name; if the state was recorded with a wrong key, discard it: backup-auditor state discard --all"
            f" --project {quote(project.name)} --table TABLE"
        )
    return BadKeyError(f"{error}; store a key of the project in secret {project.secret}")


def _summarize(report: Report, stored_report: StoredReport | None) -> dict[str, object]:
    """Return the detail of the event of a completed audit, also for an audit that was not recorded."""
    _, detail = next(build_audit_events(report, stored_report or StoredReport("", "")))
    return {**detail, "report": detail["report"] if stored_report else None}


def _log_result(result: AuditResult, summary: dict[str, object], log: ContextLog) -> None:
    for note in result.notes:
        log.info(note, extra={})
    if result.page_failure is not None:
        log.error(result.page_failure, extra={})
    for failure in result.report.read_failures:
        log.warning("read error", extra={"call": failure.call, "error": failure.error})
    open_findings = sorted((it for it in result.report.findings if it.is_open), key=lambda it: -it.severity.rank)
    for finding in open_findings[:_MAX_LOGGED_FINDINGS]:
        fields = {
            "control": finding.control,
            "resource": finding.resource.name,
            "severity": finding.severity,
            "lifecycle": finding.lifecycle,
            "reason": finding.reason,
        }
        log.info("open finding", extra=fields)
    log.info("audit completed", extra={"audit": summary})


def _try_optional(step: Callable[[], None], warning: str, log: ContextLog) -> None:
    """Run a step whose failure does not change the result of the request."""
    try:
        step()
    except Exception as error:  # noqa: BLE001  the audit is recorded, or has failed already
        log.warning(warning, extra={"error": describe_failure(error)})
