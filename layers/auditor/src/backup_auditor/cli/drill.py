"""`backup-auditor drill`: show which backups would be restored, obtain consent, restore, verify and delete."""

import os
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import Any

from backup_auditor.adapters.pinecone.restores import open_drill_project
from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger, open_drill_ledger_read_only
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.audit import AuditResult
from backup_auditor.application.drills.service import DrillSession, list_open_drills, plan_drills
from backup_auditor.bootstrap import local, runtime
from backup_auditor.bootstrap.pinecone import make_connection
from backup_auditor.cli import NON_COMPLIANT, NOT_AUDITED
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.exit_codes import (
    choose_drill_exit_code,
    choose_drill_plan_exit_code,
    choose_worst_exit_code,
)
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
    print_outcome,
    require_consent,
    require_output,
    supports_progress,
)
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, build_known_drill
from backup_auditor.domain.drills.selection import DrillPlan, DrillRequest
from backup_auditor.domain.inventory import Inventory
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
    require_output()
    connection = make_connection(read_settings(os.environ))
    with open_drill_project(connection) as drill_project, open_drill_ledger(state) as ledger:
        return _AppliedDrills(arguments, options, state, drill_project, ledger).run(request)


def _require_apply_mode(policy: Policy) -> None:
    mode = policy.restore_drills.mode
    if mode is not Mode.APPLY:
        raise UsageError(
            f"{policy.source}: the policy says restore_drills.mode: {mode}; set it to apply, or omit --apply"
        )


def _show_plan(options: AuditOptions, project: str, state: Path, request: DrillRequest, *, is_json: bool) -> int:
    audit = audit_for_plan(options)
    known_state = _load_state(state, project)
    plan = plan_drills(audit, options.policy, known_state, seed=_make_seed(), request=request)
    open_drills = _load_open_drills(state, project, audit.inventory)
    if is_json:
        print_lines([render_drills_json(plan, open_drills, None)])
    else:
        print_lines(render_drill_plan_table(plan, open_drills, get_terminal_width()))
    return choose_drill_plan_exit_code(plan.skipped_drills)


def _load_state(path: Path, project: str) -> ProjectState:
    if not os.path.lexists(path):
        return EMPTY_STATE
    with open_state_read_only(path) as store:
        return store.load(project)


def _load_open_drills(path: Path, project: str, inventory: Inventory) -> list[KnownDrill]:
    if not os.path.lexists(path):
        return []
    with open_drill_ledger_read_only(path) as ledger:
        return [build_known_drill(it) for it in list_open_drills(ledger, project, inventory)]


def _make_seed() -> str:
    return token_hex(16)


class _AppliedDrills:
    """The command with `--apply`: a `DrillOperator` that asks a person, and shows what happens."""

    def __init__(
        self, arguments: Namespace, options: AuditOptions, state: Path, drill_project: DrillProject, ledger: DrillLedger
    ) -> None:
        self._is_json = arguments.format == "json"
        self._is_agreed = arguments.yes
        self._options = options
        self._project = read_project_name(arguments)
        self._state = state
        self._ledger = ledger
        self._session = DrillSession(
            self._project,
            options.policy,
            drill_project,
            ledger,
            local.make_drill_archive(state),
            operator=self,
            actor=local.find_actor(),
        )

    def run(self, request: DrillRequest) -> int:
        """Run the drills, show their results, and return the exit code."""
        session, codes = self._session, []
        try:
            if not session.run(request):
                if not session.numbers:
                    log_stderr("nothing was changed")
                    return NOT_AUDITED
                log_stderr("nothing more was changed")
                codes.append(NON_COMPLIANT)
        except BackupAuditorError as error:
            if not session.numbers:
                raise
            log_stderr(format_error_line(error))
            codes.append(NON_COMPLIANT)
        if session.plan is not None:
            codes.append(choose_drill_plan_exit_code(session.plan.skipped_drills))
        if session.unstarted_text is not None:
            codes.append(NON_COMPLIANT)
        return self._print_results(codes)

    def now(self) -> datetime:
        """Return the time."""
        return runtime.now()

    def wait(self, length: timedelta) -> None:
        """Sleep."""
        time.sleep(length.total_seconds())

    def make_seed(self) -> str:
        """Return a random text."""
        return _make_seed()

    def audit(self) -> AuditResult:
        """Audit the project as it is now."""
        return audit_for_plan(self._options)

    def load_state(self) -> ProjectState:
        """Return the state of the project."""
        return _load_state(self._state, self._project)

    def allows_continuation(self, open_drills: Sequence[KnownDrill]) -> bool:
        """Show the drills of earlier runs, and ask whether to continue them."""
        lines = list(render_open_drills_table(open_drills, get_terminal_width()))
        return self._ask(f"Continue {pluralize(len(open_drills), 'restore drill')} of an earlier run?", lines)

    def allows_plan(self, plan: DrillPlan) -> bool:
        """Show a plan, and ask whether to run it. Raises `DrillPlanError` if drills are due and none can start."""
        lines = list(render_drill_plan_table(plan, (), get_terminal_width()))
        if plan.drills:
            return self._ask(f"Run {pluralize(len(plan.drills), 'restore drill')} of plan {plan.plan_id}?", lines)
        if not self._is_json:
            print_lines(lines)
        if plan.obstacle is not None:
            reason = plan.obstacle.removesuffix(".")
            raise DrillPlanError(f"no drill can start: {reason}; run drill again when that has changed")
        return True

    def _ask(self, question: str, lines: list[str]) -> bool:
        """Show lines where results are tables, and ask; a person who wants JSON sees them with the question."""
        if not self._is_json:
            print_lines(lines)
        return self._is_agreed or ask_about_plan(question, lines if self._is_json else ())

    @contextmanager
    def show_progress(self) -> Iterator[Callable[[DrillRecord], None]]:
        """Show each stored record. On a signal, say what the next run continues, and print what is recorded."""
        try:
            with show_drills(runtime.now) as show:
                yield show
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

    def publish(self, record: DrillRecord) -> None:
        """Publish nothing: a laptop has no bus, and the command itself shows the result."""

    def log(self, text: str) -> None:
        """Write a message that is no result."""
        log_stderr(text)

    def log_failure(self, record: DrillRecord, error: BackupAuditorError) -> None:
        """Write why a drill is left to the next run."""
        log_stderr(
            f"drill {record.drill_id} of {record.index_name}: {format_error_line(error)}; the next run with --apply"
            " continues"
        )

    def _print_results(self, codes: Iterable[int] = ()) -> int:
        """Print the drills of this run as they are recorded, and return the exit code of them and of what else was."""
        session, records = self._session, self._session.list_results()
        code = choose_worst_exit_code([choose_drill_exit_code(records), *codes])
        if self._is_json:
            lines = [render_drills_json(session.plan, session.open_drills, records)]
        elif records:
            lines = ["", *render_drill_results_table(self._project, records, get_terminal_width())]
        else:
            return code
        remedy = "`backup-auditor evidence list` shows the recorded drills" if records else None
        return print_outcome(lines, code, remedy)


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
