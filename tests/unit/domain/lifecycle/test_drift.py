"""What changed in the settings since the last complete audit is told once, with what was before and after."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.lifecycle.advance import find_unconfirmed_listings
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind
from backup_auditor.domain.policy import Policy
from support.builders.audit_sequence import Nights, night
from support.builders.facts import BROKEN, DAY, backup, broken, index, inventory, renamed, schedule, whole
from support.builders.reports import BUILT_IN

NIGHTLY = {"schedule": "nightly", "schedule_id": "schedule-1"}
SETTINGS = {**NIGHTLY, "enabled": True, "frequency": "daily", "retention_days": 7}
DAILY = index()
SCHEDULES_OF_MAIN = ListingId(ListingKind.SCHEDULES, "main")


def project(**settings: Any) -> Inventory:
    """Build a project of one index, whose schedule has these settings."""
    return inventory(index(schedules=[schedule(**settings)]))


def drift(*told: Inventory, policies: tuple[Policy, ...] = ()) -> list[tuple[str, str, Any, Any]]:
    """Audit one night after the other; return what the last one tells."""
    nights = Nights()
    outcomes = [nights.audited(it, policies[number] if policies else BUILT_IN) for number, it in enumerate(told)]
    return [(it.change, it.resource.name, it.before, it.after) for it in outcomes[-1].drift]


def test_the_first_audit_has_nothing_to_compare_with() -> None:
    """Everything is there for the first time."""
    assert drift(project()) == []


def test_a_night_without_a_change_has_no_drift() -> None:
    """And a change is told once, not every night."""
    assert drift(project(), project()) == []
    assert drift(project(), project(enabled=False), project(enabled=False)) == []


@pytest.mark.parametrize(
    "before,after,what,setting",
    [
        pytest.param({}, {"enabled": False}, "schedule paused", "enabled", id="paused"),
        pytest.param({"enabled": False}, {}, "schedule resumed", "enabled", id="resumed"),
        pytest.param({}, {"frequency": "weekly"}, "schedule frequency lowered", "frequency", id="slower"),
        pytest.param({"frequency": "monthly"}, {}, "schedule frequency raised", "frequency", id="faster"),
        pytest.param({}, {"frequency": "hourly"}, "schedule frequency changed", "frequency", id="to-one-unknown"),
        pytest.param(
            {"retention": 35 * DAY},
            {},
            "schedule retention lowered: existing backups now expire earlier",
            "retention_days",
            id="kept-shorter",
        ),
        pytest.param(
            {},
            {"retention": 35 * DAY},
            "schedule retention raised: existing backups now expire later",
            "retention_days",
            id="kept-longer",
        ),
    ],
)
def test_a_changed_schedule_is_told(before: dict[str, Any], after: dict[str, Any], what: str, setting: str) -> None:
    """With the setting that changed, and which schedule it is of."""
    (found,) = drift(project(**before), project(**after))
    facts = schedule(**before), schedule(**after)
    values = [
        {"retention_days": it.retention and it.retention / DAY}.get(setting, getattr(it, setting, None)) for it in facts
    ]
    assert found == (what, "main", {**NIGHTLY, setting: values[0]}, {**NIGHTLY, setting: values[1]})


@pytest.mark.parametrize("setting", ["enabled", "frequency", "retention"])
def test_a_setting_that_is_not_told_has_not_changed(setting: str) -> None:
    """It is what it was last known to be; a change is told once it is known again."""
    unknown = project(**{setting: None})
    assert drift(project(), unknown) == []
    assert drift(unknown, project()) == []
    changed = project(enabled=False, frequency="weekly", retention=DAY)
    assert len(drift(project(), unknown, changed)) == 3


def test_schedules_that_come_and_go_are_told() -> None:
    """With all their settings."""
    without = inventory(index(schedules=whole(())))
    assert drift(project(), without) == [("schedule deleted", "main", SETTINGS, None)]
    assert drift(without, project()) == [("schedule created", "main", None, SETTINGS)]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(whole((), walks=1), id="one-walk-alone"),
        pytest.param(Denial(DenialReason.PLAN, "no such plan"), id="refused"),
    ],
)
def test_a_schedule_that_may_be_there_is_not_called_deleted(answer: Any) -> None:
    """It stays known: the night that two walks miss it, its deletion is told."""
    doubtful = inventory(index(schedules=answer))
    without = inventory(index(schedules=whole(())))
    assert drift(project(), doubtful) == []
    assert drift(project(), doubtful, without) == [("schedule deleted", "main", SETTINGS, None)]


def test_a_second_walk_is_asked_for_before_a_schedule_is_called_deleted() -> None:
    """Only where one that was known is missed, and where a walk could still tell."""
    nights = Nights()
    once = inventory(index(schedules=whole((), walks=1)))
    assert find_unconfirmed_listings(nights.memory, once) == frozenset()
    nights.audited(project())
    assert find_unconfirmed_listings(nights.memory, once) == {SCHEDULES_OF_MAIN}
    for answer in (whole(()), broken(), whole([schedule()], walks=1)):
        assert find_unconfirmed_listings(nights.memory, inventory(index(schedules=answer))) == frozenset()


def test_an_index_without_doubt_hides_no_doubt_about_another() -> None:
    """Whichever of them is looked at first."""
    nights = Nights()
    names = [f"index-{number}" for number in range(6)]
    nights.audited(inventory(*(renamed(index(), it) for it in names)))
    answers = (whole((), walks=1), whole(()), broken())
    told = inventory(
        *(renamed(index(schedules=answers[number % 3]), it) for number, it in enumerate(names)),
        renamed(index(schedules=whole((), walks=1)), "another"),
    )
    assert find_unconfirmed_listings(nights.memory, told) == {
        ListingId(ListingKind.SCHEDULES, it) for it in (names[0], names[3])
    }


def test_indexes_that_come_and_go_are_told() -> None:
    """Their schedules come and go with them, and are not told apart."""
    facts = {"id": "id-main", "deletion_protection": None}
    assert drift(inventory(), project()) == [("index appeared", "main", None, facts)]
    assert drift(project(), inventory()) == [("index disappeared", "main", facts, None)]


def test_an_index_that_was_made_anew_is_told() -> None:
    """It has another id under the same name, and none of the former schedules."""
    anew = inventory(index(schedules=[schedule("schedule-2", index_id="id-2")], runs=[]))
    told = drift(project(), anew)
    assert [it[0] for it in told] == ["index re-created", "schedule created", "schedule deleted"]
    assert told[0][2:] == tuple({"id": it, "deletion_protection": None} for it in ("id-main", "id-2"))


def test_an_id_that_is_not_told_is_no_other_index() -> None:
    """It is remembered until another one is told."""
    nothing = inventory(index(schedules=whole(())))
    assert [it[0] for it in drift(project(), nothing)] == ["schedule deleted"]
    anew = inventory(index(schedules=whole(()), listed=[backup(index_id="id-2")], own=whole([backup(index_id="id-2")])))
    assert [it[0] for it in drift(project(), nothing, anew)] == ["index re-created"]


@pytest.mark.parametrize(
    "before,after,what",
    [
        pytest.param(True, False, "deletion protection turned off", id="off"),
        pytest.param(False, True, "deletion protection turned on", id="on"),
    ],
)
def test_deletion_protection_that_is_turned_is_told(*, before: bool, after: bool, what: str) -> None:
    """Turned off is one call away from a deleted index."""
    first, second = (inventory(index(deletion_protection=it)) for it in (before, after))
    assert drift(first, second) == [(what, "main", before, after)]
    assert drift(first, inventory(index()), second) == [(what, "main", before, after)]
    assert drift(inventory(index()), second) == []


def test_protection_that_is_not_told_of_an_index_made_anew_was_not_turned_off() -> None:
    """It is another index; of its protection nothing is known."""
    anew = inventory(index(schedules=[schedule("schedule-2", index_id="id-2")], runs=[]))
    told = [it[0] for it in drift(inventory(index(deletion_protection=True)), anew)]
    assert told == ["index re-created", "schedule created", "schedule deleted"]


def test_what_drifted_is_of_an_index_of_the_project() -> None:
    """The resource has the id by which the index is known now, or was when it went; a policy is the project's."""
    nights = Nights()
    nights.audited(project())
    (paused,) = nights.audited(project(enabled=False)).drift
    assert paused.resource == Resource(ResourceType.INDEX, "default", "main", "id-main")
    (gone,) = nights.audited(inventory()).drift
    assert gone.resource == Resource(ResourceType.INDEX, "default", "main", "id-main")
    (changed,) = nights.audited(inventory(), replace(BUILT_IN, sha256="1" * 64)).drift
    assert changed.resource == Resource(ResourceType.PROJECT, "default", "default", None)


