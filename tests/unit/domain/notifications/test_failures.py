"""A failure of audits is noticed once, repeated daily, and resolved once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.audit_failure import (
    AuditFailure,
    FailedAudit,
    FailureKind,
    FailureNotice,
    WatchedProject,
    find_failure,
    find_overdue,
)
from backup_auditor.domain.audit_record import LastAudits
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.failures import create_notice_messages, find_notice
from backup_auditor.domain.outbox import Channel, ChannelKind, Trigger
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import DAY, HOUR, NOW, SECOND
from support.builders.notifications import EVENT_CHANNEL, SLACK_CHANNEL, SNS_CHANNEL, build_notice

MINUTE = timedelta(minutes=1)
CHANNELS = (EVENT_CHANNEL, SNS_CHANNEL, SLACK_CHANNEL)


def build_project(
    *,
    audited: timedelta | None = HOUR,
    complete: timedelta | None = HOUR,
    failed: timedelta | None = None,
    registered: timedelta | None = None,
) -> WatchedProject:
    """Build a project whose last audits, failure and registration were this long ago."""
    observed_at, complete_at, failed_at, registered_at = (
        None if it is None else NOW - it for it in (audited, complete, failed, registered)
    )
    failed_audit = None if failed_at is None else FailedAudit(failed_at, "401: Invalid API key")
    return WatchedProject(LastAudits(observed_at, complete_at), registered_at, failed_audit)


@pytest.mark.parametrize(
    "project, kind, since",
    [
        pytest.param(build_project(), None, None, id="audited"),
        pytest.param(build_project(failed=2 * HOUR), None, None, id="audited-after-the-failure"),
        pytest.param(build_project(failed=HOUR), None, None, id="audited-in-the-same-second"),
        pytest.param(build_project(failed=HOUR - SECOND), FailureKind.FAILED, HOUR - SECOND, id="failed"),
        pytest.param(
            build_project(audited=None, complete=None, failed=HOUR), FailureKind.FAILED, HOUR, id="never-audited"
        ),
        pytest.param(build_project(complete=29 * HOUR, failed=2 * HOUR), None, None, id="ended-by-an-incomplete-audit"),
        pytest.param(build_project(complete=30 * HOUR), None, None, id="at-limit"),
        pytest.param(build_project(complete=30 * HOUR + SECOND), FailureKind.OVERDUE, SECOND, id="one-second-past"),
        pytest.param(
            build_project(audited=31 * HOUR, complete=31 * HOUR, failed=2 * HOUR),
            FailureKind.FAILED,
            2 * HOUR,
            id="failed-and-overdue",
        ),
        pytest.param(
            build_project(audited=None, complete=None, failed=30 * HOUR),
            FailureKind.FAILED,
            30 * HOUR,
            id="discarded-since-the-failure",
        ),
        pytest.param(
            build_project(audited=None, complete=None, failed=30 * HOUR + SECOND),
            None,
            None,
            id="discarded-since-a-failure-long-ago",
        ),
        pytest.param(
            build_project(audited=40 * HOUR, complete=40 * HOUR, failed=31 * HOUR),
            FailureKind.OVERDUE,
            10 * HOUR,
            id="failed-and-not-requested-since",
        ),
        pytest.param(
            build_project(audited=None, complete=None, registered=30 * HOUR), None, None, id="registered-at-limit"
        ),
        pytest.param(
            build_project(audited=None, complete=None, registered=31 * HOUR),
            FailureKind.OVERDUE,
            HOUR,
            id="registered-past-the-limit",
        ),
        pytest.param(build_project(audited=-CLOCK_TOLERANCE, complete=-CLOCK_TOLERANCE), None, None, id="ahead"),
        pytest.param(
            build_project(audited=-DAY, complete=-DAY, failed=HOUR),
            FailureKind.OVERDUE,
            timedelta(),
            id="in-the-future",
        ),
    ],
)
def test_a_project_fails_by_its_last_audits(
    project: WatchedProject, kind: FailureKind | None, since: timedelta | None
) -> None:
    """The last request failed, or there was no complete audit for 30 hours, or the last one is in the future."""
    failure = find_failure("search", project, NOW)
    expected_since = None if since is None else NOW - since
    assert (failure and failure.kind, failure and failure.since) == (kind, expected_since)


def test_a_failure_says_what_to_do() -> None:
    """The reason is the error of the audit, or the age of the last complete one."""
    failed = find_failure("search", build_project(failed=timedelta()), NOW)
    assert failed == AuditFailure(
        FailureKind.FAILED,
        NOW,
        "401: Invalid API key",
        'fix the cause, then invoke the function audit with {"project": "search"}, or wait for the next night',
    )
    quoted = find_failure('my "búsqueda"', build_project(failed=timedelta()), NOW)
    assert quoted is not None
    assert r'{"project": "my \"búsqueda\""}' in quoted.next_step
    overdue = find_overdue("search", build_project(complete=31 * HOUR), NOW)
    assert overdue is not None
    assert overdue.reason == "no complete audit for 1d 7h"
    assert overdue.next_step.startswith("read its last lines in the log of the function audit, fix the cause, then")
    future = find_overdue("my search", build_project(complete=-DAY), NOW)
    assert future is not None
    assert future.next_step == "discard it: backup-auditor state discard --project 'my search' --table TABLE"


FAILURE = AuditFailure(FailureKind.OVERDUE, NOW, "no complete audit for 1d 7h", "read its last lines")


@pytest.mark.parametrize(
    "failure, last_notice, kind",
    [
        pytest.param(None, None, None, id="never-failed"),
        pytest.param(FAILURE, None, NoticeKind.OPENED, id="new"),
        pytest.param(FAILURE, build_notice(hours=-1), None, id="noticed"),
        pytest.param(FAILURE, build_notice(hours=-23.25), None, id="half-a-look-before-a-day"),
        pytest.param(FAILURE, build_notice(hours=-23.5), NoticeKind.REMINDER, id="early-look-after-a-day"),
        pytest.param(FAILURE, build_notice(NoticeKind.REMINDER, hours=-25), NoticeKind.REMINDER, id="second-reminder"),
        pytest.param(FAILURE, build_notice(hours=1), None, id="clock-went-back"),
        pytest.param(FAILURE, build_notice(NoticeKind.RESOLVED, hours=-1), NoticeKind.OPENED, id="failed-again"),
        pytest.param(None, build_notice(hours=-1), NoticeKind.RESOLVED, id="over"),
        pytest.param(
            None, build_notice(NoticeKind.REMINDER, hours=-1), NoticeKind.RESOLVED, id="over-after-a-reminder"
        ),
        pytest.param(None, build_notice(NoticeKind.RESOLVED, hours=-25), None, id="resolved"),
        pytest.param(FAILURE, build_notice(hours=-7 * 24), NoticeKind.REMINDER, id="a-week-later"),
        pytest.param(FAILURE, build_notice(hours=-7 * 24 - 1), NoticeKind.OPENED, id="forgotten"),
        pytest.param(None, build_notice(hours=-7 * 24 - 1), None, id="forgotten-and-over"),
    ],
)
def test_a_notice_is_due_by_the_last_one(
    failure: AuditFailure | None, last_notice: FailureNotice | None, kind: NoticeKind | None
) -> None:
    """A failure is opened, repeated after a day, and resolved; nothing is due in between."""
    notice = find_notice(failure, last_notice, NOW, NOW)
    assert (notice and notice.kind) == kind
    assert notice is None or (notice.noticed_at, notice.complete_at) == (NOW, NOW)


@pytest.mark.parametrize(
    "complete_at, kind",
    [
        pytest.param(None, None, id="discarded"),
        pytest.param(NOW - HOUR, None, id="before-the-failure"),
        pytest.param(NOW - HOUR + SECOND, NoticeKind.RESOLVED, id="one-second-after"),
    ],
)
def test_only_a_complete_audit_since_the_failure_ends_it(complete_at: datetime | None, kind: NoticeKind | None) -> None:
    """Neither an incomplete audit nor a state that was discarded is the end of a failure."""
    notice = find_notice(None, build_notice(), complete_at, NOW)
    assert (notice and notice.kind) == kind


def test_a_failure_that_incomplete_audits_follow_is_one_failure() -> None:
    """It is silent until the project is overdue, is then repeated, and ends with a complete audit."""
    last_notice: FailureNotice | None = None
    notices = []
    for hour in range(1, 24 * 4):
        now = NOW + hour * HOUR
        observed_at = NOW if hour < 2 else now  # an incomplete audit every hour, after the failure
        complete_at = NOW - 20 * HOUR if hour < 80 else NOW + 80 * HOUR
        failed_audit = FailedAudit(NOW + SECOND, "401: Invalid API key")
        project = WatchedProject(LastAudits(observed_at, complete_at), None, failed_audit)
        notice = find_notice(find_failure("search", project, now), last_notice, complete_at, now)
        if notice is not None:
            last_notice = notice
            notices.append((hour, notice.kind, notice.failure.kind))
    assert notices == [
        (1, NoticeKind.OPENED, FailureKind.FAILED),
        (25, NoticeKind.REMINDER, FailureKind.OVERDUE),
        (49, NoticeKind.REMINDER, FailureKind.OVERDUE),
        (73, NoticeKind.REMINDER, FailureKind.OVERDUE),
        (80, NoticeKind.RESOLVED, FailureKind.OVERDUE),
    ]


def test_a_failed_project_that_becomes_overdue_has_one_failure() -> None:
    """A reminder has the present reason, and the time at which the failure began."""
    last_notice = build_notice(hours=-24)
    notice = find_notice(FAILURE, last_notice, None, NOW)
    assert notice is not None
    assert notice.failure == replace(FAILURE, since=last_notice.failure.since)


def test_the_end_says_what_has_ended() -> None:
    """A notice that a failure is resolved has the failure of the notice before."""
    last_notice = build_notice(hours=-24)
    notice = find_notice(None, last_notice, NOW, NOW)
    assert notice == FailureNotice(NoticeKind.RESOLVED, last_notice.failure, NOW, NOW)


def test_every_channel_receives_a_notice_once() -> None:
    """Each channel receives a failure, whatever its minimum severity, and the bus only the first notice."""
    channels = (*CHANNELS, Channel(ChannelKind.SNS, "critical", Severity.CRITICAL), SNS_CHANNEL)
    messages = create_notice_messages("search", build_notice(), channels)
    assert [it.channel_id for it in messages] == [it.channel_id for it in channels[:-1]]
    assert len({it.message_id for it in messages}) == 4
    assert messages == create_notice_messages("search", build_notice(), channels)
    assert {(it.audit_id, it.trigger, it.observed_at) for it in messages} == {(None, Trigger.CHANGE, NOW)}
    for kind, trigger in ((NoticeKind.REMINDER, Trigger.REMINDER), (NoticeKind.RESOLVED, Trigger.CHANGE)):
        later_messages = create_notice_messages("search", build_notice(kind), channels)
        assert [it.channel_id for it in later_messages] == [it.channel_id for it in channels[1:-1]]
        assert {it.trigger for it in later_messages} == {trigger}
        assert not {it.message_id for it in messages} & {it.message_id for it in later_messages}


def test_a_message_about_a_failure_has_no_report() -> None:
    """Code that needs a report refuses it."""
    (message,) = create_notice_messages("search", build_notice(), (SNS_CHANNEL,))
    with pytest.raises(TypeError):
        message.require_report()


@dataclass
class History:
    """A project over time, as `watch` sees it."""

    last_notice: FailureNotice | None = None
    notices: list[FailureNotice] = field(default_factory=list)
    looks: list[tuple[datetime, bool]] = field(default_factory=list)
    """The time of each look, and whether the project failed then."""

    def look(self, moment: datetime, *, is_failing: bool) -> None:
        """Look at the project, and record the notice that is due."""
        self.looks.append((moment, is_failing))
        failure = replace(FAILURE, since=moment) if is_failing else None
        complete_at = None if is_failing else moment + SECOND
        notice = find_notice(failure, self.last_notice, complete_at, moment)
        if notice is not None:
            self.notices.append(notice)
            self.last_notice = notice

    def iterate_changes(self) -> Iterator[tuple[datetime, NoticeKind]]:
        """Yield when the project began to fail and when it ended, as the looks saw it."""
        was_failing = False
        for moment, is_failing in self.looks:
            if is_failing != was_failing:
                yield moment, NoticeKind.OPENED if is_failing else NoticeKind.RESOLVED
            was_failing = is_failing


LOOKS = st.lists(st.tuples(st.integers(0, 3 * 24 * 60), st.booleans()), max_size=40)
"""The minutes until each look, and whether the project fails at it. Two looks can be at the same time."""


@given(LOOKS)
def test_any_sequence_of_looks_has_each_change_once(steps: list[tuple[int, bool]]) -> None:
    """Each failure is opened and resolved once in each channel, and two notices of one failure are a day apart."""
    history, moment = History(), NOW
    for minutes, is_failing in steps:
        moment += minutes * MINUTE
        history.look(moment, is_failing=is_failing)
    changes = [(it.noticed_at, it.kind) for it in history.notices if it.kind is not NoticeKind.REMINDER]
    assert changes == list(history.iterate_changes())
    for earlier, later in pairwise(history.notices):
        if later.kind is NoticeKind.REMINDER:
            assert later.noticed_at - earlier.noticed_at >= 23.5 * HOUR
            assert later.failure.since == earlier.failure.since
    for channel in CHANNELS[1:]:
        ids = [
            message.message_id
            for notice in history.notices
            for message in create_notice_messages("search", notice, (channel,))
        ]
        assert len(ids) == len(history.notices)


@given(st.integers(1, 10), st.integers(-5, 5))
def test_hourly_looks_remind_once_a_day(days: int, jitter: int) -> None:
    """Looks that are some minutes early or late do not lose or add a reminder."""
    history = History()
    for hour in range(24 * days):
        history.look(NOW + hour * HOUR + (jitter if hour % 2 else 0) * MINUTE, is_failing=True)
    assert [it.kind for it in history.notices] == [NoticeKind.OPENED, *[NoticeKind.REMINDER] * (days - 1)]
