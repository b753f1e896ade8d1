"""Which of many rows a person is shown."""

SHOWN = 5
"""How many of more than that, and one, are shown before the rest is folded."""
IN_FULL = "backup-auditor audit --format json"
"""What shows all, where nothing else is said."""


def fold[Row](rows: tuple[Row, ...] | list[Row]) -> tuple[tuple[Row, ...] | list[Row], int]:
    """Return the rows to be shown, and how many are not; a single one is never folded away."""
    if len(rows) <= SHOWN + 1:
        return rows, 0
    return rows[:SHOWN], len(rows) - SHOWN
