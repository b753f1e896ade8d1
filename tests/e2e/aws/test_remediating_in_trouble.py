"""Whatever goes wrong while a project is put right: nothing is made twice or unrecorded, and what stays wrong rings."""

from collections.abc import Iterator

import pytest

from support.aws_local.application import Application
from support.faults.audit_nights import deployed
from support.faults.remediation_nights import live_through

pytestmark = pytest.mark.writes
SAMPLE = range(6)
RUNS = 300
PER_TEST = 10


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with deployed(tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.mark.parametrize("seed", SAMPLE)
def test_trouble_makes_nothing_twice(app: Application, seed: int) -> None:
    """A few of those that `make soak` tries."""
    live_through(app, seed)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RUNS // PER_TEST))
def test_much_trouble_makes_nothing_twice(app: Application, batch: int, pytestconfig: pytest.Config) -> None:
    """`SEED` picks others."""
    first = int(pytestconfig.getoption("hypothesis_seed") or 0) * 100_000 + 1_000
    for seed in range(first + batch * PER_TEST, first + (batch + 1) * PER_TEST):
        live_through(app, seed)
