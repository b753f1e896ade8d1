"""Finding a project in a registry, and what of a registry AWS can use."""

import pytest

from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import RegistryError

PROJECT_A = RegisteredProject("a", "s/a")
PROJECT_B = RegisteredProject("b", "s/b")
ENTRY_ERROR = EntryError("c", 9, 'the project "c" has no secret; add it')
REGISTRY = Registry((PROJECT_A, PROJECT_B), (ENTRY_ERROR,), "r.yaml")


def test_a_project_is_found_by_its_name() -> None:
    """A name finds its project at any position."""
    assert REGISTRY.find("b") is PROJECT_B


def test_the_only_project_needs_no_name() -> None:
    """If one project is registered, no name is needed."""
    assert Registry((PROJECT_A,)).find(None) is PROJECT_A


def test_of_several_projects_one_has_to_be_named() -> None:
    """With several entries, invalid ones included, a name is required."""
    for registry in (REGISTRY, Registry((PROJECT_A,), (ENTRY_ERROR,))):
        with pytest.raises(RegistryError, match="projects are registered; name one of them"):
            registry.find(None)


@pytest.mark.parametrize("name", ["c", None])
def test_an_invalid_entry_raises_its_error(name: str | None) -> None:
    """Looking up an invalid entry raises its problem with the line."""
    with pytest.raises(RegistryError) as error_info:
        Registry((), (ENTRY_ERROR,), "r.yaml").find(name)
    assert str(error_info.value) == 'r.yaml:9: the project "c" has no secret; add it'


def test_a_project_that_nobody_registered_is_refused() -> None:
    """The error names an unknown project, and the registry that does not contain it."""
    with pytest.raises(RegistryError, match=r"^r\.yaml: does not contain the project 'd'; add it"):
        REGISTRY.find("d")


def test_every_name_is_listed_once() -> None:
    """The names are those of valid and invalid entries, each once."""
    assert Registry((PROJECT_A, PROJECT_B), (ENTRY_ERROR, ENTRY_ERROR, EntryError("entry 4", None, "x"))).names == (
        "a",
        "b",
        "c",
        "entry 4",
    )


def test_a_problem_without_a_line_names_its_source() -> None:
    """A problem without a line is shown with its source alone."""
    assert REGISTRY.format_error(EntryError("c", None, "is wrong")) == "r.yaml: is wrong"


def test_on_aws_an_entry_needs_a_secret_and_a_policy_address() -> None:
    """An entry for local audits only is invalid on AWS and does not affect the others."""
    local_project = RegisteredProject("l", key_variable="KEY", policy="l.yaml", line=5)
    fetched_project = RegisteredProject("f", "s/f", "KEY", "s3://bucket/f.yaml")
    registry = Registry((PROJECT_A, local_project, fetched_project), (ENTRY_ERROR,), "r.yaml").filter_for_aws()
    assert registry.projects == (PROJECT_A, fetched_project)
    assert [(it.name, it.line) for it in registry.errors] == [("c", 9), ("l", 5), ("l", 5)]
    assert "has no secret" in registry.errors[1].text
    assert "has a policy file" in registry.errors[2].text
    assert registry.source == "r.yaml"
