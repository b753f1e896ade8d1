"""The keys of restore drills are read as stated, and values without a meaning are refused."""

from datetime import timedelta

import pytest

from backup_auditor.domain.policy import Mode, PointChoice, RestoreDrillPolicy
from support.builders.policies import find_problem, parse_policy


def test_every_key_of_restore_drills_is_read() -> None:
    """The domain has each stated value in its own unit."""
    policy = parse_policy(
        "restore_drills: {mode: apply, max_per_run: 3, max_size_gib: 1.5, max_duration: 90m, sample_records: 7,"
        " choose: random, index_prefix: try-1, price_per_gib: 0.15}\n"
        "defaults: {recovery: {restore_drill_within: 90d, max_restore_time: 1h}}\n"
    )
    assert policy.restore_drills == RestoreDrillPolicy(
        mode=Mode.APPLY,
        max_per_run=3,
        max_size_gib=1.5,
        max_duration=timedelta(minutes=90),
        sample_records=7,
        choose=PointChoice.RANDOM,
        index_prefix="try-1",
        price_per_gib=0.15,
    )
    recovery = policy.defaults.recovery
    assert (recovery.restore_drill_within, recovery.max_restore_time) == (timedelta(days=90), timedelta(hours=1))


@pytest.mark.parametrize("prefix", ["d", "drill-2", "x" * 20])
def test_a_prefix_of_a_name_is_valid(prefix: str) -> None:
    """A prefix has up to 20 of the characters that names of indexes have."""
    assert parse_policy(f"restore_drills: {{index_prefix: {prefix}}}\n").restore_drills.index_prefix == prefix


@pytest.mark.parametrize(
    "prefix", ["''", "Drill", "-drill", "drill-", "drill_1", "drill.1", "'drill\n'", "x" * 21, "é"]
)
def test_a_prefix_that_no_name_can_begin_with_is_refused(prefix: str) -> None:
    """The error says which characters and how many a prefix may have."""
    assert find_problem(f"restore_drills: {{index_prefix: {prefix}}}\n").endswith(
        "write 1 to 20 characters of a-z, 0-9 and -, without - at either end"
    )


@pytest.mark.parametrize(
    "setting, expected",
    [
        pytest.param("max_duration: 0m", "a duration above zero, such as 26h", id="no-duration"),
        pytest.param(
            "max_duration: 30s", "a duration such as 90m, 26h or 7d, of at most 36500d", id="less-than-a-minute"
        ),
        pytest.param("max_per_run: 0", "a number of at least 1", id="no-drill"),
        pytest.param("max_size_gib: 0", "a number above 0", id="no-size"),
        pytest.param("max_size_gib: null", "a number", id="unlimited-size"),
        pytest.param("sample_records: 0", "a number of at least 1", id="no-sample"),
        pytest.param("sample_records: 10001", "a number of at most 10000", id="too-large-a-sample"),
        pytest.param("price_per_gib: -1", "a number of at least 0", id="negative-price"),
        pytest.param("price_per_gib: '0.15'", "a number", id="price-as-text"),
        pytest.param("choose: middle", "newest, oldest or random", id="unknown-choice"),
        pytest.param("mode: on", "never, propose or apply", id="unknown-mode"),
    ],
)
def test_a_value_without_a_meaning_is_refused(setting: str, expected: str) -> None:
    """The error says what to write."""
    assert find_problem(f"restore_drills: {{{setting}}}\n").endswith(f"write {expected}")


@pytest.mark.parametrize("key", ["restore_drill_within", "max_restore_time"])
def test_a_requirement_of_drills_is_above_zero(key: str) -> None:
    """No drill could meet a limit of zero."""
    assert find_problem(f"defaults: {{recovery: {{{key}: 0d}}}}\n").endswith("write a duration above zero, such as 26h")
