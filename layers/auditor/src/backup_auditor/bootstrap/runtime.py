"""Read the clock. No other module does."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time in whole seconds, the precision of an audit."""
    return datetime.now(UTC).replace(microsecond=0)
