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
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.domain.reporting.metrics import audit_metrics, open_by_severity
from backup_auditor.domain.shared_projects import shared_by_secret, warnings_of
from backup_auditor.errors import BackupAuditorError, BadKeyError, FutureAuditError, OtherProjectError
from backup_auditor.ports.messaging import Emit, Log
from backup_auditor.ports.pinecone import NoProgress, ProjectReader
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.rendering.events import events_of


class KeyedLog(Log, Protocol):
    """A log whose lines all hold what is known by then of the audit."""

    def append_keys(self, **keys: object) -> None:
        """Put these on every line from now on."""


class Keys(Protocol):
    """Knows the keys of projects."""

    def __call__(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        """Return the key of a project; `fresh` looks where it is kept, whatever is remembered. Raises `SecretError`."""


@dataclass(frozen=True, slots=True)
class AuditDependencies:
    """What one audit needs. The functions raise what is said of them, and nothing is asked for before it is needed."""

    registry: Callable[[str | None], Registry]
    """Returns the registry in which a project is looked for. Raises `RegistryError` and `DocumentError`."""
    policy: Callable[[RegisteredProject], Policy]
    """Raises `PolicyError` and `DocumentError`."""
    key: Keys
    open_reader: Callable[[str], AbstractContextManager[ProjectReader]]
    """Opens a project by its key, for as long as there is time."""
    store: Callable[[], StateStore]
    evidence: Callable[[], EvidenceStore]
    tell: Callable[[str], None]
    """Puts the events of a project's audits on the bus."""
    ping: Callable[[], None]
    """Tells whoever waits for it that an audit was complete."""
    emit: Emit
    log: KeyedLog
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


_FAILED = {"AuditCompleted": 0}
"""And not `AuditComplete`, whose alarm stays on until the next night: a retry may mend it."""
_MOST_LOGGED = 500
"""Findings that are logged, the worst first: the report has all."""


def audit_project(request: AuditRequest, world: AuditDependencies) -> dict[str, object]:
    """Audit a project, and return the summary of its report.

    What keeps it from being audited or recorded is logged, measured and raised: whoever asked will ask again. Where
    another entry of the registry takes its key from the same secret, its audit counts as incomplete: one of the two
    projects is not audited.
    """
    begun = world.monotonic()
    with _failures_logged(world.log):
        registry = world.registry(request.project)
    name = _name(request, registry)
    world.log.append_keys(project=name or request.project, request_reason=request.reason)
    with _failures_logged(world.log, lambda: world.emit(name, _FAILED) if name else None):
        found = registry.find(request.project)
        shared = warnings_of(shared_by_secret(registry.projects)).get(found.name, ())
        done, throttles = _audited(found, world, shared)
        world.log.append_keys(audit_id=done.report.audit_id)
        if done.unrecorded is not None:
            raise _at_table(done.unrecorded)
    for sentence in shared:
        world.log.error(sentence, extra={})
    duration = (world.monotonic() - begun) * 1000
    project = done.report.project
    figures = {**audit_metrics(done.inventory, done.report), "ApiThrottles": throttles, "AuditDurationMs": duration}
    world.emit(project, figures | ({"AuditComplete": 0} if shared else {}))
    for severity, count in open_by_severity(done.inventory, done.report).items():
        world.emit(project, {"FindingsOpen": count}, more={"severity": severity})
    summary = _summary(done)
    _log(done, summary, world.log)
    if done.record is not None:
        _try_optional(lambda: world.tell(project), "the events were not sent, the next sweep does it", world.log)
        if done.report.is_complete and not shared:
            _try_optional(world.ping, "nobody was told that the audit is complete", world.log)
    return summary


def _name(request: AuditRequest, registry: Registry) -> str | None:
    """Return the name under which a failure is measured: never one that somebody made up."""
    if request.project is None:
        return registry.names[0] if len(registry.names) == 1 else None
    return request.project if request.project in registry.names else None


def _audited(project: RegisteredProject, world: AuditDependencies, shared: tuple[str, ...]) -> tuple[AuditResult, int]:
    """Audit with the key that is remembered, and with the one that took its place, should that be refused.

    A key of another Pinecone project than the state belongs to is refused here.
    """
    policy, key = world.policy(project), world.key(project)
    try:
        return _read(project, policy, key, world, shared)
    except (BadKeyError, OtherProjectError) as error:
        refusal = error
    fresh = world.key(project, fresh=True)
    if fresh != key:
        world.log.info("the key was refused; its secret holds another one by now", extra={})
        try:
            return _read(project, policy, fresh, world, shared)
        except (BadKeyError, OtherProjectError) as error:
            refusal = error
    raise _with_remedy(refusal, project)


def _at_table(unrecorded: RecordError) -> RecordError:
    """Return why an audit was not recorded; a way out names the table of the stack."""
    return unrecorded.with_place("--table", "TABLE") if isinstance(unrecorded, FutureAuditError) else unrecorded


def _with_remedy(refusal: BadKeyError | OtherProjectError, project: RegisteredProject) -> BackupAuditorError:
    """Return why a key cannot be used for a project, and what to do about it."""
    if isinstance(refusal, OtherProjectError):
        remedy = f"put a key of {refusal.known} into the secret {project.secret}, or register {refusal.found} under"
        discard = f"backup-auditor state discard --all --project {quote(project.name)} --table TABLE"
        return refusal.with_remedy(
            f"{remedy} another name; if the state was recorded with a wrong key, discard it: {discard}"
        )
    return BadKeyError(f"{refusal}; put a key of the project into the secret {project.secret}")


def _read(
    project: RegisteredProject, policy: Policy, key: str, world: AuditDependencies, shared: tuple[str, ...]
) -> tuple[AuditResult, int]:
    with world.open_reader(key) as reader:
        done = run_audit(
            reader,
            policy,
            project=project.name,
            observed_at=world.now(),
            progress=NoProgress(),
            store=world.store(),
            evidence=world.evidence(),
            channels=project.channels,
            clock=world.now,
            warnings=shared,
        )
        return done, reader.throttles


def _summary(done: AuditResult) -> dict[str, object]:
    """Return what the event says that completes an audit, whether or not there is one: a late audit changes nothing."""
    kept = done.record.report if done.record else None
    _, detail = next(events_of(done.report, kept or StoredReport("", "")))
    return {**detail, "report": detail["report"] if kept else None}


def _log(done: AuditResult, summary: dict[str, object], log: KeyedLog) -> None:
    """Write down what was found; an audit that is not complete is no matter of course."""
    for note in done.notes:
        log.info(note, extra={})
    if done.pageless is not None:
        log.error(done.pageless, extra={})
    for it in done.report.unread:
        log.warning("could not be read", extra={"what": it.what, "error": it.error})
    found = sorted((it for it in done.report.findings if it.is_open), key=lambda it: -it.severity.rank)
    for finding in found[:_MOST_LOGGED]:
        facts = {
            "control": finding.control,
            "resource": finding.resource.name,
            "severity": finding.severity,
            "lifecycle": finding.lifecycle,
            "reason": finding.reason,
        }
        log.info("open finding", extra=facts)
    log.info("audited", extra={"audit": summary})


@contextmanager
def _failures_logged(log: KeyedLog, then: Callable[[], None] = lambda: None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.error(_sentence(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        then()
        raise


def _try_optional(act: Callable[[], None], otherwise: str, log: KeyedLog) -> None:
    """Do what an audit that is recorded does not depend on."""
    try:
        act()
    except Exception as error:  # noqa: BLE001  the audit stands, whatever becomes of it
        log.warning(otherwise, extra={"error": _sentence(error)})


def _sentence(error: Exception) -> str:
    """Return what is said of an error. The text of one that is not ours may hold anything."""
    if isinstance(error, BackupAuditorError):
        return str(error)
    return f"this is a fault of backup-auditor itself ({type(error).__name__}); please report it"
