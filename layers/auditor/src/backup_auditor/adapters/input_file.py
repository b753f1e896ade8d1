"""Reads what a command line names as a file: a regular file, a pipe, or standard input, once and within a limit."""

import os
import re
import select
import stat
import sys
from contextlib import suppress
from pathlib import Path

from backup_auditor.adapters.document_problems import MAX_DOCUMENT_BYTES, DocumentKind, DocumentProblemError

STANDARD_INPUT = "-"
WRITER_WAIT_SECONDS = 5
"""How long a named pipe may be without anybody who writes to it."""
_CHUNK_BYTES = 1 << 16
_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF_16_START = re.compile(rb"\x00[\x20-\x7e]|[\x20-\x7e]\x00")

type InputSource = str | Path
"""Text `-` stands for standard input; a path, even one that is called so, for what stands there."""


def parse_source(text: str) -> InputSource:
    """Return what a command line means by the name of a file."""
    return text if text == STANDARD_INPUT else Path(text)


def read_bytes(source: InputSource, kind: DocumentKind, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return all bytes of a source, at most so many; a larger file is not read at all. Raises `RefusedError`."""
    try:
        content = (
            _read_standard_input(max_bytes) if source == STANDARD_INPUT else _read_file(Path(source), kind, max_bytes)
        )
    except OSError as error:
        raise _build_read_error(error) from None
    if len(content) > max_bytes:  # it grew, or nothing tells its size beforehand
        raise _build_size_error(f"more than {max_bytes:,}", kind, max_bytes)
    return content


def strip_byte_order_mark(content: bytes) -> bytes:
    """Return UTF-8 text without the mark that may stand in front of it. Raises `RefusedError` for UTF-16."""
    if content.startswith(_UTF_16_MARKS) or _UTF_16_START.match(content):
        raise DocumentProblemError("is UTF-16 and is not UTF-8 text; save it as UTF-8", 1)
    return content.removeprefix(_UTF_8_MARK)


def _read_standard_input(max_bytes: int) -> bytes:
    if sys.stdin is None:
        raise DocumentProblemError("standard input is closed; write to it, or name a file")
    with suppress(OSError, ValueError):  # a stream without a descriptor never says that it would have to wait
        os.set_blocking(sys.stdin.fileno(), True)
    return sys.stdin.buffer.read(max_bytes + 1)


def _read_file(path: Path, kind: DocumentKind, max_bytes: int) -> bytes:
    try:
        # A named pipe without a writer would hold the opening up for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise DocumentProblemError(f"there is no such file; {kind.start_hint}") from None
    except ValueError:
        raise DocumentProblemError("is no path of a file; give one without NUL characters") from None
    try:
        file_status = os.fstat(descriptor)
        if stat.S_ISDIR(file_status.st_mode):
            raise DocumentProblemError(f"is a directory; name the {kind.name} file in it")
        if stat.S_ISFIFO(file_status.st_mode):
            return _read_pipe(descriptor, max_bytes)
        if not stat.S_ISREG(file_status.st_mode):
            raise DocumentProblemError(f"is not a regular file, nor a pipe; save the {kind.name} to a file")
        if file_status.st_size > max_bytes:
            raise _build_size_error(f"{file_status.st_size:,}", kind, max_bytes)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(max_bytes + 1)
    finally:
        os.close(descriptor)


def _read_pipe(descriptor: int, max_bytes: int) -> bytes:
    """Return what is written to a pipe until the last writer closes it, or one byte more than the most."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    content = bytearray()
    for _ in range(WRITER_WAIT_SECONDS):
        events = poller.poll(1000)
        try:
            content += os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:  # somebody has it open, and writes later
            break
        if events or content:
            break
    else:
        timeout_text = f"nobody wrote to it within {WRITER_WAIT_SECONDS} s"
        raise DocumentProblemError(f"is not a regular file but a pipe, and {timeout_text}; start its writer first")
    os.set_blocking(descriptor, True)
    while len(content) <= max_bytes and (chunk := os.read(descriptor, _CHUNK_BYTES)):
        content += chunk
    return bytes(content)


def _build_read_error(error: OSError) -> DocumentProblemError:
    return DocumentProblemError(f"cannot be read: {error.strerror or error}; check the path and its permissions")


def _build_size_error(size: str, kind: DocumentKind, max_bytes: int) -> DocumentProblemError:
    return DocumentProblemError(f"has {size} bytes, and a {kind.name} has at most {max_bytes:,}; is it the right file?")
