"""Notices about an organization compared with approved ones, and within the limits of channels."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.discovery_notice import DiscoveryNotice, Resolution
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.discovery import create_discovery_messages
from backup_auditor.domain.organization import AccountSubject
from backup_auditor.rendering.discovery_notice import DiscoveryMessage
from backup_auditor.rendering.events import build_discovery_events
from backup_auditor.rendering.slack import MAX_BLOCKS, MAX_BLOCKS_LENGTH, build_discovery_payload
from backup_auditor.rendering.sns import MAX_PUBLICATION_BYTES, MAX_SUBJECT_LENGTH, build_discovery_publication
from backup_auditor.rendering.text import count_units
from support.builders.notifications import SNS_CHANNEL
from support.builders.organizations import (
    build_alert,
    build_discovery_notice,
    build_resolved,
    build_unregistered,
)
from support.rendered_messages import check_approved, render_sections

MAX_EVENT_BYTES = 256 * 1024


def build_message(notice: DiscoveryNotice, *, is_possible_duplicate: bool = False) -> DiscoveryMessage:
    """Build the message of a notice to a topic."""
    message = create_discovery_messages(notice, (SNS_CHANNEL,))[-1]
    return DiscoveryMessage(message, notice, is_possible_duplicate)


PLAN_ALERT = build_alert(AccountSubject.PLAN, "Standard, enterprise")
CASES: Mapping[str, DiscoveryMessage] = {
    "project-unregistered": build_message(build_discovery_notice()),
    "projects-unregistered": build_message(
        build_discovery_notice(
            new_projects=tuple(build_unregistered(f"team-{number:03d}") for number in range(14)),
            open_projects=(build_unregistered("old", 6, detail="search-team ignored it until 2026-11-15"),),
            caveats=("The Pinecone project of 1 entry is unknown ('billing'); add project_id to each.",),
        ),
        is_possible_duplicate=True,
    ),
    "projects-resolved": build_message(
        build_discovery_notice(
            kind=NoticeKind.RESOLVED,
            new_projects=(),
            open_projects=(build_unregistered("old", 6),),
            resolved_projects=tuple(build_resolved(it, it) for it in Resolution),
        )
    ),
    "projects-reminder": build_message(
        build_discovery_notice(kind=NoticeKind.REMINDER, new_projects=(), open_projects=(build_unregistered("old", 7),))
    ),
    "payment-overdue": build_message(
        build_discovery_notice(new_projects=(), new_alerts=(build_alert(), PLAN_ALERT), open_alerts=())
    ),
    "payment-resolved": build_message(
        build_discovery_notice(kind=NoticeKind.RESOLVED, new_projects=(), resolved_alerts=(build_alert(), PLAN_ALERT))
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_notices_are_approved(case: str, request: pytest.FixtureRequest) -> None:
    """Subject, e-mail, JSON and what Slack shows are as approved."""
    message = CASES[case]
    sections = render_sections(build_discovery_publication(message), build_discovery_payload(message))
    check_approved(case, sections, request.config)


def test_many_projects_are_one_message_with_the_first_of_them() -> None:
    """The first line has the next step, the lists are folded, and the bus gets an event for each project."""
    projects = tuple(build_unregistered(f"team-{number:03d}") for number in range(400))
    notice = build_discovery_notice(new_projects=projects)
    message = build_message(notice)
    parts = json.loads(build_discovery_publication(message).message)
    first_line, _, *rows = parts["email"].splitlines()
    assert first_line.startswith("HIGH: fleet: 400 projects unregistered. Next: register or ignore each project;")
    assert rows[100] == "300 more; registry discover lists all"
    document = json.loads(parts["sqs"])
    assert (len(document["projects"]), document["omitted"]) == (100, 300)
    assert "388 more; registry discover lists all" in json.dumps(build_discovery_payload(message))
    assert len({detail["project_id"] for _, detail in build_discovery_events(notice)}) == 400


TEXTS = st.text(max_size=40) | st.sampled_from(["<!channel>", "\u202e", "é\n\n# "]) | st.just('\U0001f600<&"' * 2000)
PROJECTS = st.builds(build_unregistered, TEXTS, detail=TEXTS | st.none())


@given(st.data(), st.sampled_from(NoticeKind), st.sampled_from([1, 40, 500]), TEXTS)
def test_every_notice_fits_its_channels(data: st.DataObject, kind: NoticeKind, factor: int, value: str) -> None:
    """A notice is within the limits of SNS, Slack and the bus, and its texts are never markup."""
    new, still_open = (tuple(data.draw(st.lists(PROJECTS, min_size=1, max_size=3))) * factor for _ in range(2))
    alerts = tuple(build_alert(it, value) for it in AccountSubject) * 30
    parts: Mapping[NoticeKind, Mapping[str, object]] = {
        NoticeKind.OPENED: {"new_projects": new, "open_projects": still_open, "new_alerts": alerts},
        NoticeKind.REMINDER: {"new_projects": (), "open_projects": still_open, "open_alerts": alerts},
        NoticeKind.RESOLVED: {
            "new_projects": (),
            "resolved_projects": tuple(build_resolved(it.name) for it in new),
            "resolved_alerts": alerts,
        },
    }
    message = build_message(build_discovery_notice(kind=kind, caveats=(value,), **parts[kind]))
    publication = build_discovery_publication(message)
    assert publication.size <= MAX_PUBLICATION_BYTES
    assert 0 < len(publication.subject) <= MAX_SUBJECT_LENGTH
    assert publication.subject.isascii()
    assert publication.subject.isprintable()
    blocks = build_discovery_payload(message)["blocks"]
    assert isinstance(blocks, list)
    assert len(blocks) <= MAX_BLOCKS
    assert count_units(json.dumps(blocks, separators=(",", ":"), ensure_ascii=False)) <= MAX_BLOCKS_LENGTH
    events = list(build_discovery_events(message.notice))
    assert len(events) == len(message.notice.new_projects)
    assert all(len(json.dumps(detail).encode()) < MAX_EVENT_BYTES / 2 for _, detail in events[:5])
