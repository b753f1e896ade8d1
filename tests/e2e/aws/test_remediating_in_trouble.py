"""Test that no fault during remediation repeats an action, leaves it unrecorded, or raises no alarm."""

from collections.abc import Iterator

import pytest

from support.aws_local.application import Application
from support.faults.audit_nights import deploy_application
from support.faults.remediation_nights import remediate_under_faults

pytestmark = pytest.mark.writes
SAMPLE_SEEDS = range(3)
RUN_COUNT = 300
RUNS_PER_TEST = 10


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with deploy_application(tmp_path_factory.mktemp("cloud")) as application:
        yield application


@pytest.mark.parametrize("seed", SAMPLE_SEEDS)
def test_faults_repeat_no_action(app: Application, seed: int) -> None:
    """No seed in this sample of the seeds of `make soak` repeats an action."""
    remediate_under_faults(app, seed)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RUN_COUNT // RUNS_PER_TEST))
def test_many_faults_repeat_no_action(app: Application, batch: int, pytestconfig: pytest.Config) -> None:
    """No seed repeats an action; `SEED` selects other seeds."""
    first_seed = int(pytestconfig.getoption("hypothesis_seed") or 0) * 100_000 + 1_000
    for seed in range(first_seed + batch * RUNS_PER_TEST, first_seed + (batch + 1) * RUNS_PER_TEST):
        remediate_under_faults(app, seed)
