"""The settings that are remembered to tell drift: indexes and schedules as complete audits saw them."""

from collections.abc import Mapping
from datetime import datetime

from backup_auditor.domain.facts import Index, Schedule
from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Listing, ListingId, ListingKind, known_rows
from backup_auditor.domain.memory import KnownIndex, KnownSchedule


def remembered_indexes(
    known: Mapping[str, KnownIndex], inventory: Inventory, findings: tuple[Finding, ...]
) -> dict[str, KnownIndex]:
    """Return the live indexes; what this audit could not tell of one stays as it was."""
    ids = {it.resource.name: it.resource.id for it in findings if it.resource.type is ResourceType.INDEX}
    told = (facts.index for facts in inventory.indexes)
    return {it.name: _index(it, ids.get(it.name), known.get(it.name), inventory.observed_at) for it in told}


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


def remembered_schedules(known: Mapping[str, KnownSchedule], inventory: Inventory) -> dict[str, KnownSchedule]:
    """Return the schedules of the live indexes; one that a single walk missed stays until a second one misses it."""
    found: dict[str, KnownSchedule] = {}
    answers = {facts.index.name: facts for facts in inventory.indexes}
    for name, facts in answers.items():
        for schedule in known_rows(facts.schedules):
            found[schedule.schedule_id] = _schedule(schedule, name, known.get(schedule.schedule_id))
    for schedule_id, before in known.items():
        told = answers.get(before.index_name)
        if schedule_id not in found and told is not None and not _proves_absence(told):
            found[schedule_id] = before
    return found


def _schedule(schedule: Schedule, index_name: str, before: KnownSchedule | None) -> KnownSchedule:
    return KnownSchedule(
        schedule_id=schedule.schedule_id,
        index_name=index_name,
        name=_first(schedule.name, before.name if before else None),
        frequency=_first(schedule.frequency, before.frequency if before else None),
        retention=_first(schedule.retention, before.retention if before else None),
        enabled=_first(schedule.enabled, before.enabled if before else None),
    )


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
