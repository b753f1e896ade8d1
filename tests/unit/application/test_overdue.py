"""Who watches the watcher: a project without a complete audit for more than 26 hours is overdue."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from backup_auditor.application.overdue import OverdueDependencies, check_overdue
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import StateError
from backup_auditor.ports.stores import LastAudits
from support.builders.facts import HOUR, NOW, SECOND
from support.fakes.project_audit import Lines


class Watched:
    """Knows when projects were last audited wholly, and since when they are registered."""

    def __init__(self, last: Mapping[str, datetime], since: Mapping[str, datetime]) -> None:
        """Take both, by project."""
        self.last = last
        self.ids: Mapping[str, str] = {}
        self.since = dict(since)

    def find_last_audits(self, project: str) -> LastAudits:
        """Return when it was audited, if it was."""
        if project == "unreadable":
            raise StateError("the table cannot be read")
        complete = self.last.get(project)
        return LastAudits(NOW if project.startswith("half") else complete, complete, self.ids.get(project))

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when it was first asked for."""
        return self.since.setdefault(project, now)


class Watch:
    """A world to be watched, and what came of watching it."""

    def __init__(self, *names: str, last: Mapping[str, datetime], since: Mapping[str, datetime] | None = None) -> None:
        """Register projects."""
        self.registry = Registry(tuple(map(RegisteredProject, names)))
        self.watched = Watched(last, since or {})
        self.metrics: list[tuple[str | None, dict[str, float | None]]] = []
        self.log = Lines()

    def emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        """Write metrics down."""
        assert not dimensions
        self.metrics.append((project, dict(values)))

    def told(self) -> dict[str, object]:
        """Watch, and return what is told."""
        return check_overdue(OverdueDependencies(lambda: self.registry, self.watched, self.emit, self.log, lambda: NOW))

    def overdue(self) -> object:
        """Watch, and return who is overdue."""
        return self.told()["projects"]


@pytest.mark.parametrize(
    "age, overdue",
    [
        pytest.param(26 * HOUR, [], id="at-limit"),
        pytest.param(26 * HOUR + SECOND, ["search"], id="one-second-past"),
    ],
)
def test_a_project_is_overdue_after_26_hours(age: timedelta, overdue: list[str]) -> None:
    """Counted from its last complete audit."""
    assert Watch("search", last={"search": NOW - age}).overdue() == overdue


def test_the_overdue_are_counted_and_each_is_logged_with_the_next_step() -> None:
    """One figure for the whole application, and a line for each of them."""
    last = {"search": NOW - HOUR, "late": NOW - 31 * HOUR, "later": NOW - 50 * HOUR}
    watched = Watch("search", "late", "later", last=last)
    assert watched.overdue() == ["late", "later"]
    assert watched.metrics == [(None, {"ProjectsOverdue": 2, "ProjectsIncomplete": 0})]
    told = watched.log.of("error")
    assert told[0].startswith("late has had no complete audit for 1d 7h: look for its last lines in the log")
    assert [facts["project"] for _, _, facts in watched.log.lines] == ["late", "later"]


def test_projects_whose_last_audit_was_incomplete_are_counted() -> None:
    """However long ago the last complete one was, or whether there ever was one; a project without any is none."""
    watched = Watch(
        "search", "half-read", "half-read-ever", "new", last={"search": NOW - HOUR, "half-read": NOW - HOUR}
    )
    assert watched.told()["incomplete"] == ["half-read", "half-read-ever"]
    assert watched.metrics == [(None, {"ProjectsOverdue": 0, "ProjectsIncomplete": 2})]
    assert watched.log.of("warning")[0].startswith(
        "half-read: its last audit did not see everything: look at `read_errors`"
    )


def test_nothing_overdue_is_a_true_zero() -> None:
    """Silence would be an alarm."""
    watched = Watch(last={})
    assert watched.overdue() == []
    assert watched.metrics == [(None, {"ProjectsOverdue": 0, "ProjectsIncomplete": 0})]


def test_a_project_that_was_never_audited_waits_since_it_was_first_seen() -> None:
    """A new one has its 26 hours too, and no more."""
    watched = Watch("new", "forgotten", last={}, since={"forgotten": NOW - 27 * HOUR})
    assert watched.overdue() == ["forgotten"]
    assert watched.watched.since["new"] == NOW
    assert "never had a complete audit, and has been registered for 1d 3h" in watched.log.of("error")[0]


def test_a_project_whose_entry_has_a_mistake_is_watched_too() -> None:
    """Somebody expects it to be audited."""
    watched = Watch(last={}, since={"typo": NOW - 27 * HOUR})
    watched.registry = Registry((), (EntryError("typo", 3, "unknown key"),))
    assert watched.overdue() == ["typo"]


def test_a_state_that_cannot_be_read_is_no_figure() -> None:
    """A missing figure raises the alarm as a wrong one never would."""
    watched = Watch("search", "unreadable", last={"search": NOW})
    with pytest.raises(StateError):
        watched.overdue()
    assert watched.metrics == []


def test_a_complete_audit_of_the_future_is_overdue() -> None:
    """No audit is recorded until then, so nobody knows whether there was one."""
    last = {"ahead": NOW + 200 * 24 * HOUR, "near": NOW + CLOCK_TOLERANCE}
    watched = Watch("ahead", "near", last=last)
    assert watched.overdue() == ["ahead"]
    (told,) = watched.log.of("error")
    assert told.startswith("ahead: its last complete audit is recorded in the future")
    assert told.endswith("backup-auditor state discard --project ahead --table TABLE")


def test_projects_whose_audits_led_to_one_pinecone_project_are_incomplete() -> None:
    """Their states hold the same id: one of the two is not audited, however complete both look."""
    watched = Watch("a", "b", "c", "d", last=dict.fromkeys("abcd", NOW - HOUR))
    watched.watched.ids = {"a": "project-1", "b": "project-1", "c": "project-2"}
    assert watched.told()["incomplete"] == ["a", "b"]
    assert watched.metrics == [(None, {"ProjectsOverdue": 0, "ProjectsIncomplete": 2})]
    (told,) = watched.log.of("error")
    assert told.startswith('Registry entries "a" and "b" lead to one Pinecone project (project-1), so ')
    assert watched.log.of("warning") == []


def test_entries_that_share_a_secret_are_told_once() -> None:
    """Before any of them was audited, and when both states hold the same id."""
    watched = Watch(last=dict.fromkeys("ab", NOW - HOUR))
    watched.registry = Registry((RegisteredProject("a", "keys"), RegisteredProject("b", "keys")))
    assert watched.told()["incomplete"] == ["a", "b"]
    watched.watched.ids = {"a": "project-1", "b": "project-1"}
    watched.log.lines.clear()
    assert watched.told()["incomplete"] == ["a", "b"]
    (told,) = watched.log.of("error")
    assert "(their key is in the secret keys)" in told
