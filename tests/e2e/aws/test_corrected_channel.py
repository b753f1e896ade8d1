"""Test that an alert whose channel was wrong reaches the corrected channel."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup_auditor_simulator.scenarios import build_scenario
from support.aws_local.application import SLACK_SECRET, Application
from support.aws_local.recipients import list_webhook_messages

FIRST_NIGHT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


def test_an_alert_reaches_the_corrected_channel(tmp_path: Path) -> None:
    """An alert to a secret that does not exist goes, once, to the webhook that the corrected registry names."""
    projects = {"shop": build_scenario("neglected", now=FIRST_NIGHT)}
    with Application(tmp_path, projects, FIRST_NIGHT - timedelta(hours=1)) as app:
        app.put_registry([app.make_entry("shop", alerts=[{"slack": f"{SLACK_SECRET}-misspelt"}])])
        app.run_night(FIRST_NIGHT)
        assert list_webhook_messages(app) == []
        app.put_registry([app.make_entry("shop", alerts=[{"slack": SLACK_SECRET}])])
        app.runner.end_processes()  # the registry is cached in a process
        for _ in range(3):
            app.sweep()
        assert [it.project for it in list_webhook_messages(app)] == ["shop"]
        assert app.list_items("outbox") == []
        assert app.aws.denied_permissions == []
