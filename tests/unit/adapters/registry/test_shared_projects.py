"""Registry entries that lead to one Pinecone project are found by their keys, and by what their audits read."""

import pytest

from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.shared_projects import (
    EntryTarget,
    SharedProject,
    build_warnings,
    find_shared_by_secret,
    find_shared_by_target,
    find_shared_by_variable,
)

KEYS = "keys"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"


def names(shared: tuple[SharedProject, ...]) -> list[str]:
    """Return the names of each group, as one word."""
    return ["".join(it.names) for it in shared]


def test_one_variable_is_one_project() -> None:
    """Entries without a variable share none."""
    projects = (
        RegisteredProject("a", key_variable="KEY"),
        RegisteredProject("b", key_variable="OTHER"),
        RegisteredProject("c", key_variable="KEY"),
        RegisteredProject("d", "secret"),
        RegisteredProject("e", "elsewhere"),
    )
    assert names(find_shared_by_variable(projects)) == ["ac"]
    assert names(find_shared_by_secret(projects)) == []


@pytest.mark.parametrize(
    "one,other,expected",
    [
        pytest.param("keys", "keys", True, id="same-name"),
        pytest.param("keys", "keys-2", False, id="other-name"),
        pytest.param("keys", f"{ARN}keys-AbCdEf", True, id="name-and-arn"),
        pytest.param(f"{ARN}keys-AbCdEf", "keys", True, id="arn-and-name"),
        pytest.param("keys-search", f"{ARN}keys-search", True, id="name-and-partial-arn"),
        pytest.param("keys", f"{ARN}keys-search-AbCdEf", False, id="longer-name-in-arn"),
        pytest.param(f"{ARN}keys-AbCdEf", f"{ARN}keys-AbCdEf", True, id="same-arn"),
        pytest.param(f"{ARN}keys-AbCdEf", f"{ARN}other-AbCdEf", False, id="other-arn"),
        pytest.param(f"{ARN}keys-AbCdEf", f"{ARN.replace('eu', 'us')}keys-AbCdEf", False, id="other-region"),
    ],
)
def test_a_secret_is_the_same_by_name_and_by_arn(one: str, other: str, *, expected: bool) -> None:
    """AWS adds six characters to the name in an ARN."""
    shared = find_shared_by_secret([RegisteredProject("a", one), RegisteredProject("b", other)])
    assert names(shared) == (["ab"] if expected else [])


def test_the_secret_of_an_editor_counts_too() -> None:
    """An entry that uses one secret for both shares it with nobody."""
    both = RegisteredProject("a", "keys", editor_secret=KEYS)
    assert names(find_shared_by_secret([both])) == []
    assert names(find_shared_by_secret([both, RegisteredProject("b", "other", editor_secret=KEYS)])) == ["ab"]


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
        names(find_shared_by_target([EntryTarget(name, name, key, project_id) for name, key, project_id in leads]))
        == expected
    )


def test_the_sentence_says_why_and_never_the_key() -> None:
    """The id of the project, the place of the key, or that the keys are the same."""
    place = find_shared_by_target(
        [EntryTarget("a", "the variable KEY", "pcsk", "id"), EntryTarget("b", "the variable KEY", "pcsk", None)]
    )
    assert [it.reason for it in place] == ["id; their key is in the variable KEY"]
    same = find_shared_by_target(
        [EntryTarget("a", "the variable A", "pcsk", None), EntryTarget("b", "the variable B", "pcsk", None)]
    )
    assert [it.reason for it in same] == ["their keys are the same"]
    found = find_shared_by_target(
        [EntryTarget("a", "the variable A", "pcsk", "id"), EntryTarget("b", "the variable B", "other", "id")]
    )
    assert [it.reason for it in found] == ["id"]
    assert found[0].sentence == (
        'Registry entries "a" and "b" lead to one Pinecone project (id), so the project that one of them is meant for'
        " is not audited; give each entry a key of its own project."
    )


def test_many_entries_are_counted() -> None:
    """The sentence stays short."""
    shared = SharedProject(tuple("abcdefgh"), "id")
    assert shared.sentence.startswith('Registry entries "a", "b", "c", "d", "e" and 3 more lead to one')
    assert build_warnings([shared]).keys() == set("abcdefgh")
