"""The projects of an organization beside the entries of a registry."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.discovery import (
    Discovery,
    OrganizationFacts,
    ProjectStatus,
    check_payments,
    choose_entry_names,
    compare_registry,
    find_missing_ids,
    list_entry_names,
)
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.organization import Absence, Organization, OrganizationProject, ProjectLookup
from backup_auditor.domain.policy import PineconePlan, Policy, ProjectRequirement
from backup_auditor.domain.registry import EntryError, IgnoredProject, RegisteredProject, Registry

TODAY = date(2026, 11, 22)
ACME = Organization("o-1", "acme", "Standard", "Active")
SEARCH = OrganizationProject("p-search", "search", "o-1")
SUPPORT = OrganizationProject("p-support", "support", "o-1")
FAULT = ReadFailure("GET /admin/projects", "1 of 3 rows cannot be parsed")


def make_registry(*entries: str, ignored: tuple[IgnoredProject, ...] = (), **ids: Any) -> Registry:
    """Return a registry of entries, of which some name the id of their project."""
    projects = (RegisteredProject(name, f"keys/{name}", project_id=ids.get(name)) for name in (*entries, *ids))
    return Registry(tuple(projects), source="r.yaml", ignored_projects=ignored)


def make_ignored(project: str, expires: date = TODAY, line: int = 7) -> IgnoredProject:
    """Return a project to ignore, today for the last time."""
    return IgnoredProject(project, "search-team", "nothing to back up", expires, line)


def compare(  # noqa: PLR0913  each is a fact of the comparison
    registry: Registry,
    *projects: OrganizationProject,
    known_ids: Mapping[str, str] | None = None,
    lookups: Mapping[str, ProjectLookup] | None = None,
    failure: ReadFailure | None = None,
    organization: Organization = ACME,
    policies: Mapping[str, Policy] | None = None,
) -> Discovery:
    """Compare a registry with an organization of these projects."""
    facts = OrganizationFacts(ListingRead(projects, failure), ListingRead((organization,)), lookups or {})
    return compare_registry(registry, known_ids or {}, facts, policies or {}, TODAY)


def list_statuses(discovery: Discovery) -> list[tuple[str, str]]:
    """Return the status and the name of each row."""
    return [(str(it.status), it.label) for it in discovery.projects]


def test_entries_and_projects_belong_together_by_id() -> None:
    """The id comes from the entry, or else from its audits; a project without an entry is unregistered."""
    payments = OrganizationProject("p-payments", "payments")
    registry = make_registry("support", search="p-search")
    discovery = compare(registry, payments, SEARCH, SUPPORT, known_ids={"support": "p-support"})
    assert list_statuses(discovery) == [
        ("unregistered", "payments"),
        ("registered", "search"),
        ("registered", "support"),
    ]
    assert (discovery.is_complete, discovery.has_differences, discovery.warnings) == (True, True, ())


def test_a_name_alone_proves_nothing() -> None:
    """An entry whose id is unknown fits no project, not even the one of its name."""
    discovery = compare(make_registry("search"), SEARCH)
    assert list_statuses(discovery) == [("unregistered", "search"), ("unknown", "search")]
    unregistered, unknown = discovery.projects
    assert unregistered.detail == (
        "an entry has this name, and its project id is unknown; if it is this project, add the id there"
    )
    assert (
        unknown.detail
        == "no audit has read its project id, which only schedules show; audit it, or add project_id to the entry"
    )
    assert not discovery.is_complete


def test_another_name_at_pinecone_is_renamed() -> None:
    """A registered project with another name than its entry is renamed, which is no difference."""
    discovery = compare(make_registry(shop="p-search"), SEARCH)
    assert list_statuses(discovery) == [("renamed", "shop")]
    assert discovery.projects[0].detail == "its name at Pinecone is 'search'"
    assert not discovery.has_differences


@pytest.mark.parametrize("entry", ["My-shop", "My-shop-p-1"])
def test_a_name_that_discovery_proposed_is_not_renamed(entry: str) -> None:
    """An entry under a name that was made of the name at Pinecone is registered."""
    project = OrganizationProject("p-1", "My shop!")
    ids: dict[str, Any] = {entry: "p-1"}
    assert list_statuses(compare(make_registry(**ids), project)) == [("registered", entry)]


@pytest.mark.parametrize(
    "lookup,status,detail",
    [
        pytest.param(Absence.NOT_FOUND, "gone", "Pinecone has no project of this id; remove the entry", id="404"),
        pytest.param(Absence.FORBIDDEN, "no_access", "the service account may not read it", id="403"),
        pytest.param(ReadFailure("GET /x", "503: no"), "unknown", "it could not be read (503: no); run", id="503"),
        pytest.param(OrganizationProject("p-x", "x"), "registered", "", id="found"),
        pytest.param(None, "unknown", "it could not be read; run the command again", id="not-looked-up"),
    ],
)
def test_a_missing_project_is_looked_up(lookup: ProjectLookup | None, status: str, detail: str) -> None:
    """Only Pinecone's answer for the id of a missing project says whether it is gone."""
    lookups = {} if lookup is None else {"p-x": lookup}
    discovery = compare(make_registry(x="p-x"), SEARCH, lookups=lookups)
    (row,) = (it for it in discovery.projects if it.entry == "x")
    assert str(row.status) == status
    assert detail in (row.detail or "")


