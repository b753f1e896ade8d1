"""A look at the organization is made once a day, is recorded with its messages, and a failed one changes nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.application.organization_watch import watch_organization
from backup_auditor.domain.discovery_notice import DiscoveryNotice, DiscoveryState
from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.organization import Organization, OrganizationProject
from backup_auditor.domain.outbox import Channel, FleetChannel, OutboxMessage
from backup_auditor.domain.policy import PineconePlan, Policy, ProjectRequirement
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    ForbiddenError,
    NotFoundError,
    PineconeError,
    PolicyError,
    SecretError,
    StateError,
)
from support.builders.facts import DAY, HOUR, NOW
from support.builders.notifications import EVENT_CHANNEL, SLACK_CHANNEL, SNS_CHANNEL
from support.builders.organizations import ACME, PARTIAL, make_entry, make_project, name_projects
from support.fakes.log import FakeLog

ENTERPRISE_POLICY = replace(load_built_in_policy(), project=ProjectRequirement(plan=PineconePlan.ENTERPRISE))


@dataclass
class FakeDiscoveryStore:
    """A `DiscoveryStore` in memory."""

    state: DiscoveryState = field(default_factory=DiscoveryState)
    messages: list[OutboxMessage] = field(default_factory=list)
    before_record: Callable[[], object] = lambda: None

    def load(self) -> DiscoveryState:
        """Return the last state."""
        return self.state

    def record(self, state: DiscoveryState, messages: Sequence[OutboxMessage]) -> None:
        """Record a state and its messages if the state before it is still the last one."""
        self.before_record()
        if state.revision == self.state.revision:
            self.state = replace(state, revision=state.revision + 1)
            self.messages.extend(messages)


@dataclass
class OrganizationWatchHarness:
    """An organization and the dependencies of looks at it."""

    projects: list[OrganizationProject] = field(default_factory=lambda: [make_project("search")])
    registry: Registry = field(default_factory=lambda: Registry((make_entry("search", "p-search"),)))
    organization: Organization = ACME
    is_partial: bool = False
    error: BackupAuditorError | None = None
    policy: Policy | BackupAuditorError = field(default_factory=load_built_in_policy)
    project_ids: dict[str, str] = field(default_factory=dict)
    discovery_store: FakeDiscoveryStore = field(default_factory=FakeDiscoveryStore)
    log: FakeLog = field(default_factory=FakeLog)
    moment: datetime = NOW
    values: list[float | None] = field(default_factory=list)
    """The values of the metric."""
    opening_count: int = 0

    def set_channels(self, *channels: Channel) -> None:
        """Set the channels of the fleet."""
        self.registry = replace(self.registry, fleet_channels=tuple(map(FleetChannel, channels)))

    def look(self, wait: Any = DAY) -> dict[str, object]:
        """Look at the organization after a wait, and return the answer."""
        self.moment += wait
        return watch_organization(self.registry, self)

    def take_notices(self) -> list[tuple[str, NoticeKind]]:
        """Remove and return the recorded messages: channel and kind of notice."""
        messages, self.discovery_store.messages = self.discovery_store.messages, []
        return [(it.channel_id, it.content.kind) for it in messages if isinstance(it.content, DiscoveryNotice)]

    def emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        """Record the metric of the stack."""
        assert (project, dimensions) == (None, None)
        self.values.append(values["ProjectsUnregistered"])

    def load_project_ids(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the ids that audits recorded."""
        return {name: it for name, it in self.project_ids.items() if name in names}

    def load_policy(self, project: RegisteredProject) -> Policy:
        """Return the policy of every project."""
        assert project in self.registry.projects
        if isinstance(self.policy, BackupAuditorError):
            raise self.policy
        return self.policy

    @contextmanager
    def open_organization(self) -> Iterator["OrganizationWatchHarness"]:
        """Open the organization."""
        self.opening_count += 1
        if self.error is not None:
            raise self.error
        yield self

    def read_projects(self) -> ListingRead[OrganizationProject]:
        """Return the projects."""
        return ListingRead(tuple(self.projects), PARTIAL if self.is_partial else None)

    def read_organizations(self) -> ListingRead[Organization]:
        """Return the organization."""
        return ListingRead((self.organization,))

    def read_project(self, project_id: str) -> OrganizationProject:
        """Return no project."""
        raise NotFoundError(f"404: no project {project_id}")

    def now(self) -> datetime:
        """Return the time of the clock."""
        return self.moment

    def policy_seconds_left(self) -> float:
        """Return enough seconds."""
        return 20.0


