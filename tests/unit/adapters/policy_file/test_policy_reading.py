"""Any path of a policy is read or refused at once, with one line."""

import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backup_auditor.adapters import documents
from backup_auditor.adapters.documents import MAX_DOCUMENT_BYTES, parse_source
from backup_auditor.adapters.policy_file.loader import load_policy
from backup_auditor.errors import PolicyError
from support.builders.policies import find_problem


def find_refusal(path: Path) -> str:
    """Return the error of a path that is refused."""
    with pytest.raises(PolicyError) as error_info:
        load_policy(path)
    (problem,) = error_info.value.problems
    assert str(error_info.value) == problem
    return problem


def test_the_error_of_a_missing_file_says_how_to_start(tmp_path: Path) -> None:
    """The error of a missing file names the command that prints a policy."""
    path = tmp_path / "policy.yaml"
    assert (
        find_refusal(path)
        == f'{path}: there is no such file; "backup-auditor policy init" prints one as a starting point'
    )


def test_a_directory_is_refused(tmp_path: Path) -> None:
    """A directory is not a policy."""
    assert find_refusal(tmp_path) == f"{tmp_path}: is a directory; name the policy file in it"


def test_a_pipe_without_a_writer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named pipe without a writer is refused after a time limit."""
    monkeypatch.setattr(documents, "WRITER_WAIT_SECONDS", 1)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    expected_problem = "is a pipe, and no program wrote to it within 1 s; start its writer first"
    assert find_refusal(path) == f"{path}: {expected_problem}"


def test_a_pipe_is_read_once_to_its_end(tmp_path: Path) -> None:
    """A policy may arrive in any number of pieces."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as threads:
        writer_future = threads.submit(_write_pipe, path, b"\xef\xbb\xbfrules:\n", b"- name: a\n", b"#" * 200_000)
        assert load_policy(path).rules[0].name == "a"
        writer_future.result()


def _write_pipe(path: Path, *pieces: bytes) -> None:
    with path.open("wb", buffering=0) as pipe:
        for piece in pieces:
            pipe.write(piece)


def test_a_descriptor_of_a_pipe_is_read() -> None:
    """A shell's process substitution is the path of a descriptor."""
    read_descriptor, write_descriptor = os.pipe()
    try:
        os.write(write_descriptor, b"rules: [{name: substituted}]")
        os.close(write_descriptor)
        assert load_policy(Path(f"/dev/fd/{read_descriptor}")).rules[0].name == "substituted"
    finally:
        os.close(read_descriptor)


@pytest.mark.parametrize(
    "length",
    [pytest.param(MAX_DOCUMENT_BYTES, id="at-limit"), pytest.param(MAX_DOCUMENT_BYTES + 1, id="one-byte-past")],
)
def test_a_pipe_is_read_up_to_the_size_limit(length: int, tmp_path: Path) -> None:
    """A policy in a pipe that exceeds the size limit is refused without waiting for its end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as threads:
        writer_future = threads.submit(_write_pipe, path, b"version: 1 #".ljust(length, b"x"))
        if length > MAX_DOCUMENT_BYTES:
            assert (
                f"has more than {MAX_DOCUMENT_BYTES:,} bytes (limit for a policy: {MAX_DOCUMENT_BYTES:,})"
                in find_refusal(path)
            )
        else:
            assert load_policy(path).rules == ()
        writer_future.result()


def test_an_empty_pipe_is_an_empty_file(tmp_path: Path) -> None:
    """A writer that closes the pipe without writing gives an empty policy."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as threads:
        writer_future = threads.submit(_write_pipe, path)
        assert "is empty, and an empty file is not a policy" in find_refusal(path)
        writer_future.result()


def test_standard_input_is_named_as_a_hyphen(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is the source of the policy and the prefix of its problems."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfrules: [{name: a}]")))
    assert (policy := load_policy("-")).source == "-"
    assert policy.rules[0].name == "a"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"version: 1\nrule: []")))
    with pytest.raises(PolicyError, match=r'^-:2: unknown key "rule"'):
        load_policy("-")


def test_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without standard input raises a one-line error."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(PolicyError, match=r"^-: standard input is closed; open it, or name a file$"):
        load_policy("-")


