"""Test the targets of `make` and the scripts that they run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTED_TARGETS = {
    "help",
    "setup",
    "demo",
    "build",
    "package",
    "test",
    "unit",
    "check",
    "bench",
    "docs",
    "site",
    "soak",
    "mutate",
    "lock",
    "clean",
}


def run_make(*arguments: str, cwd: Path = ROOT) -> str:
    """Run make without the variables of a make that runs the tests, and return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", *arguments]
    process = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    return process.stdout


def test_help_lists_every_target() -> None:
    """`make` alone lists every target."""
    listed_targets = set(re.findall(r"^  make (\S+)", run_make(), flags=re.MULTILINE))
    assert listed_targets == LISTED_TARGETS
    declared = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(declared) - {"moved"} == listed_targets


@pytest.mark.parametrize("target", ["setup", "demo", "test"])
def test_a_target_installs_the_environment(target: str, tmp_path: Path) -> None:
    """In a new folder whose name has spaces, each target installs uv, finds Python 3.13, and installs the packages."""
    folder = tmp_path / "a clean folder"
    for name in ("Makefile", "uv.lock", "pyproject.toml", "template.yaml", "samconfig.toml"):
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("layers/auditor", "simulator"):
        (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / name / "pyproject.toml", folder / name)
    planned_commands = run_make("--dry-run", target, cwd=folder)
    assert (
        planned_commands.index("scripts/install-uv")
        < planned_commands.index("scripts/find-python")
        < planned_commands.index("pip sync")
    )
    assert "--clear" in planned_commands


def test_continuous_integration_runs_make_targets() -> None:
    """The script of continuous integration runs the targets setup, check and test."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (\w+)$", script, flags=re.MULTILINE) == ["setup", "check", "test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("name", ["HOME", "LANG"])
def test_python_is_found_despite_a_failing_shim(name: str, tmp_path: Path) -> None:
    """An installed version of pyenv is found, although the shim of pyenv fails until a version is selected."""
    shim = tmp_path / "py env" / "shims" / "python3.13"
    python_path = tmp_path / "py env" / "versions" / "3.13.0" / "bin" / "python3.13"
    for path, text in ((shim, "exit 127"), (python_path, f'exec "{sys.executable}" "$@"')):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
    environment = {"PATH": f"{shim.parent}:/usr/bin:/bin", name: str(tmp_path)}
    process = subprocess.run(
        [ROOT / "scripts" / "find-python"], env=environment, capture_output=True, text=True, check=True
    )
    assert Path(process.stdout.strip()).is_file()


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment without Python: a PATH with the required programs, and an empty home."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("chmod", "dirname", "ln", "ls", "mkdir", "rm", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")
    environment = {"PATH": str(programs), "HOME": str(tmp_path / "home")}
    if run_script("find-python", environment=environment).returncode == 0:
        pytest.skip("this machine has a Python 3.13 at a path that scripts/find-python always checks")
    return environment


def add_program(environment: dict[str, str], name: str, script: str) -> Path:
    """Write a program to a folder on PATH, and return its path."""
    path = Path(environment["PATH"]) / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def run_script(
    name: str, *arguments: str, environment: dict[str, str], **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of the project."""
    command = [str(ROOT / "scripts" / name), *arguments]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=False)


def add_fake_uv(environment: dict[str, str], *, can_fetch: bool = True) -> str:
    """Write a fake uv to PATH that has no Python until it downloads one and records its calls; return its path."""
    home = Path(environment["HOME"])
    home.mkdir(exist_ok=True)
    fetched_python = home / "python3.13"
    link = f'ln -s "{sys.executable}" "{fetched_python}"' if can_fetch else 'echo "error: no network" >&2; exit 1'
    script = f"""echo "$@" >>"{home}/calls"
case "$1 $2" in
"python dir") echo "{home}" ;;
"python install") {link} ;;
"python find") echo "{fetched_python}" ;;
"--version "*) echo "uv 0.0.0" ;;
*) exit 2 ;;
esac"""
    return str(add_program(environment, "uv", script))


