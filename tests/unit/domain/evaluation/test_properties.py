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
from support.builders.facts import (
    DAY,
    HOUR,
    IndexCase,
    ago,
    build_backup,
    build_inventory,
    evaluate_control,
    evaluate_facts,
    evaluate_verdicts,
)
from support.builders.strategies import index_cases, inventories, truncated_listings

INCOMPLETE_CONTROL = "inventory-is-complete"
"""The one control that is about what was not read."""
type Verdicts = Mapping[tuple[str, str], Compliance]


def assert_only_withheld(partial_verdicts: Verdicts, full_verdicts: Verdicts) -> None:
    """Assert that less knowledge gives the same verdict or INSUFFICIENT_DATA."""
    contradictions = {
        key: (it, full_verdicts[key])
        for key, it in partial_verdicts.items()
        if key[0] != INCOMPLETE_CONTROL and it not in {Compliance.INSUFFICIENT_DATA, full_verdicts[key]}
    }
    assert contradictions == {}


@given(inventories())
def test_every_control_gives_one_finding_on_every_resource(inventory: Inventory) -> None:
    """No control fails; every finding has a reason, and its evidence is JSON."""
    findings = evaluate_facts(inventory).findings
    live_names = {facts.index.name for facts in inventory.indexes}
    deleted_keys = {
        (it.resource.name, it.resource.id) for it in findings if it.resource.type is ResourceType.DELETED_INDEX
    }
    deletion_times = {(it.index_name, it.index_id): it.index_deleted_at for it in inventory.backups.rows}
    assert (
        {key for key, deleted_at in deletion_times.items() if deleted_at and key[1].startswith("id-earlier")}
        <= deleted_keys
        <= deletion_times.keys()
    )
    expected = [(it.id, ResourceType.PROJECT, inventory.project) for it in CATALOG.project_controls]
    expected += [(it.id, ResourceType.INDEX, name) for it in CATALOG.index_controls for name in live_names]
    expected += [
        (it.id, ResourceType.DELETED_INDEX, name) for it in CATALOG.deleted_index_controls for name, _ in deleted_keys
    ]
    assert [(it.control, it.resource.type, it.resource.name) for it in findings] == sorted(expected)
    for finding in findings:
        assert "the control itself failed" not in finding.reason.casefold()
        assert finding.reason.endswith(".") or finding.control == "plan-allows-schedules"
        assert json.loads(json.dumps(finding.evidence)) == finding.evidence


@given(inventories(), st.data())
def test_what_was_not_read_changes_no_verdict_but_to_insufficient(inventory: Inventory, data: st.DataObject) -> None:
    """Any listing may have broken off anywhere: nothing is compliant, or not, for want of rows."""

    def maybe_truncate(listing: Any) -> Any:
        if isinstance(listing, Listing) and data.draw(st.booleans()):
            return data.draw(truncated_listings(listing))
        return listing

    def drop_facts(facts: IndexFacts) -> IndexFacts:
        own_listing = maybe_truncate(facts.own_backups)
        return replace(facts, schedules=maybe_truncate(facts.schedules), own_backups=own_listing)

    indexes = tuple(drop_facts(facts) for facts in inventory.indexes)
    known_ids = {it.schedule_id for facts in indexes for it in facts.schedules.rows}  # type: ignore[union-attr]  # all listed
    histories = {key: maybe_truncate(it) for key, it in inventory.histories.items() if key in known_ids}
    partial_inventory = replace(
        inventory, indexes=indexes, histories=histories, backups=maybe_truncate(inventory.backups)
    )
    assert_only_withheld(evaluate_verdicts(partial_inventory), evaluate_verdicts(inventory))


@given(index_cases(), st.sampled_from(["frequency", "retention", "enabled", "created_at"]), st.data())
def test_a_null_field_of_a_schedule_matters_only_where_it_decides(
    case: IndexCase, field: str, data: st.DataObject
) -> None:
    """An unknown fact, once known, does not change a verdict that was given without it."""
    listed_schedules = case.facts.schedules
    assert isinstance(listed_schedules, Listing)
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

    def set_value(value: Any) -> IndexCase:
        rows = [
            replace(row, **{field: value}) if position == number else row
            for position, row in enumerate(listed_schedules.rows)
        ]
        return replace(case, facts=replace(case.facts, schedules=replace(listed_schedules, rows=tuple(rows))))

    assert_only_withheld(evaluate_verdicts(set_value(None)), evaluate_verdicts(set_value(value)))


