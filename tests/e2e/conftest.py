"""Projects to audit, served once for all tests of a module that only read them."""

from collections.abc import Iterator

import pytest

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.server import Server
from support.simulator import NOW, serving


@pytest.fixture(scope="module")
def healthy() -> Iterator[Server]:
    """Serve a project in which all is well."""
    with serving(build_scenario("healthy", now=NOW)) as server:
        yield server


@pytest.fixture(scope="module")
def neglected() -> Iterator[Server]:
    """Serve a project that nobody has looked after."""
    with serving(build_scenario("neglected", now=NOW)) as server:
        yield server


@pytest.fixture
def failing() -> Iterator[Server]:
    """Serve a small healthy project of this test's own, to which it may add faults."""
    with serving(build_scenario("fleet:3x20", now=NOW)) as server:
        yield server


@pytest.fixture
def world() -> SimulatedProject:
    """Begin a project without an index."""
    return build_scenario("empty", now=NOW)
