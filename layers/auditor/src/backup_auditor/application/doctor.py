"""Check the setup of a machine that audits projects: settings, policy, network, keys and states. Nothing is written."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from backup_auditor.application.audit import check_policy_dates
from backup_auditor.domain.audit_record import is_in_future
from backup_auditor.domain.checkup import Check, fail_by_message, fail_check, pass_check, skip_check
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.registry import EntryTarget, Registry, find_shared_by_target
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_minute, format_moment
from backup_auditor.domain.warnings import find_value_warnings
from backup_auditor.errors import (
    BackupAuditorError,
    DocumentError,
    EntryMismatchError,
    FutureAuditError,
    MalformedResponseError,
    NotFoundError,
    OrganizationPlanError,
    PineconeError,
    PolicyError,
    ProjectMismatchError,
    RegistryError,
    SecretError,
    SettingsError,
    StateError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
    UnsupportedError,
    UntrustedHostError,
)
from backup_auditor.ports.pinecone import TimedReader

MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)
"""The largest difference between this machine's clock and the service's: later ones make evidence hard to compare."""
_MAX_INDEXES = 10
"""How many indexes are read until a schedule shows Pinecone's id of the project."""
ROLE_REASON = (
    "unknown: Pinecone does not report the role of a key, and only a write would show it; check in the console"
    " that it is ControlPlaneViewer, which cannot write"
)
"""Why the role of a key is not checked."""


class StateFile(NamedTuple):
    """The state of a project as it was found."""

    location: str
    state: ProjectState | None
    """`None` if there is no state yet."""
    is_writable: bool


@dataclass(frozen=True, slots=True)
class ProjectSetup:
    """How one project is reached."""

    name: str
    key_place: str
    """The variable or the secret of its key."""
    read_key: Callable[[], str]
    """Raises `SettingsError` and `SecretError`."""
    load_policy: Callable[[], Policy | None]
    """Return its own policy; `None` if it has none. Raises `PolicyError` and `DocumentError`."""
    open_reader: Callable[[str], AbstractContextManager[TimedReader]]
    """Raises `SettingsError`."""
    explain: Callable[[PineconeError], str]
    """Return why the project could not be read, and what to do."""
    load_state: Callable[[], StateFile]
    """Raises `StateError`, and `SettingsError` if there is no place for it."""
    registered_id: str | None = None
    """Pinecone's id of the project, if its registry entry names it."""


class LocalSetup(Protocol):
    """What the checks need from the machine."""

    host: str
    """The address of Pinecone."""
    is_encrypted: bool
    """Whether the host is called with TLS."""
    api_version: str

    def describe_runtime(self) -> str:
        """Return the versions of Python and of the command."""

    def check_variables(self) -> None:
        """Raise `SettingsError` for an invalid variable other than a key."""

    def load_policy(self) -> Policy:
        """Return the policy. Raises `PolicyError`."""

    def load_registry(self) -> Registry | None:
        """Return the registry; `None` for one project. Raises `RegistryError`."""

    def list_projects(self, registry: Registry | None) -> Sequence[ProjectSetup]:
        """Return the projects."""

    def describe_store(self) -> str:
        """Return which certificates are trusted. Raises `SettingsError` if there are none."""

    def find_proxy(self) -> str | None:
        """Return the proxy to the host; `None` without one. Raises `SettingsError`."""

    def now(self) -> datetime:
        """Return the present time."""


def check_local_setup(setup: LocalSetup) -> list[Check]:
    """Return every check of this machine. No call changes anything."""
    variables_check = _check_variables(setup)
    registry_check, projects = _check_registry(setup)
    network_checks = [_check_store(setup), _check_proxy(setup)]
    checks = [pass_check("python", setup.describe_runtime()), variables_check, registry_check]
    checks += [_check_policy(setup), *_check_own_policies(setup, projects)]
    requirements = (registry_check, variables_check, *network_checks)
    blocker = next((it.name for it in requirements if it.remedy is not None), None)
    if blocker is not None:
        reason = f"the check {blocker} failed"
        names = ("host", "clock", "key", "permissions", "role")
        state_checks = _check_states(setup, projects) or [skip_check("state", reason)]
        return [*checks, *network_checks, *(skip_check(it, reason) for it in names), *state_checks]
    visits = [_visit_project(setup, it) for it in projects]
    checks += [*_check_connection(setup, network_checks, visits), *_check_shared_keys(visits)]
    for visit in visits:
        suffix = f" of {visit.project.name}" if len(visits) > 1 else ""
        checks += _check_key(visit, suffix)
        checks.append(_check_state(setup, visit.project, visit.project_id, suffix))
    return checks


