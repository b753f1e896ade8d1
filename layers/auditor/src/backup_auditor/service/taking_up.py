"""Takes up what an earlier run began, and did not live to say what came of it: what shows by now was done."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from backup_auditor.domain.facts import Backup
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import known_rows
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.deciding import Seen, demand_on
from backup_auditor.domain.remediation.record import ActionRecord, ActionState
from backup_auditor.domain.remediation.verifying import shown, told
from backup_auditor.ports.writing import RemediationLog

_LONGEST = timedelta(minutes=15)
"""No invocation lasts longer: what another began before that, nobody is at any more."""


def taken_up(inventory: Inventory, policy: Policy, log: RemediationLog, who: str) -> list[ActionRecord]:
    """Record as written what was begun before the inventory was read, and shows in it; the rest stays open.

    Lambda gives an invocation that it repeats the same id: what stands under `who` was left by an earlier try of it.
    Raises `StateError`.
    """
    return list(_taken_up(inventory, policy, log, who))


def _taken_up(inventory: Inventory, policy: Policy, log: RemediationLog, who: str) -> Iterator[ActionRecord]:
    now, backups = inventory.observed_at, tuple(inventory.listed_backups())
    seen = {it.index.name: Seen(now, it.index, known_rows(it.schedules), backups) for it in inventory.indexes}
    for record in log.unsettled(inventory.project):
        if record.began_at <= now - _LONGEST or (record.who == who and record.began_at <= now):
            settled = as_shown(record, log, seen, policy)
            if settled is not None:
                log.settle(settled)
                yield settled


def as_shown(
    record: ActionRecord, log: RemediationLog, seen: Mapping[str, Seen], policy: Policy
) -> ActionRecord | None:
    """Return the record of an attempt that shows in what was read; `None` where it does not, or its plan is forgotten.

    What shows was done; where the policy is not satisfied by it, verification failed. What was read is by index.
    Raises `StateError`.
    """
    plan = log.plan(record.project, record.plan_id)
    action = plan.action(record.key) if plan else None
    its = None if action is None else seen.get(action.index)
    if action is None or its is None:
        return None
    made = shown(action, record.before, its.schedules, (it for it in its.backups if it.index_name == action.index))
    if made is None:
        return None
    why = None if isinstance(made, Backup) else demand_on(its.index, policy, its.at).why_unsatisfied([made])
    return replace(
        record,
        state=ActionState.DONE if why is None else ActionState.AMISS,
        detail="Settled by reading: it shows." if why is None else f"Settled by reading. Verification failed. {why}",
        made_id=made.backup_id if isinstance(made, Backup) else made.schedule_id,
        after=told(made),
        ended_at=its.at,
    )
