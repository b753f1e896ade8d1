"""Write the package that the AWS CLI deploys without a build: one zip with a template, and the SHA-256 of the zip.

The same build gives the same bytes: entries are sorted, and their times and modes are fixed.
"""

import hashlib
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD_FOLDER = ROOT / ".aws-sam" / "build"
DIST_FOLDER = ROOT / "dist"
RETAINED_RESOURCES = ("StateTable", "EvidenceBucket")
_DOCUMENTS = ("LICENSE", "README.md")
_EARLIEST_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644
_BUILD_METADATA = re.compile(r"^    Metadata: \{BuildMethod: makefile.*\n", re.MULTILINE)
_CODE_FOLDER = re.compile(r"^      CodeUri: functions/(\w+)/$", re.MULTILINE)
_APPLICATION = """\
Metadata:
  AWS::ServerlessRepo::Application:
    Name: backup-auditor
    Description: Audits the backups and schedules of Pinecone projects every night, and stores the evidence.
    Author: backup-auditor
    SpdxLicenseId: Apache-2.0
    LicenseUrl: LICENSE
    ReadmeUrl: README.md
    Labels: [pinecone, backup, audit, compliance]
    SemanticVersion: {version}
"""


def read_version() -> str:
    """Return the version of the layer."""
    return str(
        tomllib.loads((ROOT / "layers/auditor/pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    )


def build_template(text: str, version: str) -> str:
    """Return a template whose folders are built already, with the metadata of the Serverless Application Repository."""
    functions = _CODE_FOLDER.findall(text)
    text, removed_count = _BUILD_METADATA.subn("", text)
    if removed_count != len(functions) + 1:
        raise ValueError("template.yaml: each function and the layer needs one line of build metadata")
    for old, new in (
        ("ContentUri: layers/auditor/\n", "ContentUri: layer/\n"),
        ("\nMetadata:\n", f"\n{_APPLICATION.format(version=version)}"),
    ):
        if text.count(old) != 1:
            raise ValueError(f"template.yaml: expected {old.strip()!r} once")
        text = text.replace(old, new)
    return text


def build_import_template(text: str) -> str:
    """Return the template of an import change set: only what a deleted stack leaves, as the template has it."""
    resources = "".join(_find_block(text, it) for it in RETAINED_RESOURCES)
    conditions = _select_blocks(text, "Conditions", resources)
    sections = {
        "Parameters": _select_blocks(text, "Parameters", resources + conditions),
        "Conditions": conditions,
        "Resources": resources,
    }
    return "\n".join(["AWSTemplateFormatVersion: '2010-09-09'", *(f"{name}:\n{it}" for name, it in sections.items())])


def _select_blocks(text: str, section: str, users: str) -> str:
    """Return the entries of a section that a part of the template names."""
    start = text.index(f"\n{section}:\n")
    end = text.index("\n\n", start)
    names = re.findall(r"^  (\w+):", text[start:end], flags=re.MULTILINE)
    return "".join(_find_block(text[start:end] + "\n", it) for it in names if re.search(rf"\b{it}\b", users))


def _find_block(text: str, name: str) -> str:
    """Return the lines of an entry that is indented by two spaces."""
    match = re.search(rf"^  {name}:.*\n(?:    .*\n)*", text, flags=re.MULTILINE)
    if match is None:
        raise ValueError(f"template.yaml: there is no {name}")
    return match[0]


def list_entries(build_folder: Path, template: str, version: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file of the package."""
    yield "template.yaml", build_template(template, version).encode()
    yield "import.yaml", build_import_template(template).encode()
    for name in _DOCUMENTS:
        yield name, (ROOT / name).read_bytes()
    folders = {f"functions/{it}": build_folder / f"{it.capitalize()}Function" for it in _CODE_FOLDER.findall(template)}
    for folder, source in {"layer": build_folder / "AuditorLayer", **folders}.items():
        for path in source.rglob("*"):
            if path.is_file():
                yield f"{folder}/{path.relative_to(source).as_posix()}", path.read_bytes()


def write_package(build_folder: Path, target_folder: Path) -> Path:
    """Write the package and its hash; return the path of the package."""
    version = read_version()
    name = f"backup-auditor-{version}"
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    target_folder.mkdir(parents=True, exist_ok=True)
    path = target_folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as package:
        for entry_name, content in sorted(list_entries(build_folder, template, version)):
            entry = zipfile.ZipInfo(f"{name}/{entry_name}", _EARLIEST_TIME)
            entry.external_attr = _FILE_MODE << 16
            package.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write_package(BUILD_FOLDER, DIST_FOLDER).relative_to(ROOT))
