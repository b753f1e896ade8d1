"""Audit one registered project on AWS: record, measure and notify."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Protocol

from backup_auditor.application.audit import AuditResult, RecordError, run_audit
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
    """A log whose lines all hold what is known by then of the audit."""

    def append_keys(self, **keys: object) -> None:
        """Put these on every line from now on."""


class KeySource(Protocol):
    """Knows the keys of projects."""

    def __call__(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        """Return the key of a project; `fresh` looks where it is kept, whatever is remembered. Raises `SecretError`."""


@dataclass(frozen=True, slots=True)
class AuditDependencies:
    """What one audit needs. The functions raise what is said of them, and nothing is asked for before it is needed."""

    load_registry: Callable[[str | None], Registry]
    """Returns the registry in which a project is looked for. Raises `RegistryError` and `DocumentError`."""
    load_policy: Callable[[RegisteredProject], Policy]
    """Raises `PolicyError` and `DocumentError`."""
    load_key: KeySource
    open_reader: Callable[[str], AbstractContextManager[ProjectReader]]
    """Opens a project by its key, for as long as there is time."""
    open_store: Callable[[], StateStore]
    open_evidence: Callable[[], EvidenceStore]
    publish_events: Callable[[str], None]
    """Puts the events of a project's audits on the bus."""
    ping: Callable[[], None]
    """Tells whoever waits for it that an audit was complete."""
    emit: MetricEmitter
    log: ContextLog
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


_FAILURE_METRICS = {"AuditCompleted": 0}
"""And not `AuditComplete`, whose alarm stays on until the next night: a retry may mend it."""
_MAX_LOGGED_FINDINGS = 500
"""Findings that are logged, the worst first: the report has all."""


def audit_project(request: AuditRequest, deps: AuditDependencies) -> dict[str, object]:
    """Audit a project, and return the summary of its report.

    What keeps it from being audited or recorded is logged, measured and raised: whoever asked will ask again. Where
    another entry of the registry takes its key from the same secret, its audit counts as incomplete: one of the two
    projects is not audited.
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
        if result.record_error is not None:
            raise _with_table_flag(result.record_error)
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
        _try_optional(
            lambda: deps.publish_events(project), "the events were not sent, the next sweep does it", deps.log
        )
        if result.report.is_complete and not warnings:
            _try_optional(deps.ping, "nobody was told that the audit is complete", deps.log)
    return summary


def _find_metric_name(request: AuditRequest, registry: Registry) -> str | None:
    """Return the name under which a failure is measured: never one that somebody made up."""
    if request.project is None:
        return registry.names[0] if len(registry.names) == 1 else None
    return request.project if request.project in registry.names else None


def _audit_with_current_key(
    project: RegisteredProject, deps: AuditDependencies, warnings: tuple[str, ...]
) -> tuple[AuditResult, int]:
    """Audit with the key that is remembered, and with the one that took its place, should that be refused.

    A key of another Pinecone project than the state belongs to is refused here.
    """
    policy, key = deps.load_policy(project), deps.load_key(project)
    try:
        return _run_audit(project, policy, key, deps, warnings)
    except (BadKeyError, ProjectMismatchError) as error:
        last_error = error
    fresh_key = deps.load_key(project, fresh=True)
    if fresh_key != key:
        deps.log.info("the key was refused; its secret holds another one by now", extra={})
        try:
            return _run_audit(project, policy, fresh_key, deps, warnings)
        except (BadKeyError, ProjectMismatchError) as error:
            last_error = error
    raise _add_remedy(last_error, project)


def _with_table_flag(error: RecordError) -> RecordError:
    """Return why an audit was not recorded; a way out names the table of the stack."""
    return error.with_state_flag("--table", "TABLE") if isinstance(error, FutureAuditError) else error


def _add_remedy(error: BadKeyError | ProjectMismatchError, project: RegisteredProject) -> BackupAuditorError:
    """Return why a key cannot be used for a project, and what to do about it."""
    if isinstance(error, ProjectMismatchError):
        remedy = (
            f"put a key of {error.recorded_id} into the secret {project.secret}, or register {error.found_id} under"
        )
        discard_command = f"backup-auditor state discard --all --project {quote(project.name)} --table TABLE"
        return error.with_remedy(
            f"{remedy} another name; if the state was recorded with a wrong key, discard it: {discard_command}"
        )
    return BadKeyError(f"{error}; put a key of the project into the secret {project.secret}")


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
    """Return what the event says that completes an audit, whether or not there is one: a late audit changes nothing."""
    stored_report = result.record.report if result.record else None
    _, detail = next(build_audit_events(result.report, stored_report or StoredReport("", "")))
    return {**detail, "report": detail["report"] if stored_report else None}


def _log_result(result: AuditResult, summary: dict[str, object], log: ContextLog) -> None:
    """Write down what was found; an audit that is not complete is no matter of course."""
    for note in result.notes:
        log.info(note, extra={})
    if result.page_failure is not None:
        log.error(result.page_failure, extra={})
    for failure in result.report.read_failures:
        log.warning("could not be read", extra={"call": failure.call, "error": failure.error})
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
    log.info("audited", extra={"audit": summary})


@contextmanager
def _log_failures(log: ContextLog, on_failure: Callable[[], None] = lambda: None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.error(_describe_error(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        on_failure()
        raise


def _try_optional(step: Callable[[], None], warning: str, log: ContextLog) -> None:
    """Do what an audit that is recorded does not depend on."""
    try:
        step()
    except Exception as error:  # noqa: BLE001  the audit stands, whatever becomes of it
        log.warning(warning, extra={"error": _describe_error(error)})


def _describe_error(error: Exception) -> str:
    """Return what is said of an error. The text of one that is not ours may hold anything."""
    if isinstance(error, BackupAuditorError):
        return str(error)
    return f"this is a fault of backup-auditor itself ({type(error).__name__}); please report it"
