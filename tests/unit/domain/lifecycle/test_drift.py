"""A change of settings since the last complete audit is reported once, with its values before and after."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.lifecycle.advance import find_unconfirmed_listings
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind
from backup_auditor.domain.policy import Policy
from support.builders.audit_sequence import AuditSequence, get_audit_time
from support.builders.facts import (
    DAY,
    READ_FAILURE,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_schedule,
    rename_index,
)
from support.builders.reports import BUILT_IN_POLICY

SCHEDULE_FIELDS = {"schedule": "nightly", "schedule_id": "schedule-1"}
SCHEDULE_SETTINGS = {**SCHEDULE_FIELDS, "enabled": True, "frequency": "daily", "retention_days": 7}
DAILY_INDEX = build_index()
SCHEDULES_ID = ListingId(ListingKind.SCHEDULES, "main")


def build_project(**settings: Any) -> Inventory:
    """Build a project of one index, whose schedule has these settings."""
    return build_inventory(build_index(schedules=[build_schedule(**settings)]))


def find_drift(*inventories: Inventory, policies: tuple[Policy, ...] = ()) -> list[tuple[str, str, Any, Any]]:
    """Audit one night after the other; return what the last one tells."""
    sequence = AuditSequence()
    results = [
        sequence.audit(it, policies[number] if policies else BUILT_IN_POLICY) for number, it in enumerate(inventories)
    ]
    return [(it.change, it.resource.name, it.before, it.after) for it in results[-1].drift]


def test_the_first_audit_has_nothing_to_compare_with() -> None:
    """The first audit reports no drift."""
    assert find_drift(build_project()) == []


def test_a_night_without_a_change_has_no_drift() -> None:
    """A change is reported once, not every night."""
    assert find_drift(build_project(), build_project()) == []
    assert find_drift(build_project(), build_project(enabled=False), build_project(enabled=False)) == []


@pytest.mark.parametrize(
    "previous_settings,current_settings,change_name,setting",
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
def test_a_changed_schedule_is_reported(
    previous_settings: dict[str, Any], current_settings: dict[str, Any], change_name: str, setting: str
) -> None:
    """The drift names the changed setting and its schedule."""
    (change,) = find_drift(build_project(**previous_settings), build_project(**current_settings))
    facts = build_schedule(**previous_settings), build_schedule(**current_settings)
    values = [
        {"retention_days": it.retention and it.retention / DAY}.get(setting, getattr(it, setting, None)) for it in facts
    ]
    assert change == (
        change_name,
        "main",
        {**SCHEDULE_FIELDS, setting: values[0]},
        {**SCHEDULE_FIELDS, setting: values[1]},
    )


@pytest.mark.parametrize("setting", ["enabled", "frequency", "retention"])
def test_a_setting_that_is_unknown_has_not_changed(setting: str) -> None:
    """An unknown setting keeps its last known value, and a change is reported when it is known again."""
    unknown_project = build_project(**{setting: None})
    assert find_drift(build_project(), unknown_project) == []
    assert find_drift(unknown_project, build_project()) == []
    changed_project = build_project(enabled=False, frequency="weekly", retention=DAY)
    assert len(find_drift(build_project(), unknown_project, changed_project)) == 3


def test_schedules_that_come_and_go_are_reported() -> None:
    """A created or deleted schedule is reported with all its settings."""
    project_without_schedules = build_inventory(build_index(schedules=build_complete_listing(())))
    assert find_drift(build_project(), project_without_schedules) == [
        ("schedule deleted", "main", SCHEDULE_SETTINGS, None)
    ]
    assert find_drift(project_without_schedules, build_project()) == [
        ("schedule created", "main", None, SCHEDULE_SETTINGS)
    ]


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(build_complete_listing((), reads=1), id="one-read"),
        pytest.param(Denial(DenialReason.PLAN, "no such plan"), id="refused"),
    ],
)
def test_a_schedule_that_may_exist_is_not_deleted(response: Any) -> None:
    """A missing schedule stays known until two reads confirm its deletion, which is then reported."""
    unknown_project = build_inventory(build_index(schedules=response))
    project_without_schedules = build_inventory(build_index(schedules=build_complete_listing(())))
    assert find_drift(build_project(), unknown_project) == []
    assert find_drift(build_project(), unknown_project, project_without_schedules) == [
        ("schedule deleted", "main", SCHEDULE_SETTINGS, None)
    ]


def test_a_missing_schedule_needs_a_second_read() -> None:
    """A second read is requested only if a known schedule is missing and a read can still decide."""
    sequence = AuditSequence()
    once_read_project = build_inventory(build_index(schedules=build_complete_listing((), reads=1)))
    assert find_unconfirmed_listings(sequence.state, once_read_project) == frozenset()
    sequence.audit(build_project())
    assert find_unconfirmed_listings(sequence.state, once_read_project) == {SCHEDULES_ID}
    for response in (
        build_complete_listing(()),
        build_failed_listing(),
        build_complete_listing([build_schedule()], reads=1),
    ):
        assert (
            find_unconfirmed_listings(sequence.state, build_inventory(build_index(schedules=response))) == frozenset()
        )


def test_an_index_without_doubt_hides_no_doubt_about_another() -> None:
    """Whichever of them is looked at first."""
    sequence = AuditSequence()
    names = [f"index-{number}" for number in range(6)]
    sequence.audit(build_inventory(*(rename_index(build_index(), it) for it in names)))
    answers = (build_complete_listing((), reads=1), build_complete_listing(()), build_failed_listing())
    project_inventory = build_inventory(
        *(rename_index(build_index(schedules=answers[number % 3]), it) for number, it in enumerate(names)),
        rename_index(build_index(schedules=build_complete_listing((), reads=1)), "another"),
    )
    assert find_unconfirmed_listings(sequence.state, project_inventory) == {
        ListingId(ListingKind.SCHEDULES, it) for it in (names[0], names[3])
    }


def test_indexes_that_come_and_go_are_reported() -> None:
    """The schedules of a created or deleted index are not reported separately."""
    facts = {"id": "id-main", "deletion_protection": None}
    assert find_drift(build_inventory(), build_project()) == [("index appeared", "main", None, facts)]
    assert find_drift(build_project(), build_inventory()) == [("index disappeared", "main", facts, None)]


def test_an_index_that_was_recreated_is_reported() -> None:
    """A recreated index has another id, and none of the earlier schedules."""
    recreated_project = build_inventory(build_index(schedules=[build_schedule("schedule-2", index_id="id-2")], runs=[]))
    changes = find_drift(build_project(), recreated_project)
    assert [it[0] for it in changes] == ["index re-created", "schedule created", "schedule deleted"]
    assert changes[0][2:] == tuple({"id": it, "deletion_protection": None} for it in ("id-main", "id-2"))


def test_an_id_that_is_unknown_is_no_other_index() -> None:
    """An unknown id keeps its earlier value until another id is read."""
    project_without_schedules = build_inventory(build_index(schedules=build_complete_listing(())))
    assert [it[0] for it in find_drift(build_project(), project_without_schedules)] == ["schedule deleted"]
    recreated_project = build_inventory(
        build_index(
            schedules=build_complete_listing(()),
            listed_backups=[build_backup(index_id="id-2")],
            own_backups=build_complete_listing([build_backup(index_id="id-2")]),
        )
    )
    assert [it[0] for it in find_drift(build_project(), project_without_schedules, recreated_project)] == [
        "index re-created"
    ]


@pytest.mark.parametrize(
    "was_protected,is_protected,change_name",
    [
        pytest.param(True, False, "deletion protection turned off", id="off"),
        pytest.param(False, True, "deletion protection turned on", id="on"),
    ],
)
def test_deletion_protection_that_is_turned_is_reported(
    *, was_protected: bool, is_protected: bool, change_name: str
) -> None:
    """Turned off is one call away from a deleted index."""
    first_project, second_project = (
        build_inventory(build_index(deletion_protection=it)) for it in (was_protected, is_protected)
    )
    assert find_drift(first_project, second_project) == [(change_name, "main", was_protected, is_protected)]
    assert find_drift(first_project, build_inventory(build_index()), second_project) == [
        (change_name, "main", was_protected, is_protected)
    ]
    assert find_drift(build_inventory(build_index()), second_project) == []


def test_unknown_protection_of_a_recreated_index_was_not_turned_off() -> None:
    """The protection of a recreated index is unknown at first."""
    recreated_project = build_inventory(build_index(schedules=[build_schedule("schedule-2", index_id="id-2")], runs=[]))
    change_names = [
        it[0] for it in find_drift(build_inventory(build_index(deletion_protection=True)), recreated_project)
    ]
    assert change_names == ["index re-created", "schedule created", "schedule deleted"]


def test_what_drifted_is_of_an_index_of_the_project() -> None:
    """The resource has the id by which the index is known now, or was when it went; a policy is the project's."""
    sequence = AuditSequence()
    sequence.audit(build_project())
    (pause_change,) = sequence.audit(build_project(enabled=False)).drift
    assert pause_change.resource == Resource(ResourceType.INDEX, "default", "main", "id-main")
    (deletion_change,) = sequence.audit(build_inventory()).drift
    assert deletion_change.resource == Resource(ResourceType.INDEX, "default", "main", "id-main")
    (policy_change,) = sequence.audit(build_inventory(), replace(BUILT_IN_POLICY, sha256="1" * 64)).drift
    assert policy_change.resource == Resource(ResourceType.PROJECT, "default", "default", None)


