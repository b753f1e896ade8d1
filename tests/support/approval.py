"""The comparison of output with approved files: `golden/` next to the tests has one for each format.

After an intended change of a format, run `pytest tests/unit/rendering --approve` to update its file, and review the
difference.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from backup_auditor.rendering.text import encode_pieces

GOLDEN_FOLDER = Path(__file__).parents[1] / "unit" / "rendering" / "golden"

type Approve = Callable[[str, Iterable[str]], None]


def make_approve(config: pytest.Config) -> Approve:
    """Return a function that compares pieces of text with a golden file, or updates the file with `--approve`."""

    def approve(name: str, pieces: Iterable[str]) -> None:
        content = b"".join(encode_pieces(pieces))
        path = GOLDEN_FOLDER / name
        if config.getoption("--approve"):
            path.write_bytes(content)
        assert path.read_bytes() == content, f"{name} differs from its golden file; see {__file__}"

    return approve
