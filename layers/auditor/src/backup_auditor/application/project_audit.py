"""Audit one registered project on AWS: record, measure and publish."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from shlex import quote
from typing import Protocol

from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.events import AuditRequest
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry, build_warnings, find_shared_by_secret
from backup_auditor.domain.reporting.metrics import compute_audit_metrics, compute_open_by_severity
from backup_auditor.errors import BackupAuditorError, BadKeyError, FutureAuditError, ProjectMismatchError
from backup_auditor.ports.messaging import Log, MetricEmitter
from backup_auditor.ports.pinecone import NoProgress, ProjectReader
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.rendering.events import build_audit_events


class ContextLog(Log, Protocol):
    """A log that adds known fields, such as the audit's id, to every later line."""

    def append_keys(self, **keys: object) -> None:
        """Add fields to every line from now on."""


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

    def publish_events(self, project: str) -> None:
        """Publish the events of a project's audits."""

    def ping(self) -> None:
        """Call the ping URL, if there is one. Raises `DeliveryError` and `SecretError`."""

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""


_FAILURE_METRICS = {"AuditCompleted": 0}
"""Without `AuditComplete`, which would stay at 0 until the next night even if a retry succeeds."""
_MAX_LOGGED_FINDINGS = 500
"""Number of findings that are logged, the most severe first. The report has all findings."""


def audit_project(request: AuditRequest, deps: AuditDependencies) -> dict[str, object]:
    """Audit a project, and return the summary of its report.

    An error that prevents the audit or its recording is logged, measured and raised, so that the request is retried.
    An audit whose registry entry shares its secret with another entry counts as incomplete: one of the two projects is
    not audited.
    """
    started_at = deps.monotonic()
    with _log_failures(deps.log):
        registry = deps.load_registry(request.project)
    name = _find_metric_name(request, registry)
    deps.log.append_keys(project=name or request.project, request_reason=request.reason)
    with _log_failures(deps.log, lambda: deps.emit(name, _FAILURE_METRICS) if name else None):
        registered_project = registry.find(request.project)
        warnings = build_warnings(find_shared_by_secret(registry.projects)).get(registered_project.name, ())
        result, throttles = _audit_with_current_key(registered_project, deps, warnings)
        deps.log.append_keys(audit_id=result.report.audit_id)
        if isinstance(result.record_error, FutureAuditError):
            raise result.record_error.with_state_flag("--table", "TABLE")
        if result.record_error is not None:
            raise result.record_error
    for warning in warnings:
        deps.log.error(warning, extra={})
    duration = (deps.monotonic() - started_at) * 1000
    project = result.report.project
    metrics = {
        **compute_audit_metrics(result.inventory, result.report),
        "ApiThrottles": throttles,
        "AuditDurationMs": duration,
    }
    deps.emit(project, metrics | ({"AuditComplete": 0} if warnings else {}))
    for severity, count in compute_open_by_severity(result.inventory, result.report).items():
        deps.emit(project, {"FindingsOpen": count}, dimensions={"severity": severity})
    summary = _summarize(result)
    _log_result(result, summary, deps.log)
    if result.record is not None:
        warning = "events not published; the function notify retries them within 15m"
        _try_optional(lambda: deps.publish_events(project), warning, deps.log)
        if result.report.is_complete and not warnings:
            _try_optional(deps.ping, "the ping URL could not be called", deps.log)
    return summary


def _find_metric_name(request: AuditRequest, registry: Registry) -> str | None:
    """Return the registered name for the metrics of a failure; `None` for an unknown project."""
    if request.project is None:
        return registry.names[0] if len(registry.names) == 1 else None
    return request.project if request.project in registry.names else None


def _audit_with_current_key(
    project: RegisteredProject, deps: AuditDependencies, warnings: tuple[str, ...]
) -> tuple[AuditResult, int]:
    """Audit with the cached key. If it is refused, or opens another Pinecone project, retry with the current key."""
    policy, key = deps.load_policy(project), deps.load_key(project)
    try:
        return _run_audit(project, policy, key, deps, warnings)
    except (BadKeyError, ProjectMismatchError) as error:
        fresh_key = deps.load_key(project, fresh=True)
        if fresh_key == key:
            raise _add_remedy(error, project) from None
    deps.log.info("the cached key was refused; retrying with the current key of its secret", extra={})
    try:
        return _run_audit(project, policy, fresh_key, deps, warnings)
    except (BadKeyError, ProjectMismatchError) as error:
        raise _add_remedy(error, project) from None


def _add_remedy(error: BadKeyError | ProjectMismatchError, project: RegisteredProject) -> BackupAuditorError:
    if isinstance(error, ProjectMismatchError):
        return error.with_remedy(
            f"store a key of {error.recorded_id} in secret {project.secret}, or register {error.found_id} under another"
            " name; if the state was recorded with a wrong key, discard it: backup-auditor state discard --all"
            f" --project {quote(project.name)} --table TABLE"
        )
    return BadKeyError(f"{error}; store a key of the project in secret {project.secret}")


def _run_audit(
    project: RegisteredProject, policy: Policy, key: str, deps: AuditDependencies, warnings: tuple[str, ...]
) -> tuple[AuditResult, int]:
    with deps.open_reader(key) as reader:
        result = run_audit(
            reader,
            policy,
            project=project.name,
            observed_at=deps.now(),
            progress=NoProgress(),
            store=deps.open_store(),
            evidence=deps.open_evidence(),
            channels=project.channels,
            clock=deps.now,
            warnings=warnings,
        )
        return result, reader.throttles


def _summarize(result: AuditResult) -> dict[str, object]:
    """Return the detail of the event of a completed audit, also for an audit that was not recorded."""
    stored_report = result.record.report if result.record else None
    _, detail = next(build_audit_events(result.report, stored_report or StoredReport("", "")))
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


@contextmanager
def _log_failures(log: ContextLog, on_failure: Callable[[], None] = lambda: None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.error(_describe_error(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        on_failure()
        raise


def _try_optional(step: Callable[[], None], warning: str, log: ContextLog) -> None:
    """Run a step whose failure does not change the recorded audit."""
    try:
        step()
    except Exception as error:  # noqa: BLE001  the audit is recorded already
        log.warning(warning, extra={"error": _describe_error(error)})


def _describe_error(error: Exception) -> str:
    """Return the text of an error. Other errors than ours are named without their text, which can hold secrets."""
    if isinstance(error, BackupAuditorError):
        return str(error)
    return f"internal error of backup-auditor ({type(error).__name__}); report it as a defect"
