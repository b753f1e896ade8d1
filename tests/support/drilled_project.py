"""A simulated project that is drilled several times, with one policy and one state, on the simulator's clock."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backup_auditor.adapters.drill_folder import DrillFolder
from backup_auditor.adapters.pinecone.restores import open_drill_project
from backup_auditor.adapters.policy_file.built_in import load_built_in_policy
from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.application.drills.service import (
    finish_drills,
    list_open_drills,
    plan_drills,
    refuse_unusable_audit,
    start_drills,
)
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.drills.selection import DrillRequest
from backup_auditor.domain.policy import Mode, Policy, RestoreDrillPolicy
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
    """A project that is drilled, as the command does it."""

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

    @property
    def simulated_project(self) -> SimulatedProject:
        """The project that is served."""
        return self.server.project

    def read_clock(self) -> datetime:
        """Return the time of the simulator."""
        return self.simulated_project.now

    def audit(self) -> AuditResult:
        """Audit the project with its state, which is not recorded."""
        with open_simulated_reader(self.server) as reader, open_state_read_only(self.state) as store:
            return run_audit(
                reader,
                self.policy,
                project=PROJECT,
                observed_at=self.read_clock(),
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
        seed = f"seed-{self.run_count}"
        connection = make_connection(self.server, key=Server.drill_key)
        with (
            open_drill_ledger(self.state) as own_ledger,
            open_drill_project(connection, RecordingClock().build_runtime()) as own_project,
        ):
            project, ledger = self.wrap_project(own_project), self.wrap_ledger(own_ledger)
            archive = DrillFolder(self.state.with_name("drills"))
            runner = DrillRunner(project, ledger, archive, self.published_records.append, self.read_clock)
            audit = self.audit()
            refuse_unusable_audit(audit)
            open_records = list_open_drills(ledger, PROJECT, audit.inventory)
            results = self._finish(runner, ledger, [runner.reopen(it) for it in open_records])
            audit = self.audit()
            with open_state_read_only(self.state) as store:
                plan = plan_drills(
                    audit, self.policy, store.load(PROJECT), seed=seed, request=request or DrillRequest()
                )
            records = start_drills(plan, project, ledger, actor=actor, now=self.read_clock)
            return [*results, *self._finish(runner, ledger, records)]

    def _finish(self, runner: DrillRunner, ledger: DrillLedger, records: list[DrillRecord]) -> list[DrillRecord]:
        return finish_drills(
            records, runner.advance, ledger, now=self.read_clock, wait=self._wait, on_error=self._keep_error
        )

    def _wait(self, length: timedelta) -> None:
        self.simulated_project.advance(length * self.wait_factor)

    def _keep_error(self, record: DrillRecord, error: BackupAuditorError) -> None:
        del record
        self.errors.append(str(error))