def test_an_index_that_appears_hides_no_drift_of_another() -> None:
    """Whichever of them is looked at first."""
    names = [f"index-{number}" for number in range(9)]
    before = inventory(*(renamed(index(deletion_protection=True), it) for it in names[::2]))
    after = inventory(
        *(renamed(index(schedules=[schedule(enabled=False)], deletion_protection=False), it) for it in names)
    )
    told = {(what, name) for what, name, _, _ in drift(before, after)}
    assert told == {
        *(("index appeared", it) for it in names[1::2]),
        *(("schedule paused", it) for it in names[::2]),
        *(("deletion protection turned off", it) for it in names[::2]),
    }


def test_an_index_that_was_made_anew_is_known_since_then() -> None:
    """It has no settings of its predecessor; one that was not made anew is known since it was seen first."""
    nights = Nights()
    nights.audited(inventory(index(deletion_protection=True)))
    assert nights.memory.indexes["main"].first_seen == night(0)
    nights.audited(inventory(index()))
    assert nights.memory.indexes["main"].first_seen == night(0)
    assert nights.memory.indexes["main"].deletion_protection is True
    nights.audited(inventory(index(schedules=[schedule("schedule-2", index_id="id-2")], runs=[])))
    assert nights.memory.indexes["main"].first_seen == night(2)
    assert nights.memory.indexes["main"].deletion_protection is None
    nights.audited(inventory(index(schedules=[schedule("schedule-2", index_id="id-2", name=None)], runs=[])))
    assert nights.memory.schedules["schedule-2"].name == "nightly"


