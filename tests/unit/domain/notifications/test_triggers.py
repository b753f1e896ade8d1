"""A channel receives a message about an audit for changes, reminders and weekly summaries."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.notifications.digest import create_messages, find_trigger
from backup_auditor.domain.outbox import Trigger
from backup_auditor.domain.reporting.report import Report
from support.builders.facts import NOW, SECOND
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    STORED_REPORT,
    YESTERDAY,
    add_days,
    build_alert_report,
    build_open_finding,
    build_resolved_finding,
)
from support.builders.reports import EXEMPTION

WEEKLY_CHANNEL = replace(SNS_CHANNEL, has_weekly_summary=True)
MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
INSUFFICIENT_DATA = Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "report,trigger",
    [
        pytest.param(build_alert_report(build_open_finding()), Trigger.CHANGE, id="new"),
        pytest.param(
            build_alert_report(build_open_finding(lifecycle="reopened", days=9)), Trigger.CHANGE, id="reopened"
        ),
        pytest.param(build_alert_report(resolved=(build_resolved_finding(),)), Trigger.CHANGE, id="resolved"),
        pytest.param(
            build_alert_report(build_open_finding(severity=Severity.CRITICAL, lifecycle="ongoing", days=1)),
            Trigger.REMINDER,
            id="old",
        ),
        pytest.param(build_alert_report(build_open_finding(lifecycle="ongoing", days=1)), None, id="nothing-changed"),
        pytest.param(
            build_alert_report(build_open_finding(severity=Severity.LOW, lifecycle="ongoing", days=700)),
            None,
            id="low-has-no-reminder",
        ),
        pytest.param(build_alert_report(build_open_finding(exemption=EXEMPTION, lifecycle=None)), None, id="exempted"),
        pytest.param(
            build_alert_report(build_open_finding(compliance=INSUFFICIENT_DATA, lifecycle=None)), None, id="unknown"
        ),
        pytest.param(
            build_alert_report(
                build_open_finding(
                    severity=Severity.CRITICAL, compliance=INSUFFICIENT_DATA, lifecycle="ongoing", days=1
                )
            ),
            Trigger.REMINDER,
            id="out-of-sight-is-not-resolved",
        ),
        pytest.param(build_alert_report(), None, id="nothing-at-all"),
    ],
)
def test_a_channel_is_notified_of_changes_and_reminded_of_the_rest(report: Report, trigger: Trigger | None) -> None:
    """Opened, reopened and resolved findings are sent at once, ongoing ones as reminders, and others not at all."""
    assert find_trigger(SNS_CHANNEL, report, YESTERDAY) is trigger


@pytest.mark.parametrize("min_severity", list(Severity))
@pytest.mark.parametrize("severity", list(Severity))
def test_a_channel_receives_its_severity_and_above(severity: Severity, min_severity: Severity) -> None:
    """A finding below a channel's minimum severity is not sent, nor is its end."""
    channel = replace(SNS_CHANNEL, min_severity=min_severity)
    trigger = Trigger.CHANGE if severity.rank >= min_severity.rank else None
    assert find_trigger(channel, build_alert_report(build_open_finding(severity=severity)), YESTERDAY) is trigger
    assert (
        find_trigger(channel, build_alert_report(resolved=(build_resolved_finding(severity=severity),)), YESTERDAY)
        is trigger
    )


@pytest.mark.parametrize(
    "severity,days",
    [
        pytest.param(Severity.CRITICAL, list(range(1, 15)), id="critical-daily"),
        pytest.param(Severity.HIGH, [3, 6, 9, 12], id="high-every-third-day"),
        pytest.param(Severity.MEDIUM, [7, 14], id="medium-weekly"),
        pytest.param(Severity.LOW, [], id="low-never"),
    ],
)
def test_reminders_are_more_frequent_for_higher_severities(severity: Severity, days: list[int]) -> None:
    """Reminders count days since the finding was first seen."""
    open_reports = (
        build_alert_report(build_open_finding(severity=severity, lifecycle="ongoing", days=it)) for it in range(1, 15)
    )
    reminded_days = [number for number, it in enumerate(open_reports, 1) if find_trigger(SNS_CHANNEL, it, YESTERDAY)]
    assert reminded_days == days


@pytest.mark.parametrize(
    "previous_at,is_reminded",
    [
        pytest.param(add_days(-1 / 24), False, id="an-hour-ago"),
        pytest.param(add_days(-0.5), False, id="twelve-hours-ago"),
        pytest.param(add_days(-0.5) - SECOND, True, id="a-second-more"),
        pytest.param(add_days(-30), True, id="a-month-ago"),
        pytest.param(None, False, id="never"),
    ],
)
def test_a_reminder_is_sent_once_for_several_audits(previous_at: datetime | None, *, is_reminded: bool) -> None:
    """The first audit after a reminder is due sends it, and another one on the same day does not."""
    report = build_alert_report(build_open_finding(severity=Severity.CRITICAL, lifecycle="ongoing", days=40))
    assert (find_trigger(SNS_CHANNEL, report, previous_at) is Trigger.REMINDER) is is_reminded