def test_the_organization_is_read_once_a_day() -> None:
    """The hourly looks between do nothing; each look emits a true zero."""
    harness = OrganizationWatchHarness()
    assert harness.look() == {"unregistered": 0}
    for _ in range(23):
        assert harness.look(HOUR) == {}
    assert harness.look(HOUR) == {"unregistered": 0}
    assert (harness.opening_count, harness.values, harness.take_notices()) == (2, [0, 0], [])


def test_every_channel_of_the_fleet_hears_of_the_beginning_and_the_end() -> None:
    """The bus has the new projects only."""
    harness = OrganizationWatchHarness()
    harness.set_channels(SNS_CHANNEL, SLACK_CHANNEL)
    sns, slack = SNS_CHANNEL.channel_id, SLACK_CHANNEL.channel_id
    harness.projects.append(make_project("payments"))
    assert harness.look() == {"unregistered": 1}
    opened = NoticeKind.OPENED
    assert harness.take_notices() == [(EVENT_CHANNEL.channel_id, opened), (sns, opened), (slack, opened)]
    harness.look()
    assert harness.take_notices() == []
    harness.registry = replace(
        harness.registry, projects=(*harness.registry.projects, make_entry("payments", "p-payments"))
    )
    assert harness.look() == {"unregistered": 0}
    assert harness.take_notices() == [(sns, NoticeKind.RESOLVED), (slack, NoticeKind.RESOLVED)]
    assert harness.values == [1, 1, 0]


def test_500_projects_of_which_400_are_new_are_one_message() -> None:
    """Each channel has one message."""
    harness = OrganizationWatchHarness([make_project(f"team-{number:03d}") for number in range(500)])
    entries = tuple(make_entry(f"entry-{it:03d}", f"p-team-{it:03d}") for it in range(100))
    harness.registry = Registry(entries)
    harness.set_channels(SNS_CHANNEL)
    assert harness.look() == {"unregistered": 400}
    (_, message) = harness.discovery_store.messages
    assert isinstance(message.content, DiscoveryNotice)
    assert name_projects(message.content.new_projects) == [f"team-{number:03d}" for number in range(100, 500)]


@pytest.mark.parametrize(
    "error,text",
    [
        pytest.param(
            BadKeyError("https://login.pinecone.io does not accept the service account (401: no); copy both again"),
            "the organization was not compared with the registry: https://login.pinecone.io does not accept the service"
            " account (401: no); copy both again",
            id="wrong-secret",
        ),
        pytest.param(
            SecretError("the secret organization is empty; store JSON"),
            "the secret organization is empty; store JSON",
            id="empty-secret",
        ),
    ],
)
def test_a_failed_look_between_two_good_ones_changes_nothing(error: BackupAuditorError, text: str) -> None:
    """It is raised with what to do, emits nothing, and the next hour tries again."""
    harness = OrganizationWatchHarness([make_project("payments")])
    harness.look()
    state = harness.discovery_store.state
    harness.take_notices()
    harness.error = error
    for _ in range(2):
        with pytest.raises(type(error) if isinstance(error, SecretError) else PineconeError) as error_info:
            harness.look()
        assert str(error_info.value) == text
    assert (harness.discovery_store.state, harness.values, harness.take_notices()) == (state, [1], [])
    harness.error = None
    assert harness.look(HOUR) == {"unregistered": 1}
    assert harness.take_notices() == []


