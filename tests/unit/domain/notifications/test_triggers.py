"""Which channel is told of an audit, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.notifications.triggers import create_messages, find_trigger
from backup_auditor.domain.outbox import Trigger
from backup_auditor.domain.reporting.report import Report
from support.builders.facts import NOW, SECOND
from support.builders.notifications import EVENTS, KEPT, SLACK, TOPIC, YESTERDAY, at, ended, found, told
from support.builders.reports import EXEMPTION

WEEKLY = replace(TOPIC, has_weekly_summary=True)
MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
UNKNOWN = Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "report,occasion",
    [
        pytest.param(told(found()), Trigger.CHANGE, id="new"),
        pytest.param(told(found(lifecycle="reopened", days=9)), Trigger.CHANGE, id="reopened"),
        pytest.param(told(resolved=(ended(),)), Trigger.CHANGE, id="resolved"),
        pytest.param(told(found(severity=Severity.CRITICAL, lifecycle="ongoing", days=1)), Trigger.REMINDER, id="old"),
        pytest.param(told(found(lifecycle="ongoing", days=1)), None, id="nothing-changed"),
        pytest.param(told(found(severity=Severity.LOW, lifecycle="ongoing", days=700)), None, id="low-has-no-reminder"),
        pytest.param(told(found(exemption=EXEMPTION, lifecycle=None)), None, id="exempted"),
        pytest.param(told(found(compliance=UNKNOWN, lifecycle=None)), None, id="unknown"),
        pytest.param(
            told(found(severity=Severity.CRITICAL, compliance=UNKNOWN, lifecycle="ongoing", days=1)),
            Trigger.REMINDER,
            id="out-of-sight-is-not-resolved",
        ),
        pytest.param(told(), None, id="nothing-at-all"),
    ],
)
def test_a_channel_is_told_of_what_changed_and_reminded_of_what_did_not(
    report: Report, occasion: Trigger | None
) -> None:
    """Opened, reopened and resolved findings are told, lasting ones from time to time, anything else is silence."""
    assert find_trigger(TOPIC, report, YESTERDAY) is occasion


@pytest.mark.parametrize("least", list(Severity))
@pytest.mark.parametrize("severity", list(Severity))
def test_a_channel_hears_of_its_severity_and_above(severity: Severity, least: Severity) -> None:
    """What lies below the least severity of a channel is silence there, its end too."""
    channel = replace(TOPIC, min_severity=least)
    occasion = Trigger.CHANGE if severity.rank >= least.rank else None
    assert find_trigger(channel, told(found(severity=severity)), YESTERDAY) is occasion
    assert find_trigger(channel, told(resolved=(ended(severity=severity),)), YESTERDAY) is occasion


@pytest.mark.parametrize(
    "severity,days",
    [
        pytest.param(Severity.CRITICAL, list(range(1, 15)), id="critical-daily"),
        pytest.param(Severity.HIGH, [3, 6, 9, 12], id="high-every-third-day"),
        pytest.param(Severity.MEDIUM, [7, 14], id="medium-weekly"),
        pytest.param(Severity.LOW, [], id="low-never"),
    ],
)
def test_reminders_come_the_more_often_the_worse_it_is(severity: Severity, days: list[int]) -> None:
    """Counted in days since the finding was first seen, with one audit a night."""
    open_for = (told(found(severity=severity, lifecycle="ongoing", days=it)) for it in range(1, 15))
    reminded = [number for number, it in enumerate(open_for, 1) if find_trigger(TOPIC, it, YESTERDAY)]
    assert reminded == days


@pytest.mark.parametrize(
    "previous_at,is_reminded",
    [
        pytest.param(at(-1 / 24), False, id="an-hour-ago"),
        pytest.param(at(-0.5), False, id="twelve-hours-ago"),
        pytest.param(at(-0.5) - SECOND, True, id="a-second-more"),
        pytest.param(at(-30), True, id="a-month-ago"),
        pytest.param(None, False, id="never"),
    ],
)
def test_a_reminder_is_told_once_however_often_is_audited(previous_at: datetime | None, *, is_reminded: bool) -> None:
    """The first audit after a reminder fell due tells it; another one in the same day is silent."""
    report = told(found(severity=Severity.CRITICAL, lifecycle="ongoing", days=40))
    assert (find_trigger(TOPIC, report, previous_at) is Trigger.REMINDER) is is_reminded


def test_a_night_around_midnight_reminds_every_day() -> None:
    """However many minutes it begins earlier than the one before, or later; the others count from when it began."""
    first, minutes = datetime(2026, 11, 1, 23, 55, tzinfo=UTC), (0, 9, 3, 0, 9, 1)
    nights = [first + timedelta(days=day, minutes=it) for day, it in enumerate(minutes)]
    finding = replace(found(severity=Severity.CRITICAL, lifecycle="ongoing"), first_seen=first)
    for before, night in pairwise(nights):
        assert find_trigger(TOPIC, told(finding, observed_at=night), before) is Trigger.REMINDER


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(told(found(lifecycle="ongoing", days=1)), id="open"),
        pytest.param(told(found(compliance=UNKNOWN, lifecycle=None)), id="unknown"),
        pytest.param(told(unread=1), id="incomplete"),
    ],
)
def test_all_is_well_is_said_only_where_it_is(report: Report) -> None:
    """Nothing is open, nothing is unknown, and everything was read."""
    assert find_trigger(WEEKLY, replace(report, observed_at=MONDAY), MONDAY - timedelta(days=1)) is None


@pytest.mark.parametrize(
    "previous_at,occasion",
    [
        pytest.param(MONDAY - timedelta(hours=6, seconds=1), Trigger.WEEKLY_SUMMARY, id="on-sunday"),
        pytest.param(MONDAY - timedelta(hours=6), None, id="on-monday"),
        pytest.param(MONDAY - timedelta(days=364), Trigger.WEEKLY_SUMMARY, id="the-same-week-of-last-year"),
        pytest.param(None, Trigger.WEEKLY_SUMMARY, id="never"),
    ],
)
def test_all_is_well_is_said_by_the_first_audit_of_a_week(
    previous_at: datetime | None, occasion: Trigger | None
) -> None:
    """Weeks begin on Monday, UTC; a channel that does not ask for it hears nothing."""
    report = told(observed_at=MONDAY)
    assert find_trigger(WEEKLY, report, previous_at) is occasion
    assert find_trigger(TOPIC, report, previous_at) is None


def test_below_its_severity_all_may_be_well() -> None:
    """A channel for what is critical hears that all is well, though something low is open."""
    report = told(found(severity=Severity.LOW, lifecycle="ongoing", days=1), observed_at=MONDAY)
    channel = replace(WEEKLY, min_severity=Severity.CRITICAL)
    assert find_trigger(channel, report, MONDAY - timedelta(days=1)) is Trigger.WEEKLY_SUMMARY


def test_events_are_sent_after_every_audit() -> None:
    """Whatever it found."""
    assert [it.trigger for it in create_messages(told(), KEPT, (EVENTS,), YESTERDAY)] == [Trigger.AUDIT]
    assert [it.trigger for it in create_messages(told(found()), KEPT, (EVENTS,), None)] == [Trigger.AUDIT]


def test_a_message_says_what_it_takes_to_write_it() -> None:
    """Project, audit, channel, occasion, the report, and when the audit before was."""
    [message] = create_messages(told(found()), KEPT, (TOPIC,), YESTERDAY)
    assert (message.project, message.audit_id, message.observed_at) == (
        "search",
        "0123456789abcdef0123456789abcdef",
        NOW,
    )
    assert (message.channel_id, message.report, message.previous_at) == (TOPIC.channel_id, KEPT, YESTERDAY)


def test_one_audit_has_one_message_for_a_channel() -> None:
    """Its id is made of project, audit and channel; a channel that is named twice is told once."""
    channels = (EVENTS, TOPIC, SLACK, replace(TOPIC, min_severity=Severity.CRITICAL))
    first = create_messages(told(found()), KEPT, channels, YESTERDAY)
    assert [it.channel_id for it in first] == [EVENTS.channel_id, TOPIC.channel_id, SLACK.channel_id]
    again = create_messages(told(found(), found("carts")), KEPT, channels, None)
    assert [it.message_id for it in again] == [it.message_id for it in first]
    others = (told(found(), audit_id="f" * 32), told(found(), project="support"))
    ids = [it.message_id for report in others for it in create_messages(report, KEPT, channels, YESTERDAY)]
    assert len({*ids, *(it.message_id for it in first)}) == 9
