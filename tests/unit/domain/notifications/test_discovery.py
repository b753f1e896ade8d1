"""What changes between two looks at an organization, and what the channels of the fleet hear of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.domain.discovery_notice import DiscoveryState, Resolution
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.discovery import create_discovery_messages, is_look_due
from backup_auditor.domain.organization import Absence, AccountSubject, ProjectLookup
from backup_auditor.domain.outbox import FLEET, Trigger
from backup_auditor.domain.policy import PineconePlan, Policy, ProjectRequirement
from backup_auditor.domain.registry import EntryError, Registry
from support.builders.facts import DAY, HOUR, NOW, SECOND
from support.builders.notifications import EVENT_CHANNEL, SLACK_CHANNEL, SNS_CHANNEL
from support.builders.organizations import (
    ACME,
    PARTIAL,
    OrganizationHarness,
    build_discovery_notice,
    make_entry,
    make_ignored,
    make_project,
    name_projects,
)

SEARCH, PAYMENTS, ORDERS = (make_project(it) for it in ("search", "payments", "orders"))
TODAY = NOW.date()


def open_harness() -> OrganizationHarness:
    """Return an organization of one registered and one unregistered project after a first look."""
    harness = OrganizationHarness([SEARCH, PAYMENTS])
    harness.register(make_entry("search", "p-search"))
    harness.look(0)
    return harness


@pytest.mark.parametrize(
    "age,is_due",
    [
        pytest.param(None, True, id="first-look"),
        pytest.param(timedelta(), False, id="just-now"),
        pytest.param(23.5 * HOUR - SECOND, False, id="one-second-before"),
        pytest.param(23.5 * HOUR, True, id="at-limit"),
        pytest.param(-SECOND, True, id="clock-was-wrong"),
    ],
)
def test_a_look_is_due_once_a_day(age: timedelta | None, is_due: bool) -> None:
    """The day counts from the last complete listing, and an hourly function may be half an hour early."""
    assert is_look_due(DiscoveryState(complete_at=None if age is None else NOW - age), NOW) is is_due


def test_a_new_project_is_reported_once() -> None:
    """The second look the next day reports nothing and keeps when the project was first seen."""
    harness = OrganizationHarness([SEARCH, PAYMENTS])
    harness.register(make_entry("search", "p-search"))
    first, second = harness.look(0), harness.look()
    assert first.notice is not None
    assert (first.notice.kind, name_projects(first.notice.new_projects)) == (NoticeKind.OPENED, ["payments"])
    assert (first.unregistered_count, second.unregistered_count) == (1, 1)
    assert second.notice is None
    assert [(it.project_id, it.first_seen) for it in harness.state.projects] == [("p-payments", NOW)]
    assert harness.state.complete_at == NOW + DAY


def test_a_complete_look_without_unregistered_projects_is_a_true_zero() -> None:
    """Nothing is reported, and the count is known."""
    harness = OrganizationHarness([SEARCH])
    harness.register(make_entry("search", "p-search"))
    change = harness.look()
    assert (change.notice, change.unregistered_count) == (None, 0)


def test_a_registered_an_ignored_and_a_gone_project_are_resolved() -> None:
    """One message has all three with their reasons; a project that stays open is in it, too."""
    harness = OrganizationHarness([SEARCH, PAYMENTS, ORDERS, make_project("shop")])
    harness.look(0)
    harness.register(make_entry("any-name", "p-search"))
    harness.ignore(make_ignored("payments", TODAY + 30 * DAY))
    harness.projects.remove(ORDERS)
    harness.lookups = {"p-orders": Absence.NOT_FOUND}
    change = harness.look()
    assert change.notice is not None
    assert change.notice.kind is NoticeKind.RESOLVED
    assert {it.project.name: it.resolution for it in change.notice.resolved_projects} == {
        "search": Resolution.REGISTERED,
        "payments": Resolution.IGNORED,
        "orders": Resolution.GONE,
    }
    assert name_projects(change.notice.open_projects) == ["shop"]
    assert (change.unregistered_count, name_projects(harness.state.projects)) == (1, ["shop"])
    assert harness.look().notice is None


def test_an_entry_counts_as_registered_when_an_audit_has_recorded_its_id() -> None:
    """Until then its project is neither resolved nor, if it is new, reported: the entry may lead to it."""
    harness = open_harness()
    harness.register(make_entry("payments"), make_entry("orders"))
    harness.projects.append(ORDERS)
    waiting = harness.look()
    assert (waiting.notice, name_projects(harness.state.projects)) == (None, ["payments"])
    harness.known_ids = {"payments": "p-payments", "orders": "p-orders"}
    change = harness.look()
    assert change.notice is not None
    assert [it.resolution for it in change.notice.resolved_projects] == [Resolution.REGISTERED]
    assert harness.state.projects == ()


def test_entries_of_unknown_projects_are_named_beside_new_projects() -> None:
    """An entry under another name may lead to a project that is reported."""
    harness = OrganizationHarness([PAYMENTS])
    harness.register(make_entry("billing"))
    notice = harness.look().notice
    assert notice is not None
    (caveat,) = notice.caveats
    assert caveat == (
        "The Pinecone project of 1 entry is unknown ('billing'), so a listed project may be theirs; add project_id to"
        " each."
    )


def test_an_invalid_line_of_ignore_is_named_beside_new_projects() -> None:
    """A project that should be ignored may be reported because of it."""
    harness = OrganizationHarness([PAYMENTS])
    harness.registry = Registry((), ignore_errors=(EntryError("ignore 1", 3, "expires is not a day"),))
    notice = harness.look().notice
    assert notice is not None
    (caveat,) = notice.caveats
    assert caveat.endswith("so a listed project may be the one in it; correct the line.")


def test_the_project_of_an_entry_that_aws_does_not_allow_is_not_reported() -> None:
    """An entry without a secret, which is for a laptop only, is registered all the same."""
    harness = OrganizationHarness([PAYMENTS])
    entry = replace(make_entry("any-name", "p-payments"), secret=None, key_variable="KEY")
    harness.registry = Registry((entry,)).filter_for_aws()
    assert harness.registry.projects == ()
    assert harness.look().notice is None


def test_the_project_of_an_invalid_entry_is_not_reported() -> None:
    """A mistake in an entry does not make its project unregistered, whether an audit recorded its id or not."""
    harness = OrganizationHarness([SEARCH, PAYMENTS])
    harness.registry = Registry((), (EntryError("search", 3, "unknown key"), EntryError("payments", 4, "unknown key")))
    harness.known_ids = {"search": "p-search"}
    assert harness.look().notice is None


@pytest.mark.parametrize(
    "days,kind",
    [pytest.param(6, None, id="last-day"), pytest.param(7, NoticeKind.OPENED, id="expired")],
)
def test_a_project_whose_exemption_has_expired_is_unregistered_again(days: int, kind: NoticeKind | None) -> None:
    """It is reported the day after the last day, as a new project, with who ignored it."""
    harness = open_harness()
    harness.ignore(make_ignored("payments", TODAY + 6 * DAY))
    harness.look(1)
    notice = harness.look(days - 1).notice
    assert (notice and notice.kind) == kind
    if notice is not None:
        assert "search-team ignored it until" in (notice.new_projects[0].detail or "")


def test_a_failed_lookup_and_a_forbidden_one_resolve_nothing() -> None:
    """A project that is not listed stays unregistered, without a message, and the count is unknown."""
    lookups: list[ProjectLookup | None] = [Absence.FORBIDDEN, PARTIAL, None]
    for lookup in lookups:
        harness = open_harness()
        harness.projects.remove(PAYMENTS)
        harness.lookups = {} if lookup is None else {"p-payments": lookup}
        change = harness.look(8)
        assert (change.notice, change.unregistered_count) == (None, None)
        assert name_projects(change.unseen_projects) == name_projects(harness.state.projects) == ["payments"]
        harness.projects.append(PAYMENTS)
        notice = harness.look().notice
        assert notice is not None
        assert notice.kind is NoticeKind.REMINDER


def test_a_project_that_only_its_lookup_shows_stays_open() -> None:
    """A listing without a project that Pinecone returns by its id proves nothing."""
    harness = open_harness()
    harness.projects.remove(PAYMENTS)
    harness.lookups = {"p-payments": PAYMENTS}
    change = harness.look()
    assert (change.notice, change.unregistered_count) == (None, 1)


def test_an_unseen_project_is_resolved_by_the_registry() -> None:
    """A project that the account may not see any more can be registered, or ignored by its id."""
    for resolution in (Resolution.REGISTERED, Resolution.IGNORED):
        harness = open_harness()
        harness.projects.remove(PAYMENTS)
        harness.lookups = {"p-payments": Absence.FORBIDDEN}
        if resolution is Resolution.REGISTERED:
            harness.register(make_entry("payments", "p-payments"))
        else:
            harness.ignore(make_ignored("p-payments", TODAY + 30 * DAY))
        notice = harness.look().notice
        assert notice is not None
        assert [it.resolution for it in notice.resolved_projects] == [resolution]


def test_an_unseen_project_is_not_ignored_by_the_name_of_another_one() -> None:
    """Names are not unique: a listed project of the same name is another project."""
    harness = open_harness()
    harness.projects[1] = make_project("payments", "p-2")
    harness.lookups = {"p-payments": Absence.FORBIDDEN}
    harness.ignore(make_ignored("payments", TODAY + 30 * DAY))
    change = harness.look()
    assert (change.notice, name_projects(change.unseen_projects)) == (None, ["payments"])


def test_a_partial_listing_reports_what_it_has_and_resolves_nothing() -> None:
    """It is not a complete look: the next hour tries again, and the count is unknown."""
    harness = open_harness()
    harness.projects, harness.failure = [SEARCH, ORDERS], PARTIAL
    harness.register(make_entry("payments", "p-payments"))
    harness.lookups = {"p-payments": Absence.NOT_FOUND}
    change = harness.look()
    assert change.notice is not None
    assert (name_projects(change.notice.new_projects), change.notice.resolved_projects) == (["orders"], ())
    assert (change.unregistered_count, change.state.complete_at) == (None, NOW)
    harness.failure = None
    resolving = harness.look(1 / 24)
    assert resolving.notice is not None
    assert [it.project.name for it in resolving.notice.resolved_projects] == ["payments"]
    assert resolving.state.complete_at == harness.now


def test_a_list_without_projects_changes_nothing() -> None:
    """The service account may see nothing: no project is gone, and no look was complete."""
    harness = open_harness()
    state = harness.state
    harness.projects = []
    harness.lookups = {"p-payments": Absence.NOT_FOUND, "p-search": Absence.NOT_FOUND}
    change = harness.look()
    assert (change.notice, change.unregistered_count, change.state) == (None, None, state)


def test_open_projects_are_in_a_reminder_each_week() -> None:
    """The week counts from the last message, which names all that is open."""
    harness = open_harness()
    kinds = []
    for day in range(1, 23):
        if day == 10:
            harness.projects.append(ORDERS)
        notice = harness.look().notice
        if notice is not None:
            kinds.append((day, notice.kind, name_projects(notice.open_projects)))
    assert kinds == [
        (7, NoticeKind.REMINDER, ["payments"]),
        (10, NoticeKind.OPENED, ["payments"]),
        (17, NoticeKind.REMINDER, ["payments", "orders"]),
    ]


def test_a_project_named_like_a_key_is_shown_by_its_id() -> None:
    """A key that was pasted as a name is in no message."""
    harness = OrganizationHarness([make_project("pcsk" + "_canary", "p-1")])
    change = harness.look()
    assert "canary" not in repr(change)


def test_a_long_name_is_cut() -> None:
    """The state of many projects has to fit one item of a table."""
    change = OrganizationHarness([make_project("x" * 1000, "p-1")]).look()
    assert [len(it.name) for it in change.state.projects] == [200]


def make_policy(plan: PineconePlan) -> Policy:
    """Return the built-in policy for a plan."""
    return replace(load_built_in_policy(), project=ProjectRequirement(plan=plan))


def test_a_payment_status_is_an_alert_until_it_is_in_order() -> None:
    """A worse status is a new alert; an unknown one changes nothing; the end is reported once."""
    harness = OrganizationHarness([SEARCH])
    harness.register(make_entry("search", "p-search"))
    reported = []
    for status in ("Active", "PastDue", "PastDue", None, "Suspended", "Active", "Active"):
        harness.organizations = [replace(ACME, payment_status=status)]
        notice = harness.look().notice
        alerts = () if notice is None else (*notice.new_alerts, *notice.resolved_alerts)
        reported.append((status, notice and notice.kind, [it.value for it in alerts]))
    assert reported == [
        ("Active", None, []),
        ("PastDue", NoticeKind.OPENED, ["PastDue"]),
        ("PastDue", None, []),
        (None, None, []),
        ("Suspended", NoticeKind.OPENED, ["Suspended"]),
        ("Active", NoticeKind.RESOLVED, ["Suspended"]),
        ("Active", None, []),
    ]


def test_another_plan_than_that_of_the_organization_is_an_alert() -> None:
    """It ends when the plans are the same; a policy that could not be read ends nothing."""
    harness = OrganizationHarness([SEARCH])
    harness.register(make_entry("search", "p-search"))
    harness.policies = {"search": make_policy(PineconePlan.ENTERPRISE)}
    opening = harness.look().notice
    assert opening is not None
    assert [(it.subject, it.value) for it in opening.new_alerts] == [(AccountSubject.PLAN, "Standard, enterprise")]
    harness.policies = {}
    assert harness.look().notice is None
    harness.policies = {"search": make_policy(PineconePlan.STANDARD)}
    resolving = harness.look().notice
    assert resolving is not None
    assert (resolving.kind, len(resolving.resolved_alerts)) == (NoticeKind.RESOLVED, 1)
    assert harness.state.alerts == ()


def test_each_channel_of_the_fleet_gets_one_message_and_the_bus_only_new_projects() -> None:
    """The messages of two looks at once have the same ids."""
    notice = build_discovery_notice()
    messages = create_discovery_messages(notice, (SNS_CHANNEL, SLACK_CHANNEL, SNS_CHANNEL))
    assert [it.channel_id for it in messages] == [
        EVENT_CHANNEL.channel_id,
        SNS_CHANNEL.channel_id,
        SLACK_CHANNEL.channel_id,
    ]
    assert {(it.project, it.audit_id, it.trigger) for it in messages} == {(FLEET, None, Trigger.CHANGE)}
    assert len({it.message_id for it in messages}) == 3
    assert messages == create_discovery_messages(notice, (SNS_CHANNEL, SLACK_CHANNEL))
    reminder = replace(notice, kind=NoticeKind.REMINDER, open_projects=notice.new_projects, new_projects=())
    (message,) = create_discovery_messages(reminder, (SNS_CHANNEL,))
    assert (message.trigger, message.is_notice) == (Trigger.REMINDER, True)


@given(
    st.lists(st.tuples(st.sets(st.sampled_from("abcd")), st.sets(st.sampled_from("abcd")), st.booleans()), max_size=8)
)
def test_no_project_is_reported_twice_or_lost(looks: list[tuple[set[str], set[str], bool]]) -> None:
    """Whatever is listed, registered and partial: what is open was reported, and every end follows a beginning."""
    harness, open_names = OrganizationHarness(), set[str]()
    for listed, registered, is_partial in looks:
        harness.projects = [make_project(it) for it in sorted(listed)]
        harness.registry = Registry(tuple(make_entry(it, f"p-{it}") for it in sorted(registered)))
        harness.failure = PARTIAL if is_partial else None
        harness.lookups = {f"p-{it}": Absence.NOT_FOUND for it in "abcd" if it not in listed}
        change = harness.look()
        new_names = set() if change.notice is None else set(name_projects(change.notice.new_projects))
        ended = set() if change.notice is None else {it.project.name for it in change.notice.resolved_projects}
        assert new_names <= listed - registered - open_names
        assert ended <= open_names
        assert not (ended and (is_partial or not listed))
        open_names = (open_names | new_names) - ended
        assert set(name_projects(harness.state.projects)) == open_names
        if listed and not is_partial:
            assert open_names == listed - registered
            assert change.unregistered_count == len(open_names)
