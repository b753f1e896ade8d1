"""Test the built layer and functions. `make test` builds them; run `make build` before running pytest directly."""

import importlib.util
import io
import platform
import struct
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aws.template import FUNCTIONS, name_function

ROOT = Path(__file__).parents[2]
BUILD_FOLDER = ROOT / ".aws-sam" / "build"
LAYER_FOLDER = BUILD_FOLDER / "AuditorLayer" / "python"
LOCAL_LAYER_FOLDER = ROOT / "build" / "layer-x86_64" / "python"
PACKAGE_FOLDER = ROOT / "layers" / "auditor" / "src" / "backup_auditor"
LOCAL_ONLY_NAMES = {"cli", "__main__.py"}
MAX_ZIPPED_BYTES = 8_000_000
UNCHECKED_HASH = 1
ELF_MACHINES = {LAYER_FOLDER: 183, LOCAL_LAYER_FOLDER: 62}
"""The numbers of arm64 and of x86-64 in an ELF header."""
IMPORT_SCRIPT = """
import importlib, pkgutil, sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if "site-packages" not in path)]
import backup_auditor
names = [it.name for it in pkgutil.walk_packages(backup_auditor.__path__, "backup_auditor.")]
in_lambda = "backup_auditor.adapters.aws.idempotency"  # uses a part of Powertools that imports boto3
for name in names:
    if name != in_lambda:
        importlib.import_module(name)
print(len(names), sorted({"boto3", "rich", "backup_auditor_simulator"} & set(sys.modules)))
sys.path.append(sys.argv[2])
importlib.import_module(in_lambda)
"""


@pytest.fixture(autouse=True, scope="module")
def _require_build() -> None:
    missing_paths = [
        path for path in (BUILD_FOLDER / "template.yaml", LAYER_FOLDER, LOCAL_LAYER_FOLDER) if not path.exists()
    ]
    if missing_paths:
        pytest.fail(f"{missing_paths[0].relative_to(ROOT)} is missing; run make build")


def list_files(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Return the files in a folder, without bytecode."""
    return (it for it in sorted(folder.rglob(pattern)) if it.is_file() and it.parent.name != "__pycache__")


def read_contents(folder: Path) -> dict[str, bytes]:
    """Return the contents of the files in a folder, without bytecode."""
    return {it.relative_to(folder).as_posix(): it.read_bytes() for it in list_files(folder)}


@pytest.mark.parametrize(
    "layer", [pytest.param(LAYER_FOLDER, id="deployed"), pytest.param(LOCAL_LAYER_FOLDER, id="local")]
)
def test_the_package_equals_its_sources(layer: Path) -> None:
    """The layer has the current package without the command line."""
    expected = {
        name: text for name, text in read_contents(PACKAGE_FOLDER).items() if name.split("/")[0] not in LOCAL_ONLY_NAMES
    }
    built_files = read_contents(layer / "backup_auditor")
    stale_names = sorted(name for name in expected | built_files if expected.get(name) != built_files.get(name))
    assert stale_names == [], "outdated build; run make build"


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_is_one_file(verb: str) -> None:
    """A built function has only its handler and the handler's bytecode."""
    folder = BUILD_FOLDER / name_function(verb)
    assert read_contents(folder) == {"app.py": (ROOT / "functions" / verb / "app.py").read_bytes()}, (
        "outdated build; run make build"
    )
    assert [it.name for it in (folder / "__pycache__").iterdir()] == ["app.cpython-313.pyc"]


def test_bytecode_is_not_compared_with_its_source() -> None:
    """Each module has bytecode of Python 3.13 without a source check, because Lambda changes the file times."""
    modules = [
        *list_files(LAYER_FOLDER, "*.py"),
        *(BUILD_FOLDER / name_function(verb) / "app.py" for verb in FUNCTIONS),
    ]
    assert len(modules) > 500
    for path in modules:
        head = (path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").read_bytes()[:8]
        assert head == importlib.util.MAGIC_NUMBER + struct.pack("<I", UNCHECKED_HASH), path


def test_bytecode_has_the_paths_of_lambda() -> None:
    """Bytecode has the file's path on Lambda, not the path of the build, so that tracebacks are correct."""
    bytecode = (LAYER_FOLDER / "backup_auditor" / "domain" / "__pycache__" / "model.cpython-313.pyc").read_bytes()
    assert ("/" + "opt/python/backup_auditor/domain/model.py").encode() in bytecode
    assert str(ROOT).encode() not in bytecode


@pytest.mark.parametrize(
    "layer", [pytest.param(LAYER_FOLDER, id="deployed"), pytest.param(LOCAL_LAYER_FOLDER, id="local")]
)
def test_libraries_are_for_the_right_processor(layer: Path) -> None:
    """Each compiled library is for the processor of its layer."""
    libraries = list(list_files(layer, "*.so"))
    assert libraries
    assert {struct.unpack_from("<H", it.read_bytes(), 18)[0] for it in libraries} == {ELF_MACHINES[layer]}


def test_the_layer_has_no_unneeded_packages() -> None:
    """The layer has no scripts, tests, simulator, or packages that the runtime already has."""
    package_names = {it.name.split("-")[0] for it in LAYER_FOLDER.iterdir()}
    unwanted_paths = {
        "bin",
        "boto3",
        "botocore",
        "s3transfer",
        "urllib3",
        "rich",
        "pytest",
        "tests",
        "backup_auditor_simulator",
    }
    assert package_names & unwanted_paths == set()
    assert {it.name for it in (BUILD_FOLDER / "AuditorLayer").iterdir()} == {"python"}
    assert {"backup_auditor", "httpx", "pydantic", "yaml", "aws_lambda_powertools"} <= package_names


def test_builds_for_two_processors_are_equal() -> None:
    """The layers for two processors differ only in compiled libraries and package metadata."""
    first_build, second_build = (
        {it.relative_to(layer).as_posix(): it.read_bytes() for it in layer.rglob("*") if it.is_file()}
        for layer in (LAYER_FOLDER, LOCAL_LAYER_FOLDER)
    )
    differing_names = {name for name in first_build | second_build if first_build.get(name) != second_build.get(name)}
    assert {name for name in differing_names if not name.endswith(".so") and ".dist-info/" not in name} == set()


def test_the_layer_is_small() -> None:
    """The zipped layer is smaller than 8 MB."""
    zip_buffer = io.BytesIO()
    with zipfile.ZipFile(zip_buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in LAYER_FOLDER.rglob("*"):
            archive.write(path, path.relative_to(LAYER_FOLDER.parent))
    assert zip_buffer.tell() < MAX_ZIPPED_BYTES


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the local layer is for x86-64")
def test_every_module_of_the_layer_can_be_imported() -> None:
    """Each module needs only the layer and the standard library, except one that needs Lambda's boto3."""
    command = [sys.executable, "-I", "-c", IMPORT_SCRIPT, str(LOCAL_LAYER_FOLDER), sysconfig.get_path("purelib")]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    count, _, foreign_modules = process.stdout.strip().partition(" ")
    assert int(count) > 100
    assert foreign_modules == "[]"
