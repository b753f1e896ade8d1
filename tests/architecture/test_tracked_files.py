"""Test what no file of the repository may contain, and what every module must have."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED_FOLDERS = {".git", ".venv", ".tools", ".aws-sam", "build", "dist", "__pycache__"}

# in pieces, so that this file does not hold what it looks for
REGISTRY_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb" + "ian.org", "anaconda" + ".org"]
MACHINE_PATHS = ["/" + "root/", "/" + "work/", "/" + "home/", "/" + "opt/", "/" + "Users/"]
FORBIDDEN_PATTERNS = {
    "a registry's host": re.compile("|".join(map(re.escape, REGISTRY_HOSTS)), re.IGNORECASE),
    "a path of somebody's machine": re.compile(r"(?<![\w.$}*])(?:" + "|".join(map(re.escape, MACHINE_PATHS)) + r")\w"),
    "what looks like a key": re.compile("pc" + r"sk_[A-Za-z0-9_-]{6,}"),
    "a leftover": re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b"),
}
PICTURE_SUFFIXES = {".png"}
PATH_SEARCHERS = {"scripts/find-python", "scripts/build-layer"}
"""Where version managers keep their Pythons, and where Lambda lays a layer, is what these are about."""


def list_files() -> list[Path]:
    """Every file of the repository: what git tracks or would, or all that was not made where there is no git."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed_paths = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in listed_paths.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not GENERATED_FOLDERS & set(path.relative_to(ROOT).parts)]
    return sorted(path for path in paths if path.is_file() and not path.relative_to(ROOT).parts[0].endswith("_cache"))


def name_file(path: Path) -> str:
    """Name a file as a reader of the repository would."""
    return path.relative_to(ROOT).as_posix()


MODULE_PATHS = [path for path in list_files() if path.suffix == ".py"]


@pytest.mark.parametrize("what", FORBIDDEN_PATTERNS)
def test_no_file_contains(what: str) -> None:
    """No tracked file contains a registry host, a path of a machine, a key or a leftover."""
    found_lines = [
        f"{name_file(path)}:{number}: {line.strip()[:80]}"
        for path in list_files()
        if name_file(path) not in PATH_SEARCHERS and path.suffix not in PICTURE_SUFFIXES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN_PATTERNS[what].search(line)
    ]
    assert found_lines == []


@pytest.mark.parametrize(
    "what, text",
    [
        pytest.param("a registry's host", "https://files." + "python" + "hosted.org/x", id="registry"),
        pytest.param("a path of somebody's machine", "see /" + "root/x", id="path"),
        pytest.param("what looks like a key", "pc" + "sk_" + "abcdef", id="key"),
        pytest.param("a leftover", "# TO" + "DO: later", id="leftover"),
    ],
)
def test_the_search_finds(what: str, text: str) -> None:
    """Each pattern finds an example of what it searches for."""
    assert FORBIDDEN_PATTERNS[what].search(text)


@pytest.mark.parametrize("path", MODULE_PATHS, ids=name_file)
def test_a_module_has_a_docstring(path: Path) -> None:
    """Every module has a docstring."""
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"


def test_names_are_specific() -> None:
    """No module or folder has a name that could mean anything."""
    vague_words = {"utils", "util", "helpers", "helper", "manager", "managers", "data", "process", "common", "misc"}
    vague_names = [
        name_file(path) for path in MODULE_PATHS if vague_words & {*path.relative_to(ROOT).with_suffix("").parts}
    ]
    assert vague_names == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULE_PATHS if path.name.startswith("test_") and name_file(path).startswith("tests/")],
    ids=name_file,
)
def test_a_test_has_a_docstring(path: Path) -> None:
    """Every test states a fact in its docstring."""
    tests = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    ]
    undocumented_names = [node.name for node in tests if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert undocumented_names == []
