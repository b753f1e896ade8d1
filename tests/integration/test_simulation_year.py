"""A project is audited every night: each event is reported on the night when it starts or ends, and nothing else is."""

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
    "backups-expire-on-time",  # the service simulated deletes on time
    "plan-allows-schedules",  # the plan stays
    "planned-run-started-on-time",  # planned runs are shown as under way, in the newer family
    "policy-fits-quota",  # the policy stays
    "project-is-expected",  # the key stays
}


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param((NEW_VERSION, NEW_VERSION), id=NEW_VERSION),
        pytest.param((OLD_VERSION, UNSTABLE_VERSION), id=f"{OLD_VERSION}-{UNSTABLE_VERSION}"),
    ],
)
def test_some_weeks_hold_no_false_finding_and_miss_none(versions: tuple[str, str], tmp_path: Path) -> None:
    """Six indexes, forty-five nights, through the real client, with the state carried in a file."""
    figures = simulate_year(1, SAMPLE_SIZE, tmp_path, versions)
    assert figures.opened.total() > 20
    assert figures.resolved.total() > 20


@pytest.mark.soak
def test_a_year_holds_no_false_finding_and_misses_none(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None], tmp_path: Path
) -> None:
    """Fifty indexes, every night of a year, and almost every control is found to fail at some time."""
    seed = int(request.config.getoption("--hypothesis-seed") or 1)
    figures = simulate_year(seed, YEAR_SIZE, tmp_path, (NEW_VERSION, NEW_VERSION))
    record_property("figures", str(figures))
    assert set(figures.opened) == {it.id for it in CATALOG.all_controls} - UNREACHED_CONTROLS
