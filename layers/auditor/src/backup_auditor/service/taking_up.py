"""Takes up what an earlier run began, and did not live to say what came of it: what shows by now was done."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import known_rows
from backup_auditor.domain.remediation.record import ActionRecord, ActionState
from backup_auditor.domain.remediation.verifying import shown, told
from backup_auditor.ports.writing import RemediationLog

_LONGEST = timedelta(minutes=15)
"""No invocation lasts longer: what another began before that, nobody is at any more."""


def taken_up(inventory: Inventory, log: RemediationLog, who: str) -> list[ActionRecord]:
    """Record as done what was begun before the inventory was read, and shows in it; what does not show stays open.

    Lambda gives an invocation that it repeats the same id: what stands under `who` was left by an earlier try of it.
    Raises `StateError`.
    """
    return list(_taken_up(inventory, log, who))


def _taken_up(inventory: Inventory, log: RemediationLog, who: str) -> Iterator[ActionRecord]:
    now = inventory.observed_at
    schedules = {it.index.name: known_rows(it.schedules) for it in inventory.indexes}
    for record in log.unsettled(inventory.project):
        if record.began_at <= now - _LONGEST or (record.who == who and record.began_at <= now):
            settled = as_shown(record, log, schedules, inventory.listed_backups(), now)
            if settled is not None:
                log.settle(settled)
                yield settled


def as_shown(
    record: ActionRecord,
    log: RemediationLog,
    schedules: Mapping[str, Iterable[Schedule]],
    backups: Iterable[Backup],
    now: datetime,
) -> ActionRecord | None:
    """Return the record of an attempt that shows in what was read; `None` where it does not, or its plan is forgotten.

    The schedules are by index. Raises `StateError`.
    """
    plan = log.plan(record.project, record.plan_id)
    action = plan.action(record.key) if plan else None
    if action is None:
        return None
    its_backups = (it for it in backups if it.index_name == action.index)
    made = shown(action, record.before, schedules.get(action.index, ()), its_backups)
    if made is None:
        return None
    return replace(
        record,
        state=ActionState.DONE,
        detail="Settled by reading: it shows.",
        made_id=made.backup_id if isinstance(made, Backup) else made.schedule_id,
        after=told(made),
        ended_at=now,
    )
