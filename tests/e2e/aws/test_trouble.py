"""Test that no fault loses an alert, and that a permanent fault raises an alarm."""

from collections.abc import Iterator

import pytest

from support.aws_local.application import Application
from support.faults.audit_nights import audit_under_faults, deploy_application

SAMPLE_SEEDS = range(3)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Deploy the application, without a project."""
    with deploy_application(tmp_path_factory.mktemp("cloud")) as application:
        yield application


@pytest.mark.parametrize("seed", SAMPLE_SEEDS)
def test_faults_lose_no_alert(app: Application, seed: int) -> None:
    """No seed in this sample of the seeds of `make soak` loses an alert."""
    audit_under_faults(app, seed)
