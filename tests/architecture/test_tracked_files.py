"""Test that no file of the repository has forbidden text, and that every module and test has a docstring."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED_FOLDERS = {".git", ".venv", ".tools", ".aws-sam", "build", "dist", "__pycache__"}

# in parts, so that this file does not match its own patterns
REGISTRY_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb" + "ian.org", "anaconda" + ".org"]
MACHINE_PATHS = ["/" + "root/", "/" + "work/", "/" + "home/", "/" + "opt/", "/" + "Users/"]
FORBIDDEN_PATTERNS = {
    "a registry's host": re.compile("|".join(map(re.escape, REGISTRY_HOSTS)), re.IGNORECASE),
    "a path of one machine": re.compile(r"(?<![\w.$}*])(?:" + "|".join(map(re.escape, MACHINE_PATHS)) + r")\w"),
    "an API key": re.compile("pc" + r"sk_[A-Za-z0-9_-]{6,}"),
    "an unfinished task": re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b"),
}
PICTURE_SUFFIXES = {".png"}
PATH_SEARCHERS = {"scripts/find-python", "scripts/build-layer"}
"""Scripts that need paths of version managers and of Lambda."""


def list_files() -> list[Path]:
    """Return the files that git tracks or would track; without git, all files outside generated folders."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed_paths = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in listed_paths.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not GENERATED_FOLDERS & set(path.relative_to(ROOT).parts)]
    return sorted(path for path in paths if path.is_file() and not path.relative_to(ROOT).parts[0].endswith("_cache"))


def name_file(path: Path) -> str:
    """Return the path of a file relative to the repository."""
    return path.relative_to(ROOT).as_posix()


MODULE_PATHS = [path for path in list_files() if path.suffix == ".py"]


@pytest.mark.parametrize("kind", FORBIDDEN_PATTERNS)
def test_no_file_has_forbidden_text(kind: str) -> None:
    """No tracked file has a registry host, a path of one machine, an API key or an unfinished task."""
    found_lines = [
        f"{name_file(path)}:{number}: {line.strip()[:80]}"
        for path in list_files()
        if name_file(path) not in PATH_SEARCHERS and path.suffix not in PICTURE_SUFFIXES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN_PATTERNS[kind].search(line)
    ]
    assert found_lines == []


@pytest.mark.parametrize(
    "kind, text",
    [
        pytest.param("a registry's host", "https://files." + "python" + "hosted.org/x", id="registry"),
        pytest.param("a path of one machine", "see /" + "root/x", id="path"),
        pytest.param("an API key", "pc" + "sk_" + "abcdef", id="key"),
        pytest.param("an unfinished task", "# TO" + "DO: later", id="unfinished-task"),
    ],
)
def test_each_pattern_finds_an_example(kind: str, text: str) -> None:
    """Each pattern matches an example of forbidden text."""
    assert FORBIDDEN_PATTERNS[kind].search(text)


@pytest.mark.parametrize("path", MODULE_PATHS, ids=name_file)
def test_a_module_has_a_docstring(path: Path) -> None:
    """Every module has a docstring."""
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"


def test_names_are_specific() -> None:
    """No module or folder has a vague name."""
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
    """Every test has a docstring."""
    tests = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    ]
    undocumented_names = [node.name for node in tests if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert undocumented_names == []
