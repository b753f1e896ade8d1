"""The policy's keys, as controls name them."""

import pytest

from backup_auditor.domain.policy import find_default


@pytest.mark.parametrize(
    "key,expected",
    [
        ("schedule.retention_days.max", 400),
        ("recovery.max_age", None),
        ("runs.grace", "6h"),
        ("recovery.horizon", "7d"),
        ("schedule.frequency", "daily"),
        ("protection.locations", []),
        ("orphaned_backups.max_age_days", 30),
        ("project.plan", "standard"),
    ],
)
def test_a_default_is_shown_as_the_policy_file_writes_it(key: str, expected: object) -> None:
    """Days as numbers, lengths with their unit."""
    assert find_default(key) == expected


@pytest.mark.parametrize("key", ["schedule.colour", "colour.red", "schedule", "project.colour"])
def test_a_key_that_is_none_is_an_error(key: str) -> None:
    """A control that named one would show nothing."""
    with pytest.raises(KeyError, match=key):
        find_default(key)
