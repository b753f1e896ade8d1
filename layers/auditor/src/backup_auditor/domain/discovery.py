"""The projects of an organization beside those of a registry.

A project and an entry belong together by Pinecone's id of the project, never by a name: names are not unique. What
could not be read, and an id that is unknown, is a status of its own.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import chain, count
from types import MappingProxyType

from backup_auditor.domain.identifiers import is_key, to_variable_part
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.organization import (
    Absence,
    AccountCheck,
    AccountSubject,
    Organization,
    OrganizationProject,
    ProjectLookup,
)
from backup_auditor.domain.policy import PineconePlan, Policy
from backup_auditor.domain.registry import (
    EntryTarget,
    IgnoredProject,
    RegisteredProject,
    Registry,
    find_shared_by_target,
)
from backup_auditor.domain.text import join_names, pluralize, quote_text


class ProjectStatus(StrEnum):
    """How a project of the organization and the registry relate, the worst first."""

    UNREGISTERED = "unregistered"
    GONE = "gone"
    NO_ACCESS = "no_access"
    """The service account may not see the project, so nothing is known about it."""
    UNKNOWN = "unknown"
    """The id of the project is unknown, so the entry fits no project."""
    RENAMED = "renamed"
    """Registered, under another name than at Pinecone.

    Only a note for people who look for the project by its name at Pinecone: entries may have names of their own, so it
    is no difference, and no channel hears of it.
    """
    REGISTERED = "registered"
    IGNORED = "ignored"

    @property
    def label(self) -> str:
        """The status for people."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class DiscoveredProject:
    """A project of the organization, or an entry of the registry without one."""

    status: ProjectStatus
    project_id: str | None
    name: str | None
    """Its name at Pinecone; `None` if unknown."""
    entry: str | None = None
    """The name of its entry in the registry."""
    detail: str | None = None
    """What is known, and what to do."""
    project: OrganizationProject | None = None
    """The project as it was listed."""
    ignored: IgnoredProject | None = None
    possible_entry: str | None = None
    """The entry that has its name and whose own project is unknown: it may lead to this one."""

    @property
    def label(self) -> str:
        """The name for people."""
        return self.entry or self.name or self.project_id or "unknown"


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """What a service account could read of an organization."""

    projects: ListingRead[OrganizationProject]
    organizations: ListingRead[Organization]
    lookups: Mapping[str, ProjectLookup] = field(default_factory=dict)
    """The results for the ids of entries, and of watched projects, that the listing does not have."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The comparison of an organization with a registry."""

    organizations: tuple[Organization, ...]
    projects: tuple[DiscoveredProject, ...]
    """The worst status first, then by name."""
    read_failures: tuple[ReadFailure, ...] = ()
    warnings: tuple[str, ...] = ()
    account_checks: tuple[AccountCheck, ...] = ()
    is_listing_complete: bool = True
    """Whether all projects were listed. A list without any project is not complete: its account may see nothing."""
    has_listed: bool = True
    """Whether at least one project was listed."""
    has_ignore_errors: bool = False
    """Whether a project to ignore is invalid, so that a project may count as unregistered because of it."""

    def list_projects(self, status: ProjectStatus) -> tuple[DiscoveredProject, ...]:
        """Return the projects of a status."""
        return tuple(it for it in self.projects if it.status is status)

    @property
    def is_complete(self) -> bool:
        """Whether everything was read, and every entry could be compared. Without any project, nothing is known."""
        unknown_statuses = {ProjectStatus.NO_ACCESS, ProjectStatus.UNKNOWN}
        return (
            self.has_listed
            and not self.read_failures
            and not any(it.status in unknown_statuses for it in self.projects)
        )

    @property
    def has_differences(self) -> bool:
        """Whether a project is not registered, or an entry leads to a project that is gone."""
        return any(it.status in {ProjectStatus.UNREGISTERED, ProjectStatus.GONE} for it in self.projects)


