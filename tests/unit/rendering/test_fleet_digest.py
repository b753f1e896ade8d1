"""Digests of the fleet compared with approved ones, and within the limits of channels for a thousand projects."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import UnregisteredProject
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage
from backup_auditor.domain.notifications.fleet_night import create_digest_messages
from backup_auditor.domain.outbox import FleetChannel
from backup_auditor.domain.reporting.fleet import (
    Fleet,
    FleetProject,
    UnauditedProject,
    UnregisteredProjects,
    build_fleet,
)
from backup_auditor.rendering.fleet_digest import FleetDigest
from backup_auditor.rendering.fleet_json import FleetDocument, load_fleet_document, load_project_row, render_project_row
from backup_auditor.rendering.formats.json import render_fleet_document
from backup_auditor.rendering.slack import MAX_BLOCKS, MAX_BLOCKS_LENGTH, build_fleet_payload
from backup_auditor.rendering.sns import MAX_PUBLICATION_BYTES, MAX_SUBJECT_LENGTH, build_fleet_publication
from backup_auditor.rendering.text import count_units
from support.builders.facts import DAY, HOUR, NOW
from support.builders.fleets import build_mixed_fleet, build_neglected_project, build_open_counts, build_project
from support.builders.notifications import SNS_CHANNEL, make_report_link
from support.rendered_messages import check_approved, render_sections

_FOLDER = "s3://evidence/.fleet/2026-11-22/120000Z"
DOCUMENT = StoredReport(f"{_FOLDER}/fleet.1.json", "5f" * 32, StoredFile(f"{_FOLDER}/fleet.1.html", "7c" * 32))
QUIET_FLEET = build_fleet([build_project("search"), build_project("shop")], [])


def build_fleet_digest(
    fleet: Fleet,
    previous: Fleet | None = QUIET_FLEET,
    document: StoredReport = DOCUMENT,
    *,
    is_possible_duplicate: bool = False,
) -> FleetDigest:
    """Build the digest of a night to a topic, compared with the night before."""
    page = FleetPage(NOW, 1, "c" * 64, document)
    (message,) = create_digest_messages(page, [FleetChannel(SNS_CHANNEL)], {}, NOW)
    assert isinstance(message.content, FleetComparison)
    return FleetDigest(
        message,
        message.content,
        FleetDocument(NOW, 1, fleet),
        None if previous is None else FleetDocument(NOW - DAY, 2, previous),
        make_report_link,
        is_possible_duplicate,
    )


CHANGED_FLEET = build_fleet(
    [
        build_neglected_project("search", 2, 0, 1),
        build_project("new"),
        build_project("mail", compliance=Compliance.INSUFFICIENT_DATA, unknown_count=3),
    ],
    [UnauditedProject("shop", "401: Invalid API key; fix the cause")],
    ['Registry entries "mail" and "new" open the same Pinecone project.'],
)
EARLIER_FLEET = build_fleet(
    [build_neglected_project("search", 1), build_project("shop"), build_project("mail"), build_project("old")], []
)
UNREGISTERED = UnregisteredProjects(
    (
        UnregisteredProject("p-9", "payments", NOW - 2 * DAY, "-Oacme", NOW - 3 * DAY),
        UnregisteredProject("p-8", "reports", NOW, detail="ignored by ops@example.com until 2026-11-20"),
    ),
    NOW - HOUR,
    is_current=True,
)
CASES: Mapping[str, FleetDigest] = {
    "fleet-changed": build_fleet_digest(CHANGED_FLEET, EARLIER_FLEET),
    "fleet-unchanged": build_fleet_digest(QUIET_FLEET),
    "fleet-first": build_fleet_digest(build_mixed_fleet(), None),
    "fleet-possible-duplicate": build_fleet_digest(
        build_fleet([], [UnauditedProject("search", "503"), UnauditedProject("shop", "503")]),
        is_possible_duplicate=True,
    ),
    "fleet-unregistered": build_fleet_digest(replace(QUIET_FLEET, unregistered=UNREGISTERED)),
    "fleet-without-an-organization": build_fleet_digest(
        replace(QUIET_FLEET, unregistered=UnregisteredProjects((), NOW - 2 * DAY, is_current=False))
    ),
    "fleet-without-a-page": build_fleet_digest(QUIET_FLEET, document=replace(DOCUMENT, page=None)),
}


@pytest.mark.parametrize("case", CASES)
def test_digests_of_the_fleet_are_approved(case: str, request: pytest.FixtureRequest) -> None:
    """Subject, e-mail, JSON and what Slack shows are as approved."""
    digest = CASES[case]
    check_approved(case, render_sections(build_fleet_publication(digest), build_fleet_payload(digest)), request.config)


def build_large_fleet(count: int, name: str, reason: str) -> tuple[Fleet, Fleet]:
    """Build a fleet whose projects all changed or were not audited, and the one before."""
    names = [f"{name}-{number:04d}" for number in range(count)]
    half = count // 2
    current = build_fleet(
        [build_neglected_project(it, 1, 2, 3, 4) for it in names[:half]],
        [UnauditedProject(it, reason) for it in names[half:]],
        [reason] * 3,
        replace(UNREGISTERED, projects=tuple(UnregisteredProject(it, it, NOW, detail=reason) for it in names[:400])),
    )
    return current, build_fleet(map(build_project, names), [])


@pytest.mark.parametrize(
    "name,reason",
    [
        pytest.param("team", "401: Invalid API key; fix the cause", id="plain"),
        pytest.param("\U0001f600" * 90, "<!channel> & \u202e" * 400, id="hostile"),
    ],
)
def test_a_digest_of_a_thousand_projects_fits_and_counts_the_others(name: str, reason: str) -> None:
    """What does not fit is folded, in text, in JSON and on Slack."""
    digest = build_fleet_digest(*build_large_fleet(1000, name, reason))
    publication, payload = build_fleet_publication(digest), build_fleet_payload(digest)
    assert publication.size <= MAX_PUBLICATION_BYTES
    assert len(publication.subject) <= MAX_SUBJECT_LENGTH
    assert publication.subject.isascii()
    document = json.loads(json.loads(publication.message)["sqs"])
    assert len(document["changed"]) + document["omitted"]["changed"] == 1000
    assert len(document["unregistered"]["projects"]) + document["omitted"]["unregistered"] == 400
    assert len(document["not_audited"]) + document["omitted"]["not_audited"] == 500
    assert " more." in json.loads(publication.message)["email"]
    blocks: Any = payload["blocks"]
    assert len(blocks) <= MAX_BLOCKS
    assert count_units(json.dumps(blocks, separators=(",", ":"), ensure_ascii=False)) <= MAX_BLOCKS_LENGTH
    assert "more. The page has all of them." in json.dumps(blocks)


@pytest.mark.parametrize(
    "fleet,expected",
    [
        pytest.param(QUIET_FLEET, (Compliance.COMPLIANT, "OK"), id="compliant"),
        pytest.param(
            build_fleet([build_project()], [UnauditedProject("shop", "503")]),
            (Compliance.INSUFFICIENT_DATA, "UNKNOWN"),
            id="one-not-audited",
        ),
        pytest.param(
            replace(QUIET_FLEET, unregistered=replace(UNREGISTERED, projects=())),
            (Compliance.COMPLIANT, "OK"),
            id="none-unregistered",
        ),
        pytest.param(
            replace(QUIET_FLEET, unregistered=UNREGISTERED),
            (Compliance.INSUFFICIENT_DATA, "UNKNOWN"),
            id="one-unregistered",
        ),
        pytest.param(
            replace(QUIET_FLEET, unregistered=UnregisteredProjects((), NOW - 2 * DAY, is_current=False)),
            (Compliance.INSUFFICIENT_DATA, "UNKNOWN"),
            id="unregistered-unknown",
        ),
        pytest.param(build_fleet([], []), (Compliance.INSUFFICIENT_DATA, "UNKNOWN"), id="empty"),
        pytest.param(
            build_fleet([build_neglected_project("shop", 0, 1)], [UnauditedProject("mail", "503")]),
            (Compliance.NON_COMPLIANT, "HIGH"),
            id="non-compliant",
        ),
    ],
)
def test_a_fleet_is_compliant_only_if_every_project_was_audited(fleet: Fleet, expected: tuple[Compliance, str]) -> None:
    """A project that was not audited makes the fleet unknown, unless another one is non-compliant."""
    digest = build_fleet_digest(fleet)
    assert (digest.compliance, digest.title_parts[0]) == expected


def test_a_stored_page_is_read_as_it_was_written() -> None:
    """The fleet of a document is the one that was written, apart from the counts of coverage."""
    fleet = build_mixed_fleet()
    document = "".join(render_fleet_document(fleet, night=(NOW, 3))).encode()
    assert load_fleet_document(document, "s3://x") == FleetDocument(
        NOW, 3, replace(fleet, projects=tuple(replace(it, coverage=None) for it in fleet.projects))
    )


ROWS = (
    *build_mixed_fleet().projects,
    replace(build_project(), report=DOCUMENT),
    replace(build_project(open_counts=build_open_counts(4, 3, 2, 1)), report=replace(DOCUMENT, page=None)),
)


@pytest.mark.parametrize("row", ROWS)
def test_a_stored_row_is_read_as_it_was_written(row: FleetProject) -> None:
    """A row keeps all its figures, whose order of severities is the usual one."""
    loaded_row = load_project_row(render_project_row(row))
    assert loaded_row == row
    assert list(loaded_row.open_counts) == list(reversed(Severity))