def test_a_changed_policy_is_told() -> None:
    """By its hash, after everything else."""
    other = replace(BUILT_IN, sha256="1" * 64)
    told = drift(project(), project(enabled=False), policies=(BUILT_IN, other))
    assert [it[0] for it in told] == ["schedule paused", "policy changed"]
    assert told[1] == ("policy changed", "default", "0" * 64, "1" * 64)


def test_drift_is_told_since_the_last_complete_audit() -> None:
    """An incomplete one neither tells nor forgets it."""
    incomplete = replace(project(enabled=False), indexes_failure=BROKEN)
    assert drift(project(), incomplete) == []
    assert [it[0] for it in drift(project(), incomplete, project(enabled=False))] == ["schedule paused"]


def test_two_schedules_are_told_apart() -> None:
    """Each by its own id, in order."""
    both = [schedule("schedule-1"), schedule("schedule-2", name="weekly", frequency="weekly")]
    changed = [replace(it, enabled=False) for it in both]
    told = drift(inventory(index(schedules=both)), inventory(index(schedules=changed)))
    assert [it[2]["schedule_id"] for it in told] == ["schedule-1", "schedule-2"]


def test_a_part_of_a_day_is_told_as_such() -> None:
    """A retention is whole days as a rule."""
    (found,) = drift(project(), project(retention=timedelta(hours=36)))
    assert found[3]["retention_days"] == 1.5


def test_a_pod_has_no_schedules() -> None:
    """None was asked for: those it had under that name are gone."""
    pod = inventory(replace(DAILY, facts=IndexFacts(DAILY.facts.index)))
    assert [it[0] for it in drift(project(), pod)] == ["schedule deleted"]


def test_an_index_that_is_being_deleted_has_not_disappeared() -> None:
    """Neither the index nor its schedules drift until the index is gone."""
    leaving = inventory(terminating=(DAILY.facts.index,))
    assert drift(inventory(DAILY), leaving) == []
    assert drift(inventory(DAILY), leaving, leaving) == []
    gone = drift(inventory(DAILY), leaving, inventory())
    assert [(what, name) for what, name, _, _ in gone] == [("index disappeared", "main")]


def test_an_index_that_is_made_anew_after_its_deletion_is_re_created() -> None:
    """The id that was known before the deletion began tells the two apart."""
    anew = inventory(index(schedules=[schedule(index_id="id-new", schedule_id="schedule-2")], runs=[]))
    found = {it[0] for it in drift(inventory(DAILY), inventory(terminating=(DAILY.facts.index,)), anew)}
    assert "index re-created" in found


def test_an_unknown_index_that_is_being_deleted_does_not_appear() -> None:
    """An index that no earlier audit saw is not remembered while it is being deleted."""
    assert drift(inventory(), inventory(terminating=(DAILY.facts.index,)), inventory()) == []