def test_an_empty_list_is_no_access() -> None:
    """A service account that sees nothing says nothing about any project."""
    discovery = compare(make_registry("a", b="p-b"), known_ids={"a": "p-a"})
    assert list_statuses(discovery) == [("no_access", "a"), ("no_access", "b")]
    assert (discovery.is_complete, discovery.has_differences) == (False, False)


def test_an_empty_list_without_a_registry_is_not_complete() -> None:
    """An organization is never found empty: its service account may see nothing."""
    discovery = compare(make_registry())
    assert (discovery.projects, discovery.is_complete) == ((), False)
    assert discovery.warnings == ("The service account sees no project; give it a role in the organization.",)


def test_a_listing_that_could_not_be_parsed_is_not_empty() -> None:
    """An incomplete listing without a row is a read error, and its entries are looked up."""
    discovery = compare(make_registry(x="p-x"), failure=FAULT, lookups={"p-x": Absence.NOT_FOUND})
    assert list_statuses(discovery) == [("gone", "x")]
    assert discovery.read_failures == (FAULT,)
    assert not discovery.is_complete


def test_an_invalid_entry_is_unknown() -> None:
    """An entry with an error is shown, because its project would look unregistered."""
    errors = (EntryError("search", 4, "it has no key"), EntryError("search", 5, "it has no policy"))
    discovery = compare(Registry((), errors, "r.yaml"), SEARCH)
    assert list_statuses(discovery) == [("unregistered", "search"), ("unknown", "search")]
    assert discovery.projects[1].detail == "the entry is invalid: it has no key"


@pytest.mark.parametrize("project", ["p-support", "support"])
def test_a_project_is_ignored_by_id_or_name(project: str) -> None:
    """An ignored project has its owner, its reason and its last day."""
    discovery = compare(make_registry(search="p-search", ignored=(make_ignored(project),)), SEARCH, SUPPORT)
    assert list_statuses(discovery) == [("registered", "search"), ("ignored", "support")]
    assert discovery.projects[1].detail == "search-team: nothing to back up (until 2026-11-22)"
    assert not discovery.has_differences


def test_an_ignored_project_expires() -> None:
    """The day after the last one, the project is unregistered again."""
    ignored = make_ignored("support", date(2026, 11, 21))
    discovery = compare(make_registry(search="p-search", ignored=(ignored,)), SEARCH, SUPPORT)
    assert list_statuses(discovery) == [("unregistered", "support"), ("registered", "search")]
    assert discovery.projects[0].detail == ("search-team ignored it until 2026-11-21; register it, or extend the day")


def test_a_name_of_two_projects_ignores_none() -> None:
    """A second project of an ignored name stays visible."""
    twin = OrganizationProject("p-twin", "support")
    discovery = compare(make_registry(search="p-search", ignored=(make_ignored("support"),)), SEARCH, SUPPORT, twin)
    assert list_statuses(discovery)[:2] == [("unregistered", "support"), ("unregistered", "support")]
    assert discovery.warnings == (
        "More than one project is named 'support'; register each with its project_id, and ignore it by its id.",
        "r.yaml:7: ignore names 'support', which 2 projects are named; write the id of one.",
    )