def _check_variables(setup: LocalSetup) -> Check:
    try:
        setup.check_variables()
    except SettingsError as error:
        return fail_by_message("settings", error)
    return pass_check("settings", "every variable is valid")


def _check_policy(setup: LocalSetup) -> Check:
    try:
        policy = setup.load_policy()
        check_policy_dates(policy, setup.now())
    except PolicyError as error:
        return fail_by_message("policy", error, _POLICY_REMEDY)
    counts = f"{pluralize(len(policy.rules), 'rule')}, {pluralize(len(policy.exemptions), 'exemption')}"
    warnings = "".join(f"; warning: {it}" for it in find_value_warnings(policy))
    return pass_check("policy", f"{policy.source} is valid ({counts}){warnings}")


def _check_own_policies(setup: LocalSetup, projects: Sequence[ProjectSetup]) -> Iterator[Check]:
    """Yield a check for each project whose own policy cannot be used."""
    for project in projects:
        try:
            policy = project.load_policy()
            if policy is not None:
                check_policy_dates(policy, setup.now())
        except (PolicyError, DocumentError) as error:
            yield fail_by_message(f"policy of {project.name}", error, _POLICY_REMEDY)


_POLICY_REMEDY = "correct the policy; backup-auditor policy validate FILE lists every problem"
_REGISTRY_REMEDY = "correct the registry; backup-auditor registry validate FILE lists every problem"


def _check_registry(setup: LocalSetup) -> tuple[Check, Sequence[ProjectSetup]]:
    try:
        registry = setup.load_registry()
        if registry is not None and registry.errors:
            raise RegistryError(*(registry.format_error(it) for it in registry.errors))  # noqa: TRY301  one text
    except RegistryError as error:
        return fail_by_message("registry", error, _REGISTRY_REMEDY), ()
    if registry is None:
        return skip_check("registry", "--registry names none: one project is checked"), setup.list_projects(None)
    check = pass_check("registry", f"{registry.source} is valid ({pluralize(len(registry.projects), 'project')})")
    return check, setup.list_projects(registry)


def _check_store(setup: LocalSetup) -> Check:
    if not setup.is_encrypted:
        return skip_check("certificates", "plain http to this machine uses none")
    try:
        return pass_check("certificates", f"{setup.describe_store()} is trusted")
    except SettingsError as error:
        return fail_by_message("certificates", error)


def _check_proxy(setup: LocalSetup) -> Check:
    try:
        proxy = setup.find_proxy()
    except SettingsError as error:
        return fail_by_message("proxy", error)
    return skip_check("proxy", f"none is used for {setup.host}") if proxy is None else pass_check("proxy", proxy)


@dataclass(frozen=True, slots=True)
class _Visit:
    """What one project and the service answered."""

    project: ProjectSetup
    key: str | None = None
    key_error: str | None = None
    error: BackupAuditorError | None = None
    """Why the indexes could not be read."""
    index_count: int = 0
    backup_count: int = 0
    has_read_schedules: bool = False
    """Whether the schedules of at least one index were read."""
    failures: tuple[ReadFailure, ...] = ()
    plan_refusal: str | None = None
    project_id: str | None = None
    clock_difference: timedelta | None = None
    """How far this machine's clock is ahead of the service's; `None` if unknown."""


def _visit_project(setup: LocalSetup, project: ProjectSetup) -> _Visit:
    """Read the indexes and backups of a project, and schedules until one shows Pinecone's id of the project."""
    try:
        key = project.read_key()
    except (SettingsError, SecretError) as error:
        return _Visit(project, key_error=str(error))
    try:
        with project.open_reader(key) as reader:
            return _read_project(setup, project, key, reader)
    except SettingsError as error:
        return _Visit(project, key, error=error)


