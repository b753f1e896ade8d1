"""A simulated project that is drilled several times, with one policy and one state, on the simulator's clock."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backup_auditor.adapters.files import DrillFolder
from backup_auditor.adapters.pinecone.restores import open_drill_project
from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.drills.runner import ignore_change
from backup_auditor.application.drills.service import DrillSession
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.drills.selection import DrillPlan, DrillRequest
from backup_auditor.domain.policy import Mode, Policy, RestoreDrillPolicy
from backup_auditor.domain.project_state import KnownDrill, ProjectState
from backup_auditor.errors import BackupAuditorError
from backup_auditor.ports.drills import DrillLedger, DrillProject
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.simulator import ProgressCounter, RecordingClock, make_connection, open_simulated_reader

PROJECT = "default"


def build_drill_policy(*, within: timedelta = timedelta(days=90), **limits: Any) -> Policy:
    """Return the built-in policy with restore drills that are required and applied."""
    policy = load_built_in_policy()
    recovery = replace(policy.defaults.recovery, restore_drill_within=within)
    return replace(
        policy,
        defaults=replace(policy.defaults, recovery=recovery),
        restore_drills=replace(RestoreDrillPolicy(mode=Mode.APPLY), **limits),
    )


def keep_project(project: DrillProject) -> DrillProject:
    """Return the project itself."""
    return project


def keep_ledger(ledger: DrillLedger) -> DrillLedger:
    """Return the ledger itself."""
    return ledger


@dataclass
class DrilledProject:
    """A project that is drilled as the command does it: a `DrillOperator` that agrees to everything."""

    server: Server
    state: Path
    policy: Policy = field(default_factory=build_drill_policy)
    wrap_project: Callable[[DrillProject], DrillProject] = keep_project
    wrap_ledger: Callable[[DrillLedger], DrillLedger] = keep_ledger
    wait_factor: float = 1
    """How many times as long each wait is: a late run."""
    run_count: int = 0
    published_records: list[DrillRecord] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def simulated_project(self) -> SimulatedProject:
        """The project that is served."""
        return self.server.project

    def now(self) -> datetime:
        """Return the time of the simulator."""
        return self.simulated_project.now

    def audit(self) -> AuditResult:
        """Audit the project with its state, which is not recorded."""
        with open_simulated_reader(self.server) as reader, open_state_read_only(self.state) as store:
            return run_audit(
                reader,
                self.policy,
                project=PROJECT,
                observed_at=self.now(),
                progress=ProgressCounter(),
                store=store,
                is_recorded=False,
            )

    def list_drills(self) -> list[DrillRecord]:
        """Return all recorded drills."""
        with open_drill_ledger(self.state) as ledger:
            return list(ledger.list_drills(PROJECT))

    def run(self, request: DrillRequest | None = None, *, actor: str = "me@here") -> list[DrillRecord]:
        """Continue what an earlier run left, then drill what is due, and return the drills of this run."""
        self.run_count += 1
        connection = make_connection(self.server, key=Server.drill_key)
        with (
            open_drill_ledger(self.state) as own_ledger,
            open_drill_project(connection, RecordingClock().build_runtime()) as own_project,
        ):
            session = DrillSession(
                PROJECT,
                self.policy,
                self.wrap_project(own_project),
                self.wrap_ledger(own_ledger),
                DrillFolder(self.state.with_name("drills")),
                operator=self,
                actor=actor,
            )
            session.run(request or DrillRequest())
            return session.list_results()

    def make_seed(self) -> str:
        """Return another text for each run."""
        return f"seed-{self.run_count}"

    def load_state(self) -> ProjectState:
        """Return the state of the project."""
        with open_state_read_only(self.state) as store:
            return store.load(PROJECT)

    def allows_continuation(self, open_drills: Sequence[KnownDrill]) -> bool:
        """Agree."""
        del open_drills
        return True

    def allows_plan(self, plan: DrillPlan) -> bool:
        """Agree."""
        del plan
        return True

    def show_progress(self) -> AbstractContextManager[Callable[[DrillRecord], None]]:
        """Show nothing."""
        return nullcontext(ignore_change)

    def publish(self, record: DrillRecord) -> None:
        """Keep a published record."""
        self.published_records.append(record)

    def wait(self, length: timedelta) -> None:
        """Move the clock of the simulator."""
        self.simulated_project.advance(length * self.wait_factor)

    def log(self, text: str) -> None:
        """Keep a message."""
        self.messages.append(text)

    def log_failure(self, record: DrillRecord, error: BackupAuditorError) -> None:
        """Keep a failure."""
        del record
        self.errors.append(str(error))
