"""Test what the state stores about listed backups and about schedules that an audit did not read."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import find_unconfirmed_listings
from backup_auditor.domain.lifecycle.snapshots import snapshot_backups, snapshot_schedules
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind
from backup_auditor.domain.model import Index
from backup_auditor.domain.project_state import EarlierSettings, KnownBackup, KnownSchedule, ProjectState
from support.builders.facts import (
    DAY,
    NOW,
    ago,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_run,
    build_schedule,
    build_state,
)

RUN = build_run(DAY)
RUN_EXPIRY = ago(DAY) + 7 * DAY


def snapshot_one(inventory: Inventory, *known_backups: KnownBackup) -> KnownBackup:
    """Return the only backup of the state after an audit that follows one which recorded these backups."""
    (backup,) = snapshot_backups(ProjectContext(inventory, build_policy(), build_state(*known_backups))).values()
    return backup


def build_known_run(**facts: Any) -> KnownBackup:
    """Build the stored facts of a run of the schedule `schedule-1`."""
    return replace(build_known_backup(RUN, RUN_EXPIRY, schedule_id="schedule-1"), **facts)


def build_known_schedule(**facts: Any) -> KnownSchedule:
    """Build the known settings of the schedule `schedule-1`, which an audit 9 days ago saw first."""
    settings: dict[str, Any] = {"name": "nightly", "frequency": "daily", "retention": 7 * DAY, "enabled": True}
    return KnownSchedule("schedule-1", "main", **{"since": ago(9 * DAY), **settings, **facts})


def test_a_new_backup_is_stored_with_its_facts() -> None:
    """A backup that an audit sees first has the facts of its row and of its schedule."""
    assert snapshot_one(build_inventory(build_index(runs=[RUN]))) == build_known_run(known_since=NOW)
    manual_backup = build_backup(DAY, name="by-hand")
    expected = build_known_backup(manual_backup, expires=False, known_since=NOW)
    assert snapshot_one(build_inventory(build_index(runs=(), backups=[manual_backup]))) == expected


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"schedule_id": "schedule-0"}, id="other-schedule"),
        pytest.param({"schedule_id": None, "expires": None, "expires_at": None}, id="unknown-schedule"),
        pytest.param({"captured_at": None, "expires_at": None}, id="unknown-capture-time"),
        pytest.param({"expires_at": RUN_EXPIRY + DAY}, id="other-expiry"),
        pytest.param({"missed_at": ago(DAY)}, id="missed-before"),
    ],
)
def test_a_listed_backup_is_updated(facts: dict[str, Any]) -> None:
    """A listed backup has the present schedule and expiry, and is not missed."""
    inventory = build_inventory(build_index(runs=[RUN]))
    assert snapshot_one(inventory, build_known_run(**facts)) == build_known_run()


def test_unchanged_facts_are_kept() -> None:
    """A backup about which nothing changed stays the same record."""
    known_backup = build_known_run()
    assert snapshot_one(build_inventory(build_index(runs=[RUN])), known_backup) is known_backup


def test_an_unknown_expiry_leaves_what_was_known() -> None:
    """A run whose schedules could not be read keeps its schedule and its expiry."""
    inventory = build_inventory(build_index(schedules=build_failed_listing(), listed_backups=[RUN]))
    assert snapshot_one(inventory, build_known_run()) == build_known_run()


def test_a_manual_backup_stays_manual_while_the_schedules_are_unread() -> None:
    """A known manual backup does not expire, although a history that was not read could list it."""
    manual_backup = build_backup(DAY, name="by-hand")
    known_backup = build_known_backup(manual_backup, expires=False)
    inventory = build_inventory(build_index(schedules=build_failed_listing(), listed_backups=[manual_backup]))
    assert snapshot_one(inventory, known_backup) == known_backup


def test_a_backup_that_turns_out_manual_has_no_expiry() -> None:
    """A backup that certainly never expires loses the expiry that was assumed."""
    manual_backup = build_backup(DAY, name="by-hand")
    known_backup = build_known_backup(manual_backup, NOW + DAY, expires=None)
    inventory = build_inventory(build_index(runs=(), backups=[manual_backup]))
    assert snapshot_one(inventory, known_backup) == replace(known_backup, expires=False, expires_at=None)


def snapshot_schedule(state: ProjectState, inventory: Inventory) -> KnownSchedule | None:
    """Return what the state stores about the schedule `schedule-1` after an audit."""
    return snapshot_schedules(state, inventory).get("schedule-1")


def test_changed_settings_ended_with_the_audit_before() -> None:
    """Earlier settings last until the last audit that saw them."""
    state = build_state(schedules={"schedule-1": build_known_schedule()})
    schedule = snapshot_schedule(state, build_inventory(build_index(schedules=[build_schedule(frequency="weekly")])))
    assert schedule is not None
    assert (schedule.frequency, schedule.since) == ("weekly", NOW)
    assert schedule.earlier_settings == (EarlierSettings(ago(9 * DAY), ago(DAY), "daily", 7 * DAY, enabled=True),)


@pytest.mark.parametrize(
    "inventory, is_kept",
    [
        pytest.param(build_inventory(build_index(schedules=())), False, id="deleted"),
        pytest.param(build_inventory(), False, id="index-deleted"),
        pytest.param(build_inventory(terminating=(Index("main"),)), True, id="index-is-being-deleted"),
        pytest.param(build_inventory(build_index(schedules=(), reads=1)), True, id="read-once"),
        pytest.param(build_inventory(build_index(schedules=build_failed_listing())), True, id="unread"),
    ],
)
def test_a_schedule_is_removed_if_it_no_longer_exists(inventory: Inventory, is_kept: bool) -> None:
    """A schedule is removed by a complete audit that did not find it or its index."""
    state = build_state(schedules={"schedule-1": build_known_schedule()})
    assert (snapshot_schedule(state, inventory) is not None) is is_kept


@pytest.mark.parametrize(
    "facts, since, seen_at",
    [
        pytest.param({}, ago(9 * DAY), ago(DAY), id="seen-by-the-last-audit"),
        pytest.param({"seen_at": ago(3 * DAY)}, ago(9 * DAY), ago(3 * DAY), id="seen-by-an-earlier-audit"),
        pytest.param({"since": None}, ago(2 * DAY), ago(2 * DAY), id="state-without-a-history"),
        pytest.param({"since": None, "seen_at": ago(3 * DAY)}, ago(3 * DAY), ago(3 * DAY), id="seen-without-a-history"),
    ],
)
def test_an_unread_schedule_keeps_the_time_of_its_last_audit(
    facts: dict[str, Any], since: datetime, seen_at: datetime
) -> None:
    """The settings of a schedule that was not read were seen by the last audit that read them."""
    schedule = build_known_schedule(**facts)
    state = build_state(schedules={"schedule-1": schedule}, complete_at=ago(2 * DAY))
    inventory = build_inventory(build_index(schedules=build_failed_listing()))
    assert snapshot_schedule(state, inventory) == replace(schedule, since=since, seen_at=seen_at)


@pytest.mark.parametrize(
    "inventory, is_unconfirmed",
    [
        pytest.param(build_inventory(build_index(schedules=(), reads=1)), True, id="read-once"),
        pytest.param(build_inventory(build_index(schedules=(), reads=2)), False, id="read-twice"),
        pytest.param(build_inventory(build_index(schedules=build_failed_listing())), False, id="unread"),
        pytest.param(build_inventory(build_index(reads=1)), False, id="listed"),
        pytest.param(build_inventory(build_index("other", schedules=(), reads=1)), False, id="other-index"),
        pytest.param(
            build_inventory(build_index(schedules=Denial(DenialReason.PLAN, "403: the plan"))), False, id="refused"
        ),
    ],
)
def test_a_missing_schedule_needs_a_second_read(inventory: Inventory, is_unconfirmed: bool) -> None:
    """The schedules of an index are read again if a known schedule is missing in the only read."""
    expected = {ListingId(ListingKind.SCHEDULES, "main")} if is_unconfirmed else set[ListingId]()
    state = build_state(schedules={"schedule-1": build_known_schedule()})
    assert find_unconfirmed_listings(state, inventory) == expected


@pytest.mark.parametrize("age", [pytest.param(timedelta(), id="same-time"), pytest.param(DAY, id="one-day-later")])
def test_a_new_schedule_is_stored_with_its_settings(age: timedelta) -> None:
    """A schedule that an audit sees first has the settings that it read, since then."""
    inventory = replace(build_inventory(build_index()), observed_at=NOW + age)
    assert snapshot_schedule(build_state(), inventory) == build_known_schedule(since=NOW + age)
