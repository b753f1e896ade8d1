"""Run restore drills: refuse what cannot succeed before anything is created, then record and finish each drill."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from backup_auditor.application.audit import AuditResult
from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.domain.drills.drill import (
    DrillRecord,
    build_known_drill,
    find_open_drills,
    require_same_project,
)
from backup_auditor.domain.drills.selection import DrillPlan, DrillRequest, create_record, make_drill_plan
from backup_auditor.domain.drills.state_machine import compute_wait
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.project_state import KnownDrill, ProjectState
from backup_auditor.domain.text import pluralize
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    DrillPlanError,
    ForbiddenError,
    NotFoundError,
    StateError,
    UnavailableError,
)
from backup_auditor.ports.drills import DrillArchive, DrillLedger, DrillProject

_KEY_REMEDY = "use a key with the roles ControlPlaneEditor and DataPlaneViewer"


def plan_drills(
    audit: AuditResult, policy: Policy, state: ProjectState, *, seed: str, request: DrillRequest
) -> DrillPlan:
    """Return the plan that follows from an audit.

    Raises what `refuse_unusable_audit` raises, and `DrillPlanError` for a request that cannot be drilled.
    """
    refuse_unusable_audit(audit)
    plan = make_drill_plan(audit.inventory, policy, state, audit.report.findings, seed=seed, request=request)
    is_requested = request != DrillRequest()
    if is_requested and not plan.drills and not any(it.is_unknown for it in plan.skipped_drills):
        reasons = "; ".join(f"{it.label}: {it.reason.removesuffix('.')}" for it in plan.skipped_drills)
        raise DrillPlanError(f"{reasons}; run drill without --index and --backup to see what can be drilled")
    return plan


def refuse_unusable_audit(audit: AuditResult) -> None:
    """Raise `UnavailableError` if the indexes are unknown, `DrillPlanError` for another project than the policy's."""
    failure = audit.inventory.indexes_failure
    if failure is not None:
        raise UnavailableError(f"the list of indexes could not be read: {failure}; try again")
    for finding in audit.report.findings:
        if finding.control == "project-is-expected" and finding.compliance is Compliance.NON_COMPLIANT:
            raise DrillPlanError(f"the policy is for another project: {finding.reason}")


def list_open_drills(ledger: DrillLedger, project: str, inventory: Inventory | None = None) -> list[DrillRecord]:
    """Return the drills that the next run has to continue, oldest first.

    With an inventory, also those whose temporary indexes exist although their deletion was confirmed: they have a new
    revision, which the run stores first. Raises `ProjectMismatchError` if the inventory is certainly of another
    Pinecone project than one of these drills. If it is unknown, `DrillRunner` does nothing in another project.
    """
    facts = () if inventory is None else (*inventory.indexes, *inventory.drill_indexes)
    records = find_open_drills(ledger.list_drills(project), (it.index for it in facts))
    if inventory is not None:
        for record in records:
            if not record.is_finished:
                require_same_project(record, inventory.project_id)
    return records


def start_drills(
    plan: DrillPlan, project: DrillProject, ledger: DrillLedger, *, actor: str, now: Callable[[], datetime]
) -> list[DrillRecord]:
    """Record each drill of a plan, before anything is requested, and return the records.

    Everything that can be refused is refused before the first record, also a plan that is older than another drill.
    Raises `DrillPlanError`, `StateError`, and any `PineconeError` of the reads.
    """
    if plan.mode is not Mode.APPLY:
        raise DrillPlanError(f"the policy says restore_drills.mode: {plan.mode}; set it to apply to run drills")
    earlier_records = ledger.list_drills(plan.project)
    _refuse_other_run(plan, earlier_records, now())
    last_number = max((it.number for it in earlier_records), default=0)
    records = [
        _prepare_record(plan, position, project, last_number + 1 + position, actor=actor, now=now)
        for position in range(len(plan.drills))
    ]
    for position, record in enumerate(records):
        if not ledger.create_drill(record):
            if position:
                return records[:position]
            raise _build_other_run_error(plan)
    return records


def describe_unstarted_drills(plan: DrillPlan, records: Sequence[DrillRecord]) -> str | None:
    """Return why the drills of a plan without a record were not started; `None` if each has one."""
    unstarted_count = len(plan.drills) - len(records)
    if not unstarted_count:
        return None
    verb = "was" if unstarted_count == 1 else "were"
    return (
        f"another run has started a drill of project {plan.project}: {unstarted_count:,} of"
        f" {pluralize(len(plan.drills), 'drill')} {verb} not started; run drill again later"
    )


def _refuse_other_run(plan: DrillPlan, records: Iterable[DrillRecord], now: datetime) -> None:
    """Raise `DrillPlanError` if another drill is running, or was started since the facts of the plan were read."""
    if any(it.chosen_at > plan.created_at or build_known_drill(it).is_running(now) for it in records):
        raise _build_other_run_error(plan)


def _build_other_run_error(plan: DrillPlan) -> DrillPlanError:
    return DrillPlanError(f"another run has started a drill of project {plan.project}; run drill again later")


