"""Read a state into memory if SQLite cannot write beside it: in a read-only folder.

There SQLite opens a state in WAL mode only if its side files exist, or if the caller promises that no process writes
to it. The format is that of https://www.sqlite.org/fileformat2.html, sections 1.3 and 4.
"""

import os
import sqlite3
import struct
from itertools import batched
from pathlib import Path

from backup_auditor.errors import StateError

_MAX_ATTEMPTS = 5
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = 0x377F0682
"""The last bit is the byte order of checksums: set for big-endian."""
_WAL_VERSION = 3007000
_VERSIONS = slice(18, 20)
"""The header bytes with the write and read version of the file: 1 for a rollback journal, 2 for WAL."""
_PAGE_COUNT = slice(28, 32)


def load_snapshot(path: Path, file: Path) -> sqlite3.Connection:
    """Return a connection to a copy in memory. Raises `StateError` if the file is in the middle of a change."""
    journal = Path(f"{file}-journal")
    if os.path.lexists(journal) and journal.stat().st_size:
        raise StateError(
            f"{path}: a write was interrupted, and {journal.name} must undo it; copy both files to a writable folder"
        )
    image, log = _read_unchanged(path, file)
    if len(image) > _VERSIONS.stop and image[_VERSIONS] != b"\1\1":
        image = apply_committed_pages(image, log)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    if image:
        connection.deserialize(image)
    return connection


def _read_unchanged(path: Path, file: Path) -> tuple[bytes, bytes]:
    """Return a consistent pair of the file and its log, although another host may write to them."""
    log = Path(f"{file}-wal")
    for _ in range(_MAX_ATTEMPTS):
        stamps = _read_stamp(file), _read_stamp(log)
        try:
            # before the file: a checkpoint moves pages from the log into the file
            content = log.read_bytes() if stamps[1] else b""
        except FileNotFoundError:
            continue
        image = file.read_bytes()
        if stamps == (_read_stamp(file), _read_stamp(log)):
            return image, content
    raise StateError(f"{path}: the state changed while it was read; try again")


def _read_stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def apply_committed_pages(image: bytes, log: bytes) -> bytes:
    """Return a database that includes the committed pages of its write-ahead log, as a file without a log."""
    pages, count = _read_committed_pages(log)
    size = int.from_bytes(image[16:18]) or 1
    size = 65536 if size == 1 else size
    database = bytearray(image)
    if pages:
        database = database[: count * size].ljust(count * size, b"\0")
        for number, page in pages.items():
            if number <= count:
                database[(number - 1) * size : number * size] = page
        database[_PAGE_COUNT] = count.to_bytes(4)
    database[_VERSIONS] = b"\1\1"
    return bytes(database)


def _read_committed_pages(log: bytes) -> tuple[dict[int, bytes], int]:
    """Return the latest content of each page by its number, and the number of pages, as of the last commit."""
    pages: dict[int, bytes] = {}
    count = 0
    if len(log) < _WAL_HEADER:
        return pages, count
    magic, version, size, _, *salts = struct.unpack(">6I", log[:24])
    byte_order = ">" if magic & 1 else "<"
    checksum = _update_checksum(log[:24], byte_order, (0, 0))
    if magic & ~1 != _WAL_MAGIC or version != _WAL_VERSION or checksum != struct.unpack(">2I", log[24:_WAL_HEADER]):
        return pages, count
    pending_pages: dict[int, bytes] = {}
    for start in range(_WAL_HEADER, len(log) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, commit_page_count, *frame_values = struct.unpack(">6I", log[start : start + _FRAME_HEADER])
        page = log[start + _FRAME_HEADER : start + _FRAME_HEADER + size]
        checksum = _update_checksum(page, byte_order, _update_checksum(log[start : start + 8], byte_order, checksum))
        if not number or frame_values != [*salts, *checksum]:
            break  # a frame of an earlier log, or an incomplete frame
        pending_pages[number] = page
        if commit_page_count:
            pages |= pending_pages
            count = commit_page_count
            pending_pages = {}
    return pages, count


def _update_checksum(content: bytes, byte_order: str, checksum: tuple[int, int]) -> tuple[int, int]:
    first_sum, second_sum = checksum
    for word, next_word in batched(struct.unpack(f"{byte_order}{len(content) // 4}I", content), 2, strict=True):
        first_sum = (first_sum + word + second_sum) & 0xFFFFFFFF
        second_sum = (second_sum + next_word + first_sum) & 0xFFFFFFFF
    return first_sum, second_sum
