"""Lives in which schedules are changed at random are judged as the contract says, by a model that shares no code."""

import pytest

from support.settings_scenarios import SettingsScenario


@pytest.mark.parametrize("seed", range(12))
def test_a_life_of_changes_holds_no_false_finding_and_misses_none(seed: int) -> None:
    """A few lives of sixty nights are audited each time, with nights missed, and audits that do not read everything."""
    SettingsScenario(seed).run_nights()


@pytest.mark.soak
def test_many_lives_of_changes_hold_no_false_finding_and_miss_none(request: pytest.FixtureRequest) -> None:
    """Five hundred lives see each kind of change, and each control fail."""
    first_seed = 1000 * int(request.config.getoption("--hypothesis-seed") or 1)
    figures = SettingsScenario(first_seed).counts
    for seed in range(first_seed, first_seed + 500):
        life = SettingsScenario(seed)
        life.run_nights()
        figures += life.counts
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
