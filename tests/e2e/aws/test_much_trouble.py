"""Trouble by several hundred seeds, as `make soak` tries them."""

from collections.abc import Iterator

import pytest

from support.aws_local.application import Application
from support.faults.audit_nights import deployed, live_through

RUNS = 300
PER_TEST = 10


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with deployed(tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RUNS // PER_TEST))
def test_much_trouble_loses_nothing(app: Application, batch: int, pytestconfig: pytest.Config) -> None:
    """`SEED` picks others."""
    first = int(pytestconfig.getoption("hypothesis_seed") or 0) * 100_000 + 1_000
    for seed in range(first + batch * PER_TEST, first + (batch + 1) * PER_TEST):
        live_through(app, seed)
