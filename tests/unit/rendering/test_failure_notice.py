"""Notices about failures compared with approved ones, among the digests, and within the limits of channels."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.audit_failure import FailureKind, FailureNotice
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.failures import create_notice_messages
from backup_auditor.rendering.events import build_failure_event
from backup_auditor.rendering.failure_notice import NoticeMessage
from backup_auditor.rendering.slack import build_notice_payload
from backup_auditor.rendering.sns import MAX_PUBLICATION_BYTES, MAX_SUBJECT_LENGTH, build_notice_publication
from backup_auditor.rendering.text import count_units
from support.builders.notifications import SNS_CHANNEL, build_notice
from support.rendered_messages import check_approved, render_sections

OVERDUE_NOTICE = build_notice(
    failure_kind=FailureKind.OVERDUE,
    reason="no complete audit for 1d 7h",
    next_step="read its last lines in the log of the function audit, fix the cause",
)


def build_notice_message(
    notice: FailureNotice, project: str = "search", *, is_possible_duplicate: bool = False
) -> NoticeMessage:
    """Build the message of a notice to a topic."""
    (message,) = create_notice_messages(project, notice, (SNS_CHANNEL,))
    return NoticeMessage(message, notice, is_possible_duplicate)


def render_slack(message: NoticeMessage) -> Any:
    """Return what a webhook gets of a message."""
    return build_notice_payload(message.title, message.advice, message.footnotes)


CASES: Mapping[str, NoticeMessage] = {
    "audit-failed": build_notice_message(build_notice()),
    "audit-overdue": build_notice_message(OVERDUE_NOTICE, is_possible_duplicate=True),
    "audit-failed-reminder": build_notice_message(build_notice(NoticeKind.REMINDER, hours=24)),
    "audit-failed-ever": build_notice_message(replace(build_notice(), complete_at=None)),
    "audit-failure-resolved": build_notice_message(build_notice(NoticeKind.RESOLVED, hours=25)),
    "audit-overdue-resolved": build_notice_message(replace(OVERDUE_NOTICE, kind=NoticeKind.RESOLVED)),
}


@pytest.mark.parametrize("case", CASES)
def test_notices_are_approved(case: str, request: pytest.FixtureRequest) -> None:
    """Subject, e-mail, JSON and what Slack shows are as approved."""
    message = CASES[case]
    check_approved(case, render_sections(build_notice_publication(message), render_slack(message)), request.config)


TEXTS = st.text(max_size=40) | st.sampled_from(["<!channel>", "\u202e", "é\n\n# "]) | st.just("\U0001f600<&" * 2000)


@given(TEXTS.filter(bool), TEXTS, TEXTS, st.sampled_from(NoticeKind), st.sampled_from(FailureKind))
def test_every_notice_fits_its_channels(
    project: str, reason: str, next_step: str, kind: NoticeKind, failure_kind: FailureKind
) -> None:
    """A notice is within the limits of SNS, Slack and the bus, and its texts are never markup."""
    notice = build_notice(kind, failure_kind=failure_kind, reason=reason, next_step=next_step)
    message = build_notice_message(notice, project)
    publication = build_notice_publication(message)
    assert publication.size <= MAX_PUBLICATION_BYTES
    assert 0 < len(publication.subject) <= MAX_SUBJECT_LENGTH
    assert publication.subject.isascii()
    assert publication.subject.isprintable()
    header, advice, footnote = render_slack(message)["blocks"]
    (paragraph,) = advice["elements"]
    assert [(it["type"], set(it)) for it in paragraph["elements"]] == [("text", {"type", "text"})]
    assert 1 <= count_units(paragraph["elements"][0]["text"]) <= 3000
    small_print = (header["text"], *footnote["elements"])
    assert all(it["type"] == "plain_text" and not set(it["text"]) & {"<", ">"} for it in small_print)
    assert all(1 <= count_units(it["text"]) <= 3000 for it in small_print)
    assert count_units(header["text"]["text"]) <= 150
    assert len(json.dumps(build_failure_event(project, notice)[1])) < 200_000
