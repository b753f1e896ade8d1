"""Text as the bytes of a file: in pieces large enough to be worth a write, with the end of its last line."""

from collections.abc import Iterable, Iterator

_BATCH = 1 << 16


def encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    """Encode a text that comes in pieces. The same text gives the same bytes, whatever its pieces."""
    batch: list[str] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece)
        if size >= _BATCH:
            yield "".join(batch).encode(errors="backslashreplace")
            batch, size = [], 0
    yield ("".join(batch) + "\n").encode(errors="backslashreplace")
