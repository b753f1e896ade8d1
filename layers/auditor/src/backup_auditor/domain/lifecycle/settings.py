"""The settings that are remembered: indexes as complete audits saw them, schedules as every audit did."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from backup_auditor.domain.facts import Index
from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Listing, ListingId, ListingKind, known_rows
from backup_auditor.domain.memory import KnownIndex, KnownSchedule, Memory
from backup_auditor.domain.settings_history import observed, pruned


def remembered_indexes(
    known: Mapping[str, KnownIndex], inventory: Inventory, findings: tuple[Finding, ...]
) -> dict[str, KnownIndex]:
    """Return the live indexes; what this audit could not tell of one stays as it was, until it is gone."""
    ids = {it.resource.name: it.resource.id for it in findings if it.resource.type is ResourceType.INDEX}
    told = (facts.index for facts in inventory.indexes)
    found = {it.name: _index(it, ids.get(it.name), known.get(it.name), inventory.observed_at) for it in told}
    leaving = known.keys() & inventory.terminating_names - found.keys()
    return found | {name: known[name] for name in sorted(leaving)}


def _index(index: Index, index_id: str | None, before: KnownIndex | None, observed_at: datetime) -> KnownIndex:
    if before is None:
        return KnownIndex(index.name, index_id, observed_at, index.deletion_protection)
    is_other = index_id is not None and before.index_id is not None and index_id != before.index_id
    return KnownIndex(
        name=index.name,
        index_id=index_id or before.index_id,
        first_seen=observed_at if is_other else before.first_seen,
        deletion_protection=_first(index.deletion_protection, None if is_other else before.deletion_protection),
    )


def remembered_schedules(memory: Memory, inventory: Inventory) -> dict[str, KnownSchedule]:
    """Return the schedules to remember after an audit.

    What an audit read of a schedule is a fact, whether or not it read everything: its settings are compared with those
    known before. Only a complete audit forgets one: that of an index that is gone, or one that two walks missed.
    """
    found: dict[str, KnownSchedule] = {}
    answers = {facts.index.name: facts for facts in inventory.indexes}
    for name, facts in answers.items():
        for schedule in known_rows(facts.schedules):
            before = memory.schedules.get(schedule.schedule_id)
            seen = observed(schedule, name, before, memory.seen_at(before), inventory.observed_at)
            found[schedule.schedule_id] = pruned(seen, inventory.observed_at)
    for schedule_id, before in memory.schedules.items():
        told = answers.get(before.index_name)
        is_leaving = told is None and before.index_name in inventory.terminating_names
        is_gone = not inventory.unread and not is_leaving and (told is None or _proves_absence(told))
        if schedule_id not in found and not is_gone:
            found[schedule_id] = _unread(before, memory)
    return found


def _unread(before: KnownSchedule, memory: Memory) -> KnownSchedule:
    """Return a schedule that an audit did not read, with the last audit that did."""
    seen_at = memory.seen_at(before)
    if before.seen_at == seen_at and before.since is not None:
        return before
    return replace(before, since=before.since or seen_at, seen_at=seen_at)


def _proves_absence(facts: IndexFacts) -> bool:
    """Tell whether a schedule that is not among an index's is gone; a refusal tells nothing of what is there."""
    if facts.schedules is None:
        return True
    return isinstance(facts.schedules, Listing) and facts.schedules.broken is None and facts.schedules.walks > 1


def missed_schedules(known: Mapping[str, KnownSchedule], inventory: Inventory) -> frozenset[ListingId]:
    """Return the listings of schedules that a second walk should confirm: a schedule that was known is not there."""
    names = {it.index_name for it in known.values()}
    found = set[ListingId]()
    for facts in inventory.indexes:
        if facts.index.name not in names or not isinstance(facts.schedules, Listing):
            continue
        if facts.schedules.walks > 1 or facts.schedules.broken is not None:
            continue
        listed = {it.schedule_id for it in facts.schedules.rows}
        if any(it.index_name == facts.index.name and it.schedule_id not in listed for it in known.values()):
            found.add(ListingId(ListingKind.SCHEDULES, facts.index.name))
    return frozenset(found)


def _first[Fact](told: Fact | None, before: Fact | None) -> Fact | None:
    return before if told is None else told
