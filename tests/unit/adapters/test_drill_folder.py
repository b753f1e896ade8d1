"""Test the folder with the documents of restore drills."""

import hashlib
from pathlib import Path

import pytest

from backup_auditor.adapters.files import DrillFolder
from backup_auditor.errors import EvidenceError
from support.builders.drills import DRILL_ID, build_drill


def test_a_document_is_a_private_file_with_its_hash(tmp_path: Path) -> None:
    """The folder is created with the first document, and both are private."""
    folder = tmp_path / "state" / "default-drills"
    stored_file = DrillFolder(folder).store_drill(build_drill(revision=7), b"document")
    path = folder / f"{DRILL_ID}-7.json"
    assert (stored_file.location, stored_file.sha256) == (str(path), hashlib.sha256(b"document").hexdigest())
    assert path.read_bytes() == b"document"
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert list(folder.iterdir()) == [path]


def test_the_same_document_is_stored_once(tmp_path: Path) -> None:
    """A repeated run confirms the stored file and does not write it again."""
    folder = DrillFolder(tmp_path)
    stored_file = folder.store_drill(build_drill(), b"document")
    written_at = Path(stored_file.location).stat().st_mtime_ns
    assert folder.store_drill(build_drill(), b"document") == stored_file
    assert Path(stored_file.location).stat().st_mtime_ns == written_at


def test_another_document_is_never_overwritten(tmp_path: Path) -> None:
    """The error names the file and what to do, and the file stays."""
    folder = DrillFolder(tmp_path)
    stored_file = folder.store_drill(build_drill(), b"document")
    with pytest.raises(EvidenceError, match="has another document than the drill; move it away"):
        folder.store_drill(build_drill(), b"other")
    assert Path(stored_file.location).read_bytes() == b"document"


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    """A file in the place of the folder is an error of the evidence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match=r"file.*check"):
        DrillFolder(tmp_path / "file" / "drills").store_drill(build_drill(), b"document")