def test_a_file_named_as_a_hyphen_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `Path` named `-` is a file, as `./-` is on a command line."""
    (tmp_path / "-").write_text("rules: [{name: from-a-file}]", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_policy(parse_source("./-")).rules[0].name == "from-a-file"
    assert parse_source("-") == "-"


def test_an_endless_device_is_refused() -> None:
    """A device is refused without reading it."""
    assert "is not a regular file" in find_refusal(Path("/dev/zero"))


def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    """A path with a NUL character is refused and shown with an escape."""
    assert find_refusal(tmp_path / "a\0b") == f"{tmp_path}/a\\x00b: is not a valid path; remove the NUL characters"


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is refused with the system's reason."""

    def raise_permission_error(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", raise_permission_error)
    assert (
        find_refusal(tmp_path / "p")
        == f"{tmp_path}/p: cannot be read: Permission denied; check the path and its permissions"
    )


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    """A path below a regular file is refused."""
    (tmp_path / "file").touch()
    assert "cannot be read: Not a directory" in find_refusal(tmp_path / "file" / "policy.yaml")


def test_fifty_megabytes_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large is refused by its size, without reading it."""
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    monkeypatch.setattr(os, "fdopen", lambda *_, **__: pytest.fail("it was read"))
    assert (
        find_refusal(path)
        == f"{path}: has 50,000,000 bytes (limit for a policy: {MAX_DOCUMENT_BYTES:,}); check that it is the right file"
    )


@pytest.mark.parametrize(
    "size, is_read",
    [
        pytest.param(MAX_DOCUMENT_BYTES, True, id="at-limit"),
        pytest.param(MAX_DOCUMENT_BYTES + 1, False, id="one-byte-past"),
    ],
)
def test_the_largest_file_is_read(tmp_path: Path, size: int, is_read: bool) -> None:
    """A file at the size limit is read; a file with one more byte is refused."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"version: 1 #".ljust(size, b"x"))
    if is_read:
        assert load_policy(path).rules == ()
    else:
        assert "check that it is the right file" in find_refusal(path)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that exceeds the size limit while it is read is refused."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"#" * (MAX_DOCUMENT_BYTES + 10))
    small_stat = Path(__file__).stat()
    monkeypatch.setattr(os, "fstat", lambda _: small_stat)
    assert f"has more than {MAX_DOCUMENT_BYTES:,} bytes" in find_refusal(path)


def test_bytes_that_are_not_utf_8_name_their_line() -> None:
    """A file in another encoding is refused with the line of the first invalid byte."""
    assert find_problem(b"version: 1\n# caf\xe9\n") == "2: is not UTF-8 text; save it as UTF-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_by_its_name(encoding: str) -> None:
    """UTF-16 is recognized with and without a byte order mark, because some editors and shells write it."""
    problem = find_problem("version: 1\n".encode(encoding))
    assert problem == "1: is UTF-16 text, not UTF-8; save it as UTF-8"


@pytest.mark.parametrize("content", ["version: 1".encode("utf-16"), bytes(range(256)), b"\x7fELF\x02\x01\x01\x00"])
def test_binary_files_are_refused(content: bytes) -> None:
    """A file that is not text is refused."""
    assert find_problem(content).endswith(("; save it as UTF-8", "; remove it"))


@pytest.mark.parametrize("control_character", ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff"])
def test_a_control_character_names_its_line(control_character: str) -> None:
    """A control character is refused with its number and line."""
    expected_problem = f"2: has the control character U+{ord(control_character):04X}; remove it"
    assert find_problem(f"version: 1\n# a{control_character}b\n") == expected_problem


def test_a_byte_order_mark_and_any_script_are_text(tmp_path: Path) -> None:
    """A byte order mark is skipped, and text in any script is accepted."""
    path = tmp_path / "policy.yaml"
    path.write_text("\ufeffrules: [{name: 本番 🚀}]\r\n", encoding="utf-8")
    assert load_policy(path).rules[0].name == "本番 🚀"


def test_a_policy_has_its_source_and_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is the path as it was given, and the digest is that of the file's bytes."""
    content = b"\xef\xbb\xbfversion: 1\r\n"
    (tmp_path / "policy.yaml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    policy = load_policy(Path("policy.yaml"))
    assert (policy.source, policy.sha256) == ("policy.yaml", hashlib.sha256(content).hexdigest())


def test_a_path_cannot_break_the_line(tmp_path: Path) -> None:
    """A path with a line break is shown with an escape."""
    assert find_refusal(tmp_path / "a\nb").startswith(f"{tmp_path}/a\\nb: ")
