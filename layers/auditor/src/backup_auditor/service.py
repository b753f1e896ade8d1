"""The use cases: an audit collects, judges and reports, once; a saved inventory is only judged."""

from dataclasses import dataclass
from datetime import datetime

from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.evaluation import evaluate
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.report import Report, report_of
from backup_auditor.gathering.crew import Crew
from backup_auditor.gathering.gatherer import Gatherer
from backup_auditor.ports import Progress, ProjectReader


@dataclass(frozen=True, slots=True)
class Audit:
    """What one audit read, and what it says."""

    inventory: Inventory
    report: Report
    notes: tuple[str, ...] = ()
    """What happened while it ran that is neither a finding nor unread, for the log."""


def audit(reader: ProjectReader, policy: Policy, *, project: str, observed_at: datetime, progress: Progress) -> Audit:
    """Read a project, judge it, and read again what a verdict of absence rests on, until two walks agree.

    Raises `BadKeyError`, `ForbiddenError`, `NotFoundError`, `PlanForbidsError` and `UnreachableError` when the list of
    indexes is answered so: then nothing was audited. Whatever else could not be read is part of the inventory.
    """
    with Crew(reader.ceiling) as crew:
        gatherer = Gatherer(reader, crew, progress)
        gatherer.gather()
        inventory = gatherer.inventory(project, observed_at)
        judgement = evaluate(inventory, policy, CATALOGUE)
        while judgement.doubts and gatherer.walk_again(judgement.doubts):
            inventory = gatherer.inventory(project, observed_at)
            judgement = evaluate(inventory, policy, CATALOGUE)
    return Audit(inventory, report_of(inventory, policy, judgement), tuple(gatherer.notes))


def judge(inventory: Inventory, policy: Policy) -> Report:
    """Judge an inventory that was read before, without a call."""
    return report_of(inventory, policy, evaluate(inventory, policy, CATALOGUE))
