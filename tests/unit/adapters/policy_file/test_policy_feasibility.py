"""`policy validate --indexes N` says whether that many indexes could meet a policy within the quota."""

from pathlib import Path

import pytest

from backup_auditor.cli.main import main

WEEKLY_DEFAULTS = "defaults: {schedule: {retention_days: {min: 7}}}"
PRODUCTION_RULE = "{name: production, match: {names: ['prod-*']}, require: {schedule: {retention_days: {min: 35}}}}"
CATCH_ALL_RULE = "{name: all, require: {schedule: {frequency: weekly, retention_days: {min: 14}}}}"
SCRATCH_RULE = "{name: scratch, match: {names: ['scratch-*']}, require: {schedule: {required: false}}}"


def validate_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, indexes: int | str
) -> tuple[int, str]:
    """Validate a policy for a number of indexes; return the exit code and the output about them."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    code = main(["policy", "validate", str(path), "--indexes", str(indexes)])
    output, errors = capsys.readouterr()
    assert bool(errors) is bool(code)
    return code, (errors or output).splitlines()[-1].removeprefix("backup-auditor: ").removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "text,indexes,code,expected_output",
    [
        pytest.param(
            WEEKLY_DEFAULTS,
            62,
            0,
            "62 indexes take 496 of the quota of 500 backups (defaults 8 each): within the quota",
            id="at-limit",
        ),
        pytest.param(
            WEEKLY_DEFAULTS,
            63,
            2,
            "63 indexes take at least 504 backups (defaults 8 each) and the quota is 500:"
            " daily backups kept 6d would fit, for each of the 63 scheduled indexes",
            id="one-past",
        ),
        pytest.param(
            WEEKLY_DEFAULTS,
            1,
            0,
            "1 index takes 8 of the quota of 500 backups (defaults 8 each): within the quota",
            id="one",
        ),
        pytest.param(
            f"{WEEKLY_DEFAULTS}\nrules: [{PRODUCTION_RULE}]",
            20,
            0,
            "20 indexes take 160 to 720 backups, depending on their rule (production 36 each, defaults 8 each):"
            " not every combination of rules fits the quota of 500",
            id="it-depends-on-the-rules",
        ),
        pytest.param(
            f"{WEEKLY_DEFAULTS}\nrules: [{PRODUCTION_RULE}]",
            10,
            0,
            "10 indexes take 80 to 360 of the quota of 500 backups (production 36 each, defaults 8 each):"
            " within the quota",
            id="whatever-the-rules",
        ),
        pytest.param(
            f"{WEEKLY_DEFAULTS}\nrules: [{CATCH_ALL_RULE}]",
            166,
            0,
            "166 indexes take 498 of the quota of 500 backups (all 3 each): within the quota",
            id="one-rule-for-all",
        ),
        pytest.param(
            f"{WEEKLY_DEFAULTS}\nrules: [{SCRATCH_RULE}]",
            63,
            0,
            "63 indexes take 0 to 504 backups, depending on their rule (scratch 0 each, defaults 8 each):"
            " not every combination of rules fits the quota of 500",
            id="some-need-none",
        ),
        pytest.param(
            "project: {plan: starter}",
            9,
            0,
            "9 indexes take at least 72 backups (defaults 8 each); the policy sets no quota",
            id="no-quota",
        ),
        pytest.param(
            "project: {backup_quota: 10}",
            11,
            2,
            "11 indexes take at least 88 backups (defaults 8 each) and the quota is 10:"
            " no schedule would fit for each index",
            id="nothing-would-fit",
        ),
    ],
)
def test_the_required_slots_of_indexes_are_shown(  # noqa: PLR0913  the facts of one case, and pytest's own
    *, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, indexes: int, code: int, expected_output: str
) -> None:
    """The slots are those at the shortest retention and slowest frequency; exit code 2 if they exceed the quota."""
    assert validate_policy(tmp_path, capsys, f"version: 1\n{text}\n", indexes) == (code, expected_output)


@pytest.mark.parametrize("indexes", ["0", "-1", "1.5", "many", "1000000", ""])
def test_a_number_of_indexes_is_a_whole_number(indexes: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A number of indexes below one, or anything else, exits 2 with one line."""
    with pytest.raises(SystemExit) as error_info:
        main(["policy", "validate", "policy.yaml", f"--indexes={indexes}"])
    assert error_info.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
