"""Test what a channel receives about an audit: findings in order, reminders, links and message ids."""

from dataclasses import replace

import pytest

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.notifications.digest import (
    ChannelView,
    compute_message_id,
    create_digest,
    create_messages,
    readdress,
)
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    STORED_REPORT,
    YESTERDAY,
    build_alert_report,
    build_open_finding,
    build_resolved_finding,
)

ONGOING_REPORT = build_alert_report(
    build_open_finding("orders", Severity.CRITICAL, "ongoing", days=1),
    build_open_finding("carts", Severity.HIGH, "ongoing", days=1),
)


def test_the_most_severe_findings_come_first() -> None:
    """Open and resolved findings are sorted by severity, and those of one severity keep the order of the report."""
    severities = {"a": Severity.LOW, "b": Severity.CRITICAL, "c": Severity.MEDIUM, "d": Severity.CRITICAL}
    view = ChannelView(
        build_alert_report(
            *(build_open_finding(name, it) for name, it in severities.items()),
            resolved=tuple(build_resolved_finding(name, it) for name, it in severities.items()),
        ),
        Severity.LOW,
    )
    assert [it.resource.name for it in view.open_findings] == ["b", "d", "c", "a"]
    assert [it.resource.name for it in view.resolved_findings] == ["b", "d", "c", "a"]


@pytest.mark.parametrize(
    "min_severity, names",
    [
        pytest.param(Severity.LOW, ["b", "c", "a"], id="low"),
        pytest.param(Severity.MEDIUM, ["b", "c"], id="medium"),
        pytest.param(Severity.CRITICAL, ["b"], id="critical"),
    ],
)
def test_a_view_has_the_findings_of_its_severity_and_above(min_severity: Severity, names: list[str]) -> None:
    """Findings below the lowest severity of a channel are left out, whether open or resolved."""
    severities = {"a": Severity.LOW, "b": Severity.CRITICAL, "c": Severity.MEDIUM}
    report = build_alert_report(
        *(build_open_finding(name, it) for name, it in severities.items()),
        resolved=tuple(build_resolved_finding(name, it) for name, it in severities.items()),
    )
    view = ChannelView(report, min_severity)
    assert [it.resource.name for it in view.open_findings] == names
    assert [it.resource.name for it in view.resolved_findings] == names


def build_message() -> OutboxMessage:
    """Build the reminder about ongoing findings."""
    (message,) = create_messages(ONGOING_REPORT, STORED_REPORT, (SNS_CHANNEL,), YESTERDAY)
    return message


def test_a_digest_has_the_reminders_that_are_due() -> None:
    """A critical finding is due after a day, and one of high severity is not."""
    digest = create_digest(ONGOING_REPORT, build_message(), SNS_CHANNEL, build_link=str)
    assert [digest.is_reminder(it) for it in ONGOING_REPORT.findings] == [True, False]
    first_message = replace(build_message(), previous_at=None)
    assert not create_digest(ONGOING_REPORT, first_message, SNS_CHANNEL, build_link=str).reminder_fingerprints


def test_a_digest_has_the_links_of_the_stored_report() -> None:
    """A digest has the links of the report and of its page; a report without a page has one link."""
    digest = create_digest(ONGOING_REPORT, build_message(), SNS_CHANNEL, build_link=lambda it: f"link to {it}")
    assert STORED_REPORT.page is not None
    assert digest.report_link == f"link to {STORED_REPORT.location}"
    assert digest.page_link == f"link to {STORED_REPORT.page.location}"
    message = replace(build_message(), content=replace(STORED_REPORT, page=None))
    assert create_digest(ONGOING_REPORT, message, SNS_CHANNEL, build_link=str).page_link is None


def test_a_first_attempt_is_no_possible_duplicate() -> None:
    """Only a message whose earlier attempt is unconfirmed may be a duplicate."""
    assert not create_digest(ONGOING_REPORT, build_message(), SNS_CHANNEL, build_link=str).is_possible_duplicate
    assert create_digest(
        ONGOING_REPORT, build_message(), SNS_CHANNEL, build_link=str, is_possible_duplicate=True
    ).is_possible_duplicate


def test_each_channel_with_a_trigger_has_one_message() -> None:
    """A channel without a trigger receives nothing, and a channel that is listed twice receives one message."""
    report = build_alert_report(build_open_finding("carts", Severity.HIGH, "ongoing", days=1))
    channels = (SLACK_CHANNEL, EVENT_CHANNEL, EVENT_CHANNEL, SNS_CHANNEL)
    messages = create_messages(report, STORED_REPORT, channels, YESTERDAY)
    assert [(it.channel_id, it.trigger) for it in messages] == [("events", Trigger.AUDIT)]
    new_report = build_alert_report(build_open_finding())
    assert [it.channel_id for it in create_messages(new_report, STORED_REPORT, channels, YESTERDAY)] == [
        SLACK_CHANNEL.channel_id,
        "events",
        SNS_CHANNEL.channel_id,
    ]


def test_a_reminder_counts_from_the_audit_before() -> None:
    """A first audit has no reminders."""
    assert build_message().trigger is Trigger.REMINDER
    assert build_message().previous_at == YESTERDAY
    assert create_messages(ONGOING_REPORT, STORED_REPORT, (SNS_CHANNEL,), None) == ()


def test_the_id_of_a_message_stays_in_later_versions() -> None:
    """The id depends on project, audit and channel alone, so a message that is stored now is recognized later."""
    message_id = compute_message_id("search", "audit-1", EVENT_CHANNEL)
    assert message_id == "fe3fda45c4ec5b317b792aac6b5137cd"
    assert len({message_id, compute_message_id("searcha", "udit-1", EVENT_CHANNEL)}) == 2


def test_a_readdressed_message_has_the_id_of_its_channel() -> None:
    """A message for another channel differs in its channel and its id only."""
    message = readdress(build_message(), SLACK_CHANNEL)
    assert message.message_id == compute_message_id("search", ONGOING_REPORT.audit_id, SLACK_CHANNEL)
    assert replace(message, message_id=build_message().message_id, channel_id=SNS_CHANNEL.channel_id) == build_message()
