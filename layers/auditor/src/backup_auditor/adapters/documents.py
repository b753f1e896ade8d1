"""Documents that a person wrote: read them within a size limit, and describe their problems with their lines.

A command line names a regular file, a pipe or standard input.
"""

import os
import re
import select
import stat
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backup_auditor.domain.text import cut_text, escape_control_characters

MAX_DOCUMENT_BYTES = 1024 * 1024
"""The size limit of policies, registries and other documents."""
_MAX_EXCERPT_LENGTH = 61


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a document."""

    text: str
    """The problem and what to do, on one line."""
    line: int | None = None
    """The line, counted from 1; `None` for the document as a whole."""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document, as messages name it."""

    name: str
    start_hint: str
    """How to get one to start from."""


class DocumentProblemError(Exception):
    """A document that cannot be read. Each loader translates it into its own error."""

    def __init__(self, text: str, line: int | None = None) -> None:
        """Take the problem and its line."""
        super().__init__(text)
        self.problem = Problem(text, line)


def format_problems(source: str, problems: Iterable[Problem]) -> Iterator[str]:
    """Yield each problem of a document in one line that begins with the source and the line number."""
    return (f"{source}:{it.line}: {it.text}" if it.line else f"{source}: {it.text}" for it in problems)


def quote_excerpt(text: str) -> str:
    """Return a text of the document in quotes, cut to 61 characters."""
    return f'"{escape_control_characters(cut_text(text, _MAX_EXCERPT_LENGTH))}"'


def describe_value(value: object) -> str:
    """Return how a message names a value of the document."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quote_excerpt(value)
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return cut_text(f"{value}", _MAX_EXCERPT_LENGTH)


def suggest_key(key: str, known_keys: Collection[str]) -> str:
    """Return a hint for an unknown key: the nearest known key, else all known keys."""
    from difflib import get_close_matches  # noqa: PLC0415  a valid document does not need it

    matches = get_close_matches(key, known_keys, n=1, cutoff=0.5)
    return f"did you mean {quote_excerpt(matches[0])}?" if matches else f"known there: {', '.join(known_keys)}"


STANDARD_INPUT = "-"
WRITER_WAIT_SECONDS = 5
"""How long to wait for a writer of a named pipe."""
_CHUNK_BYTES = 1 << 16
_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF_16_START = re.compile(rb"\x00[\x20-\x7e]|[\x20-\x7e]\x00")

type InputSource = str | Path
"""The text `-` is standard input; a `Path` is a file, even if it is named `-`."""


def parse_source(text: str) -> InputSource:
    """Return the source that a command-line argument names."""
    return text if text == STANDARD_INPUT else Path(text)


def read_bytes(source: InputSource, kind: DocumentKind, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return all bytes of a source. Raises `DocumentProblemError`, also above the size limit."""
    try:
        is_file = source != STANDARD_INPUT
        content = _read_file(Path(source), kind, max_bytes) if is_file else _read_standard_input(max_bytes)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise DocumentProblemError(f"{reason}; check the path and its permissions") from None
    if len(content) > max_bytes:  # the file grew, or it has no size in advance
        raise _build_size_error(f"more than {max_bytes:,}", kind, max_bytes)
    return content


def strip_byte_order_mark(content: bytes) -> bytes:
    """Return UTF-8 text without its byte order mark. Raises `DocumentProblemError` for UTF-16."""
    if content.startswith(_UTF_16_MARKS) or _UTF_16_START.match(content):
        raise DocumentProblemError("is UTF-16 text, not UTF-8; save it as UTF-8", 1)
    return content.removeprefix(_UTF_8_MARK)


def _read_standard_input(max_bytes: int) -> bytes:
    if sys.stdin is None:
        raise DocumentProblemError("standard input is closed; open it, or name a file")
    with suppress(OSError, ValueError):  # a stream without a descriptor always blocks
        os.set_blocking(sys.stdin.fileno(), True)
    return sys.stdin.buffer.read(max_bytes + 1)


def _read_file(path: Path, kind: DocumentKind, max_bytes: int) -> bytes:
    try:
        # Opening a named pipe without a writer would block forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise DocumentProblemError(f"there is no such file; {kind.start_hint}") from None
    except ValueError:
        raise DocumentProblemError("is not a valid path; remove the NUL characters") from None
    try:
        file_status = os.fstat(descriptor)
        if stat.S_ISDIR(file_status.st_mode):
            raise DocumentProblemError(f"is a directory; name the {kind.name} file in it")
        if stat.S_ISFIFO(file_status.st_mode):
            return _read_pipe(descriptor, max_bytes)
        if not stat.S_ISREG(file_status.st_mode):
            raise DocumentProblemError(f"is not a regular file or a pipe; save the {kind.name} to a file")
        if file_status.st_size > max_bytes:
            raise _build_size_error(f"{file_status.st_size:,}", kind, max_bytes)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(max_bytes + 1)
    finally:
        os.close(descriptor)


def _read_pipe(descriptor: int, max_bytes: int) -> bytes:
    """Return what is written to a pipe until the last writer closes it, or until it exceeds the size limit."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    content = bytearray()
    for _ in range(WRITER_WAIT_SECONDS):
        events = poller.poll(1000)
        try:
            content += os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:  # a writer has opened the pipe and writes later
            break
        if events or content:
            break
    else:
        reason = f"no program wrote to it within {WRITER_WAIT_SECONDS} s"
        raise DocumentProblemError(f"is a pipe, and {reason}; start its writer first")
    os.set_blocking(descriptor, True)
    while len(content) <= max_bytes and (chunk := os.read(descriptor, _CHUNK_BYTES)):
        content += chunk
    return bytes(content)


def _build_size_error(size: str, kind: DocumentKind, max_bytes: int) -> DocumentProblemError:
    return DocumentProblemError(
        f"has {size} bytes (limit for a {kind.name}: {max_bytes:,}); check that it is the right file"
    )
