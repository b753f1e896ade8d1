"""Lines of text within a width."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

_GAP = 2


def hanging(text: str, width: int, indent: str) -> list[str]:
    """Break a text into lines; those after the first begin with the indent. Long words, such as paths, stay whole."""
    first = text[: len(text) - len(text.lstrip())]
    return wrap(
        text.lstrip(),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def columns(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> Iterator[str]:
    """Lay rows out as a column of labels and one of text; a label that is too wide has its text on the next line."""
    widest = max((len(label) for label, _ in rows), default=0)
    column = min(widest, max(12, width // 3))
    hang = " " * (len(indent) + column + _GAP)
    for label, text in rows:
        if len(label) > column:
            yield from hanging(indent + label, width, indent * 2)
            yield from hanging(hang + text, width, hang)
        else:
            yield from hanging(f"{indent}{label:{column}}{' ' * _GAP}{text}", width, hang)
