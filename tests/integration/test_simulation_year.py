"""Test that nightly audits of a simulated project report exactly what starts and ends in each night."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backup_auditor.controls.catalog import CATALOG
from simulation_year.audits import Size, simulate_year
from support.simulator import NEW_VERSION, OLD_VERSION, UNSTABLE_VERSION

SAMPLE_SIZE = Size(index_count=6, night_count=45, pause_range=(1, 6), max_incidents=30, quota=84)
YEAR_SIZE = Size(index_count=50, night_count=365, pause_range=(3, 20), max_incidents=30, quota=700)
UNREACHED_CONTROLS = {
    "backup-location-is-allowed",  # an index does not move
    "backups-expire-on-time",  # the simulated service deletes on time
    "plan-allows-schedules",  # the plan does not change
    "planned-run-started-on-time",  # newer versions list planned runs as in progress
    "policy-fits-quota",  # the policy does not change
    "project-is-expected",  # the key does not change
}


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param((NEW_VERSION, NEW_VERSION), id=NEW_VERSION),
        pytest.param((OLD_VERSION, UNSTABLE_VERSION), id=f"{OLD_VERSION}-{UNSTABLE_VERSION}"),
    ],
)
def test_some_weeks_have_only_correct_findings(versions: tuple[str, str], tmp_path: Path) -> None:
    """The audits of 6 indexes for 45 nights, with the real client and a state file, report every incident."""
    figures = simulate_year(1, SAMPLE_SIZE, tmp_path, versions)
    assert figures.opened.total() > 20
    assert figures.resolved.total() > 20


@pytest.mark.soak
def test_a_year_has_only_correct_findings(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None], tmp_path: Path
) -> None:
    """The audits of 50 indexes for a year report every incident, and almost every control fails once."""
    seed = int(request.config.getoption("--hypothesis-seed") or 1)
    figures = simulate_year(seed, YEAR_SIZE, tmp_path, (NEW_VERSION, NEW_VERSION))
    record_property("figures", str(figures))
    assert set(figures.opened) == {it.id for it in CATALOG.all_controls} - UNREACHED_CONTROLS
