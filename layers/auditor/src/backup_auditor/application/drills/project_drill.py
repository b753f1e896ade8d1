"""Run the restore drills of one registered project on AWS, one short step of each at a time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Protocol

from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.application.drills.service import (
    describe_unstarted_drills,
    list_open_drills,
    plan_drills,
    refuse_unusable_audit,
    start_drills,
)
from backup_auditor.application.project_audit import ProjectDependencies
from backup_auditor.domain.drills.drill import (
    DeletionState,
    DrillRecord,
    RestoreState,
    build_known_drill,
)
from backup_auditor.domain.drills.selection import DrillPlan, DrillRequest
from backup_auditor.domain.events import DrillRunRequest
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.project_state import DrillResult, KnownDrill, ProjectState
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.timefmt import to_seconds
from backup_auditor.errors import (
    BadKeyError,
    ChannelRefusedError,
    DrillPlanError,
    EntryMismatchError,
    ProjectMismatchError,
    describe_failure,
)
from backup_auditor.ports.drills import DrillArchive, DrillLedger, DrillProject
from backup_auditor.ports.messaging import Bus, Event
from backup_auditor.ports.pinecone import NoProgress
from backup_auditor.rendering.drill_json import (
    FAILED_RESULTS,
    build_drill_detail,
    build_drill_event,
    list_reasons,
)
from backup_auditor.rendering.drill_plan import build_drill_plan_json

_MIN_SECONDS = 300.0
"""Seconds that must be left to advance one more drill."""
_MAX_LOGGED_FAILURES = 20
"""How many read errors are logged at most."""


class DrillDependencies(ProjectDependencies, Protocol):
    """What one invocation of the function `drill` needs from outside."""

    ledger: DrillLedger
    archive: DrillArchive
    bus: Bus
    actor: str
    """The name of the function and the id of the request, for the records. A repeated request has the same."""

    def load_key(self, project: RegisteredProject) -> str:
        """Return the key for restore drills, which is not the key of the audit. Raises `SecretError`."""

    def load_state(self, project: str) -> ProjectState:
        """Return the state that the audits have recorded. Raises `StateError`."""

    def open_project(self, key: str) -> AbstractContextManager[DrillProject]:
        """Open the project of a key for restore drills, with a deadline that fits the time left."""

    def make_seed(self) -> str:
        """Return a random text."""

    def seconds_left(self) -> float:
        """Return the seconds that the invocation has left."""


def drill_project(project_name: str, request: DrillRunRequest, deps: DrillDependencies) -> dict[str, object]:
    """Run the restore drills of a project, or only continue those in progress, and return them.

    A run audits the project, continues what earlier runs left, and starts the drills that the policy allows. A request
    that has started drills before only continues them. What fails within a drill is logged: the next sweep repeats it.
    If no drill may start, the answer to a direct invocation has the reason in `refused`, and a queued request raises
    `DrillPlanError`, so that it is repeated. Any other error is raised, too.
    """
    if request.is_sweep:
        return _sweep(project_name, deps)
    project = deps.load_registry(project_name).find(project_name)
    policy = deps.load_policy(project)
    mode = policy.restore_drills.mode
    if mode is Mode.NEVER:
        open_records = list_open_drills(deps.ledger, project.name)
        refusal = f"{policy.source}: the policy allows no restore drills; set restore_drills.mode"
        return {
            "refused": refusal,
            **_build_answer(project.name, _continue_drills(project, open_records, lambda: mode, deps)),
        }
    state = deps.load_state(project.name)
    key = deps.load_key(project)
    audit = _audit(project, policy, key, state, request, deps)
    drills: list[DrillRecord] = []
    answer: dict[str, object] = {}
    try:
        refuse_unusable_audit(audit)
        with deps.open_project(key) as pinecone_project:
            steps = _DrillSteps(pinecone_project, lambda: mode, deps)
            open_records = list_open_drills(deps.ledger, project.name, audit.inventory)
            drills += steps.advance([steps.runner.reopen(it) for it in open_records])
            records = deps.ledger.list_drills(project.name)
            if not any(it.actor == deps.actor for it in records):
                plan = _make_plan(audit, policy, replace(state, drills=_index_drills(records)), request, deps)
                answer["plan"] = build_drill_plan_json(plan)
                if plan.drills and mode is Mode.APPLY:
                    drills += steps.advance(_start(plan, pinecone_project, deps))
    except DrillPlanError as error:
        if not request.is_direct:
            raise
        deps.log.warning(str(error), extra={})
        answer["refused"] = str(error)
    return {**answer, **_build_answer(project.name, drills)}


def _sweep(project_name: str, deps: DrillDependencies) -> dict[str, object]:
    """Continue the drills in progress. No error is raised: the next sweep repeats what failed.

    A drill that cannot be continued and should have ended counts as a failure in each sweep.
    """
    records = [it for it in deps.ledger.list_drills(project_name) if it.is_in_progress]
    if not records:
        return _build_answer(project_name, ())
    drills: list[DrillRecord] = []
    try:
        project = deps.load_registry(project_name).find(project_name)
        drills = _continue_drills(project, records, lambda: deps.load_policy(project).restore_drills.mode, deps)
    except Exception as error:  # noqa: BLE001  a queue would repeat the sweep beside the next ones
        _log_failure(error, deps)
    continued_numbers = {it.number for it in drills}
    if any(it.number not in continued_numbers and it.ends_by <= deps.now() for it in records):
        deps.emit(project_name, {"RestoreDrillsFailed": 1})
    return _build_answer(project_name, drills)


def _continue_drills(
    project: RegisteredProject, records: Sequence[DrillRecord], load_mode: Callable[[], Mode], deps: DrillDependencies
) -> list[DrillRecord]:
    if not records:
        return []
    with deps.open_project(deps.load_key(project)) as pinecone_project:
        return _DrillSteps(pinecone_project, load_mode, deps).advance(records)


def _audit(  # noqa: PLR0913, PLR0917  everything that an audit is made from
    project: RegisteredProject,
    policy: Policy,
    key: str,
    state: ProjectState,
    request: DrillRunRequest,
    deps: DrillDependencies,
) -> AuditResult:
    secret = project.drill_secret
    try:
        with deps.open_reader(key) as reader:
            audit = run_audit(
                reader,
                policy,
                project=project.name,
                observed_at=deps.now(),
                progress=NoProgress(),
                retries_incomplete=not request.is_final,
                state=state,
                registered_id=project.project_id,
            )
    except BadKeyError as error:
        raise BadKeyError(f"{error}; store a key for restore drills of the project in secret {secret}") from None
    except EntryMismatchError as error:
        raise error.with_key_place(f"secret {secret}") from None
    except ProjectMismatchError as error:
        raise error.with_remedy(f"store a key of {error.recorded_id} in secret {secret}") from None
    if not audit.report.is_complete:
        failures = [str(it) for it in audit.report.read_failures[:_MAX_LOGGED_FAILURES]]
        deps.log.error("the plan leaves out what could not be read", extra={"read_errors": failures})
    return audit


def _index_drills(records: Iterable[DrillRecord]) -> dict[str, KnownDrill]:
    return {it.drill_id: build_known_drill(it) for it in records}


def _make_plan(
    audit: AuditResult, policy: Policy, state: ProjectState, request: DrillRunRequest, deps: DrillDependencies
) -> DrillPlan:
    drill_request = DrillRequest(request.index, request.backup_id)
    plan = plan_drills(audit, policy, state, seed=deps.make_seed(), request=drill_request)
    fields = {"plan_id": plan.plan_id, "planned": len(plan.drills), "skipped": len(plan.skipped_drills)}
    deps.log.info("restore drills planned", extra=fields)
    for skipped_drill in (it for it in plan.skipped_drills if it.is_due):
        fields = {"index": skipped_drill.index, "reason": skipped_drill.reason}
        deps.log.warning("a restore drill that is due cannot start", extra=fields)
    return plan


def _start(plan: DrillPlan, project: DrillProject, deps: DrillDependencies) -> list[DrillRecord]:
    records = start_drills(plan, project, deps.ledger, actor=deps.actor, now=deps.now)
    unstarted_text = describe_unstarted_drills(plan, records)
    if unstarted_text is not None:
        deps.log.warning(unstarted_text, extra={"plan_id": plan.plan_id})
    return records


class _DrillSteps:
    """Advances drills as far as it is possible now."""

    def __init__(self, project: DrillProject, load_mode: Callable[[], Mode], deps: DrillDependencies) -> None:
        self._load_mode = load_mode
        self._deps = deps
        self.runner = DrillRunner(project, deps.ledger, deps.archive, partial(_publish, deps), deps.now)

    def advance(self, records: Iterable[DrillRecord]) -> list[DrillRecord]:
        """Advance each drill, and return those that did not fail. An error is logged: the next sweep repeats it."""
        advanced_records = []
        for record in records:
            fields = {"drill_id": record.drill_id, "index": record.index_name, "temporary_index": record.target_name}
            if self._deps.seconds_left() < _MIN_SECONDS:
                self._deps.log.warning("no time is left for a restore drill; the next sweep continues", extra=fields)
                continue
            try:
                advanced_record = self.runner.advance(record) if self._may_advance(record) else record
            except Exception as error:  # noqa: BLE001  one drill must not keep the others waiting
                _log_failure(error, self._deps, fields)
                continue
            advanced_records.append(advanced_record)
            _log_drill(advanced_record, self._deps, fields)
        return advanced_records

    def _may_advance(self, record: DrillRecord) -> bool:
        """Return whether a drill may go on: a restore that was not requested yet needs the mode apply.

        Only such a drill needs the policy, so that an invalid one does not keep the others waiting.
        """
        is_unrequested = record.restore is RestoreState.NOT_REQUESTED and self._deps.now() < record.deadline
        return not is_unrequested or self._load_mode() is Mode.APPLY


def _publish(deps: DrillDependencies, record: DrillRecord) -> None:
    """Publish the event and the metrics of a result. Raises `DeliveryError` if the bus did not accept the event."""
    result = deps.bus.put([Event(*build_drill_event(record))], deps.seconds_left, may_duplicate=True)
    if result.error is not None:
        is_refused = isinstance(result.error, ChannelRefusedError)
        deps.emit(record.project, {"DeliveryFailures": int(is_refused)})
        raise result.error
    deps.emit(
        record.project,
        {
            "RestoreDrillsSucceeded": int(record.result is DrillResult.PASSED),
            "RestoreDrillsFailed": int(record.result in FAILED_RESULTS),
            "RestoreSeconds": to_seconds(record.restore_time),
        },
    )


def _log_failure(error: Exception, deps: DrillDependencies, fields: Mapping[str, object] | None = None) -> None:
    deps.log.error(describe_failure(error), extra={**(fields or {}), "error": type(error).__name__})


def _log_drill(record: DrillRecord, deps: DrillDependencies, fields: Mapping[str, object]) -> None:
    is_failure = record.result in FAILED_RESULTS or record.deletion is DeletionState.FAILED
    log_line = deps.log.error if is_failure else deps.log.info
    states = {
        "restore": record.restore,
        "validation": record.validation,
        "deletion": record.deletion,
        "result": record.result,
        "detail": " ".join(list_reasons(record)),
    }
    log_line("restore drill", extra={**fields, **states})


def _build_answer(project_name: str, drills: Iterable[DrillRecord]) -> dict[str, object]:
    return {"project": project_name, "drills": [build_drill_detail(it) for it in drills]}
