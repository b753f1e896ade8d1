"""Looks at a fleet of twenty projects write one page of a night, correct it, and record its digests once."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from referencing import Registry as SchemaRegistry
from referencing import Resource as SchemaResource

from backup_auditor.application.fleet_page import FleetPageWriter
from backup_auditor.domain.audit_failure import AuditRow, FailedAudit, WatchedProject
from backup_auditor.domain.audit_record import LastAudits, StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryState, UnregisteredProject
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage, FleetRecords
from backup_auditor.domain.outbox import DigestTiming, FleetChannel
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.errors import EvidenceError
from backup_auditor.rendering.fleet_json import load_fleet_document, render_project_row
from support.builders.facts import DAY, HOUR, NOW
from support.builders.fleets import build_neglected_project, build_project
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL, make_report_link
from support.fakes.fleet import FakeFleetArchive, FakeFleetStore
from support.fakes.log import FakeLog

MINUTE = timedelta(minutes=1)
NAMES = tuple(f"team-{number:02d}" for number in range(20))
CHANNELS = (FleetChannel(SNS_CHANNEL), FleetChannel(SLACK_CHANNEL, DigestTiming.ON_CHANGE))


@dataclass
class FleetHarness:
    """A registry, what is stored about its projects, and what looks write."""

    registry: Registry = field(
        default_factory=lambda: Registry(tuple(map(RegisteredProject, NAMES)), fleet_channels=CHANNELS)
    )
    projects: dict[str, WatchedProject] = field(
        default_factory=lambda: dict.fromkeys(NAMES, WatchedProject(LastAudits(NOW - DAY, NOW - DAY)))
    )
    store: FakeFleetStore = field(default_factory=FakeFleetStore)
    archive: FakeFleetArchive = field(default_factory=FakeFleetArchive)
    log: FakeLog = field(default_factory=FakeLog)
    seconds_left: float = 100.0
    discovery: DiscoveryState | None = None

    def audit(self, moment: datetime, *names: str, night: datetime = NOW, **facts: Any) -> None:
        """Record an audit of some projects for the scheduled request of a night."""
        for name in names:
            location = f"s3://evidence/{name}/{moment.date()}/{'0' * 32}/report"
            report = StoredReport(f"{location}.json", "5f" * 32, StoredFile(f"{location}.html", "7c" * 32))
            build = build_neglected_project if "open_counts" in facts else build_project
            row = replace(build(name, observed_at=moment, **facts), report=report)
            request_id = f"{format_moment(night)}/{name}"
            self.projects[name] = WatchedProject(
                LastAudits(moment, moment), row=AuditRow(moment, render_project_row(row), request_id)
            )

    def look(self, now: datetime) -> FleetPage | None:
        """Look at the fleet at a time, and return the page that the look wrote."""
        discovery = self.discovery
        load_discovery = None if discovery is None else lambda: discovery
        writer = FleetPageWriter(
            self.store, self.archive, make_report_link, lambda: self.seconds_left, self.log, load_discovery
        )
        return writer.write_due_page(self.registry, self.projects, (), now)

    def list_states(self, page: FleetPage | None) -> dict[str, str]:
        """Return the compliance of each project on a page, and `not audited` for the others."""
        assert page is not None
        location = page.document.location
        fleet = load_fleet_document(self.archive.files[location], location).fleet
        return {it.name: it.compliance.value for it in fleet.projects} | {
            it.name: "not audited" for it in fleet.unaudited
        }

    def list_unregistered(self, page: FleetPage | None) -> list[str]:
        """Return the names of the projects that are unregistered on a page, which must be known."""
        assert page is not None
        location = page.document.location
        unregistered = load_fleet_document(self.archive.files[location], location).fleet.unregistered
        assert unregistered is not None
        assert unregistered.is_current
        return [it.name for it in unregistered.projects]

    def take_channels(self) -> list[str]:
        """Remove the messages so far, and return their channels."""
        messages, self.store.messages = self.store.messages, []
        return [it.channel_id for it in messages]


ALL_COMPLIANT = dict.fromkeys(NAMES, "COMPLIANT")
BOTH = [SNS_CHANNEL.channel_id, SLACK_CHANNEL.channel_id]


def test_the_page_is_written_when_all_audits_are_in() -> None:
    """The first look after the last audit writes the page, and further looks write nothing."""
    harness = FleetHarness()
    assert harness.look(NOW) is None
    harness.audit(NOW + MINUTE, *NAMES[:-1])
    assert harness.look(NOW + HOUR) is None
    harness.audit(NOW + 2 * MINUTE, NAMES[-1])
    page = harness.look(NOW + 2 * HOUR)
    assert page is not None
    assert (page.night, page.revision, harness.list_states(page)) == (NOW, 1, ALL_COMPLIANT)
    assert harness.take_channels() == BOTH
    assert [harness.look(NOW + it * HOUR) for it in range(3, 24)] == [None] * 21
    assert len(harness.archive.files) == 2


def test_a_project_found_unregistered_corrects_the_page() -> None:
    """It is on the page until it is registered; another look with the same result writes nothing."""
    harness = FleetHarness()
    harness.audit(NOW + MINUTE, *NAMES)
    harness.discovery = DiscoveryState(complete_at=NOW - HOUR)
    assert harness.list_unregistered(harness.look(NOW + HOUR)) == []
    harness.discovery = DiscoveryState(
        complete_at=NOW + HOUR, projects=(UnregisteredProject("p-9", "payments", NOW + HOUR),)
    )
    page = harness.look(NOW + 2 * HOUR)
    assert page is not None
    assert (page.revision, harness.list_unregistered(page)) == (2, ["payments"])
    harness.discovery = replace(harness.discovery, complete_at=NOW + 2 * HOUR)
    assert harness.look(NOW + 3 * HOUR) is None
    harness.discovery = DiscoveryState(complete_at=NOW + 3 * HOUR)
    assert harness.list_unregistered(harness.look(NOW + 4 * HOUR)) == []


def test_a_project_found_unregistered_is_a_change_for_digests() -> None:
    """A channel that hears of changes gets a digest of the first night that has the project, and of no other."""
    harness = FleetHarness()
    harness.discovery = DiscoveryState(complete_at=NOW)
    takes = []
    for number in range(4):
        night = NOW + number * DAY
        harness.audit(night + MINUTE, *NAMES, night=night)
        projects = (UnregisteredProject("p-9", "payments", NOW),) if number else ()
        harness.discovery = DiscoveryState(complete_at=night, projects=projects)
        harness.look(night + HOUR)
        takes.append(harness.take_channels())
    assert takes == [BOTH, BOTH, BOTH[:1], BOTH[:1]]


def test_broken_projects_are_not_waited_for_and_are_named() -> None:
    """A failed request, a mistake in the registry and an overdue project end up on the page, each with its reason."""
    harness = FleetHarness()
    failed, invalid, overdue, *others = NAMES
    harness.registry = replace(
        harness.registry,
        projects=tuple(it for it in harness.registry.projects if it.name != invalid),
        errors=(EntryError(invalid, 7, "has no secret; add it"),),
    )
    long_ago = NOW - 31 * HOUR
    harness.projects[overdue] = WatchedProject(LastAudits(long_ago, long_ago))
    harness.projects[failed] = replace(
        harness.projects[failed], failed_audit=FailedAudit(NOW + MINUTE, "401: Invalid API key")
    )
    harness.audit(NOW + MINUTE, *others)
    page = harness.look(NOW + HOUR)
    expected = {**dict.fromkeys(others, "COMPLIANT"), **dict.fromkeys((failed, invalid, overdue), "not audited")}
    assert harness.list_states(page) == expected
    assert harness.look(NOW + 9 * HOUR) is None


def test_a_late_audit_corrects_the_page_without_a_second_daily_digest() -> None:
    """The page does not wait for a late project, and its audit is a new revision of the same night."""
    harness = FleetHarness()
    late, *others = NAMES
    harness.audit(NOW + MINUTE, *others)
    assert harness.look(NOW + 5 * HOUR - MINUTE) is None
    assert harness.list_states(harness.look(NOW + 5 * HOUR))[late] == "not audited"
    assert harness.take_channels() == BOTH
    harness.audit(NOW + 6 * HOUR, late)
    page = harness.look(NOW + 7 * HOUR)
    assert page is not None
    assert (page.night, page.revision, harness.list_states(page)) == (NOW, 2, ALL_COMPLIANT)
    assert harness.take_channels() == []
    assert len(harness.archive.files) == 4, "no page is overwritten"


def test_a_correction_with_the_first_change_of_a_night_is_sent_on_change() -> None:
    """A night without a change sends nothing on change; a late audit with one does, once."""
    harness = FleetHarness()
    harness.audit(NOW + MINUTE, *NAMES)
    harness.look(NOW + HOUR)
    harness.take_channels()
    harness.audit(NOW + DAY + MINUTE, *NAMES, night=NOW + DAY)
    harness.look(NOW + DAY + HOUR)
    assert harness.take_channels() == [SNS_CHANNEL.channel_id]
    harness.audit(
        NOW + DAY + 2 * HOUR, NAMES[0], night=NOW + DAY, open_counts=dict.fromkeys(build_project().open_counts, 1)
    )
    harness.look(NOW + DAY + 3 * HOUR)
    (message,) = harness.store.messages
    assert message.channel_id == SLACK_CHANNEL.channel_id
    assert isinstance(message.content, FleetComparison)
    first_page, *_, correction = harness.store.pages
    assert message.content.page == correction
    assert message.content.previous is not None
    assert message.content.previous.location == first_page.document.location
    harness.take_channels()
    harness.audit(NOW + DAY + 4 * HOUR, NAMES[0], night=NOW + DAY)
    assert harness.look(NOW + DAY + 5 * HOUR) is not None
    assert harness.take_channels() == []


def test_a_night_in_which_nothing_ran_has_a_page() -> None:
    """Without a request for 30 hours, the page of the next night says that no project was audited."""
    harness = FleetHarness()
    harness.audit(NOW + MINUTE, *NAMES)
    harness.look(NOW + HOUR)
    assert harness.look(NOW + 30 * HOUR - MINUTE) is None
    page = harness.look(NOW + 30 * HOUR)
    assert page is not None
    assert (page.night, set(harness.list_states(page).values())) == (NOW + DAY, {"not audited"})


class SlowStore(FakeFleetStore):
    """A store whose first answer comes after another look has recorded its page."""

    other_look: Callable[[], object] | None = None

    def load_records(self, channel_ids: Iterable[str]) -> FleetRecords:
        """Return the last page as it was before the other look."""
        records, look = super().load_records(channel_ids), self.other_look
        self.other_look = None
        if look is not None:
            look()
        return records


def test_two_looks_at_once_write_one_page() -> None:
    """The second look stores the same files and records nothing."""
    store = SlowStore()
    harness = FleetHarness(store=store)
    harness.audit(NOW + MINUTE, *NAMES)
    pages = []
    store.other_look = lambda: pages.append(harness.look(NOW + HOUR))
    assert harness.look(NOW + HOUR) is None
    assert [it and it.revision for it in pages] == [1]
    assert (len(store.pages), len(harness.archive.files)) == (1, 2)
    assert harness.take_channels() == BOTH


def test_a_page_that_was_stored_and_not_recorded_is_not_overwritten() -> None:
    """The next look takes the next revision if it has to say something else."""
    harness = FleetHarness()
    harness.archive.store_fleet(NOW, 1, ["another page"])
    harness.audit(NOW + MINUTE, *NAMES)
    page = harness.look(NOW + HOUR)
    assert page is not None
    assert page.revision == 2
    assert json.loads(harness.archive.files[page.document.location])["night"]["revision"] == 2


def test_an_error_of_the_html_page_does_not_stop_the_document() -> None:
    """The page is recorded without HTML, and the log says why."""
    harness = FleetHarness(archive=FakeFleetArchive(page_error=EvidenceError("the bucket is full; empty it")))
    harness.audit(NOW + MINUTE, *NAMES)
    page = harness.look(NOW + HOUR)
    assert page is not None
    assert page.document.page is None
    assert harness.log.get_messages("error") == [
        f"{page.document.location} has no HTML page: the bucket is full; empty it"
    ]


def test_no_page_begins_without_time() -> None:
    """A look that has no time left writes the page next time."""
    harness = FleetHarness(seconds_left=29.0)
    harness.audit(NOW + MINUTE, *NAMES)
    assert harness.look(NOW + HOUR) is None
    harness.seconds_left = 30.0
    assert harness.look(NOW + 2 * HOUR) is not None


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(None, id="of-an-older-version"),
        pytest.param(AuditRow(NOW + HOUR, "{}"), id="of-a-discarded-audit"),
        pytest.param(AuditRow(NOW + MINUTE, "{}"), id="of-another-version"),
    ],
)
def test_an_audit_without_its_row_is_not_shown_as_audited(row: AuditRow | None) -> None:
    """A row must be of the last recorded audit and readable."""
    harness = FleetHarness()
    harness.audit(NOW + MINUTE, *NAMES)
    harness.projects[NAMES[0]] = replace(harness.projects[NAMES[0]], row=row)
    assert harness.look(NOW + HOUR) is None
    assert harness.list_states(harness.look(NOW + 5 * HOUR))[NAMES[0]] == "not audited"


def load_schema(name: str) -> Any:
    """Return a published schema."""
    return json.loads(files("backup_auditor.rendering").joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))


def test_the_document_has_the_published_schema_and_the_page_leads_to_the_projects() -> None:
    """The document has no reports, and the page links each project and shows when it was audited."""
    harness = FleetHarness()
    harness.audit(NOW + MINUTE, *NAMES)
    page = harness.look(NOW + HOUR)
    assert page is not None
    assert page.document.page is not None
    document = json.loads(harness.archive.files[page.document.location])
    schemas = SchemaRegistry().with_resources(
        (it["$id"], SchemaResource.from_contents(it)) for it in (load_schema("report"), load_schema("fleet"))
    )
    jsonschema.Draft202012Validator(load_schema("fleet"), registry=schemas).validate(document)
    assert (document["night"], document["reports"]) == ({"started_at": format_moment(NOW), "revision": 1}, [])
    html = harness.archive.files[page.document.page.location].decode()
    for name in NAMES:
        link = make_report_link(f"s3://evidence/{name}/2026-11-22/{'0' * 32}/report.html")
        assert link is not None
        assert f'<a href="{link.replace("&", "&amp;")}"><bdi>{name}</bdi></a>' in html
    assert "Night of 2026-11-22 12:00 UTC" in html
    assert html.count("2026-11-22 12:01 UTC</td>") == len(NAMES)
