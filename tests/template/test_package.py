"""Test the package that the AWS CLI deploys. `make test` builds the functions; run `make build` before pytest."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # it has no stubs

from build_package import BUILD_FOLDER, ROOT, build_template, read_version, write_package
from support.aws.template import FUNCTIONS
from support.aws_local.templates import read_template

NAME = f"backup-auditor-{read_version()}"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the package."""
    if not (BUILD_FOLDER / "template.yaml").exists():
        pytest.fail("the build is missing; run make build")
    return write_package(BUILD_FOLDER, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def folder(package: Path) -> Path:
    """Unpack the package, and return its folder."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(package.parent)
    return package.parent / NAME


def test_the_same_build_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    """Two packages of equal files are equal, although the files have other times, modes and folders."""
    build_folder = tmp_path / "build"
    shutil.copytree(BUILD_FOLDER, build_folder, copy_function=shutil.copyfile)
    for number, path in enumerate(sorted(build_folder.rglob("*.py"))):
        path.chmod(0o700)
        os.utime(path, (number, number))
    second_package = write_package(build_folder, tmp_path)
    assert second_package.read_bytes() == package.read_bytes()
    with zipfile.ZipFile(package) as archive:
        entries = archive.infolist()
    assert [it.filename for it in entries] == sorted(it.filename for it in entries)
    assert {(it.date_time, it.external_attr >> 16) for it in entries} == {((1980, 1, 1, 0, 0, 0), 0o100644)}


def test_the_package_has_only_what_is_deployed(package: Path) -> None:
    """The package has templates, functions, layer and two documents: no test, no build file, no machine path."""
    with zipfile.ZipFile(package) as archive:
        names = [it.removeprefix(f"{NAME}/") for it in archive.namelist()]
        contents = [archive.read(it) for it in archive.namelist()]
    assert {it for it in names if not it.startswith("layer/")} == {
        "LICENSE",
        "README.md",
        "import.yaml",
        "template.yaml",
        *(f"functions/{verb}/app.py" for verb in FUNCTIONS),
        *(f"functions/{verb}/__pycache__/app.cpython-313.pyc" for verb in FUNCTIONS),
    }
    assert {it for it in names if it.startswith("layer/")} == {
        f"layer/{it.relative_to(BUILD_FOLDER / 'AuditorLayer').as_posix()}"
        for it in (BUILD_FOLDER / "AuditorLayer").rglob("*")
        if it.is_file()
    }
    unwanted = re.compile(
        r"(^|/)(tests?|conftest\.py|Makefile|pyproject\.toml|uv\.lock|requirements\.txt|\.git\w*)(/|$)"
    )
    assert [it for it in names if unwanted.search(it)] == []
    assert [name for name, it in zip(names, contents, strict=True) if str(ROOT).encode() in it] == []


def test_the_template_is_valid_and_has_its_folders(folder: Path) -> None:
    """cfn-lint accepts the template of the package, and each folder that it names has code and nothing to build."""
    linter = Path(sys.executable).with_name("cfn-lint")
    process = subprocess.run([linter, "template.yaml"], cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    text = (folder / "template.yaml").read_text(encoding="utf-8")
    code_folders = re.findall(r"^ +(?:CodeUri|ContentUri): (.*)$", text, flags=re.MULTILINE)
    assert set(code_folders) == {"layer/", *(f"functions/{verb}/" for verb in FUNCTIONS)}
    assert [it for it in code_folders if not any((folder / it).rglob("*.py"))] == []
    assert [it.name for it in (folder / "layer").iterdir()] == ["python"]
    assert "BuildMethod" not in text


def test_the_template_differs_only_in_folders_and_metadata(folder: Path) -> None:
    """Except for metadata and the folder of the layer, the template of the package is that of the repository."""
    packaged, source = ((path / "template.yaml").read_text(encoding="utf-8").splitlines() for path in (folder, ROOT))
    removed, added = ([it for it in one if it not in other] for one, other in ((source, packaged), (packaged, source)))
    assert {it.split("{")[0].strip() for it in removed} == {"Metadata:", "ContentUri: layers/auditor/"}
    assert len(added) == 10
    assert added[-1].strip() == "ContentUri: layer/"


@pytest.mark.parametrize(
    "old,new",
    [
        pytest.param("ContentUri: layers/auditor/", "ContentUri: layers/other/", id="another-layer"),
        pytest.param("CodeUri: functions/audit/", "CodeUri: code/audit/", id="another-folder"),
    ],
)
def test_another_template_is_refused(old: str, new: str) -> None:
    """A template whose folders the package does not know is an error, so that none is deployed without its code."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"template\.yaml: "):
        build_template(text.replace(old, new), "0.1.0")


def test_the_template_of_the_import_has_the_retained_resources(folder: Path) -> None:
    """cfn-lint accepts it, and it has each resource that a deleted stack retains, as the template has it."""
    linter = Path(sys.executable).with_name("cfn-lint")
    process = subprocess.run([linter, "import.yaml"], cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    template, imported = (read_template(path) for path in (ROOT / "template.yaml", folder / "import.yaml"))
    retained_resources = {
        name: it
        for name, it in template["Resources"].items()
        if it.get("DeletionPolicy", "").startswith("Retain") and it["Type"] != "AWS::S3::BucketPolicy"
    }
    assert imported["Resources"] == retained_resources
    for section in ("Parameters", "Conditions"):
        assert {name: template[section][name] for name in imported[section]} == imported[section]


def test_the_import_names_each_resource_as_cloudformation_identifies_it(folder: Path) -> None:
    """The documented change set is a valid request, and identifies each resource by its primary identifier."""
    page = (ROOT / "docs" / "operations" / "state.md").read_text(encoding="utf-8")
    [text] = re.findall(r"<!-- resources -->\n *```json\n(.*?)```", page, flags=re.DOTALL)
    resources = json.loads(text)
    types = {name: it["Type"] for name, it in read_template(folder / "import.yaml")["Resources"].items()}
    assert {it["LogicalResourceId"]: it["ResourceType"] for it in resources} == types
    for resource in resources:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["ResourceType"]).schema
        assert [f"/properties/{it}" for it in resource["ResourceIdentifier"]] == schema["primaryIdentifier"]
    request = {
        "StackName": "s",
        "ChangeSetName": "import",
        "ChangeSetType": "IMPORT",
        "TemplateBody": (folder / "import.yaml").read_text(encoding="utf-8"),
        "ResourcesToImport": resources,
    }
    model = botocore.session.get_session().get_service_model("cloudformation").operation_model("CreateChangeSet")
    assert model.input_shape is not None
    report = ParamValidator().validate(request, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert len(request["TemplateBody"]) < 51_200


def test_the_metadata_fits_the_serverless_application_repository(folder: Path) -> None:
    """The metadata has the version of the layer, and the repository's API accepts it."""
    metadata = read_template(folder / "template.yaml")["Metadata"]["AWS::ServerlessRepo::Application"]
    assert metadata["SemanticVersion"] == read_version()
    assert all((folder / metadata[it]).is_file() for it in ("LicenseUrl", "ReadmeUrl"))
    model = botocore.session.get_session().get_service_model("serverlessrepo").operation_model("CreateApplication")
    assert model.input_shape is not None
    report = ParamValidator().validate(metadata, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", metadata["Author"])
    assert len(metadata["Description"]) <= 256


def test_a_package_with_another_hash_is_refused(package: Path) -> None:
    """The documented check accepts the package, and refuses one that was changed by a byte."""
    page = (ROOT / "docs" / "get-started" / "aws.md").read_text(encoding="utf-8")
    [command] = re.findall(r"^ *(sha256sum -c \S+)", page, flags=re.MULTILINE)
    command = command.replace("$VERSION", read_version())
    for is_changed in (False, True):
        content = bytearray(package.read_bytes())
        content[len(content) // 2] ^= is_changed
        checked = package.parent / "download"
        checked.mkdir(exist_ok=True)
        (checked / package.name).write_bytes(content)
        shutil.copy(f"{package}.sha256", checked)
        process = subprocess.run(["/bin/sh", "-c", command], cwd=checked, capture_output=True, text=True, check=False)
        assert (process.returncode, "OK" in process.stdout) == (int(is_changed), not is_changed)
