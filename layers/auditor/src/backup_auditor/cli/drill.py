"""`backup-auditor drill`: show which backups would be restored, obtain consent, restore, verify and delete."""

import os
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import Any

from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.audit import AuditResult
from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.application.drills.service import (
    finish_drills,
    list_open_drills,
    plan_drills,
    refuse_unusable_audit,
    start_drills,
)
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.drills import make_drill_archive, open_project_for_drills
from backup_auditor.bootstrap.remediation import find_actor
from backup_auditor.cli import NON_COMPLIANT, NOT_AUDITED
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.exit_codes import choose_drill_exit_code, choose_plan_exit_code, choose_worst_exit_code
from backup_auditor.cli.options import (
    AuditOptions,
    audit_for_plan,
    choose_policy,
    find_state_file,
    read_project_name,
)
from backup_auditor.cli.output import (
    ask_about_plan,
    get_terminal_width,
    log_stderr,
    print_lines,
    require_consent,
    supports_progress,
)
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, build_known_drill
from backup_auditor.domain.drills.selection import DrillPlan, DrillRequest
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.project_state import EMPTY_STATE, KnownDrill, ProjectState
from backup_auditor.domain.text import pluralize
from backup_auditor.errors import BackupAuditorError, DrillPlanError, UsageError
from backup_auditor.ports.drills import DrillLedger, DrillProject
from backup_auditor.rendering.drill_plan import (
    describe_phase,
    render_drill_plan_table,
    render_drill_results_table,
    render_drills_json,
    render_open_drills_table,
)
from backup_auditor.rendering.text import escape_text
from backup_auditor.settings.pinecone import read_settings

type ShowDrill = Callable[[DrillRecord], None]


def run(arguments: Namespace) -> int:
    """Show the plan; run its drills with `--apply`."""
    require_consent(is_applied=arguments.apply, is_agreed=arguments.yes)
    project = read_project_name(arguments)
    policy = choose_policy(arguments.policy)
    state = find_state_file(arguments, project)
    options = AuditOptions(policy, project, None, None, state)
    request = DrillRequest(arguments.index, arguments.backup)
    if not arguments.apply:
        return _show_plan(options, project, state, request, is_json=arguments.format == "json")
    _require_apply_mode(policy)
    settings = read_settings(os.environ)
    with open_project_for_drills(settings) as drill_project, open_drill_ledger(state) as ledger:
        return _DrillSession(arguments, options, state, drill_project, ledger).run(request)


def _require_apply_mode(policy: Policy) -> None:
    mode = policy.restore_drills.mode
    if mode is not Mode.APPLY:
        raise UsageError(
            f"{policy.source}: the policy says restore_drills.mode: {mode}; set it to apply, or omit --apply"
        )


def _show_plan(options: AuditOptions, project: str, state: Path, request: DrillRequest, *, is_json: bool) -> int:
    audit = audit_for_plan(options)
    known_state = _load_state(state, project)
    plan = _make_plan(audit, options.policy, known_state, request)
    open_drills = [it for it in known_state.drills.values() if it.result is None or not it.is_target_deleted]
    if is_json:
        print_lines([render_drills_json(plan, open_drills, None)])
    else:
        print_lines(render_drill_plan_table(plan, open_drills, get_terminal_width()))
    return choose_plan_exit_code(plan.skipped_drills)


def _load_state(path: Path, project: str) -> ProjectState:
    if not os.path.lexists(path):
        return EMPTY_STATE
    with open_state_read_only(path) as store:
        return store.load(project)


def _make_plan(audit: AuditResult, policy: Policy, state: ProjectState, request: DrillRequest) -> DrillPlan:
    return plan_drills(audit, policy, state, seed=token_hex(16), request=request)


