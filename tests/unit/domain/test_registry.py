"""Test the messages of the registry, and entries that open the same Pinecone project Pinecone project."""

import pytest

from backup_auditor.domain.registry import (
    EntryTarget,
    RegisteredProject,
    Registry,
    SharedProject,
    find_shared_by_secret,
    find_shared_by_target,
    find_shared_by_variable,
)
from backup_auditor.errors import RegistryError


@pytest.mark.parametrize(
    "name, shown_name",
    [
        pytest.param("b", "'b'", id="short"),
        pytest.param("x" * 100, f"'{'x' * 100}'", id="at-limit"),
        pytest.param("x" * 101, f"'{'x' * 99}…'", id="one-character-past-the-limit"),
    ],
)
def test_an_unknown_project_is_named(name: str, shown_name: str) -> None:
    """The message about an unknown project has at most 100 characters of its name."""
    with pytest.raises(RegistryError) as error_info:
        Registry((RegisteredProject("a"),), source="r.yaml").find(name)
    assert error_info.value.problems == (
        f"r.yaml: does not contain the project {shown_name}; add it, or correct the name",
    )


@pytest.mark.parametrize(
    "project, texts",
    [
        pytest.param(RegisteredProject("a", "keys", policy="ssm:/policy"), [], id="complete"),
        pytest.param(RegisteredProject("a", "keys"), [], id="default-policy"),
        pytest.param(
            RegisteredProject("a", key_variable="KEY"),
            ['the project "a" has no secret, which is required on AWS; add secret: NAME'],
            id="no-secret",
        ),
        pytest.param(
            RegisteredProject("a", "keys", policy="policy.yaml"),
            ['the project "a" has a policy file, but AWS has no files; write ssm:NAME or s3://BUCKET/KEY'],
            id="policy-file",
        ),
    ],
)
def test_a_setting_that_aws_requires_is_an_error_of_the_entry(project: RegisteredProject, texts: list[str]) -> None:
    """An entry without a secret or with a policy file is not audited on AWS."""
    registry = Registry((project,)).filter_for_aws()
    assert [it.text for it in registry.errors] == texts
    assert bool(registry.projects) is not bool(texts)


@pytest.mark.parametrize(
    "names, start",
    [
        pytest.param("ab", 'Registry entries "a" and "b" open the same Pinecone project', id="two"),
        pytest.param("abcde", 'Registry entries "a", "b", "c", "d" and "e" open the same Pinecone project', id="five"),
        pytest.param("abcdef", 'Registry entries "a", "b", "c", "d", "e" and 1 more open the same', id="six"),
    ],
)
def test_a_warning_names_five_entries(names: str, start: str) -> None:
    """The warning about a shared project names at most 5 entries and counts the others."""
    assert SharedProject(tuple(names), "id").sentence.startswith(start)


def test_a_shared_variable_or_secret_is_the_reason() -> None:
    """The reason names the variable or the secret that contains the key."""
    projects = [
        RegisteredProject("a", "keys", key_variable="PINECONE_API_KEY"),
        RegisteredProject("b", "keys", key_variable="PINECONE_API_KEY"),
    ]
    assert find_shared_by_variable(projects) == (
        SharedProject(("a", "b"), "their key is in the variable PINECONE_API_KEY"),
    )
    assert find_shared_by_secret(projects) == (SharedProject(("a", "b"), "their key is in the secret keys"),)


@pytest.mark.parametrize(
    "targets, expected",
    [
        pytest.param(
            [EntryTarget("a", "the variable A", "k1", None), EntryTarget("b", "the variable B", "k1", None)],
            SharedProject(("a", "b"), "their keys are the same"),
            id="same-key",
        ),
        pytest.param(
            [EntryTarget("a", "the secret A", None, "id-1"), EntryTarget("b", "the secret B", None, "id-1")],
            SharedProject(("a", "b"), "id-1"),
            id="same-id-without-keys",
        ),
        pytest.param(
            [EntryTarget("a", "the secret A", "k1", "id-1"), EntryTarget("b", "the secret A", "k1", None)],
            SharedProject(("a", "b"), "id-1, their key is in the secret A"),
            id="same-key-and-one-id",
        ),
    ],
)
def test_the_reason_of_a_shared_project_is_what_is_known(targets: list[EntryTarget], expected: SharedProject) -> None:
    """The reason has the id of the project, the place of the key, or that the keys are the same."""
    assert find_shared_by_target(targets) == (expected,)