def test_uv_downloads_a_missing_python(bare_environment: dict[str, str]) -> None:
    """The message names the download and its folder, and the output is the path of the Python."""
    process = run_script("find-python", environment=bare_environment, UV=add_fake_uv(bare_environment))
    assert process.returncode == 0
    assert Path(process.stdout.strip()).is_file()
    home = bare_environment["HOME"]
    assert process.stderr == f"make: no Python 3.13 that runs was found; uv fetches one (some 30 MB) into {home}\n"


def test_a_python_of_the_system_takes_precedence(bare_environment: dict[str, str]) -> None:
    """The script does not call uv if the system has a Python."""
    add_program(bare_environment, "python3.13", f'exec "{sys.executable}" "$@"')
    process = run_script("find-python", environment=bare_environment, UV=add_fake_uv(bare_environment))
    assert (process.returncode, process.stderr) == (0, "")
    assert not (Path(bare_environment["HOME"]) / "calls").exists()


@pytest.mark.parametrize("download_setting", ["never", "manual"])
def test_uv_downloads_nothing_if_that_is_disabled(bare_environment: dict[str, str], download_setting: str) -> None:
    """With downloads disabled by UV_PYTHON_DOWNLOADS, the script fails and the message names the alternatives."""
    process = run_script(
        "find-python",
        environment=bare_environment,
        UV=add_fake_uv(bare_environment),
        UV_PYTHON_DOWNLOADS=download_setting,
    )
    assert (process.returncode, process.stdout) == (1, "")
    (line,) = process.stderr.splitlines()
    assert (
        f"UV_PYTHON_DOWNLOADS={download_setting} forbids uv to fetch one; install it, or name one: make PYTHON=" in line
    )
    assert not (Path(bare_environment["HOME"]) / "calls").exists()


def test_a_failed_download_is_reported(bare_environment: dict[str, str]) -> None:
    """The message has the error of uv and the remedy."""
    process = run_script("find-python", environment=bare_environment, UV=add_fake_uv(bare_environment, can_fetch=False))
    assert (process.returncode, process.stdout) == (1, "")
    assert "error: no network" in process.stderr
    assert "uv could not fetch Python 3.13; install it, or name one" in process.stderr


@pytest.mark.parametrize("download_setting", ["never", "automatic", ""])
def test_make_passes_the_download_setting(download_setting: str) -> None:
    """Make passes the user's setting for downloads to find-python."""
    planned_commands = run_make(
        "--dry-run", "--always-make", ".tools/sam/ready", f"UV_PYTHON_DOWNLOADS={download_setting}"
    )
    assert f'UV_PYTHON_DOWNLOADS="{download_setting}" scripts/find-python' in planned_commands
    assert "-m venv" not in planned_commands


def test_an_installed_uv_is_linked(bare_environment: dict[str, str], tmp_path: Path) -> None:
    """A uv on PATH is used if there is no Python."""
    uv = add_fake_uv(bare_environment)
    process = run_script("install-uv", str(tmp_path / "tools"), environment=bare_environment)
    assert (process.returncode, process.stderr) == (0, "")
    assert (tmp_path / "tools" / "bin" / "uv").resolve() == Path(uv)


def test_a_python_without_venv_works_with_pip(bare_environment: dict[str, str], tmp_path: Path) -> None:
    """A Python without venv, as on Debian, installs uv with pip."""
    uv = shutil.copy(add_fake_uv(bare_environment), tmp_path / "uv-of-the-index")
    (Path(bare_environment["PATH"]) / "uv").unlink()
    script = f"""case "$*" in
*ensurepip*) exit 1 ;;
*"import sys, pip"*) exit 0 ;;
*"-m pip install --target"*) mkdir -p "$5/bin"; ln -s "{uv}" "$5/bin/uv" ;;
*) exit 1 ;;
esac"""
    add_program(bare_environment, "python3", script)
    process = run_script("install-uv", str(tmp_path / "tools"), environment=bare_environment)
    assert (process.returncode, process.stderr) == (0, "")
    assert (tmp_path / "tools" / "bin" / "uv").resolve() == uv


def test_a_machine_without_python_is_refused(bare_environment: dict[str, str], tmp_path: Path) -> None:
    """The error line names the packages to install."""
    process = run_script("install-uv", str(tmp_path / "tools"), environment=bare_environment)
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert "python3-venv" in line
    assert not (tmp_path / "tools").exists()