class _DrillSession:
    """One run of the command with `--apply`: what an earlier run left first, then the plan."""

    def __init__(
        self, arguments: Namespace, options: AuditOptions, state: Path, drill_project: DrillProject, ledger: DrillLedger
    ) -> None:
        self._is_json = arguments.format == "json"
        self._is_agreed = arguments.yes
        self._options = options
        self._project = read_project_name(arguments)
        self._state = state
        self._drill_project = drill_project
        self._ledger = ledger
        self._archive = make_drill_archive(state)
        self._plan: DrillPlan | None = None
        self._open_drills: tuple[KnownDrill, ...] = ()
        self._numbers: set[int] = set()
        """The numbers of the drills of this run."""

    def run(self, request: DrillRequest) -> int:
        """Continue the drills of earlier runs, then start those of a plan, until all are finished."""
        audit = audit_for_plan(self._options)
        refuse_unusable_audit(audit)
        records = list_open_drills(self._ledger, self._project, audit.inventory)
        if records:
            if not self._ask_to_continue(records):
                return self._decline()
            with self._explain_interruption():
                self._finish(records)
            audit = audit_for_plan(self._options)
        codes = []
        try:
            self._plan = self._make_plan(audit, request)
            codes.append(choose_plan_exit_code(self._plan.skipped_drills))
            if not self._run_plan(self._plan):
                return self._decline()
            if len(self._numbers) < len(records) + len(self._plan.drills):
                codes.append(NON_COMPLIANT)
        except BackupAuditorError as error:
            if not records:
                raise
            log_stderr(format_error_line(error))
            codes.append(NON_COMPLIANT)
        results = self._print_results()
        return choose_worst_exit_code([choose_drill_exit_code(results), *codes])

    def _decline(self) -> int:
        log_stderr("nothing was changed" if not self._numbers else "nothing more was changed")
        return NOT_AUDITED

    def _ask_to_continue(self, records: list[DrillRecord]) -> bool:
        self._open_drills = tuple(map(build_known_drill, records))
        lines = list(render_open_drills_table(self._open_drills, get_terminal_width()))
        if not self._is_json:
            print_lines(lines)
        question = f"Continue {pluralize(len(records), 'restore drill')} of an earlier run?"
        return self._is_agreed or ask_about_plan(question, lines if self._is_json else ())

    def _make_plan(self, audit: AuditResult, request: DrillRequest) -> DrillPlan:
        return _make_plan(audit, self._options.policy, _load_state(self._state, self._project), request)

    def _run_plan(self, plan: DrillPlan) -> bool:
        """Run the drills of a plan, and return `False` if the person does not consent."""
        lines = list(render_drill_plan_table(plan, (), get_terminal_width()))
        if not self._is_json:
            print_lines(lines)
        if not plan.drills:
            _refuse_blocked_plan(plan)
            return True
        question = f"Run {pluralize(len(plan.drills), 'restore drill')} of plan {plan.plan_id}?"
        if not self._is_agreed and not ask_about_plan(question, lines if self._is_json else ()):
            return False
        with self._explain_interruption():
            self._finish(self._start(plan))
        return True

    def _start(self, plan: DrillPlan) -> list[DrillRecord]:
        return start_drills(plan, self._drill_project, self._ledger, actor=find_actor(), now=runtime.now)

    def _finish(self, records: Iterable[DrillRecord]) -> None:
        with show_drills(runtime.now) as show:
            runner = DrillRunner(
                self._drill_project, self._ledger, self._archive, _publish_nothing, runtime.now, on_change=show
            )
            started_records = [runner.reopen(it) for it in records]
            self._numbers |= {it.number for it in started_records}
            finish_drills(
                started_records, runner.advance, self._ledger, now=runtime.now, wait=_wait, on_error=_log_failure
            )

    @contextmanager
    def _explain_interruption(self) -> Iterator[None]:
        """On a signal, say what the next run continues, and print what is recorded."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            for record in list_open_drills(self._ledger, self._project):
                is_deleted = record.deletion is DeletionState.CONFIRMED
                deletion_text = "" if is_deleted else f" and deletes the temporary index {record.target_name}"
                log_stderr(
                    f"drill {record.drill_id} of {record.index_name} is not finished, and its record is kept: the next"
                    f" `backup-auditor drill --apply` continues it{deletion_text}"
                )
            if self._is_json:
                self._print_results()
            raise

    def _print_results(self) -> list[DrillRecord]:
        """Print the drills of this run as they are recorded, and return them."""
        records = [it for it in self._ledger.list_drills(self._project) if it.number in self._numbers]
        if self._is_json:
            print_lines([render_drills_json(self._plan, self._open_drills, records)])
        elif records:
            print_lines(["", *render_drill_results_table(self._project, records, get_terminal_width())])
        return records


def _refuse_blocked_plan(plan: DrillPlan) -> None:
    """Raise `DrillPlanError` if drills are due and none of them fits."""
    blocked_drill = next((it for it in plan.skipped_drills if it.is_due and not it.is_unknown), None)
    if blocked_drill is not None:
        reason = blocked_drill.reason.removesuffix(".")
        raise DrillPlanError(
            f"no drill can start: {blocked_drill.label}: {reason}; run drill again when that has changed"
        )


def _publish_nothing(_: DrillRecord) -> None:
    """Publish nothing: a laptop has no bus, and the command itself shows the result."""


def _wait(length: timedelta) -> None:
    time.sleep(length.total_seconds())


def _log_failure(record: DrillRecord, error: BackupAuditorError) -> None:
    log_stderr(
        f"drill {record.drill_id} of {record.index_name}: {format_error_line(error)}; the next run with --apply"
        " continues"
    )


@contextmanager
def show_drills(now: Callable[[], datetime]) -> Iterator[ShowDrill]:
    """Yield what shows each stored record while the block runs."""
    if not supports_progress():
        yield DrillLog().show
        return
    rich_progress = import_module("rich.progress")
    console = import_module("rich.console").Console(stderr=True)
    columns = (
        rich_progress.SpinnerColumn(),
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.TimeElapsedColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True) as display:
        yield DrillDisplay(display, now).show


class DrillLog:
    """Writes a line when a drill does something else than before."""

    def __init__(self) -> None:
        """Start without a drill."""
        self._phases: dict[int, str] = {}

    def show(self, record: DrillRecord) -> None:
        """Write what a drill does now, unless that was written last."""
        phase = describe_phase(record)
        if self._phases.get(record.number) != phase:
            self._phases[record.number] = phase
            log_stderr(f"{record.index_name}: {phase}")


class DrillDisplay:
    """Shows a line for each drill, with the time since its request."""

    def __init__(self, display: object, now: Callable[[], datetime]) -> None:
        """Draw on a `rich.progress.Progress`."""
        self._display: Any = display
        self._now = now
        self._tasks: dict[int, Any] = {}

    def show(self, record: DrillRecord) -> None:
        """Show what a drill does now."""
        text = f"{escape_text(record.index_name)}: {escape_text(describe_phase(record))}"
        if record.number not in self._tasks:
            self._tasks[record.number] = self._display.add_task(text, total=None)
            elapsed = self._now() - (record.requested_at or self._now())
            self._display.tasks[-1].start_time -= elapsed.total_seconds()
        self._display.update(self._tasks[record.number], description=text)
        if record.is_stopped:
            self._display.stop_task(self._tasks[record.number])
