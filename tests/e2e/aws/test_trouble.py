"""Whatever fails once, for long, late, or after its effect: no alert is lost, and what stays wrong rings."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cloud.application import Application
from cloud.trouble import Nights, trouble_of

FIRST = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
SAMPLE = range(6)
RUNS = 300
PER_TEST = 10


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with Application(tmp_path_factory.mktemp("cloud"), {}, FIRST, repeats=0.2) as deployed:
        deployed.flow.lateness = 0.5
        yield deployed


def check(app: Application, seed: int) -> None:
    """Let two nights come over a project of its own, with what goes wrong by a seed, and look at what came of it."""
    name = f"run-{seed}"
    nights = Nights(app, name, max(app.clock.now() + timedelta(days=2), FIRST))
    app.register(name, nights.world)
    trouble = trouble_of(seed)
    ringing = nights.first(trouble)
    is_done = bool(nights.records()) and not nights.waiting()
    assert is_done or ringing, f"{trouble}: what stays wrong rings nowhere"
    nights.second()
    assert not list(nights.wrongs(trouble)), str(trouble)
    assert set(nights.versions().values()) == {1}, str(trouble)
    assert nights.records(), str(trouble)
    app.unregister(name)


@pytest.mark.xdist_group("trouble")
@pytest.mark.parametrize("seed", SAMPLE)
def test_trouble_loses_nothing(app: Application, seed: int) -> None:
    """A few of those that `make soak` tries."""
    check(app, seed)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RUNS // PER_TEST))
def test_much_trouble_loses_nothing(app: Application, batch: int) -> None:
    """Several hundred, others with another `SEED`."""
    first = int(os.environ.get("AUDITOR_SEED", "1")) * 100_000
    for seed in range(first + batch * PER_TEST, first + (batch + 1) * PER_TEST):
        check(app, seed)
