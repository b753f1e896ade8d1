"""Read the clock, which no other module does, and the code that runs."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_LEFT_OUT = frozenset({"cli", "__main__.py", "__pycache__"})
"""The parts that the layer does not have, or that Python writes."""


def now() -> datetime:
    """Return the present time in whole seconds, the precision of an audit."""
    return datetime.now(UTC).replace(microsecond=0)


def compute_code_hash() -> str:
    """Return the beginning of a SHA-256 of all files of the package, without the command line.

    That of a function on AWS and that of the command can be compared.
    """
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        parts = path.relative_to(_PACKAGE).parts
        if path.is_file() and not _LEFT_OUT & set(parts):
            digest.update("/".join(parts).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