def find_missing_ids(
    registry: Registry,
    known_ids: Mapping[str, str],
    listed: Iterable[OrganizationProject],
    watched_names: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Return the ids of entries and of watched projects that a listing does not have.

    Each is looked up before anything is called gone.
    """
    listed_ids = {it.project_id for it in listed}
    ids = (it.project_id or known_ids.get(it.name) for it in registry.projects)
    return sorted({*(it for it in ids if it is not None), *watched_names} - listed_ids)


def compare_registry(  # noqa: PLR0913  each is a part of what is known
    registry: Registry,
    known_ids: Mapping[str, str],
    facts: OrganizationFacts,
    policies: Mapping[str, Policy],
    today: date,
    *,
    watched_names: Mapping[str, str] = MappingProxyType({}),
) -> Discovery:
    """Return how the projects of an organization and the entries of a registry relate.

    `known_ids` are the ids that audits recorded, by the name of the entry: those of entries that name none count.
    `policies` are those of the entries, for the check of the plan. `watched_names` are the names of further projects by
    their ids: each has a row, whether it is listed or not. An empty listing means that the service account may see
    nothing, never that every project is gone.
    """
    comparison = _Comparison(registry, known_ids, facts, today)
    rows = [*comparison.compare_entries(), *comparison.compare_projects()]
    rows += comparison.compare_watched({*(it.project_id for it in rows)}, watched_names)
    checks = (*check_payments(facts.organizations.rows), *check_plans(rows, facts.organizations.rows, policies))
    order = list(ProjectStatus)
    warnings = (
        *comparison.find_listing_warnings(),
        *comparison.find_shared_entries(),
        *comparison.find_id_conflicts(known_ids),
        *comparison.find_ignore_warnings(),
        *(it.warning for it in checks if it.warning is not None),
    )
    failures = (facts.projects.failure, facts.organizations.failure)
    return Discovery(
        facts.organizations.rows,
        tuple(sorted(rows, key=lambda it: (order.index(it.status), it.label.casefold(), it.project_id or ""))),
        tuple(it for it in failures if it is not None),
        warnings,
        checks,
        comparison.is_listing_complete,
        bool(facts.projects.rows),
        bool(registry.ignore_errors),
    )


class _Comparison:
    """The entries and the projects by their ids."""

    def __init__(self, registry: Registry, known_ids: Mapping[str, str], facts: OrganizationFacts, today: date) -> None:
        self._registry = registry
        self._facts = facts
        self._today = today
        self._projects = {it.project_id: it for it in reversed(facts.projects.rows)}
        self._ids_by_entry = {it.name: it.project_id or known_ids.get(it.name) for it in registry.projects}
        self._ids_by_invalid_entry = {it.name: it.project_id or known_ids.get(it.name) for it in registry.errors}
        self._names = Counter(it.name for it in self._projects.values())

    @property
    def _sees_nothing(self) -> bool:
        return not self._facts.projects.rows and self._facts.projects.failure is None

    @property
    def is_listing_complete(self) -> bool:
        """Whether all projects were listed, at least one."""
        return bool(self._facts.projects.rows) and self._facts.projects.failure is None

    def compare_entries(self) -> Iterator[DiscoveredProject]:
        """Yield a row for each entry, those with an error too."""
        for entry in self._registry.projects:
            yield self._compare_entry(entry)
        for name, text in {it.name: it.text for it in reversed(self._registry.errors)}.items():
            project_id, detail = self._ids_by_invalid_entry[name], f"the entry is invalid: {text}"
            yield DiscoveredProject(ProjectStatus.UNKNOWN, project_id, None, name, detail)

    def _compare_entry(self, entry: RegisteredProject) -> DiscoveredProject:
        project_id = self._ids_by_entry[entry.name]
        found = None if project_id is None else self._projects.get(project_id) or self._facts.lookups.get(project_id)
        if not isinstance(found, OrganizationProject):
            status, detail = self._explain_absence(project_id, found)
            return DiscoveredProject(status, project_id, None, entry.name, detail)
        if entry.name in {found.name, *list_entry_names(found)}:
            return DiscoveredProject(ProjectStatus.REGISTERED, project_id, found.name, entry.name, project=found)
        detail = f"its name at Pinecone is {quote_text(found.name)}"
        return DiscoveredProject(ProjectStatus.RENAMED, project_id, found.name, entry.name, detail, found)

    def _explain_absence(
        self, project_id: str | None, found: Absence | ReadFailure | None
    ) -> tuple[ProjectStatus, str]:
        """Return the status of an entry without a project, and what to do."""
        if self._sees_nothing:
            return ProjectStatus.NO_ACCESS, "the service account sees no project; give it a role in the organization"
        if project_id is None:
            detail = (
                "no audit has read its project id, which only schedules show; audit it, or add project_id to the entry"
            )
            return ProjectStatus.UNKNOWN, detail
        if found is Absence.NOT_FOUND:
            detail = "Pinecone has no project of this id; remove the entry, or correct its project_id or its key"
            return ProjectStatus.GONE, detail
        if found is Absence.FORBIDDEN:
            return ProjectStatus.NO_ACCESS, "the service account may not read it; give it a role in the project"
        reason = f" ({found.error})" if isinstance(found, ReadFailure) else ""
        detail = f"the projects do not include it, and it could not be read{reason}; run the command again"
        return ProjectStatus.UNKNOWN, detail

    def compare_projects(self) -> Iterator[DiscoveredProject]:
        """Yield a row for each project that no entry leads to."""
        entry_ids = {*self._ids_by_entry.values(), *self._ids_by_invalid_entry.values()}
        for project in self._projects.values():
            if project.project_id not in entry_ids:
                yield self._compare_project(project)

    def compare_watched(
        self, compared_ids: Collection[str | None], watched_names: Mapping[str, str]
    ) -> Iterator[DiscoveredProject]:
        """Yield a row for each watched project that no row is about."""
        for project_id, name in watched_names.items():
            if project_id in compared_ids:
                continue
            found = self._facts.lookups.get(project_id)
            if isinstance(found, OrganizationProject):
                yield self._compare_project(found)
                continue
            row = self._compare_project(OrganizationProject(project_id, name))
            if row.status is not ProjectStatus.IGNORED:
                status, detail = self._explain_absence(project_id, found)
                row = DiscoveredProject(status, project_id, name, None, detail)
            yield row

    def _compare_project(self, project: OrganizationProject) -> DiscoveredProject:
        ignored = self._find_ignored(project)
        detail: str | None = None
        possible_entry: str | None = None
        if ignored is not None and self._is_current(ignored):
            detail = f"{ignored.owner}: {ignored.reason} (until {ignored.expires})"
            return DiscoveredProject(
                ProjectStatus.IGNORED, project.project_id, project.name, None, detail, project, ignored
            )
        if ignored is not None:
            detail = f"{ignored.owner} ignored it until {ignored.expires}; register it, or extend the day"
        elif (possible_entry := self._find_possible_entry(project)) is not None:
            detail = "an entry has this name, and its project id is unknown; if it is this project, add the id there"
        status = ProjectStatus.UNREGISTERED
        return DiscoveredProject(
            status, project.project_id, project.name, None, detail, project, ignored, possible_entry
        )

    def _find_possible_entry(self, project: OrganizationProject) -> str | None:
        """Return the entry that has the name of a project, if its own project is unknown."""
        ids = self._ids_by_invalid_entry | self._ids_by_entry
        names = (project.name, *list_entry_names(project))
        return next((it for it in names if it in ids and ids[it] is None), None)

    def _find_ignored(self, project: OrganizationProject) -> IgnoredProject | None:
        """Return the line of `ignore` for a project. A name counts only for the one listed project that has it."""
        is_only_one = self._names[project.name] == 1 and project.project_id in self._projects
        for ignored in self._registry.ignored_projects:
            if ignored.project == project.project_id or (is_only_one and ignored.project == project.name):
                return ignored
        return None

    def _is_current(self, ignored: IgnoredProject) -> bool:
        return self._today <= ignored.expires

    def find_listing_warnings(self) -> Iterator[str]:
        """Yield what is unusual about the listing of the projects."""
        if self._sees_nothing and not self._ids_by_entry:  # else the rows of the entries say so
            yield "The service account sees no project; give it a role in the organization."
        counts = Counter(it.project_id for it in self._facts.projects.rows)
        if repeated_ids := sorted(project_id for project_id, count in counts.items() if count > 1):
            yield f"Pinecone listed {join_names(repeated_ids)} more than once; each project counts once."
        if shared_names := sorted(name for name, count in self._names.items() if count > 1):
            subject = f"More than one project is named {join_names(quote_text(it) for it in shared_names)}"
            yield f"{subject}; register each with its project_id, and ignore it by its id."

    def find_shared_entries(self) -> Iterator[str]:
        """Yield a warning for entries that lead to one project."""
        targets = (EntryTarget(name, name, None, project_id) for name, project_id in self._ids_by_entry.items())
        return (it.sentence for it in find_shared_by_target(targets))

    def find_id_conflicts(self, known_ids: Mapping[str, str]) -> Iterator[str]:
        """Yield a warning for each entry whose audits read another project than the one that it names."""
        for name, project_id in self._ids_by_entry.items():
            known_id = known_ids.get(name)
            if known_id is not None and project_id != known_id:
                yield (
                    f"Entry {quote_text(name)} names project {project_id}, but its audits read project {known_id};"
                    " correct its project_id or its key."
                )

    def find_ignore_warnings(self) -> Iterator[str]:
        """Yield what is wrong with the projects to ignore."""
        for error in self._registry.ignore_errors:
            yield f"{self._registry.format_error(error)}."
        for ignored in self._registry.ignored_projects:
            place = f"{self._registry.source}:{ignored.line}: ignore names {quote_text(ignored.project)}"
            count = self._names[ignored.project]
            if count > 1:
                yield f"{place}, which {count} projects are named; write the id of one."
            elif not count and ignored.project not in self._projects and self.is_listing_complete:
                yield f"{place}, which is not among the projects; remove it, or correct the name."
            elif registered_names := self._find_registered(ignored):
                yield f"{place}, which is registered as {join_names(registered_names)}; remove one of the two."

    def _find_registered(self, ignored: IgnoredProject) -> list[str]:
        """Return the entries of a project to ignore."""
        ids = {it.project_id for it in self._projects.values() if ignored.project in {it.name, it.project_id}}
        return [quote_text(name) for name, project_id in self._ids_by_entry.items() if project_id in ids]


_PLANS = {
    "free": (PineconePlan.STARTER, PineconePlan.BUILDER),
    "starter": (PineconePlan.STARTER,),
    "builder": (PineconePlan.BUILDER,),
    "standard": (PineconePlan.STANDARD,),
    "enterprise": (PineconePlan.ENTERPRISE,),
}
"""The plans of a policy by the plan of an organization. Others are not compared: their quota is not documented."""


def check_plans(
    rows: Iterable[DiscoveredProject], organizations: Sequence[Organization], policies: Mapping[str, Policy]
) -> Iterator[AccountCheck]:
    """Yield for each policy and organization whether `project.plan` is the plan of the organization of its projects.

    What is not known, such as the plan *Dedicated*, is not checked.
    """
    organizations_by_id = {it.organization_id: it for it in organizations}
    entries: dict[tuple[str, PineconePlan, Organization], list[str]] = defaultdict(list)
    for row in rows:
        policy = policies.get(row.entry or "")
        organization = organizations_by_id.get(row.project.organization_id or "") if row.project else None
        if policy is not None and organization is not None and (organization.plan or "").casefold() in _PLANS:
            entries[policy.source, policy.project.plan, organization].append(row.entry or "")
    for (source, plan, organization), names in entries.items():
        key, value = f"{organization.organization_id} {source}", f"{organization.plan}, {plan}"
        yield AccountCheck(AccountSubject.PLAN, key, value, _compare_plans(source, plan, organization, names))


def _compare_plans(source: str, plan: PineconePlan, organization: Organization, names: Sequence[str]) -> str | None:
    """Return the warning of a policy whose plan is not that of the organization."""
    plans = _PLANS[str(organization.plan).casefold()]
    if plan in plans:
        return None
    return (
        f"The plan of the organization {quote_text(organization.name)} is {organization.plan}, but project.plan is"
        f" {plan} in the policy {source} of {pluralize(len(names), 'entry', 'entries')} ({join_names(names)});"
        f" set it to {' or '.join(plans)}, because it sets the quota."
    )


def check_payments(organizations: Iterable[Organization]) -> Iterator[AccountCheck]:
    """Yield for each organization with a known payment status whether its payments are in order."""
    for organization in organizations:
        status = organization.payment_status
        if status is None:
            continue
        warning = (
            f"The payment status of the organization {quote_text(organization.name)} is {status}. With overdue invoices"
            " Pinecone refuses restores and may stop backup schedules; check the billing page of the console."
        )
        is_in_order = status.casefold() == "active"
        yield AccountCheck(
            AccountSubject.PAYMENT, organization.organization_id, status, None if is_in_order else warning
        )


_INVALID_CHARACTERS = re.compile(r"[^\w.@+=-]+", re.ASCII)
_MAX_NAME_LENGTH = 90
_ID_PREFIX_LENGTH = 8


def list_entry_names(project: OrganizationProject) -> tuple[str, str]:
    """Return the names to register a project under: as short as possible, and one that other projects do not have.

    They have only characters that names of secrets have, so that patterns can contain them.
    """
    name = _INVALID_CHARACTERS.sub("-", project.name).strip("-.")[:_MAX_NAME_LENGTH]
    if not name or is_key(name):
        name = "project"
    return name, f"{name}-{project.project_id[:_ID_PREFIX_LENGTH]}"


def choose_entry_names(projects: Iterable[OrganizationProject], registry: Registry) -> Iterator[str]:
    """Yield a name for the entry of each project, which no other entry has.

    No two names differ only in what the name of a variable cannot have: with `{NAME}` their keys would be in one.
    """
    used_parts = set(map(to_variable_part, registry.names))
    for project in projects:
        numbered_names = (f"project-{number}" for number in count(1))
        names = chain(list_entry_names(project), (f"project-{project.project_id}",), numbered_names)
        name = next(it for it in names if to_variable_part(it) not in used_parts)
        used_parts.add(to_variable_part(name))
        yield name