def finish_drills(  # noqa: PLR0913  everything that the loop needs
    records: Iterable[DrillRecord],
    advance: Callable[[DrillRecord], DrillRecord],
    ledger: DrillLedger,
    *,
    now: Callable[[], datetime],
    wait: Callable[[timedelta], None],
    on_error: Callable[[DrillRecord, BackupAuditorError], None],
) -> list[DrillRecord]:
    """Advance drills until nothing is left to do for this run, and return them as they are stored then.

    Each is advanced once at least: what an earlier run could not delete is tried again. A drill whose step cannot be
    recorded is left to the next run; `on_error` gets the reason.
    """
    current_records = {it.number: it for it in records}
    open_numbers = set(current_records)
    while open_numbers:
        for number in sorted(open_numbers):
            record = current_records[number]
            try:
                current_records[number] = advance(record)
            except BackupAuditorError as error:
                on_error(record, error)
                with suppress(StateError):
                    current_records[number] = ledger.load_drill(record.project, number) or record
                open_numbers.discard(number)
        open_numbers = {it for it in open_numbers if current_records[it].is_in_progress}
        if open_numbers:
            wait(min(compute_wait(current_records[it], now()) for it in open_numbers))
    return list(current_records.values())


def _prepare_record(  # noqa: PLR0913  all facts of a new record
    plan: DrillPlan, position: int, project: DrillProject, number: int, *, actor: str, now: Callable[[], datetime]
) -> DrillRecord:
    drill = plan.drills[position]
    try:
        if drill.unreadable_reason is None:
            project.check_access(drill.index)
    except (BadKeyError, ForbiddenError) as error:
        raise DrillPlanError(f"the key may not read index {drill.index}: {error}; {_KEY_REMEDY}") from None
    except NotFoundError as error:
        raise DrillPlanError(f"index {drill.index} was deleted: {error}; run drill again") from None
    try:
        expected = project.load_expected_content(drill.point.backup_id)
    except (BadKeyError, ForbiddenError) as error:
        backup_text = f"backup {drill.point.backup_id} of index {drill.index}"
        raise DrillPlanError(f"the key may not read {backup_text}: {error}; {_KEY_REMEDY}") from None
    except NotFoundError as error:
        raise DrillPlanError(
            f"backup {drill.point.backup_id} of index {drill.index} was deleted: {error}; run drill again"
        ) from None
    return create_record(plan, drill, expected, number=number, actor=actor, now=now())


class DrillOperator(Protocol):
    """Who runs drills: what it reads, whom it asks, and what it shows."""

    def now(self) -> datetime:
        """Return the time."""

    def wait(self, length: timedelta) -> None:
        """Return after this time."""

    def make_seed(self) -> str:
        """Return a random text."""

    def audit(self) -> AuditResult:
        """Audit the project as it is now. Nothing is recorded."""

    def load_state(self) -> ProjectState:
        """Return the state of the project, with its drills as they are now."""

    def allows_continuation(self, open_drills: Sequence[KnownDrill]) -> bool:
        """Show the drills that earlier runs left, and return whether they may be continued."""

    def allows_plan(self, plan: DrillPlan) -> bool:
        """Show a plan, and return whether its drills may start. Raises `DrillPlanError` to refuse it."""

    def show_progress(self) -> AbstractContextManager[Callable[[DrillRecord], None]]:
        """Open what gets each record that is stored while drills are started and finished."""

    def publish(self, record: DrillRecord) -> None:
        """Send the result of a drill. Raises if it was not accepted."""

    def log(self, text: str) -> None:
        """Log a message."""

    def log_failure(self, record: DrillRecord, error: BackupAuditorError) -> None:
        """Log why a drill is left to the next run."""


@dataclass(slots=True)
class DrillSession:
    """One run that waits until its drills are finished: first what earlier runs left, then a plan."""

    project_name: str
    policy: Policy
    project: DrillProject
    ledger: DrillLedger
    archive: DrillArchive
    operator: DrillOperator
    actor: str
    open_drills: tuple[KnownDrill, ...] = ()
    """The drills that earlier runs left."""
    plan: DrillPlan | None = None
    numbers: set[int] = field(default_factory=set)
    """The numbers of the drills that this run has continued or started."""
    unstarted_text: str | None = None
    """Why some drills of the plan were not started."""

    def run(self, request: DrillRequest) -> bool:
        """Continue the drills of earlier runs, then run those of a plan. Return `False` if the operator declines."""
        audit = self.operator.audit()
        refuse_unusable_audit(audit)
        records = list_open_drills(self.ledger, self.project_name, audit.inventory)
        if records:
            self.open_drills = tuple(map(build_known_drill, records))
            if not self.operator.allows_continuation(self.open_drills):
                return False
            with self.operator.show_progress() as show:
                self._finish(records, show)
            audit = self.operator.audit()
        state, seed = self.operator.load_state(), self.operator.make_seed()
        self.plan = plan_drills(audit, self.policy, state, seed=seed, request=request)
        if not self.operator.allows_plan(self.plan):
            return False
        if self.plan.drills:
            with self.operator.show_progress() as show:
                self._finish(self._start(self.plan), show)
        return True

    def list_results(self) -> list[DrillRecord]:
        """Return the drills of this run as they are recorded now."""
        return [it for it in self.ledger.list_drills(self.project_name) if it.number in self.numbers]

    def _start(self, plan: DrillPlan) -> list[DrillRecord]:
        records = start_drills(plan, self.project, self.ledger, actor=self.actor, now=self.operator.now)
        self.unstarted_text = describe_unstarted_drills(plan, records)
        if self.unstarted_text is not None:
            self.operator.log(self.unstarted_text)
        return records

    def _finish(self, records: Sequence[DrillRecord], show: Callable[[DrillRecord], None]) -> None:
        operator = self.operator
        runner = DrillRunner(self.project, self.ledger, self.archive, operator.publish, operator.now, on_change=show)
        stored_records = [runner.reopen(it) for it in records]
        self.numbers |= {it.number for it in stored_records}
        finish_drills(
            stored_records,
            runner.advance,
            self.ledger,
            now=operator.now,
            wait=operator.wait,
            on_error=operator.log_failure,
        )
