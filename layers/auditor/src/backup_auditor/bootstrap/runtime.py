"""The clock, which is read here and nowhere else."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, to the second: an audit is no more exact than that."""
    return datetime.now(UTC).replace(microsecond=0)
