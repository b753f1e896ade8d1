"""Two registry entries that lead to one Pinecone project: both reports warn of it, and the exit code is 3."""

import json
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.cli.parser import FORMATS
from backup_auditor_simulator.web.server import Server
from support.cli import Done, access, command
from support.simulator import NOW, empty_world, serving

MOMENT = NOW.isoformat()
ONE_KEY = ("{name: search, key_env: SEARCH_KEY}", "{name: billing, key_env: SEARCH_KEY}")


def registry(folder: Path, *entries: str) -> Path:
    """Write a registry of these entries."""
    path = folder / "registry.yaml"
    path.write_text("version: 1\nprojects:\n" + "".join(f"- {it}\n" for it in entries))
    return path


def audit(server: Server, folder: Path, *entries: str, form: str = "json", **variables: str) -> Done:
    """Audit a registry of these entries."""
    path = registry(folder, *entries)
    env = access(server, SEARCH_KEY=server.viewer_key, **variables)
    return command("audit", "--now", MOMENT, "--registry", path, "--format", form, env=env)


def warnings(done: Done) -> list[list[str]]:
    """Return the warnings of each report."""
    reports: list[dict[str, Any]] = json.loads(done.out)
    return [it["warnings"] for it in reports]


def test_one_key_twice_is_a_warning_in_both_reports(healthy: Server, tmp_path: Path) -> None:
    """Both look compliant, and one of the projects was never audited."""
    done = audit(healthy, tmp_path, *ONE_KEY)
    sentence = (
        f'Registry entries "search" and "billing" lead to one Pinecone project ({healthy.project.project_id}; their key'
        " is in the variable SEARCH_KEY), so the project that one of them is meant for is not audited; give each entry"
        " a key of its own project."
    )
    assert (done.code, warnings(done)) == (3, [[sentence], [sentence]])
    assert done.err == ""


def test_standard_error_says_it_where_the_reports_go_to_a_file(healthy: Server, tmp_path: Path) -> None:
    """Nobody may look into the file when the job ends with 3."""
    path, output = registry(tmp_path, *ONE_KEY), tmp_path / "reports"
    env = access(healthy, SEARCH_KEY=healthy.viewer_key)
    done = command("audit", "--now", MOMENT, "--registry", path, "--output", output, env=env)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith('backup-auditor: Registry entries "search" and "billing" lead to one Pinecone project')
    assert done.err.count("\n") == 1
    assert output.read_text().count("Registry entries") == 2


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_shows_it(form: str, healthy: Server, tmp_path: Path) -> None:
    """For people and for machines."""
    done = audit(healthy, tmp_path, *ONE_KEY, form=form)
    assert done.code == 3
    assert "is meant for" in " ".join(done.out.split())


@pytest.mark.parametrize(
    "key,words",
    [
        pytest.param(Server.viewer_key, "their keys are the same", id="same-key"),
        pytest.param(Server.editor_key, None, id="another-key"),
    ],
)
def test_two_keys_of_one_project_are_found(key: str, words: str | None, healthy: Server, tmp_path: Path) -> None:
    """By the id that both audits read; an entry that cannot be audited shares nothing."""
    entries = (ONE_KEY[0], "{name: billing, key_env: BILLING_KEY}", "{name: wrong, key_env: ABSENT}")
    done = audit(healthy, tmp_path, *entries, BILLING_KEY=key)
    assert done.code == 2  # one could not be audited at all
    found = warnings(done)
    assert found[0] == found[1] != []
    assert healthy.project.project_id in found[0][0]
    assert (words or "Pinecone project") in found[0][0]


def test_one_key_without_any_schedule_is_found_by_the_key(tmp_path: Path) -> None:
    """Nothing tells the id of an empty project."""
    with serving(empty_world()) as server:
        done = audit(server, tmp_path, *ONE_KEY)
    assert done.code == 3
    assert all("(their key is in the variable SEARCH_KEY)" in it for (it,) in warnings(done))


def test_a_registry_of_one_key_each_has_no_warning(healthy: Server, tmp_path: Path) -> None:
    """A single entry shares nothing."""
    done = audit(healthy, tmp_path, ONE_KEY[0])
    assert (done.code, done.err, warnings(done)) == (0, "", [[]])


@pytest.mark.parametrize(
    "entries,words",
    [
        pytest.param(ONE_KEY, "their key is in the variable SEARCH_KEY", id="variable"),
        pytest.param(("{name: a, secret: keys/a}", "{name: b, secret: keys/a}"), "the secret keys/a", id="secret"),
    ],
)
def test_validating_warns_of_one_key_twice(entries: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """It is valid all the same."""
    path = registry(tmp_path, *entries)
    done = command("registry", "validate", path)
    assert done.code == 0
    assert done.out.startswith(f"{path}: valid; 2 projects")
    assert done.err.startswith(f"backup-auditor: warning: {path}: Registry entries ")
    assert (words in done.err, done.err.count("\n")) == (True, 1)


def test_validating_refuses_one_name_twice(tmp_path: Path) -> None:
    """And says where the first one is."""
    done = command("registry", "validate", registry(tmp_path, "{name: a, key_env: A}", "{name: a, key_env: B}"))
    assert done.code == 2
    assert "first on line 3" in done.err
