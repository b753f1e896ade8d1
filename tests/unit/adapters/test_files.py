"""Files are written completely or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile
from backup_auditor.errors import UsageError


def test_the_new_text_replaces_the_old(tmp_path: Path) -> None:
    """After a write the folder has the file with the new text and no other file."""
    path = tmp_path / "report"
    path.write_text("old")
    with AtomicFile(path) as file:
        file.write_all([b"new ", b"text"])
    assert path.read_text() == "new text"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_text_stays_until_the_new_text_is_complete(tmp_path: Path) -> None:
    """A write that fails leaves the old file unchanged and no temporary file."""
    path = tmp_path / "report"
    path.write_text("old")

    def make_pieces() -> Iterator[bytes]:
        yield b"half"
        assert path.read_text() == "old"
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError), AtomicFile(path) as file:
        file.write_all(make_pieces())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_when_nothing_was_written(tmp_path: Path) -> None:
    """An abandoned write leaves no file."""
    with AtomicFile(tmp_path / "report"):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, reason",
    [
        pytest.param("missing/report", "No such file or directory", id="no-folder"),
        pytest.param(".", "Is a folder", id="folder"),
        pytest.param("file/report", "Not a directory", id="file-for-a-folder"),
        pytest.param("x" * 300, "File name too long", id="name-too-long"),
    ],
)
def test_an_unwritable_path_is_reported_at_once(name: str, reason: str, tmp_path: Path) -> None:
    """A path that cannot be written raises a one-line error before there is any content."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=f"cannot be written: {reason}; choose another file"):
        AtomicFile(tmp_path / name)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Writing through a link replaces its target."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with AtomicFile(link) as file:
        file.write_all([b"new"])
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_is_written_directly(tmp_path: Path) -> None:
    """A file that is not a regular file is not replaced."""
    with AtomicFile(Path(os.devnull)) as file:
        file.write_all([b"gone"])
    assert not Path(os.devnull).is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported() -> None:
    """A full device raises a one-line error."""
    with AtomicFile(Path("/dev/full")) as file, pytest.raises(UsageError, match="No space left on device"):
        file.write_all([b"text"])


def test_a_file_has_the_given_mode(tmp_path: Path) -> None:
    """A private file is readable only by its owner, even if it replaces a public one."""
    path = tmp_path / "inventory"
    path.write_text("old")
    path.chmod(0o644)
    with AtomicFile(path, PRIVATE_MODE) as file:
        file.write_all([b"new"])
    assert path.stat().st_mode & 0o777 == PRIVATE_MODE
