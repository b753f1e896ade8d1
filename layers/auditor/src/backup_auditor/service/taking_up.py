"""Takes up what an earlier run began, and did not live to say what came of it: what shows by now was done."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from backup_auditor.domain.facts import Backup
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import ActionRecord, ActionState, Result
from backup_auditor.domain.remediation.verifying import shown, told
from backup_auditor.ports.writing import RemediationLog

_LONGEST = timedelta(minutes=15)
"""No invocation lasts longer: what another began before that, nobody is at any more."""

type TakenUp = tuple[Plan, tuple[Result], Mapping[str, ActionRecord]]
"""A plan, what was done of it, and the record by the key of its action: what an event tells."""


def taken_up(inventory: Inventory, log: RemediationLog, who: str) -> list[TakenUp]:
    """Record as done what was begun before the inventory was read, and shows in it; what does not show stays open.

    Lambda gives an invocation that it repeats the same id: what stands under `who` was left by an earlier try of it.
    Raises `StateError`.
    """
    return list(_taken_up(inventory, log, who))


def _taken_up(inventory: Inventory, log: RemediationLog, who: str) -> Iterator[TakenUp]:
    now = inventory.observed_at
    for record in log.unsettled(inventory.project):
        is_over = record.began_at <= now - _LONGEST or (record.who == who and record.began_at <= now)
        plan = log.plan(record.project, record.plan_id) if is_over else None
        action = next((it for it in plan.actions if it.key == record.key), None) if plan else None
        made = shown(action, record.before, inventory) if action else None
        if plan is None or action is None or made is None:
            continue
        made_id = made.backup_id if isinstance(made, Backup) else made.schedule_id
        result = Result(action, ActionState.DONE, "Settled by reading: it shows.", made_id)
        settled = replace(
            record, state=result.state, detail=result.detail, made_id=made_id, after=told(made), ended_at=now
        )
        log.settle(settled)
        yield plan, (result,), {record.key: settled}