def test_an_index_that_appears_hides_no_drift_of_another() -> None:
    """Whichever of them is looked at first."""
    names = [f"index-{number}" for number in range(9)]
    previous_project = build_inventory(*(rename_index(build_index(deletion_protection=True), it) for it in names[::2]))
    current_project = build_inventory(
        *(
            rename_index(build_index(schedules=[build_schedule(enabled=False)], deletion_protection=False), it)
            for it in names
        )
    )
    change_keys = {(change_name, name) for change_name, name, _, _ in find_drift(previous_project, current_project)}
    assert change_keys == {
        *(("index appeared", it) for it in names[1::2]),
        *(("schedule paused", it) for it in names[::2]),
        *(("deletion protection turned off", it) for it in names[::2]),
    }


def test_an_index_that_was_recreated_is_known_since_then() -> None:
    """A recreated index has no settings of the earlier one, and is first seen at the audit that found it."""
    sequence = AuditSequence()
    sequence.audit(build_inventory(build_index(deletion_protection=True)))
    assert sequence.state.indexes["main"].first_seen == get_audit_time(0)
    sequence.audit(build_inventory(build_index()))
    assert sequence.state.indexes["main"].first_seen == get_audit_time(0)
    assert sequence.state.indexes["main"].deletion_protection is True
    sequence.audit(build_inventory(build_index(schedules=[build_schedule("schedule-2", index_id="id-2")], runs=[])))
    assert sequence.state.indexes["main"].first_seen == get_audit_time(2)
    assert sequence.state.indexes["main"].deletion_protection is None
    sequence.audit(
        build_inventory(build_index(schedules=[build_schedule("schedule-2", index_id="id-2", name=None)], runs=[]))
    )
    assert sequence.state.schedules["schedule-2"].name == "nightly"


