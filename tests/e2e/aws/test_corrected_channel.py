"""Test that an alert whose channel was wrong reaches the corrected channel."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor_simulator.scenarios import build_scenario
from support.aws_local.application import CANARY, SLACK_SECRET, Application, make_key
from support.aws_local.recipients import list_webhook_messages

KEY_SECRET = "backup-auditor/keys/shop"  # noqa: S105  the name of a secret
FIRST_NIGHT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize("is_parameter", [False, True], ids=["secrets", "parameters"])
def test_an_alert_reaches_the_corrected_channel(tmp_path: Path, *, is_parameter: bool) -> None:
    """An alert to a secret that does not exist goes, once, to the webhook that the corrected registry names."""
    scheme = "ssm:/" if is_parameter else ""
    projects = {"shop": build_scenario("neglected", now=FIRST_NIGHT)}
    with Application(tmp_path, projects, FIRST_NIGHT - timedelta(hours=1)) as app:
        ssm = app.open_client("ssm")
        for name, value in {
            KEY_SECRET: make_key("shop"),
            SLACK_SECRET: app.slack.make_webhook(f"T0/B1/{CANARY}"),
        }.items():
            ssm.put_parameter(Name=f"/{name}", Value=value, Type="SecureString")
        entry = app.make_entry("shop", secret=f"{scheme}{KEY_SECRET}")
        app.put_registry([{**entry, "alerts": [{"slack": f"{scheme}{SLACK_SECRET}-misspelt"}]}])
        app.run_night(FIRST_NIGHT)
        assert list_webhook_messages(app) == []
        app.put_registry([{**entry, "alerts": [{"slack": f"{scheme}{SLACK_SECRET}"}]}])
        app.runner.end_processes()  # the registry is cached in a process
        app.flow.run_until(app.clock.now() + timedelta(minutes=50))
        assert [it.project for it in list_webhook_messages(app)] == ["shop"]
        assert app.list_items("outbox") == []
        assert app.aws.denied_permissions == []