def test_a_night_around_midnight_reminds_every_day() -> None:
    """Daily audits around midnight remind daily, even if one starts some minutes earlier or later."""
    first_moment, minutes = datetime(2026, 11, 1, 23, 55, tzinfo=UTC), (0, 9, 3, 0, 9, 1)
    audit_moments = [first_moment + timedelta(days=day, minutes=it) for day, it in enumerate(minutes)]
    finding = replace(build_open_finding(severity=Severity.CRITICAL, lifecycle="ongoing"), first_seen=first_moment)
    for previous_moment, night in pairwise(audit_moments):
        assert (
            find_trigger(SNS_CHANNEL, build_alert_report(finding, observed_at=night), previous_moment)
            is Trigger.REMINDER
        )


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(build_alert_report(build_open_finding(lifecycle="ongoing", days=1)), id="open"),
        pytest.param(
            build_alert_report(build_open_finding(compliance=INSUFFICIENT_DATA, lifecycle=None)), id="unknown"
        ),
        pytest.param(build_alert_report(failure_count=1), id="incomplete"),
    ],
)
def test_a_weekly_summary_needs_a_compliant_complete_audit(report: Report) -> None:
    """A weekly summary is sent only if nothing is open or unknown and everything was read."""
    assert find_trigger(WEEKLY_CHANNEL, replace(report, observed_at=MONDAY), MONDAY - timedelta(days=1)) is None


@pytest.mark.parametrize(
    "previous_at,trigger",
    [
        pytest.param(MONDAY - timedelta(hours=6, seconds=1), Trigger.WEEKLY_SUMMARY, id="on-sunday"),
        pytest.param(MONDAY - timedelta(hours=6), None, id="on-monday"),
        pytest.param(MONDAY - timedelta(days=364), Trigger.WEEKLY_SUMMARY, id="the-same-week-of-last-year"),
        pytest.param(None, Trigger.WEEKLY_SUMMARY, id="never"),
    ],
)
def test_a_weekly_summary_is_sent_by_the_first_audit_of_a_week(
    previous_at: datetime | None, trigger: Trigger | None
) -> None:
    """Weeks start on Monday, UTC, and a channel without the option receives none."""
    report = build_alert_report(observed_at=MONDAY)
    assert find_trigger(WEEKLY_CHANNEL, report, previous_at) is trigger
    assert find_trigger(SNS_CHANNEL, report, previous_at) is None


def test_findings_below_the_minimum_do_not_prevent_a_weekly_summary() -> None:
    """A channel for critical findings gets a weekly summary while a low one is open."""
    report = build_alert_report(
        build_open_finding(severity=Severity.LOW, lifecycle="ongoing", days=1), observed_at=MONDAY
    )
    channel = replace(WEEKLY_CHANNEL, min_severity=Severity.CRITICAL)
    assert find_trigger(channel, report, MONDAY - timedelta(days=1)) is Trigger.WEEKLY_SUMMARY


def test_events_are_sent_after_every_audit() -> None:
    """Each audit sends its events, whatever it found."""
    assert [it.trigger for it in create_messages(build_alert_report(), STORED_REPORT, (EVENT_CHANNEL,), YESTERDAY)] == [
        Trigger.AUDIT
    ]
    assert [
        it.trigger
        for it in create_messages(build_alert_report(build_open_finding()), STORED_REPORT, (EVENT_CHANNEL,), None)
    ] == [Trigger.AUDIT]


def test_a_message_has_what_its_digest_needs() -> None:
    """A message has project, audit, channel, trigger, report, and the time of the audit before."""
    [message] = create_messages(build_alert_report(build_open_finding()), STORED_REPORT, (SNS_CHANNEL,), YESTERDAY)
    assert (message.project, message.audit_id, message.observed_at) == (
        "search",
        "0123456789abcdef0123456789abcdef",
        NOW,
    )
    assert (message.channel_id, message.content, message.previous_at) == (
        SNS_CHANNEL.channel_id,
        STORED_REPORT,
        YESTERDAY,
    )


def test_one_audit_has_one_message_for_a_channel() -> None:
    """A message id depends on project, audit and channel, and a channel that is listed twice gets one message."""
    channels = (EVENT_CHANNEL, SNS_CHANNEL, SLACK_CHANNEL, replace(SNS_CHANNEL, min_severity=Severity.CRITICAL))
    first_messages = create_messages(build_alert_report(build_open_finding()), STORED_REPORT, channels, YESTERDAY)
    assert [it.channel_id for it in first_messages] == [
        EVENT_CHANNEL.channel_id,
        SNS_CHANNEL.channel_id,
        SLACK_CHANNEL.channel_id,
    ]
    repeated_messages = create_messages(
        build_alert_report(build_open_finding(), build_open_finding("carts")), STORED_REPORT, channels, None
    )
    assert [it.message_id for it in repeated_messages] == [it.message_id for it in first_messages]
    other_reports = (
        build_alert_report(build_open_finding(), audit_id="f" * 32),
        build_alert_report(build_open_finding(), project="support"),
    )
    ids = [
        it.message_id for report in other_reports for it in create_messages(report, STORED_REPORT, channels, YESTERDAY)
    ]
    assert len({*ids, *(it.message_id for it in first_messages)}) == 9