def test_a_changed_policy_is_reported() -> None:
    """A changed policy is reported by its hash, after all other drift."""
    other_policy = replace(BUILT_IN_POLICY, sha256="1" * 64)
    changes = find_drift(build_project(), build_project(enabled=False), policies=(BUILT_IN_POLICY, other_policy))
    assert [it[0] for it in changes] == ["schedule paused", "policy changed"]
    assert changes[1] == ("policy changed", "default", "0" * 64, "1" * 64)


def test_drift_is_reported_since_the_last_complete_audit() -> None:
    """An incomplete audit neither reports drift nor loses it."""
    incomplete_project = replace(build_project(enabled=False), indexes_failure=READ_FAILURE)
    assert find_drift(build_project(), incomplete_project) == []
    assert [it[0] for it in find_drift(build_project(), incomplete_project, build_project(enabled=False))] == [
        "schedule paused"
    ]


def test_two_schedules_are_distinguished() -> None:
    """Each by its own id, in order."""
    schedules = [build_schedule("schedule-1"), build_schedule("schedule-2", name="weekly", frequency="weekly")]
    paused_schedules = [replace(it, enabled=False) for it in schedules]
    changes = find_drift(
        build_inventory(build_index(schedules=schedules)), build_inventory(build_index(schedules=paused_schedules))
    )
    assert [it[2]["schedule_id"] for it in changes] == ["schedule-1", "schedule-2"]


def test_a_part_of_a_day_is_reported_as_such() -> None:
    """A retention is whole days as a rule."""
    (change,) = find_drift(build_project(), build_project(retention=timedelta(hours=36)))
    assert change[3]["retention_days"] == 1.5


def test_a_pod_has_no_schedules() -> None:
    """An index that became a pod has lost its schedules."""
    pod = build_inventory(replace(DAILY_INDEX, facts=IndexFacts(DAILY_INDEX.facts.index)))
    assert [it[0] for it in find_drift(build_project(), pod)] == ["schedule deleted"]


def test_an_index_that_is_being_deleted_has_not_disappeared() -> None:
    """Neither the index nor its schedules drift until the index is gone."""
    terminating_project = build_inventory(terminating=(DAILY_INDEX.facts.index,))
    assert find_drift(build_inventory(DAILY_INDEX), terminating_project) == []
    assert find_drift(build_inventory(DAILY_INDEX), terminating_project, terminating_project) == []
    changes = find_drift(build_inventory(DAILY_INDEX), terminating_project, build_inventory())
    assert [(change_name, name) for change_name, name, _, _ in changes] == [("index disappeared", "main")]


def test_an_index_that_is_recreated_after_its_deletion_is_re_created() -> None:
    """The id that was known before the deletion shows that the index is another one."""
    recreated_project = build_inventory(
        build_index(schedules=[build_schedule(index_id="id-new", schedule_id="schedule-2")], runs=[])
    )
    change = {
        it[0]
        for it in find_drift(
            build_inventory(DAILY_INDEX), build_inventory(terminating=(DAILY_INDEX.facts.index,)), recreated_project
        )
    }
    assert "index re-created" in change


def test_an_unknown_index_that_is_being_deleted_does_not_appear() -> None:
    """An index that no earlier audit saw is not recorded while it is being deleted."""
    assert (
        find_drift(build_inventory(), build_inventory(terminating=(DAILY_INDEX.facts.index,)), build_inventory()) == []
    )
