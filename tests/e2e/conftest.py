"""Projects to audit, served once for all tests of a module that only read them."""

from collections.abc import Iterator

import pytest

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.server import Server
from support.simulator import SIMULATED_NOW, serve


@pytest.fixture(scope="module")
def healthy_server() -> Iterator[Server]:
    """Serve a healthy project."""
    with serve(build_scenario("healthy", now=SIMULATED_NOW)) as server:
        yield server


@pytest.fixture(scope="module")
def neglected_server() -> Iterator[Server]:
    """Serve a neglected project."""
    with serve(build_scenario("neglected", now=SIMULATED_NOW)) as server:
        yield server


@pytest.fixture
def faulty_server() -> Iterator[Server]:
    """Serve a small healthy project for one test, which may add faults."""
    with serve(build_scenario("fleet:3x20", now=SIMULATED_NOW)) as server:
        yield server


@pytest.fixture
def empty_project() -> SimulatedProject:
    """Build a project without an index."""
    return build_scenario("empty", now=SIMULATED_NOW)
