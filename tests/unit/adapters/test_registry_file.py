"""The registry: the file that lists projects."""

from pathlib import Path

import pytest

from backup_auditor.adapters.registry_file import Registered, load_registry
from backup_auditor.errors import RegistryError


def written(folder: Path, text: str) -> Path:
    """Write a registry."""
    path = folder / "registry.yaml"
    path.write_text(text)
    return path


def test_projects_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Each project has its name, the variable of its key and, beside the registry, its policy."""
    text = "version: 1\nprojects:\n  - {name: b, key_env: KEY_B, policy: b.yaml}\n  - {name: a, key_env: KEY_A}\n"
    assert load_registry(written(tmp_path, text)) == (
        Registered("b", "KEY_B", tmp_path / "b.yaml"),
        Registered("a", "KEY_A", None),
    )


@pytest.mark.parametrize(
    "text,why",
    [
        pytest.param("", ": is empty, and an empty file is no registry", id="empty"),
        pytest.param("- 1", ":1: is not a mapping", id="no-mapping"),
        pytest.param("projects: []", ':1: has no "version: 1"; add it', id="no-version"),
        pytest.param("version: 2\nprojects: []", ':1: has no "version: 1"', id="other-version"),
        pytest.param("version: true\nprojects: []", ':1: has no "version: 1"', id="flag-for-a-version"),
        pytest.param("version: 1", ":1: lists no projects", id="no-projects"),
        pytest.param("version: 1\nprojects: []", ":2: lists no projects", id="empty-list"),
        pytest.param("version: 1\nprojects: {}", ":2: lists no projects", id="mapping-for-a-list"),
        pytest.param("version: 1\nprojects: [a]", ":2: a project is not a mapping", id="text-for-a-project"),
        pytest.param("version: 1\nprojects: [{name: a}]", ":2: a project has no key_env; add it", id="no-key"),
        pytest.param("version: 1\nprojects: [{key_env: A}]", ":2: a project has no name; add it", id="no-name"),
        pytest.param("version: 1\nprojects: [{name: 7, key_env: A}]", ":2: name is 7; write a text", id="number"),
        pytest.param(
            "version: 1\nprojects: [{name: a, key: A}]",
            ':2: unknown key "key"; known there: name, key_env, policy',
            id="unknown-key",
        ),
        pytest.param(
            "version: 1\nprojects:\n  - {name: a, key_env: A}\n  - {name: a, key_env: B}",
            ':4: the project "a" stands here again',
            id="twice",
        ),
        pytest.param("version: 1\n---\nversion: 1", ":2: a second document begins; a registry is one", id="two"),
    ],
)
def test_what_is_no_registry_is_refused(text: str, why: str, tmp_path: Path) -> None:
    """The first problem is told in one line, with its place and the remedy."""
    path = written(tmp_path, text)
    with pytest.raises(RegistryError) as caught:
        load_registry(path)
    assert str(caught.value).startswith(f"{path}{why}")
    assert "policy" not in str(caught.value).replace("key_env, policy", "")


def test_a_key_in_place_of_its_variable_is_not_repeated(tmp_path: Path) -> None:
    """Whoever writes the key itself into the registry does not find it on the screen."""
    path = written(tmp_path, "version: 1\nprojects: [{name: a, key_env: se-cr-et}]")
    with pytest.raises(RegistryError, match="key_env is no name of a variable") as caught:
        load_registry(path)
    assert "se-cr-et" not in str(caught.value)


def test_a_missing_registry_says_how_one_begins(tmp_path: Path) -> None:
    """Without a file, the message shows the beginning of one."""
    with pytest.raises(RegistryError, match='there is no such file; one says "version: 1"'):
        load_registry(tmp_path / "registry.yaml")
