"""Registry entries of one Pinecone project are found by their keys and by the ids that their audits read."""

from dataclasses import replace

import pytest

from backup_auditor.domain.registry import (
    EntryTarget,
    RegisteredProject,
    SharedProject,
    build_warnings,
    find_shared_by_secret,
    find_shared_by_target,
    find_shared_by_variable,
)

KEY_NAME = "keys"
ARN_PREFIX = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"


def list_names(shared_groups: tuple[SharedProject, ...]) -> list[str]:
    """Return the names of each group as one text."""
    return ["".join(it.names) for it in shared_groups]


def test_one_variable_is_one_project() -> None:
    """Entries with the same variable share a project; entries without a variable do not."""
    projects = (
        RegisteredProject("a", key_variable="KEY"),
        RegisteredProject("b", key_variable="OTHER"),
        RegisteredProject("c", key_variable="KEY"),
        RegisteredProject("d", "secret"),
        RegisteredProject("e", "elsewhere"),
    )
    assert list_names(find_shared_by_variable(projects)) == ["ac"]
    assert list_names(find_shared_by_secret(projects)) == []


@pytest.mark.parametrize(
    "first_secret,second_secret,expected",
    [
        pytest.param("keys", "keys", True, id="same-name"),
        pytest.param("keys", "keys-2", False, id="other-name"),
        pytest.param("keys", f"{ARN_PREFIX}keys-AbCdEf", True, id="name-and-arn"),
        pytest.param(f"{ARN_PREFIX}keys-AbCdEf", "keys", True, id="arn-and-name"),
        pytest.param("keys-search", f"{ARN_PREFIX}keys-search", True, id="name-and-partial-arn"),
        pytest.param("keys", f"{ARN_PREFIX}keys-search-AbCdEf", False, id="longer-name-in-arn"),
        pytest.param(f"{ARN_PREFIX}keys-AbCdEf", f"{ARN_PREFIX}keys-AbCdEf", True, id="same-arn"),
        pytest.param(f"{ARN_PREFIX}keys-AbCdEf", f"{ARN_PREFIX}other-AbCdEf", False, id="other-arn"),
        pytest.param(
            f"{ARN_PREFIX}keys-AbCdEf", f"{ARN_PREFIX.replace('eu', 'us')}keys-AbCdEf", False, id="other-region"
        ),
    ],
)
def test_a_secret_is_the_same_by_name_and_by_arn(first_secret: str, second_secret: str, *, expected: bool) -> None:
    """A name and an ARN lead to the same secret, although AWS adds six characters to the name in an ARN."""
    shared_groups = find_shared_by_secret([RegisteredProject("a", first_secret), RegisteredProject("b", second_secret)])
    assert list_names(shared_groups) == (["ab"] if expected else [])


@pytest.mark.parametrize(
    "project",
    [
        pytest.param(RegisteredProject("a", KEY_NAME, editor_secret=KEY_NAME), id="editor"),
        pytest.param(RegisteredProject("a", KEY_NAME, drill_secret=KEY_NAME), id="drill"),
    ],
)
def test_every_key_counts(project: RegisteredProject) -> None:
    """An entry with one secret for two keys shares it with no other entry; two entries share any of their keys."""
    assert list_names(find_shared_by_secret([project])) == []
    other_project = replace(project, name="b", secret="other")  # noqa: S106  the name of a secret
    assert list_names(find_shared_by_secret([project, other_project])) == ["ab"]


@pytest.mark.parametrize(
    "leads,expected",
    [
        pytest.param([("a", "key", "id"), ("b", "key", "id")], ["ab"], id="one-key"),
        pytest.param([("a", "key", None), ("b", "key", None)], ["ab"], id="one-key-without-an-id"),
        pytest.param([("a", "key", "id"), ("b", "key", None)], ["ab"], id="one-key-with-one-id"),
        pytest.param([("a", "key", "id"), ("b", "other", "id")], ["ab"], id="two-keys-of-one-project"),
        pytest.param([("a", "key", "id"), ("b", "other", "id"), ("c", "key", None)], ["abc"], id="both"),
        pytest.param([("a", "key", "id"), ("b", "other", "else")], [], id="two-projects"),
        pytest.param([("a", "key", None), ("b", "other", None)], [], id="two-keys-without-an-id"),
        pytest.param([("a", None, None), ("b", None, None)], [], id="no-key"),
        pytest.param([("a", None, "id"), ("b", None, "id")], ["ab"], id="states-with-one-id"),
        pytest.param(
            [("a", "x", "1"), ("b", "y", "2"), ("c", "x", "1"), ("d", "y", "2")], ["ac", "bd"], id="two-pairs"
        ),
    ],
)
def test_a_key_and_an_id_lead_to_one_project(
    leads: list[tuple[str, str | None, str | None]], expected: list[str]
) -> None:
    """A key belongs to one project, and so does an id."""
    assert (
        list_names(find_shared_by_target([EntryTarget(name, name, key, project_id) for name, key, project_id in leads]))
        == expected
    )


def test_the_sentence_says_why_and_never_the_key() -> None:
    """The warning names the project id or the place of the key, never the key itself."""
    same_variable_groups = find_shared_by_target(
        [EntryTarget("a", "the variable KEY", "pcsk", "id"), EntryTarget("b", "the variable KEY", "pcsk", None)]
    )
    assert [it.reason for it in same_variable_groups] == ["id, their key is in the variable KEY"]
    same_key_groups = find_shared_by_target(
        [EntryTarget("a", "the variable A", "pcsk", None), EntryTarget("b", "the variable B", "pcsk", None)]
    )
    assert [it.reason for it in same_key_groups] == ["their keys are the same"]
    same_id_groups = find_shared_by_target(
        [EntryTarget("a", "the variable A", "pcsk", "id"), EntryTarget("b", "the variable B", "other", "id")]
    )
    assert [it.reason for it in same_id_groups] == ["id"]
    assert same_id_groups[0].sentence == (
        'Registry entries "a" and "b" open the same Pinecone project (id), so another project is not audited;'
        " give each entry a key of its own project."
    )


def test_many_entries_are_counted() -> None:
    """The warning names some entries and counts the rest."""
    shared_groups = SharedProject(tuple("abcdefgh"), "id")
    assert shared_groups.sentence.startswith('Registry entries "a", "b", "c", "d", "e" and 3 more open the same')
    assert build_warnings([shared_groups]).keys() == set("abcdefgh")