@given(index_cases(), st.sampled_from([timedelta(), HOUR, DAY, 3 * DAY, 9 * DAY, 90 * DAY]))
def test_a_finished_backup_without_any_time_matters_only_where_it_decides(case: IndexCase, age: timedelta) -> None:
    """A verdict that was given without the time of a backup is the same for any such time."""
    inventory = build_inventory(case)
    known_schedules = case.facts.schedules
    assert isinstance(known_schedules, Listing)
    assume(all(it.created_at is None or it.created_at <= ago(age) for it in known_schedules.rows))

    def add_time(row: Backup) -> Backup:
        is_undated = (row.created_at, row.scheduled_for, row.name) == (None, None, None)
        return replace(row, scheduled_for=ago(age)) if is_undated else row

    def add_times(listing: Listing[Backup]) -> Listing[Backup]:
        return replace(listing, rows=tuple(add_time(row) for row in listing.rows))

    histories = {key: add_times(it) for key, it in inventory.histories.items()}
    dated_inventory = replace(inventory, backups=add_times(inventory.backups), histories=histories)
    assert_only_withheld(evaluate_verdicts(inventory), evaluate_verdicts(dated_inventory))


@given(inventories(reads=1))
def test_one_read_withholds_what_a_second_could_change(inventory: Inventory) -> None:
    """A single read gives no verdict that a second read could change, and reports the listings to read again."""

    def read_twice(listing: Any) -> Any:
        return merge_reads([ListingRead(listing.rows)] * 2) if isinstance(listing, Listing) else listing

    indexes = tuple(
        replace(it, schedules=read_twice(it.schedules), own_backups=read_twice(it.own_backups))
        for it in inventory.indexes
    )
    histories = {key: read_twice(it) for key, it in inventory.histories.items()}
    once_read_verdicts = evaluate_verdicts(
        replace(inventory, indexes=indexes, histories=histories, backups=read_twice(inventory.backups))
    )
    evaluation = evaluate_facts(inventory)
    once_read_compliance = {(it.control, it.resource.name): it.compliance for it in evaluation.findings}
    assert_only_withheld(once_read_compliance, once_read_verdicts)
    assert bool(evaluation.unconfirmed_listings) is (once_read_compliance != once_read_verdicts)


@given(inventories(), st.randoms(use_true_random=False))
def test_the_order_and_the_repetition_of_rows_change_nothing(inventory: Inventory, random: Random) -> None:
    """The findings, the timelines and the digest of the facts stay the same."""

    def shuffle(listing: Any) -> Any:
        if not isinstance(listing, Listing):
            return listing
        reads = [
            ListingRead(tuple(random.sample(listing.rows * 2, len(listing.rows) * 2)))
            for _ in range(listing.read_count)
        ]
        return merge_reads(reads)

    indexes = [
        replace(it, schedules=shuffle(it.schedules), own_backups=shuffle(it.own_backups)) for it in inventory.indexes
    ]
    random.shuffle(indexes)
    keys = random.sample(sorted(inventory.histories), len(inventory.histories))
    shuffled_inventory = replace(
        inventory,
        indexes=tuple(indexes),
        backups=shuffle(inventory.backups),
        histories={key: shuffle(inventory.histories[key]) for key in keys},
    )
    assert evaluate_facts(shuffled_inventory) == evaluate_facts(inventory)
    assert list(evaluate_facts(shuffled_inventory).timelines) == list(evaluate_facts(inventory).timelines)
    assert hash_inventory(shuffled_inventory) == hash_inventory(inventory)


@given(index_cases(), st.sampled_from([timedelta(), HOUR, DAY, 2 * DAY, 9 * DAY]))
def test_a_newer_recovery_point_never_makes_freshness_worse(case: IndexCase, age: timedelta) -> None:
    """A recent index stays recent, and the age in the evidence does not grow."""
    compliance_before = evaluate_control("recovery-point-is-recent", build_inventory(case))
    compliance_after = evaluate_control(
        "recovery-point-is-recent", build_inventory(case, extra_backups=[build_backup(age, backup_id="another")])
    )
    if compliance_before.compliance is Compliance.COMPLIANT:
        assert compliance_after.compliance is Compliance.COMPLIANT
    ages = (compliance_before.evidence.get("age_hours"), compliance_after.evidence.get("age_hours"))
    if all(isinstance(it, float) for it in ages):
        assert ages[0] >= ages[1]  # type: ignore[operator]  # both are numbers
