"""Whether the policy is satisfied by what was done, as it reads back, and alone."""

from collections.abc import Container, Iterable, Iterator

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.phase import is_planned_run
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.actions import Action, ChangeSchedule, CreateSchedule, TakeBackup
from backup_auditor.domain.remediation.calls import Settings, settings_of
from backup_auditor.domain.remediation.deciding import Demand, Seen, demand_on
from backup_auditor.domain.schedule_facts import label


def why_amiss(action: Action, made_id: str, before: Seen, after: Seen, policy: Policy) -> str | None:
    """Return why verification fails of what was done; `None` where the policy is satisfied by what stands there."""
    if isinstance(action, TakeBackup):
        return next(_amiss_of_backup(made_id, before, after), None)
    return next(_amiss_of_schedule(made_id, before, after, demand_on(after.index, policy, after.at)), None)


def changed_since(action: Action, made_id: str, after: Seen) -> Schedule | None:
    """Return a schedule that satisfies the policy, and does not read back as it was asked for; `None` where it does."""
    asked = _asked_of(action)
    made = next((it for it in after.schedules if it.schedule_id == made_id), None)
    if asked is None or made is None or settings_of(made).within(asked) == asked:
        return None
    return made


def _asked_of(action: Action) -> Settings | None:
    match action:
        case CreateSchedule():
            return Settings(enabled=True, frequency=action.frequency, retention=action.retention)
        case ChangeSchedule():
            return action.changes
        case TakeBackup():
            return None


def _amiss_of_schedule(made_id: str, before: Seen, after: Seen, demand: Demand) -> Iterator[str]:
    made = next((it for it in after.schedules if it.schedule_id == made_id), None)
    if made is None:
        yield f"The schedule {made_id} is not listed. {demand.why_unsatisfied(after.schedules) or ''}".rstrip()
        return
    why = demand.why_unsatisfied([made])
    if why is not None:
        yield why
    if made.enabled and made.next_run is None:
        yield f"No run of its schedule {label(made)} is planned."
    known = {it.schedule_id for it in before.schedules}
    for it in after.schedules:
        if it.schedule_id not in known and it is not made:
            yield f"Another schedule appeared beside it, {_state(it)}: {label(it)} ({it.schedule_id})."
    why = demand.why_unsatisfied(after.schedules)
    if why is not None:
        yield why


def _amiss_of_backup(made_id: str, before: Seen, after: Seen) -> Iterator[str]:
    if all(it.backup_id != made_id for it in after.backups):
        yield f"The backup {made_id} is not listed."
    known = {it.backup_id for it in before.backups}
    for it in after.backups:
        if it.backup_id not in {*known, made_id} and not is_planned_run(it, after.at):
            yield f"Another backup appeared beside it: {it.name or it.backup_id}."


def shown(
    action: Action, before: Container[str], schedules: Iterable[Schedule], backups: Iterable[Backup]
) -> Schedule | Backup | None:
    """Return what an action made or changed, as far as it shows in what is read of its index.

    `before` are the ids that were there already.
    """
    match action:
        case CreateSchedule():
            asked = Settings(frequency=action.frequency, retention=action.retention)
            made = (it for it in schedules if it.name == action.name and it.schedule_id not in before)
            return next((it for it in made if settings_of(it).within(asked) == asked), None)
        case ChangeSchedule():
            its = (it for it in schedules if it.schedule_id == action.schedule_id)
            return next((it for it in its if settings_of(it).within(action.changes) == action.changes), None)
        case TakeBackup():
            taken = (it for it in backups if it.name == action.name and it.backup_id not in before)
            return next(taken, None)


def _state(schedule: Schedule) -> str:
    return {True: "enabled", False: "paused", None: "perhaps enabled"}[schedule.enabled]


def told(made: Schedule | Backup) -> dict[str, object]:
    """Return what is recorded of what was made or changed."""
    if isinstance(made, Backup):
        return {"name": made.name, "status": made.status}
    return {"name": made.name, **settings_of(made).body}
