"""Compare two fleets: the results of each project, and which projects have other results."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.reporting.fleet import Fleet


@dataclass(frozen=True, slots=True)
class ProjectResult:
    """The result of one project, as far as a change of it is reported."""

    compliance: Compliance | None
    """`None` if the project was not audited."""
    open_counts: Mapping[Severity, int]
    """Empty if the project was not audited."""


_NOT_AUDITED = ProjectResult(None, {})


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """A project whose result differs from an earlier one."""

    name: str
    before: ProjectResult | None
    """`None` if the project was not in the fleet."""
    after: ProjectResult | None
    """`None` if the project is no longer in the fleet."""


def list_results(fleet: Fleet) -> dict[str, ProjectResult]:
    """Return the result of each project: those that were not audited, then the others, the worst first."""
    results = {it.name: _NOT_AUDITED for it in fleet.unaudited}
    return results | {it.name: ProjectResult(it.compliance, it.open_counts) for it in fleet.projects}


def find_changes(fleet: Fleet, previous: Fleet) -> list[ProjectChange]:
    """Return the projects whose results differ, in the order of the fleet; those that it no longer has come last."""
    results, previous_results = list_results(fleet), list_results(previous)
    names = (*results, *(it for it in previous_results if it not in results))
    changes = (ProjectChange(it, previous_results.get(it), results.get(it)) for it in names)
    return [it for it in changes if it.before != it.after]


def hash_results(fleet: Fleet) -> str:
    """Return the SHA-256 of all results, and of what is unregistered. Without a change it is the same."""
    rows = sorted(
        (name, it.compliance or "", *(it.open_counts.get(severity, 0) for severity in Severity))
        for name, it in list_results(fleet).items()
    )
    unregistered_ids = () if fleet.unregistered is None else sorted(it.project_id for it in fleet.unregistered.projects)
    return hashlib.sha256(json.dumps([*rows, *unregistered_ids]).encode()).hexdigest()
