"""Test audits of projects with random schedule changes against an independent model of the contract."""

import pytest

from support.settings_scenarios import SettingsScenario


@pytest.mark.parametrize("seed", range(12))
def test_a_sample_of_random_changes_has_only_correct_findings(seed: int) -> None:
    """The findings of 60 nights with changes, missed audits and read errors match the model."""
    SettingsScenario(seed).run_nights()


@pytest.mark.soak
def test_many_random_changes_have_only_correct_findings(request: pytest.FixtureRequest) -> None:
    """The findings of 500 seeds match the model, with every kind of change and every failing control."""
    first_seed = 1000 * int(request.config.getoption("--hypothesis-seed") or 1)
    figures = SettingsScenario(first_seed).counts
    for seed in range(first_seed, first_seed + 500):
        scenario = SettingsScenario(seed)
        scenario.run_nights()
        figures += scenario.counts
    for change_name in (
        "frequency",
        "retention",
        "pause",
        "resume",
        "rename",
        "several",
        "delete and create",
        "not audited",
    ):
        assert figures[change_name] > 0, change_name
    for control in ("scheduled-runs-are-continuous", "backups-expire-on-time", "backup-did-not-vanish"):
        assert figures[f"{control} True"] > 0, control
