"""Holds what is written against files that were approved: `golden/` beside the tests has one for each form.

To change a format on purpose, write its file again by `pytest tests/unit/rendering --approve`, and read what
changed.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from backup_auditor.rendering.text import encode_pieces

GOLDEN_FOLDER = Path(__file__).parents[1] / "unit" / "rendering" / "golden"

type Approve = Callable[[str, Iterable[str]], None]


def make_approve(config: pytest.Config) -> Approve:
    """Return what compares pieces of text with a golden file, or writes it with `--approve`."""

    def approve(name: str, pieces: Iterable[str]) -> None:
        content = b"".join(encode_pieces(pieces))
        path = GOLDEN_FOLDER / name
        if config.getoption("--approve"):
            path.write_bytes(content)
        assert path.read_bytes() == content, f"{name} was never like that: see {__file__}"

    return approve