def _read_project(setup: LocalSetup, project: ProjectSetup, key: str, reader: TimedReader) -> _Visit:
    try:
        indexes = reader.read_indexes()
    except PineconeError as error:
        return _Visit(project, key, error=error, clock_difference=_compare_clocks(setup, reader))
    clock_difference = _compare_clocks(setup, reader)
    backups = reader.read_backups()
    failures = [it for it in (indexes.failure, backups.failure) if it is not None]
    plan_refusal = project_id = missing = None
    has_read_schedules = False
    for index in indexes.rows[:_MAX_INDEXES]:
        try:
            schedules = reader.read_schedules(index.name)
        except OrganizationPlanError as error:
            plan_refusal = str(error)
            break
        except NotFoundError as error:  # the index was deleted meanwhile, or the API version has no schedules
            missing = ReadFailure(f"GET /indexes/{index.name}/backup-schedules", str(error))
            continue
        except UnsupportedError:
            continue
        missing = None
        if schedules.failure is not None:
            failures.append(schedules.failure)
            break
        has_read_schedules = True
        project_id = next((it.project_id for it in schedules.rows if it.project_id is not None), None)
        if project_id is not None:
            break
    failures += [missing] if missing is not None else []
    return _Visit(
        project,
        key,
        index_count=len(indexes.rows),
        backup_count=len(backups.rows),
        has_read_schedules=has_read_schedules,
        failures=tuple(failures),
        plan_refusal=plan_refusal,
        project_id=project_id,
        clock_difference=clock_difference,
    )


def _compare_clocks(setup: LocalSetup, reader: TimedReader) -> timedelta | None:
    service_time = reader.service_time
    return None if service_time is None else setup.now() - service_time


_HOST_ERRORS = (NotFoundError, MalformedResponseError, UnavailableError, ThrottledError, SettingsError)
"""Errors after which nothing is known about the key: the host did not answer, or not like Pinecone."""


def _is_host_reached(visit: _Visit) -> bool:
    return not isinstance(visit.error, _HOST_ERRORS)


def _check_connection(setup: LocalSetup, network_checks: list[Check], visits: Sequence[_Visit]) -> Iterator[Check]:
    """Yield the checks of certificates, proxy, host and clock, by the first project whose host responded."""
    candidates = [it for it in visits if it.key_error is None]
    visit = next((it for it in candidates if _is_host_reached(it)), next(iter(candidates), None))
    certificates, proxy = network_checks
    if visit is not None and isinstance(visit.error, UntrustedHostError):
        yield from (fail_by_message("certificates", visit.error), proxy)
        yield skip_check("host", "its certificate is not trusted")
        yield skip_check("clock", "the host did not answer")
        return
    if visit is not None and setup.is_encrypted and _is_host_reached(visit):
        certificates = pass_check("certificates", f"{setup.host} is verified: {certificates.detail}")
    yield from (certificates, proxy)
    if visit is None:
        yield skip_check("host", "there is no key to call it with")
    elif _is_host_reached(visit):
        yield pass_check("host", f"{setup.host} responds to API version {setup.api_version}")
    else:
        yield _fail_visit("host", visit)
    yield _check_clock(visit)


def _fail_visit(name: str, visit: _Visit) -> Check:
    """Return the failed check of a host or a key."""
    error = visit.error
    if isinstance(error, MalformedResponseError):
        message = f"it does not respond like Pinecone ({error})"
        return fail_check(name, message, "check PINECONE_CONTROLLER_HOST and PINECONE_API_VERSION")
    if isinstance(error, ThrottledError | UnavailableError) and not isinstance(error, UnreachableError):
        remedy = "run the command again; if it lasts, check Pinecone's status page"
        return fail_check(name, f"it does not answer now ({error})", remedy)
    return fail_by_message(name, visit.project.explain(error) if isinstance(error, PineconeError) else error)


def _check_clock(visit: _Visit | None) -> Check:
    if visit is None or visit.clock_difference is None:
        return skip_check("clock", "no response had a Date to compare with")
    difference, limit = visit.clock_difference, format_length(MAX_CLOCK_DIFFERENCE)
    length = format_length(abs(difference))
    if abs(difference) <= MAX_CLOCK_DIFFERENCE:
        return pass_check("clock", f"it differs by {length} from the service's (limit: {limit})")
    direction = "ahead of" if difference > timedelta() else "behind"
    return fail_check(
        "clock",
        f"this machine's clock is {length} {direction} the service's (limit: {limit})",
        "set the clock, and keep it synchronized (NTP)",
    )


