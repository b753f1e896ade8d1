"""Which parts of a message in many parts were accepted, as a note that stays short."""

import re
from collections.abc import Iterable, Iterator

_NOTE = re.compile(r"(\d{1,9}):((?:\d{1,9}-\d{1,9})(?:,\d{1,9}-\d{1,9})*)", re.ASCII)


def write_parts(count: int, accepted: Iterable[int]) -> str:
    """Write which of so many parts were accepted: `5001:0-9,12-12`."""
    return f"{count}:{','.join(f'{first}-{last}' for first, last in _ranges(sorted(accepted)))}"


def read_parts(count: int, note: str) -> frozenset[int]:
    """Return which of so many parts were accepted; none where the note is none, or of another number of parts."""
    match = _NOTE.fullmatch(note)
    if match is None or int(match[1]) != count:
        return frozenset()
    ranges = (it.split("-") for it in match[2].split(","))
    return frozenset(number for first, last in ranges for number in range(int(first), min(int(last), count - 1) + 1))


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for number in numbers:
        if first >= 0 and number == last + 1:
            last = number
            continue
        if first >= 0:
            yield first, last
        first = last = number
    if first >= 0:
        yield first, last
