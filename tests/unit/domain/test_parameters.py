"""Test the default values of policy keys."""

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
        ("remediation.max_creations", 5),
        ("remediation.create_schedules", "never"),
    ],
)
def test_a_default_has_the_format_of_the_policy_file(key: str, expected: object) -> None:
    """A number of days is a number, and a duration has its unit."""
    assert find_default(key) == expected


@pytest.mark.parametrize("key", ["schedule.color", "color.red", "schedule", "project.color"])
def test_an_unknown_key_is_an_error(key: str) -> None:
    """An unknown key raises an error, so no control can name one."""
    with pytest.raises(KeyError, match=key):
        find_default(key)