@pytest.mark.parametrize(
    "project,text",
    [
        pytest.param("suport", "which is not among the projects; remove it, or correct the name.", id="missing"),
        pytest.param("search", "which is registered as 'shop'; remove one of the two.", id="registered"),
    ],
)
def test_a_line_of_ignore_without_effect_is_a_warning(project: str, text: str) -> None:
    """A line of ignore that fits no project, or a registered one, is a warning."""
    discovery = compare(make_registry(shop="p-search", ignored=(make_ignored(project),)), SEARCH)
    assert discovery.warnings == (f"r.yaml:7: ignore names '{project}', {text}",)
    for projects, failure in (((), None), ((SEARCH,), FAULT)):
        assert compare(make_registry("x", ignored=(make_ignored("suport"),)), *projects, failure=failure).warnings == ()


def test_an_error_of_ignore_is_a_warning() -> None:
    """An invalid line of ignore is shown with its place."""
    registry = Registry((), source="r.yaml", ignore_errors=(EntryError("entry 1 of ignore", 3, "has no owner"),))
    assert compare(registry, SEARCH).warnings == ("r.yaml:3: has no owner.",)


def test_a_project_that_is_listed_twice_counts_once() -> None:
    """A repeated row is a warning, and the project has one row."""
    discovery = compare(make_registry(), SEARCH, SUPPORT, SEARCH)
    assert list_statuses(discovery) == [("unregistered", "search"), ("unregistered", "support")]
    assert discovery.warnings == ("Pinecone listed p-search more than once; each project counts once.",)


def test_two_entries_of_one_project_are_a_warning() -> None:
    """Entries whose audits read one project are named together."""
    (warning,) = compare(make_registry("b", a="p-search"), SEARCH, known_ids={"b": "p-search"}).warnings
    assert warning == (
        'Registry entries "b" and "a" open the same Pinecone project (p-search), so another project is not audited;'
        " give each entry a key of its own project."
    )


def test_an_entry_whose_audits_read_another_project_is_a_warning() -> None:
    """The id of the entry counts, and the other one is named."""
    discovery = compare(make_registry(search="p-search"), SEARCH, known_ids={"search": "p-support"})
    assert list_statuses(discovery) == [("registered", "search")]
    (warning,) = discovery.warnings
    assert warning == (
        "Entry 'search' names project p-search, but its audits read project p-support; correct its project_id or its"
        " key."
    )


def make_policy(plan: PineconePlan, source: str = "p.yaml") -> Policy:
    """Return a policy with a plan."""
    return Policy(source, "0" * 64, project=ProjectRequirement(plan=plan))


@pytest.mark.parametrize(
    "organization_plan,policy_plan,expected_plans",
    [
        ("Enterprise", PineconePlan.STANDARD, "enterprise"),
        ("Standard", PineconePlan.ENTERPRISE, "standard"),
        ("Free", PineconePlan.STANDARD, "starter or builder"),
        ("Standard", PineconePlan.STANDARD, None),
        ("Free", PineconePlan.BUILDER, None),
        ("Dedicated", PineconePlan.STANDARD, None),
        ("A later plan", PineconePlan.STANDARD, None),
        (None, PineconePlan.ENTERPRISE, None),
    ],
)
def test_the_plan_of_a_policy_is_compared(
    organization_plan: str | None, policy_plan: PineconePlan, expected_plans: str | None
) -> None:
    """A policy with another plan than the organization has another quota, which is a warning."""
    organization = Organization("o-1", "acme", organization_plan, "Active")
    policies = {"search": make_policy(policy_plan), "support": make_policy(policy_plan)}
    registry = make_registry(search="p-search", support="p-support")
    warnings = compare(registry, SEARCH, SUPPORT, organization=organization, policies=policies).warnings
    text = (
        f"The plan of the organization 'acme' is {organization_plan}, but project.plan is {policy_plan} in the policy"
        f" p.yaml of 2 entries (search and support); set it to {expected_plans}, because it sets the quota."
    )
    assert warnings == (() if expected_plans is None else (text,))


