"""Whatever fails once, for long, late, or after its effect: no alert is lost, and what stays wrong rings."""

from collections.abc import Iterator

import pytest

from support.aws_local.application import Application
from support.faults.audit_nights import deployed, live_through

SAMPLE = range(4)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with deployed(tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.mark.parametrize("seed", SAMPLE)
def test_trouble_loses_nothing(app: Application, seed: int) -> None:
    """A few of those that `make soak` tries."""
    live_through(app, seed)
