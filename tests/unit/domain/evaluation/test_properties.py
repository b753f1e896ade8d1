"""What holds of every judgement, whatever the facts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Compliance, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory, hash_inventory, merge_reads
from backup_auditor.domain.listing import Listing, ListingRead
from backup_auditor.domain.model import Backup
from support.builders.facts import DAY, HOUR, IndexCase, ago, backup, finding, inventory, judged, verdicts
from support.builders.strategies import cases, cut, projects

UNREAD = "inventory-is-complete"
"""The one control that is about what was not read."""
type Verdicts = Mapping[tuple[str, str], Compliance]


def assert_only_withheld(with_less: Verdicts, with_more: Verdicts) -> None:
    """Assert that whoever knows less says the same or says that the data do not suffice."""
    said = {
        key: (it, with_more[key])
        for key, it in with_less.items()
        if key[0] != UNREAD and it not in {Compliance.INSUFFICIENT_DATA, with_more[key]}
    }
    assert said == {}


@given(projects())
def test_every_control_gives_one_finding_on_every_resource(told: Inventory) -> None:
    """And none of them fails; every finding names a reason, and its evidence is JSON."""
    findings = judged(told).findings
    live = {facts.index.name for facts in told.indexes}
    gone = {(it.resource.name, it.resource.id) for it in findings if it.resource.type is ResourceType.DELETED_INDEX}
    listed = {(it.index_name, it.index_id): it.index_deleted_at for it in told.backups.rows}
    assert {key for key, at in listed.items() if at and key[1].startswith("id-earlier")} <= gone <= listed.keys()
    expected = [(it.id, ResourceType.PROJECT, told.project) for it in CATALOG.project_controls]
    expected += [(it.id, ResourceType.INDEX, name) for it in CATALOG.index_controls for name in live]
    expected += [(it.id, ResourceType.DELETED_INDEX, name) for it in CATALOG.deleted_index_controls for name, _ in gone]
    assert [(it.control, it.resource.type, it.resource.name) for it in findings] == sorted(expected)
    for it in findings:
        assert "the control itself failed" not in it.reason.casefold()
        assert it.reason.endswith(".") or it.control == "plan-allows-schedules"
        assert json.loads(json.dumps(it.evidence)) == it.evidence


@given(projects(), st.data())
def test_what_was_not_read_changes_no_verdict_but_to_insufficient(told: Inventory, data: st.DataObject) -> None:
    """Any listing may have broken off anywhere: nothing is compliant, or not, for want of rows."""

    def perhaps_cut(listing: Any) -> Any:
        if isinstance(listing, Listing) and data.draw(st.booleans()):
            return data.draw(cut(listing))
        return listing

    def less(facts: IndexFacts) -> IndexFacts:
        own = perhaps_cut(facts.own_backups)
        return replace(facts, schedules=perhaps_cut(facts.schedules), own_backups=own)

    indexes = tuple(less(facts) for facts in told.indexes)
    known = {it.schedule_id for facts in indexes for it in facts.schedules.rows}  # type: ignore[union-attr]  # all listed
    histories = {key: perhaps_cut(it) for key, it in told.histories.items() if key in known}
    with_less = replace(told, indexes=indexes, histories=histories, backups=perhaps_cut(told.backups))
    assert_only_withheld(verdicts(with_less), verdicts(told))


@given(cases(), st.sampled_from(["frequency", "retention", "enabled", "created_at"]), st.data())
def test_a_null_field_of_a_schedule_matters_only_where_it_decides(
    case: IndexCase, field: str, data: st.DataObject
) -> None:
    """Whatever it turns out to be, a verdict that was given without it stands."""
    known = case.facts.schedules
    assert isinstance(known, Listing)
    values: dict[str, Any] = {
        "frequency": ["daily", "weekly", "monthly"],
        "retention": [days * DAY for days in (1, 2, 7, 31, 401)],
        "enabled": [True, False],
        "created_at": [ago(age) for age in (timedelta(), HOUR, DAY, 3 * DAY, 9 * DAY, 90 * DAY)],
    }
    value = data.draw(st.sampled_from(values[field]))
    number = data.draw(st.integers(0, 2))
    if field == "created_at":  # no schedule runs before it is made
        assume(all(row.created_at and row.created_at >= value for it in case.histories.values() for row in it.rows))

    def with_value(it: Any) -> IndexCase:
        rows = [replace(row, **{field: it}) if at == number else row for at, row in enumerate(known.rows)]
        return replace(case, facts=replace(case.facts, schedules=replace(known, rows=tuple(rows))))

    assert_only_withheld(verdicts(with_value(None)), verdicts(with_value(value)))


@given(cases(), st.sampled_from([timedelta(), HOUR, DAY, 3 * DAY, 9 * DAY, 90 * DAY]))
def test_a_finished_backup_without_any_time_matters_only_where_it_decides(case: IndexCase, age: timedelta) -> None:
    """Whenever it was taken, a verdict that was given without knowing that stands."""
    told = inventory(case)
    known_schedules = case.facts.schedules
    assert isinstance(known_schedules, Listing)
    assume(all(it.created_at is None or it.created_at <= ago(age) for it in known_schedules.rows))

    def dated(row: Backup) -> Backup:
        is_undated = (row.created_at, row.scheduled_for, row.name) == (None, None, None)
        return replace(row, scheduled_for=ago(age)) if is_undated else row

    def with_times(listing: Listing[Backup]) -> Listing[Backup]:
        return replace(listing, rows=tuple(dated(row) for row in listing.rows))

    histories = {key: with_times(it) for key, it in told.histories.items()}
    known = replace(told, backups=with_times(told.backups), histories=histories)
    assert_only_withheld(verdicts(told), verdicts(known))


@given(projects(walks=1))
def test_one_walk_withholds_what_a_second_could_change(told: Inventory) -> None:
    """And names the listings that want the second one."""

    def twice(listing: Any) -> Any:
        return merge_reads([ListingRead(listing.rows)] * 2) if isinstance(listing, Listing) else listing

    indexes = tuple(
        replace(it, schedules=twice(it.schedules), own_backups=twice(it.own_backups)) for it in told.indexes
    )
    histories = {key: twice(it) for key, it in told.histories.items()}
    again = verdicts(replace(told, indexes=indexes, histories=histories, backups=twice(told.backups)))
    judgement = judged(told)
    once = {(it.control, it.resource.name): it.compliance for it in judgement.findings}
    assert_only_withheld(once, again)
    assert bool(judgement.unconfirmed_listings) is (once != again)


@given(projects(), st.randoms(use_true_random=False))
def test_the_order_and_the_repetition_of_rows_change_nothing(told: Inventory, random: Random) -> None:
    """Not the findings, not the nights of any index, and not the digest of the facts."""

    def shuffled(listing: Any) -> Any:
        if not isinstance(listing, Listing):
            return listing
        walks = [
            ListingRead(tuple(random.sample(listing.rows * 2, len(listing.rows) * 2)))
            for _ in range(listing.read_count)
        ]
        return merge_reads(walks)

    indexes = [
        replace(it, schedules=shuffled(it.schedules), own_backups=shuffled(it.own_backups)) for it in told.indexes
    ]
    random.shuffle(indexes)
    keys = random.sample(sorted(told.histories), len(told.histories))
    other = replace(
        told,
        indexes=tuple(indexes),
        backups=shuffled(told.backups),
        histories={key: shuffled(told.histories[key]) for key in keys},
    )
    assert judged(other) == judged(told)
    assert list(judged(other).timelines) == list(judged(told).timelines)
    assert hash_inventory(other) == hash_inventory(told)


@given(cases(), st.sampled_from([timedelta(), HOUR, DAY, 2 * DAY, 9 * DAY]))
def test_a_newer_recovery_point_never_makes_freshness_worse(case: IndexCase, age: timedelta) -> None:
    """What was recent stays recent, and the age in the evidence does not grow."""
    before = finding("recovery-point-is-recent", inventory(case))
    after = finding("recovery-point-is-recent", inventory(case, more=[backup(age, backup_id="another")]))
    if before.compliance is Compliance.COMPLIANT:
        assert after.compliance is Compliance.COMPLIANT
    ages = (before.evidence.get("age_hours"), after.evidence.get("age_hours"))
    if all(isinstance(it, float) for it in ages):
        assert ages[0] >= ages[1]  # type: ignore[operator]  # both are numbers
