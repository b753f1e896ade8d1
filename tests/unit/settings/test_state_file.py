"""Each project has its own state file, whatever its name is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.cli.options import find_default_state_file
from backup_auditor.errors import SettingsError

HOME_VARIABLES = {"XDG_STATE_HOME": "/states"}
PROJECT_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\x00"), min_size=1, max_size=100)


def test_the_folder_for_states_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the usual one at home; a path that is not absolute does not count."""
    monkeypatch.setenv("HOME", "/users/alex")
    assert find_default_state_file(HOME_VARIABLES, "default") == Path("/states/backup-auditor/default.sqlite3")
    default_path = Path("/users/alex/.local/state/backup-auditor/default.sqlite3")
    for environ in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "states"}):
        assert find_default_state_file(environ, "default") == default_path


def test_without_a_home_it_is_said_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user that no table of users knows."""

    def raise_no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", raise_no_home)
    with pytest.raises(SettingsError, match="set XDG_STATE_HOME, or use --state or --no-state"):
        find_default_state_file({}, "default")


@pytest.mark.parametrize(
    "project,file",
    [
        pytest.param("search-team_1.2", "search-team_1.2.sqlite3", id="as-it-is"),
        pytest.param("team a", "team a.sqlite3", id="blanks"),
        pytest.param("a:b*?", "a%3Ab%2A%3F.sqlite3", id="what-not-every-disk-takes"),
        pytest.param("ü", "%C3%BC.sqlite3", id="other-letters"),
    ],
)
def test_any_project_has_a_file(project: str, file: str) -> None:
    """Its name is written so that any disk takes it."""
    assert find_default_state_file(HOME_VARIABLES, project).name == file


@given(PROJECT_NAMES, PROJECT_NAMES)
def test_no_two_projects_share_a_file(first_name: str, second_name: str) -> None:
    """State files of long names stay in the directory, and their names fit the file system."""
    files = find_default_state_file(HOME_VARIABLES, first_name), find_default_state_file(HOME_VARIABLES, second_name)
    assert (files[0] == files[1]) is (first_name == second_name)
    for file in files:
        assert file.parent == Path("/states/backup-auditor")
        assert len(file.name.encode()) < 200


def test_long_names_that_begin_alike_are_distinguished() -> None:
    """By a hash of all of it."""
    assert find_default_state_file(HOME_VARIABLES, "ü" * 99 + "a") != find_default_state_file(
        HOME_VARIABLES, "ü" * 99 + "b"
    )