def _check_shared_keys(visits: Sequence[_Visit]) -> Iterator[Check]:
    """Yield whether several entries open one Pinecone project."""
    if len(visits) < 2:  # noqa: PLR2004  one key is shared with nothing
        return
    targets = [EntryTarget(it.project.name, it.project.key_place, it.key, it.project_id) for it in visits]
    shared = find_shared_by_target(targets)
    yield from (fail_by_message("keys", it.sentence) for it in shared)
    if shared:
        return
    if all(it.project_id is not None for it in visits):
        yield pass_check("keys", "no two entries open the same Pinecone project")
    else:
        reason = "unknown: only a schedule shows Pinecone's id of a project, and not every entry has one"
        yield skip_check("keys", reason)


def _check_key(visit: _Visit, suffix: str) -> list[Check]:
    """Return the checks of a key: whether it is accepted, what it may read, and its role."""
    key, permissions, role = (f"{it}{suffix}" for it in ("key", "permissions", "role"))
    if visit.key_error is not None:
        return [fail_by_message(key, visit.key_error), *(skip_check(it, "no key") for it in (permissions, role))]
    if not _is_host_reached(visit):
        return [skip_check(it, "the host did not answer") for it in (key, permissions, role)]
    if visit.error is not None:
        return [_fail_visit(key, visit), *(skip_check(it, "the check key failed") for it in (permissions, role))]
    check = pass_check(key, f"the key in {visit.project.key_place} is accepted")
    registered_id = visit.project.registered_id
    if None not in {registered_id, visit.project_id} and registered_id != visit.project_id:
        mismatch = EntryMismatchError(visit.project.name, str(registered_id), str(visit.project_id))
        detail, _, remedies = str(mismatch.with_key_place(visit.project.key_place)).partition("; ")
        check = fail_check(key, detail, remedies.partition("; ")[2])
    return [check, _check_permissions(permissions, visit), skip_check(role, ROLE_REASON)]


def _check_permissions(name: str, visit: _Visit) -> Check:
    if visit.failures:
        remedy = "for 403, give the key the role ControlPlaneViewer; for any other error, run doctor again"
        return fail_by_message(name, visit.failures[0], remedy)
    counts = f"{pluralize(visit.index_count, 'index', 'indexes')}, {pluralize(visit.backup_count, 'backup')}"
    if visit.plan_refusal is not None:
        return pass_check(name, f"the key reads {counts}; the plan has no schedules ({visit.plan_refusal})")
    schedules = " and schedules" if visit.has_read_schedules else ""
    return pass_check(name, f"the key reads {counts}{schedules}")


def _check_states(setup: LocalSetup, projects: Sequence[ProjectSetup]) -> list[Check]:
    return [_check_state(setup, it, None, f" of {it.name}" if len(projects) > 1 else "") for it in projects]


def _check_state(setup: LocalSetup, project: ProjectSetup, project_id: str | None, suffix: str) -> Check:
    name = f"state{suffix}"
    try:
        file = project.load_state()
    except (StateError, SettingsError) as error:
        return fail_by_message(name, error)
    if not file.is_writable:
        remedy = "make it writable, or name another place with --state; --no-state audits without one"
        return fail_check(name, f"{file.location} cannot be written, so no audit is recorded", remedy)
    state, now = file.state, setup.now()
    if state is None:
        return pass_check(name, f"none yet; the first audit creates {file.location}")
    if state.observed_at is not None and is_in_future(state.observed_at, now):
        future_error = FutureAuditError(project.name, format_moment(state.observed_at), format_moment(now))
        return fail_by_message(name, future_error.with_state_flag("--state", file.location))
    if None not in {state.pinecone_project_id, project_id} and state.pinecone_project_id != project_id:
        mismatch = ProjectMismatchError(project.name, str(state.pinecone_project_id), str(project_id))
        remedy = f"use a key of {state.pinecone_project_id}, or another state than {file.location}"
        return fail_check(name, str(mismatch).partition(";")[0], remedy)
    last = "no audit" if state.observed_at is None else f"last audit {format_minute(state.observed_at)}"
    return pass_check(name, f"{file.location} ({last})")