def test_a_project_of_an_unknown_organization_has_no_plan() -> None:
    """Without the organization of a project, its plan is not compared."""
    stray_project = OrganizationProject("p-search", "search", "o-2")
    policies = {"search": make_policy(PineconePlan.ENTERPRISE)}
    assert compare(make_registry(search="p-search"), stray_project, policies=policies).warnings == ()


@pytest.mark.parametrize("status", ["PaymentPending", "PastDue", "Restricted", "Suspended", "Deactivated", "Later"])
def test_a_payment_status_other_than_active_is_a_warning(status: str) -> None:
    """Pinecone may stop the schedules of an organization whose payments are not in order."""
    other = Organization("o-2", "other", None, status)
    in_order, overdue = check_payments([ACME, other, Organization("o-3", "x")])
    assert (in_order.value, in_order.warning, overdue.value) == ("Active", None, status)
    assert overdue.warning == (
        f"The payment status of the organization 'other' is {status}. With overdue invoices Pinecone refuses restores"
        " and may stop backup schedules; check the billing page of the console."
    )


def test_only_ids_that_are_not_listed_are_looked_up() -> None:
    """The ids to look up are sorted, each once, without those of the listing and unknown ones."""
    registry = make_registry("a", "b", "c", d="p-d", e="p-search")
    known_ids = {"a": "p-z", "b": "p-d", "e": "p-other"}
    assert find_missing_ids(registry, known_ids, [SEARCH]) == ["p-d", "p-z"]


@pytest.mark.parametrize(
    "name,expected_name",
    [
        ("search", "search"),
        ("My shop / EU", "My-shop-EU"),
        (".hidden.", "hidden"),
        ("日本", "project"),
        ("pcsk" + "_secret", "project"),
        ("8c85e612-0000-4000-8000-000000000000", "project"),
        ("x" * 500, "x" * 90),
    ],
)
def test_a_name_for_an_entry_is_valid_in_patterns(name: str, expected_name: str) -> None:
    """A name has only characters that names of secrets have, and never the form of a key."""
    assert list_entry_names(OrganizationProject("0123456789", name)) == (expected_name, f"{expected_name}-01234567")


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "", "日"]), st.sampled_from(["12345678", "123456789", "x"]))))
def test_names_of_entries_are_unique(pairs: list[tuple[str, str]]) -> None:
    """No two projects of different ids get one name, nor one that is registered."""
    projects = [OrganizationProject(project_id, name) for name, project_id in dict.fromkeys(pairs)]
    projects = list({it.project_id: it for it in projects}.values())
    names = list(choose_entry_names(projects, make_registry("a")))
    assert len({*names, "a"}) == len(projects) + 1


def test_names_of_entries_have_variables_of_their_own() -> None:
    """Names that differ only in case or in a character that no variable has do not share a variable."""
    names = ["Shop-EU", "shop-eu", "shop.eu", "SHOP", "new"]
    projects = [OrganizationProject(f"{number}000000-x", name) for number, name in enumerate(names)]
    assert list(choose_entry_names(projects, make_registry("shop"))) == [
        "Shop-EU",
        "shop-eu-1000000-",
        "shop.eu-2000000-",
        "SHOP-3000000-",
        "new",
    ]


NAMES = st.sampled_from(["search", "support", "x", "y"])


@given(listed=st.sets(NAMES), registered=st.sets(NAMES), identified=st.sets(NAMES), is_broken=st.booleans())
def test_every_project_and_every_entry_has_one_row(
    listed: set[str], registered: set[str], identified: set[str], *, is_broken: bool
) -> None:
    """Each entry has exactly one row, and so has each listed project that no entry leads to."""
    projects = tuple(OrganizationProject(f"p-{it}", it) for it in sorted(listed))
    ids: dict[str, Any] = {it: f"p-{it}" for it in registered & identified}
    registry = make_registry(*sorted(registered - identified), **ids)
    discovery = compare(registry, *projects, failure=FAULT if is_broken else None)
    assert sorted(it.entry for it in discovery.projects if it.entry) == sorted(registered)
    free_ids = {it.project_id for it in discovery.projects if it.entry is None}
    assert free_ids == {f"p-{it}" for it in listed - (registered & identified)}
    assert not any(it.status is ProjectStatus.GONE for it in discovery.projects)
