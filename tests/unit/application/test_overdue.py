"""A project without a complete audit for more than 30 hours is overdue."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from backup_auditor.application.fleet import check_overdue
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import StateError
from backup_auditor.ports.stores import LastAudits
from support.builders.facts import HOUR, NOW, SECOND
from support.fakes.log import FakeLog


class FakeAuditHistory:
    """Knows when projects were last audited wholly, and since when they are registered."""

    def __init__(self, last_complete: Mapping[str, datetime], registrations: Mapping[str, datetime]) -> None:
        """Take both, by project."""
        self.last_complete = last_complete
        self.ids: Mapping[str, str] = {}
        self.registrations = dict(registrations)

    def find_last_audits(self, project: str) -> LastAudits:
        """Return when it was audited, if it was."""
        if project == "unreadable":
            raise StateError("the table cannot be read")
        complete_at = self.last_complete.get(project)
        return LastAudits(NOW if project.startswith("half") else complete_at, complete_at, self.ids.get(project))

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when it was first checked."""
        return self.registrations.setdefault(project, now)


class OverdueHarness:
    """A registry with its audits, and the result of the check."""

    def __init__(
        self, *names: str, last_complete: Mapping[str, datetime], registrations: Mapping[str, datetime] | None = None
    ) -> None:
        """Register projects."""
        self.registry = Registry(tuple(map(RegisteredProject, names)))
        self.history = FakeAuditHistory(last_complete, registrations or {})
        self.metrics: list[tuple[str | None, dict[str, float | None]]] = []
        self.log = FakeLog()

    def emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        """Write metrics down."""
        assert not dimensions
        self.metrics.append((project, dict(values)))

    def check_overdue(self) -> dict[str, object]:
        """Run the check, and return its answer."""
        return check_overdue(self.registry, self.history, NOW, self.emit, self.log)

    def list_overdue(self) -> object:
        """Run the check, and return the overdue projects."""
        return self.check_overdue()["projects"]


@pytest.mark.parametrize(
    "age, is_overdue",
    [
        pytest.param(30 * HOUR, [], id="at-limit"),
        pytest.param(30 * HOUR + SECOND, ["search"], id="one-second-past"),
    ],
)
def test_a_project_is_overdue_after_30_hours(age: timedelta, is_overdue: list[str]) -> None:
    """Counted from its last complete audit."""
    assert OverdueHarness("search", last_complete={"search": NOW - age}).list_overdue() == is_overdue


def test_the_overdue_are_counted_and_each_is_logged_with_the_next_step() -> None:
    """One figure for the whole application, and a line for each of them."""
    last_complete = {"search": NOW - HOUR, "late": NOW - 31 * HOUR, "later": NOW - 50 * HOUR}
    harness = OverdueHarness("search", "late", "later", last_complete=last_complete)
    assert harness.list_overdue() == ["late", "later"]
    assert harness.metrics == [(None, {"ProjectsOverdue": 2, "ProjectsIncomplete": 0})]
    messages = harness.log.get_messages("error")
    assert messages[0].startswith("late: no complete audit for 1d 7h; read its last lines in the log")
    assert [facts["project"] for _, _, facts in harness.log.lines] == ["late", "later"]


def test_projects_whose_last_audit_was_incomplete_are_counted() -> None:
    """A project counts as incomplete if its last audit was incomplete, however old its last complete audit is."""
    harness = OverdueHarness(
        "search", "half-read", "half-read-ever", "new", last_complete={"search": NOW - HOUR, "half-read": NOW - HOUR}
    )
    assert harness.check_overdue()["incomplete"] == ["half-read", "half-read-ever"]
    assert harness.metrics == [(None, {"ProjectsOverdue": 0, "ProjectsIncomplete": 2})]
    assert harness.log.get_messages("warning")[0].startswith(
        "half-read: its last audit could not read everything; check `read_errors`"
    )


def test_nothing_overdue_is_a_true_zero() -> None:
    """Silence would be an alarm."""
    harness = OverdueHarness(last_complete={})
    assert harness.list_overdue() == []
    assert harness.metrics == [(None, {"ProjectsOverdue": 0, "ProjectsIncomplete": 0})]


def test_a_project_that_was_never_audited_waits_since_it_was_first_seen() -> None:
    """A new one has its 30 hours too, and no more."""
    harness = OverdueHarness("new", "forgotten", last_complete={}, registrations={"forgotten": NOW - 31 * HOUR})
    assert harness.list_overdue() == ["forgotten"]
    assert harness.history.registrations["new"] == NOW
    assert "no complete audit since it was registered 1d 7h ago" in harness.log.get_messages("error")[0]


def test_a_project_whose_entry_has_a_mistake_is_watched_too() -> None:
    """A registered project without any audit becomes overdue."""
    harness = OverdueHarness(last_complete={}, registrations={"typo": NOW - 31 * HOUR})
    harness.registry = Registry((), (EntryError("typo", 3, "unknown key"),))
    assert harness.list_overdue() == ["typo"]


def test_a_state_that_cannot_be_read_is_no_figure() -> None:
    """A missing figure raises the alarm as a wrong one never would."""
    harness = OverdueHarness("search", "unreadable", last_complete={"search": NOW})
    with pytest.raises(StateError):
        harness.list_overdue()
    assert harness.metrics == []


def test_a_complete_audit_of_the_future_is_overdue() -> None:
    """A project whose last complete audit is in the future is overdue, because no audit is recorded until then."""
    last_complete = {"ahead": NOW + 200 * 24 * HOUR, "near": NOW + CLOCK_TOLERANCE}
    harness = OverdueHarness("ahead", "near", last_complete=last_complete)
    assert harness.list_overdue() == ["ahead"]
    (message,) = harness.log.get_messages("error")
    assert message.startswith("ahead: its last complete audit is in the future")
    assert message.endswith("backup-auditor state discard --project ahead --table TABLE")


def test_projects_whose_audits_led_to_one_pinecone_project_are_incomplete() -> None:
    """Their states hold the same id: one of the two is not audited, however complete both look."""
    harness = OverdueHarness("a", "b", "c", "d", last_complete=dict.fromkeys("abcd", NOW - HOUR))
    harness.history.ids = {"a": "project-1", "b": "project-1", "c": "project-2"}
    assert harness.check_overdue()["incomplete"] == ["a", "b"]
    assert harness.metrics == [(None, {"ProjectsOverdue": 0, "ProjectsIncomplete": 2})]
    (message,) = harness.log.get_messages("error")
    assert message.startswith('Registry entries "a" and "b" open the same Pinecone project (project-1), so ')
    assert harness.log.get_messages("warning") == []


def test_entries_that_share_a_secret_are_reported_once() -> None:
    """Before any of them was audited, and when both states hold the same id."""
    harness = OverdueHarness(last_complete=dict.fromkeys("ab", NOW - HOUR))
    harness.registry = Registry((RegisteredProject("a", "keys"), RegisteredProject("b", "keys")))
    assert harness.check_overdue()["incomplete"] == ["a", "b"]
    harness.history.ids = {"a": "project-1", "b": "project-1"}
    harness.log.lines.clear()
    assert harness.check_overdue()["incomplete"] == ["a", "b"]
    (message,) = harness.log.get_messages("error")
    assert "(their key is in the secret keys)" in message
