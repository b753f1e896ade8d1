"""A project whose audits fail or are overdue is counted, logged and reported to its channels, once."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.application.fleet_page import FleetPageWriter
from backup_auditor.application.watch import watch_projects
from backup_auditor.domain.audit_failure import AuditRow, FailureNotice, WatchedProject
from backup_auditor.domain.audit_record import LastAudits
from backup_auditor.domain.fleet_record import FleetRecords
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.outbox import Channel
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import DeliveryError, PineconeError, SecretError, StateError
from backup_auditor.rendering.fleet_json import load_fleet_document, render_project_row
from support.builders.facts import DAY, HOUR, NOW, SECOND
from support.builders.fleets import build_project
from support.builders.notifications import EVENT_CHANNEL, SLACK_CHANNEL, SNS_CHANNEL
from support.fakes.fleet import FakeFleetArchive, FakeFleetStore
from support.fakes.watch import FakeWatchDependencies, FakeWatchStore


def describe_step(name: str) -> str:
    """Return the next step for a project."""
    return f'fix the cause, then invoke the function audit with {{"project": "{name}"}}'


def register(name: str, ping: str, key: str | None = None) -> RegisteredProject:
    """Return a project with a ping URL."""
    return RegisteredProject(name, key or f"keys/{name}", ping_secret=ping)


class WatchHarness:
    """Projects with their audits, and the results of looks at them."""

    def __init__(self, *projects: str | RegisteredProject, complete: Mapping[str, datetime] | None = None) -> None:
        """Register projects whose last complete audits were at these times; one hour ago without a time."""
        self.registry = Registry(tuple(RegisteredProject(it) if isinstance(it, str) else it for it in projects))
        self.deps = FakeWatchDependencies()
        for name in self.registry.names:
            complete_at = (complete or {}).get(name, NOW - HOUR)
            self.store.set_audits(name, complete_at, complete_at)

    @property
    def store(self) -> FakeWatchStore:
        """The store of the dependencies."""
        return self.deps.store

    def look(self, wait: timedelta = timedelta()) -> dict[str, Any]:
        """Look at all projects after a wait, and return the result."""
        self.deps.moment += wait
        return watch_projects(self.registry, self.deps)

    def take_notices(self) -> list[tuple[str, str, NoticeKind]]:
        """Remove and return the recorded messages: project, channel and kind of notice."""
        messages, self.store.messages = self.store.messages, []
        return [
            (it.project, it.channel_id, it.content.kind) for it in messages if isinstance(it.content, FailureNotice)
        ]


@pytest.mark.parametrize(
    "age, overdue",
    [
        pytest.param(30 * HOUR, [], id="at-limit"),
        pytest.param(30 * HOUR + SECOND, ["search"], id="one-second-past"),
    ],
)
def test_a_project_is_overdue_after_30_hours(age: timedelta, overdue: list[str]) -> None:
    """The time counts from the last complete audit."""
    assert WatchHarness("search", complete={"search": NOW - age}).look()["projects"] == overdue


def test_failures_are_counted_and_each_is_logged_with_the_next_step() -> None:
    """The metrics count all projects of the stack, and the log has a line for each failure."""
    harness = WatchHarness("search", "late", "failed", complete={"late": NOW - 31 * HOUR})
    harness.store.fail_audit("failed", NOW)
    assert harness.look() == {
        "registered": 3,
        "overdue": 1,
        "projects": ["late"],
        "failing": ["late", "failed"],
        "incomplete": [],
    }
    assert harness.deps.values == {"ProjectsOverdue": [1], "ProjectsIncomplete": [0], "ProjectsNewlyFailed": [2]}
    first_step = "read its last lines in the log of the function audit"
    assert harness.deps.log.get_messages("error") == [
        f"late: no complete audit for 1d 7h; {first_step}, {describe_step('late')}",
        f"failed: 401: Invalid API key; {describe_step('failed')}, or wait for the next night",
    ]
    assert [facts["project"] for level, _, facts in harness.deps.log.lines if level == "error"] == ["late", "failed"]


def test_a_second_failure_is_counted_while_the_first_lasts() -> None:
    """Each failure is new in one look, whatever other failures there are."""
    harness = WatchHarness("a", "b")
    harness.store.fail_audit("a", NOW)
    harness.look()
    harness.look(HOUR)
    harness.store.fail_audit("b", harness.deps.moment)
    harness.look(HOUR)
    harness.look(HOUR)
    assert harness.deps.values["ProjectsNewlyFailed"] == [1, 0, 1, 0]


def test_a_project_with_a_failure_is_reported_to_its_own_channels() -> None:
    """Its channels get the first notice, a reminder each day and the end, and the bus only the first notice."""
    harness = WatchHarness(
        RegisteredProject("a", channels=(EVENT_CHANNEL, SNS_CHANNEL)),
        RegisteredProject("b", channels=(EVENT_CHANNEL, SLACK_CHANNEL)),
    )
    sns, slack = SNS_CHANNEL.channel_id, SLACK_CHANNEL.channel_id
    harness.store.fail_audit("a", NOW)
    harness.look()
    assert harness.take_notices() == [("a", "events", NoticeKind.OPENED), ("a", sns, NoticeKind.OPENED)]
    for hour in range(1, 24):
        harness.look(HOUR)
        assert harness.take_notices() == [], hour
    harness.store.fail_audit("b", harness.deps.moment)
    harness.look(HOUR)
    assert harness.take_notices() == [
        ("a", sns, NoticeKind.REMINDER),
        ("b", "events", NoticeKind.OPENED),
        ("b", slack, NoticeKind.OPENED),
    ]
    harness.store.set_audits("a", harness.deps.moment + SECOND, harness.deps.moment + SECOND)
    harness.look(HOUR)
    assert harness.take_notices() == [("a", sns, NoticeKind.RESOLVED)]
    harness.look(HOUR)
    assert harness.take_notices() == []


def test_an_invalid_entry_is_reported_on_the_bus() -> None:
    """The channels of an invalid entry are unknown."""
    harness = WatchHarness()
    harness.registry = Registry((), (EntryError("typo", 3, "unknown key"),))
    harness.store.fail_audit("typo", NOW)
    harness.look()
    assert harness.take_notices() == [("typo", "events", NoticeKind.OPENED)]


def test_a_removed_project_is_forgotten() -> None:
    """Its end is not reported. If it is added again months later and fails, that is a new failure."""
    harness = WatchHarness("a")
    registry = harness.registry
    harness.store.fail_audit("a", NOW)
    harness.look()
    harness.registry = Registry(())
    harness.take_notices()
    assert harness.look(DAY)["failing"] == []
    assert harness.take_notices() == []
    harness.registry = registry
    harness.look(90 * DAY)
    assert harness.take_notices() == []
    assert harness.deps.values["ProjectsNewlyFailed"] == [1, 0, 1]


@pytest.mark.parametrize("error", [StateError("a cannot be written"), RuntimeError("a cannot be written")])
def test_a_notice_that_cannot_be_recorded_is_tried_again(error: Exception) -> None:
    """The other notices are recorded, URLs are called, the error is raised, and only what is recorded is counted."""
    channels: tuple[Channel, ...] = (SNS_CHANNEL,)
    harness = WatchHarness(
        RegisteredProject("a", channels=channels), RegisteredProject("b", channels=channels), register("c", "ping/c")
    )
    for name in "ab":
        harness.store.fail_audit(name, NOW)
    harness.store.write_errors = {"a": error}
    for notified_projects in (["b"], []):
        with pytest.raises(type(error), match="a cannot be written"):
            harness.look()
        assert [project for project, *_ in harness.take_notices()] == notified_projects
    assert harness.deps.pings == ["ping/c", "ping/c"]
    harness.store.write_errors = {}
    harness.look(HOUR)
    assert [project for project, *_ in harness.take_notices()] == ["a"]
    assert harness.deps.values == {
        "ProjectsOverdue": [0, 0, 0],
        "ProjectsIncomplete": [0, 0, 0],
        "ProjectsNewlyFailed": [1, 0, 1],
    }


def test_a_look_without_time_leaves_notices_to_the_next() -> None:
    """Notices that are not recorded stay due."""
    harness = WatchHarness(RegisteredProject("a", channels=(SNS_CHANNEL,)))
    harness.store.fail_audit("a", NOW)
    harness.deps.remaining_seconds = 0
    harness.look()
    assert harness.take_notices() == []
    assert harness.deps.log.get_messages("warning") == [
        "no time was left to record all notices; the next look records them"
    ]
    harness.deps.remaining_seconds = 100
    harness.look(HOUR)
    assert len(harness.take_notices()) == 1


def test_projects_whose_last_audit_was_incomplete_are_counted() -> None:
    """A project counts as incomplete if its last audit was incomplete, however old its last complete audit is."""
    harness = WatchHarness("search", "half-read", "half-read-ever", "new")
    harness.store.set_audits("half-read", NOW, NOW - HOUR)
    harness.store.set_audits("half-read-ever", NOW, None)
    harness.store.set_audits("new", None, None)
    assert harness.look()["incomplete"] == ["half-read", "half-read-ever"]
    assert harness.deps.values == {"ProjectsOverdue": [0], "ProjectsIncomplete": [2], "ProjectsNewlyFailed": [0]}
    assert harness.deps.log.get_messages("warning")[0].startswith(
        "half-read: its last audit could not read everything; check `read_errors`"
    )
    assert harness.take_notices() == []


def test_nothing_overdue_is_a_true_zero() -> None:
    """Missing counts would raise an alarm."""
    harness = WatchHarness()
    assert harness.look()["projects"] == []
    assert harness.deps.values == {"ProjectsOverdue": [0], "ProjectsIncomplete": [0], "ProjectsNewlyFailed": [0]}


def test_a_project_that_was_never_audited_waits_since_it_was_first_seen() -> None:
    """A new project has 30 hours too."""
    harness = WatchHarness("new")
    harness.store.set_audits("new", None, None)
    assert harness.look()["projects"] == []
    assert harness.look(30 * HOUR)["projects"] == []
    assert harness.look(HOUR)["projects"] == ["new"]
    assert "no complete audit since it was registered 1d 7h ago" in harness.deps.log.get_messages("error")[0]


def test_a_project_whose_entry_is_invalid_is_watched_too() -> None:
    """A registered project without any audit becomes overdue."""
    harness = WatchHarness()
    harness.registry = Registry((), (EntryError("typo", 3, "unknown key"),))
    harness.look()
    assert harness.look(31 * HOUR)["projects"] == ["typo"]


def test_a_state_that_cannot_be_read_is_no_metric() -> None:
    """A missing metric raises the alarm on a silent watch."""
    harness = WatchHarness(register("search", "ping/search"))
    harness.store.is_unreadable = True
    with pytest.raises(StateError):
        harness.look()
    assert (harness.deps.values, harness.deps.pings) == ({}, [])


def test_a_complete_audit_of_the_future_is_overdue() -> None:
    """A project whose last complete audit is in the future is overdue, because no audit is recorded until then."""
    harness = WatchHarness("ahead", "near", complete={"ahead": NOW + 200 * DAY, "near": NOW + CLOCK_TOLERANCE})
    assert harness.look()["projects"] == ["ahead"]
    (message,) = harness.deps.log.get_messages("error")
    assert message.startswith("ahead: its last complete audit is in the future")
    assert message.endswith("backup-auditor state discard --project ahead --table TABLE")


def test_projects_whose_audits_led_to_one_pinecone_project_are_incomplete() -> None:
    """One of two projects whose states have the same id is not audited, however complete both look."""
    harness = WatchHarness("a", "b", "c", "d")
    for name, pinecone_id in {"a": "project-1", "b": "project-1", "c": "project-2"}.items():
        harness.store.set_audits(name, NOW - HOUR, NOW - HOUR, pinecone_id)
    assert harness.look()["incomplete"] == ["a", "b"]
    assert harness.deps.values == {"ProjectsOverdue": [0], "ProjectsIncomplete": [2], "ProjectsNewlyFailed": [0]}
    (message,) = harness.deps.log.get_messages("error")
    assert message.startswith('Registry entries "a" and "b" open the same Pinecone project (project-1), so ')
    assert harness.deps.log.get_messages("warning") == []


def test_entries_that_share_a_secret_are_reported_once() -> None:
    """The warning is the same before any of them was audited, and when both states have the same id."""
    harness = WatchHarness(RegisteredProject("a", "keys"), RegisteredProject("b", "keys"))
    assert harness.look()["incomplete"] == ["a", "b"]
    for name in "ab":
        harness.store.set_audits(name, NOW - HOUR, NOW - HOUR, "project-1")
    harness.deps.log.lines.clear()
    assert harness.look()["incomplete"] == ["a", "b"]
    (message,) = harness.deps.log.get_messages("error")
    assert "(their key is in the secret keys)" in message


def build_pinged_harness(key: str | None = None) -> WatchHarness:
    """Build three projects, two of them with a ping URL of their own, and a stack with one."""
    harness = WatchHarness(register("a", "ping/a"), register("b", "ping/b", key), RegisteredProject("c", "keys/c"))
    harness.deps.ping_secret = "ping/stack"  # noqa: S105  the name of a secret
    return harness


def test_the_urls_of_audited_projects_are_called() -> None:
    """Every look calls each URL once, and that of the stack while no project fails."""
    harness = build_pinged_harness()
    for _ in range(2):
        harness.deps.pings.clear()
        harness.look(HOUR)
        assert sorted(harness.deps.pings) == ["ping/a", "ping/b", "ping/stack"]


@pytest.mark.parametrize("failing, pings", [("a", ["ping/b"]), ("c", ["ping/a", "ping/b"])])
def test_the_url_of_a_failing_project_is_not_called(failing: str, pings: list[str]) -> None:
    """A failure silences the URL of its project and that of the stack, and no other."""
    harness = build_pinged_harness()
    harness.store.fail_audit(failing, NOW)
    harness.look()
    assert sorted(harness.deps.pings) == pings


def test_the_urls_of_projects_that_share_a_key_are_not_called() -> None:
    """One of the two is not audited."""
    harness = build_pinged_harness("keys/a")
    harness.look()
    assert harness.deps.pings == []


def test_a_url_of_two_projects_is_called_while_both_are_audited() -> None:
    """A failure of one of them silences it."""
    harness = WatchHarness(register("a", "ping/both"), register("b", "ping/both"))
    harness.look()
    assert harness.deps.pings == ["ping/both"]
    harness.store.fail_audit("b", NOW)
    harness.look()
    assert harness.deps.pings == ["ping/both"]


def test_a_look_at_the_organization_that_fails_is_raised_after_everything_else() -> None:
    """Its error is raised if nothing else fails; if a notice cannot be recorded, it is logged."""
    harness = WatchHarness(register("a", "ping/a"), complete={"a": NOW - DAY})
    harness.deps.organization_figures = {"unregistered": 2}
    assert harness.look()["unregistered"] == 2
    harness.deps.organization_error = PineconeError("503 to the end")
    with pytest.raises(PineconeError, match="503 to the end"):
        harness.look()
    assert harness.deps.pings == ["ping/a", "ping/a"]
    assert len(harness.deps.values["ProjectsOverdue"]) == 2
    harness.store.write_errors = {"a": StateError("a cannot be written")}
    with pytest.raises(StateError, match="a cannot be written"):
        harness.look(DAY)
    assert "503 to the end" in harness.deps.log.get_messages("error")


@pytest.mark.parametrize("error", [DeliveryError("it did not answer"), SecretError("it is empty")])
def test_a_ping_that_fails_is_a_warning(error: Exception) -> None:
    """The other URLs are called."""
    harness = build_pinged_harness()
    harness.deps.ping_errors["ping/a"] = error
    harness.look()
    assert sorted(harness.deps.pings) == ["ping/b", "ping/stack"]
    assert harness.deps.log.get_messages("warning") == [f"a ping URL could not be called: {error}"]


def test_a_ping_that_takes_too_long_does_not_stop_the_look() -> None:
    """The look ends in time, and says how many URLs it did not call."""
    harness, released = build_pinged_harness(), threading.Event()
    harness.deps.before_ping = lambda: released.wait(10)
    harness.deps.remaining_seconds = 0.05
    assert harness.look()["failing"] == []
    released.set()
    assert (
        harness.deps.log.get_messages("warning") == ["no time was left to call a ping URL; the next look calls it"] * 3
    )


class FailingFleetStore(FakeFleetStore):
    """A store of the fleet that cannot be read."""

    def load_records(self, channel_ids: Iterable[str]) -> FleetRecords:
        """Fail as a table that denies reading."""
        raise StateError(f"the table cannot be read for {list(channel_ids)}")


def build_page_writer(harness: WatchHarness, store: FakeFleetStore) -> FleetPageWriter:
    """Build what writes the pages of the fleet, with a log of the harness."""
    deps = harness.deps
    return FleetPageWriter(store, FakeFleetArchive(), lambda _: None, deps.seconds_left, deps.log)


def test_a_page_that_fails_stops_nothing_else() -> None:
    """The notices are recorded and the URLs are called before the look fails."""
    harness = WatchHarness(register("a", "ping"), "late", complete={"late": NOW - 31 * HOUR})
    harness.deps.fleet = build_page_writer(harness, FailingFleetStore())
    with pytest.raises(StateError, match="the table cannot be read"):
        harness.look()
    assert harness.deps.pings == ["ping"]
    assert harness.deps.values["ProjectsNewlyFailed"] == [1]
    assert harness.store.projects["late"].last_notice is not None


def test_the_page_has_the_projects_and_the_warnings_of_the_look() -> None:
    """Entries with one secret are a warning on the page, and an invalid channel of the fleet is logged."""
    harness = WatchHarness(register("a", "ping-a", "keys/a"), register("b", "ping-b", "keys/a"))
    error = EntryError("fleet_channels", 4, "fleet_channels is not a list of channels; write one")
    harness.registry = replace(harness.registry, fleet_errors=(error,))
    for name in ("a", "b"):
        row = AuditRow(NOW, render_project_row(build_project(name, observed_at=NOW)), f"2026-11-22T12:00:00Z/{name}")
        harness.store.projects[name] = WatchedProject(LastAudits(NOW, NOW), row=row)
    store = FakeFleetStore()
    harness.deps.fleet = build_page_writer(harness, store)
    harness.look(HOUR)
    (page,) = store.pages
    archive = harness.deps.fleet.archive
    assert isinstance(archive, FakeFleetArchive)
    document = load_fleet_document(archive.files[page.document.location], page.document.location)
    assert {it.name for it in document.fleet.projects} == {"a", "b"}
    assert len(document.fleet.warnings) == 1
    assert "the registry:4: fleet_channels is not a list of channels; write one" in harness.deps.log.get_messages(
        "error"
    )
