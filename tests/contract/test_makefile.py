"""What `make` offers."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISED = {"help", "setup", "demo", "build", "test", "check", "bench", "docs", "soak", "mutate", "lock", "clean"}


def make(*arguments: str, cwd: Path = ROOT) -> str:
    """Run make, free of any make that runs the tests, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_lists_every_target() -> None:
    """`make` alone says what there is: all that is promised, and all that is there."""
    listed = set(re.findall(r"^  make (\S+)", make(), flags=re.MULTILINE))
    assert listed == PROMISED
    declared = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(declared) - {"moved"} == listed


@pytest.mark.parametrize("target", ["setup", "demo", "test"])
def test_a_target_sets_up_by_itself(target: str, tmp_path: Path) -> None:
    """In a folder with a blank in its name where nothing was installed, each begins by finding Python 3.13 itself."""
    folder = tmp_path / "a clean folder"
    for name in ("Makefile", "uv.lock", "pyproject.toml", "template.yaml", "samconfig.toml"):
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("layers/auditor", "simulator"):
        (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / name / "pyproject.toml", folder / name)
    planned = make("--dry-run", target, cwd=folder)
    assert planned.index("scripts/find-python") < planned.index("pip sync")
    assert "--clear" in planned


def test_continuous_integration_says_what_a_developer_says() -> None:
    """What runs before anything lands is `make` targets and nothing else."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (\w+)$", script, flags=re.MULTILINE) == ["setup", "check", "test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("name", ["HOME", "LANG"])
def test_python_is_found_beside_a_shim_that_runs_nothing(name: str, tmp_path: Path) -> None:
    """Pyenv's stand-in fails until a version is chosen; those it keeps serve all the same, whatever HOME says."""
    shim = tmp_path / "py env" / "shims" / "python3.13"
    kept = tmp_path / "py env" / "versions" / "3.13.0" / "bin" / "python3.13"
    for path, text in ((shim, "exit 127"), (kept, f'exec "{sys.executable}" "$@"')):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
    environment = {"PATH": f"{shim.parent}:/usr/bin:/bin", name: str(tmp_path)}
    done = subprocess.run(
        [ROOT / "scripts" / "find-python"], env=environment, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_file()
