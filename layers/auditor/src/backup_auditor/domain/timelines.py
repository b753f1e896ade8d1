"""The nights of all indexes of a project."""

from collections.abc import Iterator
from dataclasses import dataclass

from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.memory import Memory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.telling import timeline_of
from backup_auditor.domain.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Timelines:
    """The nights of each index that can be backed up, sorted by name: told when they are asked for."""

    inventory: Inventory
    policy: Policy
    memory: Memory

    def __iter__(self) -> Iterator[Timeline]:
        """Tell them one by one: those of a large project never stand in memory together."""
        project = ProjectSubject(self.inventory, self.policy, self.memory)
        subjects = (IndexSubject(project, facts) for facts in project.inventory.indexes)
        return (timeline_of(it) for it in subjects if it.unsupported is None)
