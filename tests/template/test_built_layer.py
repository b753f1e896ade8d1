"""What was built to be deployed. `make test` builds it; whoever runs pytest by itself says `make build` first."""

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

from support.aws.template import FUNCTIONS, function

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build"
LAYER = BUILT / "AuditorLayer" / "python"
LOCAL = ROOT / "build" / "layer-x86_64" / "python"
PACKAGE = ROOT / "layers" / "auditor" / "src" / "backup_auditor"
LEFT = {"cli", "__main__.py"}
MOST_ZIPPED = 8_000_000
UNCHECKED_HASH = 1
MACHINES = {LAYER: 183, LOCAL: 62}
"""The numbers of arm64 and of x86-64 in an ELF header."""
EVERY_MODULE = """
import importlib, pkgutil, sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if "site-packages" not in path)]
import backup_auditor
names = [it.name for it in pkgutil.walk_packages(backup_auditor.__path__, "backup_auditor.")]
in_lambda = "backup_auditor.adapters.aws.idempotency"  # made of what of Powertools imports boto3
for name in names:
    if name != in_lambda:
        importlib.import_module(name)
print(len(names), sorted({"boto3", "rich", "backup_auditor_simulator"} & set(sys.modules)))
sys.path.append(sys.argv[2])
importlib.import_module(in_lambda)
"""


@pytest.fixture(autouse=True, scope="module")
def _built() -> None:
    missing = [path for path in (BUILT / "template.yaml", LAYER, LOCAL) if not path.exists()]
    if missing:
        pytest.fail(f"{missing[0].relative_to(ROOT)} is not there: make build")


def files(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Return the files within a folder, but for bytecode."""
    return (it for it in sorted(folder.rglob(pattern)) if it.is_file() and it.parent.name != "__pycache__")


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, but for bytecode."""
    return {it.relative_to(folder).as_posix(): it.read_bytes() for it in files(folder)}


@pytest.mark.parametrize("layer", [pytest.param(LAYER, id="deployed"), pytest.param(LOCAL, id="local")])
def test_the_package_is_that_of_the_sources(layer: Path) -> None:
    """The layer holds the package as it is now, without the command."""
    expected = {name: text for name, text in contents(PACKAGE).items() if name.split("/")[0] not in LEFT}
    built = contents(layer / "backup_auditor")
    stale = sorted(name for name in expected | built if expected.get(name) != built.get(name))
    assert stale == [], "make build"


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_function_is_one_file(verb: str) -> None:
    """What is deployed of a function is its handler and the bytecode of that."""
    folder = BUILT / function(verb)
    assert contents(folder) == {"app.py": (ROOT / "functions" / verb / "app.py").read_bytes()}, "make build"
    assert [it.name for it in (folder / "__pycache__").iterdir()] == ["app.cpython-313.pyc"]


def test_bytecode_is_taken_as_it_is() -> None:
    """Every module was compiled by Python 3.13, and is never compared with its source, whose date Lambda changes."""
    modules = [*files(LAYER, "*.py"), *(BUILT / function(verb) / "app.py" for verb in FUNCTIONS)]
    assert len(modules) > 500
    for path in modules:
        head = (path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").read_bytes()[:8]
        assert head == importlib.util.MAGIC_NUMBER + struct.pack("<I", UNCHECKED_HASH), path


def test_bytecode_names_the_place_on_lambda() -> None:
    """A traceback names the file where it lies on Lambda, not where it was built."""
    compiled = (LAYER / "backup_auditor" / "domain" / "__pycache__" / "model.cpython-313.pyc").read_bytes()
    assert ("/" + "opt/python/backup_auditor/domain/model.py").encode() in compiled
    assert str(ROOT).encode() not in compiled


@pytest.mark.parametrize("layer", [pytest.param(LAYER, id="deployed"), pytest.param(LOCAL, id="local")])
def test_libraries_are_of_the_right_processor(layer: Path) -> None:
    """Every compiled library in the layer is for the processor that it is built for."""
    libraries = list(files(layer, "*.so"))
    assert libraries
    assert {struct.unpack_from("<H", it.read_bytes(), 18)[0] for it in libraries} == {MACHINES[layer]}


def test_nothing_strays_into_the_layer() -> None:
    """No command, no test, no simulator, nothing that the runtime has already, and no scripts of this machine."""
    there = {it.name.split("-")[0] for it in LAYER.iterdir()}
    unwanted = {
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
    assert there & unwanted == set()
    assert {it.name for it in (BUILT / "AuditorLayer").iterdir()} == {"python"}
    assert {"backup_auditor", "httpx", "pydantic", "yaml", "aws_lambda_powertools"} <= there


def test_two_builds_are_alike() -> None:
    """The layers for two processors, built apart, differ in compiled libraries and what tells of those alone."""
    first, second = (
        {it.relative_to(layer).as_posix(): it.read_bytes() for it in layer.rglob("*") if it.is_file()}
        for layer in (LAYER, LOCAL)
    )
    differing = {name for name in first | second if first.get(name) != second.get(name)}
    assert {name for name in differing if not name.endswith(".so") and ".dist-info/" not in name} == set()


def test_the_layer_is_small() -> None:
    """Zipped, the layer is under 8 MB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in LAYER.rglob("*"):
            archive.write(path, path.relative_to(LAYER.parent))
    assert packed.tell() < MOST_ZIPPED


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the layer that is run here is for x86-64")
def test_every_module_of_the_layer_can_be_imported() -> None:
    """By the layer and the standard library alone, and without boto3; the one that needs it, beside it as in Lambda."""
    command = [sys.executable, "-I", "-c", EVERY_MODULE, str(LOCAL), sysconfig.get_path("purelib")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, _, strangers = done.stdout.strip().partition(" ")
    assert int(count) > 100
    assert strangers == "[]"
