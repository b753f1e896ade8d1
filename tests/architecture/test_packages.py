"""Test the contents, the dependencies and the versions of the packages."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LAYER_FOLDER = ROOT / "layers" / "auditor"
DEPLOYED_SUFFIXES = {".css", ".jinja", ".js", ".json", ".py", ".pyi", ".typed", ".yaml"}


def load_project_file(folder: Path) -> dict[str, Any]:
    """Return the contents of a folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def parse_requirement_name(requirement: str) -> str:
    """Return the name of the package in a requirement."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0]


def test_the_layer_needs_no_simulator() -> None:
    """The simulator is an extra of the package and not a dependency."""
    project = load_project_file(LAYER_FOLDER)["project"]
    assert "backup-auditor-simulator" not in map(parse_requirement_name, project["dependencies"])
    extras = {
        name
        for name, requirements in project["optional-dependencies"].items()
        if "backup-auditor-simulator" in map(parse_requirement_name, requirements)
    }
    assert extras == {"simulator"}


def test_the_layer_needs_no_terminal_package() -> None:
    """A package that only a terminal needs is an extra of the layer."""
    assert "rich" not in map(parse_requirement_name, load_project_file(LAYER_FOLDER)["project"]["dependencies"])


def test_the_simulator_needs_no_auditor() -> None:
    """The simulator does not depend on the auditor."""
    assert [parse_requirement_name(it) for it in load_project_file(ROOT / "simulator")["project"]["dependencies"]] == [
        "h11"
    ]


def test_the_layer_contains_only_the_package() -> None:
    """The source folder of the layer, which is deployed, has only the package."""
    assert [path.name for path in (LAYER_FOLDER / "src").iterdir() if path.name != "__pycache__"] == ["backup_auditor"]
    deployed_paths = [
        path for path in (LAYER_FOLDER / "src").rglob("*") if path.is_file() and path.parent.name != "__pycache__"
    ]
    assert {path.suffix for path in deployed_paths} <= DEPLOYED_SUFFIXES
    assert [
        path
        for path in deployed_paths
        if re.search(r"(^|/)(tests?|build|conftest)", path.relative_to(LAYER_FOLDER).as_posix())
    ] == []


def test_versions_agree() -> None:
    """Both packages have the same version, and the changelog has a section for it."""
    version = load_project_file(LAYER_FOLDER)["project"]["version"]
    assert load_project_file(ROOT / "simulator")["project"]["version"] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_lock_names_no_registry() -> None:
    """The lock names each package by path and hash, without a registry host."""
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    artifacts = re.findall(r"\{ url = .*\}", lock)
    assert artifacts
    assert [line for line in artifacts if 'hash = "sha256:' not in line] == []
