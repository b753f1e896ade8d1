"""Test that no alert is lost under hundreds of fault seeds, for `make soak`."""

from collections.abc import Iterator

import pytest

from support.aws_local.application import Application
from support.faults.audit_nights import audit_under_faults, deploy_application

RUN_COUNT = 300
RUNS_PER_TEST = 10


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with deploy_application(tmp_path_factory.mktemp("cloud")) as application:
        yield application


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RUN_COUNT // RUNS_PER_TEST))
def test_many_faults_lose_no_alert(app: Application, batch: int, pytestconfig: pytest.Config) -> None:
    """No seed loses an alert; `SEED` selects other seeds."""
    first_seed = int(pytestconfig.getoption("hypothesis_seed") or 0) * 100_000 + 1_000
    for seed in range(first_seed + batch * RUNS_PER_TEST, first_seed + (batch + 1) * RUNS_PER_TEST):
        audit_under_faults(app, seed)
