"""A discovery as a table, as JSON and as entries to paste."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from backup_auditor.adapters.registry_file import parse_registry
from backup_auditor.domain.discovery import Discovery, OrganizationFacts, compare_registry
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.organization import Absence, Organization, OrganizationProject
from backup_auditor.domain.registry import IgnoredProject, RegisteredProject, Registry
from backup_auditor.domain.text import measure_width
from backup_auditor.rendering.registry import render_discovery_json, render_discovery_table, render_discovery_yaml

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
ACME = Organization("o-1", "acme", "Standard", "PastDue")
REGISTRY = Registry(
    (
        RegisteredProject("search", "keys/search", project_id="p-search"),
        RegisteredProject("legacy", "keys/legacy", project_id="p-legacy"),
        RegisteredProject("unaudited", "keys/unaudited"),
    ),
    source="projects.yaml",
    ignored_projects=(IgnoredProject("playground", "search-team", "nothing to back up", date(2027, 3, 31), 9),),
    has_default_key=True,
)
PROJECTS = (
    OrganizationProject("p-search", "search", "o-1", NOW),
    OrganizationProject("p-playground", "playground", "o-1", NOW),
    OrganizationProject("p-payments", "payments", "o-1", NOW),
    OrganizationProject("p-twin", "unaudited", "o-1"),
)


def compare(
    registry: Registry = REGISTRY, *projects: OrganizationProject, failure: ReadFailure | None = None
) -> Discovery:
    """Compare a registry with an organization."""
    listing = ListingRead(projects or PROJECTS, failure)
    facts = OrganizationFacts(listing, ListingRead((ACME,)), {"p-legacy": Absence.NOT_FOUND})
    return compare_registry(registry, {}, facts, {}, NOW.date())


def test_the_table_shows_the_worst_first() -> None:
    """The table has the organization, the counts, each status with its projects, warnings, and the next step."""
    assert [*render_discovery_table(compare(), 120)] == [
        "organization acme: plan Standard, payment status PastDue",
        "2 unregistered, 1 gone, 1 unknown, 1 registered, 1 ignored",
        "",
        "unregistered:",
        "  payments   p-payments; created 2026-11-22",
        "  unaudited  p-twin; an entry has this name, and its project id is unknown; if",
        "             it is this project, add the id there",
        "",
        "gone:",
        "  legacy  p-legacy; Pinecone has no project of this id; remove the entry, or",
        "          correct its project_id or its key",
        "",
        "unknown:",
        "  unaudited  no audit has read its project id, which only schedules show; audit",
        "             it, or add project_id to the entry",
        "",
        "registered:",
        "  search  p-search",
        "",
        "ignored:",
        "  playground  p-playground; created 2026-11-22; search-team: nothing to back up",
        "              (until 2027-03-31)",
        "",
        "warning: The payment status of the organization 'acme' is PastDue. With overdue",
        "  invoices Pinecone refuses restores and may stop backup schedules; check the",
        "  billing page of the console.",
        "",
        "next: register or ignore each unregistered project; --format yaml prints entries",
        "  for the registry",
    ]


def test_the_table_folds_many_projects() -> None:
    """Of 400 new projects the table shows 20, within 80 columns."""
    projects = [OrganizationProject(f"{it:08}-0000-4000-8000-000000000000", f"new {it} 日本" * 3) for it in range(400)]
    lines = [*render_discovery_table(compare(Registry(()), *projects), 200)]
    assert lines[1] == "400 unregistered"
    assert "  380 more; --format json lists all" in lines
    assert len(lines) < 100
    assert max(map(measure_width, lines)) <= 80


def test_the_table_shows_read_errors() -> None:
    """A listing that could not be parsed completely is shown with its reason."""
    lines = [*render_discovery_table(compare(failure=ReadFailure("GET /admin/projects", "1 row")), 80)]
    assert "not read: GET /admin/projects: 1 row" in lines


def test_control_characters_are_escaped() -> None:
    """A name with control characters cannot move the cursor, break a comment or a document."""
    discovery = compare(Registry(()), OrganizationProject("p\x1b[1m", "a\nb\x1b[31m\u202e"))
    texts = [*render_discovery_table(discovery, 80), *render_discovery_yaml(discovery, None)]
    assert not re.search("[\x00-\x1f\u202e]", "".join(texts))


def test_json_has_everything() -> None:
    """The document has every project with the same keys, and the counts of every status."""
    document = json.loads(render_discovery_json(compare(failure=ReadFailure("GET /x", "cut")), NOW))
    assert document["observed_at"] == "2026-11-22T06:00:00Z"
    assert document["complete"] is False
    assert document["summary"] == {
        "unregistered": 2,
        "gone": 1,
        "no_access": 0,
        "unknown": 1,
        "renamed": 0,
        "registered": 1,
        "ignored": 1,
    }
    assert document["organizations"] == [{"id": "o-1", "name": "acme", "plan": "Standard", "payment_status": "PastDue"}]
    assert document["projects"][-1] == {
        "status": "ignored",
        "id": "p-playground",
        "name": "playground",
        "entry": None,
        "organization_id": "o-1",
        "created_at": "2026-11-22T06:00:00Z",
        "detail": "search-team: nothing to back up (until 2027-03-31)",
        "ignored": {"owner": "search-team", "reason": "nothing to back up", "expires": "2027-03-31"},
    }
    assert document["read_errors"] == [{"call": "GET /x", "error": "cut"}]
    assert len(document["warnings"]) == 1


def test_the_guide_describes_every_key_of_the_document() -> None:
    """The table of the guide has one row for each key of the document and of a project."""
    document = json.loads(render_discovery_json(compare(), NOW))
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "registry.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| `([a-z_\[\].]+)` \|", guide.partition("### The document")[2], re.MULTILINE)
    project_keys = [f"projects[].{it}" for it in document["projects"][0]]
    assert sorted(keys) == sorted([*(it for it in document if it != "projects"), *project_keys])


def read_entries(lines: list[str], registry: Registry) -> dict[str, tuple[str | None, str | None]]:
    """Paste entries into a registry with or without default keys; return the ids and variables by name."""
    defaults = "defaults: {key_env: 'KEY_{NAME}'}\n" if registry.has_default_key else ""
    text = "\n".join([f"version: 1\n{defaults}projects:", *lines])
    pasted_registry = parse_registry(text.encode(), "pasted")
    assert pasted_registry.errors == ()
    return {it.name: (it.project_id, it.key_variable) for it in pasted_registry.projects}


def test_yaml_has_short_entries_to_paste() -> None:
    """Each unregistered project is an entry; with a default key it needs no other."""
    lines = [*render_discovery_yaml(compare(), REGISTRY)]
    assert lines == [
        "# 2 entries for projects in projects.yaml",
        '  - {name: payments, project_id: "p-payments"}',
        "  # an entry has this name, and its project id is unknown; if it is this project, add the id there",
        '  # its name at Pinecone is "unaudited"',
        '  - {name: unaudited-p-twin, project_id: "p-twin"}',
    ]
    assert read_entries(lines, REGISTRY) == {
        "payments": ("p-payments", "KEY_PAYMENTS"),
        "unaudited-p-twin": ("p-twin", "KEY_UNAUDITED_P_TWIN"),
    }


def test_yaml_names_a_variable_without_a_default_key() -> None:
    """Without a default key each entry names the variable for its key."""
    registry = Registry((), source="r.yaml")
    names = ["no", "1e5", "a b", "a.b", "-x: {y}", "null", "日本"]
    projects = [OrganizationProject(f"{it}0000000-1", name) for it, name in enumerate(names, start=1)]
    lines = [*render_discovery_yaml(compare(registry, *projects), registry)]
    assert read_entries(lines, registry) == {
        "no": ("10000000-1", "PINECONE_API_KEY_NO"),
        "1e5": ("20000000-1", "PINECONE_API_KEY_1E5"),
        "a-b": ("30000000-1", "PINECONE_API_KEY_A_B"),
        "a.b-40000000": ("40000000-1", "PINECONE_API_KEY_A_B_40000000"),  # a variable of its own
        "x-y": ("50000000-1", "PINECONE_API_KEY_X_Y"),
        "null": ("60000000-1", "PINECONE_API_KEY_NULL"),
        "project": ("70000000-1", "PINECONE_API_KEY_PROJECT"),
    }


def test_yaml_without_a_registry_is_a_whole_one() -> None:
    """The first registry of an organization has a default for the keys, and an entry for each project."""
    text = "\n".join(render_discovery_yaml(compare(Registry(())), None))
    registry = parse_registry(text.encode(), "new.yaml")
    assert [(it.name, it.key_variable) for it in registry.projects] == [
        ("payments", "PINECONE_API_KEY_PAYMENTS"),
        ("playground", "PINECONE_API_KEY_PLAYGROUND"),
        ("search", "PINECONE_API_KEY_SEARCH"),
        ("unaudited", "PINECONE_API_KEY_UNAUDITED"),
    ]


@pytest.mark.parametrize("registry", [None, REGISTRY])
def test_yaml_without_a_new_project_is_a_comment(registry: Registry | None) -> None:
    """Nothing to paste is a comment, which is valid YAML."""
    discovery = compare(REGISTRY, PROJECTS[0])
    assert [*render_discovery_yaml(discovery, registry)] == ["# no project is unregistered"]


def test_yaml_of_an_account_that_sees_nothing_says_so() -> None:
    """Without any project, nothing is said about what is registered."""
    facts = OrganizationFacts(ListingRead(()), ListingRead(()))
    discovery = compare_registry(Registry(()), {}, facts, {}, NOW.date())
    assert [*render_discovery_yaml(discovery, None)] == ["# no project was listed"]
