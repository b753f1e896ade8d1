"""The page of a night is due once no result is awaited, says what is known, and each channel gets its digest once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.audit_failure import AuditRow, FailedAudit, WatchedProject
from backup_auditor.domain.audit_record import LastAudits, StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryState, UnregisteredProject
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.notifications.fleet_night import (
    FAILING_WINDOW,
    WINDOW,
    FleetNight,
    KnownFleet,
    build_night,
    create_digest_messages,
    find_due_channels,
    find_night,
)
from backup_auditor.domain.outbox import FLEET, Channel, DigestTiming, FleetChannel
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.reporting.fleet import FleetProject, UnregisteredProjects
from backup_auditor.domain.timefmt import format_moment
from support.builders.facts import DAY, HOUR, NOW, SECOND
from support.builders.fleets import build_project
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL

MINUTE = timedelta(minutes=1)
NIGHT = NOW
STORED = StoredReport("s3://evidence/.fleet/fleet.1.json", "5f" * 32)
PAGE = FleetPage(NIGHT, 1, "c" * 64, STORED)
RESULTS = "a" * 64


def request_at(moment: datetime) -> str:
    """Return the id of the request that the schedule makes for a project at a time."""
    return f"{format_moment(moment)}/search"


def audit_at(moment: datetime, request_id: str | None = None, *, complete: bool = True) -> WatchedProject:
    """Return a project whose last audit was at a time."""
    complete_at = moment if complete else moment - DAY
    return WatchedProject(LastAudits(moment, complete_at), row=AuditRow(moment, "{}", request_id))


NEVER_AUDITED = WatchedProject(LastAudits(None, None))


@pytest.mark.parametrize(
    "request_ids,page_night,now,expected",
    [
        pytest.param([], None, NIGHT, None, id="before-the-first-night"),
        pytest.param(["by-hand/search", None, "2026-13-01T00:00:00Z/search"], None, NIGHT, None, id="other-requests"),
        pytest.param([request_at(NIGHT)], None, NIGHT + HOUR, NIGHT, id="first-night"),
        pytest.param([request_at(NIGHT - DAY), request_at(NIGHT)], NIGHT - DAY, NIGHT + HOUR, NIGHT, id="next-night"),
        pytest.param([request_at(NIGHT)], NIGHT, NIGHT + 23 * HOUR, NIGHT, id="same-night"),
        pytest.param([request_at(NIGHT)], NIGHT - 22.5 * HOUR, NIGHT, NIGHT, id="day-of-23-hours-and-half"),
        pytest.param(
            [request_at(NIGHT)],
            NIGHT - 22.5 * HOUR + SECOND,
            NIGHT,
            NIGHT - 22.5 * HOUR + SECOND,
            id="requested-more-often",
        ),
        pytest.param([request_at(NIGHT + HOUR)], NIGHT - DAY, NIGHT, NIGHT - DAY, id="request-of-the-future"),
        pytest.param([], NIGHT, NIGHT + 30 * HOUR - SECOND, NIGHT, id="no-request-for-almost-30-hours"),
        pytest.param([], NIGHT, NIGHT + 30 * HOUR, NIGHT + DAY, id="no-request-for-30-hours"),
        pytest.param([], NIGHT, NIGHT + 78 * HOUR, NIGHT + 3 * DAY, id="no-request-for-days"),
        pytest.param([request_at(NIGHT)], NIGHT + 9 * DAY, NIGHT + HOUR, NIGHT, id="page-of-the-future"),
    ],
)
def test_a_night_begins_with_a_scheduled_request_or_a_day_after_the_last_one(
    request_ids: list[str | None], page_night: datetime | None, now: datetime, expected: datetime | None
) -> None:
    """Only requests of the schedule begin a night, and a night without one begins by the clock."""
    page = None if page_night is None else replace(PAGE, night=page_night)
    assert find_night([audit_at(NIGHT, it) for it in request_ids], FleetRecords(page), now) == expected


@pytest.mark.parametrize(
    "night,page_night,expected",
    [
        pytest.param(NIGHT, None, NIGHT, id="first-night"),
        pytest.param(NIGHT, NIGHT - DAY, NIGHT, id="without-a-page"),
        pytest.param(NIGHT, NIGHT, NIGHT, id="with-its-page"),
        pytest.param(NIGHT - 20 * HOUR, NIGHT - 2 * DAY, NIGHT - 20 * HOUR, id="almost-a-day-without-a-page"),
        pytest.param(NIGHT - 21 * HOUR, NIGHT - 2 * DAY, NIGHT + HOUR, id="a-day-without-a-page"),
        pytest.param(NIGHT + 2 * HOUR, NIGHT - DAY, NIGHT + HOUR, id="of-the-future"),
        pytest.param(NIGHT - DAY, NIGHT, NIGHT, id="before-the-last-page"),
    ],
)
def test_later_requests_do_not_move_a_night_without_a_page(
    night: datetime, page_night: datetime | None, expected: datetime
) -> None:
    """A schedule of every hour makes requests while a night is waited for."""
    records = FleetRecords(None if page_night is None else replace(PAGE, night=page_night), night=night)
    project = audit_at(NIGHT + HOUR, request_at(NIGHT + HOUR))
    assert find_night([project], records, NIGHT + 1.75 * HOUR) == expected


@pytest.mark.parametrize(
    "wait,expected",
    [
        pytest.param(30 * HOUR - SECOND, NIGHT, id="almost-30-hours"),
        pytest.param(30 * HOUR, NIGHT + DAY, id="30-hours"),
    ],
)
def test_silence_counts_from_the_last_request(wait: timedelta, expected: datetime) -> None:
    """With 20 hours between two requests, no night begins before the next one."""
    project = audit_at(NIGHT + 20 * HOUR, request_at(NIGHT + 20 * HOUR))
    assert find_night([project], FleetRecords(PAGE), NIGHT + 20 * HOUR + wait) == expected


def test_failed_requests_begin_a_night_too() -> None:
    """A night in which every audit failed is a night."""
    failed = replace(NEVER_AUDITED, failed_audit=FailedAudit(NIGHT + HOUR, "401", request_at(NIGHT)))
    assert find_night([failed], FleetRecords(), NIGHT + 4 * HOUR) == NIGHT


@dataclass
class NightFacts:
    """The stored facts about the projects of a night."""

    projects: dict[str, WatchedProject] = field(default_factory=dict)
    rows: dict[str, FleetProject] = field(default_factory=dict)
    errors: list[EntryError] = field(default_factory=list)
    discovery: DiscoveryState | None = None

    def add_audited(self, name: str, moment: datetime, **facts: object) -> "NightFacts":
        """Add a project with an audit."""
        self.projects[name] = audit_at(moment, request_at(NIGHT))
        self.rows[name] = build_project(name, observed_at=moment, **facts)
        return self

    def add(self, name: str, project: WatchedProject) -> "NightFacts":
        """Add a project without a row."""
        self.projects[name] = project
        return self

    def build(self, now: datetime, warnings: Iterable[str] = ()) -> FleetNight:
        """Return the night at a time."""
        valid_names = [it for it in self.projects if it not in {error.name for error in self.errors}]
        registry = Registry(tuple(map(RegisteredProject, valid_names)), tuple(self.errors), "r.yaml")
        return build_night(NIGHT, KnownFleet(registry, self.projects, self.rows, tuple(warnings), self.discovery), now)


def list_unaudited(night: FleetNight) -> Mapping[str, str]:
    """Return the reasons of the projects that were not audited."""
    return {it.name: it.reason for it in night.fleet.unaudited}


LATE = audit_at(NIGHT - DAY)


@pytest.mark.parametrize(
    "project,window",
    [
        pytest.param(LATE, WINDOW, id="audited-yesterday"),
        pytest.param(audit_at(NIGHT - 31 * HOUR), FAILING_WINDOW, id="overdue"),
        pytest.param(
            replace(LATE, failed_audit=FailedAudit(NIGHT - SECOND, "401")), FAILING_WINDOW, id="failed-before-the-night"
        ),
        pytest.param(replace(LATE, failed_audit=FailedAudit(NIGHT, "401")), timedelta(), id="failed-in-the-night"),
        pytest.param(replace(NEVER_AUDITED, registered_at=NIGHT), WINDOW, id="registered-before-the-night"),
    ],
)
def test_a_night_waits_for_a_project_as_long_as_a_result_can_come(project: WatchedProject, window: timedelta) -> None:
    """A project that failed before is waited for one hour only, and one that failed in the night not at all."""
    facts = NightFacts().add_audited("in", NIGHT + MINUTE).add("out", project)
    assert facts.build(NIGHT + window).awaited == ()
    if window:
        assert facts.build(NIGHT + window - SECOND).awaited == ("out",)
    assert list_unaudited(facts.build(NIGHT + window)).keys() == {"out"}


def test_an_audit_in_the_night_is_a_row_whatever_came_before_or_after() -> None:
    """An audit counts from the beginning of the night on, also of a project that fails or is invalid since."""
    facts = NightFacts().add_audited("at-start", NIGHT).add_audited("before", NIGHT - SECOND)
    facts.add_audited("failed-since", NIGHT + MINUTE).add_audited("invalid-since", NIGHT + MINUTE)
    facts.projects["failed-since"] = replace(
        facts.projects["failed-since"], failed_audit=FailedAudit(NIGHT + HOUR, "401")
    )
    facts.errors.append(EntryError("invalid-since", 3, "has no secret; add it"))
    night = facts.build(NIGHT + 2 * HOUR)
    assert {it.name for it in night.fleet.projects} == {"at-start", "failed-since", "invalid-since"}
    assert night.awaited == ("before",)


def test_each_project_that_was_not_audited_has_its_reason() -> None:
    """The reasons of a failure, a mistake in the registry and a missing audit are different, and say what to do."""
    facts = NightFacts().add("failed", replace(LATE, failed_audit=FailedAudit(NIGHT + HOUR, "401: Invalid API key")))
    facts.add("invalid", NEVER_AUDITED).add("late", LATE).add("never", replace(NEVER_AUDITED, registered_at=NIGHT))
    facts.add("without-a-row", audit_at(NIGHT + MINUTE))
    facts.errors.append(EntryError("invalid", 3, "has no secret; add it"))
    steps = {it: f'fix the cause, then invoke the function audit with {{"project": "{it}"}}' for it in facts.projects}
    read = "read the log of the function audit"
    assert list_unaudited(facts.build(NIGHT + WINDOW)) == {
        "failed": f"401: Invalid API key; {steps['failed']}, or wait for the next night",
        "invalid": "r.yaml:3: has no secret; add it",
        "late": f"no audit in this night; its last audit is of 2026-11-21 12:00 UTC; {read}, {steps['late']}",
        "never": f"no audit in this night; it was never audited; {read}, {steps['never']}",
        "without-a-row": (
            "its last audit, of 2026-11-22 12:01 UTC, was recorded without figures; the next audit has them"
        ),
    }


def test_a_long_reason_leaves_the_next_step_within_a_digest() -> None:
    """A digest shows the first 500 characters."""
    facts = NightFacts().add("failed", replace(LATE, failed_audit=FailedAudit(NIGHT + HOUR, "x" * 1000)))
    reason = list_unaudited(facts.build(NIGHT + WINDOW))["failed"]
    assert "…; fix the cause, then invoke the function audit" in reason[:500]


def test_a_project_that_was_registered_after_the_night_began_is_left_out() -> None:
    """It is awaited for an hour, never missing, and its first audit makes it a row."""
    new = replace(NEVER_AUDITED, registered_at=NIGHT + SECOND)
    facts = NightFacts().add_audited("in", NIGHT).add("new", new)
    assert facts.build(NIGHT + HOUR - SECOND).awaited == ("new",)
    assert facts.build(NIGHT + HOUR).awaited == ()
    night = facts.build(NIGHT + DAY)
    assert ([it.name for it in night.fleet.projects], list_unaudited(night), night.awaited) == (["in"], {}, ())
    facts.add_audited("new", NIGHT + 3 * HOUR)
    assert {it.name for it in facts.build(NIGHT + DAY).fleet.projects} == {"in", "new"}
    failed = NightFacts().add("new", replace(new, failed_audit=FailedAudit(NIGHT + HOUR, "401")))
    assert list_unaudited(failed.build(NIGHT + HOUR)).keys() == {"new"}


def test_the_same_facts_give_the_same_page_at_any_time() -> None:
    """No reason contains an age, so that a look an hour later writes no correction."""
    facts = NightFacts().add_audited("in", NIGHT).add("late", LATE)
    facts.add("failed", replace(LATE, failed_audit=FailedAudit(NIGHT + HOUR, "401")))
    assert facts.build(NIGHT + WINDOW).fleet == facts.build(NIGHT + 23 * HOUR).fleet
    assert facts.build(NIGHT + WINDOW, ["Two entries open one project."]).fleet.warnings


def build_unregistered(project_id: str, name: str) -> UnregisteredProject:
    """Return a project that looks found unregistered."""
    return UnregisteredProject(project_id, name, NIGHT - DAY)


def test_a_night_has_the_unregistered_projects_by_name() -> None:
    """One whose id an audit recorded, or an entry has, since the last look is no longer among them."""
    facts = NightFacts().add_audited("in", NIGHT)
    assert facts.build(NIGHT).fleet.unregistered is None
    facts.projects["in"] = replace(audit_at(NIGHT), last_audits=LastAudits(NIGHT, NIGHT, pinecone_project_id="p-2"))
    names = ("shop", "audited-since", "Mail")
    projects = tuple(build_unregistered(f"p-{number}", name) for number, name in enumerate(names, 1))
    facts.discovery = DiscoveryState(complete_at=NIGHT - HOUR, projects=projects)
    unregistered = facts.build(NIGHT).fleet.unregistered
    assert unregistered == UnregisteredProjects((projects[2], projects[0]), NIGHT - HOUR, is_current=True)
    registry = Registry((RegisteredProject("in", project_id="p-3"),))
    known = KnownFleet(registry, facts.projects, facts.rows, discovery=facts.discovery)
    invalid = Registry((), (EntryError("in", 3, "has no secret; add it", project_id="p-3"),))
    assert build_night(NIGHT, replace(known, registry=invalid), NIGHT).fleet.unregistered == replace(
        unregistered, projects=(projects[0],)
    )
    assert build_night(NIGHT, known, NIGHT).fleet.unregistered == replace(unregistered, projects=(projects[0],))


@pytest.mark.parametrize(
    "complete_at,is_current",
    [
        pytest.param(NIGHT - 30 * HOUR + SECOND, True, id="almost-30-hours-old"),
        pytest.param(NIGHT - 30 * HOUR, False, id="30-hours-old"),
        pytest.param(NIGHT + SECOND, True, id="since-the-night-began"),
        pytest.param(None, False, id="never"),
    ],
)
def test_an_old_look_does_not_say_what_is_unregistered(complete_at: datetime | None, is_current: bool) -> None:
    """Looks are a day apart; what an older one did not find may be there by now."""
    facts = NightFacts(discovery=DiscoveryState(complete_at=complete_at)).add_audited("in", NIGHT)
    fleet = facts.build(NIGHT).fleet
    assert fleet.unregistered == UnregisteredProjects((), complete_at, is_current)
    assert fleet.is_completely_known == is_current


def build_records(
    when: datetime | None, results: str = RESULTS, page: FleetPage | None = PAGE, channel: Channel = SNS_CHANNEL
) -> FleetRecords:
    """Return a last page, and the last digest of a channel."""
    document = StoredFile("s3://evidence/.fleet/fleet.0.json", "7c" * 32)
    digests = {} if when is None else {channel.channel_id: RecordedDigest(when, results, document)}
    return FleetRecords(page, digests)


YESTERDAY, OLD_PAGE = NIGHT - DAY, replace(PAGE, night=NIGHT - DAY)


@pytest.mark.parametrize(
    "when,records,is_due",
    [
        pytest.param("daily", build_records(YESTERDAY, page=OLD_PAGE), True, id="daily-first-page"),
        pytest.param("daily", build_records(None, page=None), True, id="daily-first-night"),
        pytest.param("daily", build_records(NIGHT), False, id="daily-correction"),
        pytest.param("daily", build_records(None), False, id="daily-new-channel-at-a-correction"),
        pytest.param("daily", build_records(NIGHT + DAY, page=OLD_PAGE), True, id="daily-digest-of-the-future"),
        pytest.param("weekly", build_records(None, page=None), True, id="weekly-first-night"),
        pytest.param("weekly", build_records(NIGHT - 6 * DAY, page=OLD_PAGE), False, id="weekly-sixth-day"),
        pytest.param("weekly", build_records(NIGHT - 7 * DAY, page=OLD_PAGE), True, id="weekly-seventh-day"),
        pytest.param("weekly", build_records(NIGHT - 7 * DAY + 1.5 * HOUR, page=OLD_PAGE), True, id="weekly-at-limit"),
        pytest.param(
            "weekly", build_records(NIGHT - 7 * DAY + 1.5 * HOUR + SECOND, page=OLD_PAGE), False, id="weekly-too-early"
        ),
        pytest.param("weekly", build_records(NIGHT - 7 * DAY), False, id="weekly-correction"),
        pytest.param("on-change", build_records(None, page=None), True, id="on-change-first-night"),
        pytest.param("on-change", build_records(YESTERDAY, page=OLD_PAGE), False, id="on-change-same-results"),
        pytest.param("on-change", build_records(YESTERDAY, "b" * 64, OLD_PAGE), True, id="on-change-other-results"),
        pytest.param("on-change", build_records(YESTERDAY, "b" * 64), True, id="on-change-first-change-by-correction"),
        pytest.param("on-change", build_records(NIGHT, "b" * 64), False, id="on-change-second-of-the-night"),
    ],
)
def test_a_channel_gets_at_most_one_digest_of_a_night(when: str, records: FleetRecords, *, is_due: bool) -> None:
    """A digest comes with the first page of a night, and on change with the first page that has a change."""
    channel = FleetChannel(SNS_CHANNEL, DigestTiming(when))
    assert find_due_channels([channel, channel], records, NIGHT, RESULTS) == ([channel] if is_due else [])


def test_a_message_has_the_page_and_that_of_the_digest_before() -> None:
    """Each channel has a message of its own, with an id that the page and the channel make."""
    records = build_records(YESTERDAY)
    channels = [FleetChannel(SNS_CHANNEL), FleetChannel(SLACK_CHANNEL)]
    first, second = create_digest_messages(PAGE, channels, records.digests, NOW + HOUR)
    assert (first.project, first.channel_id, second.channel_id) == (
        FLEET,
        SNS_CHANNEL.channel_id,
        SLACK_CHANNEL.channel_id,
    )
    previous = [it.content.previous for it in (first, second) if isinstance(it.content, FleetComparison)]
    assert previous == [records.digests[SNS_CHANNEL.channel_id].document, None]
    assert (first, second) == create_digest_messages(PAGE, channels, records.digests, NOW + HOUR)
    corrected, _ = create_digest_messages(replace(PAGE, revision=2), channels, records.digests, NOW + HOUR)
    assert len({first.message_id, second.message_id, corrected.message_id}) == 3
