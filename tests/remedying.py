"""Building blocks of tests that put a simulated project right: an audit with a viewer's key, acts with an editor's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backup_auditor.adapters.pinecone.writer import open_writer
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.remediation.executor import ExecutionResult, execute_plan
from backup_auditor.application.remediation.service import create_plan
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.plan import ActionResult, ActionState, Plan
from backup_auditor.ports.stores import RemediationLog
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.recorder import Request
from backup_auditor_simulator.web.server import Server
from planned import remedial
from reading import Told, Waits, connection_to, reading
from simulated import serving

WRITES = frozenset({"POST", "PATCH", "DELETE", "PUT"})


@dataclass
class Project:
    """A project that is put right again and again, under one policy, with one state."""

    server: Server
    log: RemediationLog
    policy: Policy = field(default_factory=remedial)
    who: str = "tester@here"
    plan: Plan | None = None
    """The one that was made last."""

    @property
    def world(self) -> SimulatedProject:
        """What is served."""
        return self.server.world

    def audited(self) -> AuditResult:
        """Audit it, with a key that cannot write."""
        with reading(self.server) as reader:
            return run_audit(reader, self.policy, project="default", observed_at=self.world.now, progress=Told())

    def planned(self) -> Plan:
        """Make a plan."""
        self.plan = create_plan(self.audited(), self.policy, self.log)
        return self.plan

    def carried_out(
        self, plan: Plan | None = None, found: AuditResult | None = None, **options: Any
    ) -> ExecutionResult:
        """Carry a plan out, by default the one that was made last, as soon as an audit has looked at the room."""
        chosen = plan or self.plan or self.planned()
        inventory = (found or self.audited()).inventory
        connection = connection_to(self.server, **{"key": Server.editor_key, **options})
        with open_writer(connection, Waits().surroundings()) as writer:
            how: dict[str, Any] = {"log": self.log, "who": self.who, "now": lambda: self.world.now}
            return execute_plan(chosen, self.policy, inventory, writer=writer.remedies, **how)

    def run(self, **options: Any) -> ExecutionResult:
        """Audit, plan and act, as one run of the command does."""
        found = self.audited()
        self.plan = create_plan(found, self.policy, self.log)
        return self.carried_out(self.plan, found, **options)

    @property
    def writes(self) -> list[Request]:
        """Every request that would change something."""
        return [it for it in self.server.requests if it.method in WRITES]

    def under(self, policy: Policy) -> "Project":
        """Return it under another policy, with the same state."""
        return replace(self, policy=policy)


@contextmanager
def remedying(world: SimulatedProject, state: Path, policy: Policy | None = None) -> Iterator[Project]:
    """Serve a project, and open a state for what is done to it."""
    with serving(world) as server, open_remediation_log(state) as log:
        yield Project(server, log, policy or remedial())


def states(results: tuple[ActionResult, ...]) -> dict[str, ActionState]:
    """Return what came of the actions, by index."""
    return {it.action.index: it.state for it in results}


def scheduled(world: SimulatedProject) -> dict[str, list[tuple[str, str, int, bool]]]:
    """Return the schedules of each index."""
    return {
        name: [(it.name, it.frequency.value, it.retention.days, it.enabled) for it in index.schedules.values()]
        for name, index in world.indexes.items()
    }