def test_an_account_that_sees_nothing_is_a_failed_look() -> None:
    """An empty list is no access: no project is gone, and the message says what to do."""
    harness = OrganizationWatchHarness([make_project("payments")])
    harness.look()
    state, harness.projects = harness.discovery_store.state, []
    with pytest.raises(ForbiddenError, match="sees no project; give it a role in the organization"):
        harness.look()
    assert (harness.discovery_store.state, harness.values) == (state, [1])


def test_a_partial_listing_is_recorded_and_raised() -> None:
    """What it shows is reported, nothing is resolved, no count is emitted, and the next hour tries again."""
    harness = OrganizationWatchHarness([make_project("payments")])
    harness.set_channels(SNS_CHANNEL)
    harness.look()
    harness.take_notices()
    harness.projects, harness.is_partial = [make_project("orders")], True
    for kinds in ([NoticeKind.OPENED], []):
        with pytest.raises(PineconeError, match=r"were listed in part \(GET /admin/projects: .*\); the next look"):
            harness.look(DAY if kinds else HOUR)
        assert [kind for channel, kind in harness.take_notices() if channel == SNS_CHANNEL.channel_id] == kinds
    assert sorted(name_projects(harness.discovery_store.state.projects)) == ["orders", "payments"]
    assert [it for it in harness.values if it is not None] == [1]
    harness.is_partial = False
    assert harness.look(HOUR) == {"unregistered": 1}
    assert harness.take_notices() == [(SNS_CHANNEL.channel_id, NoticeKind.RESOLVED)]


def test_two_looks_at_once_send_once() -> None:
    """The look that is recorded second leaves no message."""
    harness = OrganizationWatchHarness([make_project("payments")])
    harness.set_channels(SNS_CHANNEL)
    store = harness.discovery_store

    def look_first() -> None:
        store.before_record = lambda: None
        watch_organization(harness.registry, harness)

    store.before_record = look_first
    harness.look()
    assert len(harness.take_notices()) == 2
    assert store.state.revision == 1


def test_a_state_that_cannot_be_recorded_is_raised_and_measures_nothing() -> None:
    """The next hour looks again."""
    harness = OrganizationWatchHarness([make_project("payments")])

    def fail() -> None:
        raise StateError("the table cannot be used; allow the role to use it")

    harness.discovery_store.before_record = fail
    with pytest.raises(StateError):
        harness.look()
    assert harness.values == []
    harness.discovery_store.before_record = lambda: None
    assert harness.look(HOUR) == {"unregistered": 1}


def test_what_needs_attention_is_logged_with_its_next_step() -> None:
    """Entries without a project, payment, plan, and each unregistered project have a line."""
    harness = OrganizationWatchHarness([make_project("payments"), make_project("search")])
    harness.registry = Registry(
        (make_entry("search", "p-search"), make_entry("gone", "p-gone"), make_entry("unaudited"))
    )
    harness.organization = replace(ACME, payment_status="PastDue")
    harness.policy = ENTERPRISE_POLICY
    harness.look()
    warnings = harness.log.get_messages("warning")
    assert [it.partition(";")[0].partition(" of the organization")[0] for it in warnings] == [
        "The payment status",
        "The plan",
        "gone: Pinecone has no project of this id",
        "unaudited: no audit has read its project id, which only schedules show",
        "a project is unregistered",
    ]
    assert all("; " in it for it in warnings)


def test_a_policy_that_cannot_be_read_leaves_only_its_plan_out() -> None:
    """The projects are compared all the same."""
    harness = OrganizationWatchHarness(policy=PolicyError("ssm:/policy:3: min_copies is -1"))
    assert harness.look() == {"unregistered": 0}
    assert (
        "warning",
        "project.plan is not compared",
        {"error": "ssm:/policy:3: min_copies is -1"},
    ) in harness.log.lines


def test_an_entry_is_known_by_the_id_that_its_audits_recorded() -> None:
    """No entry has to name its project."""
    harness = OrganizationWatchHarness()
    harness.registry, harness.project_ids = Registry((make_entry("any-name"),)), {"any-name": "p-search"}
    assert harness.look() == {"unregistered": 0}
